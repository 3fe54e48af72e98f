#include "libfp4/quant/tensor_rules.h"

#include <doctest/doctest.h>

using namespace fp4;

namespace {

std::string target(Role role, TensorEncoding stored, const std::vector<std::string>& rules) {
    TensorInfo info;
    info.name = "file's own name";
    info.encoding = stored;
    info.shape = {64, 64};
    ModelConfig config;
    SourceTensor tensor{{role, 3, 64, 64, true}, canonical_name(config, role, 3), &info};
    std::vector<KeepRule> parsed;
    for (const std::string& rule : rules) parsed.push_back(parse_keep_rule(rule).value());
    return encoding_name(target_encoding(tensor, BlockFormat::mxfp4, parsed));
}

const TensorEncoding f32{.kind = TensorEncoding::Kind::plain, .dtype = DType::f32};
const TensorEncoding f16{.kind = TensorEncoding::Kind::plain, .dtype = DType::f16};
const TensorEncoding q8_0{.kind = TensorEncoding::Kind::ggml, .ggml = GgmlType::q8_0};

} // namespace

TEST_CASE("patterns match whole names") {
    CHECK(matches_pattern("*", ""));
    CHECK(matches_pattern("a*c", "abbbc"));
    CHECK(matches_pattern("*.down_proj.*", "model.layers.1.mlp.down_proj.weight"));
    CHECK(matches_pattern("model.layers.?.mlp*", "model.layers.1.mlp.up_proj.weight"));
    CHECK(!matches_pattern("model.layers.?.mlp*", "model.layers.11.mlp.up_proj.weight"));
    CHECK(!matches_pattern("down_proj", "x.down_proj"));
    CHECK(!matches_pattern("", "a"));
    CHECK(matches_pattern("**a**", "bab"));
    CHECK(!matches_pattern("?", ""));
    // Would take exponential time if every star were tried everywhere.
    CHECK(!matches_pattern("a*a*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

TEST_CASE("rules that make no sense are refused") {
    for (const char* bad : {"", "=mxfp4", "lm_head", "a=int3", "a="}) {
        CHECK(parse_keep_rule(bad).error().status == Status::argument);
    }
    CHECK(parse_keep_rule("a=b=nvfp4").value().pattern == "a=b");
}

TEST_CASE("linears are quantized, tables kept at 16 bit, vectors left alone") {
    CHECK(target(Role::q, f32, {}) == "mxfp4");
    CHECK(target(Role::down, q8_0, {}) == "mxfp4");
    CHECK(target(Role::embedding, f32, {}) == "BF16");
    CHECK(target(Role::head, f16, {}) == "F16");
    CHECK(target(Role::embedding, q8_0, {}) == "mxint8");
    CHECK(target(Role::attention_norm, f32, {}) == "F32");
    CHECK(target(Role::attention_norm, f32, {"*=nvfp4"}) == "F32");
}

TEST_CASE("the first matching rule wins") {
    CHECK(target(Role::down, f32, {"*down_proj*=mxfp8-e4m3", "*=nvfp4"}) == "mxfp8-e4m3");
    CHECK(target(Role::up, f32, {"*down_proj*=mxfp8-e4m3", "*=nvfp4"}) == "nvfp4");
    CHECK(target(Role::up, f16, {"*.up_proj.*=source"}) == "F16");
    CHECK(target(Role::up, q8_0, {"*.up_proj.*=source"}) == "F32");
    CHECK(target(Role::embedding, f32, {"model.embed*=mxfp6-e2m3"}) == "mxfp6-e2m3");
}
