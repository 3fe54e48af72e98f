// Python's arithmetic operators on template values.
#pragma once

#include "libfp4/text/template/heap.h"

namespace fp4::chat {

enum class Op { add, subtract, multiply, divide, floor_divide, modulo, power };
std::string_view op_symbol(Op op);

Result<Value> arithmetic(Heap& heap, Op op, const Value& left, const Value& right);
Result<Value> negate(Heap& heap, const Value& value);
Result<Value> plus(Heap& heap, const Value& value);

} // namespace fp4::chat
