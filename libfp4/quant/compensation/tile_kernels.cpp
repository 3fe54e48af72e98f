#include "libfp4/quant/compensation/tile_kernels.h"

#include <cmath>

// One body, compiled for several instruction sets; the loader picks one. All give the same bits. Clang 14
// names the dispatcher differently from the function that callers see, so it builds the baseline only.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define FP4_INSTRUCTION_SETS __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FP4_INSTRUCTION_SETS
#endif

namespace fp4 {
namespace {

// Vectors of 64 bytes whatever the processor has; narrower sets use several registers. In memory they lie
// anywhere: a packed member says so to both compilers, an aligned typedef loses it behind `auto`.
using Lanes = float __attribute__((vector_size(64)));
using Doubles = double __attribute__((vector_size(64)));
struct __attribute__((packed, may_alias)) StoredLanes {
    Lanes lanes;
};
struct __attribute__((packed, may_alias)) StoredDoubles {
    Doubles lanes;
};

constexpr size_t half_tile = 16;

inline float nearest_signed(const SmallFloat& element, float largest, float value) {
    return std::copysign(nearest_magnitude(element, largest, value), value);
}

} // namespace

FP4_INSTRUCTION_SETS
void compensate_columns(const TileGrid& grid, const float* upper, size_t cols, const uint32_t* block_of,
                        const uint32_t* columns, size_t first, size_t last, size_t end, float* weights,
                        float* errors, float* elements) {
    const SmallFloat element = grid.element;
    const float largest = max_value(element);
    const float tensor_scale = grid.tensor_scale;
    for (size_t j = first; j < last; ++j) {
        const float* w = weights + j * tile_rows;
        const float* inverse = grid.inverse + block_of[j] * tile_rows;
        const float* scale = grid.scale + block_of[j] * tile_rows;
        float* rounded = elements + columns[j] * tile_rows;
        float* err = errors + j * tile_rows;
        const float* row = upper ? upper + j * cols : nullptr;
        const float reciprocal = row ? 1.0f / row[j] : 1.0f;
        for (size_t r = 0; r < tile_rows; ++r) {
            rounded[r] = nearest_signed(element, largest, w[r] * inverse[r]);
            err[r] = (w[r] - rounded[r] * scale[r] * tensor_scale) * reciprocal;
        }
        if (!row) continue;
        const Lanes low = reinterpret_cast<const StoredLanes*>(err)->lanes;
        const Lanes high = reinterpret_cast<const StoredLanes*>(err + half_tile)->lanes;
        for (size_t k = j + 1; k < end; ++k) {
            auto* target = reinterpret_cast<StoredLanes*>(weights + k * tile_rows);
            target[0].lanes -= low * row[k];
            target[1].lanes -= high * row[k];
        }
    }
}

FP4_INSTRUCTION_SETS
void subtract_products(const float* matrix, size_t cols, const float* factors, size_t j0, size_t j1,
                       size_t k0, size_t k1, float* target) {
    const auto* f = reinterpret_cast<const StoredLanes*>(factors);
    auto* t = reinterpret_cast<StoredLanes*>(target);
    size_t k = k0;
    // Two columns at a time: four 64-byte sums stay in registers on every instruction set.
    for (; k + 1 < k1; k += 2) {
        Lanes a0 = t[2 * k].lanes, a1 = t[2 * k + 1].lanes, b0 = t[2 * k + 2].lanes, b1 = t[2 * k + 3].lanes;
        for (size_t j = j0; j < j1; ++j) {
            const float* row = matrix + j * cols + k;
            a0 -= f[2 * j].lanes * row[0];
            a1 -= f[2 * j + 1].lanes * row[0];
            b0 -= f[2 * j].lanes * row[1];
            b1 -= f[2 * j + 1].lanes * row[1];
        }
        t[2 * k].lanes = a0, t[2 * k + 1].lanes = a1, t[2 * k + 2].lanes = b0, t[2 * k + 3].lanes = b1;
    }
    for (; k < k1; ++k) {
        Lanes a0 = t[2 * k].lanes, a1 = t[2 * k + 1].lanes;
        for (size_t j = j0; j < j1; ++j) {
            a0 -= f[2 * j].lanes * matrix[j * cols + k];
            a1 -= f[2 * j + 1].lanes * matrix[j * cols + k];
        }
        t[2 * k].lanes = a0, t[2 * k + 1].lanes = a1;
    }
}

FP4_INSTRUCTION_SETS
void descend_block(const BlockDescent& problem, const TileGrid& grid, float* values, float* gradient,
                   float* elements, float* gain) {
    const SmallFloat element = grid.element;
    const float largest = max_value(element);
    const float tensor_scale = grid.tensor_scale;
    for (size_t r = 0; r < tile_rows; ++r) gain[r] = 0;
    alignas(64) float move[tile_rows];
    for (uint32_t pass = 0; pass < problem.passes; ++pass) {
        for (size_t j = 0; j < problem.columns; ++j) {
            const float* row = problem.hessian + j * problem.stride;
            const float diagonal = row[j];
            const float reciprocal = diagonal > 0 ? 1.0f / diagonal : 0.0f;
            float* q = values + j * tile_rows;
            float* g = gradient + j * tile_rows;
            float* rounded = elements + j * tile_rows;
            for (size_t r = 0; r < tile_rows; ++r) {
                const float target = q[r] + g[r] * reciprocal;
                rounded[r] = nearest_signed(element, largest, target * grid.inverse[r]);
                const float value = rounded[r] * grid.scale[r] * tensor_scale;
                move[r] = value - q[r];
                gain[r] += move[r] * (2 * g[r] - move[r] * diagonal);
                q[r] = value;
            }
            const Lanes low = reinterpret_cast<const StoredLanes*>(move)->lanes;
            const Lanes high = reinterpret_cast<const StoredLanes*>(move + half_tile)->lanes;
            for (size_t k = 0; k < problem.columns; ++k) {
                auto* other = reinterpret_cast<StoredLanes*>(gradient + k * tile_rows);
                other[0].lanes -= low * row[k];
                other[1].lanes -= high * row[k];
            }
        }
    }
}

FP4_INSTRUCTION_SETS
void quadratic_form(const double* gram, size_t cols, const double* difference, double* result) {
    const auto* d = reinterpret_cast<const StoredDoubles*>(difference);
    Doubles total[4] = {};
    for (size_t k = 0; k < cols; ++k) {
        const double* row = gram + k * cols;
        Doubles s0 = {}, s1 = {}, s2 = {}, s3 = {}; // below the diagonal
        for (size_t j = 0; j < k; ++j) {
            s0 += d[4 * j].lanes * row[j];
            s1 += d[4 * j + 1].lanes * row[j];
            s2 += d[4 * j + 2].lanes * row[j];
            s3 += d[4 * j + 3].lanes * row[j];
        }
        const StoredDoubles* own = d + 4 * k;
        total[0] += own[0].lanes * (2.0 * s0 + own[0].lanes * row[k]);
        total[1] += own[1].lanes * (2.0 * s1 + own[1].lanes * row[k]);
        total[2] += own[2].lanes * (2.0 * s2 + own[2].lanes * row[k]);
        total[3] += own[3].lanes * (2.0 * s3 + own[3].lanes * row[k]);
    }
    for (size_t r = 0; r < tile_rows; ++r) result[r] = total[r / 8][r % 8];
}

} // namespace fp4
