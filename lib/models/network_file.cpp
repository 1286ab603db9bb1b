#include "models/network_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/error.h"
#include "base/json_reader.h"
#include "core/profile.h"
#include "workloads/squad_windows.h"

namespace alertbench {
namespace {

std::array<float, 3> per_channel(JsonReader& r, const std::string& key, int channels) {
  const std::vector<double> values = r.numbers(key, -1e6, 1e6);
  if (static_cast<int>(values.size()) != channels)
    r.fail(key, fmt::format("{} numbers, but the input has {} channels", values.size(), channels));
  std::array<float, 3> result{0, 0, 0};
  for (int c = 0; c < channels; ++c)
    result[static_cast<size_t>(c)] = static_cast<float>(values[static_cast<size_t>(c)]);
  return result;
}

ImageSpec read_input(JsonReader r) {
  ImageSpec spec;
  spec.channels = r.integer("channels", 3, 1, 3);
  if (spec.channels == 2) r.fail("channels", "2 is neither grey (1) nor RGB (3)");
  spec.height = r.integer("height", 8, 4096);
  spec.width = r.integer("width", 8, 4096);
  spec.mean = per_channel(r, "mean", spec.channels);
  spec.scale = per_channel(r, "scale", spec.channels);
  spec.resize = r.one_of("resize", "bilinear", {"bilinear", "bicubic"});
  spec.crop = static_cast<float>(r.number("crop", 0.875, 0.01, 1.0));
  r.finish();
  return spec;
}

void check_order(const JsonReader& r, const std::string& key, const std::vector<double>& values,
                 bool lower_is_better) {
  for (size_t s = 1; s < values.size(); ++s)
    if (lower_is_better ? values[s] > values[s - 1] : values[s] < values[s - 1])
      r.fail(key, fmt::format("{} from {} to {} at stage {}; later stages must be at least as good",
                              lower_is_better ? "rises" : "falls", values[s - 1], values[s], s + 1));
}

constexpr size_t most_networks = 1000;  // as in a profile
constexpr const char* about_quality =
    "language quality is 1 - ln(perplexity) / ln(guess_perplexity), of the network and of guessing the same "
    "words by their share of the training text (alert-train stores both)";

// `usable`: good enough for schedulers, not only for a list.
void read_perplexity(JsonReader& r, NetworkAccuracy& a, bool usable) {
  a.perplexity = r.numbers("perplexity", 1.0, 1e9);
  a.guess_perplexity = r.optional_number("guess_perplexity", 1.001, 1e9).value_or(0);
  if (!usable) return;
  if (a.perplexity.empty())
    r.fail("perplexity", fmt::format("is missing; add one number per stage: {}", about_quality));
  if (a.guess_perplexity == 0)
    r.fail("guess_perplexity", fmt::format("is missing; add one number: {}", about_quality));
  check_order(r, "perplexity", a.perplexity, true);
  if (a.perplexity[0] > a.guess_perplexity)
    r.fail("perplexity",
           fmt::format(
               "{} at stage 1 is above the guess_perplexity of {}: worse than guessing; train the network "
               "longer, or omit it",
               a.perplexity[0], a.guess_perplexity));
}

NetworkAccuracy read_accuracy(JsonReader r, const NetworkSpec& n, bool must_rise) {
  const bool answers = n.accuracy_unit() == AccuracyUnit::f1,
             words = n.accuracy_unit() == AccuracyUnit::language_quality;
  const int stages = n.stages();
  const std::string main_key = answers ? "f1" : "top1";
  NetworkAccuracy a;
  a.top1 = r.numbers(main_key, 0.0, 1.0);
  if (answers) {
    a.exact = r.numbers("exact", 0.0, 1.0);
  } else {
    a.top5 = r.numbers("top5", 0.0, 1.0);
  }
  if (words) read_perplexity(r, a, must_rise);
  if (!words && !answers && r.has("perplexity"))
    r.fail("perplexity", fmt::format("does not apply to architecture \"{}\"; omit it", n.architecture));
  a.source = r.one_of("source", "", {"measured", "published", "assumed"});
  a.on = r.text("on");
  r.finish();
  const auto check_size = [&](const std::string& key, const std::vector<double>& values) {
    if (static_cast<int>(values.size()) != stages)
      r.fail(key, fmt::format("{} values, but the network has {} stages", values.size(), stages));
  };
  if (!words || !a.top1.empty()) check_size(main_key, a.top1);
  if (answers) check_size("exact", a.exact);
  if (!a.top5.empty()) check_size("top5", a.top5);
  if (!a.perplexity.empty()) check_size("perplexity", a.perplexity);
  if (must_rise && !words) check_order(r, main_key, a.top1, false);
  return a;
}

void need_input(const JsonReader& r, const ImageSpec& input, int channels, int size) {
  if (input.channels != channels || input.height != size || input.width != size)
    r.fail("input", fmt::format("{}x{}x{} does not fit the network's config, {}x{}x{}", input.channels,
                                input.height, input.width, channels, size, size));
}

// 0 if that of a member is not known.
int64_t sum_over_members(const NetworkSpec& cascade, int64_t (NetworkSpec::*count)() const) {
  int64_t sum = 0;
  for (const auto& member : cascade.members) {
    const int64_t own = (*member.*count)();
    if (own == 0) return 0;
    sum += own;
  }
  return sum;
}

std::string no_such_network(const std::string& name, const std::vector<std::string>& names) {
  const std::string near = nearest_word(name, names);
  return fmt::format("no network \"{}\"{}; the file has: {}", name,
                     near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near),
                     fmt::join(names, ", "));
}

// One value for each member: that of its last stage. Empty if a member has none.
std::vector<double> of_last_stages(const NetworkSpec& cascade, std::vector<double> NetworkAccuracy::*values) {
  std::vector<double> result;
  for (const auto& member : cascade.members) {
    const std::vector<double>& own = member->accuracy.*values;
    if (own.empty()) return {};
    result.push_back(own.back());
  }
  return result;
}

// Where it comes from: the members' own if they agree; or else all of them, with the least certain source.
void compose_source(NetworkAccuracy& a, const NetworkSpec& cascade) {
  const NetworkAccuracy& first = cascade.members[0]->accuracy;
  const auto agrees = [&](const auto& m) {
    return m->accuracy.source == first.source && m->accuracy.on == first.on;
  };
  a.source = first.source;
  a.on = first.on;
  if (std::all_of(cascade.members.begin(), cascade.members.end(), agrees)) return;
  std::vector<std::string> each;
  const auto certainty = [](const std::string& source) {
    return source == "measured" ? 2 : source == "published" ? 1 : 0;
  };
  for (const auto& m : cascade.members) {
    if (certainty(m->accuracy.source) < certainty(a.source)) a.source = m->accuracy.source;
    each.push_back(fmt::format("{}: {}: {}", m->name, m->accuracy.source, m->accuracy.on));
  }
  a.on = fmt::format("{}", fmt::join(each, "; "));
}

// The accuracy of a cascade whose stages answer as its members do; unknown if that of a member is.
// `must_rise`: good enough for schedulers, not only for a list.
NetworkAccuracy accuracy_of_members(const JsonReader& config, const NetworkSpec& cascade, bool must_rise) {
  const auto& members = cascade.members;
  NetworkAccuracy a;
  for (size_t m = 0; m < members.size(); ++m) {
    const std::vector<double> own = members[m]->stage_accuracy();
    if (own.empty()) return {};
    const double guess = members[m]->accuracy.guess_perplexity;
    if (m == 0) a.guess_perplexity = guess;
    if (guess != a.guess_perplexity) {
      if (!must_rise) return {};
      config.fail("members",
                  fmt::format("the guess_perplexity is {} of {} and {} of {}: they were measured on "
                              "different words; add the accuracy of the cascade",
                              a.guess_perplexity, members[0]->name, guess, members[m]->name));
    }
    const double before = m > 0 ? members[m - 1]->stage_accuracy().back() : 0;
    if (must_rise && own.back() < before)
      config.fail("members",
                  fmt::format("accuracy falls from {:.4f} ({}) to {:.4f} ({}) at stage {}; change the "
                              "order, or omit a network: later ones must be at least as accurate",
                              before, members[m - 1]->name, own.back(), members[m]->name, m + 1));
  }
  a.top1 = of_last_stages(cascade, &NetworkAccuracy::top1);
  a.top5 = of_last_stages(cascade, &NetworkAccuracy::top5);
  a.perplexity = of_last_stages(cascade, &NetworkAccuracy::perplexity);
  a.exact = of_last_stages(cascade, &NetworkAccuracy::exact);
  compose_source(a, cascade);
  return a;
}

using NetworksByName = std::map<std::string, std::shared_ptr<const NetworkSpec>>;  // all but cascades

// The second half of reading a cascade, when all other networks are known.
void read_members(JsonReader& r, NetworkSpec& n, const NetworksByName& known,
                  const std::set<std::string>& all_names, bool need_accuracy) {
  const JsonReader config(r.raw("config"), r.where() + ": config");
  for (const std::string& name : n.cascade.members) {
    const auto found = known.find(name);
    if (found == known.end() && all_names.count(name))
      config.fail("members", fmt::format("\"{}\" is a cascade; list its members instead", name));
    if (found == known.end()) {
      std::vector<std::string> names;
      for (const auto& [other, spec] : known) names.push_back(other);
      config.fail("members", no_such_network(name, names));
    }
    const NetworkSpec& member = *found->second;
    for (const auto& other : n.members) {
      if (other->accuracy_unit() != member.accuracy_unit())
        config.fail("members", fmt::format("\"{}\" and \"{}\" read different kinds of input ({} and {})",
                                           other->name, name, other->architecture, member.architecture));
      if (other->classes() && member.classes() && other->classes() != member.classes())
        config.fail("members",
                    fmt::format("\"{}\" gives {} scores, \"{}\" gives {}; members must know the same classes",
                                other->name, other->classes(), name, member.classes()));
    }
    n.members.push_back(found->second);
  }
  if (r.has("accuracy")) {
    n.accuracy = read_accuracy(r.object("accuracy"), n, need_accuracy);
  } else if (n.cascade.answer == CascadeAnswer::last || n.members.size() == 1) {
    n.accuracy = accuracy_of_members(config, n, need_accuracy);
  } else if (need_accuracy) {
    r.fail(
        "accuracy",
        "is missing, and nothing else tells how accurate averaged answers are; measure it with `alert-bench "
        "profile SCENARIO --networks FILE --accuracy`, which prints the lines to add here, or run with that "
        "profile (--profile)");
  }
  r.finish();
}

NetworkSpec read_network(JsonReader& r, const std::filesystem::path& folder, bool need_accuracy) {
  NetworkSpec n;
  n.name = r.text("name");
  if (n.name.empty() || n.name.find_first_of("/ \t\n") != std::string::npos)
    r.fail("name", fmt::format("\"{}\" must not contain spaces or slashes", n.name));
  n.architecture = r.one_of("architecture", "",
                            {"resnet", "lstm", "bert", "zoo", "torchscript", "aotinductor", "cascade"});
  if (n.is_cascade()) {
    n.cascade = CascadeConfig::from_json(r.raw("config"), r.where() + ": config");
    for (const char* key : {"weights", "random_seed", "input"})
      if (r.has(key)) r.fail(key, "does not apply to a cascade, whose members have their own; omit it");
    return n;
  }
  if (n.architecture == "resnet") n.resnet = ResnetConfig::from_json(r.raw("config"), r.where() + ": config");
  if (n.architecture == "zoo") n.zoo = ZooConfig::from_json(r.raw("config"), r.where() + ": config");
  if (n.architecture == "lstm") n.lstm = LstmConfig::from_json(r.raw("config"), r.where() + ": config");
  if (n.architecture == "bert") n.bert = BertConfig::from_json(r.raw("config"), r.where() + ": config");
  n.weights = r.text("weights", "");
  if (!n.weights.empty() && n.weights[0] != '/') n.weights = (folder / n.weights).lexically_normal().string();
  if (n.holds_code() && n.weights.empty())
    r.fail("weights", fmt::format("is missing; set it to the path of the {}",
                                  n.native_code() ? "AOTInductor package" : "TorchScript file"));
  if (r.has("random_seed") && !n.weights.empty())
    r.fail("random_seed", "does not apply if there are \"weights\"; omit it");
  n.random_seed = r.seed("random_seed", 1);
  if (n.architecture != "lstm" && n.architecture != "bert") n.input = read_input(r.object("input"));
  if (n.architecture == "resnet") need_input(r, n.input, n.resnet.in_channels, n.resnet.input_size);
  if (n.architecture == "zoo") need_input(r, n.input, 3, n.zoo.input_size);
  const bool stated = r.has("accuracy");
  const auto published = n.architecture == "zoo" && !stated ? published_accuracy(n.zoo) : std::nullopt;
  if (published)
    n.accuracy = {{published->top1},
                  published->top5 ? std::vector<double>{*published->top5} : std::vector<double>{},
                  {},
                  0,
                  {},
                  "published",
                  published->source + (n.random_weights() ? " (not these random weights)"
                                                          : " (not checked for these weights)")};
  else if (need_accuracy || stated)  // a badly trained network can be listed, and trained again
    n.accuracy = read_accuracy(r.object("accuracy"), n, need_accuracy);
  r.finish();
  return n;
}

}  // namespace

std::vector<const NetworkSpec*> NetworkSpec::parts() const {
  if (!is_cascade()) return {this};
  std::vector<const NetworkSpec*> all;
  for (const auto& member : members) all.push_back(member.get());
  return all;
}

std::vector<ImageSpec> NetworkSpec::images() const {
  std::vector<ImageSpec> all;
  for (const NetworkSpec* part : parts()) all.push_back(part->input);
  const auto as_first = [&](const ImageSpec& image) { return image == all[0]; };
  if (std::all_of(all.begin(), all.end(), as_first)) all.resize(1);
  return all;
}

int NetworkSpec::stages() const {
  if (architecture == "resnet") return resnet.stripes;
  if (architecture == "lstm") return lstm.stripes;
  if (is_cascade()) return static_cast<int>(members.size());
  return architecture == "bert" ? bert.stages() : 1;
}

int NetworkSpec::classes() const {
  if (architecture == "resnet") return resnet.classes;
  if (architecture == "zoo") return zoo.classes;
  if (architecture == "lstm") return lstm.vocabulary;
  for (const auto& member : members)
    if (const int known = member->classes()) return known;
  return 0;
}

bool NetworkSpec::native_code() const {
  return architecture == "aotinductor" ||
         std::any_of(members.begin(), members.end(), [](const auto& m) { return m->native_code(); });
}

bool NetworkSpec::holds_code() const {
  return native_code() || architecture == "torchscript" ||
         std::any_of(members.begin(), members.end(), [](const auto& m) { return m->holds_code(); });
}

bool NetworkSpec::random_weights() const {
  if (!is_cascade()) return weights.empty();
  return std::any_of(members.begin(), members.end(), [](const auto& m) { return m->random_weights(); });
}

AccuracyUnit NetworkSpec::accuracy_unit() const {
  if (is_cascade()) return members[0]->accuracy_unit();
  return architecture == "lstm"   ? AccuracyUnit::language_quality
         : architecture == "bert" ? AccuracyUnit::f1
                                  : AccuracyUnit::top1;
}

std::vector<double> NetworkSpec::stage_accuracy() const {
  if (accuracy_unit() != AccuracyUnit::language_quality) return accuracy.top1;
  return accuracy.guess_perplexity > 1 ? language_quality(accuracy.perplexity, accuracy.guess_perplexity)
                                       : std::vector<double>{};
}

int64_t NetworkSpec::parameters() const {
  if (architecture == "resnet") return resnet.parameters();
  if (architecture == "lstm") return lstm.parameters();
  if (architecture == "bert") return bert.parameters();
  if (is_cascade()) return sum_over_members(*this, &NetworkSpec::parameters);
  return architecture == "zoo" ? zoo::parameters(zoo.architecture()) : 0;
}

int64_t NetworkSpec::multiply_accumulates() const {
  if (architecture == "resnet") return resnet.multiply_accumulates().back();
  if (architecture == "lstm") return lstm.multiply_accumulates().back();
  if (architecture == "bert") return bert.multiply_accumulates(SquadWindowSettings{}.max_length).back();
  if (is_cascade()) return sum_over_members(*this, &NetworkSpec::multiply_accumulates);
  return architecture == "zoo" ? zoo::multiply_accumulates(zoo.architecture()) : 0;
}

NetworkFile NetworkFile::read(const std::string& path, bool need_accuracy) {
  const nlohmann::json j = read_json_file(path, written_by_hand);
  JsonReader r(j, path);
  NetworkFile file;
  file.path = path;
  r.one_of("schema_version", "", {"1.0"});
  file.workload = r.text("workload");
  std::set<std::string> names;
  std::vector<JsonReader> networks = r.objects("networks");
  if (networks.size() > most_networks)
    r.fail("networks", fmt::format("has {} entries; the limit is {}", networks.size(), most_networks));
  for (JsonReader& n : networks) {
    file.networks.push_back(read_network(n, std::filesystem::path(path).parent_path(), need_accuracy));
    if (!names.insert(file.networks.back().name).second)
      n.fail("name", fmt::format("duplicate name \"{}\"", file.networks.back().name));
  }
  NetworksByName members;
  for (const NetworkSpec& n : file.networks)
    if (!n.is_cascade()) members.emplace(n.name, std::make_shared<const NetworkSpec>(n));
  for (size_t n = 0; n < networks.size(); ++n)
    if (file.networks[n].is_cascade())
      read_members(networks[n], file.networks[n], members, names, need_accuracy);
  r.finish();
  if (file.networks.empty()) r.fail("networks", "must list at least one network");
  return file;
}

nlohmann::ordered_json to_json(const NetworkAccuracy& a, AccuracyUnit unit) {
  nlohmann::ordered_json j;
  const auto put = [&j](const char* key, const std::vector<double>& values) {
    if (!values.empty()) j[key] = values;
  };
  put(unit == AccuracyUnit::f1 ? "f1" : "top1", a.top1);
  put("top5", a.top5);
  put("exact", a.exact);
  put("perplexity", a.perplexity);
  if (!a.perplexity.empty()) j["guess_perplexity"] = a.guess_perplexity;
  j["source"] = a.source;
  j["on"] = a.on;
  return j;
}

void refuse_native_code(const std::vector<NetworkSpec>& networks, const std::string& path) {
  for (const NetworkSpec& n : networks)
    for (const NetworkSpec* part : n.parts())
      if (part->native_code())
        throw InputError(fmt::format(
            "{}: networks: {}: {} is native code, which can do whatever you can; if you trust it, add "
            "--allow-commands",
            path, part->name, part->weights));
}

const NetworkSpec& NetworkFile::find(const std::string& name) const {
  std::vector<std::string> names;
  for (const NetworkSpec& n : networks) {
    if (n.name == name) return n;
    names.push_back(n.name);
  }
  throw InputError(fmt::format("{}: {}", path, no_such_network(name, names)));
}

}  // namespace alertbench
