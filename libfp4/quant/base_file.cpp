#include "libfp4/quant/base_file.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "libfp4/base/checked.h"
#include "libfp4/quant/distribution.h"

namespace fp4 {
namespace {

constexpr char magic[8] = {'_', 'l', 'o', 'g', 'i', 't', 's', '_'};
// Logits further than this below the largest are stored as if they were there.
constexpr float stored_range = 24.0f;
constexpr size_t header_words = 4; // scale and smallest value, two u16 each

size_t record_words(uint32_t vocabulary) {
    return 2 * ((size_t(vocabulary) + 1) / 2) + header_words;
}

struct Header {
    char magic[8];
    int32_t window, vocabulary, windows;
};
static_assert(sizeof(Header) == 20);

} // namespace

Result<std::unique_ptr<BaseFileReader>> BaseFileReader::open(const std::string& path) {
    auto reader = std::make_unique<BaseFileReader>();
    FP4_ASSIGN(reader->source_, open_file(path, false));
    const ByteSource& source = *reader->source_;
    Header header;
    if (source.size() < sizeof header) return error(Status::format, path, ": too short for a base file");
    FP4_TRY(source.read_at(0, {reinterpret_cast<uint8_t*>(&header), sizeof header}));
    if (std::memcmp(header.magic, magic, sizeof magic) != 0) return error(Status::format, path, ": not a base file (wrong magic)");
    if (header.window < 4 || header.vocabulary < 1 || header.windows < 1) {
        return error(Status::format, path, ": window ", header.window, ", vocabulary ", header.vocabulary, " or windows ",
                     header.windows, " is not a positive size");
    }
    EvaluationWindows& windows = reader->windows_;
    windows.window = static_cast<uint32_t>(header.window);
    reader->vocabulary_ = static_cast<uint32_t>(header.vocabulary);
    const size_t row_words = record_words(reader->vocabulary_);
    auto token_count = checked_mul(windows.window, static_cast<uint64_t>(header.windows));
    auto rows = checked_mul(static_cast<uint64_t>(header.windows), windows.scored());
    auto row_bytes = rows ? checked_mul(*rows, 2 * row_words) : std::nullopt;
    auto total = token_count && row_bytes ? checked_add(*row_bytes, sizeof header + 4 * *token_count) : std::nullopt;
    if (!total || *total > source.size()) return error(Status::format, path, ": the file is shorter than its header says");
    reader->data_offset_ = sizeof header + 4 * *token_count;
    reader->record_.resize(row_words);
    windows.tokens.resize(*token_count);
    FP4_TRY(source.read_at(sizeof header, {reinterpret_cast<uint8_t*>(windows.tokens.data()), 4 * *token_count}));
    return reader;
}

Result<void> BaseFileReader::read_row(size_t window, size_t row, float* log_probabilities) {
    uint64_t index = window * windows_.scored() + row;
    std::span<uint8_t> bytes(reinterpret_cast<uint8_t*>(record_.data()), 2 * record_.size());
    FP4_TRY(source_->read_at(data_offset_ + index * bytes.size(), bytes));
    float scale, smallest;
    std::memcpy(&scale, record_.data(), 4);
    std::memcpy(&smallest, record_.data() + 2, 4);
    for (size_t i = 0; i < vocabulary_; ++i) log_probabilities[i] = scale * record_[header_words + i] + smallest;
    return {};
}

Result<std::unique_ptr<BaseFileWriter>> BaseFileWriter::create(const std::string& path, const EvaluationWindows& windows,
                                                               uint32_t vocabulary) {
    auto writer = std::make_unique<BaseFileWriter>();
    writer->record_.resize(record_words(vocabulary));
    const uint64_t rows = windows.count() * windows.scored();
    const uint64_t bytes = sizeof(Header) + 4 * windows.tokens.size() + 2 * rows * writer->record_.size();
    FP4_ASSIGN(writer->file_, PartialFile::create(path, bytes));
    Header header{};
    std::memcpy(header.magic, magic, sizeof magic);
    header.window = static_cast<int32_t>(windows.window);
    header.vocabulary = static_cast<int32_t>(vocabulary);
    header.windows = static_cast<int32_t>(windows.count());
    FP4_TRY(writer->append(&header, sizeof header));
    FP4_TRY(writer->append(windows.tokens.data(), 4 * windows.tokens.size()));
    return writer;
}

Result<void> BaseFileWriter::append(const void* data, size_t bytes) {
    FP4_TRY(file_->write_at(offset_, {static_cast<const uint8_t*>(data), bytes}));
    offset_ += bytes;
    return {};
}

Result<void> BaseFileWriter::write_row(std::span<const float> logits) {
    const float top = *std::ranges::max_element(logits);
    const float bottom = std::max(*std::ranges::min_element(logits), top - stored_range);
    const float scale = (top - bottom) / 65535.0f;
    const float smallest = static_cast<float>(bottom - log_sum_exp(logits));
    std::memcpy(record_.data(), &scale, 4);
    std::memcpy(record_.data() + 2, &smallest, 4);
    for (size_t i = 0; i < logits.size(); ++i) {
        float code = scale > 0 && logits[i] > bottom ? (logits[i] - bottom) / scale : 0.0f;
        record_[header_words + i] = static_cast<uint16_t>(std::lround(code));
    }
    return append(record_.data(), 2 * record_.size());
}

Result<void> BaseFileWriter::finish() {
    return file_->commit();
}

} // namespace fp4
