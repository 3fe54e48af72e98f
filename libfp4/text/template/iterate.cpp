#include "libfp4/text/template/iterate.h"

#include <algorithm>
#include <charconv>

#include "libfp4/text/template/methods.h"
#include "libfp4/text/template/print.h"
#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

namespace {

Result<std::span<const Value>> characters(Heap& heap, std::string_view text) {
    std::vector<Value> items;
    FP4_TRY(heap.spend(text.size()));
    FP4_TRY(heap.charge(text.size() * sizeof(Value)));
    items.reserve(count_code_points(text));
    for (size_t at = 0; at < text.size();) {
        std::string_view one = code_point_at(text, at);
        items.push_back(Value::string(one));
        at += one.size();
    }
    FP4_ASSIGN(Value list, heap.list(std::move(items)));
    return list.as_sequence().unread();
}

std::string object_name(const Value& value) {
    return value.is(Kind::none) ? "'None'" : concat("'", type_name(value), " object'");
}

Result<Value> loop_attribute(Heap& heap, const LoopObject& loop, std::string_view name) {
    auto number = [](size_t n) { return Value::integer(static_cast<int64_t>(n)); };
    size_t count = loop.items.size();
    if (name == "index") return number(loop.index + 1);
    if (name == "index0") return number(loop.index);
    if (name == "first") return Value::boolean(loop.index == 0);
    if (name == "last") return Value::boolean(loop.index + 1 == count);
    if (name == "length") return number(count);
    if (name == "revindex") return number(count - loop.index);
    if (name == "revindex0") return number(count - loop.index - 1);
    if (name == "depth") return number(1);
    if (name == "depth0") return number(0);
    if (name == "previtem") {
        if (loop.index > 0) return loop.items[loop.index - 1];
        return heap.undefined("there is no previous item");
    }
    if (name == "nextitem") {
        if (loop.index + 1 < count) return loop.items[loop.index + 1];
        return heap.undefined("there is no next item");
    }
    return heap.undefined(concat("'LoopContext object' has no attribute '", name, "'"));
}

// Position in a sequence of `count` items, from the end if negative.
std::optional<size_t> resolve_index(int64_t index, size_t count) {
    auto signed_count = static_cast<int64_t>(count);
    if (index < 0) index += signed_count;
    if (index < 0 || index >= signed_count) return std::nullopt;
    return static_cast<size_t>(index);
}

Result<Value> missing_item(Heap& heap, const Value& value, const Value& key) {
    FP4_ASSIGN(std::string shown, repr(heap, key));
    return heap.undefined(
        concat(object_name(value), key.is_string() ? " has no attribute " : " has no element ", shown));
}

// The code points [begin, begin + count * step) by step, as slice indices of Python's range.
struct SliceRange {
    int64_t begin = 0, end = 0, step = 1;
};

Result<int64_t> slice_bound(Heap& heap, const Value& bound, int64_t omitted, int64_t lowest, int64_t highest,
                            int64_t count) {
    if (bound.is(Kind::none)) return omitted;
    if (!bound.is_integral())
        return heap.fail("slice indices must be integers or none, not ", type_name(bound));
    int64_t index = bound.as_int();
    if (index < 0) index = index < -count ? lowest : std::max(index + count, lowest);
    return std::min(index, highest);
}

Result<SliceRange> resolve_slice(Heap& heap, const Value& start, const Value& stop, const Value& step,
                                 size_t size) {
    SliceRange range;
    auto count = static_cast<int64_t>(size);
    if (!step.is(Kind::none)) {
        if (!step.is_integral())
            return heap.fail("slice indices must be integers or none, not ", type_name(step));
        if (step.as_int() == 0) return heap.fail("slice step cannot be zero");
        range.step = std::clamp<int64_t>(step.as_int(), -count - 1, count + 1);
    }
    bool forward = range.step > 0;
    int64_t lowest = forward ? 0 : -1;
    int64_t highest = forward ? count : count - 1;
    FP4_ASSIGN(range.begin, slice_bound(heap, start, forward ? lowest : highest, lowest, highest, count));
    FP4_ASSIGN(range.end, slice_bound(heap, stop, forward ? highest : lowest, lowest, highest, count));
    return range;
}

template <class Take>
void each_index(const SliceRange& range, Take take) {
    for (int64_t i = range.begin; range.step > 0 ? i < range.end : i > range.end; i += range.step) {
        take(static_cast<size_t>(i));
    }
}

Result<Value> slice_text(Heap& heap, const Value& value, const Value& start, const Value& stop,
                         const Value& step) {
    std::string_view text = value.as_text();
    FP4_TRY(heap.spend(1 + text.size() / 16));
    FP4_ASSIGN(SliceRange range, resolve_slice(heap, start, stop, step, count_code_points(text)));
    if (range.step == 1) {
        if (range.begin >= range.end) return Value::string({}, value.is_markup());
        size_t from = code_point_offset(text, static_cast<size_t>(range.begin));
        size_t size = code_point_offset(text.substr(from), static_cast<size_t>(range.end - range.begin));
        return Value::string(text.substr(from, size), value.is_markup());
    }
    FP4_ASSIGN(auto points, characters(heap, text));
    std::string out;
    each_index(range, [&](size_t i) { out += points[i].as_text(); });
    return heap.text(out, value.is_markup());
}

} // namespace

Result<std::span<const Value>> iterate(Heap& heap, const Value& value) {
    if (value.is_undefined()) return std::span<const Value>();
    if (value.is(Kind::generator)) {
        std::span<const Value> rest = value.as_sequence().unread();
        value.as_sequence().next = value.as_sequence().items.size();
        return rest;
    }
    if (value.is_sequence()) return value.as_sequence().unread();
    if (value.is_string()) return characters(heap, value.as_text());
    if (value.is(Kind::dict)) {
        std::vector<Value> keys;
        for (const auto& entry : value.as_dict().entries) keys.push_back(entry.first);
        FP4_ASSIGN(Value list, heap.list(std::move(keys)));
        return list.as_sequence().unread();
    }
    return heap.fail("'", type_name(value), "' object is not iterable");
}

bool iterable(const Value& value) {
    return value.is_undefined() || value.is_string() || value.is_sequence() || value.is(Kind::dict) ||
           value.is(Kind::loop);
}

Result<size_t> length(Heap& heap, const Value& value) {
    if (value.is_undefined()) return size_t{0};
    if (value.is_string()) {
        FP4_TRY(heap.spend_bytes(value.as_text().size()));
        return count_code_points(value.as_text());
    }
    if (value.is_sequence() && !value.is(Kind::generator)) return value.as_sequence().items.size();
    if (value.is(Kind::dict)) return value.as_dict().entries.size();
    if (value.is(Kind::loop)) return value.as_loop().items.size();
    return heap.fail("object of type '", type_name(value), "' has no len()");
}

Result<Value> attribute(Heap& heap, const Value& value, std::string_view name) {
    if (value.is_undefined()) return heap.undefined_error(value);
    bool internal = name.starts_with("__") && name.ends_with("__");
    if (internal || changes_value(value, name)) {
        return heap.undefined(
            concat("access to attribute '", name, "' of '", type_name(value), "' object is unsafe."));
    }
    if (has_method(value, name)) {
        FP4_ASSIGN(auto* method, heap.make<FunctionObject>());
        method->type = FunctionObject::Type::method;
        method->name = name;
        method->self = value;
        return Value::function(method);
    }
    if (value.is(Kind::loop)) return loop_attribute(heap, value.as_loop(), name);
    if (value.is(Kind::dict) || value.is(Kind::name_space)) {
        if (const Value* entry = value.as_dict().find(name)) return *entry;
    }
    return heap.undefined(concat(object_name(value), " has no attribute '", name, "'"));
}

Result<Value> item(Heap& heap, const Value& value, const Value& key) {
    if (value.is_undefined()) return heap.undefined_error(value);
    if (value.is(Kind::dict)) {
        if (hashable(key)) {
            FP4_TRY(heap.spend(key.is_string() ? 1 : 1 + value.as_dict().entries.size()));
            if (const Value* entry = value.as_dict().find(key)) return *entry;
        }
    } else if (key.is_integral() && value.is_string()) {
        std::string_view text = value.as_text();
        FP4_TRY(heap.spend(1 + text.size() / 16));
        if (auto at = resolve_index(key.as_int(), count_code_points(text))) {
            return Value::string(code_point_at(text, code_point_offset(text, *at)), value.is_markup());
        }
    } else if (key.is_integral() &&
               (value.is(Kind::list) || value.is(Kind::tuple) || value.is(Kind::range))) {
        const auto& items = value.as_sequence().items;
        if (auto at = resolve_index(key.as_int(), items.size())) return items[*at];
    }
    if (!key.is_string()) return missing_item(heap, value, key);
    return attribute(heap, value, key.as_text());
}

Result<Value> slice(Heap& heap, const Value& value, const Value& start, const Value& stop,
                    const Value& step) {
    if (value.is_undefined()) return heap.undefined_error(value);
    if (value.is_string()) return slice_text(heap, value, start, stop, step);
    if (!value.is(Kind::list) && !value.is(Kind::tuple) && !value.is(Kind::range)) {
        return heap.fail("'", type_name(value), "' object cannot be sliced");
    }
    const SequenceObject& source = value.as_sequence();
    FP4_ASSIGN(SliceRange range, resolve_slice(heap, start, stop, step, source.items.size()));
    std::vector<Value> taken;
    FP4_TRY(heap.charge(source.items.size() * sizeof(Value)));
    each_index(range, [&](size_t i) { taken.push_back(source.items[i]); });
    FP4_ASSIGN(Value result, heap.sequence(value.kind(), std::move(taken)));
    if (value.is(Kind::range)) {
        result.as_sequence().start = source.start + range.begin * source.step;
        result.as_sequence().stop = source.start + range.end * source.step;
        result.as_sequence().step = source.step * range.step;
    }
    return result;
}

Result<Value> attribute_path(Heap& heap, const Value& value, const Value& path) {
    if (path.is(Kind::none)) return value;
    if (!path.is_string()) return item(heap, value, path);
    Value current = value;
    std::string_view rest = path.as_text();
    while (true) {
        size_t dot = rest.find('.');
        std::string_view part = rest.substr(0, dot);
        int64_t index = 0;
        auto [end, status] = std::from_chars(part.data(), part.data() + part.size(), index);
        bool number = status == std::errc() && end == part.data() + part.size() && part[0] != '-';
        FP4_ASSIGN(current, item(heap, current, number ? Value::integer(index) : Value::string(part)));
        if (dot == std::string_view::npos) return current;
        rest.remove_prefix(dot + 1);
    }
}

} // namespace fp4::chat
