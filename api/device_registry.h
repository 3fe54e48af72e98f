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
    uint64_t memory_used = 0;
    uint64_t memory_limit = 0;
};
std::vector<DeviceStatus> list_devices();

} // namespace fp4::api
