#include <doctest/doctest.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>
#include <random>

#include "libfp4/io/checkpoint.h"
#include "libfp4/io/fp4_writer.h"
#include "libfp4/io/verify.h"
#include "tests/unit/io/images.h"
#include "tests/unit/io/test_files.h"

using namespace fp4;
using namespace fp4::test;
namespace fs = std::filesystem;

namespace {

TensorEncoding block(BlockFormat format) {
    return {.kind = TensorEncoding::Kind::block, .block = format};
}
TensorEncoding plain(DType dtype) {
    return {.kind = TensorEncoding::Kind::plain, .dtype = dtype};
}

constexpr BlockFormat formats[] = {BlockFormat::mxfp4,      BlockFormat::nvfp4,      BlockFormat::mxfp8_e4m3,
                                   BlockFormat::mxfp8_e5m2, BlockFormat::mxfp6_e2m3, BlockFormat::mxfp6_e3m2,
                                   BlockFormat::mxint8};

// One tensor of each block format with 5 rows of k elements, quantized from fixed random values.
struct Sample {
    explicit Sample(uint64_t k) : k(k) {
        std::mt19937 random(7);
        std::normal_distribution<float> normal;
        values.resize(rows * k);
        for (float& value : values) value = normal(random);
        for (BlockFormat format : formats) {
            ScaleRule rule = format == BlockFormat::nvfp4 ? ScaleRule::amax : ScaleRule::floor;
            float scale = tensor_scale_for(format, rule, row_amax(values.data(), values.size()));
            tensor_scales.push_back(scale);
            plan.push_back({concat("w.", block_format_name(format)), block(format), {rows, k}});
            codes.emplace_back(rows * row_code_bytes(format, k));
            scales.emplace_back(rows * row_scales(format, k));
            for (uint64_t r = 0; r < rows; r++) {
                quantize_row(format, rule, scale, &values[r * k], k,
                             &codes.back()[r * row_code_bytes(format, k)],
                             &scales.back()[r * row_scales(format, k)]);
            }
        }
        plan.push_back({"norm.weight", plain(DType::bf16), {rows, k}});
        for (int i = 0; i < 20000; i++) tokenizer += std::to_string(random() % 1000) + ' ';
        norm.assign(rows * k * 2, 0x3f);
    }

    Result<void> write(const std::string& path, uint64_t rows_at_once) const {
        FP4_ASSIGN(
            auto writer,
            Fp4Writer::create(path, plan, {{"config.json", "{\"a\":1}"}, {"tokenizer.json", tokenizer}},
                              "{\"recipe\":{\"n\":[1,2]},\"text\":\"a \\\"b\\\" \\\\ \\u0001 \xc3\xa4\"}"));
        for (uint64_t r = 0; r < rows; r += rows_at_once) {
            uint64_t count = std::min(rows_at_once, rows - r);
            FP4_TRY(writer->write_plain_rows(std::size(formats), r,
                                             std::span(norm).subspan(r * k * 2, count * k * 2)));
        }
        for (size_t i = 0; i < std::size(formats); i++) {
            uint64_t code_bytes = row_code_bytes(formats[i], k), scale_bytes = row_scales(formats[i], k);
            FP4_TRY(writer->set_tensor_scale(i, tensor_scales[i]));
            for (uint64_t r = 0; r < rows; r += rows_at_once) {
                uint64_t count = std::min(rows_at_once, rows - r);
                FP4_TRY(
                    writer->write_rows(i, r, std::span(codes[i]).subspan(r * code_bytes, count * code_bytes),
                                       std::span(scales[i]).subspan(r * scale_bytes, count * scale_bytes)));
            }
        }
        FP4_TRY(writer->finish());
        CHECK(writer->file_bytes() == fs::file_size(path));
        return {};
    }

    static constexpr uint64_t rows = 5;
    uint64_t k;
    std::vector<float> values;
    std::vector<Fp4TensorPlan> plan;
    std::vector<std::vector<uint8_t>> codes, scales;
    std::vector<float> tensor_scales;
    std::vector<uint8_t> norm;
    std::string tokenizer;
};

std::string refusal(const std::string& image, Status status) {
    auto opened = open_image(image);
    REQUIRE(!opened.ok());
    CHECK_MESSAGE(opened.error().status == status, opened.error().message);
    CHECK(opened.error().message.find("image") == 0);
    return opened.error().message;
}

bool names(const std::string& message, std::string_view part) {
    return message.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("fp4: what is written is read, for every format and ragged rows") {
    for (uint64_t k : {1u, 31u, 64u, 100u}) {
        CAPTURE(k);
        TemporaryFolder folder;
        Sample sample(k);
        REQUIRE(sample.write(folder.path("a.fp4"), 2).ok());
        CHECK(!fs::exists(folder.path("a.fp4.partial")));
        for (bool map : {true, false}) {
            auto opened = open_checkpoint(folder.path("a.fp4"), {.allow_map = map});
            REQUIRE(opened.ok());
            const Checkpoint& checkpoint = **opened;
            CHECK(std::string(checkpoint.kind()) == "fp4");
            REQUIRE(checkpoint.tensors().size() == std::size(formats) + 1);
            for (size_t i = 0; i < std::size(formats); i++) {
                const TensorInfo& tensor = checkpoint.tensors()[i]; // in plan order
                CAPTURE(tensor.name);
                CHECK(tensor.name == sample.plan[i].name);
                CHECK(tensor.shape == sample.plan[i].shape);
                CHECK(tensor.stored_bytes == sample.codes[i].size() + sample.scales[i].size() + 4);
                CHECK(*checkpoint.tensor_scale(tensor) == sample.tensor_scales[i]);
                std::vector<uint8_t> codes(sample.codes[i].size()), scales(sample.scales[i].size());
                REQUIRE(checkpoint.read_block(tensor, 0, 5, codes.data(), scales.data()).ok());
                CHECK(codes == sample.codes[i]);
                CHECK(scales == sample.scales[i]);
                std::vector<float> expected(5 * k);
                for (uint64_t r = 0; r < 5; r++) {
                    dequantize_row(formats[i], sample.tensor_scales[i],
                                   &codes[r * row_code_bytes(formats[i], k)],
                                   &scales[r * row_scales(formats[i], k)], k, &expected[r * k]);
                }
                CHECK(read_all(checkpoint, tensor.name) == expected);
                auto blocks = checkpoint.map_block(tensor);
                CHECK(blocks.codes.empty() != map);
                if (map) {
                    CHECK(reinterpret_cast<uintptr_t>(blocks.codes.data()) % 256 == 0);
                    CHECK(reinterpret_cast<uintptr_t>(blocks.scales.data()) % 256 == 0);
                    CHECK(std::equal(codes.begin(), codes.end(), blocks.codes.begin(), blocks.codes.end()));
                    CHECK(
                        std::equal(scales.begin(), scales.end(), blocks.scales.begin(), blocks.scales.end()));
                }
                CHECK(checkpoint.map_plain(tensor).empty());
            }
            const TensorInfo& norm = *checkpoint.find("norm.weight");
            std::vector<uint8_t> bytes(norm.stored_bytes);
            REQUIRE(checkpoint.read_plain(norm, 0, 5, bytes.data()).ok());
            CHECK(bytes == sample.norm);
            CHECK(checkpoint.map_plain(norm).size() == (map ? bytes.size() : 0));
            CHECK(*checkpoint.read_document("config.json") == "{\"a\":1}");
            CHECK(take(checkpoint.read_document("tokenizer.json")) == sample.tokenizer);
            CHECK(*checkpoint.read_document("manifest.json") ==
                  "{\"recipe\":{\"n\":[1,2]},\"text\":\"a \\\"b\\\" \\\\ \\u0001 \xc3\xa4\"}");
            CHECK(!checkpoint.gguf());
            CHECK(verify_checkpoint(checkpoint).ok());
        }
    }
}

TEST_CASE("fp4: the same input gives the same bytes, in pieces of any size and over a stale partial file") {
    TemporaryFolder folder;
    Sample sample(100);
    REQUIRE(sample.write(folder.path("a"), 5).ok());
    write_file(folder.path("b.partial"), std::string(1 << 20, 'z')); // what a killed run left
    REQUIRE(sample.write(folder.path("b"), 1).ok());
    CHECK(read_file(folder.path("a")) == read_file(folder.path("b")));
    REQUIRE(sample.write(folder.path("a"), 3).ok()); // replaces
    CHECK(read_file(folder.path("a")) == read_file(folder.path("b")));
}

TEST_CASE("fp4: rows longer than the scratch buffer") {
    TemporaryFolder folder;
    for (uint64_t k : {600'000ull, 600'001ull}) {
        std::vector<float> values(k), expected(k), got(k);
        for (uint64_t i = 0; i < k; i++) values[i] = std::sin(static_cast<float>(i));
        for (BlockFormat format : {BlockFormat::mxfp4, BlockFormat::nvfp4, BlockFormat::mxfp6_e2m3}) {
            std::vector<uint8_t> codes(row_code_bytes(format, k)), scales(row_scales(format, k));
            quantize_row(format, ScaleRule::mse, 0.01f, values.data(), k, codes.data(), scales.data());
            dequantize_row(format, 0.01f, codes.data(), scales.data(), k, expected.data());
            auto writer = take(Fp4Writer::create(folder.path("long"), {{"t", block(format), {k}}}, {}, "{}"));
            REQUIRE(writer->set_tensor_scale(0, 0.01f).ok());
            REQUIRE(writer->write_rows(0, 0, codes, scales).ok());
            REQUIRE(writer->finish().ok());
            auto checkpoint = take(open_checkpoint(folder.path("long"), {}));
            REQUIRE(checkpoint->read_f32(checkpoint->tensors()[0], 0, 1, got.data()).ok());
            CHECK(got == expected);
        }
    }
}

TEST_CASE("fp4: the GGUF key-value section travels along") {
    auto checkpoint = take(open_image(valid_fp4()));
    REQUIRE(checkpoint->gguf());
    CHECK(checkpoint->gguf()->string("general.architecture") == "llama");
    CHECK(checkpoint->document_names() ==
          std::vector<std::string>{"config.json", "manifest.json", "metadata.gguf"});
}

TEST_CASE("fp4: every damaged byte of the data is found by verify, every one of the header by opening") {
    std::string image = valid_fp4();
    uint64_t length;
    std::memcpy(&length, image.data(), 8);
    REQUIRE(verify_checkpoint(*take(open_image(image))).ok());
    for (size_t at = 0; at < image.size(); at++) {
        std::string damaged = image;
        damaged[at] ^= 0x20;
        auto opened = open_image(damaged);
        CAPTURE(at);
        if (at < 8 + length) {
            REQUIRE(!opened.ok());
        } else if (opened.ok()) { // damage to metadata.gguf shows at once
            auto checked = verify_checkpoint(**opened);
            REQUIRE(!checked.ok());
            CHECK(checked.error().status == Status::corrupt);
        }
    }
    int calls = 0;
    auto stopped =
        verify_checkpoint(*take(open_image(image)), [&](uint64_t, uint64_t) { return ++calls < 3; });
    CHECK(stopped.error().status == Status::cancelled);
    CHECK(calls == 3);
    uint64_t last = 0, total = 1;
    REQUIRE(verify_checkpoint(*take(open_image(image)), [&](uint64_t done, uint64_t all) {
                CHECK(done >= last);
                return last = done, total = all, true;
            }).ok());
    CHECK(last == total);
    CHECK(total == image.size() - 8 - length);
}

TEST_CASE("fp4: profile violations under a right header hash") {
    std::string image = valid_fp4();
    CHECK(open_image(reseal(image)).ok());
    CHECK(
        names(refusal(resealed_with(image, "\"fp4_profile_version\":\"1\"", "\"fp4_profile_version\":\"2\""),
                      Status::version),
              "version"));
    refusal(resealed_with(image, "fp4_profile_version", "fp4_profile_versioN"), Status::format);
    refusal(resealed_with(image, "fp4_manifest", "fp4_manifesT"), Status::format);
    refusal(resealed_with(image, "fp4_tensors", "fp4_tensorS"), Status::format);
    refusal(resealed_with(image, "fp4_header_hash", "fp4_header_hasH"), Status::format);
    refusal(resealed_with(image, "\"fp4_hash.norm\"", "\"fp4_hash.norM\""), Status::format);
    refusal(resealed_with(image, R"(\"encoding\":\"mxfp4\")", R"(\"encoding\":\"mxfp5\")"),
            Status::unsupported);
    refusal(resealed_with(image, R"(\"encoding\":\"mxfp4\")", R"(\"encoding\":\"nvfp4\")"), Status::format);
    refusal(resealed_with(image, R"(\"shape\":[3,40])", R"(\"shape\":[3,80])"), Status::format);
    refusal(resealed_with(image, R"(\"shape\":[3,40])", R"(\"shape\":[4,40])"), Status::format);
    refusal(resealed_with(image, R"(\"shape\":[3,40])", R"(\"shape\":[3, 0])"), Status::format);
    refusal(resealed_with(image, R"(\"shape\":[3,40])", R"(\"shape\":[3,-4])"), Status::format);
    refusal(resealed_with(image, R"(\"shape\":[3,40])", R"(\"shape\":"3,40")"), Status::format);
    refusal(resealed_with(image, "{\\\"q\\\":", "{\\\"z\\\":"), Status::format);
    refusal(resealed_with(image, "\"q.codes\":{\"dtype\":\"U8\"", "\"q.codes\":{\"dtype\":\"I8\""),
            Status::format);
    refusal(resealed_with(image, "F8_E4M3", "F8_E5M2"), Status::format);
    refusal(resealed_with(image, "\"fp4.document.config.json\":{\"dtype\":\"U8\"",
                          "\"fp4.document.config.json\":{\"dtype\":\"I8\""),
            Status::format);
    refusal(resealed_with(image, ",\"fp4.pad.0\":", ",\"fp4.paD.0\":"), Status::format); // alignment and name
    // Tensors that no table names are plain; the shape stays possible.
    auto renamed = open_image(resealed_with(image, R"(\"shape\":[3,40])", R"(\"shape\":[3,33])"));
    REQUIRE(renamed.ok());
    CHECK((*renamed)->find("q")->row_length() == 33);
}

TEST_CASE("fp4: documents that unpack to too much or to nothing are refused") {
    TemporaryFolder folder;
    std::string bomb(50 << 20, 'x');
    auto writer = Fp4Writer::create(folder.path("bomb"), {}, {{"tokenizer.json", bomb}}, "{}");
    REQUIRE(!writer.ok());
    CHECK(writer.error().status == Status::limit);

    auto writer_ok = take(Fp4Writer::create(folder.path("a"), {}, {{"empty", ""}, {"a", "aaaa"}}, "{}"));
    REQUIRE(writer_ok->finish().ok());
    std::string image = read_file(folder.path("a"));
    auto checkpoint = take(open_image(image));
    CHECK(*checkpoint->read_document("empty") == "");
    CHECK(*checkpoint->read_document("a") == "aaaa");
    // The frame header's size field (RFC 8878 3.1.1.1): descriptor with single segment, then one byte of
    // size.
    size_t frame = image.find("\x28\xb5\x2f\xfd", image.find("\x28\xb5\x2f\xfd") + 1);
    for (uint8_t size : {0, 3, 5, 255}) {
        std::string lying = image;
        lying[frame + 5] = static_cast<char>(size);
        auto read = (take(open_image(lying)))->read_document("a");
        REQUIRE(!read.ok());
        CHECK(read.error().status == Status::corrupt);
        CHECK(names(read.error().message, "document 'a'"));
    }
    std::string wrong = image;
    wrong[frame] = 0;
    CHECK((take(open_image(wrong)))->read_document("a").error().status == Status::corrupt);
}

TEST_CASE("fp4: plans that cannot be a file are refused before anything is created") {
    TemporaryFolder folder;
    std::string path = folder.path("a.fp4");
    auto fails = [&](std::vector<Fp4TensorPlan> plan, std::vector<Fp4Document> documents,
                     std::string_view manifest) {
        auto writer = Fp4Writer::create(path, std::move(plan), documents, manifest);
        CHECK(!writer.ok());
        CHECK(fs::is_empty(folder.path()));
    };
    Fp4TensorPlan good{"t", plain(DType::f32), {2}};
    fails({good, good}, {}, "{}");
    fails({{"t", block(BlockFormat::mxfp4), {4}}, {"t.codes", plain(DType::u8), {4}}}, {}, "{}");
    fails({{"", plain(DType::f32), {2}}}, {}, "{}");
    fails({{"fp4.x", plain(DType::f32), {2}}}, {}, "{}");
    fails({{"__metadata__", plain(DType::f32), {2}}}, {}, "{}");
    fails({{"\xff", plain(DType::f32), {2}}}, {}, "{}");
    fails({{std::string(600, 'n'), plain(DType::f32), {2}}}, {}, "{}");
    fails({{"t", plain(DType::f32), {0, 2}}}, {}, "{}");
    fails({{"t", plain(DType::f32), {1ull << 32, 1ull << 32}}}, {}, "{}");
    fails({{"t", {.kind = TensorEncoding::Kind::ggml}, {32}}}, {}, "{}");
    fails({good}, {{"../x", ""}}, "{}");
    fails({good}, {{"", ""}}, "{}");
    fails({good}, {{"manifest.json", "{}"}}, "{}");
    fails({good}, {{"a", ""}, {"a", ""}}, "{}");
    for (const char* manifest : {"", "[]", "{", "{\"a\":1,\"a\":2}", "{}{}"}) fails({good}, {}, manifest);
}

TEST_CASE("fp4: rows out of order, too many or too few") {
    TemporaryFolder folder;
    std::string path = folder.path("a.fp4");
    std::vector<uint8_t> codes(32), scales(2), data(8);
    auto create = [&] {
        return take(Fp4Writer::create(
            path, {{"q", block(BlockFormat::mxfp4), {4, 32}}, {"n", plain(DType::f32), {4, 2}}}, {}, "{}"));
    };
    auto fails = [&](Result<void> result, Status status) {
        REQUIRE(!result.ok());
        CHECK(result.error().status == status);
        CHECK(result.error().message.find(path) == 0);
    };
    fails(create()->write_rows(0, 1, codes, scales), Status::argument);
    fails(create()->write_rows(0, 0, std::span(codes).first(17), scales), Status::argument);
    fails(create()->write_rows(0, 0, codes, std::span(scales).first(1)), Status::argument);
    fails(create()->write_rows(1, 0, codes, scales), Status::argument);
    fails(create()->write_rows(2, 0, codes, scales), Status::argument);
    fails(create()->write_plain_rows(0, 0, data), Status::argument);
    fails(create()->write_plain_rows(1, 0, std::vector<uint8_t>(40)), Status::argument);
    for (float scale : {0.0f, -1.0f, INFINITY, NAN})
        fails(create()->set_tensor_scale(0, scale), Status::argument);
    auto writer = create();
    REQUIRE(writer->write_rows(0, 0, codes, scales).ok());
    fails(writer->write_plain_rows(1, 0, data), Status::state);    // q is not complete
    fails(writer->write_rows(0, 2, codes, scales), Status::state); // a failed writer stays failed
    writer = nullptr;
    writer = create();
    fails(writer->finish(), Status::state);
    writer = nullptr;
    CHECK(fs::is_empty(folder.path()));
}

TEST_CASE("fp4: two writers of one file do not meet, and an abandoned one leaves nothing") {
    TemporaryFolder folder;
    std::string path = folder.path("a.fp4");
    write_file(path, "the old file");
    auto create = [&] { return Fp4Writer::create(path, {{"t", plain(DType::u8), {4}}}, {}, "{}"); };
    {
        auto first = create();
        REQUIRE(first.ok());
        auto second = create();
        REQUIRE(!second.ok());
        CHECK(second.error().status == Status::busy);
        CHECK(fs::exists(path + ".partial"));
    }
    CHECK(!fs::exists(path + ".partial"));
    CHECK(read_file(path) == "the old file");
    auto writer = take(create());
    REQUIRE(writer->write_plain_rows(0, 0, std::vector<uint8_t>(4)).ok());
    REQUIRE(writer->finish().ok());
    CHECK(!writer->finish().ok());
    CHECK(open_checkpoint(path, {}).ok());
    auto next = take(create()); // the finished writer does not remove the next one's file
    writer = nullptr;
    CHECK(fs::exists(path + ".partial"));
}

TEST_CASE("fp4: a killed writer leaves nothing under the name, and the next one starts over") {
    TemporaryFolder folder;
    std::string path = folder.path("a.fp4");
    std::vector<uint8_t> row(1000, 7);
    auto create = [&] { return Fp4Writer::create(path, {{"t", plain(DType::u8), {4, 1000}}}, {}, "{}"); };
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        auto writer = create();
        bool written = writer.ok() && (*writer)->write_plain_rows(0, 0, row).ok();
        if (written) kill(getpid(), SIGKILL);
        _exit(1);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    CHECK(!fs::exists(path));
    CHECK(fs::exists(path + ".partial"));
    CHECK(!open_checkpoint(path + ".partial", {}).ok()); // no half file passes for a whole one
    auto writer = take(create());
    for (uint64_t r = 0; r < 4; r++) REQUIRE(writer->write_plain_rows(0, r, row).ok());
    REQUIRE(writer->finish().ok());
    CHECK(verify_checkpoint(*take(open_checkpoint(path, {}))).ok());
    CHECK(!fs::exists(path + ".partial"));
}

TEST_CASE("fp4: a partial file that is a link or a folder is not followed") {
    TemporaryFolder folder;
    write_file(folder.path("victim"), "precious");
    fs::create_symlink(folder.path("victim"), folder.path("a.fp4.partial"));
    auto linked = Fp4Writer::create(folder.path("a.fp4"), {}, {}, "{}");
    CHECK(linked.error().status == Status::io);
    CHECK(read_file(folder.path("victim")) == "precious");
    fs::create_directory(folder.path("b.fp4"));
    CHECK(!Fp4Writer::create(folder.path("b.fp4"), {}, {}, "{}").ok());
    auto nowhere = Fp4Writer::create(folder.path("none/c.fp4"), {}, {}, "{}");
    CHECK(names(nowhere.error().message, folder.path("none/c.fp4.partial") + ": No such file"));
}

namespace {

// Files of this process cannot grow beyond `bytes` while it lives: a full disk, seen from the writer.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(uint64_t bytes) {
        old_handler_ = std::signal(SIGXFSZ, SIG_IGN);
        getrlimit(RLIMIT_FSIZE, &old_);
        rlimit low = old_;
        low.rlim_cur = bytes;
        REQUIRE(setrlimit(RLIMIT_FSIZE, &low) == 0);
    }
    ~FileSizeLimit() {
        setrlimit(RLIMIT_FSIZE, &old_);
        std::signal(SIGXFSZ, old_handler_);
    }

  private:
    rlimit old_;
    void (*old_handler_)(int);
};

} // namespace

TEST_CASE("fp4: no room on the disk shows at the start, and a failing write names the file") {
    TemporaryFolder folder;
    std::string path = folder.path("a.fp4");
    std::vector<Fp4TensorPlan> plan{{"t", plain(DType::u8), {1u << 20}}};
    std::vector<uint8_t> data(1u << 20);
    {
        FileSizeLimit limit(1u << 16);
        auto writer = Fp4Writer::create(path, plan, {}, "{}");
        REQUIRE(!writer.ok());
        CHECK(writer.error().status == Status::io);
        CHECK(names(writer.error().message, path + ".partial: taking"));
        CHECK(fs::is_empty(folder.path()));
    }
    auto writer = take(Fp4Writer::create(path, plan, {}, "{}"));
    {
        FileSizeLimit limit(1u << 16);
        auto written = writer->write_plain_rows(0, 0, data);
        REQUIRE(!written.ok());
        CHECK(written.error().status == Status::io);
        CHECK(names(written.error().message, path + ".partial: writing"));
    }
    CHECK(writer->write_plain_rows(0, 0, data).error().status == Status::state);
    CHECK(writer->finish().error().status == Status::state);
    writer = nullptr;
    CHECK(fs::is_empty(folder.path()));
}
