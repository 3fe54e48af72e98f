#include "libfp4/quant/calibration/calibration_text.h"

#include <algorithm>

#include "libfp4/io/byte_source.h"
#include "libfp4/io/json_document.h"
#include "libfp4/io/xxh3.h"
#include "libfp4/quant/calibration/text_lines.h"
#include "libfp4/text/tokenizer/tokenizer.h"

namespace fp4 {
namespace {

constexpr uint64_t max_text_bytes = 256u << 20;

// The "text" members of JSON lines, joined by empty lines.
Result<std::string> join_json_lines(const std::string& path, std::string_view content) {
    std::string text;
    for (size_t begin = 0, number = 1; begin < content.size(); ++number) {
        size_t end = std::min(content.find('\n', begin), content.size());
        std::string_view line = content.substr(begin, end - begin);
        begin = end + 1;
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        const std::string place = concat(path, ": line ", number);
        FP4_ASSIGN(JsonValue value, parse_json(line, place));
        const JsonValue* member = value.find("text");
        const std::string* piece = member ? member->string() : nullptr;
        if (!piece) return error(Status::format, place, ": there is no string \"text\"");
        text.append(*piece).append("\n\n");
    }
    return text;
}

} // namespace

Result<CalibrationText> read_calibration_text(const CalibrationRequest& request, const Tokenizer& tokenizer,
                                              uint32_t vocabulary) {
    if (request.length < 8 || request.sequences < 1)
        return error(Status::argument, "calibration: ", request.sequences, " sequences of ", request.length,
                     " tokens; at least 1 sequence of 8 tokens is needed");
    FP4_ASSIGN(std::string text, read_text_file(request.path, max_text_bytes));
    CalibrationText result;
    result.length = request.length;
    result.text_hash = xxh3(text);
    if (request.path.ends_with(".jsonl")) {
        FP4_ASSIGN(text, join_json_lines(request.path, text));
    }
    result.lines = hash_lines(text);
    FP4_ASSIGN(std::vector<int32_t> tokens, tokenizer.encode(text, false, SpecialPolicy::none));
    const size_t fit = tokens.size() / request.length;
    if (fit == 0) {
        return error(Status::argument, request.path, ": the text has ", tokens.size(),
                     " tokens, less than one calibration sequence of ", request.length,
                     "; give a longer text or a smaller --calib-length");
    }
    for (int32_t token : tokens) {
        if (token < 0 || static_cast<uint32_t>(token) >= vocabulary)
            return error(Status::format, request.path, ": token ", token,
                         " is outside the model's vocabulary of ", vocabulary);
    }
    FP4_ASSIGN(std::vector<int32_t> prefix, tokenizer.encode("", true, SpecialPolicy::none));
    const bool adds_bos = !prefix.empty() && prefix.front() == tokenizer.bos();
    const size_t count = std::min<size_t>(fit, request.sequences);
    const size_t slack = tokens.size() - count * request.length; // spread between the sequences
    for (size_t i = 0; i < count; ++i) {
        const size_t start = i * request.length + (count > 1 ? slack * i / (count - 1) : 0);
        const auto first = tokens.begin() + static_cast<ptrdiff_t>(start);
        result.tokens.insert(result.tokens.end(), first, first + request.length);
        if (adds_bos) result.tokens[i * request.length] = prefix.front();
    }
    return result;
}

} // namespace fp4
