#include "worker/trainer/model/fused_attention.h"

#include <ATen/Parallel.h>
#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

namespace lorikeet::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

// Floats of scores that one block holds: with its companions it fits a core's second-level cache.
constexpr std::int64_t kBlock = 65536;

// Everything one pass reads, and how it is cut: a task is `heads_each` heads of one document.
struct Pass {
  Pass(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& position_,
       const at::Tensor& mask, const DropoutMask& dropout_)
      : query(q), key(k), value(v), position(position_), dropout(dropout_) {
    documents = q.size(0), heads = q.size(1), queries = q.size(2), width = q.size(3), keys = k.size(2);
    rows_each = std::clamp<std::int64_t>(kBlock / keys, 16, std::max<std::int64_t>(queries, 16));
    // A few tasks a document at least: the position's gradient is made head by head.
    heads_each =
        rows_each < queries ? 1 : std::clamp<std::int64_t>(kBlock / (queries * keys), 1, (heads + 3) / 4);
    if (position.defined()) position_data = position.const_data_ptr<float>();
    if (mask.defined()) {
      mask_bias = mask.reshape({documents, keys}).contiguous();
      mask_data = mask_bias.const_data_ptr<float>();
    }
  }

  // Keys of a document up to the last that is not masked out; all where there is none.
  std::int64_t RealKeys(std::int64_t document) const {
    if (!mask_data) return keys;
    std::int64_t count = keys;
    while (count > 0 && mask_data[document * keys + count - 1] != 0) --count;
    return count > 0 ? count : keys;
  }

  at::Tensor query, key, value, position, mask_bias;
  DropoutMask dropout;
  const float* position_data = nullptr;
  const float* mask_data = nullptr;
  std::int64_t documents, heads, queries, width, keys, rows_each, heads_each;
};

// One block: some rows of some heads of a document.
struct Block {
  std::int64_t document, first_head, heads, first_row, rows, keys;
};

template <typename Body>
void ForEachRow(const Pass& pass, const Block& block, const Body& body) {
  for (std::int64_t h = 0; h < block.heads; ++h) {
    for (std::int64_t r = 0; r < block.rows; ++r) {
      const std::int64_t head = block.first_head + h, row = block.first_row + r;
      const auto number =
          static_cast<std::uint64_t>((block.document * pass.heads + head) * pass.queries + row);
      body((h * block.rows + r) * block.keys, head * pass.queries + row, number);
    }
  }
}

// The softmax of a block's scores, before dropout: [heads, rows, keys].
at::Tensor Weights(const Pass& pass, const Block& block, const at::Tensor& q, const at::Tensor& k) {
  at::Tensor weights = at::bmm(q, k.transpose(1, 2));
  float* const data = weights.mutable_data_ptr<float>();
  const float* const mask = pass.mask_data ? pass.mask_data + block.document * pass.keys : nullptr;
  ForEachRow(pass, block, [&](std::int64_t at, std::int64_t bias_row, std::uint64_t) {
    SoftmaxRow(block.keys, pass.position_data ? pass.position_data + bias_row * pass.keys : nullptr, mask,
               data + at);
  });
  return weights;
}

void Drop(const Pass& pass, const Block& block, const float* from, float* to) {
  ForEachRow(pass, block, [&](std::int64_t at, std::int64_t, std::uint64_t number) {
    DropRow(pass.dropout, number, block.keys, from + at, to + at);
  });
}

// Rows `first` … of the block's heads of x [B, H, n, K]: [heads, count, K].
at::Tensor Heads(const at::Tensor& x, const Block& block, std::int64_t first, std::int64_t count) {
  return x.select(0, block.document).narrow(0, block.first_head, block.heads).narrow(1, first, count);
}

template <typename Body>
void ForEachBlock(const Pass& pass, std::int64_t document, std::int64_t first_head, const Body& body) {
  const std::int64_t heads = std::min(pass.heads_each, pass.heads - first_head);
  const std::int64_t keys = pass.RealKeys(document);
  for (std::int64_t row = 0; row < pass.queries; row += pass.rows_each) {
    body(Block{document, first_head, heads, row, std::min(pass.rows_each, pass.queries - row), keys});
  }
}

at::Tensor Forward(const Pass& pass) {
  at::Tensor out = at::empty({pass.documents, pass.queries, pass.heads * pass.width}, pass.query.options());
  const at::Tensor by_head = out.view({pass.documents, pass.queries, pass.heads, pass.width}).transpose(1, 2);
  const std::int64_t groups = (pass.heads + pass.heads_each - 1) / pass.heads_each;
  at::parallel_for(0, pass.documents * groups, 1, [&](std::int64_t begin, std::int64_t end) {
    const at::AutoDispatchBelowADInplaceOrView below;  // thread-local: each thread says so itself
    for (std::int64_t task = begin; task < end; ++task) {
      ForEachBlock(pass, task / groups, task % groups * pass.heads_each, [&](const Block& block) {
        const at::Tensor q = Heads(pass.query, block, block.first_row, block.rows);
        at::Tensor weights = Weights(pass, block, q, Heads(pass.key, block, 0, block.keys));
        if (pass.dropout.threshold > 0) {
          auto* data = weights.mutable_data_ptr<float>();
          Drop(pass, block, data, data);
        }
        Heads(by_head, block, block.first_row, block.rows)
            .copy_(at::bmm(weights, Heads(pass.value, block, 0, block.keys)));
      });
    }
  });
  return out;
}

struct Gradients {
  at::Tensor query, key, value;  // [B, n, H, K], seen as [B, H, n, K]
  at::Tensor position;           // [1, H, Q, N]; undefined where nobody asks
};

void Backward(const Pass& pass, const Block& block, const at::Tensor& gradient, const Gradients& gradients) {
  const at::Tensor q = Heads(pass.query, block, block.first_row, block.rows);
  const at::Tensor k = Heads(pass.key, block, 0, block.keys), v = Heads(pass.value, block, 0, block.keys);
  const at::Tensor g = Heads(gradient, block, block.first_row, block.rows);
  const at::Tensor weights = Weights(pass, block, q, k);
  at::Tensor dropped = weights;
  at::Tensor g_scores = at::bmm(g, v.transpose(1, 2));
  auto* const g_data = g_scores.mutable_data_ptr<float>();
  if (pass.dropout.threshold > 0) {
    dropped = at::empty_like(weights);
    Drop(pass, block, weights.const_data_ptr<float>(), dropped.mutable_data_ptr<float>());
    Drop(pass, block, g_data, g_data);
  }
  Heads(gradients.value, block, 0, block.keys).add_(at::bmm(dropped.transpose(1, 2), g));
  const float* const w_data = weights.const_data_ptr<float>();
  float* const position =
      gradients.position.defined() ? gradients.position.mutable_data_ptr<float>() : nullptr;
  ForEachRow(pass, block, [&](std::int64_t at, std::int64_t bias_row, std::uint64_t) {
    SoftmaxGradientRow(block.keys, w_data + at, g_data + at);
    if (position) AddScaled(block.keys, 1, g_data + at, position + bias_row * pass.keys);
  });
  Heads(gradients.query, block, block.first_row, block.rows).copy_(at::bmm(g_scores, k));
  Heads(gradients.key, block, 0, block.keys).add_(at::bmm(g_scores.transpose(1, 2), q));
}

class Function : public torch::autograd::Function<Function> {
 public:
  // `position` may be absent: autograd wants defined tensors or none.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& query, const at::Tensor& key,
                            const at::Tensor& value, const std::optional<at::Tensor>& position,
                            const std::optional<at::Tensor>& mask_bias, std::int64_t dropout_key,
                            std::int64_t threshold, double scale) {
    const at::Tensor bias = position.value_or(at::Tensor()), mask = mask_bias.value_or(at::Tensor());
    context->save_for_backward({query, key, value, bias, mask});
    context->saved_data["key"] = dropout_key;
    context->saved_data["threshold"] = threshold;
    context->saved_data["scale"] = scale;
    return Forward(Pass(query, key, value, bias, mask, Mask(dropout_key, threshold, scale)));
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const variable_list saved = context->get_saved_variables();
    const Pass pass(saved[0], saved[1], saved[2], saved[3], saved[4],
                    Mask(context->saved_data["key"].toInt(), context->saved_data["threshold"].toInt(),
                         context->saved_data["scale"].toDouble()));
    const at::Tensor gradient =
        outputs[0].contiguous().view({pass.documents, pass.queries, pass.heads, pass.width}).transpose(1, 2);
    // Laid out as the projections' outputs are, whose gradients they become.
    const auto zeros = [&](std::int64_t n) {
      return at::zeros({pass.documents, n, pass.heads, pass.width}, pass.query.options()).transpose(1, 2);
    };
    Gradients gradients{zeros(pass.queries), zeros(pass.keys), zeros(pass.keys), {}};
    const bool by_head = pass.position.defined() && context->needs_input_grad(3);
    if (by_head) gradients.position = at::zeros_like(pass.position);
    // The bias is shared by all documents: a thread then takes some heads of all of them.
    const std::int64_t groups = (pass.heads + pass.heads_each - 1) / pass.heads_each;
    const std::int64_t tasks = by_head ? groups : pass.documents * groups;
    at::parallel_for(0, tasks, 1, [&](std::int64_t begin, std::int64_t end) {
      const at::AutoDispatchBelowADInplaceOrView here;
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t first_head = task % groups * pass.heads_each;
        const std::int64_t first = by_head ? 0 : task / groups, last = by_head ? pass.documents : first + 1;
        for (std::int64_t document = first; document < last; ++document) {
          ForEachBlock(pass, document, first_head,
                       [&](const Block& block) { Backward(pass, block, gradient, gradients); });
        }
      }
    });
    return {gradients.query, gradients.key, gradients.value, gradients.position, {}, {}, {}, {}};
  }

 private:
  static DropoutMask Mask(std::int64_t key, std::int64_t threshold, double scale) {
    return {static_cast<std::uint64_t>(key), static_cast<std::uint32_t>(threshold),
            static_cast<float>(scale)};
  }
};

}  // namespace

at::Tensor FusedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const at::Tensor& position, const at::Tensor& mask_bias,
                          const DropoutMask& dropout) {
  const at::Tensor bias = position.defined() ? position.contiguous() : position;
  if (!c10::GradMode::is_enabled()) return Forward(Pass(query, key, value, bias, mask_bias, dropout));
  const auto given = [](const at::Tensor& x) { return x.defined() ? std::optional(x) : std::nullopt; };
  return Function::apply(query, key, value, given(bias), given(mask_bias),
                         static_cast<std::int64_t>(dropout.key), static_cast<std::int64_t>(dropout.threshold),
                         static_cast<double>(dropout.scale));
}

}  // namespace lorikeet::trainer
