// Block codecs on host memory.
#include <cmath>

#include "api/shim.h"
#include "libfp4/base/checked.h"
#include "libfp4/format/block_format.h"

using namespace fp4;
using namespace fp4::api;

static_assert(FP4_FORMAT_MXFP4 == int(BlockFormat::mxfp4) && FP4_FORMAT_NVFP4 == int(BlockFormat::nvfp4) &&
              FP4_FORMAT_MXFP8_E4M3 == int(BlockFormat::mxfp8_e4m3) &&
              FP4_FORMAT_MXFP8_E5M2 == int(BlockFormat::mxfp8_e5m2) &&
              FP4_FORMAT_MXFP6_E2M3 == int(BlockFormat::mxfp6_e2m3) &&
              FP4_FORMAT_MXFP6_E3M2 == int(BlockFormat::mxfp6_e3m2) &&
              FP4_FORMAT_MXINT8 == int(BlockFormat::mxint8));

namespace {

bool is_format(int32_t format) {
    return format >= 0 && format < block_format_count;
}

Result<BlockFormat> read_format(int32_t format, size_t rows, size_t columns) {
    if (!is_format(format)) return error(Status::argument, "format ", format, " is not one of FP4_FORMAT_*");
    if (columns == 0) return error(Status::argument, "columns is 0");
    auto elements = checked_mul(rows, columns);
    if (!elements || *elements > SIZE_MAX / sizeof(float))
        return error(Status::argument, rows, " x ", columns, " is too large");
    return static_cast<BlockFormat>(format);
}

} // namespace

size_t fp4_row_code_bytes(int32_t format, size_t columns) {
    clear_last_error();
    return is_format(format) ? row_code_bytes(static_cast<BlockFormat>(format), columns) : 0;
}

size_t fp4_row_scale_bytes(int32_t format, size_t columns) {
    clear_last_error();
    return is_format(format) ? row_scales(static_cast<BlockFormat>(format), columns) : 0;
}

fp4_status fp4_quantize_rows(int32_t format, const char* scale_rule, const float* values, size_t rows,
                             size_t columns, void* codes, void* scales, float* tensor_scale) {
    return guarded([&]() -> Result<void> {
        FP4_ASSIGN(BlockFormat block, read_format(format, rows, columns));
        FP4_TRY(require(values, "values"));
        FP4_TRY(require(codes, "codes"));
        FP4_TRY(require(scales, "scales"));
        FP4_TRY(require(tensor_scale, "tensor_scale"));
        const char* name = scale_rule ? scale_rule : "mse";
        auto rule = parse_scale_rule(name);
        if (!rule || !scale_rule_applies(block, *rule)) {
            return error(Status::argument, "scale rule '", name, "' does not apply to ",
                         block_format_name(block));
        }
        float amax = 0;
        for (size_t row = 0; row < rows; ++row) {
            float largest = row_amax(values + row * columns, columns);
            // NaN rows become NaN blocks; they must not spoil the others' tensor scale.
            if (!std::isnan(largest)) amax = std::max(amax, largest);
        }
        const float scale = tensor_scale_for(block, *rule, amax);
        for (size_t row = 0; row < rows; ++row) {
            quantize_row(block, *rule, scale, values + row * columns, columns,
                         static_cast<uint8_t*>(codes) + row * row_code_bytes(block, columns),
                         static_cast<uint8_t*>(scales) + row * row_scales(block, columns));
        }
        *tensor_scale = scale;
        return {};
    });
}

fp4_status fp4_dequantize_rows(int32_t format, const void* codes, const void* scales, float tensor_scale,
                               size_t rows, size_t columns, float* values) {
    return guarded([&]() -> Result<void> {
        FP4_ASSIGN(BlockFormat block, read_format(format, rows, columns));
        FP4_TRY(require(codes, "codes"));
        FP4_TRY(require(scales, "scales"));
        FP4_TRY(require(values, "values"));
        for (size_t row = 0; row < rows; ++row) {
            dequantize_row(block, tensor_scale,
                           static_cast<const uint8_t*>(codes) + row * row_code_bytes(block, columns),
                           static_cast<const uint8_t*>(scales) + row * row_scales(block, columns), columns,
                           values + row * columns);
        }
        return {};
    });
}
