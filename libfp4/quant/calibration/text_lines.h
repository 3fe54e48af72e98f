// Texts compared line by line, so that a model is not evaluated on the text it was calibrated with.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/io/checkpoint.h"

namespace fp4 {

// XXH3-64 of every line of at least 40 bytes (shorter ones are alike in many texts) without the white space
// around it; sorted, each once.
std::vector<uint64_t> hash_lines(std::string_view text);

// How many of the sorted hashes both have.
size_t count_common_lines(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b);

// The document that keeps them in a .fp4 file: little endian.
inline constexpr std::string_view calibration_lines_document = "calibration_lines.bin";
std::string store_lines(const std::vector<uint64_t>& lines);
Result<std::vector<uint64_t>> load_lines(std::string_view content, std::string_view file);
// Those of the text a model was calibrated with; none if it was not.
Result<std::vector<uint64_t>> calibration_lines(const Checkpoint& checkpoint);

} // namespace fp4
