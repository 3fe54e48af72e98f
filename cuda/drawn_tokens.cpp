#include "cuda/drawn_tokens.h"

namespace fp4::cuda {

Result<DrawnTokens> DrawnTokens::create() {
    DrawnTokens drawn;
    FP4_ASSIGN(drawn.tokens_, PinnedMemory::create(most * sizeof(int32_t)));
    for (cudaEvent_t& event : drawn.ready_)
        FP4_TRY(check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), "create an event"));
    return drawn;
}

DrawnTokens& DrawnTokens::operator=(DrawnTokens&& other) noexcept {
    std::swap(tokens_, other.tokens_);
    std::swap(ready_, other.ready_);
    std::swap(first_, other.first_);
    std::swap(count_, other.count_);
    return *this;
}

DrawnTokens::~DrawnTokens() {
    for (cudaEvent_t event : ready_)
        if (event) cudaEventDestroy(event);
}

int32_t* DrawnTokens::place() {
    return count_ == most ? nullptr : tokens_.as<int32_t>() + (first_ + count_) % most;
}

cudaError_t DrawnTokens::written(cudaStream_t stream) {
    return cudaEventRecord(ready_[(first_ + count_++) % most], stream);
}

cudaError_t DrawnTokens::take(int32_t& token) {
    const cudaError_t code = cudaEventSynchronize(ready_[first_]);
    token = tokens_.as<volatile int32_t>()[first_];
    first_ = (first_ + 1) % most;
    --count_;
    return code;
}

} // namespace fp4::cuda
