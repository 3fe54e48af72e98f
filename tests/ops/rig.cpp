#include "rig.h"

#include <cstdio>
#include <cstdlib>

#include "libfp4/cpu/reference/reference_backend.h"

namespace fp4::ops {
namespace {

// The benchmark uses Rig too, so a failure cannot be a doctest assertion; it ends the program with an error.
[[noreturn]] void stop(const std::string& message) {
    std::fprintf(stderr, "ops: %s\n", message.c_str());
    std::exit(1);
}

template <class T>
T expect(Result<T> result) {
    if (!result.ok()) stop(result.error().message);
    return std::move(result).value();
}

std::span<const uint8_t> bytes_of(const void* data, size_t bytes) {
    return {static_cast<const uint8_t*>(data), bytes};
}

} // namespace

Rig::Rig(std::shared_ptr<Backend> backend, int threads) : backend_(std::move(backend)) {
    stream_ = expect(backend_->create_stream({threads, ThreadPriority::normal}));
}

std::unique_ptr<Buffer> Rig::buffer(size_t floats) {
    return expect(backend_->allocate(floats * 4));
}

std::unique_ptr<Buffer> Rig::upload(const Floats& values) {
    auto result = buffer(values.size());
    stream_->write(*result, 0, bytes_of(values.data(), values.size() * 4));
    return result;
}

std::unique_ptr<Buffer> Rig::upload(const std::vector<int32_t>& values) {
    auto result = buffer(values.size());
    stream_->write(*result, 0, bytes_of(values.data(), values.size() * 4));
    return result;
}

Floats Rig::download(const Buffer& buffer, size_t floats) {
    Floats values(floats);
    auto status = stream_->read(buffer, 0, {reinterpret_cast<uint8_t*>(values.data()), floats * 4});
    if (!status.ok()) stop(status.error().message);
    return values;
}

std::unique_ptr<Weight> Rig::load(const HostWeight& weight) {
    return expect(backend_->load(weight));
}

std::unique_ptr<Weight> Rig::vector(const Floats& values) {
    HostWeight weight;
    weight.rows = 1;
    weight.cols = values.size();
    weight.data = reinterpret_cast<const uint8_t*>(values.data());
    return load(weight); // without an owner the bytes are copied
}

std::unique_ptr<Transform> Rig::load(const InputTransform& transform, size_t cols) {
    return expect(backend_->load(transform, cols));
}

std::unique_ptr<Activation> Rig::activation(size_t rows, size_t cols) {
    return expect(backend_->create_activation(rows, cols));
}

std::unique_ptr<KvCache> Rig::kv_cache(const KvShape& shape) {
    return expect(backend_->create_kv_cache(shape));
}

std::unique_ptr<Activation> Rig::exact_activation(const Floats& values, size_t n, size_t cols,
                                                  ActivationFormat format) {
    Floats gate(values.size(), 64.0f), up = values;
    for (float& value : up) value /= 64.0f;
    auto result = activation(n, cols);
    stream_->glu(*upload(gate), *upload(up), n, GluKind::silu, nullptr, format, *result);
    finish();
    return result;
}

Floats Rig::values_of(const Activation& activation, size_t n) {
    size_t cols = activation.cols();
    Floats identity(cols * cols, 0.0f);
    for (size_t j = 0; j < cols; ++j) identity[j * cols + j] = 1.0f;
    HostWeight weight;
    weight.rows = weight.cols = cols;
    weight.data = reinterpret_cast<const uint8_t*>(identity.data());
    auto loaded = load(weight);
    auto out = buffer(n * cols);
    LinearTarget target{loaded.get(), nullptr, out.get(), false};
    stream_->linear(activation, n, {&target, 1});
    return download(*out, n * cols);
}

void Rig::finish() {
    auto status = stream_->synchronize();
    if (!status.ok()) stop(status.error().message);
}

Pair::Pair(const TestedBackend& tested_backend)
    : name(tested_backend.name),
      half_from(tested_backend.half_from),
      input_half_from(tested_backend.input_half_from),
      e4m3_from(tested_backend.e4m3_from),
      tested(expect(tested_backend.open())),
      reference(expect(open_reference_backend())) {}

} // namespace fp4::ops
