// The syntax tree of a template. Built once, never changed, shared by all renders.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libfp4/text/template/operators.h"
#include "libfp4/text/template/value.h"

namespace fp4::chat {

struct Expr;
using ExprPtr = std::unique_ptr<Expr>;

struct CallSyntax {
    std::vector<ExprPtr> positional;
    std::vector<std::pair<std::string, ExprPtr>> named;
    ExprPtr rest_positional; // *expression
    ExprPtr rest_named;      // **expression
};

enum class Comparison { equal, not_equal, less, less_equal, greater, greater_equal, in, not_in };

struct Expr {
    enum class Kind {
        constant,    // constant; text holds the characters of a string
        name,        // text
        list,        // children
        tuple,       // children
        dict,        // children: key, value, key, value ...
        attribute,   // children[0] . text
        item,        // children[0] [ children[1] ]
        slice,       // children[0] [ children[1] : children[2] : children[3] ], null where omitted
        call,        // children[0] ( call )
        filter,      // children[0] | text ( call )
        test,        // children[0] is text ( call )
        negate,      // - children[0]
        plus,        // + children[0]
        logical_not, // not children[0]
        logical_and, // children[0] and children[1]
        logical_or,  // children[0] or children[1]
        arithmetic,  // children[0] op children[1]
        concat,      // children joined by ~
        compare,     // children[0] comparisons[0] children[1] comparisons[1] children[2] ...
        conditional, // children[1] if children[0] else children[2] (may be null)
        captured,    // the text of the block that a filter or set block applies to
    };

    Kind kind = Kind::constant;
    int line = 1;
    size_t depth = 1; // of this tree; bounds the recursion of evaluation and destruction
    Value constant = Value::none();
    std::string text;
    Op op = Op::add;
    std::vector<ExprPtr> children;
    std::vector<Comparison> comparisons;
    CallSyntax call;
};

// What set, for and with assign to: a name, an attribute of a namespace, or a tuple of targets.
struct Target {
    std::string name;
    std::string attribute;
    std::vector<Target> parts;
};

using Body = std::vector<Stmt>;

struct Stmt {
    enum class Kind {
        text,         // text
        output,       // expressions
        branch,       // if: expressions[i] guards bodies[i]; one body more is the else
        loop,         // for: targets[0] in expressions[0] if expressions[1]; bodies[0], else bodies[1]
        assign,       // set: targets[0] = expressions[0]
        assign_block, // set: targets[0] = text of bodies[0], through the filters expressions[0]
        with,         // targets[i] = expressions[i] for bodies[0]
        macro,        // text ( parameters ) bodies[0]
        call_block,   // call ( parameters ): expressions[0] called with bodies[0] as caller
        filter_block, // expressions[0] applied to the text of bodies[0]
        generation,   // bodies[0] in its own scope
        break_loop,
        continue_loop,
    };

    Kind kind = Kind::text;
    int line = 1;
    std::string text;
    std::vector<Target> targets;
    std::vector<ExprPtr> expressions;
    std::vector<Body> bodies;
    std::vector<std::string> parameters;
    std::vector<ExprPtr> defaults;                                       // of the last parameters
    bool uses_caller = false, uses_varargs = false, uses_kwargs = false; // macro and call block
    bool uses_loop = false;                                              // for
};

} // namespace fp4::chat
