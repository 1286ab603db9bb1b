#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "base/error.h"
#include "catch.h"
#include "models/state_dict_file.h"
#include "stored_zip_writer.h"
#include "support.h"

using namespace alertbench;

namespace {

std::string number(uint64_t value, int size) { return little_endian(value, size); }

using Members = ZipMembers;
std::string zip(const Members& members, uint32_t method = 0) { return stored_zip(members, method); }

// Pickle, protocol 2, by its codes.
std::string text(const std::string& t) { return "X" + number(t.size(), 4) + t; }
std::string global(const std::string& module, const std::string& name) {
  return "c" + module + "\n" + name + "\n";
}
std::string integer(int64_t v) {
  return v >= 0 && v < 256 ? "K" + number(static_cast<uint64_t>(v), 1)
                           : "\x8a\x08" + number(static_cast<uint64_t>(v), 8);
}
std::string tuple(const std::vector<int64_t>& values) {
  std::string all = "(";
  for (const int64_t v : values) all += integer(v);
  return all + "t";
}
std::string tensor(const std::string& type, const std::string& key, int64_t offset,
                   const std::vector<int64_t>& shape, const std::vector<int64_t>& stride) {
  return global("torch._utils", "_rebuild_tensor_v2") + "((" + text("storage") + global("torch", type) +
         text(key) + text("cpu") + integer(6) + "tQ" + integer(offset) + tuple(shape) + tuple(stride) +
         "\x89" + global("collections", "OrderedDict") + ")RtR";
}
const std::string start = "\x80\x02", ordered = global("collections", "OrderedDict") + ")R";

StateDictFile read(const std::string& bytes) {
  const TemporaryFile file(bytes);
  return StateDictFile::read(file.path);
}

std::string six_floats() {
  const float values[] = {0, 1, 2, 3, 4, 5};
  return std::string(reinterpret_cast<const char*>(values), sizeof values);
}

std::string archive(const std::string& pickle) {
  return zip({{"net/data.pkl", pickle}, {"net/data/0", six_floats()}, {"net/version", "3\n"}});
}

std::string refusal(const std::string& bytes) {
  try {
    read(bytes);
  } catch (const InputError& e) {
    return e.what();
  }
  return "accepted";
}

std::string refused_pickle(const std::string& pickle) { return refusal(archive(start + pickle)); }

float float_at(const StoredTensor& t, size_t index) {
  float value;
  std::memcpy(&value, t.data.data() + index * sizeof value, sizeof value);
  return value;
}

const std::string sound = start + ordered + "q\x01(" + text("fc.weight") +
                          tensor("FloatStorage", "0", 1, {2, 2}, {1, 2}) + text("fc.count") +
                          tensor("LongStorage", "0", 0, {}, {}) + "u}" + text("_metadata") + ordered + "sb.";

}  // namespace

TEST_CASE("state dictionary: an OrderedDict with attributes, as Python writes it", "[state-dict]") {
  const StateDictFile file = read(archive(sound));
  REQUIRE(file.tensors().size() == 2);
  const StoredTensor* t = file.find("fc.weight");
  REQUIRE(t != nullptr);
  CHECK(t->type == NumberType::float32);
  CHECK(t->shape == std::vector<int64_t>{2, 2});
  CHECK(t->stride == std::vector<int64_t>{1, 2});
  REQUIRE(t->data.size() == 4 * sizeof(float));
  CHECK(float_at(*t, 0) == 1);
  CHECK(float_at(*t, 3) == 4);
  CHECK(file.find("fc.count")->type == NumberType::integer);
  CHECK(file.find("fc.count")->shape.empty());
  CHECK(file.find("fc") == nullptr);
}

TEST_CASE("state dictionary: a plain dictionary, a typed one, and parameters", "[state-dict]") {
  const std::string entry = text("w") + tensor("HalfStorage", "0", 0, {12}, {1});
  CHECK(read(archive(start + "}" + entry + "s.")).tensors()[0].type == NumberType::float16);
  CHECK(read(archive(start + global("torch.jit._pickle", "restore_type_tag") + "(}" + entry + "s" +
                     text("Dict[str, Tensor]") + "tR."))
            .tensors()[0]
            .shape == std::vector<int64_t>{12});
  CHECK(read(archive(start + "}" + text("w") + global("torch._utils", "_rebuild_parameter") + "(" +
                     tensor("BFloat16Storage", "0", 0, {3}, {4}) + "\x88" + ordered + "tRs."))
            .find("w")
            ->data.size() == 18);
  CHECK(read(archive(start + "}.")).tensors().empty());
  CHECK(read(archive(start + "}" + text("none") + tensor("FloatStorage", "0", 6, {0, 5}, {5, 1}) + "s."))
            .tensors()[0]
            .data.empty());
}

TEST_CASE("state dictionary: what is none is refused with a reason", "[state-dict]") {
  CHECK(contains(refusal(""), "truncated, or neither PyTorch's zip format"));
  CHECK(contains(refusal("no zip archive at all, but long enough for one"),
                 "truncated, or neither PyTorch's zip format"));
  CHECK(contains(refusal(zip({{"readme", "hello"}})), "without a data.pkl"));
  CHECK(contains(refusal(zip({{"net/data.pkl", sound}}, 8)), "compressed"));
  CHECK(contains(refusal(zip({{"net/data.pkl", sound}, {"net/data.pkl", sound}})), "duplicate member"));
  CHECK(contains(refusal(zip({{"net/data.pkl", sound}, {"net/byteorder", "big"}})), "big-endian"));
  CHECK(contains(refusal(zip({{"net/data.pkl", sound}})), "member data/0 is missing"));
  std::string damaged = archive(sound);
  damaged[damaged.find("fc.weight")] ^= 1;
  CHECK(contains(refusal(damaged), "wrong checksum"));
  CHECK(contains(refused_pickle("N."), "a plain dictionary"));
  CHECK(contains(refused_pickle("}" + text("epoch") + "K\3s."), "\"epoch\" is not a tensor"));
  CHECK(contains(refused_pickle("}K\1K\2s."), "not a string"));
  CHECK(contains(refused_pickle(global("posix", "system") + "(" + text("true") + "tR."),
                 "it would call posix.system"));
  CHECK(
      contains(refused_pickle(global("__main__", "Net") + ")\x81."), "Python objects, of type __main__.Net"));
  CHECK(contains(refused_pickle("}" + text("w") + global("os", "getcwd") + ")Rs."),
                 "\"w\" is not a tensor (it would call os.getcwd)"));
  CHECK(contains(refused_pickle("}(" + text("w") + tensor("FloatStorage", "0", 0, {1}, {1}) + text("w") +
                                tensor("FloatStorage", "0", 0, {1}, {1}) + "u."),
                 "duplicate name \"w\""));
  CHECK(contains(refused_pickle("}" + text("w") + tensor("ComplexFloatStorage", "0", 0, {1}, {1}) + "s."),
                 "numbers of type"));
  CHECK_THROWS_AS(StateDictFile::read("/nonexistent/weights.pt"), InputError);
  CHECK_THROWS_AS(StateDictFile::read("/tmp"), InputError);
}

TEST_CASE("state dictionary: tensors beyond their data are refused", "[state-dict]") {
  const auto shaped = [](int64_t offset, const std::vector<int64_t>& shape,
                         const std::vector<int64_t>& stride) {
    return refused_pickle("}" + text("w") + tensor("FloatStorage", "0", offset, shape, stride) + "s.");
  };
  const int64_t huge = int64_t{1} << 62;
  CHECK(shaped(0, {6}, {1}) == "accepted");
  CHECK(shaped(0, {huge}, {0}) == "accepted");  // one number, repeated; nothing of that size is made
  CHECK(contains(shaped(0, {7}, {1}), "larger than its data"));
  CHECK(contains(shaped(6, {}, {}), "larger than its data"));
  CHECK(contains(shaped(1, {2, 3}, {3, 1}), "larger than its data"));
  CHECK(contains(shaped(0, {huge, huge}, {huge, huge}), "larger than its data"));
  CHECK(contains(shaped(0, {2, 2}, {huge, huge}), "larger than its data"));
  CHECK(contains(shaped(huge, {2}, {huge}), "do not match"));
  CHECK(contains(shaped(-1, {2}, {1}), "do not match"));
  CHECK(contains(shaped(0, {2}, {-1}), "negative"));
  CHECK(contains(shaped(0, {-2}, {1}), "negative"));
  CHECK(contains(shaped(0, {2, 3}, {1}), "do not match"));
  CHECK(contains(shaped(0, std::vector<int64_t>(9, 1), std::vector<int64_t>(9, 1)), "of 9 numbers"));
}

TEST_CASE("state dictionary: torn and mad pickles are errors, not crashes", "[state-dict]") {
  for (size_t length = 0; length < sound.size(); ++length)
    CHECK(refusal(archive(sound.substr(0, length))) != "accepted");
  const std::string whole = archive(sound);
  for (size_t length = 0; length < whole.size(); ++length)
    CHECK(refusal(whole.substr(0, length)) != "accepted");
  for (size_t at = 0; at < sound.size(); ++at)  // every code and every count in turn
    for (const int value : {0x00, 0x28, 0x2e, 0x52, 0x71, 0x74, 0x75, 0x7f, 0xff}) {
      std::string changed = sound;
      changed[at] = static_cast<char>(value);
      refusal(archive(changed));
    }
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 0xFF);
    refusal(changed);
  }
  CHECK(contains(refused_pickle(std::string(2'000'000, ')') + "."), "more values"));
  CHECK(contains(refused_pickle(")" + std::string(900'000, '\x85') + "."),
                 "a plain dictionary"));  // nested that deep
  CHECK(contains(refused_pickle("X\xff\xff\xff\xff"), "too early"));
  CHECK(contains(refused_pickle("h\x05."), "never stored"));
  CHECK(contains(refused_pickle("cmodule without an end"), "too early"));
}

TEST_CASE("state dictionary: within a checkpoint of a training script", "[state-dict]") {
  const std::string w = text("w") + tensor("FloatStorage", "0", 0, {6}, {1}), dictionary = "}" + w + "s";
  const std::string rest = text("epoch") + "K\3" + text("loss") + "G" + std::string(8, '\0') + text("args") +
                           global("argparse", "Namespace") + ")\x81}" + text("lr") + "K\1sb" + text("best") +
                           tensor("FloatStorage", "0", 0, {}, {}) + text("scheduler") +
                           global("numpy", "scalar") + "(K\1tR";
  for (const char* key : {"state_dict", "model_state_dict", "model", "net"})
    CHECK(read(archive(start + "}(" + rest + text(key) + dictionary + "u.")).find("w"));
  CHECK(
      read(archive(start + "}(" + text("model") + "}(" + text("state_dict") + dictionary + "u" + rest + "u."))
          .tensors()
          .size() == 1);
  // The weights, not the optimiser's state, nor a copy of them.
  CHECK(read(archive(start + "}(" + text("model_ema") + "}" + text("optimizer") + "}" + text("state_dict") +
                     dictionary + "u."))
            .find("w"));
  CHECK(contains(refused_pickle("}(" + text("model") + global("models", "Net") + ")\x81" + rest + "u."),
                 "of type models.Net"));
  CHECK(contains(refused_pickle("}(" + rest + "u."), "\"epoch\" is not a tensor"));
  std::string wrapped = dictionary;
  for (int i = 0; i < 20; ++i) wrapped = "}" + text("model") + wrapped + "s";
  CHECK(contains(refused_pickle(wrapped + "."), "endlessly nested"));
}

TEST_CASE("state dictionary: later protocols of pickle, and how tensors are rebuilt elsewhere",
          "[state-dict]") {
  const auto short_text = [](const std::string& t) { return "\x8c" + number(t.size(), 1) + t; };
  std::string pickle = tensor("FloatStorage", "0", 0, {6}, {1});
  const std::string called = global("torch._utils", "_rebuild_tensor_v2");
  pickle.replace(0, called.size(),
                 short_text("torch._utils") + "\x94" + short_text("_rebuild_tensor_v2") + "\x94\x93");
  CHECK(read(archive("\x80\x04\x95" + number(99, 8) + "}\x94" + short_text("w") + pickle + "s.")).find("w"));
  const std::string arguments = tensor("FloatStorage", "0", 0, {6}, {1}).substr(called.size());  // ... R
  CHECK(read(archive(start + "}" + text("w") + global("torch._tensor", "_rebuild_from_type_v2") + "(" +
                     called + global("torch.nn.parameter", "Parameter") +
                     arguments.substr(0, arguments.size() - 1) + "}tRs."))
            .find("w"));
  CHECK(read(archive(start + global("collections", "OrderedDict") + "((" + "(" + text("w") +
                     tensor("FloatStorage", "0", 0, {6}, {1}) + "lltR."))
            .find("w"));
}

namespace {

std::string legacy(const std::string& pickle, const std::string& keys, const std::string& storages) {
  return std::string("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15) + start + "M\xe9\x03." +
         start + "}" + text("little_endian") + "\x88s." + start + pickle + start + keys + storages;
}

std::string old_tensor(const std::string& key) {  // a storage has a sixth part, None
  std::string t = tensor("FloatStorage", key, 1, {2, 2}, {1, 2});
  const size_t end = t.find("tQ");
  return t.substr(0, end) + "N" + t.substr(end);
}

std::string safetensors(const std::string& header, const std::string& numbers) {
  return number(header.size(), 8) + header + numbers;
}

}  // namespace

TEST_CASE("state dictionary: the format before PyTorch 1.6", "[state-dict]") {
  const std::string pickle = "}(" + text("a") + old_tensor("77") + text("b") + old_tensor("78") + "u.",
                    keys = "](" + text("78") + text("77") + "e.";
  std::string other = six_floats();
  other[5 * sizeof(float) - 1] ^= '\x80';  // 4 becomes -4
  const std::string storages = number(6, 8) + other + number(6, 8) + six_floats();
  const StateDictFile file = read(legacy(pickle, keys, storages));
  REQUIRE(file.tensors().size() == 2);
  CHECK(float_at(*file.find("a"), 3) == 4);
  CHECK(float_at(*file.find("b"), 3) == -4);
  CHECK(file.find("a")->stride == std::vector<int64_t>{1, 2});
  const std::string whole = legacy(pickle, keys, storages);
  for (size_t length = 0; length < whole.size(); ++length)
    CHECK(refusal(whole.substr(0, length)) != "accepted");
  CHECK(contains(refusal(legacy(pickle, keys, number(uint64_t{1} << 62, 8) + storages)), "truncated"));
  CHECK(contains(refusal(legacy(pickle, "](" + text("77") + "e.", number(6, 8) + six_floats())),
                 "member data/78 is missing"));
  CHECK(contains(
      refusal(legacy(pickle, keys, number(3, 8) + other.substr(0, 12) + number(6, 8) + six_floats())),
      "larger than its data"));
}

TEST_CASE("state dictionary: the format before PyTorch 1.6 in other protocols of pickle", "[state-dict]") {
  const std::string magic = legacy("", "", "").substr(2, 13), w = text("w") + old_tensor("77"),
                    numbers = number(6, 8) + six_floats();
  const std::string keys = "](" + text("77") + "e.";
  const auto in_protocol = [&](const std::string& begin, const std::string& first) {
    return first + begin + "M\xe9\x03." + begin + "}" + text("little_endian") + "\x88s." + begin + "}" + w +
           "s." + begin + keys + numbers;
  };
  const auto framed = [](const char* code, uint64_t size) { return code + ("\x95" + number(size, 8)); };
  CHECK(read(in_protocol("", "L119547037146038801333356L\n.")).find("w"));
  CHECK(read(in_protocol("\x80\x03", "\x80\x03" + magic)).find("w"));
  CHECK(read(in_protocol(framed("\x80\x04", 4), framed("\x80\x04", 13) + magic)).find("w"));
  CHECK(read(in_protocol(framed("\x80\x05", 4), framed("\x80\x05", 13) + magic)).find("w"));
  CHECK(contains(refusal(in_protocol("\x80\x06", "\x80\x06" + magic)), "truncated, or neither"));
  CHECK(contains(refusal(in_protocol("\x80\x03", "\x80\x03" + magic.substr(0, 10) + "xyz")),
                 "a pickle that torch.save did not write"));
}

TEST_CASE("state dictionary: classes of modules in the format before PyTorch 1.6", "[state-dict]") {
  const std::string module =
      "(" + text("module") + global("nets", "Net") + text("/home/net.py") + text("class Net: pass") + "tQ";
  CHECK(contains(refusal(legacy(module + ")\x81.", "].", "")), "of type nets.Net"));
  const std::string beside =
      "}(" + text("loss") + module + ")\x81" + text("model") + "}" + text("w") + old_tensor("77") + "su.";
  CHECK(read(legacy(beside, "](" + text("77") + "e.", number(6, 8) + six_floats())).find("w"));
}

TEST_CASE("state dictionary: numbers in decimals (protocol 1), and protocol 0", "[state-dict]") {
  std::string w = tensor("FloatStorage", "0", 0, {6}, {1});
  const auto replace = [&w](const std::string& old, const std::string& with) {
    w.replace(w.find(old), old.size(), with);
  };
  replace("\x89", "I00\n");
  replace(tuple({6}), "(L6L\nt");
  const std::string count = text("steps") + "L1000000000000000000000000000000L\n" + text("minus") + "I-7\n";
  CHECK(
      read(archive("}(" + text("state_dict") + "}" + text("w") + w + "s" + count + "u.")).find("w")->shape ==
      std::vector<int64_t>{6});
  for (const char* bad : {"I\n", "Ix\n", "I1x\n", "L1LL\n", "I 1\n"})
    CHECK(
        contains(refusal(archive("}" + text("w") + std::string(bad) + "s.")), "a whole number is expected"));
  CHECK(contains(refusal(archive("(dp0\nVw\np1\n")), "pickle protocol 0"));
}

TEST_CASE("state dictionary: tensors that cannot be weights matter only where weights are", "[state-dict]") {
  const std::string w = text("w") + tensor("FloatStorage", "0", 0, {6}, {1});
  const auto beside = [&](const std::string& other) {
    return read(archive(start + "}(" + text("optimizer") + "}" + text("t") + other + "s" + text("model") +
                        "}" + w + "su."))
        .tensors()
        .size();
  };
  const auto as_weights = [&](const std::string& t) { return refused_pickle("}" + text("w") + t + "s."); };
  const std::string complex = tensor("ComplexFloatStorage", "0", 0, {3}, {1}),
                    unknown = tensor("Float3Storage", "0", 0, {3}, {1});
  CHECK(beside(complex) == 1);
  CHECK(beside(unknown) == 1);
  CHECK(contains(as_weights(complex), "\"w\" is not a tensor (numbers of type torch.ComplexFloatStorage"));
  CHECK(contains(as_weights(unknown), "numbers of type torch.Float3Storage; only float64"));

  // float8: bytes of no type, which stands with the tensor.
  std::string eight = tensor("FloatStorage", "0", 0, {6}, {1});
  const auto replace = [](std::string& in, const std::string& old, const std::string& with) {
    in.replace(in.find(old), old.size(), with);
  };
  replace(eight, "_rebuild_tensor_v2", "_rebuild_tensor_v3");
  replace(eight, global("torch", "FloatStorage"), global("torch.storage", "UntypedStorage"));
  replace(eight, ")RtR", ")R" + global("torch", "float8_e5m2") + "tR");
  CHECK(beside(eight) == 1);
  CHECK(contains(as_weights(eight), "numbers of type torch.float8_e5m2"));

  // The flag of a tensor whose numbers are stored with the other sign.
  std::string negated = tensor("FloatStorage", "0", 0, {6}, {1}), plain = negated;
  replace(negated, ")RtR", ")R}" + text("neg") + "\x88stR");
  replace(plain, ")RtR", ")R}tR");
  CHECK(contains(as_weights(negated), "resolve_neg()"));
  CHECK(as_weights(plain) == "accepted");

  // Numbers of 8 bytes, which are stepped over.
  std::string old_complex = old_tensor("77");
  replace(old_complex, "FloatStorage", "ComplexFloatStorage");
  const std::string file =
      legacy("}(" + text("extra") + old_complex + text("model") + "}" + text("w") + old_tensor("78") + "su.",
             "](" + text("77") + text("78") + "e.",
             number(6, 8) + std::string(48, 'x') + number(6, 8) + six_floats());
  CHECK(float_at(*read(file).find("w"), 3) == 4);
}

TEST_CASE("state dictionary: an archive without checksums", "[state-dict]") {
  const auto without_checksums = [](std::string bytes, size_t most) {
    for (size_t at = bytes.find("PK\1\2"); at != std::string::npos && most > 0;
         at = bytes.find("PK\1\2", at + 4), --most)
      bytes.replace(at + 16, 4, number(0, 4));
    return bytes;
  };
  CHECK(read(without_checksums(archive(sound), 3)).tensors().size() == 2);
  CHECK(contains(refusal(without_checksums(archive(sound), 2)), "wrong checksum"));
}

TEST_CASE("state dictionary: other files are called by their names", "[state-dict]") {
  const auto said = [](const std::string& begin) { return refusal(begin + std::string(1000, '\0')); };
  CHECK(contains(refusal("version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n"),
                 "git lfs pull"));
  CHECK(contains(said("<!DOCTYPE html>"), "a web page"));
  CHECK(contains(said("\x1f\x8b\x08"), "gunzip"));
  CHECK(contains(said(std::string("\xfd"
                                  "7zXZ\0",
                                  6)),
                 "unxz"));
  CHECK(contains(said("\x28\xb5\x2f\xfd"), "unzstd"));
  CHECK(contains(said("\x89HDF\r\n\x1a\n"), "HDF5 file (Keras), not a state_dict of PyTorch; load it with"));
  CHECK(contains(said("GGUF\3"), "GGUF"));
  CHECK(contains(said("\x93NUMPY"), "NumPy"));
  CHECK(contains(said("\x08\x08\x12\x07pytorch"), "looks like ONNX"));
  CHECK(contains(said("readme" + std::string(251, '\0') + "ustar"), "a tar archive"));
  CHECK(contains(said("\x80\x04}."), "a pickle that torch.save did not write"));
  CHECK(contains(refusal(zip({{"arr_0.npy", "x"}})), "without a data.pkl of PyTorch (of torch.export"));
  CHECK(contains(refusal(zip({{"net/code/a.py", "x"}}, 8)), "\"architecture\": \"torchscript\""));
  // A header of 0x088b1f bytes begins as gzip does.
  const std::string header = R"({"w":{"dtype":"F32","shape":[6],"data_offsets":[0,24]}})";
  CHECK(read(safetensors(header + std::string(0x088b1f - header.size(), ' '), six_floats())).find("w"));
  const Folder folder;
  put(folder / "model.safetensors", "<!DOCTYPE html>");
  CHECK(contains(message_of([&] { StateDictFile::read(folder / "model.safetensors"); }), "a web page"));
  CHECK(
      contains(message_of([&] { StateDictFile::read(folder.path); }), "is a folder; name the weights in it"));
}

TEST_CASE("state dictionary: safetensors", "[state-dict]") {
  const std::string w = R"("w":{"dtype":"F32","shape":[2,2],"data_offsets":[4,20]})";
  const StateDictFile file = read(safetensors(
      R"({"__metadata__":{"format":"pt"},)" + w + R"(,"n":{"dtype":"I64","shape":[],"data_offsets":[0,8]}})",
      six_floats()));
  REQUIRE(file.tensors().size() == 2);
  CHECK(file.find("w")->stride == std::vector<int64_t>{2, 1});
  CHECK(float_at(*file.find("w"), 0) == 1);
  CHECK(float_at(*file.find("w"), 3) == 4);
  CHECK(file.find("n")->type == NumberType::integer);
  CHECK(read(safetensors(R"({"h":{"dtype":"BF16","shape":[12],"data_offsets":[0,24]}})", six_floats()))
            .find("h")
            ->type == NumberType::bfloat16);
  const auto refused = [&](const std::string& entry) {
    return refusal(safetensors("{" + entry + "}", six_floats()));
  };
  CHECK(refused(w) == "accepted");
  CHECK(contains(refused(w + "," + w), "duplicate key \"w\""));
  for (const char* place : {"[4,16]", "[20,4]", "[12,28]", "[4,20,20]", "[4]", "[4,9223372036854775807]"})
    CHECK(contains(refused(std::string(R"("w":{"dtype":"F32","shape":[2,2],"data_offsets":)") + place + "}"),
                   "w: data_offsets"));
  CHECK(contains(refused(R"("w":{"dtype":"F32","shape":[4611686018427387903,8],"data_offsets":[0,24]})"),
                 "does not fit F32 of shape [4611686018427387903,8]"));
  CHECK(contains(refused(R"("w":{"dtype":"F32","shape":[-1],"data_offsets":[0,24]})"), "w: shape"));
  CHECK(contains(refused(R"("w":{"dtype":"F8_E4M3","shape":[24],"data_offsets":[0,24]})"),
                 "numbers of type F8_E4M3"));
  const std::string whole = safetensors("{" + w + "}", six_floats());
  for (size_t length = 0; length < whole.size() - 4; ++length)
    CHECK(refusal(whole.substr(0, length)) != "accepted");
  CHECK(contains(refusal(number(uint64_t{1} << 40, 8) + "{}"), "truncated, or neither PyTorch's"));
}

TEST_CASE("state dictionary: an index of several files", "[state-dict]") {
  const Folder folder;
  const auto part = [](const std::string& name, const char* other) {
    return safetensors("{\"" + name + R"(":{"dtype":"F32","shape":[6],"data_offsets":[0,24]},")" + other +
                           R"(":{"dtype":"F32","shape":[],"data_offsets":[0,4]}})",
                       six_floats());
  };
  put(folder / "one.safetensors", part("a", "unlisted"));
  put(folder / "two.bin", archive(start + "}" + text("b") + tensor("FloatStorage", "0", 0, {6}, {1}) + "s."));
  const std::string index = folder / "model.safetensors.index.json";
  put(index, R"({"metadata":{"total_size":48},"weight_map":{"a":"one.safetensors","b":"two.bin"}})");
  const StateDictFile file = StateDictFile::read(index);
  REQUIRE(file.tensors().size() == 2);
  CHECK(float_at(*file.find("a"), 5) == 5);
  CHECK(float_at(*file.find("b"), 5) == 5);
  const auto refused = [&](const std::string& map) {
    put(index, R"({"weight_map":)" + map + "}");
    return message_of([&] { StateDictFile::read(index); });
  };
  CHECK(contains(refused(R"({"a":"one.safetensors","c":"one.safetensors"})"), "contains 1 of the 2 tensors"));
  CHECK(contains(refused(R"({"a":"../one.safetensors"})"), "not a weights file in this folder"));
  CHECK(contains(refused(R"({"a":"model.safetensors.index.json"})"), "not a weights file in this folder"));
  CHECK(contains(refused(R"({"a":"absent.bin"})"), "absent.bin"));
  CHECK(contains(refused("7"), "weight_map"));
}

TEST_CASE("state dictionary: ZIP64, and members that overlap", "[state-dict]") {
  const Members members{{"net/data.pkl", sound}, {"net/data/0", six_floats()}};
  std::string bytes = zip(members);
  const size_t end = bytes.rfind("PK\5\6"), directory = bytes.find("PK\1\2");
  // Sizes and place of the first member, count and place of the directory, in 64 bits.
  const std::string extra =
      number(1, 2) + number(24, 2) + number(sound.size(), 8) + number(sound.size(), 8) + number(0, 8);
  std::string wide = bytes.substr(0, end);
  for (const size_t field : {20, 24, 42}) wide.replace(directory + field, 4, number(0xFFFFFFFF, 4));
  wide.replace(directory + 30, 2, number(extra.size(), 2));
  wide.insert(directory + 46 + std::string("net/data.pkl").size(), extra);
  const std::string locator = std::string("PK\6\7", 4) + number(0, 4) + number(wide.size(), 8) + number(1, 4);
  wide += std::string("PK\6\6", 4) + number(44, 8) + std::string(12, '\0') + number(2, 8) + number(2, 8) +
          number(0, 8) + number(directory, 8) + locator + std::string("PK\5\6", 4) + number(0, 4) +
          number(0xFFFF, 2) + number(0xFFFF, 2) + number(0xFFFFFFFF, 4) + number(0xFFFFFFFF, 4) +
          number(0, 2);
  CHECK(read(wide).tensors().size() == 2);
  CHECK(refusal(wide.substr(1)) != "accepted");

  Members many{{"net/data.pkl", sound}};
  for (int i = 0; i < 300; ++i)
    many.push_back({fmt::format("net/data/{}", i), i == 0 ? std::string(20000, 'x') : ""});
  bytes = zip(many);
  CHECK(refusal(bytes) == "accepted");
  const size_t first = bytes.find("net/data/0", bytes.find("PK\1\2")) - 46;
  for (size_t at = bytes.find("PK\1\2", first + 4); at != std::string::npos;
       at = bytes.find("PK\1\2", at + 4)) {
    bytes.replace(at + 16, 12, bytes.substr(first + 16, 12));  // checksum and sizes
    bytes.replace(at + 42, 4, bytes.substr(first + 42, 4));    // place
  }
  CHECK(contains(refusal(bytes), "overlap"));
}

TEST_CASE("state dictionary: a file with holes costs no memory", "[state-dict]") {
  const TemporaryFile file(archive(sound));
  std::filesystem::resize_file(file.path, uintmax_t{64} << 30);
  CHECK(contains(message_of([&] { StateDictFile::read(file.path); }),
                 "truncated, or neither PyTorch's zip format"));
}

TEST_CASE("state dictionary: the shipped weights", "[state-dict]") {
  for (const auto& entry : std::filesystem::directory_iterator(ALERT_SOURCE_DIR "/networks/fashion-mnist")) {
    if (entry.path().extension() != ".pt") continue;
    INFO(entry.path());
    const StateDictFile file = StateDictFile::read(entry.path().string());
    CHECK(file.tensors().size() > 50);
    CHECK(file.find("bn1.running_var") != nullptr);
    for (const StoredTensor& t : file.tensors()) CHECK(t.type == NumberType::float16);
  }
}
