#include <algorithm>

#include "libfp4/text/template/evaluator.h"
#include "libfp4/text/template/iterate.h"
#include "libfp4/text/template/print.h"

namespace fp4::chat {

const Value* Scope::find(std::string_view name) const {
    for (const Scope* scope = this; scope; scope = scope->parent) {
        for (const auto& entry : scope->names) {
            if (entry.first == name) return &entry.second;
        }
    }
    return nullptr;
}

void Scope::set(std::string_view name, const Value& value) {
    auto found = std::ranges::find(names, name, &std::pair<std::string_view, Value>::first);
    if (found != names.end()) {
        found->second = value;
    } else {
        names.emplace_back(name, value);
    }
}

Result<void> Evaluator::run(const Body& body, Scope& scope, std::string& out) {
    FP4_TRY(run_body(body, scope, out));
    return {};
}

Result<Scope*> Evaluator::inner_scope(Scope& parent) {
    FP4_ASSIGN(auto* scope, heap_.make<Scope>());
    scope->parent = &parent;
    return scope;
}

Result<void> Evaluator::write(std::string_view text, std::string& out) {
    if (text.size() >
        heap_.limits().max_output_bytes - std::min(out.size(), heap_.limits().max_output_bytes)) {
        return heap_.fail_as(Status::limit, "the output exceeds ", heap_.limits().max_output_bytes, " bytes");
    }
    FP4_TRY(heap_.spend_bytes(text.size()));
    out += text;
    return {};
}

Result<void> Evaluator::write_value(const Value& value, std::string& out) {
    FP4_ASSIGN(Value text, to_text(heap_, value));
    return write(text.as_text(), out);
}

Result<Evaluator::Flow> Evaluator::run_body(const Body& body, Scope& scope, std::string& out) {
    for (const Stmt& statement : body) {
        FP4_ASSIGN(Flow flow, run_statement(statement, scope, out));
        if (flow != Flow::normal) return flow;
    }
    return Flow::normal;
}

Result<Evaluator::Flow> Evaluator::run_statement(const Stmt& statement, Scope& scope, std::string& out) {
    Nesting nesting(heap_);
    FP4_TRY(nesting.enter());
    heap_.line = statement.line;
    FP4_TRY(heap_.spend(1));
    switch (statement.kind) {
        case Stmt::Kind::text:
            FP4_TRY(write(statement.text, out));
            break;
        case Stmt::Kind::output:
            for (const ExprPtr& expression : statement.expressions) {
                FP4_ASSIGN(Value value, eval(*expression, scope));
                FP4_TRY(write_value(value, out));
            }
            break;
        case Stmt::Kind::branch:
            return run_branch(statement, scope, out);
        case Stmt::Kind::loop:
            return run_loop(statement, scope, out);
        case Stmt::Kind::assign: {
            FP4_ASSIGN(Value value, eval(*statement.expressions[0], scope));
            FP4_TRY(assign(statement.targets[0], value, scope));
            break;
        }
        case Stmt::Kind::assign_block:
            return run_assign_block(statement, scope);
        case Stmt::Kind::with:
            return run_with(statement, scope, out);
        case Stmt::Kind::macro:
            FP4_TRY(define_macro(statement, scope));
            break;
        case Stmt::Kind::call_block:
            FP4_TRY(run_call_block(statement, scope, out));
            break;
        case Stmt::Kind::filter_block:
            return run_filter_block(statement, scope, out);
        case Stmt::Kind::generation: {
            FP4_ASSIGN(Scope * inner, inner_scope(scope));
            return run_body(statement.bodies[0], *inner, out);
        }
        case Stmt::Kind::break_loop:
            return Flow::break_loop;
        case Stmt::Kind::continue_loop:
            return Flow::continue_loop;
    }
    return Flow::normal;
}

Result<Evaluator::Flow> Evaluator::run_branch(const Stmt& statement, Scope& scope, std::string& out) {
    for (size_t i = 0; i < statement.expressions.size(); ++i) {
        FP4_ASSIGN(Value condition, eval(*statement.expressions[i], scope));
        if (truthy(condition)) return run_body(statement.bodies[i], scope, out);
    }
    if (statement.bodies.size() == statement.expressions.size()) return Flow::normal;
    return run_body(statement.bodies.back(), scope, out);
}

Result<Evaluator::Flow> Evaluator::run_loop(const Stmt& statement, Scope& scope, std::string& out) {
    const Expr* condition = statement.expressions[1].get();
    FP4_ASSIGN(Value source, eval(*statement.expressions[0], scope));
    FP4_ASSIGN(auto items, iterate(heap_, source));
    FP4_ASSIGN(Scope * inner, inner_scope(scope));
    auto passes = [&](const Value& item) -> Result<bool> {
        FP4_TRY(assign(statement.targets[0], item, *inner));
        FP4_ASSIGN(Value passed, eval(*condition, *inner));
        return truthy(passed);
    };
    // `loop` counts the items that pass, so they must be known first; else Jinja tests each when its turn
    // comes.
    if (condition && statement.uses_loop) {
        std::vector<Value> passing;
        for (const Value& item : items) {
            FP4_ASSIGN(bool passed, passes(item));
            if (passed) passing.push_back(item);
        }
        FP4_ASSIGN(Value list, heap_.list(std::move(passing)));
        items = list.as_sequence().unread();
    }
    FP4_ASSIGN(auto* loop, heap_.make<LoopObject>());
    loop->items = items;
    bool ran = false;
    for (size_t i = 0; i < items.size(); ++i) {
        FP4_TRY(heap_.spend(1));
        // Each turn has its own names; the scope is reused unless a macro holds on to it.
        if (inner->captured) {
            FP4_ASSIGN(inner, inner_scope(scope));
        }
        inner->names.clear();
        if (condition && !statement.uses_loop) {
            FP4_ASSIGN(bool passed, passes(items[i]));
            if (!passed) continue;
            inner->names.clear();
        }
        ran = true;
        loop->index = i;
        inner->set("loop", Value::loop(loop));
        FP4_TRY(assign(statement.targets[0], items[i], *inner));
        FP4_ASSIGN(Flow flow, run_body(statement.bodies[0], *inner, out));
        if (flow == Flow::break_loop) break;
    }
    if (ran || statement.bodies.size() == 1) return Flow::normal;
    FP4_ASSIGN(Scope * otherwise, inner_scope(scope));
    return run_body(statement.bodies[1], *otherwise, out);
}

Result<Evaluator::Flow> Evaluator::run_with(const Stmt& statement, Scope& scope, std::string& out) {
    FP4_ASSIGN(Scope * inner, inner_scope(scope));
    for (size_t i = 0; i < statement.targets.size(); ++i) {
        FP4_ASSIGN(Value value, eval(*statement.expressions[i], scope));
        FP4_TRY(assign(statement.targets[i], value, *inner));
    }
    return run_body(statement.bodies[0], *inner, out);
}

Result<Evaluator::Flow> Evaluator::run_filter_block(const Stmt& statement, Scope& scope, std::string& out) {
    FP4_ASSIGN(Scope * inner, inner_scope(scope));
    std::string text;
    FP4_ASSIGN(Flow flow, run_body(statement.bodies[0], *inner, text));
    if (flow != Flow::normal) return flow;
    FP4_ASSIGN(Value block, heap_.text(text));
    auto outer = std::exchange(captured_, block.as_text());
    FP4_ASSIGN(Value filtered, eval(*statement.expressions[0], *inner));
    captured_ = outer;
    FP4_TRY(write_value(filtered, out));
    return Flow::normal;
}

Result<Evaluator::Flow> Evaluator::run_assign_block(const Stmt& statement, Scope& scope) {
    FP4_ASSIGN(Scope * inner, inner_scope(scope));
    std::string text;
    FP4_ASSIGN(Flow flow, run_body(statement.bodies[0], *inner, text));
    if (flow != Flow::normal) return flow;
    FP4_ASSIGN(Value block, heap_.text(text));
    auto outer = std::exchange(captured_, block.as_text());
    FP4_ASSIGN(Value filtered, eval(*statement.expressions[0], *inner));
    captured_ = outer;
    FP4_TRY(assign(statement.targets[0], filtered, scope));
    return Flow::normal;
}

Result<void> Evaluator::define_macro(const Stmt& statement, Scope& scope) {
    FP4_ASSIGN(auto* macro, heap_.make<FunctionObject>());
    macro->type = FunctionObject::Type::macro;
    macro->name = statement.text;
    macro->macro = &statement;
    macro->scope = &scope;
    scope.captured = true;
    scope.set(statement.text, Value::function(macro));
    return {};
}

Result<void> Evaluator::run_call_block(const Stmt& statement, Scope& scope, std::string& out) {
    FP4_ASSIGN(auto* body, heap_.make<FunctionObject>());
    body->type = FunctionObject::Type::macro;
    body->name = statement.text;
    body->macro = &statement;
    body->scope = &scope;
    scope.captured = true;
    Value caller = Value::function(body);
    FP4_ASSIGN(Value result, eval_call(*statement.expressions[0], scope, &caller));
    return write_value(result, out);
}

Result<void> Evaluator::assign(const Target& target, const Value& value, Scope& scope) {
    if (!target.parts.empty()) {
        FP4_ASSIGN(auto items, iterate(heap_, value));
        if (items.size() != target.parts.size()) {
            return heap_.fail("cannot unpack ", items.size(), " values into ", target.parts.size(), " names");
        }
        for (size_t i = 0; i < items.size(); ++i) FP4_TRY(assign(target.parts[i], items[i], scope));
        return {};
    }
    if (target.attribute.empty()) {
        FP4_TRY(heap_.charge(sizeof(Value) + sizeof(std::string_view)));
        scope.set(target.name, value);
        return {};
    }
    const Value* owner = scope.find(target.name);
    if (!owner || !owner->is(Kind::name_space)) {
        return heap_.fail("cannot assign attribute '", target.attribute, "': '", target.name,
                          "' is no namespace");
    }
    if (target.attribute.starts_with('_')) {
        return heap_.fail("a namespace cannot hold '", target.attribute,
                          "': names with a leading _ are reserved");
    }
    return heap_.set(owner->as_dict(), Value::string(target.attribute), value);
}

} // namespace fp4::chat
