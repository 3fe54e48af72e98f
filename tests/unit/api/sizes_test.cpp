// The (buffer, capacity, needed) pattern of every text and token function.
#include <algorithm>
#include <functional>

#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

// call(buffer, capacity, needed) as the function under test; Item is char or int32_t.
template <class Item>
std::vector<Item> check_sizes(const std::function<fp4_status(Item*, size_t, size_t*)>& call) {
    size_t needed = 0;
    fp4_status asked = call(nullptr, 0, &needed);
    CHECK(asked == (needed == 0 ? FP4_OK : FP4_E_SPACE));
    const size_t full = needed;
    const Item filler = static_cast<Item>(0x5A);
    std::vector<Item> buffer(full + 64, filler), exact;
    for (size_t capacity : {full, full + 1, full + 63}) {
        std::ranges::fill(buffer, filler);
        needed = 0;
        CHECK_WORKS(call(buffer.data(), capacity, &needed));
        CHECK(needed == full);
        // Not terminated, nothing behind.
        for (size_t i = full; i < buffer.size(); ++i) REQUIRE(buffer[i] == filler);
        CHECK_WORKS(call(buffer.data(), capacity, nullptr));
    }
    exact.assign(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(full));
    for (size_t capacity : {full - 1, full / 2, size_t(1)}) {
        if (capacity >= full) continue;
        std::ranges::fill(buffer, filler);
        needed = 0;
        CHECK_FAILS(call(buffer.data(), capacity, &needed), FP4_E_SPACE);
        CHECK(needed == full);
        CHECK_FAILS(call(buffer.data(), capacity, nullptr), FP4_E_SPACE);
        for (Item item : buffer) REQUIRE(item == filler);
    }
    std::ranges::fill(buffer, filler);
    CHECK_WORKS(call(buffer.data(), SIZE_MAX, &needed)); // a caller who knows it fits
    CHECK(std::equal(exact.begin(), exact.end(), buffer.begin()));
    needed = 4711;
    CHECK_FAILS(call(nullptr, 5, &needed), FP4_E_ARGUMENT);
    CHECK_FAILS(call(nullptr, 0, nullptr), FP4_E_ARGUMENT);
    CHECK(needed == 4711);
    return exact;
}

} // namespace

TEST_CASE("model texts") {
    ModelHandle model = open_model(golden_folder("llama"));
    for (const char* key : {"name", "config", "chat_template"}) {
        CAPTURE(key);
        auto text = check_sizes<char>([&](char* buffer, size_t capacity, size_t* needed) {
            return fp4_model_meta(model.get(), key, buffer, capacity, needed);
        });
        if (key != std::string("name")) CHECK(text.size() > 10);
    }
    auto described = check_sizes<char>([&](char* buffer, size_t capacity, size_t* needed) {
        return fp4_model_describe(golden_folder("gemma3").c_str(), nullptr, buffer, capacity, needed);
    });
    CHECK(described.front() == '{');
    CHECK(described.back() == '}');
}

TEST_CASE("tokens and texts") {
    ModelHandle model = open_model(golden_folder("llama"));
    for (const std::string& text :
         {std::string(), std::string("a"), std::string("then \xC3\xA4 the \xE2\x82\xAC, the")}) {
        CAPTURE(text);
        auto tokens = check_sizes<int32_t>([&](int32_t* buffer, size_t capacity, size_t* needed) {
            return fp4_tokenize(model.get(), text.data(), text.size(), 0, buffer, capacity, needed);
        });
        auto back = check_sizes<char>([&](char* buffer, size_t capacity, size_t* needed) {
            return fp4_detokenize(model.get(), tokens.data(), tokens.size(), 0, buffer, capacity, needed);
        });
        CHECK(std::string(back.begin(), back.end()) == text);
    }
    const fp4_message chat[] = {{"user", "hi"}, {"assistant", "yes?"}};
    auto rendered = check_sizes<char>([&](char* buffer, size_t capacity, size_t* needed) {
        return fp4_chat_format(model.get(), nullptr, chat, 2, nullptr, FP4_CHAT_ADD_GENERATION_PROMPT, buffer,
                               capacity, needed);
    });
    CHECK(std::string(rendered.begin(), rendered.end()) ==
          "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyes?<|im_end|>\n<|im_start|>assistant\n");
    auto given = check_sizes<char>([&](char* buffer, size_t capacity, size_t* needed) {
        return fp4_chat_format(model.get(), "{{ messages|length }} {{ x }}", chat, 2, R"({"x": "y"})", 0,
                               buffer, capacity, needed);
    });
    CHECK(std::string(given.begin(), given.end()) == "2 y");
    CHECK_FAILS(fp4_chat_format(model.get(), "{% if %}", chat, 2, nullptr, 0, nullptr, 0, nullptr),
                FP4_E_FORMAT);
    CHECK_FAILS(fp4_chat_format(model.get(), "x", chat, 2, "[1]", 0, nullptr, 0, nullptr), FP4_E_ARGUMENT);
}

TEST_CASE("context tokens and job results") {
    ModelHandle model = open_model(golden_folder("llama"));
    ContextHandle ctx = create_context(model.get());
    const std::vector<int32_t> tokens{5, 6, 7, 8, 9};
    REQUIRE(fp4_ctx_eval(ctx.get(), tokens.data(), tokens.size(), 0) == FP4_OK);
    auto held = check_sizes<int32_t>([&](int32_t* buffer, size_t capacity, size_t* needed) {
        return fp4_ctx_tokens(ctx.get(), buffer, capacity, needed);
    });
    CHECK(held == tokens);
    fp4_job* job = nullptr;
    REQUIRE(fp4_model_check_start(&job, golden_folder("llama").c_str(), nullptr) == FP4_OK);
    JobHandle owner(job);
    REQUIRE(finish(job) == FP4_DONE);
    auto result = check_sizes<char>([&](char* buffer, size_t capacity, size_t* needed) {
        return fp4_job_result(job, buffer, capacity, needed);
    });
    CHECK(std::string(result.begin(), result.end()).find("\"kind\":\"safetensors\"") != std::string::npos);
}
