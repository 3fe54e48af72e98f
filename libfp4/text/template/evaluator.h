// Runs a syntax tree: statements write to an output text, expressions give values.
#pragma once

#include <ctime>

#include "libfp4/text/template/ast.h"
#include "libfp4/text/template/heap.h"

namespace fp4::chat {

// The names one block sees; inner scopes fall back to outer ones.
struct Scope : Object {
    Scope* parent = nullptr;
    std::vector<std::pair<std::string_view, Value>> names;
    bool captured = false; // a macro keeps it alive beyond its block

    const Value* find(std::string_view name) const;
    void set(std::string_view name, const Value& value);
};

class Evaluator {
  public:
    // `now` is what strftime_now() formats.
    Evaluator(Heap& heap, const std::tm& now) : heap_(heap), now_(now) {}

    Result<void> run(const Body& body, Scope& scope, std::string& out);

  private:
    enum class Flow { normal, break_loop, continue_loop };

    // Statements (evaluate_statements.cpp).
    Result<Flow> run_body(const Body& body, Scope& scope, std::string& out);
    Result<Flow> run_statement(const Stmt& statement, Scope& scope, std::string& out);
    Result<Flow> run_branch(const Stmt& statement, Scope& scope, std::string& out);
    Result<Flow> run_loop(const Stmt& statement, Scope& scope, std::string& out);
    Result<Flow> run_with(const Stmt& statement, Scope& scope, std::string& out);
    Result<Flow> run_filter_block(const Stmt& statement, Scope& scope, std::string& out);
    Result<Flow> run_assign_block(const Stmt& statement, Scope& scope);
    Result<void> run_call_block(const Stmt& statement, Scope& scope, std::string& out);
    Result<void> define_macro(const Stmt& statement, Scope& scope);
    Result<void> assign(const Target& target, const Value& value, Scope& scope);
    Result<void> write(std::string_view text, std::string& out);
    Result<void> write_value(const Value& value, std::string& out);
    Result<Scope*> inner_scope(Scope& parent);

    // Expressions (evaluate_expressions.cpp).
    Result<Value> eval(const Expr& expr, Scope& scope);
    Result<Value> eval_items(const Expr& expr, Scope& scope);
    Result<Value> eval_dict(const Expr& expr, Scope& scope);
    Result<Value> eval_slice(const Expr& expr, Scope& scope);
    Result<Value> eval_operation(const Expr& expr, Scope& scope);
    Result<Value> eval_concat(const Expr& expr, Scope& scope);
    Result<Value> eval_compare(const Expr& expr, Scope& scope);
    Result<Value> eval_conditional(const Expr& expr, Scope& scope);
    Result<Value> eval_filter_or_test(const Expr& expr, Scope& scope);

    // Calls (evaluate_calls.cpp).
    Result<Value> eval_call(const Expr& expr, Scope& scope, const Value* caller = nullptr);
    Result<void> eval_arguments(const CallSyntax& call, Scope& scope, Arguments& arguments);
    Result<Value> call_value(const Value& callee, const Arguments& arguments);
    Result<Value> call_macro(const FunctionObject& function, const Arguments& arguments);
    Result<void> bind_parameters(const FunctionObject& function, const Arguments& arguments, Scope& scope);

    Heap& heap_;
    const std::tm& now_;
    std::string_view captured_; // the text a filter block is applied to
};

} // namespace fp4::chat
