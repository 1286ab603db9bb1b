#include "report/document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/console.h"

namespace alertbench {
namespace {

constexpr const char* unknown = "-";

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
  return printable(text);
}

// In code points: enough for names in European languages to stand in line.
size_t width(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// Cells may end in a blank, so that digits stand below digits beside a marked figure.
std::string trimmed(const std::string& text) { return text.substr(0, text.find_last_not_of(' ') + 1); }

std::string markdown(const std::string& text) {
  std::string out;
  const std::string clean = trimmed(one_line(text));
  for (size_t i = 0; i < clean.size(); ++i) {
    const char c = clean[i];
    const bool link = c == ']' && i + 1 < clean.size() && (clean[i + 1] == '(' || clean[i + 1] == '[');
    if (link || std::string("\\|*_`<>&~").find(c) != std::string::npos) out += '\\';
    out += c;
  }
  return out;
}

std::string html(const std::string& text) {
  std::string out;
  for (const char c : trimmed(one_line(text))) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  return out;
}

// A cell that a spreadsheet would take for a formula; a number is none.
bool is_formula(const std::string& text) {
  if (text.empty() || std::string("=+-@").find(text[0]) == std::string::npos) return false;
  char* end = nullptr;
  std::strtod(text.c_str(), &end);
  return *end != '\0';
}

std::string csv(const std::string& cell) {
  const std::string text = (is_formula(cell) ? "'" : "") + one_line(cell);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  return out + '"';
}

std::string shown(const std::string& cell) { return cell.empty() ? unknown : one_line(cell); }

void append_text(std::string& out, const Table& table) {
  if (!table.title.empty()) out += one_line(table.title) + "\n";
  std::vector<size_t> widths;
  for (size_t c = 0; c < table.columns.size(); ++c) {
    widths.push_back(width(table.columns[c].title));
    for (const auto& row : table.rows) widths.back() = std::max(widths.back(), width(shown(row[c])));
  }
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (size_t c = 0; c < widths.size(); ++c) {
      const std::string cell = cell_of(c);
      const std::string gap(widths[c] - width(cell), ' ');
      text += (c ? "  " : "") + (table.columns[c].left ? cell + gap : gap + cell);
    }
    out += trimmed(text) + "\n";
  };
  line([&](size_t c) { return table.columns[c].title; });
  for (const auto& row : table.rows) line([&](size_t c) { return shown(row[c]); });
}

constexpr const char* style =
    "body{font:15px/1.45 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:90rem;margin:2rem "
    "auto;padding:0 1rem}"
    "h1{font-size:1.5rem}h2{font-size:1.1rem;margin:2rem 0 .4rem}.scroll{overflow-x:auto}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.87rem}"
    "th,td{padding:.2rem .7rem;text-align:right;white-space:nowrap;border-bottom:1px solid #ddd}"
    "th{border-bottom:2px solid #555;font-weight:600}.l{text-align:left}td.wrap{white-space:normal}"
    "tbody tr:nth-child(even){background:#f6f6f6}figure{margin:2rem 0}img{max-width:100%;height:auto}"
    "figcaption,.note{color:#555;font-size:.87rem}@media "
    "print{body{max-width:none;margin:0}.scroll{overflow:visible}}";

}  // namespace

void add_list(Document& document, const char* title, const std::vector<std::string>& lines) {
  if (lines.empty()) return;
  document.tables.push_back({"", {{title, true}}, {}});
  for (const std::string& text : lines) document.tables.back().rows.push_back({text});
}

std::string to_text(const Document& d) {
  std::string out = one_line(d.title) + "\n";
  for (const std::string& fact : d.facts) out += one_line(fact) + "\n";
  for (const Table& table : d.tables) {
    out += "\n";
    append_text(out, table);
  }
  for (const std::string& note : d.notes) out += "\n" + one_line(note) + "\n";
  return out;
}

std::string to_markdown(const Document& d) {
  std::string out = fmt::format("# {}\n", markdown(d.title));
  if (!d.facts.empty()) out += "\n";
  for (const std::string& fact : d.facts) out += fmt::format("- {}\n", markdown(fact));
  for (const Table& table : d.tables) {
    if (!table.title.empty()) out += fmt::format("\n## {}\n", markdown(table.title));
    out += "\n|";
    for (const Column& c : table.columns) out += fmt::format(" {} |", markdown(c.title));
    out += "\n|";
    for (const Column& c : table.columns) out += c.left ? " :-- |" : " --: |";
    out += "\n";
    for (const auto& row : table.rows) {
      out += "|";
      for (const std::string& cell : row) out += fmt::format(" {} |", markdown(shown(cell)));
      out += "\n";
    }
  }
  for (const std::string& note : d.notes) out += fmt::format("\n{}\n", markdown(note));
  return out;
}

std::string to_csv(const Table& values) {
  std::string out;
  for (size_t c = 0; c < values.columns.size(); ++c) out += (c ? "," : "") + csv(values.columns[c].title);
  out += "\n";
  for (const auto& row : values.rows) {
    for (size_t c = 0; c < row.size(); ++c) out += (c ? "," : "") + csv(row[c]);
    out += "\n";
  }
  return out;
}

std::string base64(const std::string& bytes) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < n ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (size_t k = 0; k < 4; ++k) out += k <= n ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string to_html(const Document& d, const std::vector<Figure>& figures) {
  std::string out = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width, "
      "initial-scale=1\">\n<title>{0}</title>\n<style>{1}</style>\n</head>\n<body>\n"
      "<h1>{0}</h1>\n",
      html(d.title), style);
  for (const std::string& fact : d.facts) out += fmt::format("<p>{}</p>\n", html(fact));
  for (const Table& table : d.tables) {
    if (!table.title.empty()) out += fmt::format("<h2>{}</h2>\n", html(table.title));
    out += "<div class=\"scroll\"><table>\n<thead><tr>";
    for (const Column& c : table.columns)
      out += fmt::format("<th{}>{}</th>", c.left ? " class=\"l\"" : "", html(c.title));
    out += "</tr></thead>\n<tbody>\n";
    for (const auto& row : table.rows) {
      out += "<tr>";
      for (size_t c = 0; c < row.size(); ++c)
        out += fmt::format("<td{}>{}</td>",
                           !table.columns[c].left ? ""
                           : width(row[c]) > 60   ? " class=\"l wrap\""
                                                  : " class=\"l\"",
                           html(shown(row[c])));
      out += "</tr>\n";
    }
    out += "</tbody>\n</table></div>\n";
  }
  for (const std::string& note : d.notes) out += fmt::format("<p class=\"note\">{}</p>\n", html(note));
  for (const Figure& f : figures)
    out += fmt::format(
        "<figure><img alt=\"{0}\" src=\"data:{1};base64,{2}\"><figcaption>{0}</figcaption></figure>\n",
        html(f.name), html(f.mime_type), base64(f.content));
  return out + "</body>\n</html>\n";
}

}  // namespace alertbench
