// Random-access bytes behind one interface: a file, memory, or a host's own storage (fp4_io).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libfp4/base/result.h"

namespace fp4 {

// read_at and map are thread-safe.
class ByteSource {
  public:
    virtual ~ByteSource() = default;
    virtual const std::string& name() const = 0; // for messages
    virtual uint64_t size() const = 0;
    // Fills all of target or fails; a range beyond size() is a failure.
    virtual Result<void> read_at(uint64_t offset, std::span<uint8_t> target) const = 0;
    // The whole source mapped read-only, or an empty span where it cannot be mapped. Valid while the source
    // lives.
    virtual std::span<const uint8_t> map() const = 0;
};

// Opens a regular file. Directories, sockets and the like are refused. With allow_map the file is also
// mapped; read_at never goes through the mapping, so that a file cut short under us is an error and not a
// SIGBUS.
Result<std::shared_ptr<ByteSource>> open_file(const std::string& path, bool allow_map);

// Bytes in memory: owned, or borrowed (then they must outlive the source).
std::shared_ptr<ByteSource> memory_source(std::string name, std::vector<uint8_t> bytes);
std::shared_ptr<ByteSource> borrowed_source(std::string name, std::span<const uint8_t> bytes);

// A whole file as text; larger than max_bytes is Status::limit, absent is Status::not_found.
Result<std::string> read_text_file(const std::string& path, uint64_t max_bytes);

// The range check every implementation of read_at begins with.
Result<void> check_range(const ByteSource& source, uint64_t offset, uint64_t bytes);

} // namespace fp4
