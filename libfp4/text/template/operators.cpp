#include "libfp4/text/template/operators.h"

#include <cmath>
#include <limits>

#include "libfp4/text/template/methods.h"
#include "libfp4/text/template/unicode.h"

namespace fp4::chat {

namespace {

Error overflow(const Heap& heap) {
    return heap.fail("an integer does not fit 64 bits");
}

Result<Value> integer_power(Heap& heap, int64_t base, int64_t exponent) {
    if (exponent < 0) {
        if (base == 0) return heap.fail("0 cannot be raised to a negative power");
        return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    }
    int64_t result = 1;
    while (exponent > 0) {
        if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) return overflow(heap);
        exponent >>= 1;
        if (exponent > 0 && __builtin_mul_overflow(base, base, &base)) return overflow(heap);
    }
    return Value::integer(result);
}

Result<Value> integer_arithmetic(Heap& heap, Op op, int64_t a, int64_t b) {
    int64_t result = 0;
    bool overflowed = false;
    switch (op) {
        case Op::add:
            overflowed = __builtin_add_overflow(a, b, &result);
            break;
        case Op::subtract:
            overflowed = __builtin_sub_overflow(a, b, &result);
            break;
        case Op::multiply:
            overflowed = __builtin_mul_overflow(a, b, &result);
            break;
        case Op::power:
            return integer_power(heap, a, b);
        case Op::divide:
        case Op::floor_divide:
        case Op::modulo: {
            if (b == 0) return heap.fail("division by zero");
            if (op == Op::divide) return Value::real(static_cast<double>(a) / static_cast<double>(b));
            if (b == -1) {
                if (op == Op::modulo) return Value::integer(0);
                overflowed = __builtin_sub_overflow(int64_t{0}, a, &result);
                break;
            }
            // Python rounds the quotient down; the remainder has the sign of the divisor.
            int64_t quotient = a / b;
            int64_t remainder = a % b;
            if (remainder != 0 && (remainder < 0) != (b < 0)) {
                --quotient;
                remainder += b;
            }
            return Value::integer(op == Op::modulo ? remainder : quotient);
        }
    }
    if (overflowed) return overflow(heap);
    return Value::integer(result);
}

Result<Value> real_arithmetic(Heap& heap, Op op, double a, double b) {
    bool divides = op == Op::divide || op == Op::floor_divide || op == Op::modulo;
    if (divides && b == 0.0) return heap.fail("division by zero");
    switch (op) {
        case Op::add:
            return Value::real(a + b);
        case Op::subtract:
            return Value::real(a - b);
        case Op::multiply:
            return Value::real(a * b);
        case Op::divide:
            return Value::real(a / b);
        case Op::power: {
            if (a == 0.0 && b < 0) return heap.fail("0.0 cannot be raised to a negative power");
            double result = std::pow(a, b);
            if (a < 0 && std::isfinite(b) && b != std::floor(b))
                return heap.fail("complex numbers are not supported");
            if (std::isinf(result) && std::isfinite(a) && std::isfinite(b))
                return heap.fail("numerical result out of range");
            return Value::real(result);
        }
        case Op::floor_divide:
        case Op::modulo: {
            // float_divmod of CPython
            double remainder = std::fmod(a, b);
            double quotient = (a - remainder) / b;
            if (remainder != 0.0) {
                if ((b < 0) != (remainder < 0)) {
                    remainder += b;
                    quotient -= 1.0;
                }
            } else {
                remainder = std::copysign(0.0, b);
            }
            if (op == Op::modulo) return Value::real(remainder);
            if (quotient == 0.0) return Value::real(std::copysign(0.0, a / b));
            double floored = std::floor(quotient);
            return Value::real(quotient - floored > 0.5 ? floored + 1.0 : floored);
        }
    }
    return heap.fail("unknown operator");
}

Result<Value> concatenate(Heap& heap, const Value& left, const Value& right) {
    if (left.is_string()) {
        bool markup = left.is_markup() || right.is_markup();
        std::string_view a = left.as_text(), b = right.as_text();
        // Adding plain text to markup escapes the plain side (markupsafe).
        if (markup && !left.is_markup()) {
            FP4_ASSIGN(Value escaped, heap.text(escape_html(a)));
            a = escaped.as_text();
        }
        if (markup && !right.is_markup()) {
            FP4_ASSIGN(Value escaped, heap.text(escape_html(b)));
            b = escaped.as_text();
        }
        return heap.joined(a, b, markup);
    }
    const auto& a = left.as_sequence().items;
    const auto& b = right.as_sequence().items;
    FP4_TRY(heap.charge((a.size() + b.size()) * sizeof(Value)));
    std::vector<Value> items(a);
    items.insert(items.end(), b.begin(), b.end());
    return heap.sequence(left.kind(), std::move(items));
}

Result<Value> repeat(Heap& heap, const Value& value, int64_t times) {
    auto count = static_cast<size_t>(times < 0 ? 0 : times);
    size_t size =
        value.is_string() ? value.as_text().size() : value.as_sequence().items.size() * sizeof(Value);
    size_t total = 0;
    if (__builtin_mul_overflow(size, count, &total)) total = std::numeric_limits<size_t>::max();
    if (total > heap.limits().max_output_bytes) {
        return heap.fail_as(Status::limit, "a repeated value exceeds ", heap.limits().max_output_bytes,
                            " bytes");
    }
    FP4_TRY(heap.charge(total));
    FP4_TRY(heap.spend(total / 64));
    if (size == 0) count = 0;
    if (value.is_string()) {
        std::string out;
        out.reserve(total);
        for (size_t i = 0; i < count; ++i) out += value.as_text();
        return heap.text(out, value.is_markup());
    }
    const auto& source = value.as_sequence().items;
    std::vector<Value> items;
    items.reserve(source.size() * count);
    for (size_t i = 0; i < count; ++i) items.insert(items.end(), source.begin(), source.end());
    return heap.sequence(value.kind(), std::move(items));
}

bool repeatable(const Value& value) {
    return value.is_string() || value.is(Kind::list) || value.is(Kind::tuple);
}

} // namespace

std::string_view op_symbol(Op op) {
    static constexpr std::string_view symbols[] = {"+", "-", "*", "/", "//", "%", "**"};
    return symbols[static_cast<size_t>(op)];
}

Result<Value> arithmetic(Heap& heap, Op op, const Value& left, const Value& right) {
    if (left.is_undefined()) return heap.undefined_error(left);
    if (left.is_integral() && right.is_integral()) {
        return integer_arithmetic(heap, op, left.as_int(), right.as_int());
    }
    if (left.is_number() && right.is_number())
        return real_arithmetic(heap, op, left.as_real(), right.as_real());
    if (op == Op::modulo && left.is_string()) {
        if (left.is_markup()) return heap.fail("the % operator on text marked safe is not supported");
        return format_percent(heap, left.as_text(), right);
    }
    if (right.is_undefined()) return heap.undefined_error(right);
    if (op == Op::add && repeatable(left) && left.kind() == right.kind())
        return concatenate(heap, left, right);
    if (op == Op::multiply && repeatable(left) && right.is_integral())
        return repeat(heap, left, right.as_int());
    if (op == Op::multiply && repeatable(right) && left.is_integral())
        return repeat(heap, right, left.as_int());
    return heap.fail("unsupported operand types for ", op_symbol(op), ": '", type_name(left), "' and '",
                     type_name(right), "'");
}

Result<Value> negate(Heap& heap, const Value& value) {
    if (value.is_undefined()) return heap.undefined_error(value);
    if (value.is(Kind::real)) return Value::real(-value.as_real());
    if (value.is_integral()) return integer_arithmetic(heap, Op::subtract, 0, value.as_int());
    return heap.fail("bad operand type for unary -: '", type_name(value), "'");
}

Result<Value> plus(Heap& heap, const Value& value) {
    if (value.is_undefined()) return heap.undefined_error(value);
    if (value.is(Kind::real)) return value;
    if (value.is_integral()) return Value::integer(value.as_int());
    return heap.fail("bad operand type for unary +: '", type_name(value), "'");
}

} // namespace fp4::chat
