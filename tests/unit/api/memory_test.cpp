// The host's allocator: everything goes through it and comes back, and running out of memory at any call is a
// status.
#include "tests/unit/api/abi.h"
#include "tests/unit/api/memory_faults.h"

using namespace fp4::test;

namespace {

// Keeps the message of the failure: closing handles is a successful call.
class Outcome {
  public:
    bool failed(fp4_status status) {
        if (status >= 0 || status_ < 0) return status_ < 0;
        status_ = status;
        return true;
    }
    operator fp4_status() const { return status_; }

  private:
    fp4_status status_ = FP4_OK;
};

fp4_status open_and_close(const std::string& path) {
    fp4_model* model = nullptr;
    fp4_status status = fp4_model_open(&model, path.c_str(), nullptr);
    if (status == FP4_OK) fp4_model_close(model);
    return status;
}

template <class Start>
fp4_status run_job(Start start) {
    fp4_job* job = nullptr;
    fp4_status status = start(&job);
    if (status != FP4_OK) return status;
    status = finish(job);
    char json[4096];
    if (status == FP4_DONE) status = fp4_job_result(job, json, sizeof json, nullptr);
    fp4_job_close(job);
    return status;
}

} // namespace

TEST_CASE("the allocator cannot change under open handles") {
    CountingAllocator& memory = allocator();
    fp4_allocator abi = memory.abi();
    ModelHandle model = open_model(golden_folder("llama"));
    CHECK_FAILS(fp4_set_allocator(&abi), FP4_E_STATE);
    ContextHandle ctx = create_context(model.get());
    model.reset();
    CHECK_FAILS(fp4_set_allocator(&abi), FP4_E_STATE);
    ctx.reset();
    CHECK_WORKS(fp4_set_allocator(&abi));
}

TEST_CASE("a model, its KV cache and its texts are counted and given back") {
    CountingAllocator& memory = allocator();
    open_and_close(golden_folder("llama"));
    const int64_t before = memory.bytes;
    uint64_t now = 0, high = 0;
    {
        ModelHandle model = open_model(golden_folder("llama"));
        const int64_t opened = memory.bytes;
        CHECK(opened > before);
        fp4_ctx_config config = ctx_defaults();
        config.threads = 1;
        ContextHandle ctx = create_context(model.get(), &config);
        fp4_ctx_info info{};
        info.size = sizeof info;
        REQUIRE(fp4_ctx_info_get(ctx.get(), &info) == FP4_OK);
        CHECK(memory.bytes - opened >= static_cast<int64_t>(info.bytes)); // KV cache and scratch too
        REQUIRE(fp4_memory_used(&now, &high) == FP4_OK);
        CHECK(now >= static_cast<uint64_t>(memory.bytes - before));
        CHECK(high >= now);
    }
    CHECK(memory.bytes == before);
    REQUIRE(fp4_memory_used(&now, nullptr) == FP4_OK);
    CHECK(now < high);
}

TEST_CASE("no memory while opening") {
    exhaust("folder", [] { return open_and_close(golden_folder("llama")); });
    exhaust("gguf", [] { return open_and_close(golden_folder("gemma3") + "/model.gguf"); });
    static const std::string quantized = quantized_file("qwen2", "nvfp4");
    exhaust(".fp4", [] { return open_and_close(quantized); });
    exhaust("describe", [] {
        char text[16384];
        return fp4_model_describe(golden_folder("llama_untied").c_str(), nullptr, text, sizeof text, nullptr);
    });
    exhaust("describe .fp4", [] {
        char text[16384];
        return fp4_model_describe(quantized.c_str(), nullptr, text, sizeof text, nullptr);
    });
    exhaust("plan", [] {
        fp4_plan plan{};
        plan.size = sizeof plan;
        return fp4_model_plan(quantized.c_str(), nullptr, nullptr, &plan);
    });
    exhaust("random weights", [] {
        fp4_model_config config = defaults<fp4_model_config, fp4_model_config_init>();
        config.synthetic =
            R"({"model_type": "llama", "vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 1,
                               "num_attention_heads": 1, "intermediate_size": 32})";
        fp4_model* model = nullptr;
        fp4_status status = fp4_model_open(&model, nullptr, &config);
        if (status == FP4_OK) fp4_model_close(model);
        return status;
    });
    exhaust("job", [] {
        return run_job([](fp4_job** job) { return fp4_model_open_start(job, quantized.c_str(), nullptr); });
    });
    exhaust("check", [] {
        return run_job([](fp4_job** job) { return fp4_model_check_start(job, quantized.c_str(), nullptr); });
    });
}

TEST_CASE("no memory while quantizing and evaluating") {
    static const std::string source = golden_folder("llama"), target = temporary_path("exhausted.fp4");
    static const char* keep[] = {"*norm*=f32", "*=nvfp4"};
    exhaust("quantize", [] {
        fp4_quantize_config config = quantize_defaults();
        config.threads = 2;
        config.keep = keep;
        config.keep_count = 2;
        return run_job(
            [&](fp4_job** job) { return fp4_quantize_start(job, source.c_str(), target.c_str(), &config); });
    });
    ModelHandle model = open_model(source);
    exhaust("evaluate", [&] {
        static const std::string text(400, 'x');
        fp4_evaluate_config config = defaults<fp4_evaluate_config, fp4_evaluate_config_init>();
        config.model = config.base = model.get();
        config.text = text.data();
        config.text_bytes = text.size();
        config.window = 64;
        config.max_windows = 2;
        config.threads = 1;
        return run_job([&](fp4_job** job) { return fp4_evaluate_start(job, &config); });
    });
    exhaust("tasks", [&] {
        static const std::string items =
            R"({"id": "a", "context": "the man", "choices": [" and", " dog"], "label": 0})";
        fp4_tasks_config config = defaults<fp4_tasks_config, fp4_tasks_config_init>();
        config.model = model.get();
        config.text = items.data();
        config.text_bytes = items.size();
        config.threads = 1;
        return run_job([&](fp4_job** job) { return fp4_tasks_start(job, &config); });
    });
}

TEST_CASE("no memory for text") {
    ModelHandle model = open_model(golden_folder("llama"));
    exhaust("tokenize", [&] {
        int32_t tokens[128];
        return fp4_tokenize(model.get(), "the <|im_start|> then \xE2\x82\xAC", 24, 3, tokens, 128, nullptr);
    });
    exhaust("detokenize", [&] {
        const int32_t tokens[] = {1, 5, 90, 91, 200, 2, 261};
        char text[128];
        return fp4_detokenize(model.get(), tokens, 6, FP4_DETOKENIZE_SPECIAL, text, sizeof text, nullptr);
    });
    exhaust("chat", [&] {
        const fp4_message chat[] = {
            {"user", "hello there, how are you?"}, {"assistant", "fine"}, {"user", "tell me"}};
        const char* tools = R"({"tools": [{"name": "search", "parameters": {"x": [1, 2.5, null, true]}}]})";
        const char* given =
            "{% for m in messages %}{{ m.role | upper ~ ':' ~ m.content.split(' ') | join('_') }}{% endfor %}"
            "{{ tools | tojson }}{% set n = namespace(a=1) %}{% for i in range(20) %}{{ n.a }}{% endfor %}";
        char text[2048];
        Outcome outcome;
        if (outcome.failed(
                fp4_chat_format(model.get(), nullptr, chat, 3, tools, 1, text, sizeof text, nullptr)))
            return fp4_status(outcome);
        outcome.failed(fp4_chat_format(model.get(), given, chat, 3, tools, 1, text, sizeof text, nullptr));
        return fp4_status(outcome);
    });
    exhaust("meta", [&] {
        char text[4096];
        return fp4_model_meta(model.get(), "config", text, sizeof text, nullptr);
    });
}
