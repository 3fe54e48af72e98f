// What config.json must and must not say, and what the messages name.
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "libfp4/model/config.h"

using namespace fp4;
using Json = nlohmann::json;

namespace {

const Json small_llama = {
    {"model_type", "llama"},    {"vocab_size", 100},       {"hidden_size", 32},
    {"num_hidden_layers", 2},   {"intermediate_size", 64}, {"num_attention_heads", 4},
    {"num_key_value_heads", 2},
};

Json with(Json config, const char* key, Json value) {
    config[key] = std::move(value);
    return config;
}

ModelConfig read(const Json& json) {
    auto config = config_from_json(json.dump(), "dir: config.json");
    REQUIRE_MESSAGE(config.ok(), config.error().message);
    return *config;
}

Error failure(const Json& json) {
    auto config = config_from_json(json.dump(), "dir: config.json");
    REQUIRE(!config.ok());
    return config.error();
}

void check_names(const Json& json, const char* key) {
    const Error error = failure(json);
    CAPTURE(error.message);
    CHECK(error.status == Status::format);
    CHECK(error.message.starts_with("dir: config.json: "));
    CHECK(error.message.find(key) != std::string::npos);
}

} // namespace

TEST_CASE("defaults where the key may be left out") {
    const ModelConfig config = read(small_llama);
    CHECK(config.head_dim == 8);
    CHECK(config.context_length == 2048);
    CHECK(config.rope.theta == 10000.0);
    CHECK(!config.tied_head);
    CHECK(config.sliding == std::vector<uint8_t>{0, 0});
    CHECK(config.attention_scale == doctest::Approx(1 / std::sqrt(8.0)));
    Json without = small_llama;
    without.erase("num_key_value_heads");
    CHECK(read(without).kv_heads == 4);
}

TEST_CASE("required sizes: missing, of another type, zero, negative, too large") {
    const struct {
        const char* key;
        const char* word; // in messages about the value
    } sizes[] = {{"vocab_size", "vocabulary"},
                 {"hidden_size", "hidden size"},
                 {"num_hidden_layers", "layer count"},
                 {"intermediate_size", "feed-forward size"},
                 {"num_attention_heads", "head"}};
    for (const auto& size : sizes) {
        CAPTURE(size.key);
        Json without = small_llama;
        without.erase(size.key);
        for (const Json& config : {without, with(small_llama, size.key, nullptr)}) {
            const Error error = failure(config);
            CHECK(error.status == Status::format);
            CHECK(error.message == concat("dir: config.json: '", size.key, "' is missing"));
        }
        for (const Json& value :
             {Json("32"), Json(-32), Json(32.0), Json(true), Json::array({32}), Json(uint64_t{1} << 40)}) {
            check_names(with(small_llama, size.key, value), concat("'", size.key, "'").c_str());
        }
        check_names(with(small_llama, size.key, 0),
                    size.key == std::string("num_attention_heads") ? size.key : size.word);
        const Error huge = failure(with(small_llama, size.key, 4294967295u));
        CHECK(huge.status == Status::format);
    }
}

TEST_CASE("sizes that contradict each other") {
    check_names(with(small_llama, "num_key_value_heads", 3), "4 heads cannot share 3 kv heads");
    check_names(with(small_llama, "num_key_value_heads", 0), "kv head count 0");
    check_names(with(small_llama, "head_dim", 7), "head dimension 7 is odd");
    check_names(with(small_llama, "layer_types", Json::array({"full_attention"})), "'layer_types'");
    check_names(with(small_llama, "layer_types", Json::array({"sliding_attention", "full_attention"})),
                "sliding window");
    check_names(with(small_llama, "rope_theta", 0), "rope theta 0");
    check_names(with(small_llama, "rope_theta", "10000"), "'rope_theta'");
    check_names(with(small_llama, "rope_scaling", {{"rope_type", "linear"}, {"factor", 0}}), "factor 0");
    check_names(with(small_llama, "rope_scaling", {{"rope_type", "llama3"}, {"low_freq_factor", 4}}),
                "low_freq_factor");
    check_names(with(small_llama, "rms_norm_eps", "small"), "'rms_norm_eps'");
    Json gemma = with(small_llama, "model_type", "gemma3_text");
    for (int scalar : {0, -4})
        check_names(with(gemma, "query_pre_attn_scalar", scalar), "'query_pre_attn_scalar'");
}

TEST_CASE("what is known but not supported says so") {
    for (const Json& config :
         {with(small_llama, "model_type", "mamba"), with(small_llama, "hidden_act", "relu"),
          with(small_llama, "rope_scaling", {{"rope_type", "yarn"}, {"factor", 2}})}) {
        const Error error = failure(config);
        CHECK(error.status == Status::unsupported);
        CHECK(error.message.find("is not supported") != std::string::npos);
    }
    Json gemma = with(with(small_llama, "model_type", "gemma3_text"), "attn_logit_softcapping", 50.0);
    CHECK(failure(gemma).status == Status::unsupported);
}

TEST_CASE("end tokens: one, several, or nonsense that is left out") {
    CHECK(read(with(small_llama, "eos_token_id", 2)).eos_tokens == std::vector<int32_t>{2});
    CHECK(read(with(small_llama, "eos_token_id", {2, 5, -1, "x"})).eos_tokens == std::vector<int32_t>{2, 5});
    CHECK(read(with(small_llama, "eos_token_id", "x")).eos_tokens.empty());
    CHECK(read(with(small_llama, "bos_token_id", 1)).bos_token == 1);
    CHECK(read(with(small_llama, "bos_token_id", nullptr)).bos_token == -1);
}

TEST_CASE("a configuration that is not JSON, not an object, or cut short") {
    const std::string text = small_llama.dump();
    for (size_t length = 0; length < text.size(); ++length) {
        auto config = config_from_json(std::string_view(text).substr(0, length), "dir: config.json");
        REQUIRE(!config.ok());
        CHECK(config.error().status == Status::format);
    }
    for (const char* other : {"[]", "1", "\"x\"", "null", "{} {}", "{\"model_type\": 5}"}) {
        auto config = config_from_json(other, "dir: config.json");
        REQUIRE(!config.ok());
        CHECK(config.error().message.starts_with("dir: config.json"));
    }
    const std::string deep(100000, '[');
    CHECK(!config_from_json(deep, "dir: config.json").ok());
}
