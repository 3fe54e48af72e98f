// Tokens -> syntax tree, after Jinja's own grammar (its precedences are not always Python's).
#pragma once

#include "libfp4/text/template/ast.h"
#include "libfp4/text/template/lexer.h"
#include "libfp4/text/template/limits.h"

namespace fp4::chat {

Result<Body> parse_template(std::vector<Token> tokens, std::string_view template_name,
                            const TemplateLimits& limits);

// The part of the parser shared by statements and expressions: a cursor over the tokens with errors and
// nesting.
class TokenCursor {
  public:
    TokenCursor(std::vector<Token> tokens, std::string_view template_name, const TemplateLimits& limits)
        : tokens_(std::move(tokens)), template_name_(template_name), limits_(limits) {}

    const Token& current() const { return tokens_[at_]; }
    const Token& next() const { return tokens_[std::min(at_ + 1, tokens_.size() - 1)]; }
    int line() const { return current().line; }
    bool at_name(std::string_view name) const { return current().is(TokenKind::name, name); }
    bool at_symbol(std::string_view symbol) const { return current().is(TokenKind::symbol, symbol); }
    Token take() { return at_ + 1 < tokens_.size() ? std::move(tokens_[at_++]) : tokens_[at_]; }
    bool skip_name(std::string_view name);
    bool skip_symbol(std::string_view symbol);
    Result<void> expect_symbol(std::string_view symbol);
    Result<void> expect(TokenKind kind, std::string_view what);
    Result<std::string> expect_name();
    Error fail(std::string_view message) const { return syntax_error(template_name_, line(), message); }
    Error unexpected(std::string_view wanted) const;

    const TemplateLimits& limits() const { return limits_; }

    // Names that give a macro its catch-all parameters, and loops their `loop`, noticed while parsing.
    std::vector<Stmt*> open_macros;
    std::vector<Stmt*> open_loops;

    class Nest {
      public:
        explicit Nest(TokenCursor& cursor) : cursor_(cursor) { ++cursor_.nesting_; }
        ~Nest() { --cursor_.nesting_; }
        Nest(const Nest&) = delete;
        Nest& operator=(const Nest&) = delete;
        Result<void> enter() const;

      private:
        TokenCursor& cursor_;
    };

  private:
    std::vector<Token> tokens_;
    std::string_view template_name_;
    const TemplateLimits& limits_;
    size_t at_ = 0;
    size_t nesting_ = 0;
};

// Expressions (parse_expressions.cpp).
class ExpressionParser {
  public:
    explicit ExpressionParser(TokenCursor& cursor) : cursor_(cursor) {}

    Result<ExprPtr> expression(bool with_condition = true);
    // One expression, or a tuple of several with commas between them. `end` is a name that also ends it.
    Result<ExprPtr> expression_list(bool with_condition = true, std::string_view end = {});
    // name(args)|name ... applied to the text of a block
    Result<ExprPtr> block_filter(bool leading_pipe);

  private:
    Result<ExprPtr> binary(int level);
    Result<ExprPtr> comparison(ExprPtr left);
    Result<ExprPtr> concatenation(ExprPtr left);
    Result<ExprPtr> unary(bool with_filters);
    Result<ExprPtr> primary();
    Result<ExprPtr> parenthesized();
    Result<ExprPtr> list();
    Result<ExprPtr> dict();
    Result<ExprPtr> postfix(ExprPtr left);
    Result<ExprPtr> filters_and_tests(ExprPtr left);
    Result<ExprPtr> filter(ExprPtr input);
    Result<ExprPtr> test(ExprPtr subject);
    Result<ExprPtr> attribute(ExprPtr object);
    Result<ExprPtr> subscript(ExprPtr object);
    Result<void> call_arguments(CallSyntax& call);
    void note_name(std::string_view name);

    ExprPtr node(Expr::Kind kind) const;
    // Sets the depth of a complete node; fails where the tree gets too deep.
    Result<ExprPtr> finish(ExprPtr expr) const;

    TokenCursor& cursor_;
};

} // namespace fp4::chat
