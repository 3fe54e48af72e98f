// The CUDA device through the C ABI: what it holds, and what happens when it has no memory or fails. Without
// a GPU only that its absence is a status.
#include "cuda/device_memory.h"
#include "tests/unit/api/abi.h"

using namespace fp4::test;
using fp4::cuda::fail_allocations_after;
using fp4::cuda::fail_device_after;

namespace {

constexpr const char* small_shape = R"({"model_type": "llama", "vocab_size": 1000, "hidden_size": 256,
    "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "intermediate_size": 384,
    "max_position_embeddings": 512})";

fp4_model_config model_config(const char* shape, const char* format, const char* device = "cuda:0") {
    fp4_model_config config = defaults<fp4_model_config, fp4_model_config_init>();
    config.device = device;
    config.synthetic = shape;
    config.synthetic_format = format;
    return config;
}

bool has_device() {
    if (fp4_device_memory("cuda:0", nullptr, nullptr) == FP4_OK) return true;
    MESSAGE("skipped: ", std::string(fp4_last_error()));
    return false;
}

uint64_t used() {
    uint64_t bytes = 0;
    REQUIRE(fp4_device_memory("cuda:0", &bytes, nullptr) == FP4_OK);
    return bytes;
}

std::string why; // the message of the last failed run: closing handles clears the library's own

// A prompt, a prefill of more tokens than the mat-vec takes, and some decode steps, the later of them
// replayed.
fp4_status generate(fp4_ctx* ctx, std::vector<int32_t>* drawn = nullptr) {
    std::vector<int32_t> prompt(40);
    for (size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<int32_t>(i * 31 % 1000);
    fp4_gen_config config = gen_defaults();
    config.tokens = prompt.data();
    config.token_count = prompt.size();
    config.max_tokens = 6;
    config.flags = FP4_GEN_IGNORE_END;
    fp4_gen* started = nullptr;
    fp4_status status = fp4_gen_start(&started, ctx, &config);
    why = fp4_last_error();
    if (status < 0) return status;
    GenerationHandle gen(started);
    do status = fp4_gen_step(started, UINT64_MAX, nullptr);
    while (status == FP4_MORE);
    why = fp4_last_error();
    gen.reset();
    if (status < 0 || !drawn) return status;
    drawn->resize(64);
    size_t count = 0;
    status = fp4_ctx_tokens(ctx, drawn->data(), drawn->size(), &count);
    drawn->resize(count);
    return status;
}

// Everything from opening to closing; the first failure.
fp4_status run(const fp4_model_config& config, std::vector<int32_t>* drawn = nullptr) {
    fp4_model* opened = nullptr;
    fp4_status status = fp4_model_open(&opened, nullptr, &config);
    why = fp4_last_error();
    if (status < 0) return status;
    ModelHandle model(opened);
    fp4_ctx_config ctx_config = ctx_defaults();
    const bool plain = std::string(config.synthetic_format) == "bf16";
    ctx_config.path_prefill = ctx_config.path_decode = plain ? FP4_PATH_W16A16 : FP4_PATH_W4A16;
    fp4_ctx* created = nullptr;
    status = fp4_ctx_create(&created, opened, &ctx_config);
    why = fp4_last_error();
    if (status < 0) return status;
    ContextHandle ctx(created);
    return generate(created, drawn);
}

std::vector<int32_t> cpu_tokens(const char* format) {
    std::vector<int32_t> tokens;
    REQUIRE(run(model_config(small_shape, format, "cpu"), &tokens) >= 0);
    return tokens;
}

} // namespace

TEST_CASE("without a device there is a status that says why") {
    if (fp4_device_memory("cuda:0", nullptr, nullptr) == FP4_OK) return;
    CHECK(run(model_config(small_shape, "mxfp4")) == FP4_E_DEVICE);
    CHECK(why.find("no CUDA device") == 0);
    fp4_device_info info{};
    info.size = sizeof info;
    REQUIRE(fp4_device_info_get(1, &info) == FP4_OK);
    CHECK(std::string(info.id) == "cuda:0");
    CHECK((info.flags & FP4_DEVICE_USABLE) == 0);
    CHECK(run(model_config(small_shape, "mxfp4", "cpu")) >= 0);
}

TEST_CASE("out of device memory at every allocation") {
    if (!has_device()) return;
    const uint64_t before = used();
    const std::vector<int32_t> expected = cpu_tokens("mxfp4");
    for (const char* format : {"mxfp4", "bf16"}) {
        int count = 0;
        for (;; ++count) {
            CAPTURE(count);
            fail_allocations_after(count);
            const fp4_status status = run(model_config(small_shape, format));
            fail_allocations_after(-1);
            if (status >= 0) break;
            CHECK_MESSAGE(status == FP4_E_MEMORY, why);
            CHECK(!why.empty());
            CHECK(used() == before);
            if (count % 16 == 0) CHECK(cpu_tokens("mxfp4") == expected);
            REQUIRE(count < 1000);
        }
        MESSAGE(std::string(format), ": ", count, " allocations");
        CHECK(count > 50);
        CHECK(used() == before);
        CHECK(run(model_config(small_shape, format)) >= 0);
    }
}

TEST_CASE("a device that fails is lost for good, and the CPU works") {
    if (!has_device()) return;
    const uint64_t before = used();
    const std::vector<int32_t> expected = cpu_tokens("nvfp4");
    const fp4_model_config config = model_config(small_shape, "nvfp4");
    int losses = 0;
    for (int after = 0;; after += 1 + after / 8) {
        CAPTURE(after);
        fail_device_after(after);
        const fp4_status status = run(config);
        if (status >= 0) {
            fail_device_after(-1);
            break;
        }
        ++losses;
        CHECK_MESSAGE(status == FP4_E_DEVICE_LOST, why);
        CHECK(!why.empty());
        // Every later call says so.
        CHECK(run(config) == FP4_E_DEVICE_LOST);
        CHECK(why.find("the device failed") != std::string::npos);
        CHECK_FAILS(fp4_device_memory("cuda:0", nullptr, nullptr), FP4_E_DEVICE_LOST);
        fp4_device_info info{};
        info.size = sizeof info;
        REQUIRE(fp4_device_info_get(1, &info) == FP4_OK);
        CHECK((info.flags & FP4_DEVICE_USABLE) == 0);
        CHECK(info.memory_used == before);
        if (losses % 8 == 1) CHECK(cpu_tokens("nvfp4") == expected);
        fail_device_after(-1);
        REQUIRE(after < 100000);
    }
    MESSAGE(losses, " places of failure");
    CHECK(losses > 20);
    // Handles of the device keep saying it, and can be closed.
    fp4_model* opened = nullptr;
    REQUIRE(fp4_model_open(&opened, nullptr, &config) == FP4_OK);
    ModelHandle model(opened);
    ContextHandle ctx = create_context(opened), other = create_context(opened);
    REQUIRE(generate(ctx.get()) >= 0);
    fail_device_after(0);
    const int32_t token = 5;
    CHECK_FAILS(fp4_ctx_eval(ctx.get(), &token, 1, 0), FP4_E_DEVICE_LOST);
    CHECK_FAILS(fp4_ctx_eval(other.get(), &token, 1, 0), FP4_E_DEVICE_LOST);
    fp4_ctx* third = nullptr;
    CHECK_FAILS(fp4_ctx_create(&third, opened, nullptr), FP4_E_DEVICE_LOST);
    CHECK(cpu_tokens("nvfp4") == expected);
    ctx.reset();
    other.reset();
    model.reset();
    fail_device_after(-1);
    CHECK(used() == before);
    CHECK(run(config) >= 0);
}

TEST_CASE("a plan is what the device holds afterwards, to 2 percent") {
    if (!has_device()) return;
    struct Case {
        const char *shape, *format;
        uint32_t capacity, chunk;
        int32_t kv_format;
    };
    const Case cases[] = {
        {"llama-3.2-1b", "mxfp4", 4096, 256, FP4_KV_F16}, {"llama-3.2-1b", "nvfp4", 1000, 1024, FP4_KV_MXFP8},
        {"smollm2-135m", "mxfp4", 8192, 16, FP4_KV_F32},  {"smollm2-135m", "mxint8", 512, 64, FP4_KV_MXFP4},
        {"qwen3-0.6b", "bf16", 2048, 256, FP4_KV_F16},    {small_shape, "mxfp4", 512, 0, FP4_KV_F16}};
    for (const Case& c : cases) {
        CAPTURE(c.shape);
        CAPTURE(c.format);
        const fp4_model_config config = model_config(c.shape, c.format);
        fp4_ctx_config ctx_config = ctx_defaults();
        ctx_config.capacity = c.capacity;
        ctx_config.chunk = c.chunk;
        ctx_config.kv_format = c.kv_format;
        fp4_plan plan{};
        plan.size = sizeof plan;
        REQUIRE(fp4_model_plan(nullptr, &config, &ctx_config, &plan) == FP4_OK);
        const double total = double(plan.weight_bytes + plan.kv_bytes + plan.scratch_bytes);
        const uint64_t before = used();
        fp4_model* opened = nullptr;
        REQUIRE(fp4_model_open(&opened, nullptr, &config) == FP4_OK);
        ModelHandle model(opened);
        CHECK(double(used() - before) == doctest::Approx(double(plan.weight_bytes)).epsilon(0.02));
        ContextHandle ctx = create_context(opened, &ctx_config);
        const uint64_t created = used();
        CHECK(double(created - before) == doctest::Approx(total).epsilon(0.02));
        std::vector<int32_t> tokens(c.capacity - 40);
        for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int32_t>(i * 31 % 900);
        REQUIRE(fp4_ctx_eval(ctx.get(), tokens.data(), tokens.size(), 0) == FP4_OK);
        REQUIRE(fp4_ctx_eval(ctx.get(), tokens.data(), 20, 0) == FP4_OK);
        for (int i = 0; i < 4; ++i) REQUIRE(fp4_ctx_eval(ctx.get(), tokens.data(), 1, 0) == FP4_OK);
        CHECK(used() == created); // work takes nothing more
        MESSAGE(std::string(c.shape).substr(0, 12), " ", std::string(c.format), ": planned ", uint64_t(total),
                ", held ", created - before);
    }
}

TEST_CASE("a limit of the device is never exceeded") {
    if (!has_device()) return;
    const fp4_model_config config = model_config("smollm2-135m", "mxfp4");
    fp4_ctx_config ctx_config = ctx_defaults();
    ctx_config.capacity = 4096;
    fp4_plan plan{};
    plan.size = sizeof plan;
    REQUIRE(fp4_model_plan(nullptr, &config, &ctx_config, &plan) == FP4_OK);
    const uint64_t before = used(), limit = before + plan.weight_bytes + plan.kv_bytes + plan.scratch_bytes;
    REQUIRE(fp4_device_limit("cuda:0", limit) == FP4_OK);
    {
        fp4_model* opened = nullptr;
        REQUIRE(fp4_model_open(&opened, nullptr, &config) == FP4_OK);
        ModelHandle model(opened);
        ContextHandle ctx = create_context(opened, &ctx_config);
        CHECK(used() <= limit);
        fp4_ctx* second = nullptr;
        CHECK_FAILS(fp4_ctx_create(&second, opened, &ctx_config), FP4_E_MEMORY);
        CHECK(std::string(fp4_last_error()).find(std::to_string(limit)) != std::string::npos);
        CHECK(generate(ctx.get()) >= 0);
        CHECK(used() <= limit);
    }
    REQUIRE(fp4_device_limit("cuda:0", before + plan.weight_bytes / 2) == FP4_OK);
    fp4_model* opened = nullptr;
    CHECK_FAILS(fp4_model_open(&opened, nullptr, &config), FP4_E_MEMORY);
    CHECK(used() == before);
    REQUIRE(fp4_device_limit("cuda:0", 0) == FP4_OK);
}

TEST_CASE("contexts until the device is full") {
    if (!has_device()) return;
    const fp4_model_config config = model_config("llama-3.2-1b", "mxfp4");
    fp4_model* opened = nullptr;
    const uint64_t before = used();
    REQUIRE(fp4_model_open(&opened, nullptr, &config) == FP4_OK);
    ModelHandle model(opened);
    fp4_ctx_config ctx_config = ctx_defaults();
    ctx_config.capacity = 131072;
    ctx_config.kv_format = FP4_KV_F32;
    std::vector<ContextHandle> contexts;
    fp4_status status = FP4_OK;
    while (contexts.size() < 64) {
        fp4_ctx* created = nullptr;
        status = fp4_ctx_create(&created, opened, &ctx_config);
        if (status < 0) break;
        contexts.emplace_back(created);
    }
    why = fp4_last_error();
    CHECK_MESSAGE(status == FP4_E_MEMORY, why);
    MESSAGE(contexts.size(), " contexts of 131072 tokens, then: ", why);
    REQUIRE(!contexts.empty());
    CHECK(generate(contexts.front().get()) >= 0);
    contexts.clear();
    model.reset();
    CHECK(used() == before);
    CHECK(run(model_config(small_shape, "mxfp4")) >= 0);
}
