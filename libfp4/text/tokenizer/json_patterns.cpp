#include "libfp4/text/tokenizer/json_patterns.h"

#include <utility>

#include "libfp4/text/tokenizer/json_fields.h"
#include "libfp4/text/tokenizer/tokenizer_parts.h"

namespace fp4::tokenization {

Error unsupported_component(const std::string& where) {
    return error(Status::unsupported, where, " is not supported");
}

Result<std::string> inserted_text(const JsonValue& object, const char* key, const std::string& where) {
    FP4_ASSIGN(std::string text, string_field(object, key, where));
    if (text.size() > max_inserted_text) {
        return error(Status::limit, where, ".", key, " has ", text.size(), " bytes; the limit is ",
                     max_inserted_text);
    }
    return text;
}

Result<Pattern> pattern_field(const JsonValue& object, const std::string& where) {
    const JsonValue* pattern = find_field(object, "pattern");
    if (pattern == nullptr) return error(Status::format, where, ".pattern is absent");
    Pattern result;
    FP4_ASSIGN(result.literal, optional_string_field(*pattern, "String", where));
    if (result.literal) return result;
    FP4_ASSIGN(std::string text, string_field(*pattern, "Regex", where));
    auto regex = Regex::compile(text);
    if (!regex) return error(regex.error().status, where, ": ", regex.error().message);
    result.regex = std::move(*regex);
    return result;
}

Result<MetaspaceFields> metaspace_fields(const JsonValue& component, const std::string& where) {
    FP4_ASSIGN(std::string replacement, inserted_text(component, "replacement", where));
    FP4_ASSIGN(bool add_prefix, bool_field(component, "add_prefix_space", true, where));
    FP4_ASSIGN(auto name, optional_string_field(component, "prepend_scheme", where));
    PrependScheme scheme = add_prefix ? PrependScheme::always : PrependScheme::never;
    if (name == "first") {
        scheme = PrependScheme::first;
    } else if (name == "always" || name == "never") {
        scheme = name == "always" ? PrependScheme::always : PrependScheme::never;
    } else if (name) {
        return error(Status::unsupported, where, ".prepend_scheme '", *name, "' is not supported");
    }
    return MetaspaceFields{std::move(replacement), scheme};
}

} // namespace fp4::tokenization
