// Packed 4-bit weights times integer activations for many tokens: W4A4 and W4A8 prefill. Groups of `width`
// rows are unpacked once into a panel where a vector holds 4 elements of every row; a lane then sums a whole
// block of its row, and the scales are applied once per block instead of once per 8 elements.
#include "libfp4/cpu/kernels/kernel_functions.h"
#include "libfp4/cpu/kernels/w4_scales.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

constexpr size_t most_tokens = width == 16 ? 8 : 4;
constexpr size_t group_bytes = 4 * width; // 4 elements of `width` rows

struct Panel {
    const uint8_t*
        groups; // [padded / 4][width][4], biased by 12; a chunk's groups: even elements, then odd ones
    const float* scales; // [blocks][width], tensor scale included
};

// One row to lane `lane` of the panel.
void unpack_row(const WeightRows& w, size_t lane, size_t padded, uint8_t* groups) {
    constexpr size_t half_groups = chunk_elements / 8;
    for (size_t s = 0; s * step_bytes < padded / 2; ++s) {
        size_t at = s * step_bytes;
        I packed = at + step_bytes <= w.row_bytes ? load_bytes(w.codes + at)
                   : at < w.row_bytes             ? load_bytes(w.codes + at, w.row_bytes - at)
                                                  : set_int(0);
        I low, high;
        unpack_biased(packed, low, high);
        uint32_t even[width], odd[width];
        store_ints(even, low);
        store_ints(odd, high);
        size_t chunk = at / (chunk_elements / 2), inside = at % (chunk_elements / 2) / 4;
        uint8_t* target = groups + (chunk * 2 * half_groups + inside) * group_bytes + lane * 4;
        for (size_t i = 0; i < width; ++i) {
            __builtin_memcpy(target + i * group_bytes, &even[i], 4);
            __builtin_memcpy(target + (half_groups + i) * group_bytes, &odd[i], 4);
        }
    }
}

void unpack_scales(const WeightRows& w, size_t lane, size_t weight_block, size_t block, size_t blocks,
                   float* scales) {
    float factor = 0.5f * w.tensor_scale;
    for (size_t b = 0; b < blocks; ++b) {
        size_t code = b * block / weight_block;
        scales[b * width + lane] = code < w.row_scales ? w.scale_values[w.scales[code]] * factor : 0.0f;
    }
}

// Block scales and offsets of one token, from those of its lanes.
void block_terms(const IntegerInput& x, size_t block, size_t blocks, float* scales, int32_t* offsets) {
    size_t lanes = block / lane_elements;
    for (size_t b = 0; b < blocks; ++b) {
        int32_t offset = 0;
        for (size_t i = 0; i < lanes; ++i) offset += x.offsets[b * lanes + i];
        offsets[b] = offset;
        scales[b] = x.scales[b * lanes];
    }
}

// The panel's rows times `tokens` tokens; sums [tokens][width].
template <int tokens, size_t block>
void tile(const Panel& panel, const IntegerInput& x, const float* scales, const int32_t* offsets,
          size_t blocks, F* sums) {
    constexpr size_t chunk_blocks = chunk_elements / block;
    constexpr size_t half_groups = chunk_elements / 8, block_groups = block / 8;
    for (int t = 0; t < tokens; ++t) sums[t] = zero();
    for (size_t b = 0; b < blocks; ++b) {
        size_t chunk = b / chunk_blocks, inside = b % chunk_blocks;
        size_t group = chunk * 2 * half_groups + inside * block_groups;
        const int8_t* codes = x.codes + group * 4;
        I products[tokens];
        for (int t = 0; t < tokens; ++t) products[t] = set_int(offsets[t * blocks + b]);
        for (size_t g = 0; g < block_groups; ++g) {
            I low = load_ints(panel.groups + (group + g) * group_bytes);
            I high = load_ints(panel.groups + (group + half_groups + g) * group_bytes);
            for (int t = 0; t < tokens; ++t) {
                const int8_t* at = codes + t * x.padded + g * 4;
                products[t] = dot8(products[t], low, broadcast4(at), high, broadcast4(at + half_groups * 4));
            }
        }
        F weight_scale = load(panel.scales + b * width);
        for (int t = 0; t < tokens; ++t)
            sums[t] = fma(to_float(products[t]) * set(scales[t * blocks + b]), weight_scale, sums[t]);
    }
}

template <int tokens>
void run_tile(size_t count, size_t block, const Panel& panel, const IntegerInput& x, const float* scales,
              const int32_t* offsets, size_t blocks, F* sums) {
    if constexpr (tokens > 0) {
        if (count != tokens)
            return run_tile<tokens - 1>(count, block, panel, x, scales, offsets, blocks, sums);
        if (block == 32) {
            tile<tokens, 32>(panel, x, scales, offsets, blocks, sums);
        } else {
            tile<tokens, 16>(panel, x, scales, offsets, blocks, sums);
        }
    }
}

} // namespace

void matmul_w4_integer(const WeightRows& w, size_t rows, const IntegerInput& x, size_t n,
                       const LinearOut& out, uint8_t* scratch) {
    size_t weight_block = w.format == WeightFormat::mxfp4 ? 32 : 16;
    size_t block = smaller(weight_block, x.block);
    size_t blocks = (w.cols + block - 1) / block;
    size_t panels = (rows + width - 1) / width;
    size_t panel_bytes = x.padded * width;
    auto* scales = reinterpret_cast<float*>(scratch + panels * panel_bytes); // [panels][blocks][width]
    float* token_scales = scales + panels * blocks * width;
    auto* token_offsets = reinterpret_cast<int32_t*>(token_scales + most_tokens * blocks);

    for (size_t r = 0; r < panels * width; ++r) {
        uint8_t* groups = scratch + r / width * panel_bytes;
        float* panel_scales = scales + r / width * blocks * width;
        if (r < rows) {
            unpack_row(w.from(r), r % width, x.padded, groups);
            unpack_scales(w.from(r), r % width, weight_block, block, blocks, panel_scales);
        } else { // lanes without a row: their sums are not used
            for (size_t b = 0; b < blocks; ++b) panel_scales[b * width + r % width] = 0.0f;
        }
    }
    for (size_t t0 = 0; t0 < n; t0 += most_tokens) {
        size_t count = smaller(most_tokens, n - t0);
        for (size_t t = 0; t < count; ++t)
            block_terms(x.from(t0 + t), block, blocks, token_scales + t * blocks, token_offsets + t * blocks);
        for (size_t p = 0; p < panels; ++p) {
            F sums[most_tokens];
            Panel panel{scratch + p * panel_bytes, scales + p * blocks * width};
            run_tile<most_tokens>(count, block, panel, x.from(t0), token_scales, token_offsets, blocks, sums);
            size_t used = smaller(width, rows - p * width);
            for (size_t t = 0; t < count; ++t) {
                float values[width];
                store(values, sums[t]);
                for (size_t r = 0; r < used; ++r) emit(out, t0 + t, p * width + r, values[r]);
            }
        }
    }
}

} // namespace fp4::FP4_CPU_LEVEL
