// Values as text: Python's str() and repr(), and json.dumps as the filter tojson calls it.
#pragma once

#include "libfp4/text/template/heap.h"

namespace fp4::chat {

// str(value); a string is returned as it is.
Result<Value> to_text(Heap& heap, const Value& value);
Result<std::string> repr(Heap& heap, const Value& value);
// Shortest digits that read back the same, in Python's layout: 1.0, 1e+16, 1e-05, nan.
std::string format_real(double value);

struct JsonStyle {
    bool ensure_ascii = false;
    bool sort_keys = false;
    bool pretty = false; // an indent was given
    std::string indent;  // of one level
    std::string item_separator = ", ";
    std::string key_separator = ": ";
};
Result<std::string> to_json(Heap& heap, const Value& value, const JsonStyle& style);

} // namespace fp4::chat
