// Perplexity and divergence on models: the identities that must hold, and what is refused.
#include "libfp4/quant/evaluate.h"

#include <doctest/doctest.h>

#include <cmath>

#include "libfp4/quant/base_file.h"
#include "libfp4/quant/distribution.h"
#include "libfp4/quant/quantize.h"
#include "libfp4/text/tokenizer/tokenizer.h"
#include "tests/integration/made_model.h"
#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;

namespace {

// 900 bytes, about as many tokens of the tiny vocabulary of bytes.
std::string some_text() {
    std::string text;
    for (int i = 0; text.size() < 900; ++i)
        text += concat("The ", i * i % 97, ". word there, ", char('a' + i % 26), "! ");
    return text;
}

EvaluateRequest request_of(std::shared_ptr<const Model> model, uint32_t window = 64) {
    EvaluateRequest request;
    request.model = std::move(model);
    request.text = some_text();
    request.window = window;
    request.threads = 1;
    return request;
}

Evaluation run(const EvaluateRequest& request) {
    NoControl control;
    auto evaluation = evaluate(request, control);
    REQUIRE_MESSAGE(evaluation.ok(), evaluation.error().message);
    return *evaluation;
}

Error failure(const EvaluateRequest& request) {
    NoControl control;
    auto evaluation = evaluate(request, control);
    REQUIRE(!evaluation.ok());
    return evaluation.error();
}

std::shared_ptr<const Model> quantized(const TemporaryFolder& folder) {
    QuantizeRequest request;
    request.source = (golden_models() / "llama").string();
    request.target = (folder / "q.fp4").string();
    NoControl control;
    REQUIRE(quantize(request, control).ok());
    return load_model(folder / "q.fp4");
}

} // namespace

TEST_CASE("the negative log-likelihood is that of the model's own logits") {
    auto model = load_model(golden_models() / "llama");
    for (uint32_t window : {4u, 5u, 63u, 128u}) {
        CAPTURE(window);
        auto request = request_of(model, window);
        const Evaluation evaluation = run(request);
        auto tokens = (*model->require_tokenizer())->encode(request.text, true, SpecialPolicy::none);
        REQUIRE(tokens.ok());
        CHECK(evaluation.windows == tokens->size() / window);
        CHECK(evaluation.window == window);
        // Rows window/2 .. window-2 are scored, each against the token after it.
        CHECK(evaluation.tokens == evaluation.windows * (window - 1 - window / 2));
        double nll = 0;
        auto context = make_context(model);
        std::vector<float> row(model->config.vocabulary);
        const bool begins_with_bos = (*tokens)[0] == model->config.bos_token;
        for (size_t i = 0; i < evaluation.windows; ++i) {
            std::vector<int32_t> part(tokens->begin() + static_cast<ptrdiff_t>(i * window),
                                      tokens->begin() + static_cast<ptrdiff_t>((i + 1) * window));
            if (begins_with_bos) part[0] = model->config.bos_token;
            REQUIRE(context->truncate(0).ok());
            REQUIRE(context->eval(part, true).ok());
            for (size_t scored = window / 2; scored + 1 < window; ++scored) {
                REQUIRE(context->logits(scored, row).ok());
                double sum = 0;
                for (float logit : row) sum += std::exp(double(logit));
                nll += std::log(sum) - row[static_cast<size_t>(part[scored + 1])];
            }
        }
        CHECK(evaluation.nll == doctest::Approx(nll / double(evaluation.tokens)).epsilon(1e-6));
    }
}

TEST_CASE("a model does not diverge from itself, and a quantized one does") {
    TemporaryFolder folder;
    auto model = load_model(golden_models() / "llama");
    auto request = request_of(model);
    request.base = model;
    const Evaluation same = run(request);
    CHECK(same.compared);
    CHECK(std::abs(same.kl_mean) <= 1e-9);
    CHECK(same.kl_max <= 1e-9);
    CHECK(same.top1_agreement == 1.0);
    CHECK(same.base_nll == same.nll);

    request.model = quantized(folder);
    const Evaluation other = run(request);
    CHECK(other.base_nll == same.nll);
    CHECK(other.kl_mean > 1e-3);
    CHECK(other.kl_p50 <= other.kl_p90);
    CHECK(other.kl_p90 <= other.kl_p95);
    CHECK(other.kl_p95 <= other.kl_p99);
    CHECK(other.kl_p99 <= other.kl_max);
    CHECK(other.top1_agreement > 0.3);
    CHECK(other.top1_agreement < 1.0);
}

TEST_CASE("against a base file as against the model it was saved from") {
    TemporaryFolder folder;
    auto base = load_model(golden_models() / "llama");
    auto saving = request_of(base);
    saving.save_base_file = (folder / "base.kld").string();
    const Evaluation saved = run(saving);

    auto against_model = request_of(quantized(folder));
    against_model.base = base;
    auto against_file = request_of(against_model.model);
    against_file.base_file = saving.save_base_file;
    const Evaluation from_model = run(against_model), from_file = run(against_file);
    // 16 bit codes over at most 24 nats: half a step is 1.8e-4 at one logit, and errors average out.
    CHECK(from_file.kl_mean == doctest::Approx(from_model.kl_mean).epsilon(0.01));
    CHECK(std::abs(from_file.kl_mean - from_model.kl_mean) <= 1e-4);
    CHECK(std::abs(from_file.base_nll - saved.nll) <= 1e-4);
    CHECK(std::abs(from_file.top1_agreement - from_model.top1_agreement) <= 0.01);
    CHECK(from_file.nll == from_model.nll);

    // The file holds the tokens: no text is needed, and some of its windows will do.
    against_file.text.clear();
    CHECK(run(against_file).kl_mean == from_file.kl_mean);
    against_file.max_windows = 2;
    CHECK(run(against_file).windows == 2);

    against_file.text = "Another text. " + some_text();
    CHECK(failure(against_file).status == Status::argument);
    against_file.text = some_text();
    against_file.window = 32;
    CHECK(failure(against_file).status == Status::argument);

    const std::string image = read_bytes(saving.save_base_file);
    for (size_t length : {size_t(0), size_t(7), size_t(19), size_t(20), image.size() / 2, image.size() - 1}) {
        write_text(folder / "short.kld", image.substr(0, length));
        auto reader = BaseFileReader::open((folder / "short.kld").string());
        REQUIRE(!reader.ok());
        CHECK(reader.error().status == Status::format);
        CHECK(reader.error().message.find("short.kld") != std::string::npos);
    }
    for (size_t byte = 0; byte < 20; ++byte) { // the header: magic and three sizes
        for (char value : {'\x00', '\x7f', '\xff'}) {
            std::string damaged = image;
            if (damaged[byte] == value) continue;
            damaged[byte] = value;
            write_text(folder / "bad.kld", damaged);
            auto request = request_of(base);
            request.base_file = (folder / "bad.kld").string();
            CAPTURE(byte);
            NoControl control;
            // Fewer windows than there are cannot be told from a shorter file; all else is an error.
            CHECK((!evaluate(request, control).ok() || byte >= 16));
        }
    }
}

TEST_CASE("windows and texts that do not fit are refused") {
    auto model = load_model(golden_models() / "llama"); // made for 128 tokens
    for (uint32_t window : {0u, 3u, 129u, UINT32_MAX}) {
        const Error error = failure(request_of(model, window));
        CHECK(error.status == Status::argument);
        CHECK(error.message.find("4..128") != std::string::npos);
    }
    auto request = request_of(model);
    for (const char* text : {"", "short"}) {
        request.text = text;
        const Error error = failure(request);
        CHECK(error.status == Status::argument);
        CHECK(error.message.find("less than one window of 64") != std::string::npos);
    }
    request = request_of(model);
    request.max_windows = 3;
    CHECK(run(request).windows == 3);
    request.max_windows = 1000; // more than there are
    CHECK(run(request).windows > 3);

    TemporaryFolder folder;
    MadeShape shape;
    shape.vocabulary = 300;
    write_model(folder / "other", made_config(shape), made_tensors(shape));
    request.base = load_model(folder / "other");
    CHECK(failure(request).message.find("300") != std::string::npos);
    request = request_of(model);
    request.base_file = (folder / "none.kld").string();
    CHECK(failure(request).status == Status::not_found);
}

TEST_CASE("a cancelled evaluation leaves no base file") {
    class Cancelled : public NoControl {
      public:
        bool cancelled() const override { return ++looks_ > 6; }

      private:
        mutable int looks_ = 0;
    };
    TemporaryFolder folder, output;
    auto request = request_of(load_model(golden_models() / "llama"));
    request.save_base_file = (output / "base.kld").string();
    Cancelled control;
    auto evaluation = evaluate(request, control);
    REQUIRE(!evaluation.ok());
    CHECK(evaluation.error().status == Status::cancelled);
    CHECK(std::filesystem::is_empty(output / ""));
}

TEST_CASE("a text that the model was calibrated with is refused") {
    TemporaryFolder folder;
    std::string calibration;
    for (int i = 0; i < 60; ++i)
        calibration += concat("Line ", i, " of what the model was calibrated with.\n");
    write_text(folder / "calibration.txt", calibration);
    auto base = load_model(golden_models() / "llama");
    QuantizeRequest quantization;
    quantization.source = (golden_models() / "llama").string();
    quantization.target = (folder / "q.fp4").string();
    auto recipe = read_recipe("gptq", BlockFormat::mxfp4);
    REQUIRE(recipe.ok());
    quantization.recipe = *recipe;
    quantization.recipe.calibration.sequences = 4;
    quantization.recipe.calibration.length = 32;
    quantization.calibration_text = (folder / "calibration.txt").string();
    quantization.backend = base->backend;
    quantization.threads = 1;
    NoControl control;
    auto summary = quantize(quantization, control);
    REQUIRE_MESSAGE(summary.ok(), summary.error().message);
    auto request = request_of(load_model(folder / "q.fp4"));
    CHECK(run(request).windows > 0);

    const std::string clean = request.text;
    request.text = clean + "\n  Line 7 of what the model was calibrated with. \r\n" +
                   "Line 59 of what the model was calibrated with.";
    const Error error = failure(request);
    CHECK(error.status == Status::argument);
    CHECK(error.message.find("q.fp4: 2 of the text's 3 lines") != std::string::npos);
    CHECK(error.message.find("another text") != std::string::npos);

    // Quantized again, without calibration: the weights still come from that text.
    QuantizeRequest again;
    again.source = quantization.target;
    again.target = (folder / "again.fp4").string();
    REQUIRE(quantize(again, control).ok());
    auto second = request_of(load_model(folder / "again.fp4"));
    second.text = request.text;
    CHECK(failure(second).message.find("again.fp4: 2 of the text's 3 lines") != std::string::npos);

    // The same through a base file, which holds the text as tokens.
    auto saving = request_of(base);
    saving.text = calibration;
    saving.save_base_file = (folder / "base.kld").string();
    run(saving); // the base was not calibrated
    request.text.clear();
    request.base_file = saving.save_base_file;
    CHECK(failure(request).message.find("calibrated with") != std::string::npos);
    saving.text = clean;
    run(saving);
    CHECK(run(request).windows > 0);
}
