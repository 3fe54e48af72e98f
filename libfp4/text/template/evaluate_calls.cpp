#include <algorithm>

#include "libfp4/text/template/evaluator.h"
#include "libfp4/text/template/globals.h"
#include "libfp4/text/template/iterate.h"
#include "libfp4/text/template/methods.h"

namespace fp4::chat {

Result<Value> Evaluator::eval_call(const Expr& expr, Scope& scope, const Value* caller) {
    FP4_ASSIGN(Value callee, eval(*expr.children[0], scope));
    Arguments arguments;
    FP4_TRY(eval_arguments(expr.call, scope, arguments));
    if (caller) arguments.named.emplace_back("caller", *caller);
    heap_.line = expr.line;
    return call_value(callee, arguments);
}

Result<void> Evaluator::eval_arguments(const CallSyntax& call, Scope& scope, Arguments& arguments) {
    for (const ExprPtr& expression : call.positional) {
        FP4_ASSIGN(Value value, eval(*expression, scope));
        arguments.positional.push_back(value);
    }
    for (const auto& [name, expression] : call.named) {
        FP4_ASSIGN(Value value, eval(*expression, scope));
        arguments.named.emplace_back(name, value);
    }
    if (call.rest_positional) {
        FP4_ASSIGN(Value rest, eval(*call.rest_positional, scope));
        FP4_ASSIGN(auto items, iterate(heap_, rest));
        FP4_TRY(heap_.charge(items.size() * sizeof(Value)));
        arguments.positional.insert(arguments.positional.end(), items.begin(), items.end());
    }
    if (call.rest_named) {
        FP4_ASSIGN(Value rest, eval(*call.rest_named, scope));
        if (!rest.is(Kind::dict)) return heap_.fail("** needs a mapping, not ", type_name(rest));
        for (const auto& [key, value] : rest.as_dict().entries) {
            if (!key.is_string()) return heap_.fail("keywords of ** must be strings");
            arguments.named.emplace_back(key.as_text(), value);
        }
    }
    return {};
}

Result<Value> Evaluator::call_value(const Value& callee, const Arguments& arguments) {
    if (callee.is_undefined()) return heap_.undefined_error(callee);
    if (!callee.is(Kind::function)) return heap_.fail("'", type_name(callee), "' object is not callable");
    const FunctionObject& function = callee.as_function();
    switch (function.type) {
        case FunctionObject::Type::method:
            return call_method(heap_, function.self, function.name, arguments);
        case FunctionObject::Type::macro:
            return call_macro(function, arguments);
        case FunctionObject::Type::builtin:
            return call_builtin(heap_, function.name, arguments, now_);
    }
    return heap_.fail("unknown function");
}

Result<Value> Evaluator::call_macro(const FunctionObject& function, const Arguments& arguments) {
    Nesting nesting(heap_);
    FP4_TRY(nesting.enter());
    FP4_ASSIGN(Scope * scope, inner_scope(*function.scope));
    FP4_TRY(bind_parameters(function, arguments, *scope));
    std::string out;
    FP4_TRY(run_body(function.macro->bodies[0], *scope, out));
    return heap_.text(out);
}

Result<void> Evaluator::bind_parameters(const FunctionObject& function, const Arguments& arguments,
                                        Scope& scope) {
    const Stmt& macro = *function.macro;
    size_t count = macro.parameters.size();
    std::vector<bool> used(arguments.named.size());
    for (size_t i = 0; i < count; ++i) {
        std::string_view parameter = macro.parameters[i];
        auto named =
            std::ranges::find(arguments.named, parameter, &std::pair<std::string_view, Value>::first);
        size_t first_default = count - macro.defaults.size();
        if (i < arguments.positional.size()) {
            scope.set(parameter, arguments.positional[i]);
        } else if (named != arguments.named.end()) {
            used[static_cast<size_t>(named - arguments.named.begin())] = true;
            scope.set(parameter, named->second);
        } else if (i >= first_default) {
            FP4_ASSIGN(Value value, eval(*macro.defaults[i - first_default], scope));
            scope.set(parameter, value);
        } else {
            FP4_ASSIGN(Value missing,
                       heap_.undefined(concat("parameter '", parameter, "' was not provided")));
            scope.set(parameter, missing);
        }
    }
    FP4_ASSIGN(auto* kwargs, heap_.make<DictObject>());
    FP4_ASSIGN(Value caller, heap_.undefined("No caller defined"));
    for (size_t i = 0; i < used.size(); ++i) {
        const auto& [name, value] = arguments.named[i];
        if (used[i]) continue;
        if (name == "caller" && macro.uses_caller) {
            caller = value;
        } else if (macro.uses_kwargs) {
            FP4_TRY(heap_.set(*kwargs, Value::string(name), value));
        } else {
            return heap_.fail("macro '", function.name, "' takes no keyword argument '", name, "'");
        }
    }
    bool caller_is_parameter = std::ranges::find(macro.parameters, "caller") != macro.parameters.end();
    if (macro.uses_caller && !caller_is_parameter && macro.kind == Stmt::Kind::macro)
        scope.set("caller", caller);
    if (macro.uses_kwargs) scope.set("kwargs", Value::dict(kwargs));
    size_t extra = arguments.positional.size() > count ? arguments.positional.size() - count : 0;
    if (macro.uses_varargs) {
        std::vector<Value> rest(arguments.positional.end() - static_cast<std::ptrdiff_t>(extra),
                                arguments.positional.end());
        FP4_ASSIGN(Value tuple, heap_.sequence(Kind::tuple, std::move(rest)));
        scope.set("varargs", tuple);
    } else if (extra > 0) {
        return heap_.fail("macro '", function.name, "' takes not more than ", count, " argument(s)");
    }
    return {};
}

} // namespace fp4::chat
