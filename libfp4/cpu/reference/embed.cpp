#include <cstring>

#include "libfp4/cpu/reference/reference_ops.h"
#include "libfp4/cpu/reference/weight_row.h"

namespace fp4::reference {

void embed(const HostMatrix& table, int32_t id, float scale, float* out) {
    std::vector<float> row = weight_row(table, static_cast<size_t>(id));
    for (size_t j = 0; j < row.size(); ++j) out[j] = row[j] * table.tensor_scale() * scale;
}

} // namespace fp4::reference
