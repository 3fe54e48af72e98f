#include <algorithm>

#include "libfp4/text/template/parser.h"

namespace fp4::chat {

bool TokenCursor::skip_name(std::string_view name) {
    if (!at_name(name)) return false;
    take();
    return true;
}

bool TokenCursor::skip_symbol(std::string_view symbol) {
    if (!at_symbol(symbol)) return false;
    take();
    return true;
}

Result<void> TokenCursor::expect_symbol(std::string_view symbol) {
    if (skip_symbol(symbol)) return {};
    return unexpected(concat("'", symbol, "'"));
}

Result<void> TokenCursor::expect(TokenKind kind, std::string_view what) {
    if (current().kind != kind) return unexpected(what);
    take();
    return {};
}

Result<std::string> TokenCursor::expect_name() {
    if (current().kind != TokenKind::name) return unexpected("a name");
    return take().text;
}

Error TokenCursor::unexpected(std::string_view wanted) const {
    std::string_view found = current().text;
    switch (current().kind) {
        case TokenKind::variable_end:
            found = "}}";
            break;
        case TokenKind::block_end:
            found = "%}";
            break;
        case TokenKind::end:
            found = "the end of the template";
            break;
        default:
            break;
    }
    constexpr size_t shown = 40;
    return fail(concat("expected ", wanted, ", got '", found.substr(0, shown), "'"));
}

Result<void> TokenCursor::Nest::enter() const {
    // An expression level takes up to three of these.
    if (cursor_.nesting_ <= 3 * cursor_.limits_.max_depth) return {};
    return cursor_.fail(concat("the source is nested more than ", cursor_.limits_.max_depth, " levels deep"));
}

namespace {

class StatementParser {
  public:
    explicit StatementParser(TokenCursor& cursor) : cursor_(cursor), expressions_(cursor) {}

    // Statements up to a tag whose name is in `ends` (the cursor is then at that name), or up to the end.
    Result<Body> body(std::initializer_list<std::string_view> ends, std::string_view opened_by = {},
                      int opened = 0) {
        TokenCursor::Nest nest(cursor_);
        FP4_TRY(nest.enter());
        if (++depth_ > cursor_.limits().max_depth) {
            return cursor_.fail(
                concat("blocks are nested more than ", cursor_.limits().max_depth, " levels deep"));
        }
        Body statements;
        while (true) {
            Stmt statement;
            statement.line = cursor_.line();
            if (cursor_.current().kind == TokenKind::text) {
                statement.text = cursor_.take().text;
            } else if (cursor_.current().kind == TokenKind::variable_begin) {
                cursor_.take();
                statement.kind = Stmt::Kind::output;
                FP4_ASSIGN(ExprPtr value, expressions_.expression_list());
                statement.expressions.push_back(std::move(value));
                FP4_TRY(cursor_.expect(TokenKind::variable_end, "'}}'"));
            } else if (cursor_.current().kind == TokenKind::block_begin) {
                cursor_.take();
                const Token& tag = cursor_.current();
                bool ended = tag.kind == TokenKind::name && std::ranges::find(ends, tag.text) != ends.end();
                if (ended) break;
                FP4_TRY(tag_statement(statement, opened_by, opened));
                FP4_TRY(cursor_.expect(TokenKind::block_end, "'%}'"));
            } else { // the end of the template
                if (ends.size() == 0) break;
                return cursor_.fail(concat("the template ends before '", *(ends.end() - 1), "' of the '",
                                           opened_by, "' in line ", opened));
            }
            statements.push_back(std::move(statement));
        }
        --depth_;
        return statements;
    }

  private:
    // The body of a block tag whose own end is next: %} ... {% endNAME
    Result<Body> block(std::initializer_list<std::string_view> ends, std::string_view opened_by, int opened) {
        cursor_.skip_symbol(":"); // Jinja allows Python's colon
        FP4_TRY(cursor_.expect(TokenKind::block_end, "'%}'"));
        return body(ends, opened_by, opened);
    }

    Result<void> whole_block(Stmt& statement, std::string_view tag) {
        std::string end = concat("end", tag);
        FP4_ASSIGN(Body inner, block({end}, tag, statement.line));
        cursor_.take();
        statement.bodies.push_back(std::move(inner));
        return {};
    }

    Result<void> tag_statement(Stmt& statement, std::string_view opened_by, int opened) {
        if (cursor_.current().kind != TokenKind::name) return cursor_.unexpected("the name of a tag");
        std::string tag = cursor_.take().text;
        if (tag == "if") return if_statement(statement);
        if (tag == "for") return for_statement(statement);
        if (tag == "set") return set_statement(statement);
        if (tag == "with") return with_statement(statement);
        if (tag == "macro") return macro_statement(statement);
        if (tag == "call") return call_statement(statement);
        if (tag == "print") return print_statement(statement);
        if (tag == "break" || tag == "continue") {
            if (cursor_.open_loops.empty()) return cursor_.fail(concat("'", tag, "' outside a loop"));
            statement.kind = tag == "break" ? Stmt::Kind::break_loop : Stmt::Kind::continue_loop;
            return {};
        }
        if (tag == "filter") {
            statement.kind = Stmt::Kind::filter_block;
            FP4_ASSIGN(ExprPtr filter, expressions_.block_filter(false));
            statement.expressions.push_back(std::move(filter));
            return whole_block(statement, tag);
        }
        if (tag == "generation") {
            statement.kind = Stmt::Kind::generation;
            auto loops = std::exchange(cursor_.open_loops, {});
            FP4_TRY(whole_block(statement, tag));
            cursor_.open_loops = std::move(loops);
            return {};
        }
        for (std::string_view known : {"include", "import", "from", "extends", "block", "autoescape"}) {
            if (tag == known)
                return cursor_.fail(concat("the tag '", tag, "' is not supported in chat templates"));
        }
        if (opened_by.empty()) return cursor_.fail(concat("unknown tag '", tag, "'"));
        return cursor_.fail(concat("unknown tag '", tag, "' inside the '", opened_by, "' of line ", opened));
    }

    Result<void> if_statement(Stmt& statement) {
        statement.kind = Stmt::Kind::branch;
        while (true) {
            FP4_ASSIGN(ExprPtr condition, expressions_.expression_list(false));
            statement.expressions.push_back(std::move(condition));
            FP4_ASSIGN(Body inner, block({"elif", "else", "endif"}, "if", statement.line));
            statement.bodies.push_back(std::move(inner));
            std::string end = cursor_.take().text;
            if (end == "endif") return {};
            if (end == "elif") continue;
            FP4_ASSIGN(Body otherwise, block({"endif"}, "if", statement.line));
            statement.bodies.push_back(std::move(otherwise));
            cursor_.take();
            return {};
        }
    }

    Result<void> for_statement(Stmt& statement) {
        statement.kind = Stmt::Kind::loop;
        FP4_ASSIGN(Target target, assign_target(false));
        if (target.name == "loop") return cursor_.fail("'loop' cannot be the variable of a for loop");
        statement.targets.push_back(std::move(target));
        if (!cursor_.skip_name("in")) return cursor_.unexpected("'in'");
        FP4_ASSIGN(ExprPtr items, expressions_.expression_list(false, "recursive"));
        ExprPtr condition;
        if (cursor_.skip_name("if")) {
            FP4_ASSIGN(condition, expressions_.expression());
        }
        if (cursor_.at_name("recursive")) return cursor_.fail("recursive loops are not supported");
        statement.expressions.push_back(std::move(items));
        statement.expressions.push_back(std::move(condition));
        cursor_.open_loops.push_back(&statement);
        FP4_ASSIGN(Body inner, block({"else", "endfor"}, "for", statement.line));
        cursor_.open_loops.pop_back();
        statement.bodies.push_back(std::move(inner));
        if (cursor_.take().text == "endfor") return {};
        FP4_ASSIGN(Body otherwise, block({"endfor"}, "for", statement.line));
        statement.bodies.push_back(std::move(otherwise));
        cursor_.take();
        return {};
    }

    Result<void> set_statement(Stmt& statement) {
        FP4_ASSIGN(Target target, assign_target(true));
        statement.targets.push_back(std::move(target));
        if (cursor_.skip_symbol("=")) {
            statement.kind = Stmt::Kind::assign;
            FP4_ASSIGN(ExprPtr value, expressions_.expression_list());
            statement.expressions.push_back(std::move(value));
            return {};
        }
        statement.kind = Stmt::Kind::assign_block;
        FP4_ASSIGN(ExprPtr filter, expressions_.block_filter(true));
        statement.expressions.push_back(std::move(filter));
        return whole_block(statement, "set");
    }

    Result<void> with_statement(Stmt& statement) {
        statement.kind = Stmt::Kind::with;
        while (cursor_.current().kind != TokenKind::block_end) {
            if (!statement.targets.empty()) FP4_TRY(cursor_.expect_symbol(","));
            FP4_ASSIGN(Target target, assign_target(false));
            FP4_TRY(cursor_.expect_symbol("="));
            FP4_ASSIGN(ExprPtr value, expressions_.expression());
            statement.targets.push_back(std::move(target));
            statement.expressions.push_back(std::move(value));
        }
        return whole_block(statement, "with");
    }

    Result<void> macro_statement(Stmt& statement) {
        statement.kind = Stmt::Kind::macro;
        FP4_ASSIGN(statement.text, cursor_.expect_name());
        FP4_TRY(callable_body(statement, "macro", true));
        return {};
    }

    Result<void> call_statement(Stmt& statement) {
        statement.kind = Stmt::Kind::call_block;
        statement.text = "caller";
        bool parameters = cursor_.at_symbol("(");
        if (parameters) FP4_TRY(signature(statement));
        FP4_ASSIGN(ExprPtr call, expressions_.expression());
        if (call->kind != Expr::Kind::call) return cursor_.fail("'call' needs a call of a macro");
        statement.expressions.push_back(std::move(call));
        return callable_body(statement, "call", false);
    }

    // A body that is run by a call: it belongs to no loop around it.
    Result<void> callable_body(Stmt& statement, std::string_view tag, bool with_signature) {
        auto loops = std::exchange(cursor_.open_loops, {});
        cursor_.open_macros.push_back(&statement);
        if (with_signature) FP4_TRY(signature(statement));
        FP4_TRY(whole_block(statement, tag));
        cursor_.open_macros.pop_back();
        cursor_.open_loops = std::move(loops);
        return {};
    }

    Result<void> signature(Stmt& statement) {
        FP4_TRY(cursor_.expect_symbol("("));
        while (!cursor_.at_symbol(")")) {
            if (!statement.parameters.empty()) FP4_TRY(cursor_.expect_symbol(","));
            FP4_ASSIGN(std::string name, cursor_.expect_name());
            statement.parameters.push_back(std::move(name));
            if (cursor_.skip_symbol("=")) {
                FP4_ASSIGN(ExprPtr value, expressions_.expression());
                statement.defaults.push_back(std::move(value));
            } else if (!statement.defaults.empty()) {
                return cursor_.fail("a parameter without default follows one with default");
            }
        }
        return cursor_.expect_symbol(")");
    }

    Result<void> print_statement(Stmt& statement) {
        statement.kind = Stmt::Kind::output;
        while (cursor_.current().kind != TokenKind::block_end) {
            if (!statement.expressions.empty()) FP4_TRY(cursor_.expect_symbol(","));
            FP4_ASSIGN(ExprPtr value, expressions_.expression());
            statement.expressions.push_back(std::move(value));
        }
        return {};
    }

    // a | a, b | (a, b), c | namespace.attribute
    Result<Target> assign_target(bool with_attribute) {
        Target tuple;
        bool comma = false;
        while (true) {
            bool ends = cursor_.at_name("in") || cursor_.at_symbol("=") || cursor_.at_symbol(")") ||
                        cursor_.current().kind == TokenKind::block_end;
            if (ends) break;
            FP4_ASSIGN(Target part, single_target(with_attribute));
            tuple.parts.push_back(std::move(part));
            if (!cursor_.skip_symbol(",")) break;
            comma = true;
        }
        if (tuple.parts.empty()) return cursor_.unexpected("a name to assign to");
        if (!comma) return std::move(tuple.parts[0]);
        return tuple;
    }

    Result<Target> single_target(bool with_attribute) {
        TokenCursor::Nest nest(cursor_);
        FP4_TRY(nest.enter());
        if (cursor_.skip_symbol("(")) {
            FP4_ASSIGN(Target inner, assign_target(with_attribute));
            FP4_TRY(cursor_.expect_symbol(")"));
            return inner;
        }
        Target target;
        FP4_ASSIGN(target.name, cursor_.expect_name());
        for (std::string_view reserved : {"true", "false", "none", "True", "False", "None"}) {
            if (target.name == reserved)
                return cursor_.fail(concat("'", reserved, "' cannot be assigned to"));
        }
        if (with_attribute && cursor_.skip_symbol(".")) {
            FP4_ASSIGN(target.attribute, cursor_.expect_name());
        }
        return target;
    }

    TokenCursor& cursor_;
    ExpressionParser expressions_;
    size_t depth_ = 0;
};

} // namespace

Result<Body> parse_template(std::vector<Token> tokens, std::string_view template_name,
                            const TemplateLimits& limits) {
    TokenCursor cursor(std::move(tokens), template_name, limits);
    return StatementParser(cursor).body({});
}

} // namespace fp4::chat
