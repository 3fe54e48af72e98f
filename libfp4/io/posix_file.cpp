#include "libfp4/io/posix_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace fp4 {

std::string errno_text(int number) {
    return std::generic_category().message(number);
}

int write_fully(int fd, uint64_t offset, std::span<const uint8_t> bytes) {
    size_t done = 0;
    while (done < bytes.size()) {
        ssize_t put = pwrite(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return put < 0 ? errno : ENOSPC;
        done += static_cast<size_t>(put);
    }
    return 0;
}

int read_fully(int fd, uint64_t offset, std::span<uint8_t> target) {
    size_t done = 0;
    while (done < target.size()) {
        ssize_t got =
            pread(fd, target.data() + done, target.size() - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return errno;
        if (got == 0) return end_of_file;
        done += static_cast<size_t>(got);
    }
    return 0;
}

int reserve_space(int fd, uint64_t bytes) {
    if (ftruncate(fd, 0) != 0) return errno;
#if defined(__linux__)
    int taken;
    do {
        taken = bytes > 0 ? fallocate(fd, 0, 0, static_cast<off_t>(bytes)) : 0;
    } while (taken != 0 && errno == EINTR);
    if (taken != 0 && errno != EOPNOTSUPP && errno != ENOSYS) return errno;
#endif
    return ftruncate(fd, static_cast<off_t>(bytes)) == 0 ? 0 : errno;
}

} // namespace fp4
