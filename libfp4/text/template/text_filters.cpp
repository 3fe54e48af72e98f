// Filters whose result is text.
#include <algorithm>
#include <array>

#include "libfp4/text/template/arguments.h"
#include "libfp4/text/template/filters.h"
#include "libfp4/text/template/iterate.h"
#include "libfp4/text/template/methods.h"
#include "libfp4/text/template/print.h"
#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

namespace {

// markupsafe.soft_str: text stays as it is, markup included; anything else is printed.
Result<Value> soft_text(Heap& heap, const Value& value) {
    return value.is_string() ? Result<Value>(value) : to_text(heap, value);
}

Result<Value> string_filter(const FilterCall& call) {
    FP4_TRY(BoundArguments::bind(call.heap, call.name, call.arguments, {}));
    return soft_text(call.heap, call.value);
}

Result<Value> safe_filter(const FilterCall& call) {
    FP4_TRY(BoundArguments::bind(call.heap, call.name, call.arguments, {}));
    FP4_ASSIGN(Value text, to_text(call.heap, call.value));
    return Value::string(text.as_text(), true);
}

Result<Value> escape_filter(const FilterCall& call) {
    FP4_TRY(BoundArguments::bind(call.heap, call.name, call.arguments, {}));
    if (call.value.is_markup()) return call.value;
    FP4_ASSIGN(Value text, to_text(call.heap, call.value));
    FP4_TRY(call.heap.charge(text.as_text().size() * 5));
    return call.heap.text(escape_html(text.as_text()), true);
}

// upper, lower, capitalize and trim are the methods of the same meaning, on anything printed
Result<Value> method_filter(const FilterCall& call) {
    FP4_ASSIGN(Value text, soft_text(call.heap, call.value));
    return call_method(call.heap, text, call.name == "trim" ? "strip" : call.name, call.arguments);
}

Result<Value> title_filter(const FilterCall& call) {
    FP4_TRY(BoundArguments::bind(call.heap, call.name, call.arguments, {}));
    FP4_ASSIGN(Value text, to_text(call.heap, call.value));
    FP4_TRY(call.heap.spend(text.as_text().size() / 4));
    return call.heap.text(title_words(text.as_text()));
}

Result<Value> replace_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given,
               BoundArguments::bind(call.heap, call.name, call.arguments, {"old", "new", "count"}, 2));
    FP4_ASSIGN(Value text, to_text(call.heap, call.value));
    FP4_ASSIGN(Value old, to_text(call.heap, given[0]));
    FP4_ASSIGN(Value with, to_text(call.heap, given[1]));
    int64_t count = -1;
    if (given.given_not_none(2)) {
        FP4_ASSIGN(count, given.integer_or(call.heap, 2, -1));
    }
    return replace(call.heap, text.as_text(), old.as_text(), with.as_text(), count, false);
}

Result<Value> join_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given, BoundArguments::bind(call.heap, call.name, call.arguments, {"d", "attribute"}));
    FP4_ASSIGN(Value separator, to_text(call.heap, given.get_or(0, Value::string({}))));
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    Value out = Value::string({});
    bool first = true;
    for (const Value& candidate : items) {
        Value item = candidate;
        if (given.given_not_none(1)) {
            FP4_ASSIGN(item, attribute_path(call.heap, candidate, given[1]));
        }
        if (!first) {
            FP4_ASSIGN(out, call.heap.joined(out.as_text(), separator.as_text()));
        }
        first = false;
        FP4_ASSIGN(Value text, to_text(call.heap, item));
        FP4_ASSIGN(out, call.heap.joined(out.as_text(), text.as_text()));
    }
    return out;
}

Result<Value> indent_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given,
               BoundArguments::bind(call.heap, call.name, call.arguments, {"width", "first", "blank"}));
    if (call.value.is_undefined()) return call.heap.undefined_error(call.value);
    if (!call.value.is_string()) return call.heap.fail("indent needs a string, not ", type_name(call.value));
    std::string indention(4, ' ');
    if (given.has(0) && given[0].is_string()) {
        indention = given[0].as_text();
    } else {
        FP4_ASSIGN(int64_t width, given.integer_or(call.heap, 0, 4));
        if (width > 1024) return call.heap.fail("indent is wider than 1024");
        indention.assign(static_cast<size_t>(std::max<int64_t>(width, 0)), ' ');
    }
    // Jinja ends the text with a newline before it is split, so that a trailing newline keeps its empty line.
    std::string text = concat(call.value.as_text(), "\n");
    auto lines = split_lines(text);
    FP4_TRY(call.heap.charge(text.size() + lines.size() * (indention.size() + sizeof(std::string_view))));
    std::string out = given.flag(1) ? indention : "";
    for (size_t i = 0; i < lines.size(); ++i) {
        if (i > 0) {
            out += '\n';
            if (given.flag(2) || !lines[i].empty()) out += indention;
        }
        out += lines[i];
    }
    return call.heap.text(out, call.value.is_markup());
}

Result<Value> tojson_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given, BoundArguments::bind(call.heap, call.name, call.arguments,
                                                {"ensure_ascii", "indent", "separators", "sort_keys"}));
    JsonStyle style;
    style.ensure_ascii = given.flag(0);
    style.sort_keys = given.flag(3);
    if (given.given_not_none(1)) {
        style.pretty = true;
        style.item_separator = ",";
        if (given[1].is_string()) {
            style.indent = given[1].as_text();
        } else {
            FP4_ASSIGN(int64_t width, given.integer_or(call.heap, 1, 0));
            style.indent.assign(static_cast<size_t>(std::clamp<int64_t>(width, 0, 1024)), ' ');
        }
    }
    if (given.given_not_none(2)) {
        FP4_ASSIGN(auto separators, iterate(call.heap, given[2]));
        if (separators.size() != 2 || !separators[0].is_string() || !separators[1].is_string()) {
            return call.heap.fail("tojson: separators must be two strings");
        }
        style.item_separator = separators[0].as_text();
        style.key_separator = separators[1].as_text();
    }
    FP4_ASSIGN(std::string json, to_json(call.heap, call.value, style));
    return call.heap.text(json);
}

Result<Value> format_filter(const FilterCall& call) {
    FP4_ASSIGN(Value text, to_text(call.heap, call.value));
    if (call.arguments.named.empty()) {
        FP4_ASSIGN(Value values, call.heap.sequence(Kind::tuple, call.arguments.positional));
        return format_percent(call.heap, text.as_text(), values);
    }
    if (!call.arguments.positional.empty()) {
        return call.heap.fail("format: positional and keyword arguments cannot be mixed");
    }
    FP4_ASSIGN(auto* named, call.heap.make<DictObject>());
    for (const auto& [name, value] : call.arguments.named) {
        FP4_TRY(call.heap.set(*named, Value::string(name), value));
    }
    return format_percent(call.heap, text.as_text(), Value::dict(named));
}

Result<Value> center_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given, BoundArguments::bind(call.heap, call.name, call.arguments, {"width"}));
    FP4_ASSIGN(Value text, soft_text(call.heap, call.value));
    return call_method(call.heap, text, "center", {{given.get_or(0, Value::integer(80))}, {}});
}

Result<Value> truncate_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given, BoundArguments::bind(call.heap, call.name, call.arguments,
                                                {"length", "killwords", "end", "leeway"}));
    FP4_ASSIGN(int64_t wanted, given.integer_or(call.heap, 0, 255));
    FP4_ASSIGN(int64_t leeway,
               given.given_not_none(3) ? given.integer_or(call.heap, 3, 5) : Result<int64_t>(5));
    std::string_view end = "...";
    if (given.has(2)) {
        FP4_ASSIGN(end, given.text(call.heap, 2));
    }
    auto end_size = static_cast<int64_t>(count_code_points(end));
    if (wanted < end_size || leeway < 0) return call.heap.fail("truncate: length or leeway is too small");
    FP4_ASSIGN(size_t size, length(call.heap, call.value));
    if (static_cast<int64_t>(size) <= wanted || static_cast<int64_t>(size) - wanted <= leeway)
        return call.value;
    if (!call.value.is_string())
        return call.heap.fail("truncate needs a string, not ", type_name(call.value));
    std::string_view text = call.value.as_text();
    std::string_view kept = text.substr(0, code_point_offset(text, static_cast<size_t>(wanted - end_size)));
    if (!given.flag(1)) kept = kept.substr(0, kept.rfind(' '));
    return call.heap.text(concat(kept, end));
}

} // namespace

std::span<const FilterEntry> text_filters() {
    static constexpr auto filters = std::to_array<FilterEntry>({
        {"tojson", tojson_filter},
        {"trim", method_filter},
        {"string", string_filter},
        {"join", join_filter},
        {"upper", method_filter},
        {"lower", method_filter},
        {"replace", replace_filter},
        {"capitalize", method_filter},
        {"title", title_filter},
        {"safe", safe_filter},
        {"escape", escape_filter},
        {"e", escape_filter},
        {"indent", indent_filter},
        {"format", format_filter},
        {"center", center_filter},
        {"truncate", truncate_filter},
    });
    return filters;
}

} // namespace fp4::chat
