#include "libfp4/text/tokenizer/json_fields.h"

#include <nlohmann/json.hpp>

namespace fp4::tokenization {

using nlohmann::json;

namespace {

Error wrong_type(std::string_view where, const char* key, const char* wanted, const json* found) {
    return error(Status::format, where, ".", key, " must be ", wanted, ", not ",
                 found == nullptr ? "absent" : found->type_name());
}

} // namespace

const json* find_field(const json& object, const char* key) {
    if (!object.is_object()) return nullptr;
    auto found = object.find(key);
    return found == object.end() || found->is_null() ? nullptr : &*found;
}

Result<bool> bool_field(const json& object, const char* key, bool fallback, std::string_view where) {
    const json* field = find_field(object, key);
    if (field == nullptr) return fallback;
    if (!field->is_boolean()) return wrong_type(where, key, "true or false", field);
    return field->get<bool>();
}

Result<uint32_t> count_field(const json& object, const char* key, uint32_t fallback, std::string_view where) {
    const json* field = find_field(object, key);
    if (field == nullptr) return fallback;
    if (!field->is_number_unsigned() || field->get<uint64_t>() > UINT32_MAX) {
        return wrong_type(where, key, "a count", field);
    }
    return field->get<uint32_t>();
}

Result<std::string> string_field(const json& object, const char* key, std::string_view where) {
    FP4_ASSIGN(auto text, optional_string_field(object, key, where));
    if (!text) return wrong_type(where, key, "a string", nullptr);
    return std::move(*text);
}

Result<std::optional<std::string>> optional_string_field(const json& object, const char* key,
                                                         std::string_view where) {
    const json* field = find_field(object, key);
    if (field == nullptr) return std::optional<std::string>();
    if (!field->is_string()) return wrong_type(where, key, "a string", field);
    return std::optional<std::string>(field->get_ref<const std::string&>());
}

Result<const json*> array_field(const json& object, const char* key, std::string_view where) {
    const json* field = find_field(object, key);
    if (field == nullptr || !field->is_array()) return wrong_type(where, key, "an array", field);
    return field;
}

} // namespace fp4::tokenization
