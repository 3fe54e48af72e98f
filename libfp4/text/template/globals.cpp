#include "libfp4/text/template/globals.h"

#include "libfp4/text/template/arguments.h"
#include "libfp4/text/template/iterate.h"
#include "libfp4/text/template/print.h"

namespace fp4::chat {

namespace {

Result<Value> make_range(Heap& heap, const Arguments& arguments) {
    FP4_ASSIGN(auto given, BoundArguments::bind(heap, "range", arguments, {"start", "stop", "step"}, 1));
    FP4_ASSIGN(int64_t first, given.integer_or(heap, 0, 0));
    FP4_ASSIGN(int64_t second, given.integer_or(heap, 1, 0));
    FP4_ASSIGN(int64_t step, given.integer_or(heap, 2, 1));
    if (step == 0) return heap.fail("range() step must not be zero");
    int64_t start = given.has(1) ? first : 0;
    int64_t stop = given.has(1) ? second : first;
    std::vector<Value> items;
    int64_t at = start;
    while (step > 0 ? at < stop : at > stop) {
        if (items.size() >= heap.limits().max_range) {
            return heap.fail_as(Status::limit, "range() is longer than ", heap.limits().max_range, " items");
        }
        items.push_back(Value::integer(at));
        if (__builtin_add_overflow(at, step, &at)) break;
    }
    FP4_ASSIGN(Value range, heap.sequence(Kind::range, std::move(items)));
    range.as_sequence().start = start;
    range.as_sequence().stop = stop;
    range.as_sequence().step = step;
    return range;
}

// dict(mapping or pairs, name=value ...), for namespace() too
Result<DictObject*> make_dict(Heap& heap, std::string_view callee, const Arguments& arguments) {
    FP4_ASSIGN(auto* dict, heap.make<DictObject>());
    if (arguments.positional.size() > 1) return heap.fail(callee, "() takes at most one positional argument");
    for (const Value& source : arguments.positional) {
        if (source.is(Kind::dict)) {
            for (const auto& [key, value] : source.as_dict().entries) FP4_TRY(heap.set(*dict, key, value));
            continue;
        }
        FP4_ASSIGN(auto pairs, iterate(heap, source));
        for (const Value& pair : pairs) {
            FP4_ASSIGN(auto parts, iterate(heap, pair));
            if (parts.size() != 2) return heap.fail(callee, "() needs a mapping or pairs");
            FP4_TRY(heap.set(*dict, parts[0], parts[1]));
        }
    }
    for (const auto& [name, value] : arguments.named) FP4_TRY(heap.set(*dict, Value::string(name), value));
    return dict;
}

} // namespace

Result<Value> call_builtin(Heap& heap, std::string_view name, const Arguments& arguments,
                           const std::tm& now) {
    if (name == "range") return make_range(heap, arguments);
    if (name == "dict") {
        FP4_ASSIGN(DictObject * dict, make_dict(heap, name, arguments));
        return Value::dict(dict);
    }
    if (name == "namespace") {
        FP4_ASSIGN(DictObject * dict, make_dict(heap, name, arguments));
        for (const auto& entry : dict->entries) {
            if (entry.first.is_string() && entry.first.as_text().starts_with('_')) {
                return heap.fail("a namespace cannot hold '", entry.first.as_text(),
                                 "': names with a leading _ are reserved");
            }
        }
        return Value::dict(dict, Kind::name_space);
    }
    if (name == "raise_exception") {
        FP4_ASSIGN(auto given, BoundArguments::bind(heap, name, arguments, {"message"}, 1));
        FP4_ASSIGN(Value message, to_text(heap, given[0]));
        return heap.fail_as(Status::argument, message.as_text());
    }
    FP4_ASSIGN(auto given, BoundArguments::bind(heap, name, arguments, {"format"}, 1));
    FP4_ASSIGN(std::string_view format, given.text(heap, 0));
    FP4_ASSIGN(std::string text, format_time(heap, format, now));
    return heap.text(text);
}

} // namespace fp4::chat
