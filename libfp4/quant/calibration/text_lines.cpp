#include "libfp4/quant/calibration/text_lines.h"

#include <algorithm>

#include "libfp4/io/xxh3.h"

namespace fp4 {
namespace {

constexpr size_t shortest_line = 40;
constexpr std::string_view white_space = " \t\r\n\f\v";

std::string_view trim(std::string_view line) {
    const size_t first = line.find_first_not_of(white_space);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(white_space) - first + 1);
}

} // namespace

std::vector<uint64_t> hash_lines(std::string_view text) {
    std::vector<uint64_t> hashes;
    for (size_t begin = 0; begin < text.size();) {
        const size_t end = std::min(text.find('\n', begin), text.size());
        const std::string_view line = trim(text.substr(begin, end - begin));
        if (line.size() >= shortest_line) hashes.push_back(xxh3(line));
        begin = end + 1;
    }
    std::ranges::sort(hashes);
    hashes.erase(std::unique(hashes.begin(), hashes.end()), hashes.end());
    return hashes;
}

size_t count_common_lines(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b) {
    size_t common = 0;
    for (auto i = a.begin(), j = b.begin(); i != a.end() && j != b.end();) {
        if (*i == *j) ++common;
        const bool advance_both = *i == *j, advance_first = *i < *j;
        if (advance_both || advance_first) ++i;
        if (advance_both || !advance_first) ++j;
    }
    return common;
}

std::string store_lines(const std::vector<uint64_t>& lines) {
    std::string content;
    content.reserve(lines.size() * 8);
    for (uint64_t hash : lines)
        for (int shift = 0; shift < 64; shift += 8) content.push_back(static_cast<char>(hash >> shift));
    return content;
}

Result<std::vector<uint64_t>> load_lines(std::string_view content, std::string_view file) {
    std::vector<uint64_t> lines(content.size() / 8);
    for (size_t i = 0; i < lines.size() * 8; ++i)
        lines[i / 8] |= uint64_t(static_cast<uint8_t>(content[i])) << (i % 8 * 8);
    const bool ascending =
        std::adjacent_find(lines.begin(), lines.end(), std::greater_equal<>()) == lines.end();
    if (content.size() % 8 != 0 || !ascending)
        return error(Status::format, file, ": ", calibration_lines_document, " is damaged");
    return lines;
}

Result<std::vector<uint64_t>> calibration_lines(const Checkpoint& checkpoint) {
    if (!checkpoint.has_document(calibration_lines_document)) return std::vector<uint64_t>();
    FP4_ASSIGN(const std::string stored, checkpoint.read_document(calibration_lines_document));
    return load_lines(stored, checkpoint.name());
}

} // namespace fp4
