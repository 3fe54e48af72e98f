#include <doctest/doctest.h>

#include <cmath>
#include <cstdio>
#include <cstring>

#include "libfp4/io/checkpoint.h"
#include "libfp4/io/verify.h"
#include "tests/unit/io/images.h"
#include "tests/unit/io/test_files.h"

using namespace fp4;
using namespace fp4::test;

namespace {

std::string refusal(const std::string& image, Status status = Status::format) {
    auto opened = open_image(image);
    REQUIRE(!opened.ok());
    CHECK(opened.error().status == status);
    CHECK(opened.error().message.find("image") == 0);
    return opened.error().message;
}

bool names(const std::string& message, std::string_view part) {
    return message.find(part) != std::string::npos;
}

std::string refusal_of_tensor(std::vector<uint64_t> dims, uint32_t type, size_t data,
                              Status status = Status::format, std::optional<uint64_t> offset = {}) {
    std::string message = refusal(
        GgufImage().tensor("the.tensor", std::move(dims), type, std::string(data, 'x'), offset).build(),
        status);
    CHECK(names(message, "the.tensor"));
    return message;
}

} // namespace

TEST_CASE("gguf: tensors, shapes, keys and the metadata document") {
    auto opened = open_image(valid_gguf());
    REQUIRE(opened.ok());
    const Checkpoint& checkpoint = **opened;
    CHECK(std::string(checkpoint.kind()) == "gguf");
    CHECK(checkpoint.find("token_embd.weight")->shape == std::vector<uint64_t>{3, 4}); // GGUF has {4, 3}
    CHECK(encoding_name(checkpoint.find("blk.0.attn_q.weight")->encoding) == "Q4_K");
    CHECK(encoding_name(checkpoint.find("blk.0.ffn_down.weight")->encoding) == "mxfp4");
    CHECK(checkpoint.tensors().size() == 4); // the tensor scale is part of its tensor
    CHECK(!checkpoint.find("blk.0.ffn_up.scale"));
    CHECK(checkpoint.find("blk.0.ffn_up.weight")->stored_bytes == 72 + 4);
    CHECK(*checkpoint.tensor_scale(*checkpoint.find("blk.0.ffn_up.weight")) == 0.25f);
    CHECK(*checkpoint.tensor_scale(*checkpoint.find("blk.0.ffn_down.weight")) == 1.0f);
    CHECK(verify_checkpoint(checkpoint).ok());

    auto check_keys = [](const GgufMetadata* gguf) {
        REQUIRE(gguf);
        CHECK(gguf->string("general.architecture") == "llama");
        CHECK(gguf->unsigned_integer("llama.block_count") == 2u);
        CHECK(gguf->boolean("general.flag") == true);
        CHECK(*gguf->strings("tokenizer.ggml.tokens") == std::vector<std::string>{"a", "", "ccc"});
        CHECK(gguf->numbers("tokenizer.ggml.scores") == std::vector<double>{1, 2, 3});
        CHECK(gguf->contains("nested"));
    };
    check_keys(checkpoint.gguf());
    CHECK(checkpoint.document_names() == std::vector<std::string>{"metadata.gguf"});
    auto again = open_image(*checkpoint.read_document("metadata.gguf"));
    REQUIRE(again.ok());
    CHECK((*again)->tensors().empty());
    check_keys((*again)->gguf());
}

TEST_CASE("gguf: keys convert only where the value fits") {
    auto checkpoint = take(open_checkpoint(golden_file("io_ggml.gguf"), {}));
    const GgufMetadata& gguf = *checkpoint->gguf();
    CHECK(gguf.unsigned_integer("k.u8") == 255u);
    CHECK(gguf.integer("k.i8") == -128);
    CHECK(!gguf.unsigned_integer("k.i8"));
    CHECK(gguf.unsigned_integer("k.u16") == 65535u);
    CHECK(gguf.integer("k.i16") == -32768);
    CHECK(gguf.integer("k.u32") == 4294967295);
    CHECK(gguf.integer("k.i32") == INT32_MIN);
    CHECK(gguf.unsigned_integer("k.u64") == UINT64_MAX);
    CHECK(!gguf.integer("k.u64"));
    CHECK(gguf.integer("k.i64") == INT64_MIN);
    CHECK(gguf.number("k.f32") == 0.5);
    CHECK(gguf.number("k.f64") == 1e300);
    CHECK(gguf.number("k.u8") == 255.0);
    CHECK(!gguf.integer("k.f32"));
    CHECK(gguf.boolean("k.bool") == true);
    CHECK(!gguf.boolean("k.u8"));
    CHECK(!gguf.unsigned_integer("k.bool"));
    CHECK(gguf.string("k.string") == "h\xc3\xa4user");
    CHECK(!gguf.string("k.u8"));
    CHECK(!gguf.string("absent"));
    CHECK(gguf.strings("k.strings")->size() == 3);
    CHECK(!gguf.strings("k.integers"));
    CHECK(gguf.integers("k.integers") == std::vector<int64_t>{1, -2, 3});
    CHECK(gguf.numbers("k.numbers") == std::vector<double>{1.5, -2.5});
    CHECK(!gguf.integers("k.numbers"));
}

TEST_CASE("gguf: byte arrays of either sign") {
    auto checkpoint = take(open_image(GgufImage()
                                          .key("u", 9, gguf_array(0, 3, "\x01\xff\x02"))
                                          .key("i", 9, gguf_array(1, 2, "\xff\x7f"))
                                          .key("f", 9, gguf_array(6, 1, raw(1.0f)))
                                          .build()));
    CHECK(checkpoint->gguf()->bytes("u") == std::vector<uint8_t>{1, 255, 2});
    CHECK(checkpoint->gguf()->bytes("i") == std::vector<uint8_t>{255, 127});
    CHECK(!checkpoint->gguf()->bytes("f"));
    CHECK(checkpoint->gguf()->integers("u") == std::vector<int64_t>{1, 255, 2});
}

TEST_CASE("gguf: every type equals the independent decoder") {
    for (bool map : {true, false}) {
        auto checkpoint = take(open_checkpoint(golden_file("io_ggml.gguf"), {.allow_map = map}));
        int compared = 0;
        for (const TensorInfo& tensor : checkpoint->tensors()) {
            if (!tensor.name.ends_with(".weight")) continue;
            CAPTURE(tensor.name);
            std::vector<float> values = read_all(*checkpoint, tensor.name);
            std::vector<float> expected = read_all(*checkpoint, tensor.name + ".expected");
            REQUIRE(values.size() == expected.size());
            // float32 sums and products in another order differ by rounding; the FP4 types are exact.
            double tolerance = tensor.encoding.kind == TensorEncoding::Kind::ggml ? 1e-6 : 0.0;
            for (size_t i = 0; i < values.size(); i++) {
                double error = std::fabs(values[i] - expected[i]);
                REQUIRE(error <= tolerance * std::max(1.0, std::fabs(double{expected[i]})));
            }
            // Any range of rows is the same rows.
            std::vector<float> row(tensor.row_length());
            REQUIRE(checkpoint->read_f32(tensor, 1, 1, row.data()).ok());
            CHECK(std::equal(row.begin(), row.end(), values.begin() + tensor.row_length()));
            compared++;
        }
        CHECK(compared == 12);
    }
}

TEST_CASE("gguf: FP4 blocks in our layout") {
    auto checkpoint = take(open_checkpoint(golden_file("io_ggml.gguf"), {}));
    for (const char* name : {"mxfp4.weight", "nvfp4.weight"}) {
        CAPTURE(name);
        const TensorInfo& tensor = *checkpoint->find(name);
        BlockFormat format = tensor.encoding.block;
        uint64_t k = tensor.row_length();
        std::vector<uint8_t> codes(3 * row_code_bytes(format, k)), scales(3 * row_scales(format, k));
        REQUIRE(checkpoint->read_block(tensor, 0, 3, codes.data(), scales.data()).ok());
        std::vector<float> expected = read_all(*checkpoint, std::string(name) + ".expected");
        std::vector<float> row(k);
        for (uint64_t r = 0; r < 3; r++) {
            dequantize_row(format, 1.0f, codes.data() + r * row_code_bytes(format, k),
                           scales.data() + r * row_scales(format, k), k, row.data());
            for (uint64_t i = 0; i < k; i++) REQUIRE(row[i] == expected[r * k + i]);
        }
        std::vector<uint8_t> one_codes(row_code_bytes(format, k)), one_scales(row_scales(format, k));
        REQUIRE(checkpoint->read_block(tensor, 2, 1, one_codes.data(), one_scales.data()).ok());
        CHECK(std::equal(one_codes.begin(), one_codes.end(), codes.end() - one_codes.size()));
        CHECK(std::equal(one_scales.begin(), one_scales.end(), scales.end() - one_scales.size()));
        CHECK(checkpoint->map_block(tensor).codes.empty()); // not our layout
    }
}

TEST_CASE("gguf: a block by hand") {
    // MXFP4: scale 2^1; byte j is element j (low nibble) and j + 16 (high): 1 is 0.5, 15 is -6.
    std::string block = "\x80\xf1" + std::string(15, '\0');
    auto checkpoint = take(open_image(GgufImage().tensor("t", {32}, 39, block).build()));
    std::vector<float> values = read_all(*checkpoint, "t");
    CHECK(values[0] == 1.0f);
    CHECK(values[1] == 0.0f);
    CHECK(values[16] == -12.0f);
    uint8_t codes[16], scale;
    REQUIRE(checkpoint->read_block(checkpoint->tensors()[0], 0, 1, codes, &scale).ok());
    CHECK(scale == 0x80);
    CHECK(codes[0] == 0x01); // elements 0, 1
    CHECK(codes[8] == 0x0f); // elements 16, 17

    // NVFP4: four scales 1, 2, 1, 1 (E4M3, the second with a sign bit that does not count), tensor scale 0.5;
    // sub-block 1: byte 0 is elements 16 and 24.
    block = "\x38\xc0\x38\x38" + std::string(8, '\0') + "\x72" + std::string(23, '\0');
    checkpoint = take(open_image(
        GgufImage().tensor("b.weight", {64}, 40, block).tensor("b.scale", {1}, 0, raw(0.5f)).build()));
    values = read_all(*checkpoint, "b.weight");
    CHECK(values[16] == 1.0f); // code 2 = 1, x 2 x 0.5
    CHECK(values[24] == 6.0f); // code 7 = 6
    CHECK(values[17] == 0.0f);

    // Q8_0: f16 scale 0.5 and 32 signed bytes.
    block = std::string("\x00\x38", 2) + "\x80" + std::string(31, '\x02');
    checkpoint = take(open_image(GgufImage().tensor("t", {32}, 8, block).build()));
    values = read_all(*checkpoint, "t");
    CHECK(values[0] == -64.0f);
    CHECK(values[31] == 1.0f);
}

TEST_CASE("gguf: tensor scales that cannot be used are refused") {
    auto with_scale = [](uint32_t type, std::vector<uint64_t> dims, std::string_view data) {
        return GgufImage()
            .tensor("b.weight", {64}, 40, std::string(36, '\x11'))
            .tensor("b.scale", std::move(dims), type, data)
            .build();
    };
    refusal(with_scale(1, {1}, "xx"), Status::unsupported);
    refusal(with_scale(0, {2}, std::string(8, 'x')), Status::unsupported);
    for (float scale : {0.0f, -1.0f, INFINITY, NAN}) {
        auto checkpoint = take(open_image(with_scale(0, {1}, raw(scale))));
        float values[64];
        auto read = checkpoint->read_f32(checkpoint->tensors()[0], 0, 1, values);
        REQUIRE(!read.ok());
        CHECK(read.error().status == Status::corrupt);
        CHECK(names(read.error().message, "b.weight"));
        CHECK(!verify_checkpoint(*checkpoint).ok());
    }
}

TEST_CASE("gguf: magic, version and counts") {
    refusal("GGUF");
    GgufImage image;
    for (uint32_t version : {0u, 1u, 2u, 4u, 0x03000000u}) {
        image.version = version;
        CHECK(names(refusal(image.build(), Status::unsupported), "version"));
    }
    for (uint64_t count : {1ull, 1ull << 31, 1ull << 32, 1ull << 63, ~0ull}) {
        GgufImage tensors, keys;
        tensors.tensor_count = count;
        keys.key_count = count;
        CHECK(names(refusal(tensors.build()), "tensor count"));
        CHECK(names(refusal(keys.build()), "key count"));
    }
    CHECK(open_image(GgufImage().build()).ok()); // a vocabulary file may hold nothing at all
}

TEST_CASE("gguf: lengths and types in the key-value section") {
    for (uint64_t length : {1ull << 31, 1ull << 32, 1ull << 63, ~0ull, ~0ull - 7}) {
        CAPTURE(length);
        CHECK(names(refusal(GgufImage().key("the.key", 8, raw(length) + "abc").build()), "the.key"));
        for (uint32_t type = 0; type < 13; type++) {
            CHECK(names(refusal(GgufImage().key("the.key", 9, gguf_array(type, length, "abcdefgh")).build()),
                        "the.key"));
        }
        std::string image = GgufImage().number("a", 1).build();
        std::memcpy(image.data() + 24, &length, 8); // of the key itself
        refusal(image);
    }
    for (uint32_t type : {13u, 255u, 0x7fffffffu, ~0u}) {
        CHECK(names(refusal(GgufImage().key("the.key", type, "abcdefgh").build()), "unknown value type"));
        CHECK(names(refusal(GgufImage().key("the.key", 9, gguf_array(type, 1, "abcdefgh")).build()),
                    "the.key"));
    }
    CHECK(names(refusal(GgufImage().number("the.key", 1).number("the.key", 1).build()), "twice"));
    refusal(GgufImage().key("the.key", 7, "\x02").build());
    refusal(GgufImage().key("the.key", 9, gguf_array(7, 2, "\x01\x02")).build());
    std::string deep = gguf_array(0, 0, "");
    for (int i = 0; i < 7; i++) deep = gguf_array(9, 1, deep);
    CHECK(open_image(GgufImage().key("the.key", 9, deep).build()).ok());
    for (int i = 0; i < 20000; i++) deep.insert(0, raw<uint32_t>(9) + raw<uint64_t>(1));
    CHECK(names(refusal(GgufImage().key("the.key", 9, deep).build(), Status::limit), "the.key"));
    // Non-UTF-8 and control characters in a name do not reach a message as they are.
    CHECK(names(refusal(GgufImage().key("bad\n\xff", 13, "").build()), "bad\\x0a\\xff"));
}

TEST_CASE("gguf: alignment") {
    auto with_alignment = [](uint32_t alignment) {
        GgufImage image;
        image.number("general.alignment", alignment).tensor("t", {4}, 0, std::string(16, 'x'));
        image.alignment = 64;
        return image.build();
    };
    CHECK(open_image(with_alignment(64)).ok());
    for (uint32_t alignment : {0u, 1u, 2u, 3u, 48u, 1u << 31, ~0u, 0x80000001u}) {
        CHECK(names(refusal(with_alignment(alignment)), "general.alignment"));
    }
    for (uint32_t type = 0; type < 13; type++) {
        if (type == 4) continue;
        // Any type: an unsigned 64 in every integer width but negative or of another kind otherwise.
        std::string value = type == 8   ? gguf_string("32")
                            : type == 9 ? gguf_array(4, 1, raw(32u))
                                        : std::string(8, 1);
        auto opened = open_image(GgufImage().key("general.alignment", type, value).build());
        if (!opened.ok()) CHECK(opened.error().message.find("image") == 0);
    }
    CHECK(names(refusal(GgufImage().text("general.alignment", "32").build()), "not an unsigned integer"));
}

TEST_CASE("gguf: dimensions") {
    CHECK(names(refusal_of_tensor({}, 0, 4), "0 dimensions"));
    CHECK(names(refusal_of_tensor({1, 1, 1, 1, 1}, 0, 4), "5 dimensions"));
    CHECK(names(refusal_of_tensor({0}, 0, 4), "zero dimension"));
    CHECK(names(refusal_of_tensor({256, 0}, 12, 144), "zero dimension"));
    CHECK(names(refusal_of_tensor({0, 256}, 12, 144), "zero dimension"));
    for (uint64_t dim : {1ull << 48, 1ull << 63, ~0ull}) {
        refusal_of_tensor({dim + (dim == 1ull << 48)}, 0, 16, Status::limit);
        refusal_of_tensor({1ull << 31, dim}, 0, 16, Status::limit);
        refusal_of_tensor({256, dim}, 12, 144, Status::limit);
    }
    refusal_of_tensor({1ull << 32, 1ull << 32}, 0, 16, Status::limit); // the product wraps to 0
    refusal_of_tensor({1ull << 31}, 0, 16);
    refusal_of_tensor({1ull << 32}, 39, 17);
    CHECK(names(refusal_of_tensor({48}, 12, 144), "no multiple of the block"));
    refusal_of_tensor({32}, 40, 36); // NVFP4 comes in 64s
    std::string image = GgufImage().tensor("the.tensor", {4}, 0, std::string(16, 'x')).build();
    for (uint32_t dims : {~0u, 1u << 31, 0u}) {
        std::memcpy(image.data() + 24 + 8 + 10, &dims, 4);
        CHECK(names(refusal(image), "the.tensor"));
    }
}

TEST_CASE("gguf: types, offsets, overlaps and names") {
    for (uint32_t type : {4u, 5u, 9u, 10u, 17u, 31u, 36u, 41u, 42u, 43u, 1000u, ~0u}) {
        refusal_of_tensor({256}, type, 300, Status::unsupported);
    }
    CHECK(names(refusal_of_tensor({256}, 10, 84, Status::unsupported), "Q2_K"));
    CHECK(names(refusal_of_tensor({4}, 0, 15), "truncated"));
    for (uint64_t offset : {32ull, 1ull << 31, 1ull << 63, ~0ull - 31}) {
        refusal_of_tensor({4}, 0, 16, Status::format, offset);
    }
    CHECK(names(refusal_of_tensor({4}, 0, 32, Status::format, 1), "no multiple of the alignment"));
    auto two = [](uint64_t second) {
        return GgufImage()
            .tensor("a", {16}, 0, std::string(64, 'x'))
            .tensor("b", {8}, 0, std::string(32, 'x'), second);
    };
    CHECK(open_image(two(64).build()).ok());
    CHECK(names(refusal(two(32).build()), "overlap"));
    CHECK(names(refusal(two(0).build()), "overlap"));
    CHECK(
        names(refusal(GgufImage().tensor("a", {4}, 0, std::string(16, 'x')).tensor("a", {4}, 0, "").build()),
              "twice"));
    refusal(GgufImage().tensor("", {4}, 0, std::string(16, 'x')).build());
    refusal(GgufImage().tensor(std::string(65, 'n'), {4}, 0, std::string(16, 'x')).build(), Status::limit);
}

TEST_CASE("gguf: split files open from any part") {
    TemporaryFolder folder;
    auto part = [](uint32_t number, uint32_t count, int32_t total) {
        GgufImage image;
        if (number == 0) image.text("general.architecture", "llama");
        image.key("split.no", 2, raw(static_cast<uint16_t>(number)))
            .key("split.count", 2, raw(static_cast<uint16_t>(count)))
            .key("split.tensors.count", 5, raw(total));
        return image;
    };
    auto path = [&](int number) { return folder.path(concat("m-0000", number, "-of-00002.gguf")); };
    std::string first = part(0, 2, 3).tensor("a", {64}, 40, std::string(36, '\x11')).build();
    std::string second =
        part(1, 2, 3).tensor("a.scale", {1}, 0, raw(2.0f)).tensor("b", {2}, 0, std::string(8, '\0')).build();
    write_file(path(1), first);
    write_file(path(2), second);
    for (int number : {1, 2}) {
        auto opened = open_checkpoint(path(number), {});
        REQUIRE(opened.ok());
        CHECK((*opened)->tensors().size() == 2);
        CHECK(*(*opened)->tensor_scale(*(*opened)->find("a")) == 2.0f); // from the other part
        CHECK((*opened)->gguf()->string("general.architecture") == "llama");
        CHECK(verify_checkpoint(**opened).ok());
        auto metadata = open_image(*(*opened)->read_document("metadata.gguf"));
        REQUIRE(metadata.ok()); // no longer a part of anything
        CHECK(!(*metadata)->gguf()->contains("split.count"));
    }
    auto fails = [&](const std::string& file, std::string_view reason) {
        auto opened = open_checkpoint(file, {});
        REQUIRE(!opened.ok());
        CHECK_MESSAGE(names(opened.error().message, reason), opened.error().message);
    };
    write_file(path(2), part(1, 2, 3).build());
    fails(path(1), "split.tensors.count");
    write_file(path(2), part(0, 2, 3).build());
    fails(path(1), "by its name");
    fails(path(2), "must end with");
    write_file(path(2), part(1, 3, 3).build());
    fails(path(1), "by its name");
    write_file(path(2), part(1, 2, 2).tensor("a", {64}, 40, std::string(36, '\x11')).build());
    write_file(path(1), part(0, 2, 2).tensor("a", {64}, 40, std::string(36, '\x11')).build());
    fails(path(1), "also in another part");
    std::filesystem::remove(path(2));
    fails(path(1), "No such file");
    write_file(folder.path("renamed.gguf"), first);
    fails(folder.path("renamed.gguf"), "must end with '-00001-of-00002.gguf'");
    CHECK(names(refusal(first, Status::unsupported), "by its path"));
    refusal(part(2, 2, 3).build());
    refusal(GgufImage().key("split.count", 8, gguf_string("2")).build());
    refusal(GgufImage().number("split.count", 65535).number("split.no", 0).build());
    refusal(GgufImage().number("split.count", 2).build());
}

TEST_CASE("gguf: real vocabularies") {
    struct {
        const char* file;
        size_t tokens;
    } all[] = {{"gpt-2", 50257}, {"phi-3", 32064}}; // the models' published vocabulary sizes
    for (auto [file, tokens] : all) {
        std::string path = data_file(concat("tokenizers/ggml-vocab-", file, ".gguf"));
        if (path.empty()) continue;
        auto opened = open_checkpoint(path, {.allow_map = false});
        REQUIRE(opened.ok());
        CHECK((*opened)->gguf()->strings("tokenizer.ggml.tokens")->size() == tokens);
        // The file holds nothing but its key-value section.
        CHECK(*(*opened)->read_document("metadata.gguf") == read_file(path));
    }
}
