// PTX out of the container that nvcc puts into object files.
#pragma once

#include <string>

namespace fp4::gpu_simulator {

// The PTX for the highest compute capability up to `capability` (80: 8.0), or nothing. Throws a Fault where
// it is compressed.
std::string ptx_of(const void* fatbin, int capability);

} // namespace fp4::gpu_simulator
