// Device memory and error checks for the programs of this folder: a failed call ends the program.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace fp4::cuda {

inline void check(cudaError_t error, const char* what) {
    if (error == cudaSuccess) return;
    std::printf("FAILED: %s: %s\n", what, cudaGetErrorString(error));
    std::exit(1);
}

template <class T>
class DeviceArray {
  public:
    explicit DeviceArray(size_t count) : count_(count) {
        check(cudaMalloc(&data_, count * sizeof(T)), "cudaMalloc");
    }
    explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
        check(cudaMemcpy(data_, values.data(), count_ * sizeof(T), cudaMemcpyHostToDevice), "upload");
    }
    DeviceArray(DeviceArray&& other) noexcept : data_(other.data_), count_(other.count_) {
        other.data_ = nullptr;
    }
    ~DeviceArray() { cudaFree(data_); }
    T* get() const { return static_cast<T*>(data_); }
    size_t count() const { return count_; }
    std::vector<T> download() const {
        std::vector<T> values(count_);
        check(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost), "download");
        return values;
    }

  private:
    void* data_ = nullptr;
    size_t count_;
};

} // namespace fp4::cuda
