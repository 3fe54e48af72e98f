#include "cuda/device/launch.h"
#include "cuda/kernels/gram.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t tile = 64;  // rows and columns of a block's part of the sum
constexpr uint32_t depth = 16; // tokens at a time
constexpr uint32_t side = 16;  // threads along each side, 4 x 4 sums each

// tokens [first, first + depth) of columns [start, start + tile); zero outside
__device__ void stage(const float* x, uint32_t cols, uint32_t n, uint32_t first, uint32_t start,
                      float (&target)[depth][tile]) {
    const uint32_t thread = threadIdx.y * side + threadIdx.x;
    for (uint32_t i = thread; i < depth * tile; i += side * side) {
        const uint32_t token = first + i / tile, column = start + i % tile;
        target[i / tile][i % tile] = token < n && column < cols ? x[size_t(token) * cols + column] : 0.0f;
    }
}

__global__ __launch_bounds__(side* side) void gram(const float* a, uint32_t a_cols, const float* b,
                                                   uint32_t b_cols, uint32_t n, float* sum) {
    __shared__ float left[depth][tile], right[depth][tile];
    begin();
    const uint32_t row = blockIdx.y * tile, column = blockIdx.x * tile;
    float sums[4][4] = {};
    for (uint32_t first = 0; first < n; first += depth) {
        __syncthreads();
        stage(a, a_cols, n, first, row, left);
        stage(b, b_cols, n, first, column, right);
        __syncthreads();
        for (uint32_t t = 0; t < depth; ++t) {
            for (uint32_t i = 0; i < 4; ++i)
                for (uint32_t j = 0; j < 4; ++j)
                    sums[i][j] += left[t][threadIdx.y + side * i] * right[t][threadIdx.x + side * j];
        }
    }
    for (uint32_t i = 0; i < 4; ++i) {
        for (uint32_t j = 0; j < 4; ++j) {
            const uint32_t r = row + threadIdx.y + side * i, c = column + threadIdx.x + side * j;
            if (r < a_cols && c < b_cols) sum[size_t(r) * b_cols + c] += sums[i][j];
        }
    }
}

} // namespace

cudaError_t launch_gram(const float* a, uint32_t a_cols, const float* b, uint32_t b_cols, uint32_t n,
                        float* sum, cudaStream_t stream) {
    const dim3 grid((b_cols + tile - 1) / tile, (a_cols + tile - 1) / tile);
    return launch(gram, grid, dim3(side, side), 0, stream, a, a_cols, b, b_cols, n, sum);
}

} // namespace fp4::cuda
