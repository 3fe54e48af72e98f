#include "cuda/device/launch.h"
#include "cuda/device/plain_row.h"
#include "cuda/kernels/embed.h"

namespace fp4::cuda {
namespace {

// One element without its tensor scale.
__device__ float element_at(const WeightView& table, uint32_t row, uint32_t column) {
    if (!table.packed) return plain_element(table, row, column);
    const PackedPlace place = packed_place(table, row, column);
    const BlockFormat format = to_block(table.format);
    return decode_element(format, table.codes[place.byte] >> place.shift & 15) *
           decode_scale(format, table.scales[place.scale]);
}

__global__ void embed_rows(WeightView table, const int32_t* ids, float scale, float* x) {
    begin();
    const uint32_t column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= table.cols) return;
    const auto row = static_cast<uint32_t>(ids[blockIdx.y]);
    x[size_t(blockIdx.y) * table.cols + column] = element_at(table, row, column) * table.tensor_scale * scale;
}

} // namespace

cudaError_t launch_embed(const WeightView& table, const int32_t* ids, size_t n, float scale, float* x,
                         cudaStream_t stream) {
    constexpr uint32_t threads = 256;
    const dim3 grid((table.cols + threads - 1) / threads, static_cast<uint32_t>(n));
    // The only kernel that waits for all before it: what earlier passes wrote may be read before begin().
    return launch(LaunchOrder{.alone = true}, embed_rows, grid, threads, 0, stream, table, ids, scale, x);
}

} // namespace fp4::cuda
