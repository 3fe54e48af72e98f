#include <cstring>

#include "cuda/cuda_objects.h"
#include "cuda/device/launch.h"
#include "cuda/gemm/e4m3_fold.h"
#include "cuda/gemm/gemm.h"
#include "cuda/weight_upload.h"
#include "libfp4/base/checked.h"
#include "libfp4/engine/object_checks.h"

namespace fp4::cuda {
namespace {

// Bytes on the device.
struct Sizes {
    uint64_t codes = 0, scales = 0, row_factors = 0;
};

// Rows padded to whole runs.
Sizes plain_sizes(WeightFormat format, uint64_t rows, uint64_t cols) {
    const uint64_t padded = round_up(cols, run_columns);
    return {rows * weight_row_bytes(format, padded),
            is_block(format) ? rows * row_scales(to_block(format), padded) : 0, 0};
}

Sizes packed_sizes(WeightFormat format, uint64_t rows, uint64_t cols) {
    return {weight_code_bytes(rows, cols) + code_overrun(cols),
            weight_scale_bytes(to_block(format), rows, cols), rows * w4_row_bytes};
}

// NaN blocks have no form in the packed layout.
bool has_nan_scale(const HostWeight& weight) {
    const size_t count = weight.rows * row_scales(to_block(weight.format), weight.cols);
    const bool signless = weight.format == WeightFormat::nvfp4; // the sign bit of its scales means nothing
    return std::memchr(weight.scales, 0xFF, count) != nullptr ||
           (signless && std::memchr(weight.scales, 0x7F, count) != nullptr);
}

// Kernels count rows and columns in 32 bits, and row tiles in the grid.
Result<void> check_size(const HostWeight& weight) {
    constexpr size_t most = size_t(1) << 19;
    if (weight.rows > most || weight.cols > most * 16)
        return error(Status::limit, "a weight [", weight.rows, ", ", weight.cols, "] is too large for CUDA");
    return {};
}

} // namespace

uint64_t CudaWeight::bytes(WeightFormat format, size_t rows, size_t cols) {
    const Sizes sizes = is_w4(format) ? packed_sizes(format, rows, cols) : plain_sizes(format, rows, cols);
    return sizes.codes + sizes.scales + sizes.row_factors;
}

Result<std::unique_ptr<CudaWeight>> CudaWeight::create(const HostWeight& weight, WeightUpload& upload) {
    FP4_TRY(check_weight(weight));
    FP4_TRY(check_size(weight));
    auto result = std::make_unique<CudaWeight>();
    WeightView& view = result->view_;
    view.format = weight.format;
    view.rows = static_cast<uint32_t>(weight.rows);
    view.cols = static_cast<uint32_t>(weight.cols);
    view.tensor_scale = weight.tensor_scale;
    view.packed = is_w4(weight.format) && !has_nan_scale(weight);
    view.folds = e4m3_products && view.packed && weight.format == WeightFormat::mxfp4 &&
                 folds_into_e4m3(weight.data, weight.scales, weight.rows, weight.cols);
    const auto lock = upload.lock();
    FP4_TRY(view.packed ? result->upload_packed(weight, upload) : result->upload_plain(weight, upload));
    FP4_TRY(upload.finish());
    view.codes = result->codes_.data();
    view.scales = result->scales_.data();
    return result;
}

Result<void> CudaWeight::upload_plain(const HostWeight& weight, WeightUpload& upload) {
    const uint64_t row = weight_row_bytes(weight.format, weight.cols);
    const Sizes sizes = plain_sizes(weight.format, weight.rows, weight.cols);
    view_.row_bytes = static_cast<uint32_t>(sizes.codes / weight.rows);
    FP4_ASSIGN(codes_, DeviceMemory::create(sizes.codes));
    FP4_TRY(upload.copy(weight.data, row, weight.rows, codes_.data(), view_.row_bytes));
    if (!is_block(weight.format)) return {};
    const size_t scales = row_scales(to_block(weight.format), weight.cols);
    view_.row_scales = static_cast<uint32_t>(sizes.scales / weight.rows);
    FP4_ASSIGN(scales_, DeviceMemory::create(sizes.scales));
    return upload.copy(weight.scales, scales, weight.rows, scales_.data(), view_.row_scales);
}

Result<void> CudaWeight::upload_packed(const HostWeight& weight, WeightUpload& upload) {
    const Sizes sizes = packed_sizes(weight.format, weight.rows, weight.cols);
    FP4_ASSIGN(codes_, DeviceMemory::create(sizes.codes));
    FP4_ASSIGN(scales_, DeviceMemory::create(sizes.scales));
    FP4_ASSIGN(row_factors_, DeviceMemory::create(sizes.row_factors));
    FP4_TRY(upload.pack(weight, view_, codes_.data(), scales_.data()));
    auto* rows = row_factors_.as<W4Row>();
    view_.row_factors = rows;
    return check(prepare_w4a16(to_block(weight.format), scales_.data(), weight.rows, weight.cols,
                               weight.tensor_scale, rows, upload.stream()),
                 "start preparing a weight");
}

} // namespace fp4::cuda
