// Linear inputs of the CPU backend: float32, or integers in the arrangement of the 4-bit kernels.
#pragma once

#include "libfp4/cpu/host_memory.h"
#include "libfp4/cpu/kernels/kernels.h"

namespace fp4 {

class CpuActivation final : public Activation {
  public:
    static Result<std::unique_ptr<CpuActivation>> create(size_t max_rows, size_t cols);
    size_t max_rows() const override { return max_rows_; }
    size_t cols() const override { return cols_; }
    size_t padded() const { return padded_; } // whole chunks; behind cols everything is zero

    ActivationFormat format() const { return format_; }
    void set_format(ActivationFormat format) { format_ = format; }
    bool is_integer() const;

    float* values(size_t row) const { return reinterpret_cast<float*>(memory_.data()) + row * padded_; }
    IntegerInput integers() const; // of row 0
    IntegerOutput integers(size_t row) const;

    // The float32 values behind the integers of a row, [padded].
    void expand(size_t row, float* out) const;

  private:
    int8_t* codes() const { return reinterpret_cast<int8_t*>(memory_.data()); }
    float* scales() const { return reinterpret_cast<float*>(memory_.data() + max_rows_ * padded_); }
    int32_t* offsets() const {
        return reinterpret_cast<int32_t*>(scales() + max_rows_ * (padded_ / lane_elements));
    }

    size_t max_rows_ = 0;
    size_t cols_ = 0;
    size_t padded_ = 0;
    ActivationFormat format_;
    // float32 [max_rows, padded], or codes [max_rows, padded], scales and offsets [max_rows, padded / 8]:
    // half of it.
    AlignedBytes memory_;
};

} // namespace fp4
