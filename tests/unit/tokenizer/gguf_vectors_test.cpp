// llama.cpp's published vectors: 46 texts (.inp, each closed by a line) and their ids (.out) for vocabularies
// in GGUF files without tensors. Skipped where that data is absent.
#include <doctest/doctest.h>

#include <map>
#include <sstream>

#include "libfp4/io/checkpoint.h"
#include "libfp4/io/gguf_metadata.h"
#include "libfp4/text/tokenizer/tokenizer.h"
#include "tests/unit/tokenizer/byte_spelling.h"
#include "tests/unit/tokenizer/test_files.h"

using namespace fp4;

namespace {

std::vector<std::string> read_texts(const std::string& path) {
    std::string all = test::read_file(path).value_or("");
    std::vector<std::string> texts;
    constexpr std::string_view close = "\n__ggml_vocab_test__\n";
    for (size_t at = 0, end; (end = all.find(close, at)) != all.npos; at = end + close.size()) {
        texts.push_back(all.substr(at, end - at));
    }
    return texts;
}

std::vector<std::vector<int32_t>> read_ids(const std::string& path) {
    std::istringstream lines(test::read_file(path).value_or(""));
    std::vector<std::vector<int32_t>> all;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream numbers(line);
        auto& ids = all.emplace_back();
        for (int32_t id; numbers >> id;) ids.push_back(id);
    }
    return all;
}

void check_vectors(const Tokenizer& tokenizer, const std::string& vectors) {
    auto texts = read_texts(vectors + ".inp");
    auto ids = read_ids(vectors + ".out");
    REQUIRE(texts.size() == 46);
    REQUIRE(ids.size() >= texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
        CAPTURE(texts[i]);
        auto found = tokenizer.encode(texts[i], false, SpecialPolicy::none);
        REQUIRE(found.ok());
        CHECK(*found == ids[i]);
        auto text = tokenizer.decode(*found, true);
        REQUIRE(text.ok());
        CHECK(*text == texts[i]);
    }
}

std::shared_ptr<const Tokenizer> open_tokenizer(const std::string& path) {
    auto checkpoint = open_checkpoint(path, OpenOptions{});
    REQUIRE_MESSAGE(checkpoint.ok(), checkpoint.error().message);
    REQUIRE((*checkpoint)->gguf() != nullptr);
    auto tokenizer = Tokenizer::from_gguf(*(*checkpoint)->gguf(), path);
    REQUIRE_MESSAGE(tokenizer.ok(), tokenizer.error().message);
    return *tokenizer;
}

size_t count_tokens(const Tokenizer& tokenizer, const std::string& path) {
    auto ids = tokenizer.encode(test::read_file(path).value_or(""), false, SpecialPolicy::none);
    REQUIRE(ids.ok());
    return ids->size();
}

int base64_digit(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

std::string from_base64(const std::string& text) {
    std::string out;
    uint32_t bits = 0;
    int count = 0;
    for (char c : text) {
        if (base64_digit(c) < 0) break;
        bits = bits << 6 | static_cast<uint32_t>(base64_digit(c));
        if ((count += 6) >= 8) out += static_cast<char>(bits >> (count -= 8) & 0xFF);
    }
    return out;
}

// Splits a token into the two that its merge joined: merging its bytes with all lower ranks leaves two parts.
std::pair<std::string, std::string> merge_of(const std::string& token,
                                             const std::map<std::string, int64_t>& ranks) {
    std::vector<std::string> parts;
    for (char c : token) parts.emplace_back(1, c);
    while (parts.size() > 2) {
        size_t best = parts.size();
        int64_t best_rank = ranks.at(token);
        for (size_t i = 0; i + 1 < parts.size(); ++i) {
            auto found = ranks.find(parts[i] + parts[i + 1]);
            if (found != ranks.end() && found->second < best_rank) best_rank = found->second, best = i;
        }
        REQUIRE(best < parts.size());
        parts[best] += parts[best + 1];
        parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
    return {parts[0], parts[1]};
}

} // namespace

TEST_CASE("GPT-2's vocabulary gives llama.cpp's vectors") {
    auto path = test::data_file("tokenizers/ggml-vocab-gpt-2.gguf");
    if (!path) return;
    auto tokenizer = open_tokenizer(*path);
    check_vectors(*tokenizer, *path);
    CHECK(tokenizer->eos() == 50256);
    CHECK(tokenizer->id_of("<|endoftext|>") == 50256);
    CHECK(tokenizer->id_of(" the") == 262);
    // The count of the data's own description, from an independent encoder.
    if (auto text = test::data_file("text/wikitext-2/wiki.test.raw"))
        CHECK(count_tokens(*tokenizer, *text) == 286221);
}

TEST_CASE("Phi-3's vocabulary, SentencePiece as in Llama 2, gives llama.cpp's vectors") {
    auto path = test::data_file("tokenizers/ggml-vocab-phi-3.gguf");
    if (!path) return;
    auto tokenizer = open_tokenizer(*path);
    check_vectors(*tokenizer, *path);
    auto ids = tokenizer->encode("<|user|>hi<|end|>", true, SpecialPolicy::parse);
    REQUIRE(ids.ok());
    CHECK(*ids == std::vector<int32_t>{1, 32010, 7251, 32007}); // <s>, <|user|>, "▁hi", <|end|>
    CHECK(tokenizer->is_end_of_generation(32007));
    CHECK(tokenizer->is_end_of_generation(32000));
}

TEST_CASE("Qwen2's vocabulary gives llama.cpp's vectors") {
    auto ranks_path = test::data_file("tokenizers/qwen.tiktoken");
    auto vectors = test::data_file("tokenizers/ggml-vocab-qwen2.gguf.inp");
    if (!ranks_path || !vectors) return;
    std::map<std::string, int64_t> ranks;
    std::vector<std::string> tokens;
    std::istringstream lines(test::read_file(*ranks_path).value_or(""));
    std::string base64;
    for (int64_t rank; lines >> base64 >> rank;) {
        REQUIRE(rank == static_cast<int64_t>(tokens.size()));
        tokens.push_back(from_base64(base64));
        ranks[tokens.back()] = rank;
    }
    REQUIRE(tokens.size() == 151643);
    std::vector<std::string> spelled, merges;
    for (const auto& token : tokens) {
        spelled.push_back(test::byte_level_spelling(token));
        if (token.size() < 2) continue;
        auto [left, right] = merge_of(token, ranks);
        merges.push_back(test::byte_level_spelling(left) + " " + test::byte_level_spelling(right));
    }
    GgufMetadata metadata;
    metadata.set("tokenizer.ggml.model", std::string("gpt2"));
    metadata.set("tokenizer.ggml.pre", std::string("qwen2"));
    metadata.set("tokenizer.ggml.tokens", spelled);
    metadata.set("tokenizer.ggml.merges", merges);
    auto tokenizer = Tokenizer::from_gguf(metadata, "qwen.tiktoken");
    REQUIRE_MESSAGE(tokenizer.ok(), tokenizer.error().message);
    check_vectors(**tokenizer, vectors->substr(0, vectors->size() - 4));
    if (auto text = test::data_file("text/wikitext-2/wiki.test.raw"))
        CHECK(count_tokens(**tokenizer, *text) == 299078);
}
