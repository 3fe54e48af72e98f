// Buffers, weights, transforms, activations and KV caches in device memory.
#pragma once

#include "cuda/device/activation_view.h"
#include "cuda/device/kv_view.h"
#include "cuda/device_memory.h"

namespace fp4::cuda {

class CudaBuffer final : public Buffer {
  public:
    explicit CudaBuffer(DeviceMemory memory) : memory_(std::move(memory)) {}
    size_t bytes() const override { return memory_.bytes(); }
    uint8_t* data() const { return memory_.data(); }
    float* floats() const { return memory_.as<float>(); }

  private:
    DeviceMemory memory_;
};

class WeightUpload;

class CudaWeight final : public Weight {
  public:
    static Result<std::unique_ptr<CudaWeight>> create(const HostWeight& weight, WeightUpload& upload);
    static uint64_t bytes(WeightFormat format, size_t rows, size_t cols); // on the device

    WeightFormat format() const override { return view_.format; }
    size_t rows() const override { return view_.rows; }
    size_t cols() const override { return view_.cols; }
    const WeightView& view() const { return view_; }
    const float* f32() const { return reinterpret_cast<const float*>(view_.codes); } // vectors

  private:
    Result<void> upload_plain(const HostWeight& weight, WeightUpload& upload);
    Result<void> upload_packed(const HostWeight& weight, WeightUpload& upload);

    WeightView view_;
    DeviceMemory codes_, scales_, row_factors_;
};

class CudaTransform final : public Transform {
  public:
    static Result<std::unique_ptr<CudaTransform>> create(const InputTransform& transform, size_t cols);
    size_t cols() const override { return cols_; }
    const TransformView& view() const { return view_; }

  private:
    TransformView view_;
    size_t cols_ = 0;
    DeviceMemory channel_scale_, matrix_;
};

class CudaActivation final : public Activation {
  public:
    static Result<std::unique_ptr<CudaActivation>> create(size_t max_rows, size_t cols,
                                                          std::span<const Weight* const> readers = {});
    static uint64_t bytes(size_t max_rows, size_t cols); // on the device
    size_t max_rows() const override { return max_rows_; }
    size_t cols() const override { return view_.cols; }
    const ActivationView& view() const { return view_; } // of up to few_tokens rows
    // Of n rows: where operations put them, and where linear() of as many finds them.
    ActivationView view(size_t n) const;
    void set_content(const ActivationFormat& format, RowNorm norm) {
        view_.kind = format.kind;
        view_.rule = format.rule;
        view_.norm = norm;
    }
    float* squares() const { return squares_.as<float>(); } // of RowNorm; null: rows are too long

  private:
    // Of each of its memories.
    struct Sizes {
        uint64_t values = 0, parts = 0, part_scales = 0, row_amax = 0, squares = 0;
        uint64_t half = 0, row_scale = 0, e4m3 = 0, codes = 0, scales = 0, tensor_scale = 0;
    };
    static Sizes sizes(size_t max_rows, size_t cols);
    Result<void> allocate_operand(const Sizes& sizes);

    ActivationView view_;
    size_t max_rows_ = 0;
    DeviceMemory values_, parts_, part_scales_, row_amax_, squares_;
    DeviceMemory half_, row_scale_, e4m3_, codes_, scales_, tensor_scale_;
};

class CudaKvCache final : public KvCache {
  public:
    static Result<std::unique_ptr<CudaKvCache>> create(const KvShape& shape);
    const KvShape& shape() const override { return shape_; }
    KvView view(size_t layer) const;

  private:
    KvShape shape_;
    DeviceMemory memory_; // keys, then values: [layers][capacity][row]
};

} // namespace fp4::cuda
