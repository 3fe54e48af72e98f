// Decoders and post-processors.
#include <string>
#include <utility>

#include "libfp4/text/tokenizer/json_components.h"
#include "libfp4/text/tokenizer/json_fields.h"
#include "libfp4/text/tokenizer/json_patterns.h"
#include "libfp4/text/tokenizer/json_walk.h"

namespace fp4::tokenization {

namespace {

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
        return unsupported_component(where);
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
                return unsupported_component(where);
            }
            return {};
        }));
    return frame;
}

} // namespace fp4::tokenization
