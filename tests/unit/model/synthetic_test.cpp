// Models with random weights: every shape, the same bytes from any place, numbers of the right size.
#include "libfp4/model/synthetic.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "libfp4/model/model_source.h"

using namespace fp4;

namespace {

constexpr const char* small_shape = R"({"model_type": "qwen3", "vocab_size": 101, "hidden_size": 96,
    "num_hidden_layers": 2, "num_attention_heads": 3, "num_key_value_heads": 1, "head_dim": 32,
    "intermediate_size": 160, "attention_bias": true})";

SyntheticModel small_model(const char* format, uint64_t seed = 1) {
    SyntheticModel model;
    auto config = synthetic_shape(small_shape);
    REQUIRE(config.ok());
    model.config = *config;
    auto encoding = matrix_encoding(format);
    REQUIRE(encoding.ok());
    model.matrices = *encoding;
    model.seed = seed;
    return model;
}

std::shared_ptr<Checkpoint> checkpoint(const SyntheticModel& model) {
    auto made = synthetic_checkpoint(model);
    REQUIRE(made.ok());
    return *made;
}

std::vector<float> read(const Checkpoint& from, const char* name, uint64_t first, uint64_t count) {
    const TensorInfo* tensor = from.find(name);
    REQUIRE(tensor != nullptr);
    std::vector<float> values(count * tensor->row_length());
    REQUIRE(from.read_f32(*tensor, first, count, values.data()).ok());
    return values;
}

double deviation(const std::vector<float>& values) {
    double squares = 0;
    for (float value : values) squares += double(value) * value;
    return std::sqrt(squares / double(values.size()));
}

constexpr const char* formats[] = {"mxfp4",      "nvfp4",  "mxfp8-e4m3", "mxfp8-e5m2", "mxfp6-e2m3",
                                   "mxfp6-e3m2", "mxint8", "bf16",       "f16",        "f32"};

} // namespace

TEST_CASE("every named shape is a model") {
    for (std::string_view name : synthetic_shapes()) {
        CAPTURE(name);
        SyntheticModel model;
        auto config = synthetic_shape(name);
        REQUIRE(config.ok());
        model.config = *config;
        auto source = inspect_model(checkpoint(model));
        REQUIRE(source.ok());
        CHECK(source->config.name == name);
    }
    auto llama = synthetic_shape("llama-3-8b");
    REQUIRE(llama.ok());
    SyntheticModel model;
    model.config = *llama;
    auto source = inspect_model(checkpoint(model));
    REQUIRE(source.ok());
    CHECK(source->parameters() == 8030261248); // the model card's 8.03 B
}

TEST_CASE("weights have the deviation of their width, in every format") {
    for (const char* format : formats) {
        CAPTURE(format);
        auto made = checkpoint(small_model(format));
        const std::vector<float> down = read(*made, "model.layers.1.mlp.down_proj.weight", 0, 96);
        CHECK(deviation(down) == doctest::Approx(1 / std::sqrt(160.0)).epsilon(0.05));
        double sum = 0;
        for (float value : down) sum += value;
        CHECK(std::abs(sum / double(down.size())) < 0.005);
        const std::vector<float> norm = read(*made, "model.norm.weight", 0, 1);
        CHECK(deviation(norm) == doctest::Approx(1.0).epsilon(0.05));
        CHECK(deviation(read(*made, "model.layers.0.self_attn.q_proj.bias", 0, 1)) < 0.3);
    }
}

TEST_CASE("the same seed gives the same bytes wherever reading starts") {
    for (const char* format : formats) {
        CAPTURE(format);
        auto made = checkpoint(small_model(format)), again = checkpoint(small_model(format));
        const char* name = "model.layers.0.mlp.gate_proj.weight";
        const std::vector<float> all = read(*made, name, 0, 160), part = read(*again, name, 37, 50);
        CHECK(std::memcmp(all.data() + 37 * 96, part.data(), part.size() * sizeof(float)) == 0);
        CHECK(all != read(*made, "model.layers.1.mlp.gate_proj.weight", 0, 160));
        CHECK(all != read(*checkpoint(small_model(format, 2)), name, 0, 160));
    }
}

TEST_CASE("what cannot be made is an error") {
    auto unknown = synthetic_shape("llama-9");
    REQUIRE(!unknown.ok());
    CHECK(unknown.error().status == Status::not_found);
    CHECK(unknown.error().message.find("llama-3-8b") != std::string::npos);
    CHECK(synthetic_shape("{\"model_type\": \"llama\"}").error().status == Status::format);
    CHECK(synthetic_shape("").error().status == Status::not_found);
    CHECK(matrix_encoding("q4_0").error().status == Status::argument);
    SyntheticModel odd = small_model("mxfp4");
    odd.config.ffn = 40;
    auto made = synthetic_checkpoint(odd);
    REQUIRE(!made.ok());
    CHECK(made.error().status == Status::unsupported);
    CHECK(made.error().message.find("mlp.down_proj") != std::string::npos);
    odd.matrices = small_model("bf16").matrices;
    CHECK(synthetic_checkpoint(odd).ok());
}
