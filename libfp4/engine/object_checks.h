// What every device checks before it makes an object, and the sizes that follow from the arguments.
#pragma once

#include "libfp4/engine/backend.h"

namespace fp4 {

// One row of a weight's values or codes, without block scales.
uint64_t weight_row_bytes(WeightFormat format, uint64_t cols);

// That there is a known format, values, and block scales where the format has them.
Result<void> check_weight(const HostWeight& weight);

// That the transform is one of an input of `cols` channels.
Result<void> check_transform(const InputTransform& transform, size_t cols);

// That it is one of them.
Result<void> check_kv_format(KvFormat format);

// Keys and values together. An error where there are none or more than can be counted.
Result<uint64_t> kv_cache_bytes(const KvShape& shape);

} // namespace fp4
