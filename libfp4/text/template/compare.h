// Equality, order and membership as Python defines them.
#pragma once

#include "libfp4/text/template/heap.h"

namespace fp4::chat {

// Equality of dict keys; cannot fail because keys are hashable.
bool same_key(const Value& a, const Value& b);

Result<bool> equal(Heap& heap, const Value& a, const Value& b, size_t depth = 0);
// a < b; an error for types that Python does not order.
Result<bool> less(Heap& heap, const Value& a, const Value& b, size_t depth = 0);
Result<bool> contains(Heap& heap, const Value& container, const Value& item);

// Stable, with the keys already extracted: returns the order of the items.
Result<std::vector<size_t>> sorted_order(Heap& heap, const std::vector<Value>& keys, bool reverse);

} // namespace fp4::chat
