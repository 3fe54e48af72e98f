// Damaged files through the ABI: cut at any point or with changed bytes they give a status and a message that
// names the file, or open when the change is harmless.
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <random>

#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

namespace fs = std::filesystem;

struct Victim {
    std::string path; // what is opened
    std::string file; // what is damaged
    size_t header;    // bytes of metadata at its start
};

Victim victim(const std::string& kind) {
    const std::string base = temporary_path("hostile-" + kind);
    if (kind == "gguf") {
        fs::copy_file(golden_folder("llama_rope3") + "/model.gguf", base,
                      fs::copy_options::overwrite_existing);
        return {base, base, 6000};
    }
    if (kind == "fp4") {
        fs::copy_file(quantized_file("llama", "mxfp4"), base, fs::copy_options::overwrite_existing);
        uint64_t json_bytes;
        std::memcpy(&json_bytes, read_file(base).data(), sizeof json_bytes);
        return {base, base, 8 + json_bytes};
    }
    fs::create_directories(base);
    for (const auto& entry : fs::directory_iterator(golden_folder("llama"))) {
        fs::copy_file(entry.path(), base + "/" + entry.path().filename().string(),
                      fs::copy_options::overwrite_existing);
    }
    const std::string file = base + (kind == "folder" ? "/model.safetensors" : "/" + kind);
    uint64_t json_bytes = 0;
    if (kind == "folder") std::memcpy(&json_bytes, read_file(file).data(), sizeof json_bytes);
    return {base, file, kind == "folder" ? 8 + json_bytes : read_file(file).size()};
}

// A failure that names the file (or its folder); a success is allowed.
bool acceptable(fp4_status status, const Victim& v) {
    if (status >= 0) return true;
    const char* message = fp4_last_error();
    return status != FP4_E_INTERNAL && status != FP4_E_MEMORY &&
           std::strstr(message, v.path.c_str()) != nullptr;
}

struct Tally {
    int refused = 0, accepted = 0;
    void add(fp4_status status) { ++(status < 0 ? refused : accepted); }
};

// What opens must also run, with whatever numbers.
void use(fp4_model* model) {
    const int32_t tokens[] = {1, 5, 90};
    fp4_ctx_config config = ctx_defaults();
    config.capacity = 4;
    config.threads = 1;
    fp4_ctx* ctx = nullptr;
    if (fp4_ctx_create(&ctx, model, &config) != FP4_OK) return;
    fp4_status status = fp4_ctx_eval(ctx, tokens, 3, 0);
    CHECK((status == FP4_OK || status == FP4_E_ARGUMENT)); // a smaller vocabulary
    int32_t token;
    fp4_sample(ctx, nullptr, 0, &token);
    fp4_ctx_close(ctx);
    int32_t ids[64];
    size_t needed;
    fp4_tokenize(model, "the <|im_end|>", 14, 3, ids, 64, &needed);
}

void try_everything(const Victim& v, bool quantize_too, Tally& tally) {
    fp4_model* model = nullptr;
    fp4_model_config config = defaults<fp4_model_config, fp4_model_config_init>();
    fp4_status status = fp4_model_open(&model, v.path.c_str(), &config);
    REQUIRE_MESSAGE(acceptable(status, v), status << " " << fp4_last_error());
    tally.add(status);
    if (status == FP4_OK) {
        use(model);
        fp4_model_close(model);
    }
    static std::vector<char> text(1 << 17);
    size_t needed;
    status = fp4_model_describe(v.path.c_str(), nullptr, text.data(), text.size(), &needed);
    REQUIRE_MESSAGE(acceptable(status, v), status << " " << fp4_last_error());
    if (!quantize_too) return;
    fp4_job* job = nullptr;
    fp4_quantize_config quantize = quantize_defaults();
    quantize.threads = 1;
    REQUIRE(fp4_quantize_start(&job, v.path.c_str(), temporary_path("hostile-out").c_str(), &quantize) ==
            FP4_OK);
    JobHandle owner(job);
    status = finish(job);
    REQUIRE_MESSAGE(acceptable(status, v), status << " " << fp4_last_error());
    tally.add(status);
    REQUIRE(fp4_model_check_start(&job, v.path.c_str(), nullptr) == FP4_OK);
    owner.reset(job);
    status = finish(job);
    REQUIRE_MESSAGE(acceptable(status, v), status << " " << fp4_last_error());
}

} // namespace

TEST_CASE("files cut at any point") {
    for (const char* kind : {"gguf", "fp4", "folder"}) {
        CAPTURE(kind);
        const Victim v = victim(kind);
        const std::vector<char> whole = read_file(v.file);
        Tally tally;
        try_everything(v, true, tally);
        REQUIRE(tally.accepted == 2); // unharmed
        std::mt19937 random(7);
        tally = {};
        for (int i = 0; i < 200; ++i) {
            // Half of the cuts within the metadata, where the structure is.
            const size_t bytes = random() % (i % 2 ? whole.size() : std::min(v.header, whole.size()));
            CAPTURE(bytes);
            fs::resize_file(v.file, bytes);
            try_everything(v, i % 10 == 0, tally);
            write_file(v.file, whole);
        }
        CHECK(tally.accepted == 0);
        CHECK(tally.refused == 220);
    }
}

TEST_CASE("changed bytes of headers and documents") {
    for (const char* kind :
         {"gguf", "fp4", "folder", "config.json", "tokenizer.json", "tokenizer_config.json"}) {
        CAPTURE(kind);
        const Victim v = victim(kind);
        const std::vector<char> whole = read_file(v.file);
        std::mt19937 random(11);
        Tally tally;
        for (int i = 0; i < 1000; ++i) {
            std::vector<char> changed = whole;
            const size_t at = random() % std::min(v.header, whole.size());
            changed[at] = static_cast<char>(i % 3 ? random() : changed[at] ^ (1 << random() % 8));
            CAPTURE(at);
            write_file(v.file, changed);
            try_everything(v, i % 50 == 0, tally);
        }
        MESSAGE(std::string(kind) << ": " << tally.refused << " refused, " << tally.accepted << " accepted");
        CHECK(tally.refused > 100);
        if (kind == std::string("fp4"))
            CHECK(tally.accepted <= 10); // hashed: only a byte changed into itself
    }
}
