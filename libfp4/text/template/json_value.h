// JSON text -> template values: tools, documents and other variables of a chat.
#pragma once

#include "libfp4/text/template/heap.h"

namespace fp4::chat {

// `what` names the input in messages.
Result<Value> parse_json(Heap& heap, std::string_view json, std::string_view what);

} // namespace fp4::chat
