#include "worker/trainer/model/activation_checkpoint.h"

#include <ATen/core/ivalue.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>

#include "worker/trainer/model/dropout.h"

namespace lorikeet::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Sets the stream to an earlier site for as long as it lives.
class Rewound {
 public:
  Rewound(DropoutStream* stream, std::int64_t site) : stream_(stream) {
    if (stream_ == nullptr) return;
    back_ = stream_->site();
    stream_->set_site(site);
  }
  ~Rewound() {
    if (stream_ != nullptr) stream_->set_site(back_);
  }
  Rewound(const Rewound&) = delete;
  Rewound& operator=(const Rewound&) = delete;

 private:
  DropoutStream* const stream_;
  std::int64_t back_ = 0;
};

// What the second run needs beside its inputs.
struct Recipe : torch::CustomClassHolder {
  NetworkPart part;
  DropoutStream* dropout = nullptr;
  std::int64_t site = 0;
};

class Function : public torch::autograd::Function<Function> {
 public:
  // `anchor` [0] requires a gradient, so that there is a backward even where no input asks for one: the first
  // block's LoRA matrices do. It never gets any.
  static at::Tensor forward(AutogradContext* context, const at::TensorList& inputs,
                            const at::Tensor& /*anchor*/, const c10::intrusive_ptr<Recipe>& recipe) {
    context->save_for_backward(inputs.vec());
    context->saved_data["recipe"] = at::IValue::make_capsule(recipe);
    return recipe->part(inputs.vec());  // no gradients are recorded here
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const auto capsule = context->saved_data["recipe"].toCapsule();
    const auto& recipe = static_cast<const Recipe&>(*capsule);
    variable_list inputs = context->get_saved_variables();
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      inputs[i] = inputs[i].detach().set_requires_grad(context->needs_input_grad(i));
    }
    variable_list result(inputs.size() + 2);  // also of the anchor and the recipe: none
    at::Tensor output;
    {
      const at::AutoGradMode record(true);
      const Rewound rewound(recipe.dropout, recipe.site);
      output = recipe.part(inputs);
    }
    if (!output.requires_grad()) return result;
    torch::autograd::backward({output}, {gradients[0]});  // the leaves inside get theirs here
    for (std::size_t i = 0; i < inputs.size(); ++i) result[i] = inputs[i].grad();
    return result;
  }
};

}  // namespace

at::Tensor RunPart(const ForwardContext& context, const NetworkPart& part,
                   const std::vector<at::Tensor>& inputs) {
  if (!context.gradient_checkpointing || !c10::GradMode::is_enabled()) return part(inputs);
  auto recipe = c10::make_intrusive<Recipe>();
  recipe->part = part;
  recipe->dropout = context.dropout;
  if (context.dropout != nullptr) recipe->site = context.dropout->site();
  const at::Tensor anchor = at::empty({0}, at::TensorOptions().dtype(at::kFloat)).set_requires_grad(true);
  return Function::apply(at::TensorList(inputs), anchor, recipe);
}

}  // namespace lorikeet::trainer
