// A file without a name for work that may not fit in memory. It is gone with the object, and after a kill.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "libfp4/base/result.h"

namespace fp4 {

class ScratchFile {
  public:
    // In `folder`; the disk space for `bytes` is taken at once where the file system can. Reads as zeros.
    static Result<std::unique_ptr<ScratchFile>> create(const std::string& folder, uint64_t bytes);
    ~ScratchFile();
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;

    Result<void> write_at(uint64_t offset, std::span<const uint8_t> bytes);
    Result<void> read_at(uint64_t offset, std::span<uint8_t> target) const;

  private:
    ScratchFile(int fd, std::string name) : fd_(fd), name_(std::move(name)) {}
    int fd_;
    std::string name_; // for messages
};

} // namespace fp4
