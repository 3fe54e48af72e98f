// Decoders and post-processors.
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "libfp4/text/tokenizer/json_components.h"
#include "libfp4/text/tokenizer/json_fields.h"
#include "libfp4/text/tokenizer/json_patterns.h"
#include "libfp4/text/tokenizer/json_walk.h"

namespace fp4::tokenization {

using nlohmann::json;

namespace {

Result<void> add_decoder(const json& component, const std::string& type, const std::string& where,
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

Result<int32_t> token_id(const json& value, const std::string& where) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > static_cast<uint64_t>(max_token_id)) {
        return error(Status::format, where, ": a token id must be a number from 0 to ", max_token_id);
    }
    return value.get<int32_t>();
}

// TemplateProcessing for one text: special tokens before and after the one Sequence.
Result<Frame> frame_from_template(const json& component, const std::string& where) {
    FP4_ASSIGN(const json* single, array_field(component, "single", where));
    Frame frame;
    bool seen_text = false;
    for (const json& piece : *single) {
        if (find_field(piece, "Sequence") != nullptr) {
            if (seen_text)
                return error(Status::unsupported, where, ".single with the text twice is not supported");
            seen_text = true;
            continue;
        }
        const json* special = find_field(piece, "SpecialToken");
        if (special == nullptr) return error(Status::format, where, ".single has a piece of unknown kind");
        FP4_ASSIGN(std::string name, string_field(*special, "id", where));
        const json* tokens = find_field(component, "special_tokens");
        const json* token = tokens == nullptr ? nullptr : find_field(*tokens, name.c_str());
        if (token == nullptr) return error(Status::format, where, ".special_tokens has no '", name, "'");
        FP4_ASSIGN(const json* ids, array_field(*token, "ids", where));
        for (const json& value : *ids) {
            FP4_ASSIGN(int32_t id, token_id(value, where));
            (seen_text ? frame.suffix : frame.prefix).push_back(id);
        }
    }
    if (!seen_text) return error(Status::format, where, ".single has no place for the text");
    return frame;
}

// BertProcessing and RobertaProcessing: [cls] text [sep], each as ["text", id].
Result<Frame> frame_from_pairs(const json& component, const std::string& where) {
    Frame frame;
    for (auto [key, ids] : {std::pair("cls", &frame.prefix), std::pair("sep", &frame.suffix)}) {
        FP4_ASSIGN(const json* pair, array_field(component, key, where));
        if (pair->size() != 2) return error(Status::format, where, ".", key, " must be [text, id]");
        FP4_ASSIGN(int32_t id, token_id((*pair)[1], where));
        ids->push_back(id);
    }
    return frame;
}

} // namespace

Result<ParsedDecoder> decoder_from_json(const json& component) {
    ParsedDecoder result;
    bool fused = false;
    FP4_TRY(walk_components(component, "decoders", "decoder",
                            [&](const json& member, const std::string& type, const std::string& where) {
                                return add_decoder(member, type, where, fused, result);
                            }));
    return result;
}

Result<std::optional<Frame>> post_processor_from_json(const json& component) {
    std::optional<Frame> frame;
    FP4_TRY(walk_components(
        component, "processors", "post_processor",
        [&](const json& member, const std::string& type, const std::string& where) -> Result<void> {
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
