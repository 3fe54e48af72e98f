// Strict, bounded JSON parsing: the one place where JSON from a file becomes a value.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "libfp4/base/result.h"
#include "libfp4/io/file_limits.h"

namespace fp4 {

// A parsed value. Not nlohmann::json, whose destructor allocates and so ends the process when memory is
// short.
class JsonValue {
  public:
    using Array = std::vector<JsonValue>;
    using Object = std::map<std::string, JsonValue, std::less<>>;

    template <class T>
    void set(T value) {
        if constexpr (std::is_same_v<T, Object>) {
            value_ = std::make_unique<Object>(std::move(value));
        } else {
            value_.template emplace<T>(std::move(value));
        }
    }

    bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
    const char* kind() const; // "null", "boolean", "number", "string", "array" or "object"
    // Null where the value is of another kind.
    const std::string* string() const { return std::get_if<std::string>(&value_); }
    const Array* array() const { return std::get_if<Array>(&value_); }
    const Object* object() const;
    Array* array() { return std::get_if<Array>(&value_); }
    Object* object() { return const_cast<Object*>(std::as_const(*this).object()); }
    std::optional<bool> boolean() const;
    std::optional<uint64_t> unsigned_integer() const; // written without sign, fraction and exponent
    std::optional<int64_t> integer() const;
    std::optional<double> number() const; // any number

    // The member of an object; null if there is none or this is no object.
    const JsonValue* find(std::string_view key) const;

  private:
    // Non-negative integers are uint64_t, negative ones int64_t. Objects are boxed to keep every value small.
    std::variant<std::nullptr_t, bool, uint64_t, int64_t, double, std::string, Array, std::unique_ptr<Object>>
        value_ = nullptr;
};

struct JsonLimits {
    uint64_t max_depth = limits::max_json_depth;
    uint64_t max_values = limits::max_json_values;
};

// Refuses duplicate keys (readers disagree on which one counts), invalid UTF-8, trailing text, numbers that
// do not fit and documents beyond the limits. `what` names the document in messages. No exception leaves it
// but bad_alloc.
Result<JsonValue> parse_json(std::string_view text, std::string_view what, const JsonLimits& limits = {});

} // namespace fp4
