// Linear inputs as the reference keeps them: float32, or codes and scales in the storage of block_format.h.
#pragma once

#include "libfp4/cpu/host_stream.h"

namespace fp4 {

class ReferenceActivation final : public Activation {
  public:
    static Result<std::unique_ptr<ReferenceActivation>> create(size_t max_rows, size_t cols);
    size_t max_rows() const override { return max_rows_; }
    size_t cols() const override { return cols_; }

    // values = round(transform(values)), the values of row `row`.
    void round_row(const HostRounding& rounding, size_t row, std::span<float> values);

    ActivationFormat format() const { return format_; }
    const float* values(size_t row) const { return values_.data() + row * cols_; } // a16 only
    const uint8_t* codes(size_t row) const { return codes_.data() + row * cols_padded(); }
    const uint8_t* scales(size_t row) const { return scales_.data() + row * scales_per_row(); }
    float tensor_scale(size_t row) const { return tensor_scales_[row]; }

  private:
    // Bounds for every format: 8-bit codes in blocks of 32, scales in blocks of 16.
    size_t cols_padded() const { return (cols_ + 31) / 32 * 32; }
    size_t scales_per_row() const { return (cols_ + 15) / 16; }

    size_t max_rows_ = 0;
    size_t cols_ = 0;
    ActivationFormat format_;
    std::vector<float> values_;        // [max_rows, cols]
    std::vector<uint8_t> codes_;       // [max_rows, cols_padded]
    std::vector<uint8_t> scales_;      // [max_rows, scales_per_row]
    std::vector<float> tensor_scales_; // [max_rows]
};

} // namespace fp4
