// Real templates with random damage either render or fail with a message; they never crash or hang.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "libfp4/text/template/chat_template.h"

namespace {

namespace fs = std::filesystem;

std::vector<std::string> template_sources() {
    const char* root = std::getenv("FP4_SOURCE_ROOT");
    std::vector<fs::path> paths;
    for (const auto& entry :
         fs::directory_iterator(fs::path(root ? root : ".") / "tests/golden/template/templates")) {
        paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end()); // the same damage on every machine
    std::vector<std::string> sources;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        std::ostringstream text;
        text << file.rdbuf();
        sources.push_back(text.str());
    }
    return sources;
}

// Tokens of the language: damage with them gets further than random bytes.
const char* const pieces[] = {"{{",
                              "}}",
                              "{%",
                              "%}",
                              "{#",
                              "#}",
                              "-",
                              "+",
                              "*",
                              "**",
                              "(",
                              ")",
                              "[",
                              "]",
                              "{",
                              "}",
                              "'",
                              "\"",
                              "\\",
                              "|",
                              ".",
                              ",",
                              ":",
                              "=",
                              "~",
                              " is ",
                              " in ",
                              " not ",
                              " if ",
                              " else ",
                              " for ",
                              "endfor",
                              "endif",
                              "set ",
                              "macro ",
                              "loop",
                              "messages",
                              "none",
                              "[::-1]",
                              "0",
                              "99999999999",
                              "\xff",
                              "\xe4\xbd\xa0",
                              "\n",
                              "raw",
                              "endraw",
                              "namespace()",
                              "|tojson",
                              "|list",
                              ".items()",
                              "range(9)",
                              " break ",
                              "%s",
                              "1.5e3"};

std::string damaged(std::string text, std::mt19937& random) {
    auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); };
    size_t changes = 1 + below(3);
    for (size_t i = 0; i < changes && text.size() > 2; ++i) {
        size_t at = below(text.size());
        size_t size = 1 + below(std::min<size_t>(text.size() - at, 12));
        switch (below(4)) {
            case 0:
                text.erase(at, size);
                break;
            case 1:
                text.insert(at, pieces[below(std::size(pieces))]);
                break;
            case 2:
                text.replace(at, size, pieces[below(std::size(pieces))]);
                break;
            case 3:
                text.insert(below(text.size()), text.substr(at, size * 8));
                break;
        }
    }
    return text;
}

} // namespace

TEST_CASE("damaged templates never crash") {
    std::mt19937 random(20240726);
    fp4::TemplateLimits limits;
    limits.max_steps = 200000;
    fp4::ChatOptions options;
    options.add_generation_prompt = true;
    options.bos_token = "<s>";
    options.variables_json =
        R"({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"a": 1}}}]})";
    std::string messages =
        R"([{"role": "system", "content": "s"}, {"role": "user", "content": "<think>x</think> y"},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "123456789", "function": {"name": "f",
         "arguments": {"a": [1, null, "x"]}}}]}, {"role": "tool", "content": "r", "tool_call_id": "123456789"}])";
    size_t rendered = 0, failed = 0;
    for (const std::string& source : template_sources()) {
        for (int round = 0; round < 150; ++round) {
            auto chat = fp4::ChatTemplate::parse(damaged(source, random), "damaged", limits);
            auto result =
                chat.ok() ? chat->render_json(messages, options) : fp4::Result<std::string>(chat.error());
            ++(result.ok() ? rendered : failed);
            if (!result.ok()) CHECK(result.error().message.starts_with("template 'damaged' line "));
        }
    }
    CHECK(rendered > 100);
    CHECK(failed > 100);
}
