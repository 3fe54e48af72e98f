#include "libfp4/text/tokenizer/json_fields.h"

namespace fp4::tokenization {

namespace {

Error wrong_type(std::string_view where, const char* key, const char* wanted, const JsonValue* found) {
    return error(Status::format, where, ".", key, " must be ", wanted, ", not ",
                 found == nullptr ? "absent" : found->kind());
}

} // namespace

const JsonValue* find_field(const JsonValue& object, const char* key) {
    const JsonValue* found = object.find(key);
    return found == nullptr || found->is_null() ? nullptr : found;
}

Result<bool> bool_field(const JsonValue& object, const char* key, bool fallback, std::string_view where) {
    const JsonValue* field = find_field(object, key);
    if (field == nullptr) return fallback;
    auto truth = field->boolean();
    if (!truth) return wrong_type(where, key, "true or false", field);
    return *truth;
}

Result<uint32_t> count_field(const JsonValue& object, const char* key, uint32_t fallback,
                             std::string_view where) {
    const JsonValue* field = find_field(object, key);
    if (field == nullptr) return fallback;
    auto count = field->unsigned_integer();
    if (!count || *count > UINT32_MAX) return wrong_type(where, key, "a count", field);
    return static_cast<uint32_t>(*count);
}

Result<std::string> string_field(const JsonValue& object, const char* key, std::string_view where) {
    FP4_ASSIGN(auto text, optional_string_field(object, key, where));
    if (!text) return wrong_type(where, key, "a string", nullptr);
    return std::move(*text);
}

Result<std::optional<std::string>> optional_string_field(const JsonValue& object, const char* key,
                                                         std::string_view where) {
    const JsonValue* field = find_field(object, key);
    if (field == nullptr) return std::optional<std::string>();
    if (field->string() == nullptr) return wrong_type(where, key, "a string", field);
    return std::optional<std::string>(*field->string());
}

Result<const JsonValue::Array*> array_field(const JsonValue& object, const char* key,
                                            std::string_view where) {
    const JsonValue* field = find_field(object, key);
    if (field == nullptr || field->array() == nullptr) return wrong_type(where, key, "an array", field);
    return field->array();
}

} // namespace fp4::tokenization
