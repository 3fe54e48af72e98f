#include "libfp4/text/template/string_methods.h"

#include <algorithm>
#include <array>

#include "libfp4/text/template/arguments.h"
#include "libfp4/text/template/iterate.h"
#include "libfp4/text/template/methods.h"
#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

namespace {

// One call on a text; a result keeps the markup mark of the text.
struct Call {
    Heap& heap;
    std::string_view text;
    bool markup;
    std::string_view name;
    const Arguments& arguments;

    Result<BoundArguments> bind(std::initializer_list<std::string_view> parameters,
                                size_t required = 0) const {
        return BoundArguments::bind(heap, name, arguments, parameters, required);
    }
    Value part(std::string_view piece) const { return Value::string(piece, markup); }
    // A replacement goes into markup escaped.
    Result<std::string_view> escaped(const Value& value) const {
        if (!markup || value.is_markup()) return value.as_text();
        FP4_ASSIGN(Value safe, heap.text(escape_html(value.as_text())));
        return safe.as_text();
    }
};

Result<Value> strip_method(const Call& call) {
    FP4_ASSIGN(auto given, call.bind({"chars"}));
    Side side = call.name == "strip" ? Side::both : call.name == "lstrip" ? Side::left : Side::right;
    std::string_view kept;
    if (given.given_not_none(0)) {
        FP4_ASSIGN(std::string_view characters, given.text(call.heap, 0));
        FP4_TRY(call.heap.spend(characters.size()));
        kept = strip(call.text, characters, side);
    } else {
        kept = strip(call.text, side);
    }
    FP4_TRY(call.heap.spend((call.text.size() - kept.size()) / 4));
    return call.part(kept);
}

Result<Value> pieces_list(const Call& call, const std::vector<std::string_view>& pieces) {
    std::vector<Value> items;
    items.reserve(pieces.size());
    for (std::string_view piece : pieces) items.push_back(call.part(piece));
    return call.heap.list(std::move(items));
}

// split() without a separator: at runs of white space. What is left over when the limit is reached stays
// whole.
Result<Value> split_at_space(const Call& call, int64_t limit, bool from_right) {
    FP4_TRY(call.heap.spend(call.text.size()));
    std::vector<std::string_view> words;
    for (std::string_view rest = strip(call.text, Side::left); !rest.empty();
         rest = strip(rest, Side::left)) {
        size_t end = 0;
        while (end < rest.size() && !is_space(decode(code_point_at(rest, end))))
            end += code_point_at(rest, end).size();
        words.push_back(rest.substr(0, end));
        rest.remove_prefix(end);
    }
    auto kept = static_cast<size_t>(limit);
    if (limit < 0 || words.size() <= kept) return pieces_list(call, words);
    const char* begin = call.text.data();
    const char* end = begin + call.text.size();
    if (from_right) {
        size_t merged = words.size() - kept; // words that stay in the first piece
        const char* stop = words[merged - 1].data() + words[merged - 1].size();
        words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(merged));
        words.insert(words.begin(), std::string_view(begin, static_cast<size_t>(stop - begin)));
    } else {
        const char* start = words[kept].data();
        words.resize(kept);
        words.emplace_back(start, static_cast<size_t>(end - start));
    }
    return pieces_list(call, words);
}

Result<Value> split_method(const Call& call) {
    FP4_ASSIGN(auto given, call.bind({"sep", "maxsplit"}));
    FP4_ASSIGN(int64_t limit, given.integer_or(call.heap, 1, -1));
    bool from_right = call.name == "rsplit";
    if (!given.given_not_none(0)) return split_at_space(call, limit, from_right);
    FP4_ASSIGN(std::string_view separator, given.text(call.heap, 0));
    if (separator.empty()) return call.heap.fail("split(): empty separator");
    std::vector<std::string_view> pieces;
    std::string_view rest = call.text;
    while (limit-- != 0) {
        FP4_ASSIGN(size_t at,
                   from_right ? find_last(call.heap, rest, separator) : find(call.heap, rest, separator));
        if (at == std::string_view::npos) break;
        pieces.push_back(from_right ? rest.substr(at + separator.size()) : rest.substr(0, at));
        rest = from_right ? rest.substr(0, at) : rest.substr(at + separator.size());
    }
    pieces.push_back(rest);
    if (from_right) std::ranges::reverse(pieces);
    return pieces_list(call, pieces);
}

Result<Value> partition_method(const Call& call) {
    FP4_ASSIGN(auto given, call.bind({"sep"}, 1));
    FP4_ASSIGN(std::string_view separator, given.text(call.heap, 0));
    if (separator.empty()) return call.heap.fail(call.name, "(): empty separator");
    bool from_right = call.name == "rpartition";
    FP4_ASSIGN(size_t at, from_right ? find_last(call.heap, call.text, separator)
                                     : find(call.heap, call.text, separator));
    if (at == std::string_view::npos) {
        if (from_right)
            return call.heap.sequence(Kind::tuple, {call.part({}), call.part({}), call.part(call.text)});
        return call.heap.sequence(Kind::tuple, {call.part(call.text), call.part({}), call.part({})});
    }
    return call.heap.sequence(Kind::tuple, {call.part(call.text.substr(0, at)), call.part(separator),
                                            call.part(call.text.substr(at + separator.size()))});
}

Result<Value> affix_method(const Call& call) {
    FP4_ASSIGN(auto given, call.bind({"affix"}, 1));
    bool front = call.name == "startswith" || call.name == "removeprefix";
    bool test = call.name == "startswith" || call.name == "endswith";
    std::span<const Value> affixes(&given[0], 1);
    if (test && given[0].is(Kind::tuple)) affixes = given[0].as_sequence().unread();
    for (const Value& candidate : affixes) {
        if (candidate.is_undefined()) return call.heap.undefined_error(candidate);
        if (!candidate.is_string()) {
            return call.heap.fail(call.name, "() needs a string or a tuple of strings, not ",
                                  type_name(candidate));
        }
        std::string_view affix = candidate.as_text();
        FP4_TRY(call.heap.spend(1 + affix.size() / 64));
        if (!(front ? call.text.starts_with(affix) : call.text.ends_with(affix))) continue;
        if (test) return Value::boolean(true);
        size_t size = call.text.size() - affix.size();
        return call.part(call.text.substr(front ? affix.size() : 0, size));
    }
    return test ? Value::boolean(false) : call.part(call.text);
}

// Offset of a find() bound, which counts code points, from the end if negative.
size_t bound_offset(std::string_view text, const Value& bound, size_t omitted) {
    if (!bound.is_integral()) return omitted;
    int64_t index = bound.as_int();
    if (index < 0) index = std::max<int64_t>(0, index + static_cast<int64_t>(count_code_points(text)));
    return code_point_offset(text, static_cast<size_t>(index));
}

Result<Value> find_method(const Call& call) {
    FP4_ASSIGN(auto given, call.bind({"sub", "start", "end"}, 1));
    FP4_ASSIGN(std::string_view needle, given.text(call.heap, 0));
    FP4_TRY(call.heap.spend(call.text.size() / 16));
    size_t start = bound_offset(call.text, given.get_or(1, Value::none()), 0);
    size_t end = bound_offset(call.text, given.get_or(2, Value::none()), call.text.size());
    std::string_view range = call.text.substr(0, std::max(start, end));
    if (call.name == "count") {
        if (needle.empty())
            return Value::integer(static_cast<int64_t>(count_code_points(range.substr(start))) + 1);
        int64_t count = 0;
        for (size_t from = start;; ++count) {
            FP4_ASSIGN(size_t at, find(call.heap, range, needle, from));
            if (at == std::string_view::npos) return Value::integer(count);
            from = at + needle.size();
        }
    }
    bool last = call.name.starts_with('r');
    FP4_ASSIGN(size_t at, last ? find_last(call.heap, range, needle) : find(call.heap, range, needle, start));
    if (at != std::string_view::npos && at >= start) {
        return Value::integer(static_cast<int64_t>(count_code_points(call.text.substr(0, at))));
    }
    if (call.name.ends_with("find")) return Value::integer(-1);
    return call.heap.fail(call.name, "(): substring not found");
}

Result<Value> replace_method(const Call& call) {
    FP4_ASSIGN(auto given, call.bind({"old", "new", "count"}, 2));
    FP4_ASSIGN(std::string_view old, given.text(call.heap, 0));
    FP4_TRY(given.text(call.heap, 1));
    FP4_ASSIGN(std::string_view with, call.escaped(given[1]));
    FP4_ASSIGN(int64_t count, given.integer_or(call.heap, 2, -1));
    return replace(call.heap, call.text, old, with, count, call.markup);
}

Result<Value> join_method(const Call& call) {
    FP4_ASSIGN(auto given, call.bind({"iterable"}, 1));
    FP4_ASSIGN(auto items, iterate(call.heap, given[0]));
    Value out = call.part({});
    for (size_t i = 0; i < items.size(); ++i) {
        if (!items[i].is_string()) {
            return call.heap.fail("join(): item ", i, " is of type ", type_name(items[i]), ", not str");
        }
        if (i > 0) {
            FP4_ASSIGN(out, call.heap.joined(out.as_text(), call.text, call.markup));
        }
        FP4_ASSIGN(std::string_view item, call.escaped(items[i]));
        FP4_ASSIGN(out, call.heap.joined(out.as_text(), item, call.markup));
    }
    return out;
}

Result<Value> pad_method(const Call& call) {
    FP4_ASSIGN(auto given, call.bind({"width", "fillchar"}, 1));
    FP4_ASSIGN(int64_t width, given.integer_or(call.heap, 0, 0));
    std::string_view fill = call.name == "zfill" ? "0" : " ";
    if (given.has(1)) {
        FP4_ASSIGN(fill, given.text(call.heap, 1));
    }
    if (count_code_points(fill) != 1) return call.heap.fail(call.name, "() needs one fill character");
    auto size = static_cast<int64_t>(count_code_points(call.text));
    if (width <= size) return call.part(call.text);
    auto padding = static_cast<size_t>(width - size);
    FP4_TRY(call.heap.charge(padding * fill.size()));
    size_t left = call.name == "ljust" ? 0 : padding;
    // CPython's centring: the odd one goes left only for odd width and odd padding.
    if (call.name == "center") left = padding / 2 + (padding & static_cast<size_t>(width) & 1);
    std::string out;
    size_t sign = call.name == "zfill" && (call.text.starts_with('-') || call.text.starts_with('+')) ? 1 : 0;
    out += call.text.substr(0, sign);
    for (size_t i = 0; i < left; ++i) out += fill;
    out += call.text.substr(sign);
    for (size_t i = left; i < padding; ++i) out += fill;
    return call.heap.text(out, call.markup);
}

Result<Value> case_method(const Call& call) {
    FP4_TRY(call.bind({}));
    FP4_TRY(call.heap.spend(call.text.size() / 4));
    Case to = call.name == "upper"        ? Case::upper
              : call.name == "title"      ? Case::title
              : call.name == "capitalize" ? Case::capitalize
              : call.name == "swapcase"   ? Case::swap
                                          : Case::lower;
    return call.heap.text(change_case(call.text, to), call.markup);
}

Result<Value> class_method(const Call& call) {
    static constexpr std::array<std::pair<std::string_view, CharacterClass>, 10> classes{{
        {"isdigit", CharacterClass::digit},
        {"isdecimal", CharacterClass::decimal},
        {"isnumeric", CharacterClass::numeric},
        {"isalpha", CharacterClass::alpha},
        {"isalnum", CharacterClass::alphanumeric},
        {"isspace", CharacterClass::space},
        {"isupper", CharacterClass::upper},
        {"islower", CharacterClass::lower},
        {"istitle", CharacterClass::title},
        {"isascii", CharacterClass::ascii},
    }};
    FP4_TRY(call.bind({}));
    FP4_TRY(call.heap.spend(call.text.size() / 4));
    for (const auto& [name, wanted] : classes) {
        if (name == call.name) return Value::boolean(all_of_class(call.text, wanted));
    }
    return call.heap.fail("str has no method '", call.name, "'");
}

Result<Value> splitlines_method(const Call& call) {
    FP4_ASSIGN(auto given, call.bind({"keepends"}));
    FP4_TRY(call.heap.spend(call.text.size() / 4));
    return pieces_list(call, split_lines(call.text, given.flag(0)));
}

Result<Value> format_method(const Call& call) {
    if (call.markup) return call.heap.fail("format() on text marked safe is not supported");
    return format_braces(call.heap, call.text, call.arguments);
}

using Method = Result<Value> (*)(const Call&);
constexpr std::array<std::pair<std::string_view, Method>, 40> methods{{
    {"strip", strip_method},         {"lstrip", strip_method},
    {"rstrip", strip_method},        {"split", split_method},
    {"rsplit", split_method},        {"splitlines", splitlines_method},
    {"startswith", affix_method},    {"endswith", affix_method},
    {"removeprefix", affix_method},  {"removesuffix", affix_method},
    {"replace", replace_method},     {"join", join_method},
    {"format", format_method},       {"find", find_method},
    {"rfind", find_method},          {"index", find_method},
    {"rindex", find_method},         {"count", find_method},
    {"partition", partition_method}, {"rpartition", partition_method},
    {"upper", case_method},          {"lower", case_method},
    {"casefold", case_method},       {"title", case_method},
    {"capitalize", case_method},     {"swapcase", case_method},
    {"center", pad_method},          {"ljust", pad_method},
    {"rjust", pad_method},           {"zfill", pad_method},
    {"isdigit", class_method},       {"isdecimal", class_method},
    {"isnumeric", class_method},     {"isalpha", class_method},
    {"isalnum", class_method},       {"isspace", class_method},
    {"isupper", class_method},       {"islower", class_method},
    {"istitle", class_method},       {"isascii", class_method},
}};

Method method_named(std::string_view name) {
    auto found = std::ranges::find(methods, name, &std::pair<std::string_view, Method>::first);
    return found == methods.end() ? nullptr : found->second;
}

} // namespace

bool is_string_method(std::string_view name) {
    return method_named(name) != nullptr;
}

Result<Value> call_string_method(Heap& heap, const Value& self, std::string_view name,
                                 const Arguments& arguments) {
    Method method = method_named(name);
    if (!method) return heap.fail("str has no method '", name, "'");
    return method(Call{heap, self.as_text(), self.is_markup(), name, arguments});
}

} // namespace fp4::chat
