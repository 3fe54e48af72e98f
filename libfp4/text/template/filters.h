// The filters of the `|` operator: one table, its parts in text_filters.cpp, number_filters.cpp,
// sequence_filters.cpp.
#pragma once

#include <span>

#include "libfp4/text/template/heap.h"

namespace fp4::chat {

bool is_filter(std::string_view name);
Result<Value> apply_filter(Heap& heap, std::string_view name, const Value& value, const Arguments& arguments);

struct FilterCall {
    Heap& heap;
    std::string_view name;
    const Value& value;
    const Arguments& arguments;
};

struct FilterEntry {
    std::string_view name;
    Result<Value> (*apply)(const FilterCall& call);
};

std::span<const FilterEntry> text_filters();
std::span<const FilterEntry> number_filters();
std::span<const FilterEntry> sequence_filters();
std::span<const FilterEntry> selection_filters();

} // namespace fp4::chat
