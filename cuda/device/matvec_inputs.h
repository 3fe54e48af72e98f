// The inputs of a mat-vec: one token's through shared memory, several tokens' from memory.
#pragma once

#include "cuda/device/copy_async.h"
#include "cuda/device/matvec_columns.h"
#include "cuda/device/one_token.h"

namespace fp4::cuda {

// A chunk of one token's input in shared memory: what the warp multiplies with next is on its way while it
// multiplies. Several tokens' would not fit; those warps read it from memory, late.
struct InputStage {
    uint4 parts[chunk_runs * run_vectors];
    float scales[chunk_runs];
};
template <class Columns>
constexpr size_t stage_bytes(uint32_t warps) {
    return warps * Columns::stages * sizeof(InputStage);
}

// Where a lane's share of the chunks of its warp comes from, from the warp's first one on, and goes to.
struct InputCopies {
    const uint4* parts;
    const float* scales;
    uint32_t parts_stage, scales_stage; // in shared memory
};
__device__ inline InputCopies input_copies(const MatvecView& view, uint32_t chunk, const InputStage* stages) {
    const uint32_t lane = threadIdx.x % 32;
    InputCopies copies;
    copies.parts = reinterpret_cast<const uint4*>(view.input.parts) + chunk * 256 + lane / 8 * 32 + lane % 8;
    copies.scales = view.input.part_scales + chunk * 32 + lane * 4;
    copies.parts_stage = shared_address(stages->parts + lane);
    copies.scales_stage = shared_address(stages->scales + lane * 4);
    // Computed here, before the previous kernel is waited for, and not where it is used.
    asm volatile(""
                 : "+l"(copies.parts), "+l"(copies.scales), "+r"(copies.parts_stage),
                   "+r"(copies.scales_stage));
    return copies;
}
__device__ inline void fetch_input(const InputCopies& copies, uint32_t chunk, uint32_t stage) {
    const uint32_t offset = stage * sizeof(InputStage);
    copy_async(copies.parts_stage + offset, copies.parts + chunk * 256);
    copy_async(copies.parts_stage + offset + 32 * sizeof(uint4), copies.parts + chunk * 256 + 4 * 32);
    if (threadIdx.x % 32 < chunk_runs / 4)
        copy_async(copies.scales_stage + offset, copies.scales + chunk * 32);
}

// Where a lane finds its operands of a chunk, by group of tokens, and their scales: of token t, or of tokens
// 2 t and 2 t + 1, for eight runs. Places are counted in vectors: pointers would not fit in the registers.
template <class Columns>
struct Inputs {
    const uint4* parts;
    const float2* scales;
    uint32_t part_place[Columns::groups];
    uint32_t scale_place[Columns::groups][Columns::lane_tokens];
};

template <class Columns>
__device__ Inputs<Columns> inputs_in_memory(const MatvecView& view, uint32_t chunk) {
    const uint32_t lane = threadIdx.x % 32, column = lane / 4, t = lane % 4, padded = view.input.padded();
    // Columns of tokens that are not there may hold anything, they touch no other column: they read the first
    // token's again, which costs no traffic.
    auto present = [&](uint32_t token) { return token < view.n ? token : 0; };
    Inputs<Columns> inputs;
    inputs.parts = reinterpret_cast<const uint4*>(view.input.parts);
    inputs.scales = reinterpret_cast<const float2*>(view.input.part_scales);
    for (int i = 0; i < Columns::groups; ++i) {
        const uint32_t first = i * Columns::tokens;
        const uint32_t token = present(first + (Columns::two_parts ? column / 2 : column));
        const uint32_t part = Columns::two_parts ? column % 2 : 0;
        inputs.part_place[i] =
            static_cast<uint32_t>(part_place(padded, token, 0) / 8) + part * 4 + t + chunk * 256;
        for (int e = 0; e < Columns::lane_tokens; ++e) {
            const uint32_t scaled = present(first + Columns::lane_tokens * t + e);
            inputs.scale_place[i][e] =
                static_cast<uint32_t>(part_scale_place(padded, scaled, chunk * chunk_columns) / 2);
        }
    }
    return inputs;
}

} // namespace fp4::cuda
