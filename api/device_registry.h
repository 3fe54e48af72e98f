// Devices by id, opened once and shared by all models on them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libfp4/engine/backend.h"

namespace fp4::api {

// null or "": the default, "cpu".
Result<std::shared_ptr<Backend>> open_device(const char* id);

struct DeviceStatus {
    DeviceInfo info;
    bool usable = false;
};
std::vector<DeviceStatus> list_devices();

// Bytes that open models and contexts hold on a device.
void count_device_bytes(const std::string& id, int64_t change);
uint64_t device_bytes(const std::string& id);

// A share of a device's memory, given back on destruction.
class DeviceShare {
  public:
    DeviceShare() = default;
    DeviceShare(std::string id, uint64_t bytes);
    DeviceShare(DeviceShare&& other) noexcept
        : id_(std::move(other.id_)), bytes_(std::exchange(other.bytes_, 0)) {}
    DeviceShare& operator=(DeviceShare&& other) noexcept {
        std::swap(id_, other.id_);
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~DeviceShare();

  private:
    std::string id_;
    uint64_t bytes_ = 0;
};

} // namespace fp4::api
