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

} // namespace fp4::tokenization
