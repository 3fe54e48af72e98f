#include <algorithm>
#include <charconv>

#include "libfp4/text/template/parser.h"

namespace fp4::chat {

namespace {

// Binding strength of the binary operators, weakest first.
enum Level {
    level_or,
    level_and,
    level_not,
    level_compare,
    level_add,
    level_concat,
    level_multiply,
    level_power,
    level_unary
};

std::optional<Comparison> comparison_symbol(const Token& token) {
    if (token.kind != TokenKind::symbol) return std::nullopt;
    if (token.text == "==") return Comparison::equal;
    if (token.text == "!=") return Comparison::not_equal;
    if (token.text == "<") return Comparison::less;
    if (token.text == "<=") return Comparison::less_equal;
    if (token.text == ">") return Comparison::greater;
    if (token.text == ">=") return Comparison::greater_equal;
    return std::nullopt;
}

std::optional<Op> arithmetic_symbol(const Token& token, int& level) {
    if (token.kind != TokenKind::symbol) return std::nullopt;
    level = level_add;
    if (token.text == "+") return Op::add;
    if (token.text == "-") return Op::subtract;
    level = level_multiply;
    if (token.text == "*") return Op::multiply;
    if (token.text == "/") return Op::divide;
    if (token.text == "//") return Op::floor_divide;
    if (token.text == "%") return Op::modulo;
    level = level_power;
    if (token.text == "**") return Op::power;
    return std::nullopt;
}

size_t depth_of(const ExprPtr& expr) {
    return expr ? expr->depth : 0;
}

} // namespace

ExprPtr ExpressionParser::node(Expr::Kind kind) const {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->line = cursor_.line();
    return expr;
}

Result<ExprPtr> ExpressionParser::finish(ExprPtr expr) const {
    size_t deepest = std::max(depth_of(expr->call.rest_positional), depth_of(expr->call.rest_named));
    for (const ExprPtr& child : expr->children) deepest = std::max(deepest, depth_of(child));
    for (const ExprPtr& argument : expr->call.positional) deepest = std::max(deepest, depth_of(argument));
    for (const auto& argument : expr->call.named) deepest = std::max(deepest, depth_of(argument.second));
    expr->depth = deepest + 1;
    if (expr->depth > cursor_.limits().max_depth) {
        return cursor_.fail(
            concat("an expression is nested more than ", cursor_.limits().max_depth, " levels deep"));
    }
    return expr;
}

Result<ExprPtr> ExpressionParser::expression(bool with_condition) {
    TokenCursor::Nest nest(cursor_);
    FP4_TRY(nest.enter());
    FP4_ASSIGN(ExprPtr value, binary(level_or));
    while (with_condition && cursor_.skip_name("if")) {
        ExprPtr choice = node(Expr::Kind::conditional);
        FP4_ASSIGN(ExprPtr test, binary(level_or));
        ExprPtr otherwise;
        if (cursor_.skip_name("else")) {
            FP4_ASSIGN(otherwise, expression());
        }
        choice->children.push_back(std::move(test));
        choice->children.push_back(std::move(value));
        choice->children.push_back(std::move(otherwise));
        FP4_ASSIGN(value, finish(std::move(choice)));
    }
    return value;
}

Result<ExprPtr> ExpressionParser::expression_list(bool with_condition, std::string_view end) {
    ExprPtr tuple = node(Expr::Kind::tuple);
    bool comma = false;
    while (true) {
        TokenKind kind = cursor_.current().kind;
        bool ends = kind == TokenKind::variable_end || kind == TokenKind::block_end ||
                    cursor_.at_symbol(")") || (!end.empty() && cursor_.at_name(end));
        if (ends) break;
        FP4_ASSIGN(ExprPtr item, expression(with_condition));
        tuple->children.push_back(std::move(item));
        if (!cursor_.skip_symbol(",")) break;
        comma = true;
    }
    if (comma) return finish(std::move(tuple));
    if (tuple->children.empty()) return cursor_.unexpected("an expression");
    return std::move(tuple->children[0]);
}

Result<ExprPtr> ExpressionParser::binary(int level) {
    TokenCursor::Nest nest(cursor_);
    FP4_TRY(nest.enter());
    ExprPtr left;
    if (level <= level_not && cursor_.at_name("not")) {
        ExprPtr negation = node(Expr::Kind::logical_not);
        cursor_.take();
        FP4_ASSIGN(ExprPtr operand, binary(level_not));
        negation->children.push_back(std::move(operand));
        FP4_ASSIGN(left, finish(std::move(negation)));
    } else {
        FP4_ASSIGN(left, unary(true));
    }
    while (true) {
        bool is_or = cursor_.at_name("or");
        if ((is_or && level <= level_or) || (cursor_.at_name("and") && level <= level_and)) {
            ExprPtr both = node(is_or ? Expr::Kind::logical_or : Expr::Kind::logical_and);
            cursor_.take();
            FP4_ASSIGN(ExprPtr right, binary(is_or ? level_and : level_not));
            both->children.push_back(std::move(left));
            both->children.push_back(std::move(right));
            FP4_ASSIGN(left, finish(std::move(both)));
            continue;
        }
        bool membership =
            cursor_.at_name("in") || (cursor_.at_name("not") && cursor_.next().is(TokenKind::name, "in"));
        if (level <= level_compare && (membership || comparison_symbol(cursor_.current()))) {
            FP4_ASSIGN(left, comparison(std::move(left)));
            continue;
        }
        if (level <= level_concat && cursor_.at_symbol("~")) {
            FP4_ASSIGN(left, concatenation(std::move(left)));
            continue;
        }
        int op_level = 0;
        auto op = arithmetic_symbol(cursor_.current(), op_level);
        if (!op || op_level < level) return left;
        ExprPtr operation = node(Expr::Kind::arithmetic);
        operation->op = *op;
        cursor_.take();
        FP4_ASSIGN(ExprPtr right, op_level == level_power ? unary(true) : binary(op_level + 1));
        operation->children.push_back(std::move(left));
        operation->children.push_back(std::move(right));
        FP4_ASSIGN(left, finish(std::move(operation)));
    }
}

Result<ExprPtr> ExpressionParser::comparison(ExprPtr left) {
    ExprPtr chain = node(Expr::Kind::compare);
    chain->children.push_back(std::move(left));
    while (true) {
        auto symbol = comparison_symbol(cursor_.current());
        bool negated = !symbol && cursor_.at_name("not") && cursor_.next().is(TokenKind::name, "in");
        if (!symbol && !negated && !cursor_.at_name("in")) break;
        if (negated) cursor_.take();
        cursor_.take();
        chain->comparisons.push_back(symbol ? *symbol : negated ? Comparison::not_in : Comparison::in);
        FP4_ASSIGN(ExprPtr right, binary(level_add));
        chain->children.push_back(std::move(right));
    }
    return finish(std::move(chain));
}

Result<ExprPtr> ExpressionParser::concatenation(ExprPtr left) {
    ExprPtr chain = node(Expr::Kind::concat);
    chain->children.push_back(std::move(left));
    while (cursor_.skip_symbol("~")) {
        FP4_ASSIGN(ExprPtr right, binary(level_multiply));
        chain->children.push_back(std::move(right));
    }
    return finish(std::move(chain));
}

Result<ExprPtr> ExpressionParser::unary(bool with_filters) {
    TokenCursor::Nest nest(cursor_);
    FP4_TRY(nest.enter());
    ExprPtr value;
    if (cursor_.at_symbol("-") || cursor_.at_symbol("+")) {
        ExprPtr sign = node(cursor_.at_symbol("-") ? Expr::Kind::negate : Expr::Kind::plus);
        cursor_.take();
        FP4_ASSIGN(ExprPtr operand, unary(false));
        sign->children.push_back(std::move(operand));
        FP4_ASSIGN(value, finish(std::move(sign)));
    } else {
        FP4_ASSIGN(value, primary());
    }
    FP4_ASSIGN(value, postfix(std::move(value)));
    return with_filters ? filters_and_tests(std::move(value)) : Result<ExprPtr>(std::move(value));
}

void ExpressionParser::note_name(std::string_view name) {
    for (Stmt* macro : cursor_.open_macros) {
        if (name == "caller") macro->uses_caller = true;
        if (name == "varargs") macro->uses_varargs = true;
        if (name == "kwargs") macro->uses_kwargs = true;
    }
    if (name == "loop" && !cursor_.open_loops.empty()) cursor_.open_loops.back()->uses_loop = true;
}

Result<ExprPtr> ExpressionParser::primary() {
    const Token& token = cursor_.current();
    if (token.kind == TokenKind::name) {
        ExprPtr expr = node(Expr::Kind::constant);
        std::string name = cursor_.take().text;
        if (name == "true" || name == "True") {
            expr->constant = Value::boolean(true);
        } else if (name == "false" || name == "False") {
            expr->constant = Value::boolean(false);
        } else if (name != "none" && name != "None") {
            note_name(name);
            expr->kind = Expr::Kind::name;
            expr->text = std::move(name);
        }
        return expr;
    }
    if (token.kind == TokenKind::string) {
        ExprPtr expr = node(Expr::Kind::constant);
        while (cursor_.current().kind == TokenKind::string) expr->text += cursor_.take().text;
        expr->constant = Value::string(expr->text);
        return expr;
    }
    if (token.kind == TokenKind::integer) {
        ExprPtr expr = node(Expr::Kind::constant);
        std::string_view digits = token.text;
        int base = digits.size() < 3           ? 10
                   : (digits[1] | 0x20) == 'x' ? 16
                   : (digits[1] | 0x20) == 'o' ? 8
                   : (digits[1] | 0x20) == 'b' ? 2
                                               : 10;
        if (base != 10) digits.remove_prefix(2);
        int64_t value = 0;
        auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
        if (status != std::errc() || end != digits.data() + digits.size()) {
            return cursor_.fail("an integer does not fit 64 bits");
        }
        expr->constant = Value::integer(value);
        cursor_.take();
        return expr;
    }
    if (token.kind == TokenKind::real) {
        ExprPtr expr = node(Expr::Kind::constant);
        double value = 0;
        auto [end, status] = std::from_chars(token.text.data(), token.text.data() + token.text.size(), value);
        if (status != std::errc()) return cursor_.fail("a number is out of range");
        expr->constant = Value::real(value);
        cursor_.take();
        return expr;
    }
    if (cursor_.at_symbol("(")) return parenthesized();
    if (cursor_.at_symbol("[")) return list();
    if (cursor_.at_symbol("{")) return dict();
    return cursor_.unexpected("an expression");
}

Result<ExprPtr> ExpressionParser::parenthesized() {
    ExprPtr empty = node(Expr::Kind::tuple);
    cursor_.take();
    if (cursor_.skip_symbol(")")) return finish(std::move(empty));
    FP4_ASSIGN(ExprPtr inner, expression_list());
    FP4_TRY(cursor_.expect_symbol(")"));
    return inner;
}

Result<ExprPtr> ExpressionParser::list() {
    ExprPtr expr = node(Expr::Kind::list);
    cursor_.take();
    while (!cursor_.at_symbol("]")) {
        FP4_ASSIGN(ExprPtr item, expression());
        expr->children.push_back(std::move(item));
        if (!cursor_.skip_symbol(",")) break;
    }
    FP4_TRY(cursor_.expect_symbol("]"));
    return finish(std::move(expr));
}

Result<ExprPtr> ExpressionParser::dict() {
    ExprPtr expr = node(Expr::Kind::dict);
    cursor_.take();
    while (!cursor_.at_symbol("}")) {
        FP4_ASSIGN(ExprPtr key, expression());
        FP4_TRY(cursor_.expect_symbol(":"));
        FP4_ASSIGN(ExprPtr value, expression());
        expr->children.push_back(std::move(key));
        expr->children.push_back(std::move(value));
        if (!cursor_.skip_symbol(",")) break;
    }
    FP4_TRY(cursor_.expect_symbol("}"));
    return finish(std::move(expr));
}

} // namespace fp4::chat
