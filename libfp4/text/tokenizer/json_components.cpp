// Normalizers and pre-tokenizers.
#include "libfp4/text/tokenizer/json_components.h"

#include <string>
#include <string_view>
#include <utility>

#include "libfp4/text/tokenizer/json_fields.h"
#include "libfp4/text/tokenizer/json_patterns.h"
#include "libfp4/text/tokenizer/json_walk.h"
#include "libfp4/text/tokenizer/known_patterns.h"
#include "libfp4/text/tokenizer/unicode_class.h"

namespace fp4::tokenization {

namespace {

Error unsupported(const std::string& where) {
    return error(Status::unsupported, where, " is not supported");
}

Error in_component(const std::string& where, const Error& cause) {
    return error(cause.status, where, ": ", cause.message);
}

Result<std::string> inserted_text(const JsonValue& object, const char* key, const std::string& where) {
    FP4_ASSIGN(std::string text, string_field(object, key, where));
    if (text.size() > max_inserted_text) {
        return error(Status::limit, where, ".", key, " has ", text.size(), " bytes; the limit is ",
                     max_inserted_text);
    }
    return text;
}

// {"String": "..."} or {"Regex": "..."}.
struct Pattern {
    std::optional<std::string> literal;
    std::optional<Regex> regex;
};

Result<Pattern> pattern_field(const JsonValue& object, const std::string& where) {
    const JsonValue* pattern = find_field(object, "pattern");
    if (pattern == nullptr) return error(Status::format, where, ".pattern is absent");
    Pattern result;
    FP4_ASSIGN(result.literal, optional_string_field(*pattern, "String", where));
    if (result.literal) return result;
    FP4_ASSIGN(std::string text, string_field(*pattern, "Regex", where));
    auto regex = Regex::compile(text);
    if (!regex) return in_component(where, regex.error());
    result.regex = std::move(*regex);
    return result;
}

Result<void> add_normalizer(const JsonValue& component, const std::string& type, const std::string& where,
                            Normalizer& steps) {
    if (type == "NFC") {
        steps.push_back(unicode_form(UnicodeForm::nfc));
    } else if (type == "NFD") {
        steps.push_back(unicode_form(UnicodeForm::nfd));
    } else if (type == "NFKC") {
        steps.push_back(unicode_form(UnicodeForm::nfkc));
    } else if (type == "NFKD") {
        steps.push_back(unicode_form(UnicodeForm::nfkd));
    } else if (type == "Lowercase") {
        steps.push_back(lowercase());
    } else if (type == "StripAccents") {
        steps.push_back(strip_accents());
    } else if (type == "Strip") {
        FP4_ASSIGN(bool left, bool_field(component, "strip_left", true, where));
        FP4_ASSIGN(bool right, bool_field(component, "strip_right", true, where));
        steps.push_back(strip_whitespace(left, right));
    } else if (type == "Prepend") {
        FP4_ASSIGN(std::string text, inserted_text(component, "prepend", where));
        steps.push_back(prepend_text(std::move(text)));
    } else if (type == "Replace") {
        FP4_ASSIGN(Pattern pattern, pattern_field(component, where));
        FP4_ASSIGN(std::string to, inserted_text(component, "content", where));
        steps.push_back(pattern.literal ? replace_literal(std::move(*pattern.literal), std::move(to))
                                        : replace_regex(std::move(*pattern.regex), std::move(to)));
    } else {
        return unsupported_component(where);
    }
    return {};
}

Result<SplitBehavior> behavior_field(const JsonValue& object, const std::string& where) {
    FP4_ASSIGN(std::string name, string_field(object, "behavior", where));
    if (name == "Removed") return SplitBehavior::removed;
    if (name == "Isolated") return SplitBehavior::isolated;
    if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
    if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
    if (name == "Contiguous") return SplitBehavior::contiguous;
    return error(Status::unsupported, where, ".behavior '", name, "' is not supported");
}

Result<std::unique_ptr<PreTokenizerStep>> known_split(std::string_view pattern, SplitBehavior behavior,
                                                      bool invert) {
    FP4_ASSIGN(Regex regex, Regex::compile(pattern));
    return split_by_regex(std::move(regex), behavior, invert);
}

struct MetaspaceFields {
    std::string replacement;
    PrependScheme scheme;
};

// Shared by the pre-tokenizer and the decoder. Files older than prepend_scheme have add_prefix_space.
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

Result<void> add_pre_tokenizer(const JsonValue& component, const std::string& type, const std::string& where,
                               ParsedPreTokenizer& result) {
    if (result.byte_level) {
        return error(Status::unsupported, where, " after ByteLevel is not supported");
    }
    auto& steps = result.steps;
    if (type == "ByteLevel") {
        FP4_ASSIGN(bool prefix, bool_field(component, "add_prefix_space", true, where));
        FP4_ASSIGN(bool use_regex, bool_field(component, "use_regex", true, where));
        if (prefix) steps.push_back(prefix_space());
        if (use_regex) {
            FP4_ASSIGN(auto step, known_split(gpt2_pattern, SplitBehavior::isolated, false));
            steps.push_back(std::move(step));
        }
        result.byte_level = true;
    } else if (type == "Split") {
        FP4_ASSIGN(Pattern pattern, pattern_field(component, where));
        FP4_ASSIGN(SplitBehavior behavior, behavior_field(component, where));
        FP4_ASSIGN(bool invert, bool_field(component, "invert", false, where));
        steps.push_back(pattern.literal ? split_by_literal(std::move(*pattern.literal), behavior, invert)
                                        : split_by_regex(std::move(*pattern.regex), behavior, invert));
    } else if (type == "Digits") {
        FP4_ASSIGN(bool individual, bool_field(component, "individual_digits", false, where));
        steps.push_back(
            split_by_character(is_numeric, individual ? SplitBehavior::isolated : SplitBehavior::contiguous));
    } else if (type == "Punctuation") {
        SplitBehavior behavior = SplitBehavior::isolated;
        if (find_field(component, "behavior") != nullptr) {
            FP4_ASSIGN(behavior, behavior_field(component, where));
        }
        steps.push_back(split_by_character(is_punctuation, behavior));
    } else if (type == "WhitespaceSplit") {
        steps.push_back(split_by_character(is_whitespace, SplitBehavior::removed));
    } else if (type == "Whitespace") {
        FP4_ASSIGN(auto step, known_split(whitespace_pattern, SplitBehavior::removed, true));
        steps.push_back(std::move(step));
    } else if (type == "Metaspace") {
        FP4_ASSIGN(MetaspaceFields fields, metaspace_fields(component, where));
        FP4_ASSIGN(bool split, bool_field(component, "split", true, where));
        steps.push_back(metaspace(std::move(fields.replacement), fields.scheme, split));
    } else {
        return unsupported_component(where);
    }
    return {};
}

Result<void> add_decoder(const JsonValue& component, const std::string& type, const std::string& where,
                         bool& fused, ParsedDecoder& result) {
    DecoderOptions& options = result.options;
    if (type == "ByteLevel") {
        result.byte_level = true;
    } else if (type == "ByteFallback") {
        options.byte_fallback = true;
    } else if (type == "Fuse") {
        fused = true;
    } else if (type == "Replace" && !options.byte_fallback) {
        FP4_ASSIGN(Pattern pattern, pattern_field(component, where));
        FP4_ASSIGN(std::string to, inserted_text(component, "content", where));
        if (!pattern.literal)
            return error(Status::unsupported, where, " with a regular expression is not supported");
        options.replacements.emplace_back(std::move(*pattern.literal), std::move(to));
    } else if (type == "Metaspace") {
        FP4_ASSIGN(MetaspaceFields fields, metaspace_fields(component, where));
        if (fields.scheme != PrependScheme::never) options.drop_in_first_token = fields.replacement;
        options.replacements.emplace_back(std::move(fields.replacement), " ");
    } else if (type == "Strip") {
        FP4_ASSIGN(std::string content, string_field(component, "content", where));
        FP4_ASSIGN(uint32_t start, count_field(component, "start", 0, where));
        FP4_ASSIGN(uint32_t stop, count_field(component, "stop", 0, where));
        if (content.size() != 1 || stop != 0 || !fused) {
            return error(Status::unsupported, where,
                         " is supported only after Fuse, with one ASCII character and stop 0");
        }
        options.strip = content[0];
        options.strip_count = start;
    } else {
        return unsupported(where);
    }
    return {};
}

Result<int32_t> token_id(const JsonValue& value, const std::string& where) {
    auto id = value.unsigned_integer();
    if (!id || *id > static_cast<uint64_t>(max_token_id)) {
        return error(Status::format, where, ": a token id must be a number from 0 to ", max_token_id);
    }
    return static_cast<int32_t>(*id);
}

// TemplateProcessing for one text: special tokens before and after the one Sequence.
Result<Frame> frame_from_template(const JsonValue& component, const std::string& where) {
    FP4_ASSIGN(const JsonValue::Array* single, array_field(component, "single", where));
    Frame frame;
    bool seen_text = false;
    for (const JsonValue& piece : *single) {
        if (find_field(piece, "Sequence") != nullptr) {
            if (seen_text)
                return error(Status::unsupported, where, ".single with the text twice is not supported");
            seen_text = true;
            continue;
        }
        const JsonValue* special = find_field(piece, "SpecialToken");
        if (special == nullptr) return error(Status::format, where, ".single has a piece of unknown kind");
        FP4_ASSIGN(std::string name, string_field(*special, "id", where));
        const JsonValue* tokens = find_field(component, "special_tokens");
        const JsonValue* token = tokens == nullptr ? nullptr : find_field(*tokens, name.c_str());
        if (token == nullptr) return error(Status::format, where, ".special_tokens has no '", name, "'");
        FP4_ASSIGN(const JsonValue::Array* ids, array_field(*token, "ids", where));
        for (const JsonValue& value : *ids) {
            FP4_ASSIGN(int32_t id, token_id(value, where));
            (seen_text ? frame.suffix : frame.prefix).push_back(id);
        }
    }
    if (!seen_text) return error(Status::format, where, ".single has no place for the text");
    return frame;
}

// BertProcessing and RobertaProcessing: [cls] text [sep], each as ["text", id].
Result<Frame> frame_from_pairs(const JsonValue& component, const std::string& where) {
    Frame frame;
    for (auto [key, ids] : {std::pair("cls", &frame.prefix), std::pair("sep", &frame.suffix)}) {
        FP4_ASSIGN(const JsonValue::Array* pair, array_field(component, key, where));
        if (pair->size() != 2) return error(Status::format, where, ".", key, " must be [text, id]");
        FP4_ASSIGN(int32_t id, token_id((*pair)[1], where));
        ids->push_back(id);
    }
    return frame;
}

} // namespace

Result<Normalizer> normalizer_from_json(const JsonValue& component) {
    Normalizer steps;
    FP4_TRY(walk_components(component, "normalizers", "normalizer",
                            [&](const JsonValue& member, const std::string& type, const std::string& where) {
                                return add_normalizer(member, type, where, steps);
                            }));
    return steps;
}

Result<ParsedPreTokenizer> pre_tokenizer_from_json(const JsonValue& component) {
    ParsedPreTokenizer result;
    FP4_TRY(walk_components(component, "pretokenizers", "pre_tokenizer",
                            [&](const JsonValue& member, const std::string& type, const std::string& where) {
                                return add_pre_tokenizer(member, type, where, result);
                            }));
    return result;
}

Result<ParsedDecoder> decoder_from_json(const JsonValue& component) {
    ParsedDecoder result;
    bool fused = false;
    FP4_TRY(walk_components(component, "decoders", "decoder",
                            [&](const JsonValue& member, const std::string& type, const std::string& where) {
                                return add_decoder(member, type, where, fused, result);
                            }));
    return result;
}

Result<std::optional<Frame>> post_processor_from_json(const JsonValue& component) {
    std::optional<Frame> frame;
    FP4_TRY(walk_components(
        component, "processors", "post_processor",
        [&](const JsonValue& member, const std::string& type, const std::string& where) -> Result<void> {
            if (type == "ByteLevel") return {}; // only about offsets
            if (frame) return error(Status::unsupported, where, " after another is not supported");
            if (type == "TemplateProcessing") {
                FP4_ASSIGN(frame, frame_from_template(member, where));
            } else if (type == "BertProcessing" || type == "RobertaProcessing") {
                FP4_ASSIGN(frame, frame_from_pairs(member, where));
            } else {
                return unsupported(where);
            }
            return {};
        }));
    return frame;
}

} // namespace fp4::tokenization
