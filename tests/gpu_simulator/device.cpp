#include "tests/gpu_simulator/device.h"

#include <cstdlib>

#include "tests/gpu_simulator/fatbin.h"
#include "tests/gpu_simulator/fault.h"

namespace fp4::gpu_simulator {
namespace {

// FP4_SIMULATED_GPU: "12.0" and the like.
int chosen_capability() {
    const char* chosen = std::getenv("FP4_SIMULATED_GPU");
    return chosen ? static_cast<int>(std::strtod(chosen, nullptr) * 10 + 0.5) : 120;
}

} // namespace

Device::Device() : memory(size_t(4) << 30), capability_(chosen_capability()) {}

Device& Device::get() {
    static Device& device = *new Device; // used by destructors of static objects too
    return device;
}

// CUDA C++ Programming Guide, "Technical Specifications per Compute Capability".
size_t Device::shared_limit() const {
    switch (capability_) {
        case 80:
        case 87:
            return 163 * 1024;
        case 90:
        case 100:
            return 227 * 1024;
        default:
            return 99 * 1024;
    }
}

void Device::add_kernel(const void* host_function, const void* fatbin, const char* name) {
    kernels_[host_function] = {fatbin, name, nullptr};
}

const Function& Device::kernel(const void* host_function) {
    const auto found = kernels_.find(host_function);
    if (found == kernels_.end()) throw Fault("a launch of something that is no kernel");
    Kernel& kernel = found->second;
    if (!kernel.function) {
        std::unique_ptr<PtxModule>& module = modules_[kernel.fatbin];
        if (!module) {
            std::string ptx = ptx_of(kernel.fatbin, capability_);
            if (ptx.empty()) throw Fault("no PTX for this device: " + kernel.name);
            module = std::make_unique<PtxModule>(std::move(ptx));
        }
        kernel.function = &module->function(kernel.name);
    }
    return *kernel.function;
}

} // namespace fp4::gpu_simulator
