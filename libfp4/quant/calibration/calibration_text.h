// The text that calibration runs on, cut into sequences of tokens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libfp4/base/result.h"

namespace fp4 {

class Tokenizer;

struct CalibrationText {
    uint32_t length = 0;         // tokens of a sequence
    std::vector<int32_t> tokens; // [sequences * length]
    uint64_t text_hash = 0;      // XXH3-64 of the file's bytes
    std::vector<uint64_t> lines; // hash_lines() of the text

    size_t sequences() const { return length == 0 ? 0 : tokens.size() / length; }
    const int32_t* at(size_t sequence) const { return tokens.data() + sequence * length; }
};

struct CalibrationRequest {
    std::string path; // plain text; *.jsonl: one {"text": ...} a line
    uint32_t sequences = 128;
    uint32_t length = 512;
};

// Sequences are spread evenly over the text and do not overlap; there are fewer of them when the text is
// short. Every sequence begins with BOS where the model's tokenizer adds one.
Result<CalibrationText> read_calibration_text(const CalibrationRequest& request, const Tokenizer& tokenizer,
                                              uint32_t vocabulary);

} // namespace fp4
