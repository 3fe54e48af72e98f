// The tokenizer section of GGUF files: byte-level BPE ("gpt2") and SentencePiece BPE ("llama").
#include <string>
#include <string_view>

#include "libfp4/base/log.h"
#include "libfp4/io/gguf_metadata.h"
#include "libfp4/text/tokenizer/byte_level.h"
#include "libfp4/text/tokenizer/known_patterns.h"
#include "libfp4/text/tokenizer/sentencepiece_bpe.h"
#include "libfp4/text/tokenizer/tokenizer.h"
#include "libfp4/text/tokenizer/tokenizer_parts.h"

namespace fp4 {

using namespace tokenization;

namespace {

// tokenizer.ggml.token_type
enum class TokenType : int64_t {
    undefined = 0,
    normal = 1,
    unknown = 2,
    control = 3,
    user_defined = 4,
    unused = 5,
    byte = 6
};

namespace key {
constexpr const char model[] = "tokenizer.ggml.model";
constexpr const char pre[] = "tokenizer.ggml.pre";
constexpr const char tokens[] = "tokenizer.ggml.tokens";
constexpr const char types[] = "tokenizer.ggml.token_type";
constexpr const char scores[] = "tokenizer.ggml.scores";
constexpr const char merges[] = "tokenizer.ggml.merges";
constexpr const char bos[] = "tokenizer.ggml.bos_token_id";
constexpr const char eos[] = "tokenizer.ggml.eos_token_id";
constexpr const char eot[] = "tokenizer.ggml.eot_token_id";
constexpr const char eom[] = "tokenizer.ggml.eom_token_id";
constexpr const char unknown[] = "tokenizer.ggml.unknown_token_id";
constexpr const char add_bos[] = "tokenizer.ggml.add_bos_token";
constexpr const char add_eos[] = "tokenizer.ggml.add_eos_token";
constexpr const char add_space_prefix[] = "tokenizer.ggml.add_space_prefix";
constexpr const char remove_extra_whitespaces[] = "tokenizer.ggml.remove_extra_whitespaces";
constexpr const char precompiled_charsmap[] = "tokenizer.ggml.precompiled_charsmap";
} // namespace key

class GgufLoader {
  public:
    explicit GgufLoader(const GgufMetadata& metadata) : metadata_(metadata) {}

    Result<TokenizerParts> load() {
        auto model = metadata_.string(key::model);
        if (!model) return error(Status::format, key::model, " is absent");
        if (*model != "gpt2" && *model != "llama") {
            return error(Status::unsupported, key::model, " '", *model,
                         "' is not supported; gpt2 and llama are");
        }
        options_.byte_level = *model == "gpt2";
        FP4_TRY(read_tokens());
        FP4_TRY(read_special_ids());
        read_added_tokens();
        FP4_TRY(options_.byte_level ? prepare_byte_level() : prepare_sentencepiece());
        return assemble();
    }

  private:
    Result<void> read_tokens() {
        tokens_ = metadata_.strings(key::tokens);
        if (tokens_ == nullptr || tokens_->empty()) return error(Status::format, key::tokens, " is absent");
        types_.assign(tokens_->size(), TokenType::normal);
        if (metadata_.contains(key::types)) {
            auto types = metadata_.integers(key::types);
            if (!types || types->size() != tokens_->size()) {
                return error(Status::format, key::types, " must be ", tokens_->size(), " integers");
            }
            for (size_t id = 0; id < types->size(); ++id) types_[id] = static_cast<TokenType>((*types)[id]);
        }
        vocabulary_.reserve(tokens_->size(), tokens_->size() * 8);
        for (size_t id = 0; id < tokens_->size(); ++id) {
            // Control tokens are no words: text must not turn into them by merging.
            bool searchable = types_[id] != TokenType::control && types_[id] != TokenType::unknown;
            std::string text = (*tokens_)[id];
            if (options_.byte_level && types_[id] != TokenType::user_defined) {
                auto bytes = bytes_from_byte_level(text);
                if (bytes && searchable) text = std::move(*bytes);
                searchable = searchable && bytes.has_value();
            }
            FP4_TRY(vocabulary_.add(static_cast<int64_t>(id), text, searchable));
        }
        return {};
    }

    Result<std::optional<int32_t>> id_key(const char* key) const {
        auto id = metadata_.unsigned_integer(key);
        if (!id || *id == UINT32_MAX) return std::optional<int32_t>();
        if (*id >= tokens_->size()) {
            return error(Status::format, key, " is ", *id, " but there are ", tokens_->size(), " tokens");
        }
        return std::optional(static_cast<int32_t>(*id));
    }

    Result<void> read_special_ids() {
        FP4_ASSIGN(special_.bos, id_key(key::bos));
        FP4_ASSIGN(special_.eos, id_key(key::eos));
        FP4_ASSIGN(special_.eot, id_key(key::eot));
        FP4_ASSIGN(end_of_message_, id_key(key::eom));
        FP4_ASSIGN(options_.unknown, id_key(key::unknown));
        return {};
    }

    void read_added_tokens() {
        for (size_t i = 0; i < tokens_->size(); ++i) {
            auto id = static_cast<int32_t>(i);
            // Some files give the tokens that begin and end a text an ordinary type.
            bool has_role =
                id == special_.bos || id == special_.eos || id == special_.eot || id == end_of_message_;
            bool special = types_[i] == TokenType::control || types_[i] == TokenType::unknown || has_role;
            if ((special || types_[i] == TokenType::user_defined) && !(*tokens_)[i].empty()) {
                added_.push_back({.id = id, .content = (*tokens_)[i], .special = special});
            }
        }
    }

    Result<void> prepare_byte_level() {
        auto name = metadata_.string(key::pre);
        if (!name) {
            log(LogLevel::warning,
                concat("the file has no ", key::pre, "; words may be cut differently than in training"));
        }
        const GgufPreTokenizer* known = find_gguf_pre_tokenizer(name.value_or("default"));
        if (known == nullptr) {
            return error(Status::unsupported, key::pre, " '", *name, "' is not supported");
        }
        if (known->nfc) normalizer_.push_back(unicode_form(UnicodeForm::nfc));
        for (auto pattern : known->patterns) {
            FP4_ASSIGN(Regex regex, Regex::compile(pattern));
            pre_tokenizer_.push_back(split_by_regex(std::move(regex), SplitBehavior::isolated, false));
        }
        options_.ignore_merges = known->ignore_merges;
        options_.unknown.reset(); // bytes without a token are dropped
        add_bos_ = known->add_bos;
        return read_merges();
    }

    Result<void> read_merges() {
        const auto* merges = metadata_.strings(key::merges);
        if (merges == nullptr) return error(Status::format, key::merges, " is absent");
        if (merges->size() >= MergeTable::no_rank) return error(Status::limit, key::merges, " is too long");
        merges_.reserve(merges->size());
        auto find = [&](std::string_view spelled) {
            auto bytes = bytes_from_byte_level(spelled);
            return bytes ? vocabulary_.find(*bytes) : std::nullopt;
        };
        for (size_t rank = 0; rank < merges->size(); ++rank) {
            std::string merge = (*merges)[rank];
            size_t space = merge.find(' ');
            if (space == merge.npos || merge.find(' ', space + 1) != merge.npos) {
                return error(Status::format, key::merges, "[", rank,
                             "] must be two tokens with one space between");
            }
            auto left = find(std::string_view(merge).substr(0, space));
            auto right = find(std::string_view(merge).substr(space + 1));
            merge.erase(space, 1);
            auto joined = find(merge);
            if (!left || !right || !joined) {
                return error(Status::format, key::merges, "[", rank,
                             "] joins or makes a token that is not in ", key::tokens);
            }
            merges_.insert(*left, *right, {static_cast<uint32_t>(rank), *joined});
        }
        return {};
    }

    Result<void> prepare_sentencepiece() {
        auto scores = metadata_.numbers(key::scores);
        if (!scores || scores->size() != tokens_->size()) {
            return error(Status::format, key::scores, " must be ", tokens_->size(), " numbers");
        }
        if (metadata_.contains(key::precompiled_charsmap)) {
            return error(Status::unsupported, key::precompiled_charsmap, " is not supported");
        }
        std::vector<bool> joinable(tokens_->size());
        for (size_t id = 0; id < types_.size(); ++id) {
            joinable[id] = types_[id] != TokenType::control && types_[id] != TokenType::unknown &&
                           types_[id] != TokenType::byte;
        }
        auto merges = merges_from_scores(vocabulary_, *scores, joinable);
        if (!merges) return error(merges.error().status, key::scores, ": ", merges.error().message);
        merges_ = std::move(*merges);
        options_.byte_fallback = true;
        options_.fuse_unknown = true;
        if (metadata_.boolean(key::remove_extra_whitespaces).value_or(false)) {
            normalizer_.push_back(collapse_spaces());
        }
        bool space_prefix = metadata_.boolean(key::add_space_prefix).value_or(true);
        if (space_prefix) normalizer_.push_back(prepend_text(" "));
        normalizer_.push_back(replace_literal(" ", "\u2581"));
        decoder_.replacements = {{"\u2581", " "}};
        decoder_.byte_fallback = true;
        decoder_.strip_count = space_prefix ? 1 : 0;
        add_bos_ = true;
        return {};
    }

    Result<TokenizerParts> assemble() {
        bool add_bos = metadata_.boolean(key::add_bos).value_or(add_bos_);
        bool add_eos = metadata_.boolean(key::add_eos).value_or(false);
        std::vector<int32_t> prefix, suffix, more_ends;
        if (add_bos && special_.bos) prefix.push_back(*special_.bos);
        if (add_eos && special_.eos) suffix.push_back(*special_.eos);
        if (end_of_message_) more_ends.push_back(*end_of_message_);
        auto vocabulary = std::make_shared<const Vocabulary>(std::move(vocabulary_));
        FP4_ASSIGN(AddedTokens added, AddedTokens::build(std::move(added_), normalizer_));
        complete_special_ids(added, more_ends, special_);
        return TokenizerParts{vocabulary,
                              std::move(added),
                              std::move(normalizer_),
                              std::move(pre_tokenizer_),
                              BpeModel(vocabulary, std::move(merges_), options_),
                              Decoder(vocabulary, std::move(decoder_)),
                              std::move(prefix),
                              std::move(suffix),
                              std::move(special_)};
    }

    const GgufMetadata& metadata_;
    const std::vector<std::string>* tokens_ = nullptr;
    std::vector<TokenType> types_;
    BpeOptions options_;
    Vocabulary vocabulary_;
    MergeTable merges_;
    Normalizer normalizer_;
    PreTokenizer pre_tokenizer_;
    DecoderOptions decoder_;
    std::vector<AddedToken> added_;
    SpecialIds special_;
    std::optional<int32_t> end_of_message_;
    bool add_bos_ = false;
};

} // namespace

Result<std::shared_ptr<const Tokenizer>> Tokenizer::from_gguf(const GgufMetadata& metadata,
                                                              const std::string& source_name) {
    auto parts = GgufLoader(metadata).load();
    if (!parts) return error(parts.error().status, source_name, ": ", parts.error().message);
    return std::make_shared<const Tokenizer>(std::move(*parts));
}

} // namespace fp4
