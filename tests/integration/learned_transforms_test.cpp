// Transforms that another program found: read from a file, used at the sites it names.
#include <doctest/doctest.h>

#include <random>

#include "libfp4/cpu/cpu_backend.h"
#include "libfp4/quant/evaluate.h"
#include "tests/integration/made_model.h"
#include "tests/integration/quantize_run.h"
#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;

namespace {

// A model and a file of learned transforms beside it.
class Work {
  public:
    Work() { write_model(folder_ / "model", made_config(shape), made_tensors(shape)); }
    std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

    void save_learned(const std::vector<MadeTensor>& tensors) const {
        write_model(folder_ / "learned", "{}", tensors);
    }

    QuantizeRequest request(const std::string& rest) const {
        QuantizeRequest request;
        request.source = (folder_ / "model").string();
        request.target = (folder_ / "out.fp4").string();
        const std::string path = (folder_ / "learned" / "model.safetensors").string();
        auto recipe = read_recipe("{\"learned_transforms\": \"" + path + "\"" + rest + "}", std::nullopt);
        REQUIRE_MESSAGE(recipe.ok(), recipe.error().message);
        request.recipe = *recipe;
        request.recipe.calibration = {4, 16};
        write_text(folder_ / "calibration.txt", std::string(400, 'a') + " sea whale");
        request.calibration_text = (folder_ / "calibration.txt").string();
        request.backend = *open_cpu_backend();
        request.threads = 1;
        return request;
    }

    double divergence(Path path) const {
        EvaluateRequest request;
        request.model = load_model(folder_ / "out.fp4");
        request.base = load_model(folder_ / "model");
        request.text = std::string(300, 'b') + std::string(300, 'c');
        request.window = 64;
        request.path = path;
        NoControl control;
        auto evaluation = evaluate(request, control);
        REQUIRE_MESSAGE(evaluation.ok(), evaluation.error().message);
        return evaluation->kl_mean;
    }

    static constexpr MadeShape shape{.hidden = 64, .ffn = 96, .layers = 2};

  private:
    TemporaryFolder folder_;
};

// Far from orthogonal, and with an inverse.
MadeTensor random_matrices(const std::string& name, uint64_t count, uint64_t block) {
    std::mt19937 random(static_cast<uint32_t>(count * block));
    std::normal_distribution<float> normal(0.0f, 0.1f);
    MadeTensor tensor{name, {count, block, block}, std::vector<float>(count * block * block)};
    for (float& value : tensor.values) value = normal(random);
    for (uint64_t i = 0; i < count * block; ++i) tensor.values[i * block + i % block] += 1.5f;
    return tensor;
}

MadeTensor scales(const std::string& name, uint64_t channels) {
    MadeTensor tensor{name, {channels}, std::vector<float>(channels)};
    for (uint64_t i = 0; i < channels; ++i) tensor.values[i] = 0.5f + static_cast<float>(i % 7) * 0.25f;
    return tensor;
}

std::vector<MadeTensor> some_transforms() {
    return {random_matrices("fp4.layers.0.qkv.matrix", 1, 32), scales("fp4.layers.0.qkv.channel_scale", 64),
            random_matrices("fp4.layers.0.o.matrix", 4, 16),
            random_matrices("fp4.layers.1.down.matrix", 3, 32),
            scales("fp4.layers.1.gate_up.channel_scale", 64)};
}

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("learned transforms keep the model's function, and are stored with the model") {
    Work work;
    work.save_learned(some_transforms());
    run(work.request(R"(, "format": "mxfp8-e4m3")")); // an inverse that is wrong would cost far more
    CHECK(work.divergence(Path::w4a16) < 0.005);

    run(work.request(R"(, "preset": "gptq")"));
    const double rounded = work.divergence(Path::w4a4);
    CHECK(rounded > 0);
    CHECK(rounded < 0.1);
    auto checkpoint = open_checkpoint((work / "out.fp4").string(), {});
    REQUIRE(checkpoint.ok());
    for (const MadeTensor& tensor : some_transforms()) {
        CAPTURE(tensor.name);
        CHECK(read_values(work / "out.fp4", tensor.name) == tensor.values);
    }
    CHECK((*checkpoint)->find("fp4.layers.1.qkv.matrix") == nullptr);
    CHECK(contains(*(*checkpoint)->read_document("manifest.json"), "\"learned_transforms_hash\""));
}

TEST_CASE("sites that the file does not name keep the recipe's transform") {
    Work work;
    work.save_learned({random_matrices("fp4.layers.0.qkv.matrix", 1, 32)});
    run(work.request(R"(, "preset": "rtn-hadamard")"));
    auto checkpoint = open_checkpoint((work / "out.fp4").string(), {});
    REQUIRE(checkpoint.ok());
    auto model = load_model(work / "out.fp4");
    auto outlines = outline_input_sites(**checkpoint, model->config);
    REQUIRE(outlines.ok());
    CHECK((*outlines)[0][static_cast<size_t>(Site::qkv)].kind == InputTransform::Kind::matrix);
    CHECK((*outlines)[1][static_cast<size_t>(Site::qkv)].kind == InputTransform::Kind::hadamard);
    CHECK((*outlines)[0][static_cast<size_t>(Site::down)].kind == InputTransform::Kind::hadamard);
}

TEST_CASE("a file of transforms that cannot be used is refused with the tensor's name") {
    Work work;
    auto refusal = [&](std::vector<MadeTensor> tensors) {
        work.save_learned(tensors);
        const Error error = failure(work.request(""));
        CHECK(contains(error.message, "model.safetensors"));
        CHECK(!std::filesystem::exists(work / "out.fp4"));
        return error.message;
    };
    CHECK(contains(refusal({scales("other", 8)}), "holds no transform"));
    CHECK(contains(refusal({scales("fp4.layers.0.qkv.channel_scale", 32)}), "expected [64]"));
    CHECK(
        contains(refusal({random_matrices("fp4.layers.0.down.matrix", 2, 32)}), "fp4.layers.0.down.matrix"));
    CHECK(contains(refusal({random_matrices("fp4.layers.0.qkv.matrix", 8, 8)}), "has shape"));
    CHECK(contains(refusal({random_matrices("fp4.layers.2.qkv.matrix", 1, 32)}), "belongs to no site"));
    auto matrix = random_matrices("fp4.layers.0.qkv.matrix", 2, 32);
    std::fill_n(matrix.values.begin() + 32 * 32, 64, 0.0f);
    CHECK(contains(refusal({matrix}), "without a usable inverse"));
    matrix.values[5] = std::numeric_limits<float>::quiet_NaN();
    CHECK(contains(refusal({matrix}), "NaN"));
    auto scale = scales("fp4.layers.0.qkv.channel_scale", 64);
    scale.values[3] = 0;
    CHECK(contains(refusal({scale}), "not above zero"));
    auto request = work.request("");
    request.recipe.learned_transforms = (work / "absent.safetensors").string();
    CHECK(contains(failure(request).message, "absent.safetensors"));
    work.save_learned(some_transforms());
    run(work.request(""));
    std::filesystem::rename(work / "out.fp4", work / "quantized.fp4");
    request.recipe.learned_transforms = (work / "quantized.fp4").string();
    CHECK(contains(failure(request).message, "quantized.fp4: is a quantized model"));
}
