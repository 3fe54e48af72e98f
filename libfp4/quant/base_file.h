// The file in which llama.cpp's perplexity tool keeps a base model's distributions (--kl-divergence-base):
// "_logits_", i32 window, vocabulary, windows, i32 tokens[windows * window], then for every scored token
// f32 scale, f32 smallest log-probability, u16 codes[vocabulary rounded up to even]; log p = scale * code +
// smallest.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libfp4/io/byte_source.h"
#include "libfp4/io/partial_file.h"
#include "libfp4/quant/evaluation_windows.h"

namespace fp4 {

class BaseFileReader {
  public:
    static Result<std::unique_ptr<BaseFileReader>> open(const std::string& path);
    const EvaluationWindows& windows() const { return windows_; }
    uint32_t vocabulary() const { return vocabulary_; }
    // Log-probabilities of scored row `row` of a window: vocabulary floats.
    Result<void> read_row(size_t window, size_t row, float* log_probabilities);

  private:
    std::shared_ptr<ByteSource> source_;
    EvaluationWindows windows_;
    uint32_t vocabulary_ = 0;
    uint64_t data_offset_ = 0;
    std::vector<uint16_t> record_;
};

class BaseFileWriter {
  public:
    static Result<std::unique_ptr<BaseFileWriter>> create(const std::string& path,
                                                          const EvaluationWindows& windows,
                                                          uint32_t vocabulary);
    Result<void> write_row(std::span<const float> logits);
    Result<void> finish(); // before it the file is not there under its name

  private:
    Result<void> append(const void* data, size_t bytes);
    std::unique_ptr<PartialFile> file_;
    uint64_t offset_ = 0;
    std::vector<uint16_t> record_;
};

} // namespace fp4
