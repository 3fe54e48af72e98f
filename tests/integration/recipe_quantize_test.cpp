// Quantizing by recipes that look at the inputs of the layers: every preset, resuming, determinism, bad
// input.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "libfp4/cpu/cpu_backend.h"
#include "libfp4/io/verify.h"
#include "libfp4/quant/evaluate.h"
#include "libfp4/quant/quantize.h"
#include "tests/integration/made_model.h"
#include "tests/integration/quantize_run.h"
#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;

namespace {

// Words in an order that a fixed generator picks.
std::string made_text(size_t words, uint32_t seed) {
    constexpr const char* vocabulary[] = {"the ",   "whale ", "sea ",   "of ",   "a ",
                                          "ship\n", "and ",   "white ", "deep ", "old "};
    std::string text;
    for (size_t i = 0; i < words; ++i) {
        seed = seed * 1664525u + 1013904223u;
        text += vocabulary[(seed >> 16) % std::size(vocabulary)];
    }
    return text;
}

class Work {
  public:
    explicit Work(const MadeShape& shape = {.hidden = 64, .ffn = 96, .layers = 2}) : shape_(shape) {
        tensors_ = made_tensors(shape);
        write_text(folder_ / "calibration.txt", made_text(2000, 1));
        save();
    }
    void save() { write_model(folder_ / "model", made_config(shape_), tensors_); }
    MadeTensor& tensor(const std::string& name) { return find_tensor(tensors_, name); }
    std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

    QuantizeRequest request(std::string_view recipe, BlockFormat format = BlockFormat::mxfp4) const {
        QuantizeRequest request;
        request.source = (folder_ / "model").string();
        request.target = (folder_ / "out.fp4").string();
        auto read = read_recipe(recipe, format);
        REQUIRE_MESSAGE(read.ok(), read.error().message);
        request.recipe = *read;
        request.recipe.calibration = {8, 64};
        request.calibration_text = (folder_ / "calibration.txt").string();
        request.backend = *open_cpu_backend();
        request.threads = 1;
        return request;
    }

    Evaluation evaluate_out(Path path) const {
        EvaluateRequest request;
        request.model = load_model(folder_ / "out.fp4");
        request.base = load_model(folder_ / "model");
        request.text = made_text(600, 2);
        request.window = 64;
        request.path = path;
        NoControl control;
        auto evaluation = evaluate(request, control);
        REQUIRE_MESSAGE(evaluation.ok(), evaluation.error().message);
        return *evaluation;
    }

  private:
    TemporaryFolder folder_;
    MadeShape shape_;
    std::vector<MadeTensor> tensors_;
};

bool contains(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

// Cancels itself at the n-th report of a phase.
class CancelAfter : public JobControl {
  public:
    explicit CancelAfter(int reports) : left_(reports) {}
    bool cancelled() const override { return left_ <= 0; }
    void report(std::string_view phase, std::string_view, uint64_t done, uint64_t total) override {
        if (total > 0) CHECK(done <= total);
        if (phase == "quantizing") {
            CHECK(done >= last_);
            last_ = done;
        }
        --left_;
    }

  private:
    int left_;
    uint64_t last_ = 0;
};

} // namespace

TEST_CASE("every preset gives a model that stays near the original") {
    Work work;
    for (BlockFormat format : {BlockFormat::mxfp4, BlockFormat::nvfp4, BlockFormat::mxfp8_e4m3}) {
        for (std::string_view preset : preset_names()) {
            CAPTURE(preset);
            CAPTURE(block_format_name(format));
            const QuantizeSummary summary = run(work.request(preset, format));
            CHECK(summary.tensors_quantized == 2 * 7);
            CHECK(!std::filesystem::exists(work / "out.fp4.work"));
            const bool four_bit = format != BlockFormat::mxfp8_e4m3;
            const Evaluation weights_only = work.evaluate_out(Path::w4a16);
            const Evaluation rounded = work.evaluate_out(four_bit ? Path::w4a4 : Path::w4a8);
            CHECK(weights_only.kl_mean < (four_bit ? 0.05 : 0.005));
            CHECK(rounded.kl_mean < (four_bit ? 0.1 : 0.01));
            CHECK(rounded.kl_mean > 0);
        }
    }
}

TEST_CASE("error compensation and the original model as target lower the error") {
    Work work;
    auto divergence = [&](std::string_view recipe) {
        run(work.request(recipe));
        return work.evaluate_out(Path::w4a4).kl_mean;
    };
    const double rounded = divergence("rtn-hadamard"), compensated = divergence("mr-gptq"),
                 best = divergence("best");
    CHECK(compensated < rounded);
    CHECK(best < rounded);
}

TEST_CASE("the same file run to run, for any number of threads, and after a cancelled run") {
    Work work;
    auto request = work.request("best");
    run(request);
    const std::string once = read_bytes(work / "out.fp4");
    request.threads = 2;
    run(request);
    CHECK(read_bytes(work / "out.fp4") == once);
    // Cancelled at many places: the next run goes on after the last finished layer and ends with the same
    // bytes.
    for (int reports : {3, 40, 90, 150}) {
        std::filesystem::remove(work / "out.fp4");
        CancelAfter control(reports);
        auto cancelled = quantize(request, control);
        if (cancelled.ok()) continue;
        CHECK(cancelled.error().status == Status::cancelled);
        CHECK(!std::filesystem::exists(work / "out.fp4"));
        run(request);
        CHECK(read_bytes(work / "out.fp4") == once);
        CHECK(!std::filesystem::exists(work / "out.fp4.work"));
    }
}

TEST_CASE("a finished layer is used again only by the same recipe, and only if it is whole") {
    Work work;
    auto request = work.request("mr-gptq");
    run(request);
    const std::string once = read_bytes(work / "out.fp4");
    auto interrupt = [&](const QuantizeRequest& wanted) {
        CancelAfter control(std::numeric_limits<int>::max());
        for (int reports = 40;; reports += 5) {
            CancelAfter at(reports);
            auto result = quantize(wanted, at);
            REQUIRE(!result.ok());
            if (std::filesystem::exists(work / "out.fp4.work/layer-0.fp4")) return;
        }
    };
    interrupt(request);
    auto other = work.request("gptq");
    run(other);
    CHECK(read_bytes(work / "out.fp4") != once);

    interrupt(request);
    std::string layer = read_bytes(work / "out.fp4.work/layer-0.fp4");
    layer[layer.size() - 300] = static_cast<char>(layer[layer.size() - 300] ^ 1);
    write_text(work / "out.fp4.work/layer-0.fp4", layer);
    run(request);
    CHECK(read_bytes(work / "out.fp4") == once);
}

TEST_CASE("the manifest tells the recipe, its hash, the calibration and the errors of the layers") {
    Work work;
    run(work.request("mr-gptq"));
    auto checkpoint = open_checkpoint((work / "out.fp4").string(), {});
    REQUIRE(checkpoint.ok());
    const std::string manifest = *(*checkpoint)->read_document("manifest.json");
    for (const char* part : {"\"method\"", "\"mr-gptq\"", "\"recipe_hash\"", "\"text_hash\"",
                             "\"output_error\"", "\"hadamard\"", "model.layers.1.mlp.down_proj.weight"}) {
        CAPTURE(part);
        CHECK(contains(manifest, part));
    }
}

TEST_CASE("matrices stored in an MX format come back as they were used, in a smaller file") {
    Work work;
    auto stored = [&](const std::string& storage) {
        run(work.request(R"({"preset": "rtn", "activations": {"format": "mxfp4"},
                            "transform": {"kind": "wush", "block": 32, "storage": ")" +
                         storage + "\"}}"));
        CHECK(work.evaluate_out(Path::w4a4).kl_mean < 0.1);
        auto checkpoint = open_checkpoint((work / "out.fp4").string(), {});
        REQUIRE(checkpoint.ok());
        CHECK(verify_checkpoint(**checkpoint, nullptr).ok());
        const TensorInfo* matrix = (*checkpoint)->find("fp4.layers.1.down.matrix");
        REQUIRE(matrix != nullptr);
        CHECK(matrix->shape == std::vector<uint64_t>{3, 32, 32});
        return matrix->stored_bytes;
    };
    const uint64_t plain = stored("f32");
    CHECK(plain == 3 * 32 * 32 * 4);
    CHECK(stored("mxfp8-e4m3") < plain / 2);
    CHECK(stored("mxfp4") < plain / 6);
}

TEST_CASE("QuaRot's rotations alone change nothing") {
    Work work;
    auto request = work.request("rtn");
    request.recipe.global_rotation = true;
    request.recipe.tensors.push_back(parse_keep_rule("*=f32").value());
    run(request);
    CHECK(work.evaluate_out(Path::w16a16).kl_mean < 1e-6);
}

TEST_CASE("a transform that does not fit the channels is replaced, and the report says so") {
    Work work(MadeShape{.hidden = 48, .ffn = 40, .layers = 1, .heads = 2, .kv_heads = 1});
    const QuantizeSummary summary = run(work.request("mr-gptq"));
    const std::string notes =
        std::accumulate(summary.notes.begin(), summary.notes.end(), std::string(),
                        [](std::string all, const std::string& note) { return all + note + "\n"; });
    CHECK(contains(notes, "hadamard of 32 channels does not divide 48: 16 instead"));
    CHECK(contains(notes, "hadamard of 32 channels does not divide 40: left out"));
    CHECK(work.evaluate_out(Path::w4a4).kl_mean < 0.05);
}

TEST_CASE("inputs that are all zero and fewer tokens than channels still give a model") {
    Work work;
    auto& norm = work.tensor("model.layers.0.post_attention_layernorm.weight");
    std::ranges::fill(norm.values, 0.0f);
    work.save();
    for (std::string_view preset :
         {"gptq", "mr-gptq", "awq", "smoothquant", "duquant++", "duquant++gptq", "best"}) {
        CAPTURE(preset);
        auto request = work.request(preset);
        request.recipe.calibration = {1, 16};
        run(request);
        CHECK(std::isfinite(work.evaluate_out(Path::w4a4).nll));
    }
}

TEST_CASE("calibration texts that cannot be used are refused with the reason") {
    Work work;
    auto request = work.request("gptq");
    request.calibration_text.clear();
    CHECK(contains(failure(request).message, "--calib"));
    request.calibration_text = (work / "absent.txt").string();
    CHECK(failure(request).status == Status::not_found);
    write_text(work / "empty.txt", "");
    request.calibration_text = (work / "empty.txt").string();
    CHECK(contains(failure(request).message, "0 tokens"));
    write_text(work / "short.txt", "a whale");
    request.calibration_text = (work / "short.txt").string();
    CHECK(contains(failure(request).message, "less than one calibration sequence"));
    write_text(work / "bad.jsonl", "{\"text\": \"a whale\"}\n{\"txt\": 3}\n");
    request.calibration_text = (work / "bad.jsonl").string();
    CHECK(contains(failure(request).message, "bad.jsonl: line 2"));
    CHECK(!std::filesystem::exists(work / "out.fp4"));
}

TEST_CASE("JSON lines calibrate like the text they hold") {
    Work work;
    write_text(work / "lines.jsonl", "{\"text\": \"" + std::string(3000, 'a') + " sea\"}\n");
    auto request = work.request("gptq");
    request.calibration_text = (work / "lines.jsonl").string();
    request.recipe.calibration = {2, 16};
    CHECK(run(request).calibration_tokens == 2 * 16);
}

TEST_CASE("a model with transformed weights is not quantized again") {
    Work work;
    auto request = work.request("rtn-hadamard");
    run(request);
    request.source = request.target;
    request.target = (work / "again.fp4").string();
    CHECK(contains(failure(request).message, "quantize the original model"));
}

TEST_CASE("weights that are not numbers are named") {
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        Work work;
        work.tensor("model.layers.1.mlp.up_proj.weight").values[70] = bad;
        work.save();
        for (std::string_view preset : {"rtn-hadamard", "mr-gptq"}) {
            const Error error = failure(work.request(preset));
            CHECK(contains(error.message, "model.layers.1.mlp.up_proj.weight"));
            CHECK(contains(error.message, "row 1"));
        }
    }
}
