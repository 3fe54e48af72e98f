// A file that appears under its name only when it is complete. It is written as `<path>.partial` in the same
// folder, under a lock, synced and renamed; given up or interrupted, it leaves nothing under its name.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "libfp4/base/result.h"

namespace fp4 {

class PartialFile {
  public:
    // Takes the disk space for `bytes` at once where the file system can, so that a full disk shows here and
    // not after an hour's work. What is not written reads as zeros. A partial file that a killed process left
    // is overwritten; one that another process is writing is Status::busy.
    static Result<std::unique_ptr<PartialFile>> create(const std::string& path, uint64_t bytes);
    ~PartialFile(); // gives the file up unless it was committed
    PartialFile(const PartialFile&) = delete;
    PartialFile& operator=(const PartialFile&) = delete;

    Result<void> write_at(uint64_t offset, std::span<const uint8_t> bytes);
    Result<void> commit();
    void give_up() noexcept;

  private:
    explicit PartialFile(std::string path);
    Error failure(std::string_view action, int cause) const;

    std::string path_;
    std::string partial_path_;
    int fd_ = -1;
};

} // namespace fp4
