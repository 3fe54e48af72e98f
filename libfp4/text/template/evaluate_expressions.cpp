#include "libfp4/text/template/compare.h"
#include "libfp4/text/template/evaluator.h"
#include "libfp4/text/template/filters.h"
#include "libfp4/text/template/iterate.h"
#include "libfp4/text/template/predicates.h"
#include "libfp4/text/template/print.h"

namespace fp4::chat {

Result<Value> Evaluator::eval(const Expr& expr, Scope& scope) {
    Nesting nesting(heap_);
    FP4_TRY(nesting.enter());
    FP4_TRY(heap_.spend(1));
    heap_.line = expr.line;
    switch (expr.kind) {
        case Expr::Kind::constant:
            return expr.constant;
        case Expr::Kind::captured:
            return Value::string(captured_);
        case Expr::Kind::name: {
            if (const Value* value = scope.find(expr.text)) return *value;
            return heap_.undefined(concat("'", expr.text, "' is undefined"));
        }
        case Expr::Kind::list:
        case Expr::Kind::tuple:
            return eval_items(expr, scope);
        case Expr::Kind::dict:
            return eval_dict(expr, scope);
        case Expr::Kind::attribute: {
            FP4_ASSIGN(Value object, eval(*expr.children[0], scope));
            return attribute(heap_, object, expr.text);
        }
        case Expr::Kind::item: {
            FP4_ASSIGN(Value object, eval(*expr.children[0], scope));
            FP4_ASSIGN(Value key, eval(*expr.children[1], scope));
            return item(heap_, object, key);
        }
        case Expr::Kind::slice:
            return eval_slice(expr, scope);
        case Expr::Kind::call:
            return eval_call(expr, scope);
        case Expr::Kind::filter:
        case Expr::Kind::test:
            return eval_filter_or_test(expr, scope);
        case Expr::Kind::logical_and:
        case Expr::Kind::logical_or: {
            FP4_ASSIGN(Value left, eval(*expr.children[0], scope));
            bool decided = truthy(left) == (expr.kind == Expr::Kind::logical_or);
            return decided ? Result<Value>(left) : eval(*expr.children[1], scope);
        }
        case Expr::Kind::negate:
        case Expr::Kind::plus:
        case Expr::Kind::logical_not:
        case Expr::Kind::arithmetic:
            return eval_operation(expr, scope);
        case Expr::Kind::concat:
            return eval_concat(expr, scope);
        case Expr::Kind::compare:
            return eval_compare(expr, scope);
        case Expr::Kind::conditional:
            return eval_conditional(expr, scope);
    }
    return heap_.fail("unknown expression");
}

Result<Value> Evaluator::eval_items(const Expr& expr, Scope& scope) {
    std::vector<Value> items;
    items.reserve(expr.children.size());
    for (const ExprPtr& child : expr.children) {
        FP4_ASSIGN(Value item, eval(*child, scope));
        items.push_back(item);
    }
    return heap_.sequence(expr.kind == Expr::Kind::list ? Kind::list : Kind::tuple, std::move(items));
}

Result<Value> Evaluator::eval_dict(const Expr& expr, Scope& scope) {
    FP4_ASSIGN(auto* dict, heap_.make<DictObject>());
    for (size_t i = 0; i + 1 < expr.children.size(); i += 2) {
        FP4_ASSIGN(Value key, eval(*expr.children[i], scope));
        FP4_ASSIGN(Value value, eval(*expr.children[i + 1], scope));
        FP4_TRY(heap_.set(*dict, key, value));
    }
    return Value::dict(dict);
}

Result<Value> Evaluator::eval_slice(const Expr& expr, Scope& scope) {
    FP4_ASSIGN(Value object, eval(*expr.children[0], scope));
    Value bounds[3] = {Value::none(), Value::none(), Value::none()};
    for (size_t i = 0; i < 3; ++i) {
        if (!expr.children[i + 1]) continue;
        FP4_ASSIGN(bounds[i], eval(*expr.children[i + 1], scope));
    }
    return slice(heap_, object, bounds[0], bounds[1], bounds[2]);
}

Result<Value> Evaluator::eval_operation(const Expr& expr, Scope& scope) {
    FP4_ASSIGN(Value left, eval(*expr.children[0], scope));
    switch (expr.kind) {
        case Expr::Kind::negate:
            return negate(heap_, left);
        case Expr::Kind::plus:
            return plus(heap_, left);
        case Expr::Kind::logical_not:
            return Value::boolean(!truthy(left));
        default:
            break;
    }
    FP4_ASSIGN(Value right, eval(*expr.children[1], scope));
    return arithmetic(heap_, expr.op, left, right);
}

Result<Value> Evaluator::eval_concat(const Expr& expr, Scope& scope) {
    Value out = Value::string({});
    for (const ExprPtr& child : expr.children) {
        FP4_ASSIGN(Value part, eval(*child, scope));
        FP4_ASSIGN(Value text, to_text(heap_, part));
        FP4_ASSIGN(out, heap_.joined(out.as_text(), text.as_text()));
    }
    return out;
}

Result<Value> Evaluator::eval_compare(const Expr& expr, Scope& scope) {
    static constexpr std::string_view tests[] = {"eq", "ne", "lt", "le", "gt", "ge"};
    FP4_ASSIGN(Value left, eval(*expr.children[0], scope));
    for (size_t i = 0; i < expr.comparisons.size(); ++i) {
        FP4_ASSIGN(Value right, eval(*expr.children[i + 1], scope));
        Comparison comparison = expr.comparisons[i];
        bool holds = false;
        if (comparison == Comparison::in || comparison == Comparison::not_in) {
            FP4_ASSIGN(bool found, contains(heap_, right, left));
            holds = found == (comparison == Comparison::in);
        } else {
            FP4_ASSIGN(holds, test(heap_, tests[static_cast<size_t>(comparison)], left, {{right}, {}}));
        }
        if (!holds) return Value::boolean(false);
        left = right;
    }
    return Value::boolean(true);
}

Result<Value> Evaluator::eval_conditional(const Expr& expr, Scope& scope) {
    FP4_ASSIGN(Value condition, eval(*expr.children[0], scope));
    if (truthy(condition)) return eval(*expr.children[1], scope);
    if (expr.children[2]) return eval(*expr.children[2], scope);
    return heap_.undefined("the inline if-expression evaluated to false and no else section was defined.");
}

Result<Value> Evaluator::eval_filter_or_test(const Expr& expr, Scope& scope) {
    FP4_ASSIGN(Value subject, eval(*expr.children[0], scope));
    Arguments arguments;
    FP4_TRY(eval_arguments(expr.call, scope, arguments));
    if (expr.kind == Expr::Kind::filter) return apply_filter(heap_, expr.text, subject, arguments);
    FP4_ASSIGN(bool holds, test(heap_, expr.text, subject, arguments));
    return Value::boolean(holds);
}

} // namespace fp4::chat
