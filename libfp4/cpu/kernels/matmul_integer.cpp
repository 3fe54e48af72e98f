// Weights times integer activations for many tokens: W4A4 and W4A8 prefill. Groups of `width`
// rows are unpacked once into a panel where a vector holds 4 elements of every row; a lane then sums a whole
// block of its row, and the scales are applied once per block instead of once per 8 elements.
#include "libfp4/cpu/kernels/integer_weights.h"
#include "libfp4/cpu/kernels/kernel_functions.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

// Register tile: tokens x vectors of rows, twice (integer and float sums).
constexpr int tile_width = width == 16 ? 6 : 4;
constexpr int tile_panels = width == 16 ? 2 : 1;
constexpr size_t group_bytes = 4 * width; // 4 elements of `width` rows

struct Panels {
    const uint8_t* groups; // [panels][padded / 4][width][4], biased by 12; a chunk's groups: even elements,
                           // then odd ones
    const float* scales;   // [panels][blocks][width], tensor scale included
    size_t panel_bytes;
};

struct TokenTerms {   // of the tokens of a tile
    float* scales;    // [tile_width][blocks]
    int32_t* offsets; // [tile_width][blocks]
};

// One row to lane `lane` of the panel.
template <class Weights>
void unpack_row(const WeightRows& w, size_t lane, size_t padded, uint8_t* groups) {
    constexpr size_t half_groups = chunk_elements / 8;
    for (size_t start = 0; start < padded; start += step_elements) {
        size_t at = start / step_elements * Weights::step_bytes;
        size_t bytes = at < w.row_bytes ? smaller(w.row_bytes - at, Weights::step_bytes) : 0;
        Halves halves = Weights::even_odd(w.codes + (bytes != 0 ? at : 0), bytes);
        uint32_t even[width], odd[width];
        store_ints(even, halves.first);
        store_ints(odd, halves.second);
        size_t chunk = start / chunk_elements, inside = start % chunk_elements / 8;
        uint8_t* target = groups + (chunk * 2 * half_groups + inside) * group_bytes + lane * 4;
        for (size_t i = 0; i < width; ++i) {
            __builtin_memcpy(target + i * group_bytes, &even[i], 4);
            __builtin_memcpy(target + (half_groups + i) * group_bytes, &odd[i], 4);
        }
    }
}

template <class Weights>
void unpack_scales(const WeightRows& w, size_t lane, size_t block, size_t blocks, float* scales) {
    float factor = Weights::unit * w.tensor_scale;
    for (size_t b = 0; b < blocks; ++b) {
        size_t code = b * block / Weights::Scales::block;
        scales[b * width + lane] = code < w.row_scales ? w.scale_values[w.scales[code]] * factor : 0.0f;
    }
}

// Block scales and offsets of one token, from those of its lanes.
template <class Weights>
void block_terms(const IntegerInput& x, size_t block, size_t blocks, float* scales, int32_t* offsets) {
    size_t lanes = block / lane_elements;
    for (size_t b = 0; b < blocks; ++b) {
        int32_t offset = 0;
        for (size_t i = 0; i < lanes; ++i) offset += x.offsets[b * lanes + i];
        offsets[b] = offset * Weights::bias / e2m1_bias;
        scales[b] = x.scales[b * lanes];
    }
}

// `count` panels times tile_width tokens; sums [tile_width][count].
template <class Weights, int count, size_t block>
void tile(const Panels& panels, const IntegerInput& x, const TokenTerms& terms, size_t blocks, F* sums) {
    constexpr size_t chunk_blocks = chunk_elements / block;
    constexpr size_t half_groups = chunk_elements / 8, block_groups = block / 8;
    F totals[tile_width][count];
    for (int t = 0; t < tile_width; ++t)
        for (int p = 0; p < count; ++p) totals[t][p] = zero();
    for (size_t b = 0; b < blocks; ++b) {
        size_t group = b / chunk_blocks * 2 * half_groups + b % chunk_blocks * block_groups;
        const int8_t* codes = x.codes + group * 4;
        I products[tile_width][count];
        for (int t = 0; t < tile_width; ++t)
            for (int p = 0; p < count; ++p) products[t][p] = set_int(terms.offsets[t * blocks + b]);
#pragma GCC unroll 4
        for (size_t g = 0; g < block_groups; ++g) {
            Halves w[count];
            for (int p = 0; p < count; ++p) {
                const uint8_t* weights = panels.groups + p * panels.panel_bytes + (group + g) * group_bytes;
                w[p].first = load_ints(weights);
                w[p].second = load_ints(weights + half_groups * group_bytes);
            }
            for (int t = 0; t < tile_width; ++t) {
                const int8_t* at = codes + t * x.padded + g * 4;
                Halves even_odd{broadcast4(at), broadcast4(at + half_groups * 4)};
                for (int p = 0; p < count; ++p) products[t][p] = Weights::dot(products[t][p], w[p], even_odd);
            }
        }
        for (int p = 0; p < count; ++p) {
            F weight_scale = load(panels.scales + (p * blocks + b) * width);
            for (int t = 0; t < tile_width; ++t)
                totals[t][p] = fma(to_float(products[t][p]) * set(terms.scales[t * blocks + b]), weight_scale,
                                   totals[t][p]);
        }
    }
    for (int t = 0; t < tile_width; ++t)
        for (int p = 0; p < count; ++p) sums[t * count + p] = totals[t][p];
}

// Tokens [t0, t0 + tile_width) times every panel; only tokens from `first_new` on are written.
template <class Weights, int count>
void run_panels(const Panels& panels, size_t rows, size_t block, size_t blocks, const IntegerInput& x,
                size_t t0, size_t first_new, const TokenTerms& terms, const LinearOut& out, size_t row) {
    F sums[tile_width * count];
    if (block == 32) {
        tile<Weights, count, 32>(panels, x.from(t0), terms, blocks, sums);
    } else {
        tile<Weights, count, 16>(panels, x.from(t0), terms, blocks, sums);
    }
    float values[count * width];
    for (size_t t = first_new - t0; t < tile_width; ++t) {
        for (int p = 0; p < count; ++p) store(values + p * width, sums[t * count + p]);
        for (size_t r = 0; r < smaller(rows - row, count * width); ++r) emit(out, t0 + t, row + r, values[r]);
    }
}

template <class Weights>
void multiply(const WeightRows& w, size_t rows, const IntegerInput& x, size_t n, const LinearOut& out,
              uint8_t* scratch) {
    size_t block = smaller(Weights::Scales::block, x.block);
    size_t blocks = (w.cols + block - 1) / block;
    size_t panels = (rows + width - 1) / width;
    size_t panel_bytes = x.padded * width;
    auto* scales = reinterpret_cast<float*>(scratch + panels * panel_bytes);
    float* token_scales = scales + panels * blocks * width;
    TokenTerms terms{token_scales, reinterpret_cast<int32_t*>(token_scales + tile_width * blocks)};
    for (size_t r = 0; r < panels * width; ++r) {
        uint8_t* groups = scratch + r / width * panel_bytes;
        float* panel_scales = scales + r / width * blocks * width;
        if (r < rows) {
            unpack_row<Weights>(w.from(r), r % width, x.padded, groups);
            unpack_scales<Weights>(w.from(r), r % width, block, blocks, panel_scales);
        } else { // lanes without a row: their sums are not used
            for (size_t b = 0; b < blocks; ++b) panel_scales[b * width + r % width] = 0.0f;
        }
    }
    for (size_t next = 0; next < n; next += tile_width) {
        size_t t0 = smaller(next, n - tile_width); // the last tile overlaps the one before
        for (size_t t = 0; t < tile_width; ++t)
            block_terms<Weights>(x.from(t0 + t), block, blocks, terms.scales + t * blocks,
                                 terms.offsets + t * blocks);
        size_t p = 0;
        for (; p + tile_panels <= panels; p += tile_panels) {
            Panels part{scratch + p * panel_bytes, scales + p * blocks * width, panel_bytes};
            run_panels<Weights, tile_panels>(part, rows, block, blocks, x, t0, next, terms, out, p * width);
        }
        for (; p < panels; ++p) {
            Panels part{scratch + p * panel_bytes, scales + p * blocks * width, panel_bytes};
            run_panels<Weights, 1>(part, rows, block, blocks, x, t0, next, terms, out, p * width);
        }
    }
}

} // namespace

void matmul_integer(const WeightRows& w, size_t rows, const IntegerInput& x, size_t n, const LinearOut& out,
                    uint8_t* scratch) {
    switch (w.format) {
        case WeightFormat::mxfp4:
            return multiply<E2m1Weights<E8m0Scales>>(w, rows, x, n, out, scratch);
        case WeightFormat::nvfp4:
            return multiply<E2m1Weights<Ue4m3Scales>>(w, rows, x, n, out, scratch);
        default:
            return multiply<Int8Weights>(w, rows, x, n, out, scratch);
    }
}

} // namespace fp4::FP4_CPU_LEVEL
