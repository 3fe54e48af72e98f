#include "libfp4/io/partial_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "libfp4/io/posix_file.h"

namespace fp4 {
namespace {

// True if the locked descriptor is still the file of that name: its former owner may have renamed or removed
// it between our open and our lock.
bool still_named(int fd, const std::string& path) {
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && lstat(path.c_str(), &named) == 0 && opened.st_dev == named.st_dev &&
           opened.st_ino == named.st_ino;
}

Result<int> open_locked(const std::string& path) {
    constexpr int attempts = 8;
    for (int i = 0; i < attempts; i++) {
        int fd = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (fd < 0) return error(Status::io, path, ": ", errno_text(errno));
        struct stat info;
        if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
            close(fd);
            return error(Status::io, path, ": not a regular file");
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            int cause = errno;
            close(fd);
            if (cause == EWOULDBLOCK)
                return error(Status::busy, path, ": another process is writing this file");
            return error(Status::io, path, ": locking: ", errno_text(cause));
        }
        if (still_named(fd, path)) return fd;
        close(fd);
    }
    return error(Status::busy, path, ": other processes keep replacing this file");
}

} // namespace

PartialFile::PartialFile(std::string path) : path_(std::move(path)), partial_path_(path_ + ".partial") {}

PartialFile::~PartialFile() {
    give_up();
}

Result<std::unique_ptr<PartialFile>> PartialFile::create(const std::string& path, uint64_t bytes) {
    struct stat existing;
    if (stat(path.c_str(), &existing) == 0 && !S_ISREG(existing.st_mode)) {
        return error(Status::argument, path, ": exists and is not a regular file");
    }
    // The object first: were it made after the descriptor, running out of memory would leave that open and
    // locked.
    std::unique_ptr<PartialFile> file(new PartialFile(path));
    FP4_ASSIGN(file->fd_, open_locked(file->partial_path_));
    if (int cause = reserve_space(file->fd_, bytes)) {
        return file->failure(concat("taking ", bytes, " bytes of disk space"), cause);
    }
    return file;
}

Error PartialFile::failure(std::string_view action, int cause) const {
    return error(Status::io, partial_path_, ": ", action, ": ", errno_text(cause));
}

Result<void> PartialFile::write_at(uint64_t offset, std::span<const uint8_t> bytes) {
    if (fd_ < 0) return error(Status::state, partial_path_, ": is closed");
    if (int cause = write_fully(fd_, offset, bytes))
        return failure(concat("writing ", bytes.size(), " bytes at ", offset), cause);
    return {};
}

Result<void> PartialFile::commit() {
    if (fd_ < 0) return error(Status::state, partial_path_, ": is closed");
    const std::string folder = std::filesystem::path(path_).parent_path().string();
    if (fsync(fd_) != 0) return failure("syncing", errno);
    if (rename(partial_path_.c_str(), path_.c_str()) != 0)
        return failure(concat("renaming to ", path_), errno);
    close(fd_);
    fd_ = -1;
    // The rename survives a power cut once the folder is synced. The file itself is complete either way, so a
    // file system that cannot sync a folder is no failure.
    int folder_fd = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd >= 0) {
        fsync(folder_fd);
        close(folder_fd);
    }
    return {};
}

void PartialFile::give_up() noexcept {
    if (fd_ < 0) return;
    unlink(partial_path_.c_str()); // while the lock is held: nobody else's file has this name
    close(fd_);
    fd_ = -1;
}

} // namespace fp4
