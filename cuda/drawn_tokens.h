// Tokens on their way to the host: kernels write them into pinned memory, an event says when.
#pragma once

#include <array>

#include "cuda/device_memory.h"

namespace fp4::cuda {

class DrawnTokens {
  public:
    static Result<DrawnTokens> create();
    DrawnTokens() = default;
    DrawnTokens(DrawnTokens&& other) noexcept { *this = std::move(other); }
    DrawnTokens& operator=(DrawnTokens&& other) noexcept;
    ~DrawnTokens();

    // Where the next token goes; null when `most` tokens wait to be taken.
    int32_t* place();
    // After the work that writes it was enqueued.
    cudaError_t written(cudaStream_t stream);
    bool empty() const { return count_ == 0; }
    // Waits for the oldest.
    cudaError_t take(int32_t& token);

  private:
    static constexpr size_t most = 4;
    PinnedMemory tokens_;
    std::array<cudaEvent_t, most> ready_{};
    size_t first_ = 0, count_ = 0;
};

} // namespace fp4::cuda
