// Names that the reader and the writer of input sites share.
#pragma once

#include <string>
#include <string_view>

#include "libfp4/model/input_sites.h"

namespace fp4 {

std::string_view transform_kind_name(InputTransform::Kind kind); // "none", "hadamard", "matrix"
std::string matrix_name(uint32_t layer, Site site);              // "fp4.layers.3.qkv.matrix"
std::string scale_name(uint32_t layer, Site site);               // "fp4.layers.3.qkv.channel_scale"

} // namespace fp4
