// One backend under test: a stream plus shortcuts for moving float32 data in and out.
#pragma once

#include <random>
#include <string>
#include <vector>

#include "libfp4/engine/backend.h"

namespace fp4::ops {

struct TestedBackend {
    std::string name;
    Result<std::shared_ptr<Backend>> (*open)();
    // From this many tokens on inputs, queries and attention weights that were not rounded go to tensor cores
    // as f16 (one part of 11 bits, as in every GPU library), which add float32 sums in an order of their own.
    size_t half_from = SIZE_MAX;
    size_t input_half_from = half_from; // unrounded inputs of linears alone
    size_t e4m3_from = SIZE_MAX;        // MXFP4 weights and inputs of E4M3 with one scale: sums of 13 bits
};

// Every backend this build and machine can run, without the reference: add a new one in backends.cpp.
std::vector<TestedBackend> tested_backends();

using Floats = std::vector<float>;

class Rig {
  public:
    explicit Rig(std::shared_ptr<Backend> backend, int threads = 2);

    Backend& backend() { return *backend_; }
    Stream& stream() { return *stream_; }

    std::unique_ptr<Buffer> buffer(size_t floats);
    std::unique_ptr<Buffer> upload(const Floats& values);
    std::unique_ptr<Buffer> upload(const std::vector<int32_t>& values);
    Floats download(const Buffer& buffer, size_t floats);
    std::unique_ptr<Weight> load(const HostWeight& weight);
    std::unique_ptr<Weight> vector(const Floats& values); // f32 [1, n]
    std::unique_ptr<Transform> load(const InputTransform& transform, size_t cols);
    std::unique_ptr<Activation> activation(size_t rows, size_t cols);
    std::unique_ptr<KvCache> kv_cache(const KvShape& shape);

    // An activation holding round(values): silu(64) is exactly 64 in float32 and values / 64 is exact, so
    // that every backend rounds the same numbers. values: [n, cols].
    std::unique_ptr<Activation> exact_activation(const Floats& values, size_t n, size_t cols,
                                                 ActivationFormat format);

    // The values an activation stands for: its product with a float32 identity matrix. [n, cols]
    Floats values_of(const Activation& activation, size_t n);

    void finish(); // synchronize, fails the test when the stream failed

  private:
    std::shared_ptr<Backend> backend_;
    std::unique_ptr<Stream> stream_;
};

// The backend under test and the reference, side by side.
struct Pair {
    explicit Pair(const TestedBackend& tested);
    std::string name;
    size_t half_from, input_half_from, e4m3_from;
    Rig tested;
    Rig reference;
};

template <class Body>
void for_each_backend(Body&& body) {
    for (const TestedBackend& backend : tested_backends()) {
        Pair pair(backend);
        body(pair);
    }
}

} // namespace fp4::ops
