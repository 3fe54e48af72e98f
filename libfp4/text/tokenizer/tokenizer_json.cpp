// tokenizer.json (and tokenizer_config.json) of Hugging Face models.
#include <array>

#include "libfp4/base/log.h"
#include "libfp4/text/tokenizer/byte_level.h"
#include "libfp4/text/tokenizer/json_components.h"
#include "libfp4/text/tokenizer/json_fields.h"
#include "libfp4/text/tokenizer/tokenizer.h"
#include "libfp4/text/tokenizer/tokenizer_parts.h"

namespace fp4 {

using namespace tokenization;

namespace {

// Where neither file names the tokens that begin and end a text.
constexpr std::array<std::string_view, 5> usual_bos = {
    "<s>", "<|begin_of_text|>", "<bos>", "<\uFF5Cbegin\u2581of\u2581sentence\uFF5C>", "<|startoftext|>",
};
constexpr std::array<std::string_view, 7> usual_eos = {
    "</s>",          "<|end_of_text|>", "<eos>",      "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
    "<|endoftext|>", "<|im_end|>",      "<|eot_id|>",
};

class JsonLoader {
  public:
    JsonLoader(const JsonValue& document, const JsonValue& config) : document_(document), config_(config) {}

    Result<TokenizerParts> load() {
        FP4_ASSIGN(Normalizer normalizer, normalizer_from_json(component("normalizer")));
        FP4_ASSIGN(ParsedPreTokenizer pre_tokenizer, pre_tokenizer_from_json(component("pre_tokenizer")));
        FP4_ASSIGN(ParsedDecoder decoder, decoder_from_json(component("decoder")));
        options_.byte_level = pre_tokenizer.byte_level;
        if (decoder.byte_level != options_.byte_level && !component("decoder").is_null()) {
            return error(Status::unsupported,
                         "a ByteLevel decoder without a ByteLevel pre_tokenizer, or the other way "
                         "round, is not supported");
        }
        FP4_TRY(read_options());
        FP4_TRY(read_vocabulary());
        FP4_TRY(read_merges());
        FP4_TRY(read_added_tokens());
        auto vocabulary = std::make_shared<const Vocabulary>(std::move(vocabulary_));
        FP4_ASSIGN(AddedTokens added, AddedTokens::build(std::move(added_), normalizer));
        SpecialIds special;
        FP4_ASSIGN(Frame frame, read_frame(*vocabulary, added, special));
        complete_special_ids(added, {}, special);
        return TokenizerParts{vocabulary,
                              std::move(added),
                              std::move(normalizer),
                              std::move(pre_tokenizer.steps),
                              BpeModel(vocabulary, std::move(merges_), options_),
                              Decoder(vocabulary, std::move(decoder.options)),
                              std::move(frame.prefix),
                              std::move(frame.suffix),
                              std::move(special)};
    }

  private:
    const JsonValue& component(const char* key) const {
        static const JsonValue absent;
        const JsonValue* found = find_field(document_, key);
        return found == nullptr ? absent : *found;
    }
    const JsonValue& model() const { return component("model"); }

    // A token's text as the vocabulary keeps it; nullopt when words can never spell it.
    std::optional<std::string> internal_text(const std::string& spelled) const {
        return options_.byte_level ? bytes_from_byte_level(spelled) : std::optional(spelled);
    }

    Result<void> read_options() {
        if (!model().object()) return error(Status::format, "model is absent");
        FP4_ASSIGN(auto type, optional_string_field(model(), "type", "model"));
        if (type.value_or("BPE") != "BPE") {
            return error(Status::unsupported, "model type '", *type, "' is not supported; only BPE is");
        }
        for (const char* affix : {"continuing_subword_prefix", "end_of_word_suffix"}) {
            FP4_ASSIGN(auto text, optional_string_field(model(), affix, "model"));
            if (!text.value_or("").empty())
                return error(Status::unsupported, "model.", affix, " is not supported");
        }
        const JsonValue* dropout = find_field(model(), "dropout");
        if (dropout != nullptr && dropout->number() != 0.0)
            return error(Status::unsupported, "model.dropout is not supported");
        FP4_ASSIGN(options_.byte_fallback, bool_field(model(), "byte_fallback", false, "model"));
        FP4_ASSIGN(options_.ignore_merges, bool_field(model(), "ignore_merges", false, "model"));
        FP4_ASSIGN(options_.fuse_unknown, bool_field(model(), "fuse_unk", false, "model"));
        return {};
    }

    Result<void> read_vocabulary() {
        const JsonValue* field = find_field(model(), "vocab");
        const JsonValue::Object* vocab = field == nullptr ? nullptr : field->object();
        if (vocab == nullptr) return error(Status::format, "model.vocab must be an object");
        vocabulary_.reserve(vocab->size(), vocab->size() * 8);
        for (const auto& [spelled, value] : *vocab) {
            auto id = value.integer();
            if (!id || *id < 0) return error(Status::format, "model.vocab['", spelled, "'] is no token id");
            auto text = internal_text(spelled);
            FP4_TRY(vocabulary_.add(*id, text ? *text : spelled, text.has_value()));
        }
        FP4_ASSIGN(auto unknown, optional_string_field(model(), "unk_token", "model"));
        if (unknown) {
            auto text = internal_text(*unknown);
            if (text) options_.unknown = vocabulary_.find(*text);
        }
        return {};
    }

    Result<int32_t> merge_part(const std::string& spelled, size_t merge) const {
        auto text = internal_text(spelled);
        auto id = text ? vocabulary_.find(*text) : std::nullopt;
        if (!id)
            return error(Status::format, "model.merges[", merge, "]: '", spelled, "' is not in model.vocab");
        return *id;
    }

    Result<void> read_merges() {
        FP4_ASSIGN(const JsonValue::Array* merges, array_field(model(), "merges", "model"));
        if (merges->size() >= MergeTable::no_rank) return error(Status::limit, "model.merges is too long");
        merges_.reserve(merges->size());
        std::string left, right;
        for (size_t i = 0; i < merges->size(); ++i) {
            const JsonValue& merge = (*merges)[i];
            const JsonValue::Array* pair = merge.array();
            if (pair && pair->size() == 2 && (*pair)[0].string() && (*pair)[1].string()) {
                left = *(*pair)[0].string();
                right = *(*pair)[1].string();
            } else if (merge.string()) {
                const std::string& both = *merge.string();
                size_t space = both.find(' ');
                if (space == both.npos || both.find(' ', space + 1) != both.npos) {
                    return error(Status::format, "model.merges[", i,
                                 "] must be two tokens with one space between");
                }
                left = both.substr(0, space);
                right = both.substr(space + 1);
            } else {
                return error(Status::format, "model.merges[", i, "] must be a string or a pair of strings");
            }
            FP4_ASSIGN(int32_t left_id, merge_part(left, i));
            FP4_ASSIGN(int32_t right_id, merge_part(right, i));
            FP4_ASSIGN(int32_t joined, merge_part(left + right, i));
            merges_.insert(left_id, right_id, {static_cast<uint32_t>(i), joined});
        }
        return {};
    }

    Result<void> read_added_tokens() {
        if (find_field(document_, "added_tokens") == nullptr) return {};
        FP4_ASSIGN(const JsonValue::Array* tokens, array_field(document_, "added_tokens", "tokenizer"));
        for (size_t i = 0; i < tokens->size(); ++i) {
            std::string where = concat("added_tokens[", i, "]");
            const JsonValue& entry = (*tokens)[i];
            AddedToken token;
            FP4_ASSIGN(token.content, string_field(entry, "content", where));
            FP4_ASSIGN(token.special, bool_field(entry, "special", false, where));
            FP4_ASSIGN(token.lstrip, bool_field(entry, "lstrip", false, where));
            FP4_ASSIGN(token.rstrip, bool_field(entry, "rstrip", false, where));
            FP4_ASSIGN(token.single_word, bool_field(entry, "single_word", false, where));
            FP4_ASSIGN(token.normalized, bool_field(entry, "normalized", !token.special, where));
            const JsonValue* field = find_field(entry, "id");
            auto id = field == nullptr ? std::nullopt : field->integer();
            if (!id || *id < 0) return error(Status::format, where, ".id is no token id");
            if (token.content.empty()) continue; // an empty token is in no text
            FP4_TRY(place_added_token(*id, where, token));
            added_.push_back(std::move(token));
        }
        return {};
    }

    // Added tokens are often in the vocabulary too. Which id counts when the two disagree is the
    // vocabulary's.
    Result<void> place_added_token(int64_t id, const std::string& where, AddedToken& token) {
        auto text = internal_text(token.content);
        auto known = text ? vocabulary_.find(*text) : std::nullopt;
        if (known) {
            if (*known != id) {
                log(LogLevel::warning, concat(where, " '", token.content, "' has id ", id,
                                              " but model.vocab says ", *known, ", which is used"));
            }
            token.id = *known;
            return {};
        }
        if (!vocabulary_.contains(id)) {
            FP4_TRY(vocabulary_.add(id, token.content, false));
        } else if (vocabulary_.text(static_cast<int32_t>(id)) != token.content) {
            return error(Status::format, where, " '", token.content, "' has the id ", id,
                         " of another token");
        }
        token.id = static_cast<int32_t>(id);
        return {};
    }

    // A token named in tokenizer_config.json, as text or as an object with the text in `content`.
    Result<std::optional<int32_t>> configured(const char* key, const AddedTokens& added) const {
        const JsonValue* field = find_field(config_, key);
        if (field == nullptr) return std::optional<int32_t>();
        const JsonValue* content = field->object() ? find_field(*field, "content") : field;
        if (content == nullptr || !content->string()) {
            return error(Status::format, "tokenizer_config: ", key, " must be a token's text");
        }
        const AddedToken* token = added.find(*content->string());
        return token == nullptr ? std::optional<int32_t>() : token->id;
    }

    template <class Names>
    static std::optional<int32_t> usual(const Names& names, const AddedTokens& added) {
        for (auto name : names) {
            const AddedToken* token = added.find(name);
            if (token != nullptr && token->special) return token->id;
        }
        return std::nullopt;
    }

    Result<Frame> read_frame(const Vocabulary& vocabulary, const AddedTokens& added,
                             SpecialIds& special) const {
        FP4_ASSIGN(auto stated, post_processor_from_json(component("post_processor")));
        Frame frame = stated.value_or(Frame{});
        for (const auto* side : {&frame.prefix, &frame.suffix}) {
            for (int32_t id : *side) {
                if (!vocabulary.contains(id))
                    return error(Status::format, "post_processor: token ", id, " is unknown");
            }
        }
        FP4_ASSIGN(special.bos, configured("bos_token", added));
        FP4_ASSIGN(special.eos, configured("eos_token", added));
        if (!special.bos && !frame.prefix.empty()) special.bos = frame.prefix.front();
        if (!special.eos && !frame.suffix.empty()) special.eos = frame.suffix.back();
        if (config_.is_null()) {
            if (!special.bos) special.bos = usual(usual_bos, added);
            if (!special.eos) special.eos = usual(usual_eos, added);
        }
        if (!stated) {
            FP4_ASSIGN(bool add_bos, bool_field(config_, "add_bos_token", false, "tokenizer_config"));
            FP4_ASSIGN(bool add_eos, bool_field(config_, "add_eos_token", false, "tokenizer_config"));
            if (add_bos && special.bos) frame.prefix.push_back(*special.bos);
            if (add_eos && special.eos) frame.suffix.push_back(*special.eos);
        }
        return frame;
    }

    const JsonValue& document_;
    const JsonValue& config_;
    BpeOptions options_;
    Vocabulary vocabulary_;
    MergeTable merges_;
    std::vector<AddedToken> added_;
};

Result<TokenizerParts> parts_from_json(std::string_view tokenizer_json, std::string_view config_json) {
    FP4_ASSIGN(JsonValue document, parse_json(tokenizer_json, "tokenizer"));
    JsonValue config;
    if (!config_json.empty()) {
        FP4_ASSIGN(config, parse_json(config_json, "tokenizer_config"));
    }
    return JsonLoader(document, config).load();
}

} // namespace

Result<std::shared_ptr<const Tokenizer>> Tokenizer::from_json(std::string_view tokenizer_json,
                                                              std::string_view tokenizer_config_json,
                                                              const std::string& source_name) {
    auto parts = parts_from_json(tokenizer_json, tokenizer_config_json);
    if (!parts) return error(parts.error().status, source_name, ": ", parts.error().message);
    return std::make_shared<const Tokenizer>(std::move(*parts));
}

} // namespace fp4
