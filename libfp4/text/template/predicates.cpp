#include "libfp4/text/template/predicates.h"

#include <algorithm>
#include <array>

#include "libfp4/text/template/arguments.h"
#include "libfp4/text/template/compare.h"
#include "libfp4/text/template/filters.h"
#include "libfp4/text/template/iterate.h"
#include "libfp4/text/template/operators.h"
#include "libfp4/text/template/print.h"
#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

namespace {

// Tests that look at the value alone.
using Property = bool (*)(const Value&);
constexpr std::array<std::pair<std::string_view, Property>, 15> properties{{
    {"defined", [](const Value& v) { return !v.is_undefined(); }},
    {"undefined", [](const Value& v) { return v.is_undefined(); }},
    {"none", [](const Value& v) { return v.is(Kind::none); }},
    {"boolean", [](const Value& v) { return v.is(Kind::boolean); }},
    {"true", [](const Value& v) { return v.is(Kind::boolean) && v.as_bool(); }},
    {"false", [](const Value& v) { return v.is(Kind::boolean) && !v.as_bool(); }},
    {"integer", [](const Value& v) { return v.is(Kind::integer); }},
    {"float", [](const Value& v) { return v.is(Kind::real); }},
    {"number", [](const Value& v) { return v.is_number(); }},
    {"string", [](const Value& v) { return v.is_string(); }},
    {"mapping", [](const Value& v) { return v.is(Kind::dict); }},
    {"iterable", [](const Value& v) { return iterable(v); }},
    {"sequence",
     [](const Value& v) {
         // has len() and can be subscripted, which in Python a dict can and an undefined value too
         return v.is_undefined() || v.is_string() || v.is(Kind::list) || v.is(Kind::tuple) ||
                v.is(Kind::range) || v.is(Kind::dict);
     }},
    {"callable", [](const Value& v) { return v.is(Kind::function) || v.is(Kind::loop) || v.is_undefined(); }},
    {"escaped", [](const Value& v) { return v.is_markup(); }},
}};

// Tests that compare with one argument.
enum class Relation { eq, ne, gt, ge, lt, le };
constexpr std::array<std::pair<std::string_view, Relation>, 15> relations{{
    {"==", Relation::eq},
    {"eq", Relation::eq},
    {"equalto", Relation::eq},
    {"!=", Relation::ne},
    {"ne", Relation::ne},
    {">", Relation::gt},
    {"gt", Relation::gt},
    {"greaterthan", Relation::gt},
    {">=", Relation::ge},
    {"ge", Relation::ge},
    {"<", Relation::lt},
    {"lt", Relation::lt},
    {"lessthan", Relation::lt},
    {"<=", Relation::le},
    {"le", Relation::le},
}};

constexpr std::array<std::string_view, 9> others{"odd",   "even",  "divisibleby", "in",  "sameas",
                                                 "lower", "upper", "filter",      "test"};

template <class Table>
const typename Table::value_type* lookup(const Table& table, std::string_view name) {
    for (const auto& entry : table) {
        if (entry.first == name) return &entry;
    }
    return nullptr;
}

Result<bool> relate(Heap& heap, Relation relation, const Value& a, const Value& b) {
    switch (relation) {
        case Relation::eq:
            return equal(heap, a, b);
        case Relation::ne: {
            FP4_ASSIGN(bool same, equal(heap, a, b));
            return !same;
        }
        case Relation::gt:
            return less(heap, b, a);
        case Relation::lt:
            return less(heap, a, b);
        case Relation::ge:
        case Relation::le: {
            FP4_ASSIGN(bool before, relation == Relation::le ? less(heap, a, b) : less(heap, b, a));
            return before ? Result<bool>(true) : equal(heap, a, b);
        }
    }
    return false;
}

// value % divisor == remainder
Result<bool> has_remainder(Heap& heap, const Value& value, const Value& divisor, int64_t remainder) {
    FP4_ASSIGN(Value rest, arithmetic(heap, Op::modulo, value, divisor));
    return equal(heap, rest, Value::integer(remainder));
}

bool same_object(const Value& a, const Value& b) {
    if (a.kind() != b.kind()) return false;
    if (a.is(Kind::none)) return true;
    if (a.is_integral()) return a.as_int() == b.as_int();
    if (a.is_string()) return a.as_text() == b.as_text();
    return a.identity() == b.identity();
}

} // namespace

bool is_predicate(std::string_view name) {
    return lookup(properties, name) || lookup(relations, name) ||
           std::ranges::find(others, name) != others.end();
}

Result<bool> test(Heap& heap, std::string_view name, const Value& value, const Arguments& arguments) {
    FP4_TRY(heap.spend(1));
    if (const auto* property = lookup(properties, name)) {
        FP4_TRY(BoundArguments::bind(heap, name, arguments, {}));
        return property->second(value);
    }
    if (const auto* relation = lookup(relations, name)) {
        FP4_ASSIGN(auto given, BoundArguments::bind(heap, name, arguments, {"other"}, 1));
        return relate(heap, relation->second, value, given[0]);
    }
    if (name == "divisibleby") {
        FP4_ASSIGN(auto given, BoundArguments::bind(heap, name, arguments, {"num"}, 1));
        return has_remainder(heap, value, given[0], 0);
    }
    if (name == "in" || name == "sameas") {
        FP4_ASSIGN(auto given,
                   BoundArguments::bind(heap, name, arguments, {name == "in" ? "seq" : "other"}, 1));
        return name == "in" ? contains(heap, given[0], value) : same_object(value, given[0]);
    }
    if (!is_predicate(name)) return heap.fail("No test named '", name, "'.");
    FP4_TRY(BoundArguments::bind(heap, name, arguments, {}));
    if (name == "odd" || name == "even") return has_remainder(heap, value, Value::integer(2), name == "odd");
    if (name == "filter") return value.is_string() && is_filter(value.as_text());
    if (name == "test") return value.is_string() && is_predicate(value.as_text());
    FP4_ASSIGN(Value text, to_text(heap, value));
    FP4_TRY(heap.spend(text.as_text().size() / 4));
    return all_of_class(text.as_text(), name == "lower" ? CharacterClass::lower : CharacterClass::upper);
}

} // namespace fp4::chat
