// What the library holds of a device: planned, counted, limited.
#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

uint64_t used() {
    uint64_t bytes = 0;
    REQUIRE(fp4_device_memory("cpu", &bytes, nullptr) == FP4_OK);
    return bytes;
}

uint64_t available() {
    uint64_t bytes = 0;
    REQUIRE(fp4_device_memory("cpu", nullptr, &bytes) == FP4_OK);
    return bytes;
}

fp4_plan plan_of(const std::string& path, const fp4_ctx_config& ctx) {
    fp4_plan plan{};
    plan.size = sizeof plan;
    REQUIRE(fp4_model_plan(path.c_str(), nullptr, &ctx, &plan) == FP4_OK);
    return plan;
}

uint64_t total(const fp4_plan& plan) {
    return plan.weight_bytes + plan.kv_bytes + plan.scratch_bytes;
}

// A limit for the rest of the test case.
struct Limit {
    explicit Limit(uint64_t bytes) { CHECK_WORKS(fp4_device_limit("cpu", bytes)); }
    ~Limit() { fp4_device_limit("cpu", 0); }
};

bool says(const std::string& what) {
    return std::string(fp4_last_error()).find(what) != std::string::npos;
}

} // namespace

TEST_CASE("a plan is what is held afterwards, to 2 percent") {
    const std::string sources[] = {golden_folder("llama"),           golden_folder("gemma3"),
                                   golden_folder("qwen2"),           quantized_file("llama", "mxfp4"),
                                   quantized_file("qwen2", "nvfp4"), quantized_file("llama", "mxint8")};
    struct Shape {
        uint32_t capacity, chunk;
        int32_t threads, kv_format, path;
    };
    const Shape shapes[] = {{128, 0, 1, FP4_KV_F16, FP4_PATH_AUTO},
                            {128, 64, 3, FP4_KV_F32, FP4_PATH_AUTO},
                            {77, 7, 2, FP4_KV_MXFP8, FP4_PATH_AUTO}};
    for (const std::string& source : sources) {
        for (const Shape& shape : shapes) {
            CAPTURE(source);
            CAPTURE(shape.chunk);
            fp4_ctx_config config = ctx_defaults();
            config.capacity = shape.capacity;
            config.chunk = shape.chunk;
            config.threads = shape.threads;
            config.kv_format = shape.kv_format;
            const fp4_plan plan = plan_of(source, config);
            CHECK((plan.flags & FP4_PLAN_FITS) != 0);
            const uint64_t before = used();
            ModelHandle model = open_model(source);
            const uint64_t weights = used() - before;
            CHECK(weights == doctest::Approx(double(plan.weight_bytes)).epsilon(0.02));
            ContextHandle ctx = create_context(model.get(), &config);
            const uint64_t created = used() - before;
            CHECK(created == doctest::Approx(double(total(plan))).epsilon(0.02));
            fp4_ctx_info info{};
            info.size = sizeof info;
            REQUIRE(fp4_ctx_info_get(ctx.get(), &info) == FP4_OK);
            CHECK(info.bytes == plan.kv_bytes + plan.scratch_bytes);
            // Work takes nothing more.
            std::vector<int32_t> tokens(60);
            for (size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<int32_t>(i * 7 % 250);
            REQUIRE(fp4_ctx_eval(ctx.get(), tokens.data(), tokens.size(), 0) == FP4_OK);
            fp4_gen_config gen = gen_defaults();
            gen.tokens = tokens.data();
            gen.token_count = 3;
            gen.max_tokens = 8;
            gen.flags = FP4_GEN_IGNORE_END;
            all_text(start_generation(ctx.get(), gen).get());
            CHECK(used() - before == doctest::Approx(double(total(plan))).epsilon(0.02));
            ctx.reset();
            model.reset();
            CHECK(used() == before);
        }
    }
}

TEST_CASE("a limit is never exceeded") {
    const std::string source = quantized_file("llama", "mxfp4");
    fp4_ctx_config config = ctx_defaults();
    config.threads = 2;
    const fp4_plan plan = plan_of(source, config);
    const uint64_t before = used();
    const uint64_t limit = before + total(plan);
    {
        Limit enough(limit);
        CHECK(available() <= total(plan));
        ModelHandle model = open_model(source);
        ContextHandle ctx = create_context(model.get(), &config);
        CHECK(used() <= limit);
        // A second one is too much: nothing changes, and the first one works.
        fp4_ctx* second = nullptr;
        const uint64_t held = used();
        CHECK_FAILS(fp4_ctx_create(&second, model.get(), &config), FP4_E_MEMORY);
        CHECK(says(std::to_string(limit)));
        CHECK(says(std::to_string(limit - held)));
        CHECK(says(std::to_string(plan.kv_bytes + plan.scratch_bytes)));
        CHECK(second == nullptr);
        CHECK(used() == held);
        CHECK_FAILS(fp4_device_limit("cpu", held - 1), FP4_E_STATE);
        fp4_model* other = nullptr;
        CHECK_FAILS(fp4_model_open(&other, source.c_str(), nullptr), FP4_E_MEMORY);
        CHECK(used() == held);
        fp4_gen_config gen = gen_defaults();
        gen.prompt = "the ";
        gen.max_tokens = 4;
        CHECK(!all_text(start_generation(ctx.get(), gen).get()).empty());
    }
    {
        Limit too_small(before + plan.weight_bytes / 2);
        fp4_model* model = nullptr;
        CHECK_FAILS(fp4_model_open(&model, source.c_str(), nullptr), FP4_E_MEMORY);
        CHECK(says(std::to_string(plan.weight_bytes)));
        CHECK(model == nullptr);
        CHECK(used() == before);
        fp4_plan small = plan_of(source, config);
        CHECK((small.flags & FP4_PLAN_FITS) == 0);
        CHECK(small.largest_context == 0);
        CHECK(small.available_bytes == plan.weight_bytes / 2);
    }
    CHECK(available() > 0);
}

TEST_CASE("the longest context that a plan promises can be had, and no longer one") {
    const std::string source = quantized_file("llama", "mxfp4");
    fp4_ctx_config config = ctx_defaults();
    config.threads = 1;
    config.capacity = 60;
    const fp4_plan plan = plan_of(source, config);
    Limit limit(used() + total(plan));
    const fp4_plan same = plan_of(source, config);
    CHECK((same.flags & FP4_PLAN_FITS) != 0);
    CHECK(same.largest_context == 60);
    ModelHandle model = open_model(source);
    config.capacity = 61;
    fp4_ctx* ctx = nullptr;
    CHECK_FAILS(fp4_ctx_create(&ctx, model.get(), &config), FP4_E_MEMORY);
    config.capacity = 60;
    create_context(model.get(), &config);
}

TEST_CASE("devices tell what is held and the limit") {
    fp4_device_info info{};
    info.size = sizeof info;
    REQUIRE(fp4_device_info_get(0, &info) == FP4_OK);
    CHECK(info.memory_limit == 0);
    CHECK(info.memory_used == used());
    {
        Limit limit(used() + 4096);
        REQUIRE(fp4_device_info_get(0, &info) == FP4_OK);
        CHECK(info.memory_limit == used() + 4096);
        CHECK(available() == 4096);
    }
    CHECK_FAILS(fp4_device_limit("cuda:9", 1), FP4_E_NOT_FOUND);
    // A caller of the first layout gets what it knows.
    info = {};
    info.size = 280;
    info.memory_used = 7;
    REQUIRE(fp4_device_info_get(0, &info) == FP4_OK);
    CHECK(info.memory_used == 7);
    CHECK(info.memory_total > 0);
}
