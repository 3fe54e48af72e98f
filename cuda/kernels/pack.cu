#include "cuda/device/launch.h"
#include "cuda/kernels/pack.h"

namespace fp4::cuda {
namespace {

// A thread moves eight columns, which are one word on both sides, and the scale of the block that starts
// there.
__global__ void pack_rows(const uint8_t* codes, const uint8_t* scales, WeightView packed,
                          uint8_t* packed_codes, uint8_t* packed_scales) {
    begin();
    const bool nv = packed.format == WeightFormat::nvfp4;
    const uint32_t block = nv ? 16 : 32, blocks = (packed.cols + block - 1) / block;
    const uint32_t column = (blockIdx.x * blockDim.x + threadIdx.x) * 8,
                   row = blockIdx.y * blockDim.y + threadIdx.y;
    if (column >= blocks * block || row >= packed.rows) return;
    const size_t row_bytes = size_t(blocks) * block / 2;
    const PackedPlace place = packed_place(packed, row, column);
    // Rows may have any address and length.
    for (uint32_t i = 0; i < 4; ++i) packed_codes[place.byte + i] = codes[row * row_bytes + column / 2 + i];
    if (column % block == 0) {
        const uint8_t scale = scales[size_t(row) * blocks + column / block];
        packed_scales[place.scale] = nv ? scale & 0x7F : scale;
    }
}

} // namespace

cudaError_t launch_pack(const uint8_t* codes, const uint8_t* scales, const WeightView& packed,
                        uint8_t* packed_codes, uint8_t* packed_scales, cudaStream_t stream) {
    const dim3 threads(32, 8);
    const dim3 grid((packed.cols + 255) / 256, (packed.rows + 7) / 8);
    return launch(pack_rows, grid, threads, 0, stream, codes, scales, packed, packed_codes, packed_scales);
}

} // namespace fp4::cuda
