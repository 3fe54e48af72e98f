// Real models against Hugging Face transformers in float32 on the same (dequantized) weights. The weights are
// not part of the repository: each case that does not find its own says so. tests/golden/models/README.md
// tells how the numbers were made.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "libfp4/quant/distribution.h"
#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;

namespace {

// logits.safetensors of a real model.
struct RealReference {
    std::vector<int32_t> ids, argmax, column_ids;
    std::vector<float> max_logit, log_sum_exp; // [ids]
    std::vector<float> columns;                // [ids, column_ids]
};

RealReference read_reference(const std::filesystem::path& file) {
    return {read_ids(file, "ids"),          read_ids(file, "argmax"),         read_ids(file, "column_ids"),
            read_values(file, "max_logit"), read_values(file, "log_sum_exp"), read_values(file, "columns")};
}

struct Differences {
    double column = 0;
    double max_logit = 0;
    double log_sum_exp = 0;
    size_t row = 0; // of the largest
    size_t other_argmax = 0;

    double largest() const { return std::max({column, max_logit, log_sum_exp}); }
};

Differences compare(Context& context, const RealReference& reference) {
    auto evaluated = context.eval(reference.ids, true);
    REQUIRE_MESSAGE(evaluated.ok(), evaluated.error().message);
    Differences differences;
    std::vector<float> row(context.model().config.vocabulary);
    for (size_t i = 0; i < reference.ids.size(); ++i) {
        REQUIRE(context.logits(i, row).ok());
        const double before = differences.largest();
        auto note = [](double& largest, double ours, double theirs) {
            largest = std::max(largest, std::abs(ours - theirs));
        };
        const size_t best = argmax(row);
        differences.other_argmax += best != static_cast<size_t>(reference.argmax[i]);
        note(differences.max_logit, row[best], reference.max_logit[i]);
        note(differences.log_sum_exp, log_sum_exp(row), reference.log_sum_exp[i]);
        const size_t columns = reference.column_ids.size();
        for (size_t j = 0; j < columns; ++j) {
            note(differences.column, row[static_cast<size_t>(reference.column_ids[j])],
                 reference.columns[i * columns + j]);
        }
        if (differences.largest() > before) differences.row = i;
    }
    return differences;
}

void check_real_model(const std::string& file_name, const std::string& golden) {
    const auto path = find_model_file(file_name);
    if (path.empty()) {
        MESSAGE("skipped: " << file_name << " is not below " << model_cache().string());
        return;
    }
    const RealReference reference = read_reference(golden_models() / golden / "logits.safetensors");
    REQUIRE(reference.ids.size() == 256);
    ContextConfig config;
    config.kv_format = KvFormat::f32; // the reference keeps single precision
    config.path_prefill = Path::w16a16;
    config.path_decode = Path::w16a16;
    auto context = make_context(load_model(path), config);
    const Differences differences = compare(*context, reference);
    MESSAGE(golden << ": largest difference of a logit " << differences.column << ", of the largest logit "
                   << differences.max_logit << ", of log-sum-exp " << differences.log_sum_exp
                   << ", worst row " << differences.row);
    CHECK(differences.largest() <= 2e-3);
    CHECK(differences.other_argmax == 0);
}

} // namespace

TEST_CASE("SmolLM2-135M-Instruct matches transformers") {
    check_real_model("SmolLM2-135M-Instruct.Q4_1.gguf", "smollm2");
}

TEST_CASE("gemma-3-270m matches transformers") {
    check_real_model("gemma-3-270m-q4_k_m.gguf", "gemma3_270m");
}
