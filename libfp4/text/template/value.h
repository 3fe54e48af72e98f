// The values a chat template computes with, with Python's meaning.
//
// A Value is 24 bytes and is copied freely. What it points to lives in the Heap of one render (heap.h) or,
// for constants, in the parsed template; nothing is reference counted. So cycles made by a hostile template
// cannot leak and deep nests cannot overflow the stack when they are freed.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fp4::chat {

enum class Kind : uint8_t {
    undefined, // a missing variable or attribute; prints as nothing
    none,
    boolean,
    integer,
    real,
    string,
    list,
    tuple,
    range,
    view,      // dict.keys(), .values(), .items()
    generator, // result of map, select, ...: always true, read once
    dict,
    name_space, // namespace(): the only value a template may change
    loop,       // the `loop` variable of a for statement
    function,
};

struct Object {
    virtual ~Object() = default;
};

struct UndefinedObject;
struct SequenceObject;
struct DictObject;
struct LoopObject;
struct FunctionObject;

class Value {
  public:
    Value() : text_{nullptr, 0} {}
    static Value undefined(const UndefinedObject* why);
    static Value none() { return Value(Kind::none); }
    static Value boolean(bool b);
    static Value integer(int64_t i);
    static Value real(double d);
    // `markup` marks text that went through |safe or |escape (markupsafe.Markup in Python).
    static Value string(std::string_view text, bool markup = false);
    static Value sequence(Kind kind, SequenceObject* items);
    static Value dict(DictObject* entries, Kind kind = Kind::dict);
    static Value loop(LoopObject* loop);
    static Value function(const FunctionObject* function);

    Kind kind() const { return kind_; }
    bool is(Kind kind) const { return kind_ == kind; }
    bool is_undefined() const { return kind_ == Kind::undefined; }
    bool is_string() const { return kind_ == Kind::string; }
    bool is_markup() const { return kind_ == Kind::string && markup_; }
    // bool, int and float, as numbers.Number in Python
    bool is_number() const { return is_integral() || kind_ == Kind::real; }
    bool is_integral() const { return kind_ == Kind::boolean || kind_ == Kind::integer; }
    bool is_sequence() const { return kind_ >= Kind::list && kind_ <= Kind::generator; }

    // Each accessor needs the matching kind.
    int64_t as_int() const { return integer_; } // boolean too: 0 or 1
    bool as_bool() const { return integer_ != 0; }
    double as_real() const { return kind_ == Kind::real ? real_ : static_cast<double>(integer_); }
    std::string_view as_text() const { return {text_.data, text_.size}; }
    SequenceObject& as_sequence() const { return *sequence_; }
    DictObject& as_dict() const { return *dict_; } // name_space too
    LoopObject& as_loop() const { return *loop_; }
    const FunctionObject& as_function() const { return *function_; }
    const UndefinedObject* why_undefined() const { return undefined_; }
    const void* identity() const { return dict_; }

  private:
    explicit Value(Kind kind) : kind_(kind), text_{nullptr, 0} {}

    Kind kind_ = Kind::undefined;
    bool markup_ = false;
    union {
        int64_t integer_;
        double real_;
        struct {
            const char* data;
            size_t size;
        } text_;
        const UndefinedObject* undefined_;
        SequenceObject* sequence_;
        DictObject* dict_;
        LoopObject* loop_;
        const FunctionObject* function_;
    };
};

// Why a value is undefined, for the message when something needs it.
struct UndefinedObject : Object {
    std::string message;
};

struct SequenceObject : Object {
    std::vector<Value> items;
    size_t next = 0;                       // generator: first item not read yet
    std::string_view view_name;            // view: "dict_keys" ...
    int64_t start = 0, stop = 0, step = 1; // range, for printing
    std::span<const Value> unread() const { return std::span(items).subspan(next); }
};

// Keeps insertion order. Keys are hashable values; string keys are found through an index.
struct DictObject : Object {
    std::vector<std::pair<Value, Value>> entries;
    const Value* find(std::string_view key) const;
    const Value* find(const Value& key) const;
    void set(const Value& key, const Value& value);

  private:
    std::map<std::string_view, size_t> index_; // a tree: no hash for a hostile template to collide
    static constexpr size_t no_entry = SIZE_MAX;
    size_t position(const Value& key) const;
};

// The state behind `loop`.
struct LoopObject : Object {
    std::span<const Value> items;
    size_t index = 0; // loop.index0
    std::vector<Value> last_changed;
    bool changed_called = false;
};

// Positional and keyword arguments of one call.
struct Arguments {
    std::vector<Value> positional;
    std::vector<std::pair<std::string_view, Value>> named;
};

struct Stmt;
struct Scope;

// What a call runs: a builtin, a method bound to a value, or a macro with the scope it closes over.
struct FunctionObject : Object {
    enum class Type : uint8_t { builtin, method, macro } type = Type::builtin;
    std::string_view name;
    Value self;                  // method: the value left of the dot
    const Stmt* macro = nullptr; // macro or call block
    Scope* scope = nullptr;      // macro: where it was defined
};

bool truthy(const Value& value);
// Python's hash rule: text, numbers, none, functions, and tuples of these.
bool hashable(const Value& value, int depth = 0);
// Python's type name: "str", "dict", ... as it appears in messages.
std::string_view type_name(const Value& value);

} // namespace fp4::chat
