#include "worker/trainer/kernels/step_attention.h"

#include <algorithm>

#include "worker/trainer/kernels/attention_kernels.h"
#include "worker/trainer/kernels/micro_gemm.h"
#include "worker/trainer/kernels/parallel.h"
#include "worker/trainer/kernels/row_kernels.h"

namespace lorikeet::trainer {
namespace {

constexpr std::int64_t kProductsWorthAThread = 65536;

std::int64_t Grain(std::int64_t products) {
  return std::max<std::int64_t>(1, kProductsWorthAThread / products);
}

}  // namespace

void Ancestry::Reallocate(std::int64_t rows, std::int64_t allocated) {
  std::vector<std::int64_t> paths(static_cast<std::size_t>(rows * allocated));
  for (std::int64_t row = 0; row < std::min(rows, rows_); ++row) {
    std::copy_n(paths_.begin() + row * allocated_, steps_, paths.begin() + row * allocated);
  }
  paths_ = std::move(paths);
  allocated_ = allocated;
}

void Ancestry::Begin(std::int64_t rows) {
  const bool longer = steps_ == allocated_;
  if (longer || rows > rows_)
    Reallocate(rows, longer ? std::max<std::int64_t>(64, 2 * allocated_) : allocated_);
  rows_ = rows;
  for (std::int64_t row = 0; row < rows; ++row) {
    paths_[static_cast<std::size_t>(row * allocated_ + steps_)] = written_ + row;
  }
  written_ += rows;
  ++steps_;
}

void Ancestry::Select(std::span<const std::int64_t> rows) {
  std::vector<std::int64_t> paths(rows.size() * static_cast<std::size_t>(allocated_));
  for (std::size_t row = 0; row < rows.size(); ++row) {
    std::copy_n(paths_.begin() + rows[row] * allocated_, steps_,
                paths.begin() + static_cast<std::int64_t>(row) * allocated_);
  }
  paths_ = std::move(paths);
  rows_ = static_cast<std::int64_t>(rows.size());
}

void SelfCache::Append(const Ancestry& ancestry, const float* keys, const float* values, std::int64_t stride,
                       std::int64_t joined) {
  joined_ = joined;
  const std::int64_t used = (ancestry.written() - ancestry.rows()) * joined;
  keys_.Grow(ancestry.written() * joined, used);
  values_.Grow(ancestry.written() * joined, used);
  for (std::int64_t row = 0; row < ancestry.rows(); ++row) {
    const std::int64_t at = ancestry.PlaceOf(row) * joined;
    std::copy_n(keys + row * stride, joined, keys_.data() + at);
    std::copy_n(values + row * stride, joined, values_.data() + at);
  }
}

template <typename T>
void SelfCache::Attend(const Ancestry& ancestry, std::int64_t heads, const float* query, std::int64_t stride,
                       const at::Tensor& position, T* out, std::int64_t out_stride) const {
  const std::int64_t width = joined_ / heads, steps = ancestry.steps(), columns = position.size(1);
  const float* const biases = position.const_data_ptr<float>() + columns - steps;
  ParallelFor(0, ancestry.rows() * heads, Grain(2 * steps * width),
              [&](std::int64_t begin, std::int64_t end) {
                Buffer<float> scores(steps), mixed(width);
                for (std::int64_t task = begin; task < end; ++task) {
                  const std::int64_t row = task / heads, head = task % heads;
                  const GatheredRows keys{keys_.data() + head * width, ancestry.PathOf(row), joined_};
                  const GatheredRows values{values_.data() + head * width, ancestry.PathOf(row), joined_};
                  ScoreGathered(steps, width, query + row * stride + head * width, keys, scores.data());
                  SoftmaxRow(steps, biases + head * columns, nullptr, scores.data());
                  MixGathered(steps, width, scores.data(), values, mixed.data());
                  auto* const to = Bits(out + row * out_stride + head * width);
                  for (std::int64_t i = 0; i < width; ++i) Narrow(mixed[i], to[i]);
                }
              });
}
template void SelfCache::Attend(const Ancestry&, std::int64_t, const float*, std::int64_t, const at::Tensor&,
                                float*, std::int64_t) const;
template void SelfCache::Attend(const Ancestry&, std::int64_t, const float*, std::int64_t, const at::Tensor&,
                                at::BFloat16*, std::int64_t) const;

template <typename T>
CrossCache<T>::CrossCache(const at::Tensor& key, const at::Tensor& value,
                          const std::vector<std::int64_t>& keys_of)
    : heads_(key.size(1)),
      width_(key.size(3)),
      padded_width_(RoundUp(width_, kKeyGroup)),
      keys_of_(keys_of),
      documents_(keys_of.size()) {
  ParallelFor(0, key.size(0), 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t number = begin; number < end; ++number) {
      const std::int64_t n = keys_of_[static_cast<std::size_t>(number)], padded = RoundUp(n, kKeyGroup);
      Document& document = documents_[static_cast<std::size_t>(number)];
      document.key_panels = Panels<T>(padded_width_, padded, padded);
      document.value_panels = Panels<T>(padded, padded_width_, padded_width_);
      document.keys.resize(heads_ * document.key_panels.size());
      document.values.resize(heads_ * document.value_panels.size());
      for (std::int64_t head = 0; head < heads_; ++head) {
        const auto rows = [&](const at::Tensor& x) {
          return Rows<const T>{x.const_data_ptr<T>() + number * x.stride(0) + head * x.stride(1),
                               x.stride(2)};
        };
        T* const keys = document.keys.data() + head * document.key_panels.size();
        for (std::int64_t panel = 0; panel < document.key_panels.count(); ++panel)
          document.key_panels.PackTransposed(panel, rows(key), n, width_, keys);
        T* const values = document.values.data() + head * document.value_panels.size();
        for (std::int64_t panel = 0; panel < document.value_panels.count(); ++panel)
          document.value_panels.Pack(panel, rows(value), n, width_, values);
      }
    }
  });
}

template <typename T>
void CrossCache<T>::Attend(std::span<const std::int64_t> documents, std::int64_t hypotheses,
                           const float* query, std::int64_t stride, const at::Tensor& mask, T* out,
                           std::int64_t out_stride) const {
  const auto tasks = static_cast<std::int64_t>(documents.size()) * heads_;
  const std::int64_t longest = RoundUp(*std::max_element(keys_of_.begin(), keys_of_.end()), kKeyGroup);
  ParallelFor(0, tasks, Grain(2 * hypotheses * longest * width_), [&](std::int64_t begin, std::int64_t end) {
    const MicroGemmScope scope;
    Buffer<float> scores(hypotheses * longest), mixed(hypotheses * padded_width_);
    Buffer<T> queries(hypotheses * padded_width_), weights(hypotheses * longest);
    std::fill_n(queries.data(), queries.size(), T(0));
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t number = task / heads_, head = task % heads_;
      const std::int64_t place = documents[static_cast<std::size_t>(number)];
      const Document& document = documents_[static_cast<std::size_t>(place)];
      const Panels<T>&key_panels = document.key_panels, &value_panels = document.value_panels;
      const std::int64_t keys = keys_of_[static_cast<std::size_t>(place)], padded = RoundUp(keys, kKeyGroup);
      for (std::int64_t h = 0; h < hypotheses; ++h) {
        const float* const from = query + (number * hypotheses + h) * stride + head * width_;
        auto* const to = Bits(queries.data() + h * padded_width_);
        for (std::int64_t i = 0; i < width_; ++i) Narrow(from[i], to[i]);
      }
      key_panels.Multiply(0, key_panels.count(), hypotheses, queries.data(), padded_width_,
                          document.keys.data() + head * key_panels.size(), scores.data(), padded,
                          /*add=*/false);
      const float* const bias =
          mask.defined() ? mask.const_data_ptr<float>() + place * mask.size(1) : nullptr;
      for (std::int64_t h = 0; h < hypotheses; ++h) {
        float* const row = scores.data() + h * padded;
        SoftmaxRow(keys, nullptr, bias, row);
        std::fill_n(row + keys, padded - keys, 0.0f);
        auto* const to = Bits(weights.data() + h * padded);
        for (std::int64_t n = 0; n < padded; ++n) Narrow(row[n], to[n]);
      }
      value_panels.Multiply(0, value_panels.count(), hypotheses, weights.data(), padded,
                            document.values.data() + head * value_panels.size(), mixed.data(), padded_width_,
                            /*add=*/false);
      for (std::int64_t h = 0; h < hypotheses; ++h) {
        auto* const to = Bits(out + (number * hypotheses + h) * out_stride + head * width_);
        for (std::int64_t i = 0; i < width_; ++i) Narrow(mixed[h * padded_width_ + i], to[i]);
      }
    }
  });
}

template class CrossCache<float>;
template class CrossCache<at::BFloat16>;

}  // namespace lorikeet::trainer
