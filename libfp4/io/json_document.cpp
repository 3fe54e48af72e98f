#include "libfp4/io/json_document.h"

#include <nlohmann/json.hpp>

#include "libfp4/io/tensor_shape.h"

namespace fp4 {
namespace {

using nlohmann::json;

// Builds the value from the events of nlohmann's parser, so that each check happens before the value it
// guards is stored. Every event returns false to stop the parser.
class StrictBuilder final : public nlohmann::json_sax<json> {
  public:
    explicit StrictBuilder(const JsonLimits& limits) : limits_(limits) {}

    JsonValue take() { return std::move(root_); }
    const Error& failure() const { return failure_; }

    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(int64_t{value}); }
    bool number_unsigned(number_unsigned_t value) override { return add(uint64_t{value}); }
    bool number_float(number_float_t value, const string_t&) override { return add(value); }
    bool string(string_t& value) override { return add(std::move(value)); }
    bool binary(binary_t&) override { return fail(Status::format, "holds a binary value"); }

    bool start_object(std::size_t) override { return open(JsonValue::Object()); }
    bool start_array(std::size_t) override { return open(JsonValue::Array()); }
    bool end_object() override { return stack_.pop_back(), true; }
    bool end_array() override { return stack_.pop_back(), true; }

    bool key(string_t& name) override {
        auto [position, inserted] = stack_.back()->object()->try_emplace(name);
        if (!inserted) return fail(Status::format, concat("has the key '", printable(name), "' twice"));
        slot_ = &position->second;
        return true;
    }

    bool parse_error(std::size_t position, const std::string&, const json::exception& cause) override {
        // The library's text begins with an identifier in brackets; what follows it is for people.
        std::string_view text = cause.what();
        if (size_t bracket = text.find("] "); bracket != text.npos) text.remove_prefix(bracket + 2);
        return fail(Status::format, concat("is malformed near byte ", position, ": ", printable(text)));
    }

  private:
    bool fail(Status status, std::string message) {
        failure_ = {status, std::move(message)};
        return false;
    }

    // The place of the next value: the root, after a key, or at the end of an array. Null beyond the limit.
    JsonValue* place() {
        if (++values_ > limits_.max_values) {
            fail(Status::limit, concat("has more than ", limits_.max_values, " values"));
            return nullptr;
        }
        if (stack_.empty()) return &root_;
        JsonValue::Array* array = stack_.back()->array();
        return array ? &array->emplace_back() : slot_;
    }

    template <class T>
    bool add(T value) {
        JsonValue* target = place();
        if (target) target->set(std::move(value));
        return target != nullptr;
    }

    template <class T>
    bool open(T container) {
        if (stack_.size() >= limits_.max_depth) {
            return fail(Status::limit, concat("is nested deeper than ", limits_.max_depth, " levels"));
        }
        JsonValue* target = place();
        if (!target) return false;
        target->set(std::move(container));
        // The pointer stays good: an array moves its elements only when it grows, and not while a child is
        // open.
        stack_.push_back(target);
        return true;
    }

    JsonLimits limits_;
    JsonValue root_;
    std::vector<JsonValue*> stack_;
    JsonValue* slot_ = nullptr;
    uint64_t values_ = 0;
    Error failure_{Status::format, "is malformed"};
};

} // namespace

const char* JsonValue::kind() const {
    static constexpr const char* names[] = {"null",   "boolean", "number", "number",
                                            "number", "string",  "array",  "object"};
    static_assert(std::size(names) == std::variant_size_v<decltype(value_)>);
    return names[value_.index()];
}

const JsonValue::Object* JsonValue::object() const {
    const auto* box = std::get_if<std::unique_ptr<Object>>(&value_);
    return box ? box->get() : nullptr;
}

std::optional<bool> JsonValue::boolean() const {
    const bool* value = std::get_if<bool>(&value_);
    return value ? std::optional(*value) : std::nullopt;
}

std::optional<uint64_t> JsonValue::unsigned_integer() const {
    const uint64_t* value = std::get_if<uint64_t>(&value_);
    return value ? std::optional(*value) : std::nullopt;
}

std::optional<int64_t> JsonValue::integer() const {
    if (const int64_t* value = std::get_if<int64_t>(&value_)) return *value;
    const uint64_t* value = std::get_if<uint64_t>(&value_);
    return value && std::in_range<int64_t>(*value) ? std::optional(static_cast<int64_t>(*value))
                                                   : std::nullopt;
}

std::optional<double> JsonValue::number() const {
    if (const double* value = std::get_if<double>(&value_)) return *value;
    if (const int64_t* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
    const uint64_t* value = std::get_if<uint64_t>(&value_);
    return value ? std::optional(static_cast<double>(*value)) : std::nullopt;
}

const JsonValue* JsonValue::find(std::string_view key) const {
    const Object* members = object();
    if (!members) return nullptr;
    auto found = members->find(key);
    return found == members->end() ? nullptr : &found->second;
}

Result<JsonValue> parse_json(std::string_view text, std::string_view what, const JsonLimits& limits) {
    StrictBuilder builder(limits);
    if (!json::sax_parse(text.begin(), text.end(), &builder)) {
        return error(builder.failure().status, what, ": the JSON text ", builder.failure().message);
    }
    return builder.take();
}

} // namespace fp4
