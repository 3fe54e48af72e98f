// Reading fields of a JSON object of unknown quality. A field that is absent or null takes the fallback; one
// of another type is Status::format. `where` is the path of the object, for messages.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libfp4/base/result.h"
#include "libfp4/io/json_document.h"

namespace fp4::tokenization {

// Null when absent, null, or when `object` is no object.
const JsonValue* find_field(const JsonValue& object, const char* key);

Result<bool> bool_field(const JsonValue& object, const char* key, bool fallback, std::string_view where);
Result<uint32_t> count_field(const JsonValue& object, const char* key, uint32_t fallback,
                             std::string_view where);
Result<std::string> string_field(const JsonValue& object, const char* key,
                                 std::string_view where); // must be there
// nullopt when absent.
Result<std::optional<std::string>> optional_string_field(const JsonValue& object, const char* key,
                                                         std::string_view where);
// An array that must be there.
Result<const JsonValue::Array*> array_field(const JsonValue& object, const char* key, std::string_view where);

} // namespace fp4::tokenization
