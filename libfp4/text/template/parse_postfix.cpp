// What follows an expression: attributes, subscripts, calls, filters and tests.
#include <charconv>

#include "libfp4/text/template/parser.h"

namespace fp4::chat {

Result<ExprPtr> ExpressionParser::postfix(ExprPtr left) {
    while (true) {
        if (cursor_.at_symbol(".")) {
            FP4_ASSIGN(left, attribute(std::move(left)));
        } else if (cursor_.at_symbol("[")) {
            FP4_ASSIGN(left, subscript(std::move(left)));
        } else if (cursor_.at_symbol("(")) {
            ExprPtr call = node(Expr::Kind::call);
            call->children.push_back(std::move(left));
            FP4_TRY(call_arguments(call->call));
            FP4_ASSIGN(left, finish(std::move(call)));
        } else {
            return left;
        }
    }
}

Result<ExprPtr> ExpressionParser::filters_and_tests(ExprPtr left) {
    while (true) {
        if (cursor_.at_symbol("|")) {
            cursor_.take();
            FP4_ASSIGN(left, filter(std::move(left)));
        } else if (cursor_.at_name("is")) {
            FP4_ASSIGN(left, test(std::move(left)));
        } else if (cursor_.at_symbol("(")) {
            ExprPtr call = node(Expr::Kind::call);
            call->children.push_back(std::move(left));
            FP4_TRY(call_arguments(call->call));
            FP4_ASSIGN(left, finish(std::move(call)));
        } else {
            return left;
        }
    }
}

Result<ExprPtr> ExpressionParser::block_filter(bool leading_pipe) {
    FP4_ASSIGN(ExprPtr value, finish(node(Expr::Kind::captured)));
    if (!leading_pipe) {
        FP4_ASSIGN(value, filter(std::move(value)));
    }
    while (cursor_.skip_symbol("|")) {
        FP4_ASSIGN(value, filter(std::move(value)));
    }
    return value;
}

Result<ExprPtr> ExpressionParser::filter(ExprPtr input) {
    ExprPtr expr = node(Expr::Kind::filter);
    FP4_ASSIGN(expr->text, cursor_.expect_name());
    while (cursor_.skip_symbol(".")) {
        FP4_ASSIGN(std::string part, cursor_.expect_name());
        expr->text += "." + part;
    }
    expr->children.push_back(std::move(input));
    if (cursor_.at_symbol("(")) FP4_TRY(call_arguments(expr->call));
    return finish(std::move(expr));
}

Result<ExprPtr> ExpressionParser::test(ExprPtr subject) {
    ExprPtr expr = node(Expr::Kind::test);
    cursor_.take(); // is
    bool negated = cursor_.skip_name("not");
    FP4_ASSIGN(expr->text, cursor_.expect_name());
    expr->children.push_back(std::move(subject));
    const Token& token = cursor_.current();
    bool operand =
        token.kind == TokenKind::string || token.kind == TokenKind::integer ||
        token.kind == TokenKind::real || cursor_.at_symbol("[") || cursor_.at_symbol("{") ||
        (token.kind == TokenKind::name && token.text != "else" && token.text != "or" && token.text != "and");
    if (cursor_.at_symbol("(")) {
        FP4_TRY(call_arguments(expr->call));
    } else if (operand) {
        if (cursor_.at_name("is")) return cursor_.fail("tests with 'is' cannot be chained");
        FP4_ASSIGN(ExprPtr argument, primary());
        FP4_ASSIGN(argument, postfix(std::move(argument)));
        expr->call.positional.push_back(std::move(argument));
    }
    FP4_ASSIGN(expr, finish(std::move(expr)));
    if (!negated) return expr;
    ExprPtr negation = node(Expr::Kind::logical_not);
    negation->children.push_back(std::move(expr));
    return finish(std::move(negation));
}

Result<ExprPtr> ExpressionParser::attribute(ExprPtr object) {
    cursor_.take(); // .
    if (cursor_.current().kind == TokenKind::name) {
        ExprPtr expr = node(Expr::Kind::attribute);
        expr->text = cursor_.take().text;
        expr->children.push_back(std::move(object));
        return finish(std::move(expr));
    }
    if (cursor_.current().kind != TokenKind::integer) return cursor_.unexpected("a name or number after '.'");
    ExprPtr expr = node(Expr::Kind::item);
    FP4_ASSIGN(ExprPtr index, primary());
    expr->children.push_back(std::move(object));
    expr->children.push_back(std::move(index));
    return finish(std::move(expr));
}

Result<ExprPtr> ExpressionParser::subscript(ExprPtr object) {
    ExprPtr expr = node(Expr::Kind::item);
    cursor_.take(); // [
    expr->children.push_back(std::move(object));
    ExprPtr bounds[3];
    size_t colons = 0;
    while (!cursor_.at_symbol("]")) {
        if (cursor_.skip_symbol(":")) {
            if (++colons > 2) return cursor_.unexpected("']'");
        } else if (bounds[colons]) {
            return cursor_.unexpected("']'");
        } else {
            FP4_ASSIGN(bounds[colons], expression());
        }
    }
    FP4_TRY(cursor_.expect_symbol("]"));
    if (colons == 0) {
        if (!bounds[0]) return cursor_.fail("an empty subscript");
        expr->children.push_back(std::move(bounds[0]));
    } else {
        expr->kind = Expr::Kind::slice;
        for (ExprPtr& bound : bounds) expr->children.push_back(std::move(bound));
    }
    return finish(std::move(expr));
}

Result<void> ExpressionParser::call_arguments(CallSyntax& call) {
    FP4_TRY(cursor_.expect_symbol("("));
    while (!cursor_.at_symbol(")")) {
        if (cursor_.skip_symbol("*")) {
            if (call.rest_positional || call.rest_named)
                return cursor_.fail("invalid order of call arguments");
            FP4_ASSIGN(call.rest_positional, expression());
        } else if (cursor_.skip_symbol("**")) {
            if (call.rest_named) return cursor_.fail("invalid order of call arguments");
            FP4_ASSIGN(call.rest_named, expression());
        } else if (cursor_.current().kind == TokenKind::name && cursor_.next().is(TokenKind::symbol, "=")) {
            if (call.rest_named) return cursor_.fail("invalid order of call arguments");
            std::string name = cursor_.take().text;
            cursor_.take();
            FP4_ASSIGN(ExprPtr value, expression());
            call.named.emplace_back(std::move(name), std::move(value));
        } else {
            if (call.rest_positional || call.rest_named || !call.named.empty()) {
                return cursor_.fail("a positional argument follows keyword arguments");
            }
            FP4_ASSIGN(ExprPtr value, expression());
            call.positional.push_back(std::move(value));
        }
        if (!cursor_.skip_symbol(",")) break;
    }
    return cursor_.expect_symbol(")");
}

} // namespace fp4::chat
