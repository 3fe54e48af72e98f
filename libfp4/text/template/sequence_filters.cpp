// Filters that reorder, pick from or regroup a sequence.
#include <algorithm>
#include <array>

#include "libfp4/text/template/arguments.h"
#include "libfp4/text/template/compare.h"
#include "libfp4/text/template/filters.h"
#include "libfp4/text/template/iterate.h"
#include "libfp4/text/template/methods.h"
#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

namespace {

// Sorting and comparing ignore case unless asked: jinja's ignore_case
Result<Value> sort_key(Heap& heap, const Value& value, const Value& path, bool case_sensitive) {
    FP4_ASSIGN(Value key, attribute_path(heap, value, path));
    if (case_sensitive || !key.is_string()) return key;
    FP4_TRY(heap.spend(key.as_text().size() / 4));
    return heap.text(change_case(key.as_text(), Case::lower));
}

Result<Value> list_filter(const FilterCall& call) {
    FP4_TRY(BoundArguments::bind(call.heap, call.name, call.arguments, {}));
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    return call.heap.list({items.begin(), items.end()});
}

Result<Value> first_filter(const FilterCall& call) {
    FP4_TRY(BoundArguments::bind(call.heap, call.name, call.arguments, {}));
    if (call.value.is(Kind::generator)) {
        SequenceObject& source = call.value.as_sequence();
        if (source.next < source.items.size()) return source.items[source.next++];
    } else {
        FP4_ASSIGN(auto items, iterate(call.heap, call.value));
        if (!items.empty()) return items.front();
    }
    return call.heap.undefined("No first item, sequence was empty.");
}

Result<Value> last_filter(const FilterCall& call) {
    FP4_TRY(BoundArguments::bind(call.heap, call.name, call.arguments, {}));
    if (call.value.is(Kind::generator)) return call.heap.fail("'generator' object is not reversible");
    if (call.value.is_undefined()) return call.heap.undefined("No last item, sequence was empty.");
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    if (!items.empty()) return items.back();
    return call.heap.undefined("No last item, sequence was empty.");
}

Result<Value> reverse_filter(const FilterCall& call) {
    FP4_TRY(BoundArguments::bind(call.heap, call.name, call.arguments, {}));
    if (call.value.is_string()) {
        return slice(call.heap, call.value, Value::none(), Value::none(), Value::integer(-1));
    }
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    return call.heap.sequence(Kind::generator, {items.rbegin(), items.rend()});
}

Result<Value> items_filter(const FilterCall& call) {
    FP4_TRY(BoundArguments::bind(call.heap, call.name, call.arguments, {}));
    if (call.value.is_undefined()) return call.heap.sequence(Kind::generator, {});
    if (!call.value.is(Kind::dict)) return call.heap.fail("items: can only get item pairs from a mapping");
    FP4_ASSIGN(Value view, call_method(call.heap, call.value, "items", {}));
    return call.heap.sequence(Kind::generator, view.as_sequence().items);
}

Result<Value> take_in_order(const FilterCall& call, std::span<const Value> items,
                            const std::vector<Value>& keys, bool reverse) {
    FP4_ASSIGN(auto order, sorted_order(call.heap, keys, reverse));
    std::vector<Value> sorted;
    for (size_t i : order) sorted.push_back(items[i]);
    return call.heap.list(std::move(sorted));
}

Result<Value> dictsort_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given, BoundArguments::bind(call.heap, call.name, call.arguments,
                                                {"case_sensitive", "by", "reverse"}));
    std::string_view by = "key";
    if (given.has(1)) {
        FP4_ASSIGN(by, given.text(call.heap, 1));
    }
    if (by != "key" && by != "value") return call.heap.fail("dictsort: by must be \"key\" or \"value\"");
    if (call.value.is_undefined()) return call.heap.undefined_error(call.value);
    if (!call.value.is(Kind::dict))
        return call.heap.fail("dictsort needs a mapping, not ", type_name(call.value));
    FP4_ASSIGN(Value view, call_method(call.heap, call.value, "items", {}));
    std::vector<Value> keys;
    for (const Value& pair : view.as_sequence().items) {
        FP4_ASSIGN(Value key, sort_key(call.heap, pair, Value::integer(by == "value"), given.flag(0)));
        keys.push_back(key);
    }
    return take_in_order(call, view.as_sequence().items, keys, given.flag(2));
}

// "a,b" sorts by several attributes
Result<Value> attribute_keys(const FilterCall& call, const Value& item, const Value& paths,
                             bool case_sensitive) {
    if (!paths.is_string()) return sort_key(call.heap, item, paths, case_sensitive);
    std::vector<Value> keys;
    std::string_view rest = paths.as_text();
    while (true) {
        size_t comma = rest.find(',');
        FP4_ASSIGN(Value key,
                   sort_key(call.heap, item, Value::string(rest.substr(0, comma)), case_sensitive));
        keys.push_back(key);
        if (comma == std::string_view::npos) break;
        rest.remove_prefix(comma + 1);
    }
    return keys.size() == 1 ? Result<Value>(keys[0]) : call.heap.list(std::move(keys));
}

Result<Value> sort_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given, BoundArguments::bind(call.heap, call.name, call.arguments,
                                                {"reverse", "case_sensitive", "attribute"}));
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    std::vector<Value> keys;
    for (const Value& item : items) {
        FP4_ASSIGN(Value key, attribute_keys(call, item, given.get_or(2, Value::none()), given.flag(1)));
        keys.push_back(key);
    }
    return take_in_order(call, items, keys, given.flag(0));
}

Result<Value> unique_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given,
               BoundArguments::bind(call.heap, call.name, call.arguments, {"case_sensitive", "attribute"}));
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    FP4_ASSIGN(auto* seen, call.heap.make<DictObject>());
    std::vector<Value> kept;
    for (const Value& item : items) {
        FP4_ASSIGN(Value key, sort_key(call.heap, item, given.get_or(1, Value::none()), given.flag(0)));
        size_t before = seen->entries.size();
        FP4_TRY(call.heap.set(*seen, key, Value::none()));
        if (seen->entries.size() > before) kept.push_back(item);
    }
    return call.heap.sequence(Kind::generator, std::move(kept));
}

Result<Value> extreme_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given,
               BoundArguments::bind(call.heap, call.name, call.arguments, {"case_sensitive", "attribute"}));
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    if (items.empty()) return call.heap.undefined("No aggregated item, sequence was empty.");
    Value best, best_key;
    for (size_t i = 0; i < items.size(); ++i) {
        FP4_ASSIGN(Value key, sort_key(call.heap, items[i], given.get_or(1, Value::none()), given.flag(0)));
        bool better = i == 0;
        if (!better) {
            FP4_ASSIGN(better,
                       call.name == "min" ? less(call.heap, key, best_key) : less(call.heap, best_key, key));
        }
        if (better) {
            best = items[i];
            best_key = key;
        }
    }
    return best;
}

Result<Value> batch_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given,
               BoundArguments::bind(call.heap, call.name, call.arguments, {"linecount", "fill_with"}, 1));
    FP4_ASSIGN(int64_t count, given.integer_or(call.heap, 0, 1));
    if (count < 1 || count > static_cast<int64_t>(call.heap.limits().max_range)) {
        return call.heap.fail("batch: the size ", count, " is out of range");
    }
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    auto size = static_cast<size_t>(count);
    std::vector<Value> batches;
    for (size_t at = 0; at < items.size(); at += size) {
        auto part = items.subspan(at, std::min(size, items.size() - at));
        std::vector<Value> batch(part.begin(), part.end());
        if (given.given_not_none(1)) batch.resize(size, given[1]);
        FP4_ASSIGN(Value list, call.heap.list(std::move(batch)));
        batches.push_back(list);
    }
    return call.heap.sequence(Kind::generator, std::move(batches));
}

Result<Value> slice_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given,
               BoundArguments::bind(call.heap, call.name, call.arguments, {"slices", "fill_with"}, 1));
    FP4_ASSIGN(int64_t count, given.integer_or(call.heap, 0, 1));
    if (count < 1 || count > static_cast<int64_t>(call.heap.limits().max_range)) {
        return call.heap.fail("slice: the count ", count, " is out of range");
    }
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    auto slices = static_cast<size_t>(count);
    size_t longer = items.size() % slices; // the first slices get one more item
    std::vector<Value> columns;
    for (size_t i = 0, at = 0; i < slices; ++i) {
        size_t size = items.size() / slices + (i < longer);
        auto part = items.subspan(at, size);
        std::vector<Value> column(part.begin(), part.end());
        if (given.given_not_none(1) && i >= longer) column.push_back(given[1]);
        FP4_ASSIGN(Value list, call.heap.list(std::move(column)));
        columns.push_back(list);
        at += size;
    }
    return call.heap.sequence(Kind::generator, std::move(columns));
}

Result<Value> attr_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given, BoundArguments::bind(call.heap, call.name, call.arguments, {"name"}, 1));
    FP4_ASSIGN(std::string_view name, given.text(call.heap, 0));
    // Unlike the dot it does not fall back to an entry of a dict.
    bool entry_only =
        call.value.is(Kind::dict) && !has_method(call.value, name) && !changes_value(call.value, name);
    if (entry_only && !name.starts_with("__")) {
        return call.heap.undefined(concat("'dict object' has no attribute '", name, "'"));
    }
    return attribute(call.heap, call.value, name);
}

} // namespace

std::span<const FilterEntry> sequence_filters() {
    static constexpr auto filters = std::to_array<FilterEntry>({
        {"list", list_filter},
        {"first", first_filter},
        {"last", last_filter},
        {"reverse", reverse_filter},
        {"items", items_filter},
        {"sort", sort_filter},
        {"dictsort", dictsort_filter},
        {"unique", unique_filter},
        {"min", extreme_filter},
        {"max", extreme_filter},
        {"batch", batch_filter},
        {"slice", slice_filter},
        {"attr", attr_filter},
    });
    return filters;
}

} // namespace fp4::chat
