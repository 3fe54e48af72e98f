// map, select, reject, selectattr, rejectattr: filters that run another filter or a test on every item.
#include <array>

#include "libfp4/text/template/arguments.h"
#include "libfp4/text/template/filters.h"
#include "libfp4/text/template/iterate.h"
#include "libfp4/text/template/predicates.h"

namespace fp4::chat {

namespace {

// Takes the next positional argument, which must be a name.
Result<std::string_view> take_name(const FilterCall& call, Arguments& rest, std::string_view what) {
    if (rest.positional.empty()) return call.heap.fail(call.name, " needs ", what);
    Value name = rest.positional.front();
    if (name.is_undefined()) return call.heap.undefined_error(name);
    if (!name.is_string()) return call.heap.fail(call.name, ": ", what, " must be a string");
    rest.positional.erase(rest.positional.begin());
    return name.as_text();
}

Result<Value> map_attribute(const FilterCall& call) {
    FP4_ASSIGN(auto given,
               BoundArguments::bind(call.heap, call.name, call.arguments, {"attribute", "default"}, 1));
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    std::vector<Value> mapped;
    for (const Value& item : items) {
        FP4_ASSIGN(Value value, attribute_path(call.heap, item, given[0]));
        if (value.is_undefined() && given.given_not_none(1)) value = given[1];
        mapped.push_back(value);
    }
    return call.heap.sequence(Kind::generator, std::move(mapped));
}

Result<Value> map_filter(const FilterCall& call) {
    if (!truthy(call.value)) return call.heap.sequence(Kind::generator, {});
    if (call.arguments.positional.empty()) return map_attribute(call);
    Arguments rest = call.arguments;
    FP4_ASSIGN(std::string_view filter, take_name(call, rest, "a filter name"));
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    std::vector<Value> mapped;
    for (const Value& item : items) {
        FP4_ASSIGN(Value value, apply_filter(call.heap, filter, item, rest));
        mapped.push_back(value);
    }
    return call.heap.sequence(Kind::generator, std::move(mapped));
}

Result<Value> select_filter(const FilterCall& call) {
    if (!truthy(call.value)) return call.heap.sequence(Kind::generator, {});
    Arguments rest = call.arguments;
    Value path = Value::none();
    if (call.name.ends_with("attr")) {
        if (rest.positional.empty()) return call.heap.fail(call.name, " needs an attribute name");
        path = rest.positional.front();
        rest.positional.erase(rest.positional.begin());
    }
    std::string_view predicate; // none: the truth of the item itself
    if (!rest.positional.empty()) {
        FP4_ASSIGN(predicate, take_name(call, rest, "a test name"));
    }
    bool wanted = call.name.starts_with("select");
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    std::vector<Value> kept;
    for (const Value& item : items) {
        FP4_ASSIGN(Value value, attribute_path(call.heap, item, path));
        bool passes = truthy(value);
        if (!predicate.empty()) {
            FP4_ASSIGN(passes, test(call.heap, predicate, value, rest));
        }
        if (passes == wanted) kept.push_back(item);
    }
    return call.heap.sequence(Kind::generator, std::move(kept));
}

} // namespace

std::span<const FilterEntry> selection_filters() {
    static constexpr auto filters = std::to_array<FilterEntry>({
        {"map", map_filter},
        {"select", select_filter},
        {"reject", select_filter},
        {"selectattr", select_filter},
        {"rejectattr", select_filter},
    });
    return filters;
}

} // namespace fp4::chat
