#include "libfp4/io/json_writer.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

namespace fp4 {

void JsonWriter::new_line() {
    if (indent_ == 0) return;
    out_ += '\n';
    out_.append(depth_ * indent_, ' ');
}

void JsonWriter::separate() {
    if (after_key_ || depth_ == 0) {
        after_key_ = false;
        return;
    }
    if (!first_) out_ += ',';
    first_ = false;
    new_line();
}

void JsonWriter::begin(char bracket) {
    separate();
    out_ += bracket;
    ++depth_;
    first_ = true;
}

void JsonWriter::end(char bracket) {
    --depth_;
    if (!first_) new_line();
    first_ = false;
    out_ += bracket;
}

void JsonWriter::key(std::string_view name) {
    value(name);
    out_ += indent_ == 0 ? ":" : ": ";
    after_key_ = true;
}

void JsonWriter::raw(std::string_view json) {
    separate();
    out_ += json;
}

void JsonWriter::value(std::string_view text) {
    using nlohmann::json;
    raw(json(text).dump(-1, ' ', false, json::error_handler_t::replace));
}

void JsonWriter::value(double number) {
    if (!std::isfinite(number)) return null();
    char digits[32];
    std::string_view text(digits, std::to_chars(digits, digits + sizeof digits, number).ptr - digits);
    // Readers with typed numbers tell a fraction by its point.
    bool looks_whole = text.find_first_of(".e") == text.npos;
    raw(looks_whole ? std::string(text) + ".0" : std::string(text));
}

} // namespace fp4
