// Loads, stores, atomics and asynchronous copies.
#pragma once

#include "tests/gpu_simulator/warp.h"

namespace fp4::gpu_simulator {

void load(Warp& warp, const Instruction& instruction);
void store(Warp& warp, const Instruction& instruction);
void load_parameter(Warp& warp, const Instruction& instruction); // of a kernel: slot[0..elements), offset

enum class AtomicOperation : uint8_t { add, minimum, maximum };
Step atomic_step(AtomicOperation operation); // slot: result, value

// slot: bytes of the source that are read (the rest becomes 0), address in shared memory; base, offset:
// source. offset of the shared address: in slot[2], a constant.
void copy_async(Warp& warp, const Instruction& instruction);
void close_copies(Warp& warp, const Instruction& instruction);
void wait_copies(Warp& warp,
                 const Instruction& instruction); // offset: groups that may be under way, -1: no open ones

void wait_for_kernels(Warp& warp, const Instruction& instruction);   // griddepcontrol.wait
void to_cluster_address(Warp& warp, const Instruction& instruction); // mapa: slot: result, address, rank

// Where generic addresses of shared and local memory lie.
inline constexpr uint64_t shared_window = uint64_t(1) << 60, local_window = uint64_t(1) << 61;
inline constexpr uint32_t cluster_rank_shift = 24; // in addresses of the cluster's shared memory

} // namespace fp4::gpu_simulator
