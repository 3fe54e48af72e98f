// Instructions that a warp's lanes do together.
#pragma once

#include "tests/gpu_simulator/warp.h"

namespace fp4::gpu_simulator {

// shfl.sync: slot: result, valid (may be no_slot), value, lane or distance, clamp and segment mask.
void shuffle_index(Warp& warp, const Instruction& instruction);
void shuffle_up(Warp& warp, const Instruction& instruction);
void shuffle_down(Warp& warp, const Instruction& instruction);
void shuffle_butterfly(Warp& warp, const Instruction& instruction);

// vote.sync: slot: result, predicate.
void vote_any(Warp& warp, const Instruction& instruction);

void meet(Warp& warp, const Instruction& instruction); // bar.warp.sync

// ldmatrix.m8n8.x4(.trans).b16: slot: four results; base, offset: the lane's row in shared memory.
void load_matrices(Warp& warp, const Instruction& instruction);
void load_matrices_transposed(Warp& warp, const Instruction& instruction);

// mma.sync, slot: d[4], a, b, c[4] and, block-scaled, the words and selectors of the scales. PTX ISA, "Matrix
// fragments for mma.m16n8k16", "...m16n8k32", "...m16n8k64" and "Block scaling for mma.sync".
void multiply_f16(Warp& warp, const Instruction& instruction);       // m16n8k16, f32 sums
void multiply_mxf4(Warp& warp, const Instruction& instruction);      // m16n8k64, E8M0 for 32
void multiply_nvf4(Warp& warp, const Instruction& instruction);      // m16n8k64, UE4M3 for 16
void multiply_e2m1_e4m3(Warp& warp, const Instruction& instruction); // m16n8k32, E8M0 for 32

} // namespace fp4::gpu_simulator
