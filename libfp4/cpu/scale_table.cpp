#include "libfp4/cpu/scale_table.h"

#include <array>

#include "libfp4/format/element.h"

namespace fp4 {
namespace {

using Table = std::array<float, 256>;

Table make_table(float (*decode)(uint8_t)) {
    Table table;
    for (size_t code = 0; code < table.size(); ++code) table[code] = decode(static_cast<uint8_t>(code));
    return table;
}

} // namespace

const float* scale_table(WeightFormat format) {
    static const Table e8m0 = make_table(decode_e8m0);
    static const Table ue4m3 = make_table(decode_ue4m3);
    if (!is_block(format)) return nullptr;
    return format == WeightFormat::nvfp4 ? ue4m3.data() : e8m0.data();
}

} // namespace fp4
