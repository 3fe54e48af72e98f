// Parts of weights in LinearTarget that begin at multiples of this many rows give, bit for bit, what the
// whole gives. Others may add up the products of a row in another order.
#pragma once

#include <cstddef>

namespace fp4 {

inline constexpr size_t linear_part_tile = 16;

} // namespace fp4
