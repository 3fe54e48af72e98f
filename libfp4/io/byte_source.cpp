#include "libfp4/io/byte_source.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <limits>

#include "libfp4/io/posix_file.h"

namespace fp4 {
namespace {

class FileSource final : public ByteSource {
  public:
    explicit FileSource(std::string path) : path_(std::move(path)) {}
    FileSource(const FileSource&) = delete;
    FileSource& operator=(const FileSource&) = delete;
    ~FileSource() override {
        if (mapping_ != MAP_FAILED) munmap(mapping_, size_);
        if (fd_ >= 0) close(fd_);
    }

    Result<void> open_regular() {
        // O_NONBLOCK: opening a FIFO must not wait for its writer. It has no effect on regular files.
        fd_ = open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd_ < 0) {
            int cause = errno;
            return error(cause == ENOENT ? Status::not_found : Status::io, path_, ": ", errno_text(cause));
        }
        struct stat info;
        if (fstat(fd_, &info) != 0) {
            int cause = errno;
            return error(Status::io, path_, ": ", errno_text(cause));
        }
        if (!S_ISREG(info.st_mode)) return error(Status::io, path_, ": not a regular file");
        size_ = static_cast<uint64_t>(info.st_size);
        return {};
    }

    const std::string& name() const override { return path_; }
    uint64_t size() const override { return size_; }

    Result<void> read_at(uint64_t offset, std::span<uint8_t> target) const override {
        FP4_TRY(check_range(*this, offset, target.size()));
        int cause = read_fully(fd_, offset, target);
        if (cause == 0) return {};
        if (cause == end_of_file) {
            return error(Status::io, path_, ": the file became shorter while it was open (expected ", size_,
                         " bytes)");
        }
        return error(Status::io, path_, ": reading ", target.size(), " bytes at ", offset, ": ",
                     errno_text(cause));
    }

    std::span<const uint8_t> map() const override {
        if (mapping_ == MAP_FAILED || !size_unchanged()) return {};
        return {static_cast<const uint8_t*>(mapping_), static_cast<size_t>(size_)};
    }

    // A file that cannot be mapped is still readable, so failing here is no error.
    void try_map() {
        if (size_ == 0 || size_ > std::numeric_limits<size_t>::max()) return;
        mapping_ = mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd_, 0);
    }

    bool size_unchanged() const {
        struct stat now;
        return fstat(fd_, &now) == 0 && static_cast<uint64_t>(now.st_size) >= size_;
    }

  private:
    std::string path_;
    int fd_ = -1;
    uint64_t size_ = 0;
    void* mapping_ = MAP_FAILED;
};

class MemorySource final : public ByteSource {
  public:
    MemorySource(std::string name, std::vector<uint8_t> owned)
        : name_(std::move(name)), owned_(std::move(owned)), bytes_(owned_) {}
    MemorySource(std::string name, std::span<const uint8_t> borrowed)
        : name_(std::move(name)), bytes_(borrowed) {}

    const std::string& name() const override { return name_; }
    uint64_t size() const override { return bytes_.size(); }
    Result<void> read_at(uint64_t offset, std::span<uint8_t> target) const override {
        FP4_TRY(check_range(*this, offset, target.size()));
        if (!target.empty()) std::memcpy(target.data(), bytes_.data() + offset, target.size());
        return {};
    }
    std::span<const uint8_t> map() const override { return bytes_; }

  private:
    std::string name_;
    std::vector<uint8_t> owned_;
    std::span<const uint8_t> bytes_;
};

} // namespace

Result<void> check_range(const ByteSource& source, uint64_t offset, uint64_t bytes) {
    if (offset <= source.size() && bytes <= source.size() - offset) return {};
    return error(Status::format, source.name(), ": needs ", bytes, " bytes at ", offset, ", but has only ",
                 source.size());
}

Result<std::shared_ptr<ByteSource>> open_file(const std::string& path, bool allow_map) {
    auto file = std::make_shared<FileSource>(path);
    FP4_TRY(file->open_regular());
    if (allow_map) file->try_map();
    return std::shared_ptr<ByteSource>(std::move(file));
}

std::shared_ptr<ByteSource> memory_source(std::string name, std::vector<uint8_t> bytes) {
    return std::make_shared<MemorySource>(std::move(name), std::move(bytes));
}

std::shared_ptr<ByteSource> borrowed_source(std::string name, std::span<const uint8_t> bytes) {
    return std::make_shared<MemorySource>(std::move(name), bytes);
}

Result<std::string> read_text_file(const std::string& path, uint64_t max_bytes) {
    FP4_ASSIGN(std::shared_ptr<ByteSource> file, open_file(path, false));
    if (file->size() > max_bytes) {
        return error(Status::limit, path, ": ", file->size(), " bytes, the limit is ", max_bytes);
    }
    std::string text(file->size(), '\0');
    FP4_TRY(file->read_at(0, {reinterpret_cast<uint8_t*>(text.data()), text.size()}));
    return text;
}

} // namespace fp4
