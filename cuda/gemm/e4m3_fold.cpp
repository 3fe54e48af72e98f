#include "cuda/gemm/e4m3_fold.h"

#include <algorithm>
#include <cstring>

#include "libfp4/format/block_format.h"

namespace fp4::cuda {
namespace {

constexpr size_t block_bytes = 16;

// Elements of either zero.
bool is_zero_block(const uint8_t* codes) {
    return std::all_of(codes, codes + block_bytes, [](uint8_t pair) { return (pair & 0x77) == 0; });
}

// Smallest and largest of a row's scales. Sixteen at a time, as a model has hundreds of megabytes of them.
struct Range {
    int least, most;
};
Range range_of(const uint8_t* scales, size_t count) {
    using Lanes = uint8_t __attribute__((vector_size(16)));
    Lanes least = Lanes{} + uint8_t(0xFF), most = {};
    size_t done = 0;
    for (; done + sizeof(Lanes) <= count; done += sizeof(Lanes)) {
        Lanes codes;
        std::memcpy(&codes, scales + done, sizeof codes);
        least = codes < least ? codes : least;
        most = codes > most ? codes : most;
    }
    Range range{0xFF, 0};
    for (size_t i = 0; i < sizeof(Lanes); ++i) {
        range.least = std::min<int>(range.least, least[i]);
        range.most = std::max<int>(range.most, most[i]);
    }
    for (; done < count; ++done) {
        range.least = std::min<int>(range.least, scales[done]);
        range.most = std::max<int>(range.most, scales[done]);
    }
    return range;
}

} // namespace

bool folds_into_e4m3(const uint8_t* codes, const uint8_t* scales, size_t rows, size_t cols) {
    const size_t blocks = row_scales(BlockFormat::mxfp4, cols);
    for (size_t row = 0; row < rows; ++row, codes += blocks * block_bytes, scales += blocks) {
        const Range range = range_of(scales, blocks);
        const int least = range.most - (fold_steps - 1);
        if (range.least >= least) continue;
        for (size_t i = 0; i < blocks; ++i)
            if (scales[i] < least && !is_zero_block(codes + i * block_bytes)) return false;
    }
    return true;
}

} // namespace fp4::cuda
