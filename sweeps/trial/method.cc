#include <array>
#include <utility>

#include "common/nearest.h"
#include "sweeps/trial/trial.h"

namespace lorikeet {
namespace {

const std::array<std::string, 5>& Names() {  // in the enumeration's order
  static const auto* names = new std::array<std::string, 5>{"full", "lora", "prompt", "zero_shot", "lead"};
  return *names;
}

}  // namespace

std::string MethodName(Method method) { return Names().at(static_cast<std::size_t>(method)); }

StatusOr<Method> ParseMethod(const std::string& name) {
  for (std::size_t i = 0; i < Names().size(); ++i) {
    if (Names()[i] == name) return static_cast<Method>(i);
  }
  return InvalidArgument("'{}': full, lora, prompt, zero_shot or lead{}", name, DidYouMean(name, Names()));
}

const std::string& StartAdapter(const Trial& trial) {
  static const auto& none = *new std::string;
  if (trial.method == Method::kLora) return trial.lora.adapter;
  return trial.method == Method::kPrompt ? trial.prompt.adapter : none;
}

}  // namespace lorikeet
