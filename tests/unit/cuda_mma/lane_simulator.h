// Runs CUDA kernels on the host: every thread of a block is a fiber of one host thread, a warp's collective
// operations are meeting points. Only what the kernels of cuda/ use is here, under CUDA's own names.
// Asynchronous copies land no earlier than the wait that asks for them, so a missing wait is a wrong result.
#pragma once

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <type_traits>

#define __device__
#define __host__
#define __global__
#define __forceinline__ inline

struct Dim3 {
    unsigned x = 1, y = 1, z = 1;
};
extern Dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace fp4::lanes {

inline constexpr size_t slot_bytes = 48;

// Runs `kernel` once for every thread of every block. Shared memory starts as garbage in each block.
void launch(Dim3 grid, unsigned threads, size_t shared_bytes, const std::function<void()>& kernel);

// Meets all lanes of the warp and returns where lane 0's bytes lie; lane i's follow at i * slot_bytes.
const std::byte* exchange(const void* bytes, size_t size);
void meet_block();
uint8_t* block_shared_memory();
void queue_copy(void* to, const void* from, size_t bytes);
void close_copy_group();
void finish_copies(size_t pending_groups);

template <class T>
std::array<T, 32> gather(const T& value) {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= slot_bytes);
    const std::byte* slots = exchange(&value, sizeof(T));
    std::array<T, 32> all;
    for (size_t lane = 0; lane < 32; ++lane) std::memcpy(&all[lane], slots + lane * slot_bytes, sizeof(T));
    return all;
}

template <class T>
T from_lane(const T& value, unsigned lane) {
    T result;
    std::memcpy(&result, exchange(&value, sizeof(T)) + lane % 32 * slot_bytes, sizeof(T));
    return result;
}

} // namespace fp4::lanes

template <class T>
T __shfl_sync(unsigned, T value, int lane) {
    return fp4::lanes::from_lane(value, static_cast<unsigned>(lane));
}
template <class T>
T __shfl_xor_sync(unsigned, T value, int mask) {
    return fp4::lanes::from_lane(value, threadIdx.x % 32 ^ static_cast<unsigned>(mask));
}
inline void __syncthreads() {
    fp4::lanes::meet_block();
}
inline uint32_t __byte_perm(uint32_t low, uint32_t high, uint32_t selector) {
    const uint64_t bytes = low | static_cast<uint64_t>(high) << 32;
    uint32_t result = 0;
    for (int i = 0; i < 4; ++i) {
        const uint32_t byte = bytes >> 8 * (selector >> 4 * i & 7) & 0xFF;
        result |= byte << 8 * i;
    }
    return result;
}
inline int __dp4a(int a, int b, int sum) {
    for (int i = 0; i < 4; ++i)
        sum += static_cast<int8_t>(static_cast<uint32_t>(a) >> 8 * i) *
               static_cast<int8_t>(static_cast<uint32_t>(b) >> 8 * i);
    return sum;
}
inline int __clz(int value) {
    return std::countl_zero(static_cast<uint32_t>(value));
}
inline float __uint_as_float(uint32_t bits) {
    return std::bit_cast<float>(bits);
}
inline uint32_t __float_as_uint(float value) {
    return std::bit_cast<uint32_t>(value);
}
inline double __longlong_as_double(long long bits) {
    return std::bit_cast<double>(bits);
}
inline float __double2float_rz(double value) {
    const float nearest = static_cast<float>(value);
    return std::fabs(static_cast<double>(nearest)) > std::fabs(value) ? std::nextafter(nearest, 0.0f)
                                                                      : nearest;
}
inline float __fmul_rn(float a, float b) {
    return a * b;
}
inline float __fadd_rn(float a, float b) {
    return a + b;
}
inline float __fsub_rn(float a, float b) {
    return a - b;
}
inline float __fdiv_rn(float a, float b) {
    return a / b;
}

struct float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct uint2 {
    uint32_t x, y;
};
struct alignas(16) uint4 {
    uint32_t x, y, z, w;
};

namespace fp4::cuda {

inline uint8_t* shared_memory() {
    return lanes::block_shared_memory();
}
inline uint32_t permute_bytes(uint32_t low, uint32_t high, uint32_t selector) {
    uint32_t result = __byte_perm(low, high, selector);
    for (int i = 0; i < 4; ++i) {
        const uint32_t byte = 0xFFu << 8 * i;
        if (selector >> 4 * i & 8) result = (result & ~byte) | (result & (0x80u << 8 * i) ? byte : 0);
    }
    return result;
}
void load_matrix_x4(uint32_t (&r)[4], const void* shared_row);
void load_matrix_x4_transposed(uint32_t (&r)[4], const void* shared_row);
template <int bytes>
void copy_async(void* shared, const void* global) {
    static_assert(bytes == 4 || bytes == 8 || bytes == 16);
    lanes::queue_copy(shared, global, bytes);
}
inline void copy_async_or_zero(void* shared, const void* global, bool copy) {
    static constexpr uint8_t zeros[16] = {};
    lanes::queue_copy(shared, copy ? global : zeros, 16);
}
inline void copy_async_commit() {
    lanes::close_copy_group();
}
template <int pending>
void copy_async_wait() {
    lanes::finish_copies(pending);
}
// With exact products and a sum rounded once: the idealized instruction.
void mma_f16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);
uint32_t multiply_f16x2(uint32_t a, uint32_t b);
uint32_t pack_f16x2(float low, float high);
uint32_t pack_f16x2_finite(float low, float high);
inline float exp2_fast(float x) {
    return std::exp2(x);
}

} // namespace fp4::cuda
