#include "cuda/weight_upload.h"

#include <algorithm>
#include <cstring>

#include "cuda/gemm/fp4_layout.h"
#include "cuda/kernels/pack.h"
#include "libfp4/base/checked.h"

namespace fp4::cuda {
namespace {

constexpr size_t piece_bytes = size_t(4) << 20;
constexpr int most_threads = 6;

// Whole tiles of rows.
size_t piece_rows(size_t row) {
    return std::max<size_t>(piece_bytes / row / tile_rows, 1) * tile_rows;
}

} // namespace

Result<std::shared_ptr<WeightUpload>> WeightUpload::create() {
    auto upload = std::make_shared<WeightUpload>();
    FP4_ASSIGN(upload->pool_,
               ThreadPool::create(std::min(ThreadPool::count(0), most_threads), ThreadPriority::normal));
    FP4_TRY(check(cudaStreamCreateWithFlags(&upload->stream_, cudaStreamNonBlocking), "create a stream"));
    for (Slot& slot : upload->slots_)
        FP4_TRY(check(cudaEventCreateWithFlags(&slot.free, cudaEventDisableTiming), "create an event"));
    return upload;
}

WeightUpload::~WeightUpload() {
    if (stream_) cudaStreamSynchronize(stream_);
    for (Slot& slot : slots_)
        if (slot.free) cudaEventDestroy(slot.free);
    if (stream_) cudaStreamDestroy(stream_);
}

void WeightUpload::copy_in(uint8_t* target, const uint8_t* source, size_t bytes) {
    constexpr size_t least = size_t(256) << 10; // of a thread
    const size_t parts = std::clamp<size_t>(bytes / least, 1, static_cast<size_t>(pool_->threads()));
    if (parts == 1) {
        std::memcpy(target, source, bytes);
        return;
    }
    pool_->parallel_for(parts, [&](size_t i) {
        const size_t first = bytes * i / parts, end = bytes * (i + 1) / parts;
        std::memcpy(target + first, source + first, end - first);
    });
}

Result<WeightUpload::Slot*> WeightUpload::next_slot(size_t bytes, bool staged) {
    Slot& slot = slots_[next_];
    next_ = (next_ + 1) % slots_.size();
    FP4_TRY(check(cudaEventSynchronize(slot.free), "upload a weight"));
    if (slot.bytes < bytes) {
        slot.bytes = 0;
        slot.device = {};
        FP4_ASSIGN(slot.host, PinnedMemory::create(bytes));
        slot.bytes = bytes;
    }
    if (staged && slot.device.bytes() < bytes) {
        FP4_ASSIGN(slot.device, DeviceMemory::create(slot.bytes));
    }
    return &slot;
}

Result<void> WeightUpload::sent(Slot& slot) {
    return check(cudaEventRecord(slot.free, stream_), "upload a weight");
}

Result<void> WeightUpload::copy(const uint8_t* source, size_t row, size_t rows, uint8_t* target,
                                size_t pitch) {
    for (size_t first = 0; first < rows;) {
        const size_t count = std::min(piece_rows(row), rows - first), bytes = count * row;
        FP4_ASSIGN(Slot * slot, next_slot(bytes, false));
        copy_in(slot->host.as<uint8_t>(), source + first * row, bytes);
        FP4_TRY(check(cudaMemcpy2DAsync(target + first * pitch, pitch, slot->host.as<uint8_t>(), row, row,
                                        count, cudaMemcpyHostToDevice, stream_),
                      "upload a weight"));
        FP4_TRY(sent(*slot));
        first += count;
    }
    return {};
}

Result<void> WeightUpload::pack(const HostWeight& weight, const WeightView& target, uint8_t* codes,
                                uint8_t* scales) {
    const BlockFormat format = to_block(weight.format);
    const size_t row_codes = row_code_bytes(format, weight.cols), row_scale = row_scales(format, weight.cols);
    const size_t step = piece_rows(row_codes + row_scale);
    const size_t tile_codes = weight_code_bytes(tile_rows, weight.cols),
                 tile_scales = weight_scale_bytes(format, tile_rows, weight.cols);
    for (size_t first = 0; first < weight.rows; first += step) {
        const size_t rows = std::min(step, weight.rows - first), bytes = rows * (row_codes + row_scale);
        FP4_ASSIGN(Slot * slot, next_slot(bytes, true));
        auto* host = slot->host.as<uint8_t>();
        copy_in(host, weight.data + first * row_codes, rows * row_codes);
        copy_in(host + rows * row_codes, weight.scales + first * row_scale, rows * row_scale);
        const uint8_t* staged = slot->device.data();
        FP4_TRY(check(cudaMemcpyAsync(slot->device.data(), host, bytes, cudaMemcpyHostToDevice, stream_),
                      "upload a weight"));
        WeightView piece = target;
        piece.rows = static_cast<uint32_t>(rows);
        const size_t tile = first / tile_rows;
        FP4_TRY(check(launch_pack(staged, staged + rows * row_codes, piece, codes + tile * tile_codes,
                                  scales + tile * tile_scales, stream_),
                      "start packing a weight"));
        FP4_TRY(sent(*slot));
    }
    return {};
}

Result<void> WeightUpload::finish() {
    return check(cudaStreamSynchronize(stream_), "upload a weight");
}

} // namespace fp4::cuda
