#include "libfp4/cpu/reference/reference_backend.h"

#include "libfp4/cpu/reference/reference_activation.h"
#include "libfp4/cpu/reference/reference_stream.h"

namespace fp4 {

DeviceInfo ReferenceBackend::device() const {
    return host_device("reference", "plain loops, one thread");
}

Result<std::unique_ptr<Activation>> ReferenceBackend::create_activation(size_t max_rows, size_t cols,
                                                                        std::span<const Weight* const>) {
    FP4_ASSIGN(std::unique_ptr<ReferenceActivation> activation, ReferenceActivation::create(max_rows, cols));
    return std::unique_ptr<Activation>(std::move(activation));
}

Result<std::unique_ptr<Stream>> ReferenceBackend::create_stream(const StreamConfig&) {
    return std::unique_ptr<Stream>(std::make_unique<ReferenceStream>());
}

Backend::Support ReferenceBackend::linear_support(WeightFormat, ActivationFormat) const {
    return {true, false};
}

Result<std::shared_ptr<Backend>> open_reference_backend() {
    return std::shared_ptr<Backend>(std::make_shared<ReferenceBackend>());
}

} // namespace fp4
