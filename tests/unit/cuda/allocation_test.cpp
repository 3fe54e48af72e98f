// Failures of device memory. Without a GPU only the injected ones are seen.
#include <doctest/doctest.h>

#include "cuda/cuda_backend.h"
#include "cuda/device_memory.h"

using namespace fp4;
using namespace fp4::cuda;

TEST_CASE("an injected failure is a memory status, and ends") {
    fail_allocations_after(0);
    for (int i = 0; i < 2; ++i) {
        auto memory = DeviceMemory::create(64);
        REQUIRE(!memory.ok());
        CHECK(memory.error().status == Status::memory);
    }
    fail_allocations_after(-1);
    if (!open_cuda_backend().ok()) return;
    CHECK(DeviceMemory::create(64).ok());
}

TEST_CASE("sizes beyond the address space are a memory status") {
    auto memory = DeviceMemory::create(UINT64_MAX);
    REQUIRE(!memory.ok());
    CHECK(memory.error().status == Status::memory);
    CHECK(DeviceMemory::create(0).ok());
}

TEST_CASE("every allocation of every object can fail, and the next try succeeds") {
    auto backend = open_cuda_backend();
    if (!backend.ok()) {
        MESSAGE("skipped: ", backend.error().message);
        CHECK(backend.error().status == Status::device);
        return;
    }
    Backend& cuda = **backend;
    std::vector<uint8_t> bytes(64 * 64, 0x33), scales(64 * 64, 120);
    const HostWeight weight{WeightFormat::mxfp4, 64, 64, bytes.data(), scales.data(), 1.0f, {}};
    InputTransform transform{InputTransform::Kind::hadamard, 32, std::vector<float>(64, 1.0f), {}};
    auto create = [&](int what) -> Result<void> {
        switch (what) {
            case 0:
                FP4_TRY(cuda.allocate(16).ok() ? Result<void>() : error(Status::memory, "x"));
                break;
            case 1: {
                auto loaded = cuda.load(weight);
                if (!loaded.ok()) return std::move(loaded).error();
                break;
            }
            case 2: {
                auto loaded = cuda.load(transform, 64);
                if (!loaded.ok()) return std::move(loaded).error();
                break;
            }
            case 3: {
                auto activation = cuda.create_activation(40, 64);
                if (!activation.ok()) return std::move(activation).error();
                break;
            }
            case 4: {
                auto cache = cuda.create_kv_cache({2, 16, 2, 32});
                if (!cache.ok()) return std::move(cache).error();
                break;
            }
            default: {
                auto stream = cuda.create_stream({});
                if (!stream.ok()) return std::move(stream).error();
            }
        }
        return {};
    };
    for (int what = 0; what < 6; ++what) {
        int failed = 0;
        for (;; ++failed) {
            fail_allocations_after(failed);
            auto result = create(what);
            fail_allocations_after(-1);
            if (result.ok()) break;
            CHECK(result.error().status == Status::memory);
            REQUIRE(failed < 10);
        }
        CAPTURE(what);
        CHECK(failed >= 1);
        CHECK(create(what).ok());
    }
}
