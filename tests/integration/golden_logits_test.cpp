// Logits against Hugging Face transformers in float32 on the same weights (tests/golden/make/model_*.py).
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;

namespace {

struct Reference {
    std::vector<int32_t> ids;
    std::vector<float> logits; // [ids, vocabulary]
};

Reference read_reference(const std::filesystem::path& file) {
    return {read_ids(file, "ids"), read_values(file, "logits")};
}

// The largest difference; also checks that the most likely token is the same at every position.
double compare(const std::shared_ptr<const Model>& model, const Reference& reference, uint32_t chunk) {
    ContextConfig config;
    config.chunk = chunk;
    config.kv_format = KvFormat::f32; // the reference keeps single precision
    auto context = make_context(model, config);
    auto evaluated = context->eval(reference.ids, true);
    REQUIRE_MESSAGE(evaluated.ok(), evaluated.error().message);
    const size_t vocabulary = model->config.vocabulary;
    REQUIRE(reference.logits.size() == reference.ids.size() * vocabulary);
    std::vector<float> row(vocabulary);
    double largest = 0;
    for (size_t i = 0; i < reference.ids.size(); ++i) {
        REQUIRE(context->logits(i, row).ok());
        const float* expected = reference.logits.data() + i * vocabulary;
        for (size_t j = 0; j < vocabulary; ++j)
            largest = std::max(largest, double(std::abs(row[j] - expected[j])));
        CHECK(std::ranges::max_element(row) - row.begin() ==
              std::max_element(expected, expected + vocabulary) - expected);
    }
    return largest;
}

} // namespace

TEST_CASE("tiny random models of every architecture match transformers") {
    size_t compared = 0;
    for (const auto& entry : std::filesystem::directory_iterator(golden_models())) {
        if (!std::filesystem::exists(entry.path() / "config.json")) continue;
        CAPTURE(entry.path().filename().string());
        Reference reference = read_reference(entry.path() / "logits.safetensors");
        auto model = load_model(entry.path());
        for (uint32_t chunk : {64u, 7u, 1u}) CHECK(compare(model, reference, chunk) <= 2e-3);
        if (std::filesystem::exists(entry.path() / "model.gguf")) {
            CHECK(compare(load_model(entry.path() / "model.gguf"), reference, 64) <= 2e-3);
        }
        ++compared;
    }
    CHECK(compared >= 7);
}

TEST_CASE("both spellings of config.json mean the same model") {
    for (const auto& entry : std::filesystem::directory_iterator(golden_models())) {
        auto other = entry.path() / "config_other_spelling.json";
        if (!std::filesystem::exists(other)) continue;
        CAPTURE(entry.path().filename().string());
        auto read = [](const std::filesystem::path& path) {
            auto text = read_text_file(path.string(), 1 << 20);
            REQUIRE(text.ok());
            auto config = config_from_json(*text, path.string());
            REQUIRE_MESSAGE(config.ok(), config.error().message);
            return config_to_json(*config);
        };
        CHECK(read(entry.path() / "config.json") == read(other));
    }
}
