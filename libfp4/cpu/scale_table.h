// What the 256 codes of a block scale stand for.
#pragma once

#include "libfp4/engine/backend.h"

namespace fp4 {

const float* scale_table(WeightFormat format); // [256]; null for formats without block scales

} // namespace fp4
