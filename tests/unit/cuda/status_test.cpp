// CUDA's error codes as statuses, and a device that fails.
#include <doctest/doctest.h>

#include "cuda/cuda_status.h"

using namespace fp4;
using namespace fp4::cuda;

TEST_CASE("error codes are statuses") {
    CHECK(status_of(cudaSuccess) == Status::ok);
    CHECK(status_of(cudaErrorMemoryAllocation) == Status::memory);
    CHECK(status_of(cudaErrorInvalidValue) == Status::internal);
    for (cudaError_t code : {cudaErrorNoDevice, cudaErrorInsufficientDriver, cudaErrorNoKernelImageForDevice,
                             cudaErrorSystemDriverMismatch, cudaErrorDevicesUnavailable})
        CHECK(status_of(code) == Status::device);
    for (cudaError_t code : {cudaErrorIllegalAddress, cudaErrorLaunchFailure, cudaErrorECCUncorrectable,
                             cudaErrorHardwareStackError, cudaErrorLaunchTimeout, cudaErrorUnknown})
        CHECK(status_of(code) == Status::device_lost);
}

TEST_CASE("what is missing is said") {
    struct Case {
        cudaError_t code;
        int driver;
        const char* says;
    };
    const Case cases[] = {{cudaErrorInsufficientDriver, 0, "there is no driver"},
                          {cudaErrorInsufficientDriver, 12040, "the driver is for CUDA 12.4"},
                          {cudaErrorInsufficientDriver, 12040, "update the driver"},
                          {cudaErrorNoDevice, 13000, "no CUDA device"},
                          {cudaSuccess, 13000, "no CUDA device"},
                          {cudaErrorSystemDriverMismatch, 13000, "no CUDA device: "}};
    for (const Case& c : cases) {
        const Error failure = no_device(c.code, c.driver);
        CHECK(failure.status == Status::device);
        CHECK_MESSAGE(failure.message.find(c.says) != std::string::npos, failure.message);
    }
}

TEST_CASE("a failure of the device stays, one of a call does not") {
    CHECK(seen(cudaErrorMemoryAllocation) == cudaErrorMemoryAllocation);
    CHECK(seen(cudaErrorInvalidValue) == cudaErrorInvalidValue);
    CHECK(seen(cudaSuccess) == cudaSuccess);
    CHECK(device_alive().ok());
    fail_device_after(1);
    CHECK(check(cudaSuccess, "do the first thing").ok());
    for (int i = 0; i < 3; ++i) {
        auto failed = check(i == 2 ? cudaErrorMemoryAllocation : cudaSuccess, "do the next thing");
        REQUIRE(!failed.ok());
        CHECK(failed.error().status == Status::device_lost);
        CHECK(failed.error().message.find("do the next thing") != std::string::npos);
    }
    REQUIRE(!device_alive().ok());
    CHECK(device_alive().error().status == Status::device_lost);
    fail_device_after(-1);
    CHECK(device_alive().ok());
    CHECK(seen(cudaErrorIllegalAddress) == cudaErrorIllegalAddress);
    CHECK(seen(cudaSuccess) == cudaErrorIllegalAddress);
    fail_device_after(-1);
}
