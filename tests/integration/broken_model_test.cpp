// Checkpoints with mistakes between their parts: the message names the folder and the tensor.
#include <doctest/doctest.h>

#include "libfp4/cpu/cpu_backend.h"
#include "tests/integration/made_model.h"
#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;

namespace {

const std::string down = "model.layers.0.mlp.down_proj.weight";

Result<void> open(const std::filesystem::path& folder) {
    FP4_ASSIGN(auto checkpoint, open_checkpoint(folder.string(), {}));
    FP4_ASSIGN(auto source, inspect_model(std::move(checkpoint)));
    FP4_ASSIGN(auto backend, open_cpu_backend());
    auto model = Model::load(std::move(source), std::move(backend), nullptr);
    if (!model.ok()) return std::move(model).error();
    return {};
}

void check_refused(const std::filesystem::path& folder, Status status, const std::string& named) {
    auto opened = open(folder);
    REQUIRE(!opened.ok());
    CAPTURE(opened.error().message);
    CHECK(opened.error().status == status);
    CHECK(opened.error().message.find(folder.string()) != std::string::npos);
    CHECK(opened.error().message.find(named) != std::string::npos);
}

} // namespace

TEST_CASE("a model made by the test is a model") {
    TemporaryFolder folder;
    write_model(folder / "made", made_config({}), made_tensors({}));
    auto context = make_context(load_model(folder / "made"));
    CHECK(context->eval(std::vector<int32_t>{1, 2, 3}, false).ok());
}

TEST_CASE("every required tensor is missed by name") {
    const auto complete = made_tensors({});
    for (const MadeTensor& absent : complete) {
        TemporaryFolder folder;
        CAPTURE(absent.name);
        auto tensors = complete;
        std::erase_if(tensors, [&](const MadeTensor& tensor) { return tensor.name == absent.name; });
        write_model(folder / "model", made_config({}), tensors);
        check_refused(folder / "model", Status::format, "'" + absent.name + "' is missing");
    }
}

TEST_CASE("tensors of another shape than the configuration's") {
    for (std::vector<uint64_t> dims :
         {std::vector<uint64_t>{64, 32}, {2048}, {32, 64, 1}, {31, 64}, {1, 1}}) {
        TemporaryFolder folder;
        auto tensors = made_tensors({});
        MadeTensor& tensor = find_tensor(tensors, down);
        tensor.shape = dims;
        uint64_t size = 1;
        for (uint64_t dim : dims) size *= dim;
        tensor.values.resize(size);
        write_model(folder / "model", made_config({}), tensors);
        check_refused(folder / "model", Status::format, "'" + down + "' has shape [");
    }
    for (auto change : {&MadeShape::hidden, &MadeShape::ffn, &MadeShape::layers, &MadeShape::vocabulary}) {
        TemporaryFolder folder;
        MadeShape claimed;
        claimed.*change += 4; // the head dimension stays even
        write_model(folder / "model", made_config(claimed), made_tensors({}));
        check_refused(folder / "model", Status::format, "tensor 'model.");
    }
    TemporaryFolder folder;
    MadeShape claimed;
    claimed.layers = 4000;
    claimed.hidden = 1 << 20;
    claimed.heads = 256;
    claimed.ffn = 1 << 22;
    write_model(folder / "model", made_config(claimed),
                made_tensors({})); // refused before anything is allocated
    check_refused(folder / "model", Status::format, "tensor 'model.");
}

TEST_CASE("biases of the feed-forward matrices count") {
    auto logits_with = [](bool has_bias, float up_bias) {
        TemporaryFolder folder;
        MadeShape shape;
        shape.mlp_bias = has_bias;
        auto tensors = made_tensors(shape);
        if (has_bias)
            find_tensor(tensors, "model.layers.0.mlp.up_proj.bias").values.assign(shape.ffn, up_bias);
        write_model(folder / "model", made_config(shape), tensors);
        auto context = make_context(load_model(folder / "model"));
        REQUIRE(context->eval(std::vector<int32_t>{1, 2, 3}, false).ok());
        return last_logits(*context);
    };
    CHECK(logits_with(true, 0) == logits_with(false, 0));
    CHECK(logits_with(true, 1) != logits_with(false, 0));
}

TEST_CASE("documents that are no JSON, or not there") {
    for (const char* config :
         {"", "{", "[]", "null", "\"llama\"", "{\"model_type\": \"llama\"", "\xff\xfe{}"}) {
        TemporaryFolder folder;
        CAPTURE(config);
        write_model(folder / "model", config, made_tensors({}));
        check_refused(folder / "model", Status::format, "config.json");
    }
    TemporaryFolder folder;
    write_model(folder / "model", made_config({}), made_tensors({}));
    write_text(folder / "model" / "tokenizer.json", "{}");
    auto opened = open(folder / "model");
    REQUIRE(!opened.ok());
    CHECK(opened.error().message.find("tokenizer.json") != std::string::npos);
    std::filesystem::remove(folder / "model" / "config.json");
    check_refused(folder / "model", Status::not_found, "config.json");
}

TEST_CASE("a model without a tokenizer runs on tokens") {
    TemporaryFolder folder;
    write_model(folder / "model", made_config({}), made_tensors({}));
    std::filesystem::remove(folder / "model" / "tokenizer.json");
    std::filesystem::remove(folder / "model" / "tokenizer_config.json");
    auto model = load_model(folder / "model");
    CHECK(model->tokenizer == nullptr);
    auto tokenizer = model->require_tokenizer();
    REQUIRE(!tokenizer.ok());
    CHECK(tokenizer.error().status == Status::unsupported);
    auto context = make_context(model);
    CHECK(context->eval(std::vector<int32_t>{1, 2, 3}, false).ok());
}
