#pragma once

#include "libfp4/text/template/heap.h"

namespace fp4::chat {

bool is_string_method(std::string_view name);
Result<Value> call_string_method(Heap& heap, const Value& self, std::string_view name,
                                 const Arguments& arguments);

} // namespace fp4::chat
