// Instructions by their opcodes.
#pragma once

#include "tests/gpu_simulator/ptx_names.h"

namespace fp4::gpu_simulator {

// Fills in everything but guards, branch targets and calls. False: an instruction without an effect here.
// Throws a Fault for what is not simulated.
bool decode_opcode(Instruction& made, std::string_view opcode, const std::vector<Operand>& operands,
                   PtxNames& names);

} // namespace fp4::gpu_simulator
