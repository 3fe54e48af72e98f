// Putting values into text: str.replace, str.format and the % operator.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "libfp4/text/template/iterate.h"
#include "libfp4/text/template/methods.h"
#include "libfp4/text/template/print.h"
#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

Result<Value> replace(Heap& heap, std::string_view text, std::string_view old, std::string_view with,
                      int64_t count, bool markup) {
    std::string out;
    size_t from = 0;
    while (count-- != 0) {
        size_t at = from;
        if (old.empty()) {
            // Python puts the replacement before every code point and at the end.
            if (from > text.size()) break;
            size_t next = from < text.size() ? from + code_point_at(text, from).size() : from + 1;
            out += with;
            out += text.substr(from, next - from);
            from = next;
        } else {
            FP4_ASSIGN(at, find(heap, text, old, from));
            if (at == std::string_view::npos) break;
            out += text.substr(from, at - from);
            out += with;
            from = at + old.size();
        }
        FP4_TRY(heap.spend(1 + with.size() / 64));
        if (out.size() > heap.limits().max_output_bytes) {
            return heap.fail_as(Status::limit, "replace(): the text exceeds ", heap.limits().max_output_bytes,
                                " bytes");
        }
    }
    if (from == 0) return Value::string(text, markup);
    if (from < text.size()) out += text.substr(from);
    return heap.text(out, markup);
}

namespace {

// The value a field like "0", "name" or "" of str.format names; attribute and index paths follow with . and
// [].
Result<Value> field_value(Heap& heap, std::string_view field, const Arguments& arguments, size_t& automatic) {
    size_t name_end = std::min(field.find_first_of(".["), field.size());
    std::string_view name = field.substr(0, name_end);
    Value value;
    size_t position = 0;
    auto [end, status] = std::from_chars(name.data(), name.data() + name.size(), position);
    bool numbered = status == std::errc() && end == name.data() + name.size();
    if (name.empty()) position = automatic++;
    if (name.empty() || numbered) {
        if (position >= arguments.positional.size()) {
            return heap.fail("format(): there is no argument ", position, " for a replacement field");
        }
        value = arguments.positional[position];
    } else {
        auto found = std::ranges::find(arguments.named, name, &std::pair<std::string_view, Value>::first);
        if (found == arguments.named.end()) return heap.fail("format(): there is no argument '", name, "'");
        value = found->second;
    }
    std::string_view path = field.substr(name_end);
    if (path.empty()) return value;
    if (path[0] != '.' || path.find('[') != path.npos) {
        return heap.fail("format(): the field '", field, "' is not supported");
    }
    return attribute_path(heap, value, Value::string(path.substr(1)));
}

// One conversion of the % operator: %[flags][width][.precision]type
struct Conversion {
    bool left = false, zero = false, plus = false, space = false;
    size_t width = 0;
    int precision = -1;
    char type = 's';
};

constexpr size_t max_width = 4096;

Result<Conversion> parse_conversion(const Heap& heap, std::string_view pattern, size_t& at) {
    Conversion conversion;
    for (; at < pattern.size(); ++at) {
        if (pattern[at] == '-')
            conversion.left = true;
        else if (pattern[at] == '0')
            conversion.zero = true;
        else if (pattern[at] == '+')
            conversion.plus = true;
        else if (pattern[at] == ' ')
            conversion.space = true;
        else
            break;
    }
    auto number = [&] {
        size_t n = 0;
        while (at < pattern.size() && pattern[at] >= '0' && pattern[at] <= '9' && n <= max_width) {
            n = n * 10 + static_cast<size_t>(pattern[at++] - '0');
        }
        return n;
    };
    conversion.width = number();
    if (at < pattern.size() && pattern[at] == '.') {
        ++at;
        conversion.precision = static_cast<int>(number());
    }
    if (conversion.width > max_width || conversion.precision > static_cast<int>(max_width)) {
        return heap.fail("a % format is wider than ", max_width);
    }
    if (at >= pattern.size()) return heap.fail("incomplete % format");
    conversion.type = pattern[at++];
    return conversion;
}

Result<std::string> convert_number(const Heap& heap, const Conversion& conversion, const Value& value) {
    if (value.is_undefined()) return heap.undefined_error(value);
    if (!value.is_number()) return heap.fail("%", conversion.type, " needs a number, not ", type_name(value));
    char digits[max_width + 512];
    std::string out;
    if (conversion.type == 'f' || conversion.type == 'F') {
        double number = value.as_real();
        if (!std::isfinite(number)) return format_real(number);
        int precision = conversion.precision < 0 ? 6 : conversion.precision;
        auto end =
            std::to_chars(digits, digits + sizeof digits, number, std::chars_format::fixed, precision).ptr;
        out.assign(digits, end);
    } else {
        double number = value.as_real();
        if (value.is(Kind::real) && !(std::fabs(number) < 9.2e18)) {
            return heap.fail("%", conversion.type, " needs a finite number below 2^63");
        }
        int64_t whole = value.is(Kind::real) ? static_cast<int64_t>(number) : value.as_int();
        int base = conversion.type == 'x' || conversion.type == 'X' ? 16 : conversion.type == 'o' ? 8 : 10;
        auto end = std::to_chars(digits, digits + sizeof digits, whole, base).ptr;
        out.assign(digits, end);
        if (conversion.type == 'X') out = change_case(out, Case::upper);
        size_t sign = out.starts_with('-') ? 1 : 0;
        while (conversion.precision > 0 && out.size() - sign < static_cast<size_t>(conversion.precision)) {
            out.insert(sign, 1, '0');
        }
    }
    if (!out.starts_with('-') && (conversion.plus || conversion.space)) {
        out.insert(0, 1, conversion.plus ? '+' : ' ');
    }
    return out;
}

Result<std::string> convert(Heap& heap, const Conversion& conversion, const Value& value) {
    std::string out;
    bool number = false;
    switch (conversion.type) {
        case 's': {
            FP4_ASSIGN(Value text, to_text(heap, value));
            out = text.as_text();
            break;
        }
        case 'r': {
            FP4_ASSIGN(out, repr(heap, value));
            break;
        }
        case 'd':
        case 'i':
        case 'u':
        case 'x':
        case 'X':
        case 'o':
        case 'f':
        case 'F': {
            FP4_ASSIGN(out, convert_number(heap, conversion, value));
            number = true;
            break;
        }
        default:
            return heap.fail("unsupported % format '", conversion.type, "'");
    }
    if (!number && conversion.precision >= 0) {
        out.resize(code_point_offset(out, static_cast<size_t>(conversion.precision)));
    }
    size_t size = count_code_points(out);
    if (size >= conversion.width) return out;
    size_t padding = conversion.width - size;
    if (conversion.left) return out + std::string(padding, ' ');
    if (!number || !conversion.zero) return std::string(padding, ' ') + out;
    size_t sign = out.starts_with('-') || out.starts_with('+') || out.starts_with(' ') ? 1 : 0;
    return out.insert(sign, padding, '0');
}

} // namespace

Result<Value> format_braces(Heap& heap, std::string_view pattern, const Arguments& arguments) {
    std::string out;
    size_t automatic = 0;
    for (size_t at = 0; at < pattern.size();) {
        char c = pattern[at];
        if ((c == '{' || c == '}') && at + 1 < pattern.size() && pattern[at + 1] == c) {
            out += c;
            at += 2;
        } else if (c == '}') {
            return heap.fail("format(): single '}' in the pattern");
        } else if (c == '{') {
            size_t end = pattern.find('}', at);
            if (end == std::string_view::npos) return heap.fail("format(): expected '}' in the pattern");
            std::string_view field = pattern.substr(at + 1, end - at - 1);
            if (field.find_first_of(":!{") != field.npos) {
                return heap.fail("format(): the field '", field, "' is not supported");
            }
            FP4_ASSIGN(Value value, field_value(heap, field, arguments, automatic));
            FP4_ASSIGN(Value text, to_text(heap, value));
            FP4_TRY(heap.charge(text.as_text().size()));
            out += text.as_text();
            at = end + 1;
        } else {
            out += c;
            ++at;
        }
    }
    return heap.text(out);
}

Result<Value> format_percent(Heap& heap, std::string_view pattern, const Value& arguments) {
    bool several = arguments.is(Kind::tuple);
    std::span<const Value> values = several ? arguments.as_sequence().unread() : std::span(&arguments, 1);
    size_t used = 0;
    bool by_name = false;
    std::string out;
    for (size_t at = 0; at < pattern.size();) {
        if (pattern[at] != '%') {
            out += pattern[at++];
            continue;
        }
        ++at;
        if (at < pattern.size() && pattern[at] == '%') {
            out += '%';
            ++at;
            continue;
        }
        Value value;
        bool named = at < pattern.size() && pattern[at] == '(';
        if (named) {
            size_t end = pattern.find(')', at);
            if (end == std::string_view::npos) return heap.fail("incomplete % format key");
            if (!arguments.is(Kind::dict)) return heap.fail("a % format with keys requires a mapping");
            const Value* found = arguments.as_dict().find(pattern.substr(at + 1, end - at - 1));
            if (!found)
                return heap.fail("% format: there is no key '", pattern.substr(at + 1, end - at - 1), "'");
            value = *found;
            at = end + 1;
            by_name = true;
        }
        FP4_ASSIGN(Conversion conversion, parse_conversion(heap, pattern, at));
        if (!named) {
            if (used >= values.size()) return heap.fail("not enough arguments for a % format");
            value = values[used++];
        }
        FP4_ASSIGN(std::string piece, convert(heap, conversion, value));
        FP4_TRY(heap.charge(piece.size()));
        out += piece;
    }
    bool spare_allowed = by_name || (!several && (arguments.is(Kind::dict) || arguments.is(Kind::list)));
    if (used < values.size() && !spare_allowed) return heap.fail("not all arguments converted by a % format");
    return heap.text(out);
}

} // namespace fp4::chat
