// This level's entry in the list of implementations.
#include "libfp4/cpu/kernels/kernel_functions.h"

namespace fp4 {

#define FP4_JOIN_(a, b) a##b
#define FP4_JOIN(a, b) FP4_JOIN_(a, b)

const Kernels FP4_JOIN(kernels_, FP4_CPU_LEVEL) = {
    .level = CpuLevel::FP4_CPU_LEVEL,
    .instruction_sets = FP4_CPU_SETS,
    .dequantize = FP4_CPU_LEVEL::dequantize,
    .matmul_f32 = FP4_CPU_LEVEL::matmul_f32,
    .matvec_integer = FP4_CPU_LEVEL::matvec_integer,
    .matmul_integer = FP4_CPU_LEVEL::matmul_integer,
    .matvec_w4_float = FP4_CPU_LEVEL::matvec_w4_float,
    .arrange_lanes = FP4_CPU_LEVEL::arrange_lanes,
    .round_integer = FP4_CPU_LEVEL::round_integer,
    .round_e4m3 = FP4_CPU_LEVEL::round_e4m3,
    .rms_norm = FP4_CPU_LEVEL::rms_norm,
    .add = FP4_CPU_LEVEL::add,
    .scale = FP4_CPU_LEVEL::scale,
    .glu = FP4_CPU_LEVEL::glu,
    .channel_scale = FP4_CPU_LEVEL::channel_scale,
    .hadamard = FP4_CPU_LEVEL::hadamard,
    .block_matrix = FP4_CPU_LEVEL::block_matrix,
    .rotate = FP4_CPU_LEVEL::rotate,
    .to_f16 = FP4_CPU_LEVEL::to_f16,
    .attend = FP4_CPU_LEVEL::attend,
    .merge = FP4_CPU_LEVEL::merge,
};

} // namespace fp4
