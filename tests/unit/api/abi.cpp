#include "tests/unit/api/abi.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace fp4::test {
namespace {

namespace fs = std::filesystem;

struct TemporaryFolder {
    fs::path path = fs::temp_directory_path() / ("fp4-abi-test-" + std::to_string(getpid()));
    TemporaryFolder() { fs::create_directories(path); }
    ~TemporaryFolder() {
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
};

} // namespace

std::string golden_folder(const std::string& model) {
    const char* root = std::getenv("FP4_SOURCE_ROOT");
    return (fs::path(root ? root : ".") / "tests" / "golden" / "models" / model).string();
}

std::string temporary_path(const std::string& name) {
    static TemporaryFolder folder;
    return (folder.path / name).string();
}

std::vector<char> read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    REQUIRE_MESSAGE(file.good(), path);
    return {std::istreambuf_iterator<char>(file), {}};
}

void write_file(const std::string& path, const std::vector<char>& bytes) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    REQUIRE_MESSAGE(file.good(), path);
}

ModelHandle open_model(const std::string& path) {
    fp4_model* model = nullptr;
    fp4_status status = fp4_model_open(&model, path.c_str(), nullptr);
    REQUIRE_MESSAGE(status == FP4_OK, fp4_last_error());
    return ModelHandle(model);
}

ContextHandle create_context(fp4_model* model, const fp4_ctx_config* config) {
    fp4_ctx* ctx = nullptr;
    fp4_status status = fp4_ctx_create(&ctx, model, config);
    REQUIRE_MESSAGE(status == FP4_OK, fp4_last_error());
    return ContextHandle(ctx);
}

GenerationHandle start_generation(fp4_ctx* ctx, const fp4_gen_config& config) {
    fp4_gen* gen = nullptr;
    fp4_status status = fp4_gen_start(&gen, ctx, &config);
    REQUIRE_MESSAGE(status == FP4_OK, fp4_last_error());
    return GenerationHandle(gen);
}

fp4_status finish(fp4_job* job) {
    return fp4_job_poll(job, -1, nullptr);
}

std::string quantized_file(const std::string& model, const char* format) {
    std::string target = temporary_path(model + "-" + format + ".fp4");
    fp4_quantize_config config = quantize_defaults();
    config.format = format;
    config.threads = 1;
    fp4_job* job = nullptr;
    REQUIRE(fp4_quantize_start(&job, golden_folder(model).c_str(), target.c_str(), &config) == FP4_OK);
    JobHandle owner(job);
    fp4_status status = finish(job);
    REQUIRE_MESSAGE(status == FP4_DONE, fp4_last_error());
    return target;
}

std::string all_text(fp4_gen* gen) {
    fp4_status status;
    while ((status = fp4_gen_step(gen, UINT64_MAX, nullptr)) == FP4_MORE) {
    }
    REQUIRE_MESSAGE(status == FP4_DONE, fp4_last_error());
    std::string text;
    char piece[64];
    size_t bytes = 0;
    do {
        REQUIRE(fp4_gen_read(gen, piece, sizeof piece, &bytes, 0) >= 0);
        text.append(piece, bytes);
    } while (bytes > 0);
    return text;
}

std::vector<int32_t> tokenize(const fp4_model* model, const std::string& text) {
    size_t count = 0;
    REQUIRE(fp4_tokenize(model, text.data(), text.size(), 0, nullptr, 0, &count) ==
            (text.empty() ? FP4_OK : FP4_E_SPACE));
    std::vector<int32_t> tokens(count);
    REQUIRE(fp4_tokenize(model, text.data(), text.size(), 0, tokens.data(), count, &count) == FP4_OK);
    return tokens;
}

std::vector<float> last_logits(fp4_model* model, const std::vector<int32_t>& tokens) {
    fp4_model_info info{};
    info.size = sizeof info;
    REQUIRE(fp4_model_info_get(model, &info) == FP4_OK);
    ContextHandle ctx = create_context(model);
    REQUIRE(fp4_ctx_eval(ctx.get(), tokens.data(), tokens.size(), 0) == FP4_OK);
    std::vector<float> logits(info.vocabulary);
    REQUIRE(fp4_ctx_logits(ctx.get(), 0, logits.data(), logits.size()) == FP4_OK);
    return logits;
}

} // namespace fp4::test
