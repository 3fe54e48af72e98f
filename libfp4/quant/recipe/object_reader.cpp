#include "libfp4/quant/recipe/object_reader.h"

#include <cmath>

namespace fp4 {

ObjectReader::ObjectReader(const JsonValue& value, std::string path) : value_(value), path_(std::move(path)) {
    if (!value.object()) state_ = error(Status::argument, path_, ": is not an object but ", value.kind());
}

std::string ObjectReader::path_of(std::string_view key) const {
    return concat(path_, path_.ends_with(':') ? " " : ".", key);
}

void ObjectReader::fail(std::string_view key, std::string_view what) {
    if (state_.ok()) state_ = error(Status::argument, path_of(key), ": ", what);
}

const JsonValue* ObjectReader::member(std::string_view key) {
    read_.emplace(key);
    return value_.find(key);
}

void ObjectReader::text(std::string_view key, std::string& target) {
    const JsonValue* value = member(key);
    if (!value) return;
    if (!value->string() || value->string()->empty())
        fail(key, "is not a text");
    else
        target = *value->string();
}

void ObjectReader::boolean(std::string_view key, bool& target) {
    const JsonValue* value = member(key);
    if (!value) return;
    if (auto known = value->boolean())
        target = *known;
    else
        fail(key, "is neither true nor false");
}

void ObjectReader::integer(std::string_view key, uint64_t low, uint64_t high, uint32_t& target) {
    const JsonValue* value = member(key);
    if (!value) return;
    auto known = value->unsigned_integer();
    if (known && *known >= low && *known <= high)
        target = static_cast<uint32_t>(*known);
    else
        fail(key, concat("is not a whole number from ", low, " to ", high));
}

void ObjectReader::number(std::string_view key, double low, double high, double& target) {
    const JsonValue* value = member(key);
    if (!value) return;
    auto known = value->number();
    if (known && *known >= low && *known <= high)
        target = *known;
    else
        fail(key, concat("is not a number from ", low, " to ", high));
}

Result<void> ObjectReader::finish() {
    FP4_TRY(state_);
    for (const auto& [key, value] : *value_.object()) {
        if (!read_.contains(key)) {
            std::string known;
            for (const std::string& name : read_) known.append(known.empty() ? "" : ", ").append(name);
            return error(Status::argument, path_of(key), ": there is no such key; known are ", known);
        }
    }
    return {};
}

} // namespace fp4
