// Filters whose result is a number, and default.
#include <array>
#include <charconv>
#include <cmath>

#include "libfp4/text/template/arguments.h"
#include "libfp4/text/template/filters.h"
#include "libfp4/text/template/iterate.h"
#include "libfp4/text/template/operators.h"
#include "libfp4/text/template/print.h"
#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

namespace {

// Python lets single underscores group digits: "1_000". Empty if they are misplaced.
std::string without_underscores(std::string_view text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '_') {
            out += text[i];
            continue;
        }
        auto alphanumeric = [&](size_t at) {
            return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at]));
        };
        if (i == 0 || !alphanumeric(i - 1) || !alphanumeric(i + 1)) return {};
    }
    return out;
}

std::optional<double> parse_real(std::string_view text) {
    std::string digits = without_underscores(strip(text, Side::both));
    std::string_view rest = digits;
    if (rest.starts_with('+')) rest.remove_prefix(1);
    if (rest.starts_with('+') || (digits.starts_with('+') && rest.starts_with('-'))) return std::nullopt;
    double value = 0;
    auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    if (rest.empty() || end != rest.data() + rest.size()) return std::nullopt;
    if (status == std::errc::result_out_of_range) {
        // from_chars does not say whether it is too large or too small.
        bool tiny = rest.find("e-") != rest.npos || rest.find("E-") != rest.npos;
        return std::copysign(tiny ? 0.0 : HUGE_VAL, rest.starts_with('-') ? -1.0 : 1.0);
    }
    if (status != std::errc()) return std::nullopt;
    return value;
}

std::optional<int64_t> parse_integer(std::string_view text, int64_t base) {
    if (base != 0 && (base < 2 || base > 36)) return std::nullopt;
    std::string digits = without_underscores(strip(text, Side::both));
    std::string_view rest = digits;
    bool negative = rest.starts_with('-');
    if (negative || rest.starts_with('+')) rest.remove_prefix(1);
    auto prefix = [&](std::string_view lower, std::string_view upper, int64_t of) {
        if (base != of && base != 0) return;
        if (!rest.starts_with(lower) && !rest.starts_with(upper)) return;
        rest.remove_prefix(2);
        base = of;
    };
    prefix("0x", "0X", 16);
    prefix("0o", "0O", 8);
    prefix("0b", "0B", 2);
    if (base == 0) base = 10;
    if (rest.empty() || rest.starts_with('-')) return std::nullopt;
    int64_t value = 0;
    auto [end, status] =
        std::from_chars(rest.data(), rest.data() + rest.size(), value, static_cast<int>(base));
    if (status != std::errc() || end != rest.data() + rest.size()) return std::nullopt;
    return negative ? -value : value;
}

Result<Value> truncated(const FilterCall& call, double number, const Value& otherwise) {
    if (!std::isfinite(number)) return otherwise;
    if (!(std::fabs(number) < 9.2e18)) return call.heap.fail("int: the number does not fit 64 bits");
    return Value::integer(static_cast<int64_t>(number));
}

Result<Value> int_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given, BoundArguments::bind(call.heap, call.name, call.arguments, {"default", "base"}));
    FP4_ASSIGN(int64_t base, given.integer_or(call.heap, 1, 10));
    Value otherwise = given.get_or(0, Value::integer(0));
    if (call.value.is_undefined()) return call.heap.undefined_error(call.value);
    if (call.value.is_integral()) return Value::integer(call.value.as_int());
    if (call.value.is(Kind::real)) return truncated(call, call.value.as_real(), otherwise);
    if (!call.value.is_string()) return otherwise;
    if (auto whole = parse_integer(call.value.as_text(), base)) return Value::integer(*whole);
    auto number = parse_real(call.value.as_text()); // "42.23"|int is 42
    return number ? truncated(call, *number, otherwise) : Result<Value>(otherwise);
}

Result<Value> float_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given, BoundArguments::bind(call.heap, call.name, call.arguments, {"default"}));
    Value otherwise = given.get_or(0, Value::real(0));
    if (call.value.is_undefined()) return call.heap.undefined_error(call.value);
    if (call.value.is_number()) return Value::real(call.value.as_real());
    if (!call.value.is_string()) return otherwise;
    auto number = parse_real(call.value.as_text());
    return number ? Value::real(*number) : otherwise;
}

Result<Value> abs_filter(const FilterCall& call) {
    FP4_TRY(BoundArguments::bind(call.heap, call.name, call.arguments, {}));
    if (call.value.is_undefined()) return call.heap.undefined_error(call.value);
    if (call.value.is(Kind::real)) return Value::real(std::fabs(call.value.as_real()));
    if (!call.value.is_number()) return call.heap.fail("abs: bad operand type '", type_name(call.value), "'");
    return call.value.as_int() < 0 ? negate(call.heap, call.value) : Value::integer(call.value.as_int());
}

// round() of Python: to the nearest decimal of the exact binary value, ties to even
double round_to(double value, int64_t digits) {
    if (!std::isfinite(value) || digits > 308) return value;
    if (digits < -308) return std::copysign(0.0, value);
    if (digits < 0) {
        double unit = std::pow(10.0, static_cast<double>(-digits));
        return std::nearbyint(value / unit) * unit;
    }
    char text[700];
    auto end =
        std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, static_cast<int>(digits))
            .ptr;
    double rounded = value;
    std::from_chars(text, end, rounded);
    return rounded;
}

Result<Value> round_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given,
               BoundArguments::bind(call.heap, call.name, call.arguments, {"precision", "method"}));
    FP4_ASSIGN(int64_t digits, given.integer_or(call.heap, 0, 0));
    std::string_view method = "common";
    if (given.has(1)) {
        FP4_ASSIGN(method, given.text(call.heap, 1));
    }
    if (call.value.is_undefined()) return call.heap.undefined_error(call.value);
    if (!call.value.is_number())
        return call.heap.fail("round: bad operand type '", type_name(call.value), "'");
    if (method == "common") {
        if (!call.value.is_integral()) return Value::real(round_to(call.value.as_real(), digits));
        if (digits < 0) return call.heap.fail("round: a negative precision is not supported for integers");
        return Value::integer(call.value.as_int());
    }
    if (method != "ceil" && method != "floor")
        return call.heap.fail("round: method must be common, ceil or floor");
    if (digits < -300 || digits > 300) return call.heap.fail("round: precision ", digits, " is out of range");
    double scale = std::pow(10.0, static_cast<double>(digits));
    double scaled = call.value.as_real() * scale;
    return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

Result<Value> length_filter(const FilterCall& call) {
    FP4_TRY(BoundArguments::bind(call.heap, call.name, call.arguments, {}));
    FP4_ASSIGN(size_t size, length(call.heap, call.value));
    return Value::integer(static_cast<int64_t>(size));
}

Result<Value> wordcount_filter(const FilterCall& call) {
    FP4_TRY(BoundArguments::bind(call.heap, call.name, call.arguments, {}));
    FP4_ASSIGN(Value text, to_text(call.heap, call.value));
    std::string_view all = text.as_text();
    FP4_TRY(call.heap.spend(all.size() / 4));
    int64_t words = 0;
    bool inside = false;
    for (size_t at = 0; at < all.size();) {
        std::string_view point = code_point_at(all, at);
        bool word = point == "_" || all_of_class(point, CharacterClass::alphanumeric);
        words += word && !inside;
        inside = word;
        at += point.size();
    }
    return Value::integer(words);
}

Result<Value> sum_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given,
               BoundArguments::bind(call.heap, call.name, call.arguments, {"attribute", "start"}));
    Value total = given.get_or(1, Value::integer(0));
    if (total.is_string()) return call.heap.fail("sum: strings cannot be summed, use join");
    FP4_ASSIGN(auto items, iterate(call.heap, call.value));
    for (const Value& candidate : items) {
        FP4_ASSIGN(Value item, attribute_path(call.heap, candidate, given.get_or(0, Value::none())));
        FP4_ASSIGN(total, arithmetic(call.heap, Op::add, total, item));
    }
    return total;
}

Result<Value> default_filter(const FilterCall& call) {
    FP4_ASSIGN(auto given,
               BoundArguments::bind(call.heap, call.name, call.arguments, {"default_value", "boolean"}));
    bool missing = call.value.is_undefined() || (given.flag(1) && !truthy(call.value));
    return missing ? given.get_or(0, Value::string({})) : call.value;
}

} // namespace

std::span<const FilterEntry> number_filters() {
    static constexpr auto filters = std::to_array<FilterEntry>({
        {"default", default_filter},
        {"d", default_filter},
        {"length", length_filter},
        {"count", length_filter},
        {"int", int_filter},
        {"float", float_filter},
        {"abs", abs_filter},
        {"round", round_filter},
        {"sum", sum_filter},
        {"wordcount", wordcount_filter},
    });
    return filters;
}

} // namespace fp4::chat
