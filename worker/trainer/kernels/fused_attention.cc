#include "worker/trainer/kernels/fused_attention.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "worker/trainer/kernels/attention_kernels.h"
#include "worker/trainer/kernels/attention_packing.h"
#include "worker/trainer/kernels/micro_gemm.h"
#include "worker/trainer/kernels/parallel.h"
#include "worker/trainer/kernels/saved_mask.h"

namespace lorikeet::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Queries of a block: its scores and their companions fit a core's second-level cache.
constexpr std::int64_t kBlockQueries = 64;

// Everything that both passes read. A task is one head of one document.
struct Pass {
  Pass(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& relative_,
       const at::Tensor& mask_, const DropoutMask& dropout_)
      : query(q), key(k), value(v), relative(relative_), mask(mask_), dropout(dropout_) {
    documents = q.size(0), heads = q.size(1), queries = q.size(2), width = q.size(3), keys = k.size(2);
    padded_width = RoundUp(width, kKeyGroup);
    block_queries = std::min(kBlockQueries, RoundUp(queries, kQueryVector));
  }

  // Keys of a document up to the last that is not masked out; all where there is none.
  std::int64_t RealKeys(std::int64_t document) const {
    if (!mask.defined()) return keys;
    const float* const bias = mask.const_data_ptr<float>() + document * keys;
    std::int64_t count = keys;
    while (count > 0 && bias[count - 1] != 0) --count;
    return count > 0 ? count : keys;
  }

  at::Tensor query, key, value, relative, mask;
  DropoutMask dropout;
  std::int64_t documents, heads, queries, width, keys, padded_width, block_queries;
};

// One head of x [B, H, n, K].
template <typename T>
Rows<const T> HeadOf(const at::Tensor& x, std::int64_t document, std::int64_t head) {
  return {static_cast<const T*>(x.const_data_ptr()) + document * x.stride(0) + head * x.stride(1),
          x.stride(2)};
}
template <typename T>
Rows<T> HeadOf(at::Tensor& x, std::int64_t document, std::int64_t head) {
  return {static_cast<T*>(x.mutable_data_ptr()) + document * x.stride(0) + head * x.stride(1), x.stride(2)};
}

// What a thread works in, for as many tasks as it gets. T is float or at::BFloat16.
template <typename T>
struct Workspace {
  explicit Workspace(const Pass& pass)
      : padded_keys(RoundUp(pass.keys, kKeyGroup)), width(pass.padded_width), block(pass.block_queries) {
    scores.resize(padded_keys * block);
    key.resize(padded_keys * width);
    packed_query.resize(width * block);
    key_bias.resize(padded_keys);
    // Room for what is read past the last query and before the first key.
    relative.resize(pass.relative.defined() ? padded_keys + RoundUp(pass.queries, block) : 0);
    starts.resize(block), strides.resize(block);
  }
  std::int64_t padded_keys, width, block;
  Buffer<float> scores, key_bias, relative;
  Buffer<T> key, packed_query;
  Buffer<std::uint32_t> starts, strides;
};

// The part of a task that both passes set up: the head's keys, biases, and the block's draws.
template <typename T>
class Task {
 public:
  Task(const Pass& pass, Workspace<T>& work, std::int64_t number)
      : document(number / pass.heads), head(number % pass.heads), pass_(pass), work_(work) {
    keys = pass.RealKeys(document);
    padded_keys = RoundUp(keys, kKeyGroup);
    CopyRows(HeadOf<T>(pass.key, document, head), keys, pass.width, padded_keys, pass.padded_width,
             work.key.data());
    for (std::int64_t n = 0; n < padded_keys; ++n) {
      work.key_bias[n] = n >= keys             ? -std::numeric_limits<float>::infinity()
                         : pass.mask.defined() ? pass.mask.const_data_ptr<float>()[document * pass.keys + n]
                                               : 0.0f;
    }
    if (pass.relative.defined()) CopyRelative();
  }

  // The scores of `count` queries from `first` on, transposed and without biases, in work.scores.
  ScoreBlock Scores(std::int64_t first, std::int64_t count) {
    const std::int64_t columns = RoundUp(count, kQueryVector);
    PackColumns(HeadOf<T>(pass_.query, document, head).From(first), count, pass_.width, columns,
                pass_.padded_width, work_.packed_query.data());
    MicroGemm(padded_keys, columns, pass_.padded_width, work_.key.data(), pass_.padded_width,
              work_.packed_query.data(), columns, work_.scores.data(), columns, /*add=*/false);
    ScoreBlock block;
    block.keys = padded_keys;
    block.queries = columns;
    block.scores = work_.scores.data();
    block.key_bias = work_.key_bias.data();
    if (pass_.relative.defined()) block.relative = work_.relative.data() + padded_keys - 1 + first;
    if (pass_.dropout.threshold > 0) {
      for (std::int64_t q = 0; q < columns; ++q) {
        const DropoutRow row = RowOf(pass_.dropout, document, DropoutRowNumber(head, first + q));
        work_.starts[q] = row.start, work_.strides[q] = row.stride;
      }
      block.starts = work_.starts.data();
      block.strides = work_.strides.data();
      block.threshold = pass_.dropout.threshold;
      block.scale = pass_.dropout.scale;
    }
    return block;
  }

  std::int64_t document, head, keys, padded_keys;

 private:
  // relative[padded_keys − 1 + (q − n)]; the rest, beside which no score counts, is 0.
  void CopyRelative() {
    const float* const from = pass_.relative.const_data_ptr<float>() + head * pass_.relative.size(1);
    std::fill_n(work_.relative.data(), work_.relative.size(), 0.0f);
    std::copy_n(from + (pass_.keys - keys), keys - 1 + pass_.queries,
                work_.relative.data() + (padded_keys - keys));
  }

  const Pass& pass_;
  Workspace<T>& work_;
};

// Calls body(first, count) for each block of queries.
template <typename Body>
void ForEachBlock(const Pass& pass, const Body& body) {
  for (std::int64_t first = 0; first < pass.queries; first += pass.block_queries) {
    body(first, std::min(pass.block_queries, pass.queries - first));
  }
}

template <typename Body>
void ForEachTask(const Pass& pass, const Body& body) {
  ParallelFor(0, pass.documents * pass.heads, 1, [&](std::int64_t begin, std::int64_t end) {
    const at::AutoDispatchBelowADInplaceOrView below;  // thread-local: each thread says so itself
    const MicroGemmScope scope;
    body(begin, end);
  });
}

struct Output {
  at::Tensor mixed;    // [B, Q, H·K]
  at::Tensor log_sum;  // [B, H, Q] fp32: of each query's exponentials
};

template <typename T>
void ForwardTasks(const Pass& pass, Output& output) {
  ForEachTask(pass, [&](std::int64_t begin, std::int64_t end) {
    Workspace<T> work(pass);
    Buffer<T> value(pass.padded_width * work.padded_keys), weights(work.padded_keys * work.block);
    Buffer<float> mixed(pass.padded_width * work.block), top(work.block), sum(work.block);
    for (std::int64_t number = begin; number < end; ++number) {
      Task<T> task(pass, work, number);
      CopyColumns(HeadOf<T>(pass.value, task.document, task.head), task.keys, pass.width, task.padded_keys,
                  pass.padded_width, value.data());
      float* const log_sum = output.log_sum.mutable_data_ptr<float>() + number * pass.queries;
      at::Tensor by_head =
          output.mixed.view({pass.documents, pass.queries, pass.heads, pass.width}).transpose(1, 2);
      const Rows<T> out = HeadOf<T>(by_head, task.document, task.head);
      ForEachBlock(pass, [&](std::int64_t first, std::int64_t count) {
        const ScoreBlock block = task.Scores(first, count);
        Exponentials(block, Bits(weights.data()), top.data(), sum.data());
        MicroGemm(pass.padded_width, block.queries, task.padded_keys, value.data(), task.padded_keys,
                  weights.data(), block.queries, mixed.data(), block.queries, /*add=*/false);
        for (std::int64_t q = 0; q < count; ++q) {
          log_sum[first + q] = top[q] + std::log(sum[q]);
          sum[q] = 1 / sum[q];
        }
        StoreColumns(mixed.data(), block.queries, count, pass.width, sum.data(), out.From(first));
      });
    }
  });
}

struct AttentionGradients {
  at::Tensor query, key, value;  // [B, H, n, K]
  at::Tensor relative;           // [B, H, N − 1 + Q] fp32, or undefined
};

template <typename T>
void BackwardTasks(const Pass& pass, const at::Tensor& mixed, const at::Tensor& log_sums,
                   const at::Tensor& gradient, AttentionGradients& gradients) {
  ForEachTask(pass, [&](std::int64_t begin, std::int64_t end) {
    Workspace<T> work(pass);
    const std::int64_t width = pass.padded_width, all = work.padded_keys * work.block;
    Buffer<T> key_columns(width * work.padded_keys), value(work.padded_keys * width), dropped(all),
        scores(all), scores_in_pairs(all), packed(width * work.block);
    Buffer<float> weights(all), delta(work.block), log_sum(work.block), query_columns(width * work.block),
        key_sums(work.padded_keys * width), value_sums(work.padded_keys * width);
    const std::int64_t table = work.padded_keys + RoundUp(pass.queries, work.block);
    Buffer<float> tables(gradients.relative.defined() ? kKeyGroup * table : 0);
    for (std::int64_t number = begin; number < end; ++number) {
      Task<T> task(pass, work, number);
      const std::int64_t document = task.document, head = task.head;
      CopyColumns(HeadOf<T>(pass.key, document, head), task.keys, pass.width, task.padded_keys, width,
                  key_columns.data());
      CopyRows(HeadOf<T>(pass.value, document, head), task.keys, pass.width, task.padded_keys, width,
               value.data());
      std::fill_n(tables.data(), tables.size(), 0.0f);
      bool first_block = true;
      // A single key has all the weight whatever its score is: no gradient, where the difference of two sums
      // that are rounded otherwise would leave some.
      const bool one_key = task.keys == 1;
      ForEachBlock(pass, [&](std::int64_t first, std::int64_t count) {
        const ScoreBlock block = task.Scores(first, count);
        const std::int64_t columns = block.queries;
        const Rows<const T> g = HeadOf<T>(gradient, document, head).From(first);
        PackColumns(g, count, pass.width, columns, width, packed.data());
        MicroGemm(task.padded_keys, columns, width, value.data(), width, packed.data(), columns,
                  weights.data(), columns, /*add=*/false);
        RowProducts(g, HeadOf<T>(mixed, document, head).From(first), count, pass.width, columns,
                    delta.data());
        // Queries that pad: their weights are e^(score − ∞) = 0.
        std::fill_n(log_sum.data(), columns, std::numeric_limits<float>::infinity());
        std::copy_n(log_sums.const_data_ptr<float>() + number * pass.queries + first, count, log_sum.data());
        ScoreGradients<BitsOf<T>> out;
        out.weight_gradients = weights.data();
        out.log_sum = log_sum.data();
        out.delta = delta.data();
        out.dropped = Bits(dropped.data());
        out.gradients = Bits(scores.data());
        out.gradients_in_pairs = Bits(scores_in_pairs.data());
        if (gradients.relative.defined() && !one_key) {
          out.relative = tables.data() + task.padded_keys - 1 + first;
          out.relative_stride = table;
        }
        Gradients(block, out);
        if (one_key) {
          std::fill_n(scores.data(), task.padded_keys * columns, T(0));
          std::fill_n(scores_in_pairs.data(), task.padded_keys * columns, T(0));
        }
        // dV += weightsᵀ · g and dK += scoresᵀ · q: the transposes are what we hold.
        PackRows(g, count, pass.width, columns, width, packed.data());
        MicroGemm(task.padded_keys, width, columns, dropped.data(), columns, packed.data(), width,
                  value_sums.data(), width, /*add=*/!first_block);
        PackRows(HeadOf<T>(pass.query, document, head).From(first), count, pass.width, columns, width,
                 packed.data());
        MicroGemm(task.padded_keys, width, columns, scores.data(), columns, packed.data(), width,
                  key_sums.data(), width, /*add=*/!first_block);
        // dQᵀ = Kᵀ · scoresᵀ.
        const T* const pairs = std::is_same_v<T, float> ? scores.data() : scores_in_pairs.data();
        MicroGemm(width, columns, task.padded_keys, key_columns.data(), task.padded_keys, pairs, columns,
                  query_columns.data(), columns, /*add=*/false);
        StoreColumns(query_columns.data(), columns, count, pass.width, nullptr,
                     HeadOf<T>(gradients.query, document, head).From(first));
        first_block = false;
      });
      StoreRows(key_sums.data(), width, task.keys, pass.width, pass.keys,
                HeadOf<T>(gradients.key, document, head));
      StoreRows(value_sums.data(), width, task.keys, pass.width, pass.keys,
                HeadOf<T>(gradients.value, document, head));
      if (gradients.relative.defined()) {
        float* const to = gradients.relative.mutable_data_ptr<float>() + number * pass.relative.size(1);
        std::fill_n(to, pass.keys - task.keys, 0.0f);
        SumTables(tables.data() + (task.padded_keys - task.keys), table, kKeyGroup,
                  task.keys - 1 + pass.queries, to + (pass.keys - task.keys));
      }
    }
  });
}

Output Forward(const Pass& pass) {
  Output output{
      at::empty({pass.documents, pass.queries, pass.heads * pass.width}, pass.query.options()),
      at::empty({pass.documents, pass.heads, pass.queries}, pass.query.options().dtype(at::kFloat))};
  if (pass.query.scalar_type() == at::kFloat) {
    ForwardTasks<float>(pass, output);
  } else {
    ForwardTasks<at::BFloat16>(pass, output);
  }
  return output;
}

class Function : public torch::autograd::Function<Function> {
 public:
  // `relative` and `mask` may be absent: autograd wants defined tensors or none.
  static at::Tensor forward(AutogradContext* context, const at::Tensor& query, const at::Tensor& key,
                            const at::Tensor& value, const std::optional<at::Tensor>& relative,
                            const std::optional<at::Tensor>& mask, const DropoutMask& dropout) {
    const at::Tensor table = relative.value_or(at::Tensor()), bias = mask.value_or(at::Tensor());
    const Output output = Forward(Pass(query, key, value, table, bias, dropout));
    context->save_for_backward({query, key, value, table, bias, output.mixed, output.log_sum});
    SaveMask(*context, dropout);
    return output.mixed;
  }

  static variable_list backward(AutogradContext* context, const variable_list& outputs) {
    const at::AutoDispatchBelowADInplaceOrView below;
    const variable_list saved = context->get_saved_variables();
    const Pass pass(saved[0], saved[1], saved[2], saved[3], saved[4], SavedMask(*context));
    const auto by_head = [&](const at::Tensor& x) {
      return x.contiguous().view({pass.documents, pass.queries, pass.heads, pass.width}).transpose(1, 2);
    };
    // Laid out as the projections' outputs are, whose gradients they become.
    const auto empty = [&](std::int64_t n) {
      return at::empty({pass.documents, n, pass.heads, pass.width}, pass.query.options()).transpose(1, 2);
    };
    AttentionGradients gradients{empty(pass.queries), empty(pass.keys), empty(pass.keys), {}};
    if (pass.relative.defined() && context->needs_input_grad(3)) {
      gradients.relative =
          at::empty({pass.documents, pass.heads, pass.relative.size(1)}, pass.relative.options());
    }
    const at::Tensor mixed = by_head(saved[5]), gradient = by_head(outputs[0]);
    if (pass.query.scalar_type() == at::kFloat) {
      BackwardTasks<float>(pass, mixed, saved[6], gradient, gradients);
    } else {
      BackwardTasks<at::BFloat16>(pass, mixed, saved[6], gradient, gradients);
    }
    return {gradients.query,
            gradients.key,
            gradients.value,
            gradients.relative.defined() ? gradients.relative.sum(0) : at::Tensor(),
            {},
            {}};
  }
};

}  // namespace

at::Tensor FusedAttention(const at::Tensor& query, const at::Tensor& key, const at::Tensor& value,
                          const at::Tensor& relative, const at::Tensor& mask, const DropoutMask& dropout) {
  const at::Tensor table = relative.defined() ? relative.contiguous() : relative;
  const at::Tensor bias = mask.defined() ? mask.contiguous() : mask;
  if (!c10::GradMode::is_enabled()) return Forward(Pass(query, key, value, table, bias, dropout)).mixed;
  const auto given = [](const at::Tensor& x) { return x.defined() ? std::optional(x) : std::nullopt; };
  return Function::apply(query, key, value, given(table), given(bias), dropout);
}

}  // namespace lorikeet::trainer
