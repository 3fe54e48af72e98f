// Going over the items of a value, and looking things up in it.
#pragma once

#include "libfp4/text/template/heap.h"

namespace fp4::chat {

// The items in order: of a sequence, the keys of a dict, the characters of a text, nothing for undefined.
// A generator is used up by it. Anything else is an error.
Result<std::span<const Value>> iterate(Heap& heap, const Value& value);
bool iterable(const Value& value);
// len() of Python; an error where it has none.
Result<size_t> length(Heap& heap, const Value& value);

// value.name: a method first, then an entry. Never fails for a defined value: what is missing is undefined.
Result<Value> attribute(Heap& heap, const Value& value, std::string_view name);
// value[key]: an entry first, then a method.
Result<Value> item(Heap& heap, const Value& value, const Value& key);
// value[start:stop:step]; none stands for an omitted bound.
Result<Value> slice(Heap& heap, const Value& value, const Value& start, const Value& stop, const Value& step);
// "a.b.0" as the filters map, selectattr, sort ... write it
Result<Value> attribute_path(Heap& heap, const Value& value, const Value& path);

} // namespace fp4::chat
