// Reading memory and nothing else: what a product with one token could reach at best.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

namespace fp4::bench {

// bytes: a multiple of 16. sink: one word, which is not written.
cudaError_t launch_read(const void* from, size_t bytes, int processors, unsigned* sink, cudaStream_t stream);

} // namespace fp4::bench
