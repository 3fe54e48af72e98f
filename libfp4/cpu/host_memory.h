// Memory objects of backends that compute on the host: the reference and the CPU backend share them.
#pragma once

#include <vector>

#include "libfp4/base/host_allocator.h"
#include "libfp4/cpu/kv_rows.h"
#include "libfp4/engine/backend.h"

namespace fp4 {

// The host's memory that backends on it hold: their own, and the mapped bytes of weights.
MemoryAccount& host_account();

// Zeroed memory on a 64-byte boundary; pages are not touched until they are used.
class AlignedBytes {
  public:
    static constexpr size_t alignment = 64;
    static Result<AlignedBytes> create(uint64_t bytes); // Status::memory when there is none

    AlignedBytes() = default;
    uint8_t* data() const { return block_.get(); }
    size_t size() const { return size_; }

  private:
    struct Release {
        void operator()(uint8_t* block) const { host_release(block); }
    };
    std::unique_ptr<uint8_t, Release> block_;
    size_t size_ = 0;
    MemoryShare share_;
};

class HostBuffer final : public Buffer {
  public:
    explicit HostBuffer(AlignedBytes memory) : memory_(std::move(memory)) {}
    size_t bytes() const override { return memory_.size(); }
    uint8_t* data() const { return memory_.data(); }

  private:
    AlignedBytes memory_;
};

// Borrows the caller's bytes while an owner keeps them alive, copies them otherwise. Bytes may be unaligned.
class HostMatrix final : public Weight {
  public:
    static Result<std::unique_ptr<HostMatrix>> create(const HostWeight& weight);

    WeightFormat format() const override { return weight_.format; }
    size_t rows() const override { return weight_.rows; }
    size_t cols() const override { return weight_.cols; }
    float tensor_scale() const { return weight_.tensor_scale; }
    const uint8_t* codes(size_t row) const { return weight_.data + row * row_bytes_; }
    const uint8_t* scales(size_t row) const { return weight_.scales + row * row_scales_; }
    size_t row_bytes() const { return row_bytes_; }
    size_t row_scales() const { return row_scales_; } // 0 for plain formats
    const float* f32() const {
        return reinterpret_cast<const float*>(weight_.data);
    } // vectors: 1 row, aligned

    // No NaN block scale, and no sign bit set in an NVFP4 scale: what the integer kernels rely on.
    bool regular_scales() const { return regular_scales_; }

  private:
    HostWeight weight_;
    size_t row_bytes_ = 0;
    size_t row_scales_ = 0;
    bool regular_scales_ = true;
    std::vector<uint8_t> copied_codes_;
    std::vector<uint8_t> copied_scales_;
    MemoryShare share_;
};

class HostTransform final : public Transform {
  public:
    static Result<std::unique_ptr<HostTransform>> create(const InputTransform& transform, size_t cols);
    const InputTransform& definition() const { return definition_; }
    size_t cols() const override { return cols_; }
    // From the matrix of a block to that of the next one: 0 where all share one.
    size_t matrix_stride() const {
        size_t one = size_t(definition_.block) * definition_.block;
        return definition_.matrix.size() > one ? one : 0;
    }

  private:
    InputTransform definition_;
    size_t cols_ = 0;
    MemoryShare share_;
};

class HostKvCache final : public KvCache {
  public:
    static Result<std::unique_ptr<HostKvCache>> create(const KvShape& shape);
    const KvShape& shape() const override { return shape_; }
    KvRows keys(size_t layer, size_t position) const { return rows(keys_, layer, position); }
    KvRows values(size_t layer, size_t position) const { return rows(values_, layer, position); }

  private:
    KvRows rows(uint8_t* base, size_t layer, size_t position) const {
        size_t row = layer * shape_.capacity + position;
        return KvRows{base, shape_.format, shape_.head_bytes(), shape_.row_bytes()}.at(row, 0);
    }

    KvShape shape_;
    AlignedBytes memory_;
    uint8_t* keys_ = nullptr;   // [layers][capacity][row]
    uint8_t* values_ = nullptr; // [layers][capacity][row]
};

// Codes and scales of a whole weight.
uint64_t weight_memory(WeightFormat format, size_t rows, size_t cols);

} // namespace fp4
