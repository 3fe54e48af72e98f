// Every template and snippet of tests/golden/template gives what Python's jinja2 gave (tests/golden/make).
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "libfp4/text/template/chat_template.h"

namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

// FP4_TEMPLATE_GOLDEN points the same tests at another set of templates.
fs::path golden_folder() {
    if (const char* other = std::getenv("FP4_TEMPLATE_GOLDEN")) return other;
    const char* root = std::getenv("FP4_SOURCE_ROOT");
    return fs::path(root ? root : ".") / "tests/golden/template";
}

std::string read_file(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE_MESSAGE(file.good(), path.string());
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

Json read_json(const fs::path& path) {
    Json json = Json::parse(read_file(path), nullptr, false);
    REQUIRE_MESSAGE(!json.is_discarded(), path.string());
    return json;
}

// The clock of the golden files: 26 July 2024 15:04:05, a Friday.
std::tm golden_time() {
    std::tm time{};
    time.tm_year = 124;
    time.tm_mon = 6;
    time.tm_mday = 26;
    time.tm_hour = 15;
    time.tm_min = 4;
    time.tm_sec = 5;
    time.tm_wday = 5;
    time.tm_yday = 207;
    return time;
}

fp4::Result<std::string> render(const std::string& source, const std::string& name, const Json& messages,
                                const fp4::ChatOptions& options) {
    FP4_ASSIGN(auto parsed, fp4::ChatTemplate::parse(source, name));
    return parsed.render_json(messages.dump(), options);
}

// Both succeed with the same text, or both fail; a refusal by the template itself with the same words.
void check(const Json& expected, const fp4::Result<std::string>& actual) {
    if (expected.contains("output")) {
        if (actual.ok()) {
            CHECK(*actual == expected["output"].get<std::string>());
        } else {
            FAIL_CHECK(actual.error().message);
        }
        return;
    }
    CHECK_MESSAGE(!actual.ok(), "expected the error: " << expected["error"].get<std::string>());
    if (actual.ok() || !expected.value("raised", false)) return;
    CHECK(actual.error().status == fp4::Status::argument);
    CHECK(actual.error().message.ends_with(": " + expected["error"].get<std::string>()));
}

} // namespace

TEST_CASE("templates of real models render as in jinja2") {
    Json conversations = read_json(golden_folder() / "conversations.json");
    size_t templates = 0;
    for (const auto& entry : fs::directory_iterator(golden_folder() / "expected")) {
        Json expected = read_json(entry.path());
        std::string name = expected["template"];
        std::string source = read_file(golden_folder() / "templates" / name);
        ++templates;
        REQUIRE(expected["cases"].size() == conversations.size());
        for (size_t i = 0; i < conversations.size(); ++i) {
            const Json& conversation = conversations[i];
            INFO(name, ": ", conversation["name"].get<std::string>());
            REQUIRE(expected["cases"][i]["conversation"] == conversation["name"]);
            fp4::ChatOptions options;
            options.add_generation_prompt = conversation["prompt"];
            options.variables_json = conversation["variables"].dump();
            options.now = golden_time();
            if (expected["bos_token"].is_string())
                options.bos_token = expected["bos_token"].get<std::string>();
            if (expected["eos_token"].is_string())
                options.eos_token = expected["eos_token"].get<std::string>();
            check(expected["cases"][i], render(source, name, conversation["messages"], options));
        }
    }
    CHECK(templates > 0);
}

TEST_CASE("snippets of the language give what jinja2 gives") {
    Json golden = read_json(golden_folder() / "snippets.json");
    fp4::ChatOptions options;
    options.variables_json = golden["variables"].dump();
    options.now = golden_time();
    CHECK(golden["snippets"].size() > 400);
    for (const Json& snippet : golden["snippets"]) {
        INFO(snippet["source"].get<std::string>());
        check(snippet, render(snippet["source"], "snippet", Json::array(), options));
    }
}
