// The key-value section of a GGUF v3 file, parsed and owned.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

namespace fp4 {

// Every unsigned type becomes uint64_t, every signed one int64_t, f32 and f64 double. Arrays likewise, except
// that u8 and bool arrays stay bytes. Arrays of arrays are validated but not kept (no key of ours is one).
using GgufValue =
    std::variant<uint64_t, int64_t, double, bool, std::string, std::vector<uint64_t>, std::vector<int64_t>,
                 std::vector<double>, std::vector<uint8_t>, std::vector<std::string>>;

class GgufMetadata {
  public:
    void set(std::string key, GgufValue value);
    bool contains(std::string_view key) const;

    // nullopt when absent or of another kind. Integers convert between signedness when the value fits,
    // floats accept integers.
    std::optional<uint64_t> unsigned_integer(std::string_view key) const;
    std::optional<int64_t> integer(std::string_view key) const;
    std::optional<double> number(std::string_view key) const;
    std::optional<bool> boolean(std::string_view key) const;
    std::optional<std::string_view> string(std::string_view key) const;

    const std::vector<std::string>* strings(std::string_view key) const; // null when absent
    std::optional<std::vector<double>> numbers(std::string_view key) const;
    std::optional<std::vector<int64_t>> integers(std::string_view key) const;
    std::optional<std::vector<uint8_t>> bytes(
        std::string_view key) const; // u8 or i8 array, as precompiled_charsmap

    const std::unordered_map<std::string, GgufValue>& entries() const { return entries_; }

  private:
    const GgufValue* find(std::string_view key) const; // null when absent
    std::unordered_map<std::string, GgufValue> entries_;
};

} // namespace fp4
