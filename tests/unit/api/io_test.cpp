// Models and states read and written through the host's functions instead of files.
#include <cstring>

#include "tests/unit/api/abi.h"

using namespace fp4::test;

namespace {

// Reads from memory and fails at the n-th read, if n >= 0.
struct Reader {
    std::vector<char> bytes;
    int reads = 0;
    int fail_at = -1;
    uint64_t claimed_bytes;

    explicit Reader(std::vector<char> content) : bytes(std::move(content)), claimed_bytes(bytes.size()) {}

    fp4_io io() {
        fp4_io io{};
        io.size = sizeof io;
        io.user = this;
        io.name = "the archive";
        io.total_bytes = claimed_bytes;
        io.read = [](void* user, uint64_t offset, void* target, uint64_t count) -> int32_t {
            auto& self = *static_cast<Reader*>(user);
            if (self.reads++ == self.fail_at) return 5;
            if (offset > self.bytes.size() || count > self.bytes.size() - offset) return 6;
            std::memcpy(target, self.bytes.data() + offset, count);
            return 0;
        };
        return io;
    }
};

struct Writer {
    std::vector<char> bytes;
    int writes = 0;
    int fail_at = -1;

    fp4_io io() {
        fp4_io io{};
        io.size = sizeof io;
        io.user = this;
        io.write = [](void* user, const void* source, uint64_t count) -> int32_t {
            auto& self = *static_cast<Writer*>(user);
            if (self.writes++ == self.fail_at) return -1;
            self.bytes.insert(self.bytes.end(), static_cast<const char*>(source),
                              static_cast<const char*>(source) + count);
            return 0;
        };
        return io;
    }
};

fp4_status open_through(Reader& reader, fp4_model** model, const char* path = nullptr) {
    fp4_io io = reader.io();
    fp4_model_config config = defaults<fp4_model_config, fp4_model_config_init>();
    config.io = &io;
    return fp4_model_open(model, path, &config);
}

const std::vector<int32_t> tokens{5, 90, 41, 7, 200};

uint64_t memory_now() {
    uint64_t now = 0;
    REQUIRE(fp4_memory_used(&now, nullptr) == FP4_OK);
    return now;
}

} // namespace

TEST_CASE("a model read through functions is the model of the file") {
    for (const std::string& path : {golden_folder("llama_rope3") + "/model.gguf",
                                    quantized_file("llama", "mxfp4"), quantized_file("gemma3", "nvfp4")}) {
        CAPTURE(path);
        ModelHandle from_file = open_model(path);
        Reader reader(read_file(path));
        fp4_model* model = nullptr;
        REQUIRE_MESSAGE(open_through(reader, &model) == FP4_OK, fp4_last_error());
        ModelHandle owner(model);
        CHECK(last_logits(model, tokens) == last_logits(from_file.get(), tokens));
        fp4_model_info one{}, other{};
        one.size = other.size = sizeof one;
        REQUIRE(fp4_model_info_get(model, &one) == FP4_OK);
        REQUIRE(fp4_model_info_get(from_file.get(), &other) == FP4_OK);
        CHECK(std::memcmp(&one, &other, sizeof one) == 0);
        CHECK(tokenize(model, "the end") == tokenize(from_file.get(), "the end"));
        fp4_model_config unmapped = defaults<fp4_model_config, fp4_model_config_init>();
        unmapped.flags = FP4_MODEL_NO_MMAP;
        REQUIRE(fp4_model_open(&model, path.c_str(), &unmapped) == FP4_OK);
        ModelHandle third(model);
        CHECK(last_logits(model, tokens) == last_logits(from_file.get(), tokens));
    }
}

TEST_CASE("a job reads after its caller's strings are gone") {
    Reader reader(read_file(quantized_file("llama", "mxfp4")));
    reader.fail_at = 0;
    std::string name = "a name that will be gone";
    fp4_io io = reader.io();
    io.name = name.c_str();
    fp4_model_config config = defaults<fp4_model_config, fp4_model_config_init>();
    config.io = &io;
    fp4_job* job = nullptr;
    REQUIRE(fp4_model_open_start(&job, nullptr, &config) == FP4_OK);
    name.assign(name.size(), '?');
    JobHandle owner(job);
    CHECK_FAILS(finish(job), FP4_E_IO);
    CHECK(std::strstr(fp4_last_error(), "a name that will be gone") != nullptr);
}

TEST_CASE("a reader that fails at any read gives its status and leaves nothing behind") {
    for (const std::string& path :
         {golden_folder("llama_rope3") + "/model.gguf", quantized_file("llama", "mxfp4")}) {
        CAPTURE(path);
        Reader reader(read_file(path));
        fp4_model* model = nullptr;
        REQUIRE(open_through(reader, &model, "named") == FP4_OK);
        fp4_model_close(model);
        const int reads = reader.reads;
        CHECK(reads > 10);
        const uint64_t before = memory_now();
        for (int n = 0; n < reads; ++n) {
            CAPTURE(n);
            reader.reads = 0;
            reader.fail_at = n;
            model = nullptr;
            CHECK_FAILS(open_through(reader, &model, "named"), FP4_E_IO);
            CHECK(model == nullptr);
            CHECK(std::strstr(fp4_last_error(), "named") != nullptr);
        }
        CHECK(memory_now() == before);
        reader.fail_at = -1;
        for (uint64_t claimed :
             {uint64_t(0), uint64_t(7), uint64_t(reader.bytes.size() - 1), uint64_t(1) << 62, UINT64_MAX}) {
            CAPTURE(claimed);
            reader.claimed_bytes = claimed;
            model = nullptr;
            fp4_status status = open_through(reader, &model, "named");
            ModelHandle opened(model);
            // A GGUF file may have more at its end than its tensors.
            const bool may_open = path.ends_with(".gguf") && claimed > reader.bytes.size();
            CHECK_MESSAGE((status < 0) != may_open, status);
            CHECK((status == FP4_OK || std::strstr(fp4_last_error(), "named") != nullptr));
        }
    }
}

TEST_CASE("a state saved and loaded through functions") {
    ModelHandle model = open_model(golden_folder("llama"));
    ContextHandle ctx = create_context(model.get());
    REQUIRE(fp4_ctx_eval(ctx.get(), tokens.data(), tokens.size(), 0) == FP4_OK);
    Writer writer;
    fp4_io out = writer.io();
    REQUIRE(fp4_ctx_save(ctx.get(), nullptr, &out) == FP4_OK);
    const std::string path = temporary_path("state.bin");
    REQUIRE(fp4_ctx_save(ctx.get(), path.c_str(), nullptr) == FP4_OK);
    CHECK(read_file(path) == writer.bytes);

    ContextHandle other = create_context(model.get());
    Reader reader(writer.bytes);
    fp4_io in = reader.io();
    REQUIRE(fp4_ctx_load(other.get(), nullptr, &in) == FP4_OK);
    std::vector<float> here(264), there(264);
    const int32_t next[] = {17};
    for (auto [context, logits] : {std::pair(ctx.get(), &here), std::pair(other.get(), &there)}) {
        REQUIRE(fp4_ctx_eval(context, next, 1, 0) == FP4_OK);
        REQUIRE(fp4_ctx_logits(context, 0, logits->data(), logits->size()) == FP4_OK);
    }
    CHECK(here == there);

    for (int n = 0; n < writer.writes; ++n) {
        Writer failing;
        failing.fail_at = n;
        fp4_io broken = failing.io();
        CHECK_FAILS(fp4_ctx_save(ctx.get(), nullptr, &broken), FP4_E_IO);
    }
    CHECK_FAILS(fp4_ctx_save(ctx.get(), "/no/such/folder/state.bin", nullptr), FP4_E_IO);
}

TEST_CASE("a state that cannot be loaded leaves the context as it was") {
    ModelHandle model = open_model(golden_folder("llama"));
    ModelHandle stranger = open_model(golden_folder("qwen3"));
    ContextHandle ctx = create_context(model.get()), foreign = create_context(stranger.get());
    REQUIRE(fp4_ctx_eval(ctx.get(), tokens.data(), tokens.size(), 0) == FP4_OK);
    Writer writer;
    fp4_io out = writer.io();
    REQUIRE(fp4_ctx_save(ctx.get(), nullptr, &out) == FP4_OK);
    Reader reader(writer.bytes);
    auto load = [&](fp4_ctx* into) {
        fp4_io in = reader.io();
        return fp4_ctx_load(into, nullptr, &in);
    };
    auto held = [&] {
        std::vector<int32_t> ids(128);
        size_t count = 0;
        REQUIRE(fp4_ctx_tokens(ctx.get(), ids.data(), ids.size(), &count) == FP4_OK);
        ids.resize(count);
        return ids;
    };
    CHECK_FAILS(load(foreign.get()), FP4_E_STATE);
    REQUIRE(fp4_ctx_truncate(ctx.get(), 2) == FP4_OK);
    const auto kept = held();
    for (int n = 0; n < 2; ++n) {
        reader.reads = 0;
        reader.fail_at = n;
        CHECK_FAILS(load(ctx.get()), FP4_E_IO);
    }
    reader.fail_at = -1;
    for (uint64_t claimed :
         {uint64_t(0), uint64_t(39), uint64_t(40), writer.bytes.size() - 1, uint64_t(1) << 40, UINT64_MAX}) {
        reader.claimed_bytes = claimed;
        fp4_status status = load(ctx.get());
        CAPTURE(claimed);
        CHECK_MESSAGE(status < 0, status);
        CHECK_MESSAGE(status != FP4_E_INTERNAL, fp4_last_error());
        CHECK_MESSAGE(status != FP4_E_MEMORY, fp4_last_error());
    }
    reader.claimed_bytes = writer.bytes.size();
    for (size_t at = 0; at < writer.bytes.size(); at += 1 + at / 40) {
        reader.bytes[at] ^= 0x10;
        CAPTURE(at);
        const fp4_status status = load(ctx.get());
        reader.bytes[at] ^= 0x10;
        if (status == FP4_OK) { // a bit that zstd does not use (RFC 8878, 3.1.1.1.1.3)
            CHECK(at == 44);
            CHECK(held() == tokens);
            REQUIRE(fp4_ctx_truncate(ctx.get(), 2) == FP4_OK);
        } else {
            CHECK(std::strstr(fp4_last_error(), "the archive") != nullptr);
            CHECK(held() == kept);
        }
    }
    CHECK_WORKS(load(ctx.get()));
    CHECK(held() == tokens);
}
