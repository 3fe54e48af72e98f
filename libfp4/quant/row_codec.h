// Block codecs over many rows, with threads and an account of the rounding error.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "libfp4/base/thread_pool.h"
#include "libfp4/format/block_format.h"
#include "libfp4/format/dtype.h"

namespace fp4 {

struct RoundingError {
    double squared_error = 0;
    double squared_value = 0;
    double relative() const { return squared_value > 0 ? std::sqrt(squared_error / squared_value) : 0.0; }
};

class RowCodec {
  public:
    // A rule that does not apply to the format (a kept tensor in another format) falls back to mse.
    RowCodec(BlockFormat format, ScaleRule rule, float tensor_amax);

    float tensor_scale() const { return tensor_scale_; }
    size_t code_bytes(size_t k) const { return row_code_bytes(format_, k); }
    size_t scale_bytes(size_t k) const { return row_scales(format_, k); }

    // values [rows, k] -> codes [rows, code_bytes], scales [rows, scale_bytes]. The sum of errors does not
    // depend on the number of threads.
    void quantize(ThreadPool& pool, const float* values, size_t rows, size_t k, uint8_t* codes,
                  uint8_t* scales, RoundingError& error) const;

  private:
    BlockFormat format_;
    ScaleRule rule_;
    float tensor_scale_;
};

// f32 to F32, F16 or BF16.
void encode_plain(DType dtype, std::span<const float> values, uint8_t* target);

} // namespace fp4
