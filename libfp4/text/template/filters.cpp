#include "libfp4/text/template/filters.h"

namespace fp4::chat {

namespace {

const FilterEntry* filter_named(std::string_view name) {
    for (auto part : {text_filters(), number_filters(), sequence_filters(), selection_filters()}) {
        for (const FilterEntry& entry : part) {
            if (entry.name == name) return &entry;
        }
    }
    return nullptr;
}

} // namespace

bool is_filter(std::string_view name) {
    return filter_named(name) != nullptr;
}

Result<Value> apply_filter(Heap& heap, std::string_view name, const Value& value,
                           const Arguments& arguments) {
    Nesting nesting(heap); // map('map', ...) recurses
    FP4_TRY(nesting.enter());
    FP4_TRY(heap.spend(1));
    const FilterEntry* filter = filter_named(name);
    if (!filter) return heap.fail("No filter named '", name, "'.");
    return filter->apply(FilterCall{heap, name, value, arguments});
}

} // namespace fp4::chat
