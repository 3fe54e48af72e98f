// System calls on file descriptors that are finished in spite of signals and short counts.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace fp4 {

std::string errno_text(int number);

// 0, or the errno of what went wrong.
int write_fully(int fd, uint64_t offset, std::span<const uint8_t> bytes);
// 0, an errno, or end_of_file.
inline constexpr int end_of_file = -1;
int read_fully(int fd, uint64_t offset, std::span<uint8_t> target);
// Empties the file and takes the disk space for `bytes` where the file system can; it reads as zeros.
int reserve_space(int fd, uint64_t bytes);

} // namespace fp4
