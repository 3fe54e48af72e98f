#include "cuda/gemm/e4m3_fold.h"

#include <algorithm>

#include "libfp4/format/block_format.h"

namespace fp4::cuda {
namespace {

constexpr size_t block_bytes = 16;

// Elements of either zero.
bool is_zero_block(const uint8_t* codes) {
    return std::all_of(codes, codes + block_bytes, [](uint8_t pair) { return (pair & 0x77) == 0; });
}

} // namespace

bool folds_into_e4m3(const uint8_t* codes, const uint8_t* scales, size_t rows, size_t cols) {
    const size_t blocks = row_scales(BlockFormat::mxfp4, cols);
    for (size_t row = 0; row < rows; ++row, codes += blocks * block_bytes, scales += blocks) {
        const int least = *std::max_element(scales, scales + blocks) - (fold_steps - 1);
        for (size_t i = 0; i < blocks; ++i)
            if (scales[i] < least && !is_zero_block(codes + i * block_bytes)) return false;
    }
    return true;
}

} // namespace fp4::cuda
