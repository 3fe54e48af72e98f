#include "libfp4/text/template/methods.h"

#include <algorithm>

#include "libfp4/text/template/arguments.h"
#include "libfp4/text/template/compare.h"
#include "libfp4/text/template/string_methods.h"

namespace fp4::chat {

namespace {

bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::ranges::find(names, name) != names.end();
}

Result<Value> view(Heap& heap, std::string_view name, std::vector<Value> items) {
    FP4_ASSIGN(Value value, heap.sequence(Kind::view, std::move(items)));
    value.as_sequence().view_name = name;
    return value;
}

Result<Value> dict_items(Heap& heap, const DictObject& dict) {
    std::vector<Value> items;
    for (const auto& [key, value] : dict.entries) {
        FP4_ASSIGN(Value pair, heap.pair(key, value));
        items.push_back(pair);
    }
    return view(heap, "dict_items", std::move(items));
}

Result<Value> call_dict_method(Heap& heap, const Value& self, std::string_view name,
                               const Arguments& arguments) {
    const DictObject& dict = self.as_dict();
    if (name == "get") {
        FP4_ASSIGN(auto given, BoundArguments::bind(heap, "get", arguments, {"key", "default"}, 1));
        if (!hashable(given[0])) return heap.fail("unhashable type: '", type_name(given[0]), "'");
        FP4_TRY(heap.spend(given[0].is_string() ? 1 : 1 + dict.entries.size()));
        const Value* found = dict.find(given[0]);
        return found ? *found : given.get_or(1, Value::none());
    }
    FP4_TRY(BoundArguments::bind(heap, name, arguments, {}));
    if (name == "items") return dict_items(heap, dict);
    if (name == "copy") {
        FP4_ASSIGN(auto* copy, heap.make<DictObject>());
        for (const auto& [key, value] : dict.entries) FP4_TRY(heap.set(*copy, key, value));
        return Value::dict(copy);
    }
    std::vector<Value> items;
    for (const auto& [key, value] : dict.entries) items.push_back(name == "keys" ? key : value);
    return view(heap, name == "keys" ? "dict_keys" : "dict_values", std::move(items));
}

Result<Value> call_sequence_method(Heap& heap, const Value& self, std::string_view name,
                                   const Arguments& arguments) {
    const auto& items = self.as_sequence().items;
    if (name == "copy") {
        FP4_TRY(BoundArguments::bind(heap, name, arguments, {}));
        return heap.list(items);
    }
    FP4_ASSIGN(auto given, BoundArguments::bind(heap, name, arguments, {"value"}, 1));
    int64_t count = 0;
    for (size_t i = 0; i < items.size(); ++i) {
        FP4_ASSIGN(bool same, equal(heap, items[i], given[0]));
        if (same && name == "index") return Value::integer(static_cast<int64_t>(i));
        count += same;
    }
    if (name == "index") return heap.fail("index(): the value is not in the ", type_name(self));
    return Value::integer(count);
}

Result<Value> call_loop_method(Heap& heap, LoopObject& loop, std::string_view name,
                               const Arguments& arguments) {
    const auto& values = arguments.positional;
    if (name == "cycle") {
        if (values.empty()) return heap.fail("loop.cycle() needs at least one value");
        return values[loop.index % values.size()];
    }
    bool changed = !loop.changed_called || values.size() != loop.last_changed.size();
    for (size_t i = 0; !changed && i < values.size(); ++i) {
        FP4_ASSIGN(bool same, equal(heap, values[i], loop.last_changed[i]));
        changed = !same;
    }
    loop.changed_called = true;
    loop.last_changed = values;
    return Value::boolean(changed);
}

} // namespace

bool has_method(const Value& value, std::string_view name) {
    switch (value.kind()) {
        case Kind::string:
            return is_string_method(name);
        case Kind::dict:
            return one_of(name, {"get", "items", "keys", "values", "copy"});
        case Kind::list:
            return one_of(name, {"index", "count", "copy"});
        case Kind::tuple:
        case Kind::range:
            return one_of(name, {"index", "count"});
        case Kind::loop:
            return one_of(name, {"cycle", "changed"});
        default:
            return false;
    }
}

bool changes_value(const Value& value, std::string_view name) {
    if (value.is(Kind::dict)) return one_of(name, {"clear", "pop", "popitem", "setdefault", "update"});
    if (!value.is(Kind::list)) return false;
    return one_of(name, {"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"});
}

Result<Value> call_method(Heap& heap, const Value& self, std::string_view name, const Arguments& arguments) {
    FP4_TRY(heap.spend(1));
    if (self.is_string()) return call_string_method(heap, self, name, arguments);
    if (self.is(Kind::dict)) return call_dict_method(heap, self, name, arguments);
    if (self.is(Kind::loop)) return call_loop_method(heap, self.as_loop(), name, arguments);
    return call_sequence_method(heap, self, name, arguments);
}

} // namespace fp4::chat
