// The tests of the `is` operator.
#pragma once

#include "libfp4/text/template/heap.h"

namespace fp4::chat {

bool is_predicate(std::string_view name);
Result<bool> test(Heap& heap, std::string_view name, const Value& value, const Arguments& arguments);

} // namespace fp4::chat
