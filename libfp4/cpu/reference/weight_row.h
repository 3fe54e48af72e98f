// One row of a weight as float32, without its tensor scale (1 for plain formats).
#pragma once

#include <vector>

#include "libfp4/cpu/host_memory.h"

namespace fp4::reference {

std::vector<float> weight_row(const HostMatrix& weight, size_t row);

} // namespace fp4::reference
