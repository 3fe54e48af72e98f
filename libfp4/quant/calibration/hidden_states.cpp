#include "libfp4/quant/calibration/hidden_states.h"

#include "libfp4/base/checked.h"

namespace fp4 {

Result<std::unique_ptr<HiddenStates>> HiddenStates::create(const std::string& folder, size_t sequences,
                                                           size_t length, size_t width) {
    auto bytes = checked_mul(sequences, length);
    if (bytes) bytes = checked_mul(*bytes, width);
    if (bytes) bytes = checked_mul(*bytes, sizeof(float));
    if (!bytes) return error(Status::limit, "calibration: ", sequences, " sequences are too many");
    FP4_ASSIGN(auto file, ScratchFile::create(folder, *bytes));
    return std::unique_ptr<HiddenStates>(new HiddenStates(std::move(file), sequences, length, width));
}

Result<void> HiddenStates::read(size_t sequence, std::span<float> states) const {
    return file_->read_at(offset(sequence), {reinterpret_cast<uint8_t*>(states.data()), states.size_bytes()});
}

Result<void> HiddenStates::write(size_t sequence, std::span<const float> states) {
    return file_->write_at(offset(sequence),
                           {reinterpret_cast<const uint8_t*>(states.data()), states.size_bytes()});
}

} // namespace fp4
