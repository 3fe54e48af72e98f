#include "libfp4/io/gguf_metadata.h"

#include <utility>

namespace fp4 {
namespace {

// The value as Target if its alternative is one of Sources and the number survives the conversion.
template <class Target, class... Sources>
std::optional<Target> in_range(const GgufValue* value) {
    std::optional<Target> result;
    auto try_one = [&](const auto* source) {
        if (source && std::in_range<Target>(*source)) result = static_cast<Target>(*source);
    };
    if (value) (try_one(std::get_if<Sources>(value)), ...);
    return result;
}

// Array of Target from any of the numeric arrays; nullopt if an element does not fit.
template <class Target, class Source>
bool append_all(const GgufValue* value, std::vector<Target>& out) {
    const auto* source = std::get_if<std::vector<Source>>(value);
    if (!source) return false;
    out.reserve(source->size());
    for (Source element : *source) {
        if constexpr (std::is_integral_v<Target> && std::is_integral_v<Source>) {
            if (!std::in_range<Target>(element)) return false;
        }
        out.push_back(static_cast<Target>(element));
    }
    return true;
}

} // namespace

void GgufMetadata::set(std::string key, GgufValue value) {
    entries_.insert_or_assign(std::move(key), std::move(value));
}

const GgufValue* GgufMetadata::find(std::string_view key) const {
    auto found = entries_.find(std::string(key));
    return found == entries_.end() ? nullptr : &found->second;
}

bool GgufMetadata::contains(std::string_view key) const {
    return find(key) != nullptr;
}

std::optional<uint64_t> GgufMetadata::unsigned_integer(std::string_view key) const {
    return in_range<uint64_t, uint64_t, int64_t>(find(key));
}

std::optional<int64_t> GgufMetadata::integer(std::string_view key) const {
    return in_range<int64_t, uint64_t, int64_t>(find(key));
}

std::optional<double> GgufMetadata::number(std::string_view key) const {
    const GgufValue* value = find(key);
    if (!value) return std::nullopt;
    if (const auto* real = std::get_if<double>(value)) return *real;
    if (const auto* natural = std::get_if<uint64_t>(value)) return static_cast<double>(*natural);
    if (const auto* integer = std::get_if<int64_t>(value)) return static_cast<double>(*integer);
    return std::nullopt;
}

std::optional<bool> GgufMetadata::boolean(std::string_view key) const {
    const GgufValue* value = find(key);
    const bool* flag = value ? std::get_if<bool>(value) : nullptr;
    return flag ? std::optional(*flag) : std::nullopt;
}

std::optional<std::string_view> GgufMetadata::string(std::string_view key) const {
    const GgufValue* value = find(key);
    const std::string* text = value ? std::get_if<std::string>(value) : nullptr;
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
}

const std::vector<std::string>* GgufMetadata::strings(std::string_view key) const {
    const GgufValue* value = find(key);
    return value ? std::get_if<std::vector<std::string>>(value) : nullptr;
}

std::optional<std::vector<double>> GgufMetadata::numbers(std::string_view key) const {
    const GgufValue* value = find(key);
    std::vector<double> out;
    if (value && (append_all<double, double>(value, out) || append_all<double, int64_t>(value, out) ||
                  append_all<double, uint64_t>(value, out) || append_all<double, uint8_t>(value, out))) {
        return out;
    }
    return std::nullopt;
}

std::optional<std::vector<int64_t>> GgufMetadata::integers(std::string_view key) const {
    const GgufValue* value = find(key);
    std::vector<int64_t> out;
    if (value && (append_all<int64_t, int64_t>(value, out) || append_all<int64_t, uint64_t>(value, out) ||
                  append_all<int64_t, uint8_t>(value, out))) {
        return out;
    }
    return std::nullopt;
}

std::optional<std::vector<uint8_t>> GgufMetadata::bytes(std::string_view key) const {
    const GgufValue* value = find(key);
    if (!value) return std::nullopt;
    if (const auto* raw = std::get_if<std::vector<uint8_t>>(value)) return *raw;
    if (const auto* list = std::get_if<std::vector<int64_t>>(value)) {
        std::vector<uint8_t> out;
        out.reserve(list->size());
        for (int64_t element : *list) {
            if (element < -128 || element > 127) return std::nullopt;
            out.push_back(static_cast<uint8_t>(element));
        }
        return out;
    }
    return std::nullopt;
}

} // namespace fp4
