// What ends a kernel: an access or an instruction that a real GPU would not survive, or whose result there
// would be chance.
#pragma once

#include <stdexcept>

namespace fp4::gpu_simulator {

struct Fault : std::runtime_error {
    using std::runtime_error::runtime_error;
};

} // namespace fp4::gpu_simulator
