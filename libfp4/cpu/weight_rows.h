// A loaded weight as the kernels see it.
#pragma once

#include "libfp4/cpu/host_memory.h"
#include "libfp4/cpu/kernels/kernels.h"
#include "libfp4/cpu/scale_table.h"

namespace fp4 {

// Weights that multiply integer activations in integers.
constexpr bool has_integer_kernel(WeightFormat format) {
    return is_w4(format) || format == WeightFormat::mxint8;
}

inline WeightRows weight_rows(const HostMatrix& weight) {
    return {weight.format(),
            weight.codes(0),
            is_block(weight.format()) ? weight.scales(0) : nullptr,
            weight.row_bytes(),
            weight.row_scales(),
            weight.tensor_scale(),
            weight.cols(),
            scale_table(weight.format())};
}

} // namespace fp4
