#include "models/torchscript_check.h"

#include <caffe2/serialize/inline_container.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/serialization/import_read.h>
#include <torch/csrc/jit/serialization/import_source.h>
#include <torch/script.h>

#include <algorithm>
#include <set>
#include <sstream>

#include "base/error.h"

namespace alertbench {
namespace {

using torch::jit::Block;
using torch::jit::Node;

const std::set<std::string> pure_namespaces{
    "aten", "prim", "quantized", "_quantized", "prepacked", "mkldnn_prepacked", "sparse"};
const std::set<std::string> impure_operators{"aten::from_file",      "aten::save",       "prim::rpc_async",
                                             "prim::rpc_sync",       "prim::rpc_remote", "prim::PythonOp",
                                             "prim::IgnoredPythonOp"};
// Classes of C++ that files can make objects of; the others there are open connections (dist_c10d, dist_rpc).
const std::string cpp_classes = "__torch__.torch.classes.";
const std::set<std::string> pure_cpp_classes{"quantized", "sparse", "rnn", "xnnpack", "mkldnn"};

class Checker {
 public:
  Checker(std::istream& file, const std::string& where)
      : where_(where),
        reader_(&file),
        unit_(std::make_shared<torch::jit::CompilationUnit>()),
        importer_(
            unit_, &constants_, [this](const std::string& qualifier) { return source(qualifier); },
            reader_.version()) {}

  void check() {
    if (reader_.hasRecord("model.json"))
      refuse("its format (PyTorch before 1.3) is not supported; load it there and save it again");
    const c10::IValue constants = archive("constants");
    for (const c10::IValue& constant : constants.toTupleRef().elements()) constants_.push_back(constant);
    archive("data");
    for (torch::jit::Function* function : unit_->get_functions())
      if (auto* graph = torch::jit::tryToGraphFunction(*function)) check(graph->graph()->block());
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw InputError(where_ + what); }

  std::shared_ptr<torch::jit::Source> source(const std::string& qualifier) {
    std::string path = "code/" + qualifier + ".py";
    std::replace(path.begin(), path.end() - 3, '.', '/');
    if (!reader_.hasRecord(path)) return nullptr;
    const auto [data, size] = reader_.getRecord(path);
    return std::make_shared<torch::jit::Source>(std::string(static_cast<const char*>(data.get()), size), path,
                                                1);
  }

  // As torch::jit::load() reads it, but that no __setstate__ of the file is run: such objects stay empty.
  c10::IValue archive(const std::string& name) {
    const auto type_of = [this](const c10::QualifiedName& type) {
      check_class(type.qualifiedName());
      return c10::StrongTypePtr(unit_, importer_.loadType(type));
    };
    const auto make = [](const c10::StrongTypePtr& type, c10::IValue state) {
      const auto cls = type.type_->expect<c10::ClassType>();
      auto object = c10::ivalue::Object::create(type, cls->numAttributes());
      torch::jit::Function* set_state = cls->findMethod("__setstate__");
      if (set_state && cls->name()->qualifiedName().rfind(cpp_classes, 0) == 0) {
        (*set_state)({object, state});
      } else if (!set_state && state.isGenericDict()) {
        const auto attributes = state.toGenericDict();
        for (size_t i = 0; i < cls->numAttributes(); ++i)
          object->setSlot(i, attributes.at(cls->getAttributeName(i)));
      }
      return object;
    };
    return torch::jit::readArchiveAndTensors(name, "", "", torch::jit::TypeResolver(type_of),
                                             torch::jit::ObjLoader(make), c10::Device(c10::kCPU), reader_);
  }

  void check_class(const std::string& name) const {
    if (name.rfind(cpp_classes, 0) != 0) return;
    const std::string family =
        name.substr(cpp_classes.size(), name.find('.', cpp_classes.size()) - cpp_classes.size());
    if (!pure_cpp_classes.count(family))
      refuse(
          fmt::format("its code makes objects of the class {}, which may reach beyond this process; no "
                      "network needs them",
                      name));
  }

  void check(const Block* block) const {
    for (const Node* node : block->nodes()) {
      const std::string name = node->kind().toQualString();
      if (!pure_namespaces.count(node->kind().ns().toUnqualString()) || impure_operators.count(name))
        refuse(
            fmt::format("its code uses the operator {}, which may touch files, processes or the network; "
                        "operators of {} are allowed, except {}",
                        name, fmt::join(pure_namespaces, ", "), fmt::join(impure_operators, ", ")));
      for (const torch::jit::Value* output : node->outputs())
        if (const auto cls = output->type()->cast<c10::ClassType>(); cls && cls->name())
          check_class(cls->name()->qualifiedName());
      for (const Block* inner : node->blocks()) check(inner);
      for (const c10::Symbol attribute : node->attributeNames()) {
        if (node->kindOf(attribute) == torch::jit::AttributeKind::g) check(node->g(attribute)->block());
        if (node->kindOf(attribute) == torch::jit::AttributeKind::gs)
          for (const auto& graph : node->gs(attribute)) check(graph->block());
      }
    }
  }

  const std::string& where_;
  caffe2::serialize::PyTorchStreamReader reader_;
  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  std::vector<c10::IValue> constants_;
  torch::jit::SourceImporter importer_;
};

// LibTorch fills its table of what became of operators of older versions at the first load; compiling needs
// it.
void load_something() {
  static const bool loaded = [] {
    std::stringstream nothing;
    torch::jit::Module("__torch__.Nothing").save(nothing);
    torch::jit::load(nothing);
    return true;
  }();
  static_cast<void>(loaded);
}

}  // namespace

void check_torchscript(std::istream& file, const std::string& where) {
  load_something();
  Checker(file, where).check();
}

}  // namespace alertbench
