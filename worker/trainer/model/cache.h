// The self attention's growing keys and values (DecoderCache in t5.h). Not thread-safe.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

#include "worker/trainer/model/t5.h"

namespace lorikeet::trainer {

// Puts x [rows, H·K] behind the first `steps` of buffer [rows, H, capacity, K], which grows where it must.
void AppendStep(const at::Tensor& x, std::int64_t heads, std::int64_t steps, at::Tensor& buffer);

// The self attention's keys and values of hypotheses `rows` [rows'] int64, in that order.
void ReorderRows(DecoderCache& cache, const at::Tensor& rows);

}  // namespace lorikeet::trainer
