#include <map>
#include <mutex>

#include "api/device_registry.h"
#include "api/shim.h"

namespace fp4::api {
namespace {

struct Registry {
    std::mutex mutex;
    std::map<std::string, std::shared_ptr<Backend>> open;
};

Registry& registry() {
    // Never destroyed: a host's static objects may close models after the library's own would be gone.
    static Registry& instance = *new Registry;
    return instance;
}

} // namespace

Result<std::shared_ptr<Backend>> open_device(const char* id) {
    std::string wanted = id && *id ? id : "cpu";
    Registry& devices = registry();
    std::lock_guard lock(devices.mutex);
    if (auto found = devices.open.find(wanted); found != devices.open.end()) return found->second;
    std::string known;
    for (const BackendEntry& entry : backend_registry()) {
        if (entry.id == wanted) {
            FP4_ASSIGN(std::shared_ptr<Backend> backend, entry.open());
            devices.open[wanted] = backend;
            return backend;
        }
        known += known.empty() ? entry.id : ", " + entry.id;
    }
    return error(Status::not_found, "there is no device '", wanted, "'; this build has: ", known);
}

namespace {

DeviceStatus device_status(const BackendEntry& entry) {
    auto backend = open_device(entry.id.c_str());
    if (!backend.ok()) return {DeviceInfo{entry.id, entry.id, backend.error().message, 0, 0}};
    DeviceStatus status{(*backend)->device(), true, (*backend)->memory().used(),
                        (*backend)->memory().limit()};
    if (auto usable = (*backend)->usable(); !usable.ok()) {
        status.usable = false;
        status.info.details = usable.error().message;
    }
    return status;
}

} // namespace

std::vector<DeviceStatus> list_devices() {
    std::vector<DeviceStatus> devices;
    for (const BackendEntry& entry : backend_registry()) devices.push_back(device_status(entry));
    return devices;
}

} // namespace fp4::api

using namespace fp4;
using namespace fp4::api;

int32_t fp4_device_count(void) {
    return static_cast<int32_t>(backend_registry().size());
}

fp4_status fp4_device_info_get(int32_t index, fp4_device_info* info) {
    return guarded([&]() -> Result<void> {
        std::vector<DeviceStatus> devices = list_devices();
        if (index < 0 || static_cast<size_t>(index) >= devices.size()) {
            return error(Status::argument, "device index ", index, " is outside 0..", devices.size() - 1);
        }
        const DeviceStatus& device = devices[static_cast<size_t>(index)];
        fp4_device_info known{};
        known.flags = device.usable ? FP4_DEVICE_USABLE : 0;
        known.memory_total = device.info.memory_total;
        known.memory_free = device.info.memory_free;
        known.memory_used = device.memory_used;
        known.memory_limit = device.memory_limit;
        copy_field(known.id, device.info.id);
        copy_field(known.name, device.info.name);
        copy_field(known.details, device.info.details);
        return write_struct(known, info, "info");
    });
}

fp4_status fp4_device_memory(const char* device, uint64_t* used, uint64_t* available) {
    return guarded([&]() -> Result<void> {
        FP4_ASSIGN(auto backend, open_device(device));
        FP4_TRY(backend->usable());
        const MemoryAccount& memory = backend->memory();
        if (used) *used = memory.used();
        if (available) *available = memory.room(backend->device().memory_free);
        return {};
    });
}

fp4_status fp4_device_limit(const char* device, uint64_t bytes) {
    return guarded([&]() -> Result<void> {
        FP4_ASSIGN(auto backend, open_device(device));
        return backend->memory().set_limit(bytes);
    });
}
