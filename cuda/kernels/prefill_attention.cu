#include <algorithm>

#include "cuda/device/launch.h"
#include "cuda/gemm/launch.h"
#include "cuda/kernels/prefill_attention.h"
#include "cuda/kernels/prefill_attention_kernel.h"

namespace fp4::cuda {
namespace {

template <int dim>
__global__ void __launch_bounds__(PrefillShape<dim>::threads, dim <= 128 ? 2 : 1)
    prefill_attention(const __grid_constant__ PrefillAttention arguments) {
    begin();
    prefill_attention_block<dim>(arguments);
}

uint32_t row_blocks(const PrefillAttention& attention, uint32_t rows) {
    return (attention.n * (attention.heads / attention.kv.kv_heads) + rows - 1) / rows;
}

template <int dim>
cudaError_t start(const PrefillAttention& attention, cudaStream_t stream) {
    using Shape = PrefillShape<dim>;
    const dim3 grid(row_blocks(attention, Shape::rows), attention.kv.kv_heads, attention.splits);
    return launch_kernel(prefill_attention<dim>, grid, Shape::threads, Shape::shared_bytes, stream,
                         attention);
}

// Calls use(shape) for the smallest shape that holds the head.
template <class Use>
auto with_shape(uint32_t head_dim, Use&& use) {
    if (head_dim <= 64) return use(std::integral_constant<int, 64>());
    if (head_dim <= 96) return use(std::integral_constant<int, 96>());
    if (head_dim <= 128) return use(std::integral_constant<int, 128>());
    return use(std::integral_constant<int, 256>());
}

} // namespace

uint32_t prefill_attention_splits(const PrefillAttention& attention, int processors) {
    return with_shape(attention.kv.head_dim, [&](auto dim) {
        using Shape = PrefillShape<dim()>;
        const uint32_t blocks = row_blocks(attention, Shape::rows) * attention.kv.kv_heads;
        uint32_t keys = attention.position + attention.n;
        if (attention.window != 0) keys = std::min(keys, attention.window + Shape::rows);
        constexpr uint32_t least_tiles = 4; // of a part
        return std::clamp(2 * static_cast<uint32_t>(processors) / blocks, 1u,
                          std::max(1u, keys / (Shape::keys * least_tiles)));
    });
}

cudaError_t launch_prefill_attention(const PrefillAttention& attention, cudaStream_t stream) {
    return with_shape(attention.kv.head_dim, [&](auto dim) { return start<dim()>(attention, stream); });
}

} // namespace fp4::cuda
