// The configurations in tests/golden/models, with every key in turn deleted or given a value it cannot have:
// always a configuration within bounds or an error naming the file, never a crash.
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "libfp4/model/roles.h"

using namespace fp4;
using Json = nlohmann::json;

namespace {

const std::string file = "some folder: config.json";

std::vector<Json> golden_configs() {
    std::vector<Json> configs;
    for (const auto& entry : std::filesystem::directory_iterator(FP4_SOURCE_ROOT "/tests/golden/models")) {
        for (const char* name : {"config.json", "config_other_spelling.json"}) {
            std::ifstream stream(entry.path() / name);
            if (!stream.good()) continue;
            std::string text(std::istreambuf_iterator<char>(stream), {});
            configs.push_back(Json::parse(text, nullptr, false));
            REQUIRE(configs.back().is_object());
        }
    }
    REQUIRE(configs.size() >= 14);
    return configs;
}

std::vector<Json> wrong_values() {
    Json nested = 1;
    for (int i = 0; i < 200; ++i) nested = Json::array({nested});
    return {nullptr,
            true,
            "text",
            "",
            0,
            -1,
            1,
            3,
            0.5,
            -1e300,
            1e300,
            1e-300,
            int64_t{1} << 40,
            UINT64_MAX,
            INT64_MIN,
            (int64_t{1} << 32) - 1,
            Json::array(),
            Json::object(),
            Json{{"rope_type", 7}, {"factor", "x"}},
            Json{{"full_attention", 1}},
            Json{{"full_attention", {{"rope_type", "llama3"}, {"low_freq_factor", -1}}}},
            nested};
}

// Accepted means usable: sizes in bounds, so that shapes and scratch sizes cannot overflow.
void check_usable(const ModelConfig& config) {
    CHECK(config.heads % config.kv_heads == 0);
    CHECK(config.sliding.size() == config.layers);
    CHECK(uint64_t(config.heads) * config.head_dim == config.q_width());
    CHECK(std::isfinite(config.attention_scale));
    CHECK(std::isfinite(config.norm_epsilon));
    if (config.layers <= 64) CHECK(tensor_slots(config).size() >= 2 + 9 * size_t(config.layers));
    CHECK(inverse_frequencies(config.rope, config.head_dim).size() == config.head_dim / 2);
    // What is written is read back the same: quantizing rewrites the configuration.
    const std::string written = config_to_json(config);
    auto again = config_from_json(written, file);
    REQUIRE_MESSAGE(again.ok(), again.error().message);
    CHECK(config_to_json(*again) == written);
}

void check_mutation(const Json& config) {
    const std::string text = config.dump();
    auto read = config_from_json(text, file);
    if (read.ok()) {
        INFO(text);
        check_usable(*read);
        return;
    }
    CAPTURE(read.error().message);
    const Status status = read.error().status; // limit: nested too deep
    CHECK((status == Status::format || status == Status::unsupported || status == Status::limit));
    CHECK(read.error().message.starts_with(file));
    CHECK(read.error().message.size() > file.size() + 8);
}

// Calls visit with a pointer to every value in the document but the root.
template <class Visit>
void each_value(const Json& json, const Json::json_pointer& at, Visit&& visit) {
    if (!json.is_structured()) return;
    for (const auto& [key, value] : json.items()) {
        const auto below = json.is_object() ? at / key : at / static_cast<size_t>(std::stoul(key));
        visit(below);
        each_value(value, below, visit);
    }
}

} // namespace

TEST_CASE("one value wrong") {
    const std::vector<Json> values = wrong_values();
    size_t mutations = 0;
    for (const Json& config : golden_configs()) {
        each_value(config, Json::json_pointer(), [&](const Json::json_pointer& at) {
            INFO(at.to_string());
            for (const Json& value : values) {
                Json changed = config;
                changed[at] = value;
                check_mutation(changed);
                ++mutations;
            }
            Json without = config;
            Json& parent = without[at.parent_pointer()];
            if (parent.is_array()) {
                parent.erase(static_cast<size_t>(std::stoul(at.back())));
            } else {
                parent.erase(at.back());
            }
            check_mutation(without);
        });
    }
    CHECK(mutations > 5000);
}
