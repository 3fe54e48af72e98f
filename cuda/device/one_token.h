// Products of one token on tensor cores: four runs of 32 columns side by side in the eight columns of an
// instruction, two for a run's high and low part, so that scales are applied once for four runs.
#pragma once

#include "cuda/device/activation_view.h"
#include "cuda/device/fragments.h"
#include "cuda/device/warp.h"
#include "cuda/mma/lane_device.h"

namespace fp4::cuda {

inline constexpr uint32_t chunk_runs = chunk_columns / 32;
inline constexpr uint32_t run_vectors = 8; // of 16 bytes: both parts of a token's run

// Operand B: run r of four in columns 2 r and 2 r + 1, zeros elsewhere, as a lane only ever loads the run
// whose columns it holds.
struct RunOperands {
    uint4 runs[4] = {};
};
__device__ __forceinline__ void load_own(uint4& run, const uint4* shared, bool own) {
    asm volatile(
        "{\n"
        ".reg .pred own;\n"
        "setp.ne.u32 own, %5, 0;\n"
        "@own ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];\n"
        "}"
        : "+r"(run.x), "+r"(run.y), "+r"(run.z), "+r"(run.w)
        : "r"(shared_address(shared)), "r"(uint32_t(own))
        : "memory");
}

// 16 rows x 256 columns. weights.codes(i): a lane's codes of 64 columns; nv_scales(): its scales, those of
// NVFP4; mx_scales(run): the two of rows g and g + 8, of MXFP4; half_done(i): called once columns 128 i to
// 128 i + 127 are multiplied. parts [8 runs][8], in shared memory.
// Adds to the sums of a lane (g = lane / 4, t = lane % 4): of rows g and g + 8, over the runs r with r % 4 =
// t.
template <bool nv, class Weights>
__device__ __forceinline__ void multiply_one(const Weights& weights, const uint4* parts,
                                             const float* part_scales, RunOperands& operands,
                                             float (&sums)[2]) {
    const uint32_t lane = threadIdx.x % 32, t = lane % 4;
    uint4 nv_scales = {};
    if constexpr (nv) nv_scales = weights.nv_scales();
#pragma unroll
    for (uint32_t four = 0; four < 2; ++four) { // of runs
        float products[4] = {};
#pragma unroll
        for (uint32_t r = 0; r < 4; ++r) {
            const uint32_t run = four * 4 + r;
            load_own(operands.runs[r], parts + run * run_vectors + lane % 8, lane / 8 == r);
            const uint4 codes = weights.codes(run / 2);
            uint32_t first[4], second[4];
            e2m1_fragments(r % 2 == 0 ? codes.x : codes.z, r % 2 == 0 ? codes.y : codes.w, first, second);
            if constexpr (nv) {
                const uint32_t words[4] = {nv_scales.x, nv_scales.y, nv_scales.z, nv_scales.w};
                const uint32_t word = words[run / 2], byte = run % 2 * 2;
                const __half2 upper = e4m3_factor(word, byte), lower = e4m3_factor(word, byte + 1);
                for (int i = 0; i < 4; i += 2) {
                    scale_fragment(first[i], upper), scale_fragment(first[i + 1], lower);
                    scale_fragment(second[i], upper), scale_fragment(second[i + 1], lower);
                }
            }
            const uint4& x = operands.runs[r];
            mma_f16(products, first, x.x, x.y);
            mma_f16(products, second, x.z, x.w);
        }
        const float scale = part_scales[four * 4 + t];
        float factors[2] = {scale, scale};
        if constexpr (!nv) {
            const uint32_t word = weights.mx_scales(four * 4 + t);
            factors[0] *= e8m0_factor(word, 0), factors[1] *= e8m0_factor(word, 1);
        }
        sums[0] += (products[0] + products[1]) * factors[0];
        sums[1] += (products[2] + products[3]) * factors[1];
        weights.half_done(four);
    }
}

// The sums over all runs, for every lane of a row.
__device__ inline void add_up(float (&sums)[2]) {
    for (float& sum : sums) {
        sum += __shfl_xor_sync(all_lanes, sum, 1);
        sum += __shfl_xor_sync(all_lanes, sum, 2);
    }
}

} // namespace fp4::cuda
