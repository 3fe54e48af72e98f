// Hidden states of all calibration sequences between two layers: f32 [sequences, length, width], in a scratch
// file, so that memory does not grow with the amount of calibration.
#pragma once

#include "libfp4/io/scratch_file.h"

namespace fp4 {

class HiddenStates {
  public:
    static Result<std::unique_ptr<HiddenStates>> create(const std::string& folder, size_t sequences,
                                                        size_t length, size_t width);

    size_t sequences() const { return sequences_; }
    size_t length() const { return length_; }
    Result<void> read(size_t sequence, std::span<float> states) const;
    Result<void> write(size_t sequence, std::span<const float> states);

  private:
    HiddenStates(std::unique_ptr<ScratchFile> file, size_t sequences, size_t length, size_t width)
        : file_(std::move(file)), sequences_(sequences), length_(length), width_(width) {}
    uint64_t offset(size_t sequence) const { return uint64_t(sequence) * length_ * width_ * sizeof(float); }

    std::unique_ptr<ScratchFile> file_;
    size_t sequences_, length_, width_;
};

} // namespace fp4
