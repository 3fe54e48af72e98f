// What is not arithmetic: allocation failures, refused arguments, sticky errors, copies, sampling.
#include <doctest/doctest.h>

#include "random_weight.h"
#include "rig.h"

using namespace fp4;
using namespace fp4::ops;

TEST_CASE("device facts are filled in") {
    for_each_backend([&](Pair& pair) {
        DeviceInfo info = pair.tested.backend().device();
        INFO(pair.name, ": ", info.id, ", ", info.name, ", ", info.details);
        CHECK(!info.id.empty());
        CHECK(!info.name.empty());
        CHECK(info.memory_total >= info.memory_free);
        CHECK(info.memory_free > 0);
    });
}

TEST_CASE("allocations that cannot succeed are an error value") {
    for_each_backend([&](Pair& pair) {
        Backend& backend = pair.tested.backend();
        for (size_t bytes : {SIZE_MAX, SIZE_MAX - 63, size_t(1) << 62}) {
            auto buffer = backend.allocate(bytes);
            REQUIRE(!buffer.ok());
            CHECK(buffer.error().status == Status::memory);
        }
        CHECK(backend.allocate(0).ok());
        CHECK(!backend.create_activation(SIZE_MAX / 2, 8).ok());
        CHECK(!backend.create_activation(0, 8).ok());
        CHECK(!backend.create_kv_cache({1 << 20, size_t(1) << 40, 1 << 10, 1 << 10}).ok());
        CHECK(!backend.create_kv_cache({0, 4, 2, 8}).ok());
    });
}

TEST_CASE("buffers start zeroed and are copied in and out") {
    for_each_backend([&](Pair& pair) {
        Rig& rig = pair.tested;
        auto buffer = rig.buffer(100);
        CHECK(rig.download(*buffer, 100) == Floats(100, 0.0f));
        float value = 3.5f;
        rig.stream().write(*buffer, 396, {reinterpret_cast<uint8_t*>(&value), 4});
        CHECK(rig.download(*buffer, 100)[99] == 3.5f);
        rig.stream().write(*buffer, 397, {reinterpret_cast<uint8_t*>(&value), 4});
        CHECK(!rig.stream().synchronize().ok());
    });
}

TEST_CASE("weights and transforms that make no sense are refused") {
    for_each_backend([&](Pair& pair) {
        Backend& backend = pair.tested.backend();
        uint8_t byte = 0;
        HostWeight weight;
        CHECK(!backend.load(weight).ok());
        weight.data = &byte;
        weight.rows = SIZE_MAX / 2;
        weight.cols = 8;
        CHECK(!backend.load(weight).ok());
        weight.rows = 1;
        weight.format = WeightFormat::mxfp4;
        CHECK(!backend.load(weight).ok()); // no scales
        InputTransform transform;
        transform.kind = InputTransform::Kind::hadamard;
        transform.block = 48;
        CHECK(!backend.load(transform, 96).ok());
        transform.block = 64;
        CHECK(!backend.load(transform, 96).ok());
        transform.block = 32;
        CHECK(backend.load(transform, 96).ok());
        transform.kind = InputTransform::Kind::matrix;
        CHECK(!backend.load(transform, 96).ok());
        for (size_t matrices : {1, 2, 3, 4}) {
            transform.matrix.resize(matrices * 32 * 32);
            CHECK(backend.load(transform, 96).ok() == (matrices == 1 || matrices == 3));
        }
        transform.kind = InputTransform::Kind::identity;
        transform.channel_scale.resize(95);
        CHECK(!backend.load(transform, 96).ok());
    });
}

TEST_CASE("a failed operation is sticky and later ones do nothing") {
    for_each_backend([&](Pair& pair) {
        Rig& rig = pair.tested;
        auto activation = rig.activation(2, 64);
        auto x = rig.buffer(64);
        auto weight = rig.vector(Floats(64, 1.0f));
        rig.stream().norm(*x, 0, 2, {weight.get(), 1e-6f}, nullptr, {ActivationFormat::Kind::a16},
                          *activation);
        auto status = rig.stream().synchronize();
        REQUIRE(!status.ok());
        std::string first = status.error().message;
        Floats ones(64, 1.0f);
        rig.stream().write(*x, 0, {reinterpret_cast<uint8_t*>(ones.data()), 256});
        CHECK(rig.stream().synchronize().error().message == first);
    });
}

TEST_CASE("every pair of formats is supported, the main ones fast") {
    for_each_backend([&](Pair& pair) {
        for (WeightFormat weight : all_weight_formats) {
            for (ActivationFormat activation : all_activation_formats) {
                INFO(pair.name, " ", int(weight), " ", int(activation.kind));
                CHECK(pair.tested.backend().linear_support(weight, activation).supported);
            }
        }
        CHECK(pair.tested.backend().linear_support(WeightFormat::mxfp4, {ActivationFormat::Kind::a16}).fast);
    });
}

TEST_CASE("greedy sampling takes the largest logit of the row") {
    for_each_backend([&](Pair& pair) {
        Rig& rig = pair.tested;
        Floats logits(3 * 50, 0.0f);
        logits[50 + 17] = 2.0f;
        logits[100 + 3] = 1.0f;
        auto buffer = rig.upload(logits);
        SamplingConfig config;
        SampleRequest request;
        request.config = &config;
        auto token = rig.stream().sample(*buffer, 1, 50, request);
        REQUIRE(token.ok());
        CHECK(*token == 17);
        CHECK(!rig.stream().sample(*buffer, 3, 50, request).ok());
    });
}

TEST_CASE("KV rows are written and read back by layer") {
    Random random(31);
    for_each_backend([&](Pair& pair) {
        Rig& rig = pair.tested;
        auto cache = rig.kv_cache({3, 20, 2, 8});
        std::vector<uint8_t> keys(5 * 32), values(5 * 32), k(5 * 32), v(5 * 32);
        for (auto& byte : keys) byte = static_cast<uint8_t>(random.below(256));
        for (auto& byte : values) byte = static_cast<uint8_t>(random.below(256));
        REQUIRE(rig.stream().write_kv(*cache, 2, 15, 5, keys, values).ok());
        REQUIRE(rig.stream().read_kv(*cache, 2, 15, 5, k, v).ok());
        CHECK((k == keys && v == values));
        REQUIRE(rig.stream().read_kv(*cache, 1, 15, 5, k, v).ok());
        CHECK(k == std::vector<uint8_t>(160));
        CHECK(!rig.stream().read_kv(*cache, 2, 16, 5, k, v).ok());
        CHECK(!rig.stream().read_kv(*cache, 3, 15, 5, k, v).ok());
        CHECK(!rig.stream().read_kv(*cache, 2, 15, 4, k, v).ok());
    });
}
