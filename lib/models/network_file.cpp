#include "models/network_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <limits>
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

NetworkAccuracy read_accuracy(JsonReader r, const std::string& architecture, int stages, bool must_rise) {
  const bool answers = architecture == "bert", words = architecture == "lstm";
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
    r.fail("perplexity", fmt::format("does not apply to architecture \"{}\"; omit it", architecture));
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

NetworkSpec read_network(JsonReader& r, const std::filesystem::path& folder, bool need_accuracy) {
  NetworkSpec n;
  n.name = r.text("name");
  if (n.name.empty() || n.name.find_first_of("/ \t\n") != std::string::npos)
    r.fail("name", fmt::format("\"{}\" must not contain spaces or slashes", n.name));
  n.architecture =
      r.one_of("architecture", "", {"resnet", "lstm", "bert", "zoo", "torchscript", "aotinductor"});
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
    n.accuracy = read_accuracy(r.object("accuracy"), n.architecture, n.stages(), need_accuracy);
  r.finish();
  return n;
}

}  // namespace

int NetworkSpec::stages() const {
  if (architecture == "resnet") return resnet.stripes;
  if (architecture == "lstm") return lstm.stripes;
  return architecture == "bert" ? bert.stages() : 1;
}

std::vector<double> NetworkSpec::stage_accuracy() const {
  if (architecture != "lstm") return accuracy.top1;
  return accuracy.guess_perplexity > 1 ? language_quality(accuracy.perplexity, accuracy.guess_perplexity)
                                       : std::vector<double>{};
}

int64_t NetworkSpec::parameters() const {
  if (architecture == "resnet") return resnet.parameters();
  if (architecture == "lstm") return lstm.parameters();
  if (architecture == "bert") return bert.parameters();
  return architecture == "zoo" ? zoo::parameters(zoo.architecture()) : 0;
}

int64_t NetworkSpec::multiply_accumulates() const {
  if (architecture == "resnet") return resnet.multiply_accumulates().back();
  if (architecture == "lstm") return lstm.multiply_accumulates().back();
  if (architecture == "bert") return bert.multiply_accumulates(SquadWindowSettings{}.max_length).back();
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
  r.finish();
  if (file.networks.empty()) r.fail("networks", "must list at least one network");
  return file;
}

void refuse_native_code(const std::vector<NetworkSpec>& networks, const std::string& path) {
  for (const NetworkSpec& n : networks)
    if (n.native_code())
      throw InputError(fmt::format(
          "{}: networks: {}: {} is native code, which can do whatever you can; if you trust it, add "
          "--allow-commands",
          path, n.name, n.weights));
}

const NetworkSpec& NetworkFile::find(const std::string& name) const {
  std::vector<std::string> names;
  for (const NetworkSpec& n : networks) {
    if (n.name == name) return n;
    names.push_back(n.name);
  }
  const std::string near = nearest_word(name, names);
  throw InputError(fmt::format("{}: no network \"{}\"{}; it has: {}", path, name,
                               near.empty() ? "" : fmt::format(" (did you mean \"{}\"?)", near),
                               fmt::join(names, ", ")));
}

}  // namespace alertbench
