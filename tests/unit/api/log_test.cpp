// The log: sink, level, reading message by message, overflow.
#include <filesystem>
#include <string>

#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

struct Message {
    int32_t level;
    std::string text;
};

void collect(int32_t level, const char* text, void* user) {
    static_cast<std::vector<Message>*>(user)->push_back({level, text});
}

std::vector<Message> drain() {
    std::vector<Message> all;
    int32_t level = 0;
    char text[1024];
    size_t bytes = 0;
    fp4_status status;
    while ((status = fp4_log_read(&level, text, sizeof text, &bytes)) == FP4_OK)
        all.push_back({level, {text, bytes}});
    CHECK(status == FP4_DONE);
    return all;
}

void quiet() {
    REQUIRE(fp4_set_log(nullptr, FP4_LOG_WARNING, nullptr) == FP4_OK);
    drain();
}

// A llama without its tokenizer.
std::string folder_without_tokenizer() {
    std::string folder = temporary_path("no-tokenizer");
    std::filesystem::create_directories(folder);
    for (const char* name : {"/config.json", "/model.safetensors"}) {
        write_file(folder + name, read_file(golden_folder("llama") + name));
    }
    return folder;
}

} // namespace

TEST_CASE("opening a model is told at level info, to the sink and the reader") {
    quiet();
    const std::string path = golden_folder("llama");
    open_model(path);
    CHECK(drain().empty()); // below the default level
    std::vector<Message> seen;
    REQUIRE(fp4_set_log(collect, FP4_LOG_INFO, &seen) == FP4_OK);
    open_model(path);
    REQUIRE(fp4_set_log(nullptr, FP4_LOG_INFO, nullptr) == FP4_OK);
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].level == FP4_LOG_INFO);
    CHECK(seen[0].text.find(path) != std::string::npos);
    CHECK(seen[0].text.find("bf16") != std::string::npos);
    CHECK(seen[0].text.find('\n') == std::string::npos);
    open_model(path); // no sink: only kept
    CHECK(seen.size() == 1);
    auto kept = drain();
    REQUIRE(kept.size() == 2);
    CHECK(kept[0].text == seen[0].text);
    CHECK(drain().empty());
    quiet();
}

TEST_CASE("a missing tokenizer is a warning, and such a model takes tokens only") {
    quiet();
    ModelHandle model = open_model(folder_without_tokenizer());
    auto messages = drain();
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].level == FP4_LOG_WARNING);
    CHECK(messages[0].text.find("tokenizer") != std::string::npos);
    size_t needed;
    CHECK_FAILS(fp4_tokenize(model.get(), "a", 1, 0, nullptr, 0, &needed), FP4_E_UNSUPPORTED);
    CHECK(last_logits(model.get(), {5, 6, 7}) ==
          last_logits(open_model(golden_folder("llama")).get(), {5, 6, 7}));
    ContextHandle ctx = create_context(model.get());
    fp4_gen_config config = gen_defaults();
    config.prompt = "the";
    fp4_gen* gen = nullptr;
    CHECK_FAILS(fp4_gen_start(&gen, ctx.get(), &config), FP4_E_UNSUPPORTED);
    const int32_t tokens[] = {5, 6, 7};
    config.prompt = nullptr;
    config.tokens = tokens;
    config.token_count = 3;
    config.max_tokens = 5;
    config.flags = FP4_GEN_IGNORE_END;
    CHECK(all_text(start_generation(ctx.get(), config).get()).empty());
    quiet();
}

TEST_CASE("quantizing tells its end, and a rule that a kept format cannot take") {
    quiet();
    REQUIRE(fp4_set_log(nullptr, FP4_LOG_INFO, nullptr) == FP4_OK);
    fp4_quantize_config config = quantize_defaults();
    config.format = "nvfp4";
    config.scale_rule = "four-over-six";
    const char* keep[] = {"*down_proj*=mxfp8-e4m3"};
    config.keep = keep;
    config.keep_count = 1;
    fp4_job* job = nullptr;
    const std::string target = temporary_path("logged.fp4");
    REQUIRE(fp4_quantize_start(&job, golden_folder("llama").c_str(), target.c_str(), &config) == FP4_OK);
    JobHandle owner(job);
    REQUIRE_MESSAGE(finish(job) == FP4_DONE, fp4_last_error());
    auto messages = drain();
    REQUIRE(messages.size() == 2);
    CHECK(messages[0].level == FP4_LOG_WARNING);
    CHECK(messages[0].text.find("four-over-six") != std::string::npos);
    CHECK(messages[0].text.find("down_proj") != std::string::npos);
    CHECK(messages[1].level == FP4_LOG_INFO);
    CHECK(messages[1].text.find(target) != std::string::npos);
    quiet();
}

TEST_CASE("reading with a small buffer keeps the message; the ring keeps the last 256") {
    quiet();
    const std::string folder = folder_without_tokenizer();
    open_model(folder);
    char text[4] = {'Z', 'Z', 'Z', 'Z'};
    int32_t level = 99;
    size_t needed = 0;
    CHECK_FAILS(fp4_log_read(&level, text, sizeof text, &needed), FP4_E_SPACE);
    CHECK(needed > folder.size());
    CHECK(level == 99);
    CHECK(text[0] == 'Z');
    CHECK_FAILS(fp4_log_read(&level, nullptr, 0, &needed), FP4_E_SPACE);
    std::string whole(needed, '\0');
    CHECK_WORKS(fp4_log_read(&level, whole.data(), whole.size(), nullptr));
    CHECK(level == FP4_LOG_WARNING);
    CHECK(whole.starts_with(folder));
    CHECK(fp4_log_read(&level, text, sizeof text, &needed) == FP4_DONE);
    fp4_model_config config = defaults<fp4_model_config, fp4_model_config_init>();
    for (int i = 0; i < 300; ++i) {
        if (i == 0) REQUIRE(fp4_set_log(nullptr, FP4_LOG_INFO, nullptr) == FP4_OK);
        fp4_model* model = nullptr;
        REQUIRE(fp4_model_open(&model, (i == 0 ? golden_folder("llama") : folder).c_str(), &config) ==
                FP4_OK);
        fp4_model_close(model);
        if (i == 0) REQUIRE(fp4_set_log(nullptr, FP4_LOG_WARNING, nullptr) == FP4_OK);
    }
    auto kept = drain();
    CHECK(kept.size() == 256); // the first ones, that of llama among them, are gone
    for (const Message& message : kept) REQUIRE(message.level == FP4_LOG_WARNING);
    for (int32_t bad : {0, 5, -1}) CHECK_FAILS(fp4_set_log(nullptr, bad, nullptr), FP4_E_ARGUMENT);
    quiet();
}
