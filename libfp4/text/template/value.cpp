#include "libfp4/text/template/value.h"

#include "libfp4/text/template/compare.h"

namespace fp4::chat {

Value Value::undefined(const UndefinedObject* why) {
    Value value(Kind::undefined);
    value.undefined_ = why;
    return value;
}

Value Value::boolean(bool b) {
    Value value(Kind::boolean);
    value.integer_ = b;
    return value;
}

Value Value::integer(int64_t i) {
    Value value(Kind::integer);
    value.integer_ = i;
    return value;
}

Value Value::real(double d) {
    Value value(Kind::real);
    value.real_ = d;
    return value;
}

Value Value::string(std::string_view text, bool markup) {
    Value value(Kind::string);
    value.text_ = {text.data(), text.size()};
    value.markup_ = markup;
    return value;
}

Value Value::sequence(Kind kind, SequenceObject* items) {
    Value value(kind);
    value.sequence_ = items;
    return value;
}

Value Value::dict(DictObject* entries, Kind kind) {
    Value value(kind);
    value.dict_ = entries;
    return value;
}

Value Value::loop(LoopObject* loop) {
    Value value(Kind::loop);
    value.loop_ = loop;
    return value;
}

Value Value::function(const FunctionObject* function) {
    Value value(Kind::function);
    value.function_ = function;
    return value;
}

size_t DictObject::position(const Value& key) const {
    if (key.is_string()) {
        auto found = index_.find(key.as_text());
        return found == index_.end() ? no_entry : found->second;
    }
    for (size_t i = 0; i < entries.size(); ++i) {
        if (!entries[i].first.is_string() && same_key(entries[i].first, key)) return i;
    }
    return no_entry;
}

const Value* DictObject::find(const Value& key) const {
    size_t at = position(key);
    return at == no_entry ? nullptr : &entries[at].second;
}

const Value* DictObject::find(std::string_view key) const {
    return find(Value::string(key));
}

void DictObject::set(const Value& key, const Value& value) {
    size_t at = position(key);
    if (at != no_entry) {
        entries[at].second = value;
        return;
    }
    if (key.is_string()) index_.emplace(key.as_text(), entries.size());
    entries.emplace_back(key, value);
}

bool truthy(const Value& value) {
    switch (value.kind()) {
        case Kind::undefined:
        case Kind::none:
            return false;
        case Kind::boolean:
        case Kind::integer:
            return value.as_int() != 0;
        case Kind::real:
            return value.as_real() != 0.0;
        case Kind::string:
            return !value.as_text().empty();
        case Kind::list:
        case Kind::tuple:
        case Kind::range:
        case Kind::view:
            return !value.as_sequence().items.empty();
        case Kind::dict:
            return !value.as_dict().entries.empty();
        case Kind::generator:
        case Kind::name_space:
        case Kind::loop:
        case Kind::function:
            return true;
    }
    return false;
}

bool hashable(const Value& value, int depth) {
    if (value.is(Kind::list) || value.is(Kind::dict) || value.is(Kind::view)) return false;
    if (value.is(Kind::tuple)) {
        if (depth > 16) return false;
        for (const Value& item : value.as_sequence().items) {
            if (!hashable(item, depth + 1)) return false;
        }
    }
    return true;
}

std::string_view type_name(const Value& value) {
    switch (value.kind()) {
        case Kind::undefined:
            return "Undefined";
        case Kind::none:
            return "NoneType";
        case Kind::boolean:
            return "bool";
        case Kind::integer:
            return "int";
        case Kind::real:
            return "float";
        case Kind::string:
            return value.is_markup() ? "Markup" : "str";
        case Kind::list:
            return "list";
        case Kind::tuple:
            return "tuple";
        case Kind::range:
            return "range";
        case Kind::view:
            return value.as_sequence().view_name;
        case Kind::generator:
            return "generator";
        case Kind::dict:
            return "dict";
        case Kind::name_space:
            return "Namespace";
        case Kind::loop:
            return "LoopContext";
        case Kind::function:
            return "function";
    }
    return "object";
}

} // namespace fp4::chat
