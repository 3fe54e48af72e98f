#include "libfp4/text/template/chat_template.h"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

using fp4::ChatMessage;
using fp4::ChatOptions;
using fp4::ChatTemplate;
using fp4::Status;

namespace {

ChatTemplate parsed(const std::string& source) {
    auto result = ChatTemplate::parse(source, "m.gguf");
    if (!result.ok()) FAIL(result.error().message);
    return std::move(result).value();
}

std::string rendered(const std::string& source, const ChatOptions& options = {}) {
    ChatMessage messages[] = {{"system", "Be brief."}, {"user", "Hi"}};
    auto result = parsed(source).render(messages, options);
    if (!result.ok()) FAIL(result.error().message);
    return std::move(result).value();
}

} // namespace

TEST_CASE("plain messages and their JSON give the same text") {
    std::string source = "{% for m in messages %}[{{ m.role }}:{{ m['content'] }}]{% endfor %}";
    CHECK(rendered(source) == "[system:Be brief.][user:Hi]");
    auto json = parsed(source).render_json(
        R"([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}])", {});
    REQUIRE(json.ok());
    CHECK(*json == "[system:Be brief.][user:Hi]");
}

TEST_CASE("options become variables") {
    ChatOptions options;
    std::string source =
        "{{ bos_token is defined }} {{ add_generation_prompt }} {{ tools is none }} {{ documents }}";
    CHECK(rendered(source, options) == "False False True None");
    options.bos_token = "<s>";
    options.eos_token = "";
    options.add_generation_prompt = true;
    options.variables_json = R"({"tools": [{"b": 1, "a": 2.0}], "enable_thinking": false})";
    CHECK(rendered("{{ bos_token }}{{ eos_token is defined }}{{ add_generation_prompt }}{{ tools|tojson }}",
                   options) == "<s>TrueTrue[{\"b\": 1, \"a\": 2.0}]");
    CHECK(rendered("{{ enable_thinking is defined and enable_thinking is false }}", options) == "True");
    options.now = std::tm{};
    options.now->tm_year = 100;
    CHECK(rendered("{{ strftime_now('%Y') }}", options) == "2000");
    CHECK(rendered("{{ strftime_now('%Y')|int > 2020 }}") == "True");
}

TEST_CASE("wrong JSON is an error that says where") {
    ChatTemplate chat = parsed("x");
    for (const char* text : {"", "[", "[1,]", "{\"a\": }", "nul", "[\"\\ud800\"]", "[1] 2"}) {
        auto result = chat.render_json(text, {});
        REQUIRE_FALSE(result.ok());
        CHECK(result.error().status == Status::format);
        CHECK(result.error().message.find("not valid JSON") != std::string::npos);
    }
    CHECK(chat.render_json("{}", {}).error().status == Status::argument);
    CHECK(chat.render_json("[18446744073709551615]", {}).error().message.find("64 bits") !=
          std::string::npos);
    std::string deep(5000, '[');
    CHECK(chat.render_json(deep + std::string(5000, ']'), {}).error().status == Status::limit);
    ChatOptions options;
    options.variables_json = "[]";
    CHECK(chat.render_json("[]", options).error().status == Status::argument);
}

TEST_CASE("messages name the template and the line") {
    auto syntax = ChatTemplate::parse("a\n{{ 1 + }}", "m.gguf");
    REQUIRE_FALSE(syntax.ok());
    CHECK(syntax.error().message == "template 'm.gguf' line 2: expected an expression, got '}}'");
    auto refused = parsed("\n{% if 1 %}\n{{ raise_exception('no ' ~ 'way') }}{% endif %}").render({}, {});
    REQUIRE_FALSE(refused.ok());
    CHECK(refused.error().status == Status::argument);
    CHECK(refused.error().message == "template 'm.gguf' line 3: no way");
    auto undefined = parsed("{{ messages[0].x.y }}").render_json(R"([{"role": "user"}])", {});
    REQUIRE_FALSE(undefined.ok());
    CHECK(undefined.error().status == Status::format);
    CHECK(undefined.error().message == "template 'm.gguf' line 1: 'dict object' has no attribute 'x'");
    CHECK(parsed("x").name() == "m.gguf");
}

TEST_CASE("content may hold any bytes") {
    ChatMessage messages[] = {{"user", std::string("\xff\xc3 a\0b \xe4\xbd", 9)}};
    auto result = parsed(
                      "{{ messages[0].content }}|{{ messages[0].content.strip()|upper }}|{{ "
                      "messages[0].content|length }}"
                      "{{ messages[0].content|tojson }}{{ messages }}{{ messages[0].content[::-1] }}")
                      .render(messages, {});
    REQUIRE(result.ok());
    CHECK(result->starts_with(std::string("\xff\xc3 a\0b \xe4\xbd|", 10)));
}

TEST_CASE("one template renders in many threads") {
    ChatTemplate chat = parsed(
        "{% set ns = namespace(s='') %}{% for i in range(200) %}{% set ns.s = ns.s ~ i %}"
        "{% endfor %}{{ ns.s|length }}{{ messages[0].content }}");
    std::vector<std::string> results(8);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < results.size(); ++i) {
        threads.emplace_back([&, i] {
            ChatMessage messages[] = {{"user", std::to_string(i)}};
            for (int round = 0; round < 20; ++round) {
                auto result = chat.render(messages, {});
                results[i] = result.ok() ? *result : result.error().message;
            }
        });
    }
    for (auto& thread : threads) thread.join();
    // 0..199 have 10 + 2 * 90 + 3 * 100 = 490 digits
    for (size_t i = 0; i < results.size(); ++i) CHECK(results[i] == "490" + std::to_string(i));
}
