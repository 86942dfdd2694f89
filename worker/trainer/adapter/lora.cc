#include "worker/trainer/adapter/lora.h"

#include <ATen/CPUGeneratorImpl.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

#include "common/files.h"
#include "worker/trainer/files/folder.h"
#include "worker/trainer/files/tensor_files.h"

namespace lorikeet::trainer {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";
constexpr std::string_view kWeight = ".weight";

std::string Shape(at::IntArrayRef shape) { return fmt::format("[{}]", fmt::join(shape, ", ")); }

constexpr std::string_view kHead = "lm_head";

// The weight of one of T5's linear layers, or undefined: no embedding, no norm.
at::Tensor LinearWeight(const T5& model, const std::string& module) {
  if (module == kHead)
    return model.parameters().at(model.config().tie_word_embeddings ? "shared.weight" : "lm_head.weight");
  const bool in_block = module.find(".block.") != std::string::npos;
  const bool linear =
      in_block && !module.ends_with("layer_norm") && !module.ends_with("relative_attention_bias");
  const auto found = model.parameters().find(module + std::string(kWeight));
  return linear && found != model.parameters().end() ? found->second : at::Tensor();
}

// What a tensor of an adapter's file adapts.
struct Parsed {
  std::string module;
  char matrix = 0;  // 'A' or 'B'; 0: no LoRA of a linear layer
};

Parsed Parse(const std::string& name) {
  for (const char matrix : {'A', 'B'}) {
    const std::string suffix = fmt::format(".lora_{}.weight", matrix);
    if (!name.starts_with(kPrefix) || !name.ends_with(suffix)) continue;
    return {name.substr(kPrefix.size(), name.size() - kPrefix.size() - suffix.size()), matrix};
  }
  return {};
}

// The base's own weight that PEFT puts into the file too where the head is adapted
// ("lm_head.base_layer.weight"), or undefined.
at::Tensor BaseWeight(const T5& model, const std::string& name) {
  constexpr std::string_view kCopy = ".base_layer.weight";
  if (!name.starts_with(kPrefix) || !name.ends_with(kCopy)) return {};
  return LinearWeight(model, name.substr(kPrefix.size(), name.size() - kPrefix.size() - kCopy.size()));
}

std::string Join(std::vector<std::string> mistakes) {
  constexpr std::size_t kShown = 8;
  const std::size_t more = mistakes.size() > kShown ? mistakes.size() - kShown : 0;
  mistakes.resize(mistakes.size() - more);
  return fmt::format("{}{}", fmt::join(mistakes, "; "), more ? fmt::format("; and {} more", more) : "");
}

}  // namespace

std::string LoraName(const std::string& module, char matrix) {
  return fmt::format("{}{}.lora_{}.weight", kPrefix, module, matrix);
}

std::vector<std::string> LoraAdapter::TargetedModules(const T5& model,
                                                      const std::vector<std::string>& targets) {
  std::vector<std::string> modules;
  std::set<std::string> names = {std::string(kHead)};  // where it is tied, no parameter has its name
  for (const auto& [name, tensor] : model.parameters())
    names.insert(name.substr(0, name.size() - kWeight.size()));
  for (const std::string& module : names) {
    // As PEFT matches a list: the whole name, or its end after a dot.
    const bool targeted = std::any_of(targets.begin(), targets.end(), [&](const std::string& target) {
      return module == target || module.ends_with("." + target);
    });
    if (targeted && LinearWeight(model, module).defined()) modules.push_back(module);
  }
  return modules;
}

LoraAdapter::LoraAdapter(text::PeftLora config, std::map<std::string, at::Tensor> tensors)
    : config_(std::move(config)), parameters_(std::move(tensors)) {
  for (auto& [name, tensor] : parameters_) {
    tensor.set_requires_grad(true);
    const Parsed parsed = Parse(name);
    LowRank& module = modules_[parsed.module];
    (parsed.matrix == 'A' ? module.a : module.b) = tensor;
    module.scale = config_.Scale(parsed.module);
  }
}

at::Tensor LoraAdapter::Delta(const std::string& name, const at::Tensor& x, DropoutStream* dropout) const {
  const LowRank module = UpdateOf(name);
  if (!module.a.defined()) return {};
  const at::Tensor seen = dropout ? dropout->Apply(x, config_.dropout) : x;
  // Scaled where it is smallest.
  const at::Tensor inner = at::linear(seen, module.a.to(x.scalar_type())) * module.scale;  // [..., rank]
  return at::linear(inner, module.b.to(x.scalar_type()));
}

Adapter::LowRank LoraAdapter::UpdateOf(const std::string& name) const {
  const auto found = modules_.find(name);
  return found == modules_.end() ? LowRank{} : found->second;
}

Status LoraAdapter::Save(const std::string& directory, const std::string& base_model) const {
  text::PeftLora config = config_;
  if (config.targets.empty()) {  // loaded with a pattern: the modules themselves say the same
    for (const auto& [module, matrices] : modules_) config.targets.push_back(module);
    std::sort(config.targets.begin(), config.targets.end());
  }
  return WriteFolder(directory, [&](const std::string& folder) -> Status {
    RETURN_IF_ERROR(WriteFileAtomically(folder + "/adapter_config.json", text::ToJson(config, base_model)));
    return WriteTensors(folder + "/adapter_model.safetensors", parameters_, at::kFloat);
  });
}

Status LoraAdapter::AddTo(const T5& model) const {
  if (modules_.contains(std::string(kHead)) && model.config().tie_word_embeddings) {
    return InvalidArgument(
        "lm_head is adapted, and this model's head is its embeddings too: folded into them, both would "
        "change");
  }
  const at::NoGradGuard no_grad;
  for (const auto& [name, module] : modules_) {
    at::Tensor weight = LinearWeight(model, name);
    weight.copy_(weight.to(at::kFloat) + at::mm(module.b, module.a) * module.scale);
  }
  return absl::OkStatus();
}

std::unique_ptr<Adapter> CreateLora(const LoraSettings& settings, std::uint64_t seed, const T5& model) {
  text::PeftLora config;
  config.rank = settings.rank;
  config.alpha = settings.alpha;
  config.dropout = settings.dropout;
  config.targets = settings.targets;
  // Drawn on the CPU, in the names' order: a seed means the same adapter on every device.
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  std::map<std::string, at::Tensor> tensors;
  for (const std::string& module : LoraAdapter::TargetedModules(model, settings.targets)) {
    const at::Tensor weight = LinearWeight(model, module);
    // kaiming_uniform with a = √5: bound √(6 / ((1 + a²) · in)) = 1 / √in.
    const double bound = 1 / std::sqrt(static_cast<double>(weight.size(1)));
    const at::Tensor a =
        at::empty({config.rank, weight.size(1)}, at::kFloat).uniform_(-bound, bound, generator);
    tensors[LoraName(module, 'A')] = a.to(model.device());
    tensors[LoraName(module, 'B')] =
        at::zeros({weight.size(0), config.rank}, at::TensorOptions(model.device()).dtype(at::kFloat));
  }
  return std::make_unique<LoraAdapter>(std::move(config), std::move(tensors));
}

StatusOr<std::unique_ptr<Adapter>> LoadLora(const text::PeftLora& config,
                                            const std::map<std::string, at::Tensor>& tensors,
                                            const T5& model) {
  std::vector<std::string> mistakes;
  std::map<std::string, at::Tensor> placed;
  std::map<std::string, int> matrices;  // of each module
  for (const auto& [name, tensor] : tensors) {
    if (const at::Tensor base = BaseWeight(model, name); base.defined()) {
      if (base.sizes() != tensor.sizes() || !at::equal(tensor.to(base.options()), base)) {
        mistakes.push_back(fmt::format("{} {} is not this model's: the adapter belongs to another one", name,
                                       Shape(tensor.sizes())));
      }
      continue;
    }
    const auto [module, matrix] = Parse(name);
    const at::Tensor weight = matrix ? LinearWeight(model, module) : at::Tensor();
    if (!weight.defined()) {
      mistakes.push_back(
          fmt::format("{} {} does not adapt a linear layer of this T5, and nothing else is supported", name,
                      Shape(tensor.sizes())));
      continue;
    }
    const std::int64_t rank = config.Rank(module);
    const std::vector<std::int64_t> asked =
        matrix == 'A' ? std::vector{rank, weight.size(1)} : std::vector{weight.size(0), rank};
    if (tensor.sizes() != at::IntArrayRef(asked)) {
      mistakes.push_back(fmt::format("{} is {}, rank {} on this model asks for {}", name,
                                     Shape(tensor.sizes()), rank, Shape(asked)));
      continue;
    }
    ++matrices[module];
    placed[name] = tensor.to(at::TensorOptions(model.device()).dtype(at::kFloat), /*non_blocking=*/false,
                             /*copy=*/true);
  }
  if (mistakes.empty()) {
    for (const std::string& module : LoraAdapter::TargetedModules(model, config.targets))
      matrices.try_emplace(module);
    for (const auto& [module, count] : matrices) {
      for (const char matrix : {'A', 'B'}) {
        const std::string name = LoraName(module, matrix);
        if (!placed.contains(name)) mistakes.push_back(fmt::format("{} is missing", name));
      }
    }
    if (matrices.empty()) mistakes.emplace_back("no module of this model is adapted");
  }
  if (!mistakes.empty()) return InvalidArgument("{}", Join(std::move(mistakes)));
  return std::unique_ptr<Adapter>(std::make_unique<LoraAdapter>(config, std::move(placed)));
}

}  // namespace lorikeet::trainer
