// What a report says, gathered once: text, tables for people, one table of raw values for programs. One
// writer a format.
#pragma once

#include <string>
#include <vector>

namespace alertbench {

struct Column {
  std::string title;
  bool left = false;  // names and words; numbers are flush right
};

// Cells are text, formatted already; an empty one is unknown. Every row has one cell a column.
struct Table {
  std::string title;
  std::vector<Column> columns;
  std::vector<std::vector<std::string>> rows;
};

struct Document {
  std::string title;
  std::vector<std::string> facts;  // one line each, before the tables: where the figures come from
  std::vector<Table> tables;
  std::vector<std::string> notes;  // paragraphs after the tables: what the columns mean
  Table values;                    // for programs: keys as column titles, numbers with all digits
};

// Adds `lines` as a table of one column; nothing if there are none.
void add_list(Document& document, const char* title, const std::vector<std::string>& lines);

// A picture to stand in the page.
struct Figure {
  std::string name;       // shown below it
  std::string mime_type;  // "image/png" or "image/svg+xml"
  std::string content;    // bytes
};

// Names and reasons come from files of others: in all of them they are on one line, printable()
// (core/console.h) and escaped; in CSV (RFC 4180) what a spreadsheet would take for a formula gets an
// apostrophe in front.
std::string to_text(const Document& document);
std::string to_markdown(const Document& document);
std::string to_csv(const Table& values);
// One page that needs neither network, script nor other file. Text is escaped, figures are data URIs.
std::string to_html(const Document& document, const std::vector<Figure>& figures);

std::string base64(const std::string& bytes);  // RFC 4648

}  // namespace alertbench
