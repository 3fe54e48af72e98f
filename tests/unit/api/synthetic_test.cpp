// Models with random weights through the ABI.
#include <cmath>

#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

constexpr const char* shape = R"({"model_type": "llama", "vocab_size": 300, "hidden_size": 64,
    "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 1, "intermediate_size": 160,
    "max_position_embeddings": 64})";

fp4_model_config synthetic(const char* format, uint64_t seed = 0) {
    fp4_model_config config = defaults<fp4_model_config, fp4_model_config_init>();
    config.synthetic = shape;
    config.synthetic_format = format;
    config.synthetic_seed = seed;
    return config;
}

std::vector<float> logits_of(const fp4_model_config& config) {
    fp4_model* opened = nullptr;
    REQUIRE(fp4_model_open(&opened, nullptr, &config) == FP4_OK);
    ModelHandle model(opened);
    return last_logits(model.get(), {1, 2, 3, 4, 5});
}

} // namespace

TEST_CASE("a synthetic model runs, in every format") {
    for (const char* format :
         {static_cast<const char*>(nullptr), "nvfp4", "mxfp8-e4m3", "mxint8", "bf16", "f32"}) {
        const std::vector<float> logits = logits_of(synthetic(format));
        REQUIRE(logits.size() == 300);
        double squares = 0;
        for (float logit : logits) squares += double(logit) * logit;
        CHECK(std::sqrt(squares / 300) ==
              doctest::Approx(1.0).epsilon(0.3)); // norm, then weights of 1 / sqrt(K)
        CHECK(logits == logits_of(synthetic(format)));
        CHECK(logits != logits_of(synthetic(format, 1)));
    }
}

TEST_CASE("a synthetic model is planned, described and opened by a job") {
    const fp4_model_config config = synthetic("nvfp4");
    fp4_plan plan{};
    plan.size = sizeof plan;
    REQUIRE(fp4_model_plan(nullptr, &config, nullptr, &plan) == FP4_OK);
    fp4_job* started = nullptr;
    REQUIRE(fp4_model_open_start(&started, "my model", &config) == FP4_OK);
    JobHandle job(started);
    REQUIRE(finish(started) == FP4_DONE);
    fp4_model* taken = nullptr;
    REQUIRE(fp4_job_take_model(started, &taken) == FP4_OK);
    ModelHandle model(taken);
    fp4_model_info info{};
    info.size = sizeof info;
    REQUIRE(fp4_model_info_get(taken, &info) == FP4_OK);
    CHECK(info.weight_bytes == plan.weight_bytes);
    CHECK(std::string(info.source) == "synthetic");
    CHECK(std::string(info.format) == "nvfp4");
    CHECK((info.flags & FP4_MODEL_HAS_TOKENIZER) == 0);
    char text[16384];
    size_t bytes = 0;
    REQUIRE(fp4_model_meta(taken, "name", text, sizeof text, &bytes) == FP4_OK);
    CHECK(std::string(text, bytes) == "my model");
    CHECK_WORKS(fp4_model_describe(nullptr, &config, text, sizeof text, &bytes));
    CHECK(std::string(text, bytes).find("\"synthetic\"") != std::string::npos);
    int32_t tokens[4];
    CHECK_FAILS(fp4_tokenize(taken, "x", 1, 0, tokens, 4, nullptr), FP4_E_UNSUPPORTED);
}

TEST_CASE("synthetic models that make no sense") {
    fp4_model* model = nullptr;
    fp4_model_config config = synthetic("mxfp5");
    CHECK_FAILS(fp4_model_open(&model, nullptr, &config), FP4_E_ARGUMENT);
    config = synthetic(nullptr);
    config.synthetic = "llama-9";
    CHECK_FAILS(fp4_model_open(&model, nullptr, &config), FP4_E_NOT_FOUND);
    config.synthetic = "{\"model_type\":";
    CHECK_FAILS(fp4_model_open(&model, nullptr, &config), FP4_E_FORMAT);
    config = synthetic(nullptr);
    fp4_io io{};
    io.size = sizeof io;
    config.io = &io;
    CHECK_FAILS(fp4_model_open(&model, nullptr, &config), FP4_E_ARGUMENT);
    // A caller of the first layout has no such field.
    config = synthetic(nullptr);
    config.size = 24;
    CHECK_FAILS(fp4_model_open(&model, nullptr, &config), FP4_E_ARGUMENT);
    CHECK(model == nullptr);
}
