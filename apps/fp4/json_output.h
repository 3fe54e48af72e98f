#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fp4::program {

/// One JSON object with its keys in the order they were set.
class JsonObject {
  public:
    JsonObject();
    ~JsonObject();
    JsonObject(const JsonObject& other);
    JsonObject(JsonObject&& other) noexcept;
    JsonObject& operator=(JsonObject other) noexcept;

    /// Nothing if the text is not one JSON object.
    static std::optional<JsonObject> parse(std::string_view text);

    void set(std::string_view key, std::string_view value);
    void set(std::string_view key, const char* value) { set(key, std::string_view(value)); }
    void set(std::string_view key, double value); // null if not finite
    void set(std::string_view key, bool value);
    void set(std::string_view key, const JsonObject& value);
    void set(std::string_view key, const std::vector<JsonObject>& values);
    template <std::integral Integer>
    void set(std::string_view key, Integer value) {
        if constexpr (std::signed_integral<Integer>) {
            set_signed(key, value);
        } else {
            set_unsigned(key, value);
        }
    }
    void set_null(std::string_view key);
    /// Sets what the other object has under the key, or null if it has nothing there.
    void copy(std::string_view key, const JsonObject& from);

    bool has(std::string_view key) const;       // and it is not null
    double number(std::string_view key) const;  // 0 if there is none
    uint64_t count(std::string_view key) const; // 0 if there is none
    std::string text(
        std::string_view key) const; // strings as they are, everything else as JSON; "" if there is none
    JsonObject object(std::string_view key) const;
    std::vector<JsonObject> objects(std::string_view key) const;
    std::vector<std::string> keys() const;
    void remove(std::string_view key);

    /// On one line. Bytes that are not UTF-8 become U+FFFD.
    std::string dump() const;

  private:
    void set_signed(std::string_view key, int64_t value);
    void set_unsigned(std::string_view key, uint64_t value);

    std::unique_ptr<nlohmann::ordered_json> value_;
};

/// Prints the object as the one line of standard output; the exit code.
int print_json(const JsonObject& object);

} // namespace fp4::program
