// The methods of Python's str, dict, list and tuple that templates call.
#pragma once

#include "libfp4/text/template/heap.h"

namespace fp4::chat {

bool has_method(const Value& value, std::string_view name);
// Methods that would change a value; the sandbox hides them (list.append, dict.update ...).
bool changes_value(const Value& value, std::string_view name);

Result<Value> call_method(Heap& heap, const Value& self, std::string_view name, const Arguments& arguments);

// str.format: "{} {0} {name}", without format specifications.
Result<Value> format_braces(Heap& heap, std::string_view pattern, const Arguments& arguments);
// The % operator on text: %s %r %d %i %f %x with flags, width and precision.
Result<Value> format_percent(Heap& heap, std::string_view pattern, const Value& arguments);

// str.replace; a negative count replaces all.
Result<Value> replace(Heap& heap, std::string_view text, std::string_view old, std::string_view with,
                      int64_t count, bool markup);

} // namespace fp4::chat
