// Orders of the columns for error compensation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "libfp4/quant/compensation/factor.h"

namespace fp4 {

// order[i] = column processed at step i. Equal keys keep the natural order.
std::vector<uint32_t> column_order(std::span<const double> diagonal, Order order, size_t group);

} // namespace fp4
