// cuBLAS, found at run time: the product with bf16 weights that the library's are measured beside.
#pragma once

#include <cuda_runtime_api.h>
#include <dlfcn.h>

namespace fp4::bench {

class Cublas {
  public:
    Cublas() {
        for (const char* name : {"libcublas.so.13", "libcublas.so.12", "libcublas.so"})
            if (!library_) library_ = dlopen(name, RTLD_NOW);
        if (!library_) return;
        auto create = reinterpret_cast<int (*)(void**)>(dlsym(library_, "cublasCreate_v2"));
        set_stream_ = reinterpret_cast<int (*)(void*, cudaStream_t)>(dlsym(library_, "cublasSetStream_v2"));
        set_workspace_ =
            reinterpret_cast<int (*)(void*, void*, size_t)>(dlsym(library_, "cublasSetWorkspace_v2"));
        gemm_ = reinterpret_cast<Gemm>(dlsym(library_, "cublasGemmEx"));
        if (!create || !set_stream_ || !set_workspace_ || !gemm_ || create(&handle_) != 0) handle_ = nullptr;
    }
    bool found() const { return handle_ != nullptr; }
    void use(cudaStream_t stream, void* workspace, size_t bytes) {
        set_stream_(handle_, stream);
        set_workspace_(handle_, workspace, bytes);
    }
    // out [n, rows] = x [n, cols] w^T; all bf16, row-major. cublasGemmEx, column-major: op T, N.
    bool multiply(const void* w, const void* x, void* out, int rows, int n, int cols) {
        const float one = 1.0f, zero = 0.0f;
        constexpr int bf16 = 14, compute_f32 = 68, default_algorithm = -1, transposed = 1, plain = 0;
        return gemm_(handle_, transposed, plain, rows, n, cols, &one, w, bf16, cols, x, bf16, cols, &zero,
                     out, bf16, rows, compute_f32, default_algorithm) == 0;
    }

  private:
    using Gemm = int (*)(void*, int, int, int, int, int, const void*, const void*, int, int, const void*, int,
                         int, const void*, void*, int, int, int, int);
    void* library_ = nullptr;
    void* handle_ = nullptr;
    int (*set_stream_)(void*, cudaStream_t) = nullptr;
    int (*set_workspace_)(void*, void*, size_t) = nullptr;
    Gemm gemm_ = nullptr;
};

} // namespace fp4::bench
