#include "json_output.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "report.h"

namespace fp4::program {
namespace {

using Json = nlohmann::ordered_json;

const Json* find(const Json& object, std::string_view key) {
    const auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

std::string dump_lenient(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace

JsonObject::JsonObject() : value_(std::make_unique<Json>(Json::object())) {}
JsonObject::~JsonObject() = default;
JsonObject::JsonObject(const JsonObject& other) : value_(std::make_unique<Json>(*other.value_)) {}
JsonObject::JsonObject(JsonObject&& other) noexcept = default;
JsonObject& JsonObject::operator=(JsonObject other) noexcept {
    value_ = std::move(other.value_);
    return *this;
}

std::optional<JsonObject> JsonObject::parse(std::string_view text) {
    Json value = Json::parse(text.begin(), text.end(), nullptr, false);
    if (!value.is_object()) return std::nullopt;
    JsonObject object;
    *object.value_ = std::move(value);
    return object;
}

void JsonObject::set(std::string_view key, std::string_view value) {
    (*value_)[std::string(key)] = std::string(value);
}
void JsonObject::set(std::string_view key, double value) {
    if (!std::isfinite(value)) return set_null(key);
    (*value_)[std::string(key)] = value;
}
void JsonObject::set(std::string_view key, bool value) {
    (*value_)[std::string(key)] = value;
}
void JsonObject::set(std::string_view key, const JsonObject& value) {
    (*value_)[std::string(key)] = *value.value_;
}
void JsonObject::set(std::string_view key, const std::vector<JsonObject>& values) {
    Json array = Json::array();
    for (const JsonObject& value : values) array.push_back(*value.value_);
    (*value_)[std::string(key)] = std::move(array);
}
void JsonObject::set_signed(std::string_view key, int64_t value) {
    (*value_)[std::string(key)] = value;
}
void JsonObject::set_unsigned(std::string_view key, uint64_t value) {
    (*value_)[std::string(key)] = value;
}
void JsonObject::set_null(std::string_view key) {
    (*value_)[std::string(key)] = nullptr;
}
void JsonObject::copy(std::string_view key, const JsonObject& from) {
    const Json* value = find(*from.value_, key);
    (*value_)[std::string(key)] = value != nullptr ? *value : Json(nullptr);
}

bool JsonObject::has(std::string_view key) const {
    return find(*value_, key) != nullptr;
}

double JsonObject::number(std::string_view key) const {
    const Json* value = find(*value_, key);
    return value != nullptr && value->is_number() ? value->get<double>() : 0;
}

uint64_t JsonObject::count(std::string_view key) const {
    const Json* value = find(*value_, key);
    return value != nullptr && value->is_number_unsigned() ? value->get<uint64_t>() : 0;
}

std::string JsonObject::text(std::string_view key) const {
    const Json* value = find(*value_, key);
    if (value == nullptr) return {};
    return value->is_string() ? value->get<std::string>() : dump_lenient(*value);
}

JsonObject JsonObject::object(std::string_view key) const {
    JsonObject object;
    const Json* value = find(*value_, key);
    if (value != nullptr && value->is_object()) *object.value_ = *value;
    return object;
}

std::vector<JsonObject> JsonObject::objects(std::string_view key) const {
    std::vector<JsonObject> objects;
    const Json* value = find(*value_, key);
    if (value == nullptr || !value->is_array()) return objects;
    for (const Json& item : *value) {
        if (!item.is_object()) continue;
        JsonObject object;
        *object.value_ = item;
        objects.push_back(std::move(object));
    }
    return objects;
}

std::vector<std::string> JsonObject::keys() const {
    std::vector<std::string> keys;
    for (const auto& item : value_->items()) keys.push_back(item.key());
    return keys;
}

void JsonObject::remove(std::string_view key) {
    value_->erase(std::string(key));
}

std::string JsonObject::dump() const {
    return dump_lenient(*value_);
}

int print_json(const JsonObject& object) {
    // JSON escapes control characters, so the text is safe on a terminal as it is.
    const std::string line = object.dump() + "\n";
    const bool written = std::fwrite(line.data(), 1, line.size(), stdout) == line.size();
    if (!written || std::fflush(stdout) != 0) return fail("cannot write to standard output");
    return exit_ok;
}

} // namespace fp4::program
