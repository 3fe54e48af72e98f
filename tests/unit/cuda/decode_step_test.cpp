// Decode steps that are collected, fused and replayed draw the tokens of steps run one operation at a time.
#include <doctest/doctest.h>

#include <algorithm>

#include "cuda/cuda_backend.h"
#include "cuda/step_options.h"
#include "libfp4/engine/context_state.h"
#include "random_model.h"

using namespace fp4;
using namespace fp4::cuda;
using fp4::test::RandomModel;
using fp4::test::RandomModelShape;
using fp4::test::repetitions;

namespace {

constexpr StepOptions one_by_one{.recorded = false};
constexpr StepOptions unfused{.fuse_attention = false, .fuse_products = false};
constexpr StepOptions products_alone{.fuse_products = false};
constexpr StepOptions no_graph{.graph = false};

struct Options { // for a scope
    explicit Options(const StepOptions& options) { step_options = options; }
    ~Options() { step_options = {}; }
};

std::shared_ptr<Backend> device_or_skip() {
    auto backend = open_cuda_backend();
    if (backend.ok()) return *backend;
    MESSAGE("skipped: ", backend.error().message);
    return nullptr;
}

std::unique_ptr<Context> context_of(const std::shared_ptr<const Model>& model,
                                    KvFormat kv_format = KvFormat::f16, Path path = Path::w4a16) {
    ContextConfig config;
    config.capacity = 600;
    config.chunk = 16;
    config.kv_format = kv_format;
    config.path_prefill = config.path_decode = path;
    auto context = Context::create(model, config);
    REQUIRE(context.ok());
    return std::move(*context);
}

// Runs one token and gives the most likely next one.
int32_t next(Context& context, int32_t token) {
    auto ran = context.eval({&token, 1}, false);
    REQUIRE_MESSAGE(ran.ok(), ran.error().message);
    SamplingConfig greedy;
    SampleRequest request;
    request.config = &greedy;
    auto drawn = context.sample(request);
    REQUIRE(drawn.ok());
    return *drawn;
}

std::vector<int32_t> greedy(Context& context, int32_t token, int count) {
    std::vector<int32_t> tokens;
    for (int i = 0; i < count; ++i) tokens.push_back(token = next(context, token));
    return tokens;
}

} // namespace

TEST_CASE("the same tokens with and without graphs and fused kernels") {
    auto backend = device_or_skip();
    if (!backend) return;
    using Kind = InputTransform::Kind;
    struct Case {
        RandomModelShape shape;
        KvFormat kv_format = KvFormat::f16;
        Path path = Path::w4a16;
    };
    std::vector<float> matrix(32 * 32);
    for (size_t i = 0; i < matrix.size(); ++i) matrix[i] = 0.05f * static_cast<float>(i % 7) + (i % 33 == 0);
    const Case cases[] = {
        {{}},
        {{.format = WeightFormat::nvfp4}},
        {{.transform = {Kind::hadamard, 32, {}, {}}}},
        {{.transform = {Kind::hadamard, 64, {}, {}}}, KvFormat::f32},
        {{.transform = {Kind::hadamard, 128, {}, {}}}, KvFormat::mxfp8},
        {{.transform = {Kind::matrix, 32, {}, matrix}}, KvFormat::mxfp4},
        {{.heads = 8, .kv_heads = 1, .head_dim = 32, .ffn = 416}},
        {{.ffn = 1504, .hidden = 608, .transform = {Kind::hadamard, 16, {}, {}}}},
        {{.format = WeightFormat::nvfp4, .ffn = 2048, .hidden = 1024, .biases = true}},
        {{.heads = 3, .kv_heads = 3, .head_dim = 128, .head_norms = true}},
        {{.heads = 8, .kv_heads = 2, .head_dim = 40, .window = 50}},
        {{.heads = 4, .kv_heads = 1, .head_dim = 256, .window = 200, .biases = true}},
        {{.transform = {Kind::hadamard, 32, {}, {}}}, KvFormat::f16, Path::w4a8},
        {{.transform = {Kind::hadamard, 32, {}, {}}}, KvFormat::f16, Path::w4a4},
        {{.format = WeightFormat::nvfp4}, KvFormat::f16, Path::w4a4},
    };
    const int steps = repetitions(300, 12);
    for (const Case& c : cases) {
        const auto index = &c - cases;
        CAPTURE(index);
        auto model = RandomModel(backend, c.shape).make();
        std::vector<int32_t> expected;
        for (const StepOptions& options : {one_by_one, no_graph, unfused, products_alone, StepOptions{}}) {
            Options scope(options);
            auto context = context_of(model, c.kv_format, c.path);
            auto tokens = greedy(*context, 1, steps); // three classes of length
            if (expected.empty()) expected = tokens;
            CHECK(tokens == expected);
        }
        CHECK(std::count(expected.begin(), expected.end(), expected.back()) <
              steps - 5); // not stuck at one token
    }
}

TEST_CASE("truncated, restored and alternating contexts go on as they would have") {
    auto backend = device_or_skip();
    if (!backend) return;
    auto model = RandomModel(backend, {}).make();
    auto first = context_of(model), second = context_of(model);
    const int steps = repetitions(200, 60), few = steps / 5, half = steps / 2, most = steps * 3 / 4;
    const std::vector<int32_t> expected = greedy(*first, 1, steps), other = greedy(*second, 2, steps);

    REQUIRE(first->truncate(few).ok());
    CHECK(greedy(*first, expected[few - 1], steps - few) ==
          std::vector<int32_t>(expected.begin() + few, expected.end()));

    std::vector<uint8_t> state;
    REQUIRE(save_state(*first, [&](std::span<const uint8_t> bytes) -> Result<void> {
                state.insert(state.end(), bytes.begin(), bytes.end());
                return {};
            }).ok());
    const std::vector<int32_t> more = greedy(*first, expected.back(), few);

    // Two contexts of one model by turns, and a pass of several tokens between, which uses the same memory.
    REQUIRE(second->truncate(half).ok());
    REQUIRE(first->truncate(half).ok());
    int32_t a = expected[half - 1], b = other[half - 1];
    for (int i = half; i < steps; ++i) {
        CHECK((a = next(*first, a)) == expected[i]);
        CHECK((b = next(*second, b)) == other[i]);
        if (i != most) continue;
        auto third = context_of(model);
        REQUIRE(third->eval(expected, false).ok());
        const size_t used = first->used();
        REQUIRE(first->eval({expected.data(), static_cast<size_t>(most)}, true).ok());
        REQUIRE(first->truncate(used).ok());
    }

    REQUIRE(load_state(*second, *memory_source("state", state)).ok());
    CHECK(greedy(*second, expected.back(), few) == more);
}
