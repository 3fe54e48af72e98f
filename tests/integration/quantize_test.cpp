// Quantizing whole checkpoints: what comes out, that it is the same every time, and what is refused.
#include "libfp4/quant/quantize.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tests/integration/made_model.h"
#include "tests/integration/quantize_run.h"
#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;

namespace {

QuantizeRequest request_of(const std::filesystem::path& source, const std::filesystem::path& target,
                           BlockFormat format = BlockFormat::mxfp4) {
    QuantizeRequest request;
    request.source = source.string();
    request.target = target.string();
    request.recipe.format = format;
    request.threads = 1;
    return request;
}

std::shared_ptr<Checkpoint> open(const std::filesystem::path& path) {
    auto checkpoint = open_checkpoint(path.string(), {});
    REQUIRE_MESSAGE(checkpoint.ok(), checkpoint.error().message);
    return *checkpoint;
}

std::string encoding_of(const Checkpoint& checkpoint, const std::string& tensor) {
    const TensorInfo* info = checkpoint.find(tensor);
    REQUIRE(info != nullptr);
    return encoding_name(info->encoding);
}

bool is_empty(const TemporaryFolder& folder) {
    return std::filesystem::is_empty(folder / "");
}

// Cancels itself at the n-th look.
class CancelAt : public JobControl {
  public:
    explicit CancelAt(int looks) : looks_(looks) {}
    bool cancelled() const override { return looks_-- <= 0; }
    void report(std::string_view, std::string_view, uint64_t done, uint64_t total) override {
        if (total > 0) CHECK(done <= total);
    }

  private:
    mutable int looks_;
};

constexpr BlockFormat formats[] = {BlockFormat::mxfp4,      BlockFormat::nvfp4,      BlockFormat::mxfp8_e4m3,
                                   BlockFormat::mxfp8_e5m2, BlockFormat::mxfp6_e2m3, BlockFormat::mxfp6_e3m2,
                                   BlockFormat::mxint8};
const std::string q_proj = "model.layers.0.self_attn.q_proj.weight";

} // namespace

TEST_CASE("the same file run to run and for any number of threads") {
    TemporaryFolder folder;
    for (const char* family : {"llama", "gemma3"}) {
        for (BlockFormat format : {BlockFormat::mxfp4, BlockFormat::nvfp4}) {
            auto request = request_of(golden_models() / family, folder / "a.fp4", format);
            const QuantizeSummary summary = run(request);
            const std::string first = read_bytes(folder / "a.fp4");
            CHECK(summary.bytes_out == first.size());
            run(request); // over the existing file
            CHECK(read_bytes(folder / "a.fp4") == first);
            request.target = (folder / "b.fp4").string();
            request.threads = 2;
            const QuantizeSummary threaded = run(request);
            CHECK(read_bytes(folder / "b.fp4") == first);
            CHECK(threaded.relative_error == summary.relative_error);
        }
    }
}

TEST_CASE("every format gives a model that runs, the closer the more bits it has") {
    TemporaryFolder folder;
    // Relative error of rounding a normal distribution; the bounds are wide because the tensors are tiny.
    const double most_error[] = {0.13, 0.11, 0.04, 0.08, 0.04, 0.08, 0.01};
    for (const char* family : {"llama_untied", "qwen2", "gemma3"}) {
        auto context_of = [](const std::filesystem::path& path) { return make_context(load_model(path)); };
        auto base = context_of(golden_models() / family);
        const std::vector<int32_t> tokens = {0, 87, 12, 200, 33, 99};
        REQUIRE(base->eval(tokens, false).ok());
        for (BlockFormat format : formats) {
            CAPTURE(family);
            CAPTURE(block_format_name(format));
            const QuantizeSummary summary =
                run(request_of(golden_models() / family, folder / "q.fp4", format));
            CHECK(summary.relative_error > 0);
            CHECK(summary.relative_error < most_error[static_cast<int>(format)]);
            CHECK(encoding_of(*open(folder / "q.fp4"), q_proj) == block_format_name(format));
            auto context = context_of(folder / "q.fp4");
            REQUIRE(context->eval(tokens, false).ok());
            double squared = 0, reference = 0;
            const auto logits = last_logits(*context), expected = last_logits(*base);
            for (size_t i = 0; i < logits.size(); ++i) {
                squared += std::pow(double(logits[i]) - expected[i], 2);
                reference += std::pow(double(expected[i]), 2);
            }
            CHECK(squared > 0);
            CHECK(std::sqrt(squared / reference) < 8 * most_error[static_cast<int>(format)]);
        }
    }
}

TEST_CASE("counts: layers quantized, tables and vectors kept, keep rules first") {
    TemporaryFolder folder;
    auto request = request_of(golden_models() / "llama_untied", folder / "q.fp4");
    QuantizeSummary summary = run(request);
    auto checkpoint = open(folder / "q.fp4");
    const size_t tensors = checkpoint->tensors().size();
    CHECK(summary.tensors_quantized == 2 * 7);
    CHECK(summary.tensors_kept == tensors - 2 * 7);
    CHECK(encoding_of(*checkpoint, "model.embed_tokens.weight") == "BF16"); // 16 bit is enough for tables
    CHECK(encoding_of(*checkpoint, "model.norm.weight") == "F32");
    CHECK(summary.bits_per_weight > 4.25);

    for (const char* rule :
         {"*.down_proj.*=f16", "*layers.0.*=mxfp8-e4m3", "*embed*=mxint8", "lm_head.*=source"}) {
        request.recipe.tensors.push_back(parse_keep_rule(rule).value());
    }
    run(request);
    checkpoint = open(folder / "q.fp4");
    CHECK(encoding_of(*checkpoint, "model.layers.0.mlp.down_proj.weight") ==
          "F16"); // the first rule that matches
    CHECK(encoding_of(*checkpoint, q_proj) == "mxfp8-e4m3");
    CHECK(encoding_of(*checkpoint, "model.layers.1.self_attn.q_proj.weight") == "mxfp4");
    CHECK(encoding_of(*checkpoint, "model.layers.0.input_layernorm.weight") ==
          "F32"); // vectors are left alone
    CHECK(encoding_of(*checkpoint, "model.embed_tokens.weight") == "mxint8");
    CHECK(encoding_of(*checkpoint, "lm_head.weight") == "F32");
    auto context = make_context(load_model(folder / "q.fp4"));
    CHECK(context->eval(std::vector<int32_t>{1, 2, 3}, false).ok());
}

TEST_CASE("what is in the format already is copied bit for bit") {
    TemporaryFolder folder;
    for (BlockFormat format : formats) {
        CAPTURE(block_format_name(format));
        run(request_of(golden_models() / "llama_untied", folder / "a.fp4", format));
        const QuantizeSummary summary = run(request_of(folder / "a.fp4", folder / "b.fp4", format));
        CHECK(summary.tensors_quantized == 0);
        CHECK(summary.relative_error == 0);
        auto a = open(folder / "a.fp4"), b = open(folder / "b.fp4");
        REQUIRE(a->tensors().size() == b->tensors().size());
        for (const TensorInfo& tensor : a->tensors()) {
            CAPTURE(tensor.name);
            const TensorInfo* copy = b->find(tensor.name);
            REQUIRE(copy != nullptr);
            CHECK(encoding_name(copy->encoding) == encoding_name(tensor.encoding));
            if (tensor.encoding.kind == TensorEncoding::Kind::plain) {
                CHECK(std::ranges::equal(a->map_plain(tensor), b->map_plain(*copy)));
                continue;
            }
            CHECK(std::ranges::equal(a->map_block(tensor).codes, b->map_block(*copy).codes));
            CHECK(std::ranges::equal(a->map_block(tensor).scales, b->map_block(*copy).scales));
            CHECK(*a->tensor_scale(tensor) == *b->tensor_scale(*copy));
        }
    }
}

TEST_CASE("rows that do not fill their last block, of odd length") {
    TemporaryFolder folder;
    MadeShape shape;
    shape.hidden = 36;
    shape.ffn = 51;
    write_model(folder / "odd", made_config(shape), made_tensors(shape));
    for (BlockFormat format : formats) {
        CAPTURE(block_format_name(format));
        auto request = request_of(folder / "odd", folder / "odd.fp4", format);
        request.recipe.tensors.push_back(
            parse_keep_rule(concat("*embed*=", block_format_name(format))).value());
        run(request);
        auto context = make_context(load_model(folder / "odd.fp4"));
        REQUIRE(context->eval(std::vector<int32_t>{1, 2, 3, 250}, false).ok());
        for (float logit : last_logits(*context)) CHECK(std::isfinite(logit));
    }
}

TEST_CASE("weights that are no numbers are refused by name and leave no file") {
    for (float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        TemporaryFolder folder, output;
        auto tensors = made_tensors({});
        const std::string name = "model.layers.0.mlp.up_proj.weight";
        find_tensor(tensors, name).values[5 * 32 + 7] = bad;
        write_model(folder / "model", made_config({}), tensors);
        const Error error = failure(request_of(folder / "model", output / "q.fp4"));
        CHECK(error.status == Status::format);
        CHECK(error.message.find("'" + name + "' row 5 ") != std::string::npos);
        CHECK(error.message.find((folder / "model").string()) != std::string::npos);
        CHECK(is_empty(output));
    }
}

TEST_CASE("requests that cannot work") {
    TemporaryFolder output;
    auto request = request_of(golden_models() / "llama", output / "q.fp4", BlockFormat::nvfp4);
    request.recipe.rule = ScaleRule::floor;
    const Error error = failure(request);
    CHECK(error.status == Status::argument);
    CHECK(error.message == "scale rule 'floor' does not apply to nvfp4");
    CHECK(failure(request_of(output / "nothing", output / "q.fp4")).status == Status::not_found);
    CHECK(failure(request_of(golden_models() / "llama", output / "none" / "q.fp4")).status == Status::io);
    request = request_of(golden_models() / "llama", output / "q.fp4");
    request.threads = -1;
    CHECK(failure(request).status == Status::argument);
    CHECK(is_empty(output));
}

TEST_CASE("cancelled at any moment: the status says so and no file is left") {
    TemporaryFolder output;
    const auto request = request_of(golden_models() / "llama", output / "q.fp4");
    int looks = 0;
    for (bool finished = false; !finished; ++looks) {
        CancelAt control(looks);
        auto summary = quantize(request, control);
        finished = summary.ok();
        if (finished) break;
        CHECK(summary.error().status == Status::cancelled);
        CHECK(is_empty(output));
    }
    CHECK(looks > 20);
    CHECK(std::filesystem::exists(output / "q.fp4"));
}
