// Work memory that grows and is kept: no allocation in steady state.
#pragma once

#include "libfp4/cpu/host_memory.h"

namespace fp4 {

class Scratch {
  public:
    // At least `bytes`, uninitialized; null when there is no memory.
    uint8_t* bytes(uint64_t bytes) {
        if (bytes > memory_.size()) {
            memory_ = {};
            auto larger = AlignedBytes::create(bytes);
            if (!larger.ok()) return nullptr;
            memory_ = std::move(larger).value();
        }
        return memory_.data();
    }
    float* floats(uint64_t count) { return reinterpret_cast<float*>(bytes(count * sizeof(float))); }

  private:
    AlignedBytes memory_;
};

} // namespace fp4
