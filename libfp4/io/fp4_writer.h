// Writes a .fp4 file row by row with little memory. The file is complete under its name or not there at all.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/io/checkpoint.h"

namespace fp4 {

struct Fp4TensorPlan {
    std::string name;
    TensorEncoding encoding; // plain or block
    std::vector<uint64_t> shape;
};

struct Fp4Document {
    std::string name; // "config.json", "tokenizer.json", "metadata.gguf" ...
    std::string content;
};

// One thread at a time. After a failed call only destroying the writer is of use.
class Fp4Writer {
  public:
    // manifest: JSON object text, kept as it is. The same arguments and rows give the same bytes.
    static Result<std::unique_ptr<Fp4Writer>> create(const std::string& path,
                                                     std::vector<Fp4TensorPlan> tensors,
                                                     const std::vector<Fp4Document>& documents,
                                                     std::string_view manifest);
    ~Fp4Writer(); // without finish() nothing is left behind
    Fp4Writer(const Fp4Writer&) = delete;
    Fp4Writer& operator=(const Fp4Writer&) = delete;

    // The rows of a tensor come in order, in pieces of whole rows, and a tensor is complete before the next
    // one begins. `tensor` is its index in the plan; the tensors themselves may come in any order.
    Result<void> write_rows(size_t tensor, uint64_t first_row, std::span<const uint8_t> codes,
                            std::span<const uint8_t> scales);
    Result<void> write_plain_rows(size_t tensor, uint64_t first_row, std::span<const uint8_t> data);

    // Of a block tensor, at any time; 1 if never called.
    Result<void> set_tensor_scale(size_t tensor, float scale);

    uint64_t file_bytes() const;

    // Writes hashes and header, syncs, and gives the file its name.
    Result<void> finish();

  private:
    struct Impl;
    explicit Fp4Writer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

} // namespace fp4
