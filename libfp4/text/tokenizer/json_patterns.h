// Parts that several components of tokenizer.json share.
#pragma once

#include <optional>
#include <string>

#include "libfp4/base/result.h"
#include "libfp4/io/json_document.h"
#include "libfp4/text/tokenizer/pre_tokenizer.h"
#include "libfp4/text/tokenizer/regex.h"

namespace fp4::tokenization {

Error unsupported_component(const std::string& where);

// A text that the component puts into other texts; longer than max_inserted_text is Status::limit.
Result<std::string> inserted_text(const JsonValue& object, const char* key, const std::string& where);

// {"String": "..."} or {"Regex": "..."}.
struct Pattern {
    std::optional<std::string> literal;
    std::optional<Regex> regex;
};

Result<Pattern> pattern_field(const JsonValue& object, const std::string& where);

struct MetaspaceFields {
    std::string replacement;
    PrependScheme scheme;
};

// Shared by the pre-tokenizer and the decoder. Files older than prepend_scheme have add_prefix_space.
Result<MetaspaceFields> metaspace_fields(const JsonValue& component, const std::string& where);

} // namespace fp4::tokenization
