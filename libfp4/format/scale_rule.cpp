#include "libfp4/format/scale_rule.h"

#include "libfp4/format/element.h"

namespace fp4 {

float block_scale_value(BlockFormat format, uint8_t code) {
    return format == BlockFormat::nvfp4 ? decode_ue4m3(code) : decode_e8m0(code);
}

} // namespace fp4
