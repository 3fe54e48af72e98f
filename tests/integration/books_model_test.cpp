// The reference model for quality, never quantized before: perplexity, and what rounding its weights to FP4
// costs, against numbers by transformers in float32 and a quantizer in numpy
// (tests/golden/make/reference_books.py).
#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "libfp4/quant/evaluate.h"
#include "libfp4/quant/quantize.h"
#include "tests/integration/made_model.h"
#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;

TEST_CASE("books-30M: perplexity and divergence of its mxfp4 form") {
    if (address_sanitizer) {
        MESSAGE("skipped: takes half an hour with a sanitizer; other tests run the same code");
        return;
    }
    const auto source = shared_data() / "models" / "books-30M";
    const auto text = shared_data() / "text" / "books-heldout-time-machine.md";
    if (!std::filesystem::exists(source / "model.safetensors") || !std::filesystem::exists(text)) {
        MESSAGE("skipped: " << source.string() << " is not there");
        return;
    }
    const auto reference =
        nlohmann::json::parse(read_bytes(golden_models() / "books-30M" / "reference.json"), nullptr, false);
    REQUIRE(reference.is_object());
    EvaluateRequest request;
    request.base = load_model(source);
    request.text = read_bytes(text);
    request.path = Path::w4a16; // activations as they are: the reference rounds weights only
    TemporaryFolder folder;
    QuantizeRequest rounding;
    rounding.source = source.string();
    rounding.target = (folder / "books.fp4").string();
    rounding.recipe.format = BlockFormat::mxfp4;
    rounding.recipe.rule = ScaleRule::floor;
    NoControl control;
    auto summary = quantize(rounding, control);
    REQUIRE_MESSAGE(summary.ok(), summary.error().message);
    request.model = load_model(folder / "books.fp4");
    auto evaluation = evaluate(request, control);
    REQUIRE_MESSAGE(evaluation.ok(), evaluation.error().message);
    MESSAGE("base perplexity " << std::exp(evaluation->base_nll) << ", perplexity "
                               << std::exp(evaluation->nll) << ", KL " << evaluation->kl_mean << ", top-1 "
                               << evaluation->top1_agreement);
    const auto& base = reference["base"];
    const auto& rounded = reference["mxfp4_floor"];
    // Relative root of squared error; only the order of float64 sums differs.
    const double error = std::sqrt(rounded["weight_relative_mse"].get<double>());
    CHECK(summary->relative_error == doctest::Approx(error).epsilon(1e-5));
    CHECK(evaluation->tokens == base["tokens"]);
    CHECK(std::abs(evaluation->base_nll - base["nll"].get<double>()) <= 1e-3); // 0.1 % perplexity
    CHECK(std::abs(evaluation->nll - std::log(rounded["perplexity"].get<double>())) <= 1e-3);
    CHECK(std::abs(evaluation->kl_mean - rounded["kl_mean"].get<double>()) <= 0.003);
    CHECK(std::abs(evaluation->top1_agreement - rounded["top1_agreement"].get<double>()) <= 0.005);
}
