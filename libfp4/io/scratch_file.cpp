#include "libfp4/io/scratch_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "libfp4/io/posix_file.h"

namespace fp4 {

Result<std::unique_ptr<ScratchFile>> ScratchFile::create(const std::string& folder, uint64_t bytes) {
    std::string path = (folder.empty() ? std::string(".") : folder) + "/.fp4-scratch-XXXXXX";
    std::unique_ptr<ScratchFile> file(new ScratchFile(-1, path));
    file->fd_ = mkostemp(path.data(), 0);
    if (file->fd_ < 0) return error(Status::io, path, ": ", errno_text(errno));
    unlink(path.c_str());
    if (int cause = reserve_space(file->fd_, bytes))
        return error(Status::io, file->name_, ": taking ", bytes,
                     " bytes of disk space: ", errno_text(cause));
    return file;
}

ScratchFile::~ScratchFile() {
    if (fd_ >= 0) close(fd_);
}

Result<void> ScratchFile::write_at(uint64_t offset, std::span<const uint8_t> bytes) {
    if (int cause = write_fully(fd_, offset, bytes))
        return error(Status::io, name_, ": writing ", bytes.size(), " bytes: ", errno_text(cause));
    return {};
}

Result<void> ScratchFile::read_at(uint64_t offset, std::span<uint8_t> target) const {
    int cause = read_fully(fd_, offset, target);
    if (cause == end_of_file)
        return error(Status::io, name_, ": ends before ", offset + target.size(), " bytes");
    if (cause != 0) return error(Status::io, name_, ": reading: ", errno_text(cause));
    return {};
}

} // namespace fp4
