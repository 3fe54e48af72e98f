// The simulated GPU: its memory, its properties, and the kernels that the program's object files hold.
#pragma once

#include <functional>
#include <mutex>

#include "tests/gpu_simulator/grid.h"
#include "tests/gpu_simulator/ptx_module.h"

namespace fp4::gpu_simulator {

class Device {
  public:
    static Device& get();

    int major() const { return capability_ / 10; }
    int minor() const { return capability_ % 10; }
    size_t shared_limit() const; // bytes of a block, static and dynamic

    void add_kernel(const void* host_function, const void* fatbin, const char* name);
    const Function& kernel(const void* host_function); // throws Fault

    GlobalMemory memory;
    std::map<const Function*, size_t> dynamic_limit; // of kernels that may have more than 48 KiB
    std::recursive_mutex mutex;                      // of everything here
    bool failed = false; // a kernel has ended with a Fault: so will everything after it

  private:
    Device();

    struct Kernel {
        const void* fatbin = nullptr;
        std::string name;
        const Function* function = nullptr;
    };
    int capability_; // 10 major + minor
    std::map<const void*, Kernel> kernels_;
    std::map<const void*, std::unique_ptr<PtxModule>> modules_; // by container
};

} // namespace fp4::gpu_simulator
