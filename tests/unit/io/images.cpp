#include "tests/unit/io/images.h"

#include <doctest/doctest.h>

#include <cstring>

#include "libfp4/io/fp4_profile.h"
#include "libfp4/io/fp4_writer.h"
#include "libfp4/io/xxh3.h"
#include "tests/unit/io/test_files.h"

namespace fp4::test {

std::string gguf_string(std::string_view text) {
    return raw<uint64_t>(text.size()) + std::string(text);
}

std::string gguf_array(uint32_t type, uint64_t count, std::string_view items) {
    return raw(type) + raw(count) + std::string(items);
}

GgufImage& GgufImage::key(std::string_view name, uint32_t type, std::string_view value_bytes) {
    keys_++;
    key_bytes_ += gguf_string(name) + raw(type) + std::string(value_bytes);
    return *this;
}

GgufImage& GgufImage::text(std::string_view name, std::string_view value) {
    return key(name, 8, gguf_string(value));
}

GgufImage& GgufImage::number(std::string_view name, uint32_t value) {
    return key(name, 4, raw(value));
}

GgufImage& GgufImage::tensor(std::string_view name, std::vector<uint64_t> dims, uint32_t type,
                             std::string_view data, std::optional<uint64_t> offset) {
    tensors_.push_back({std::string(name), std::move(dims), type, std::string(data), offset});
    return *this;
}

std::string GgufImage::build() const {
    std::string out = "GGUF" + raw(version) + raw<uint64_t>(tensor_count.value_or(tensors_.size())) +
                      raw<uint64_t>(key_count.value_or(keys_)) + key_bytes_;
    std::string data;
    for (const Tensor& tensor : tensors_) {
        data.resize((data.size() + alignment - 1) / alignment * alignment);
        out += gguf_string(tensor.name) + raw(static_cast<uint32_t>(tensor.dims.size()));
        for (uint64_t dim : tensor.dims) out += raw(dim);
        out += raw(tensor.type) + raw<uint64_t>(tensor.offset.value_or(data.size()));
        data += tensor.data;
    }
    if (tensors_.empty()) return out;
    out.resize((out.size() + alignment - 1) / alignment * alignment);
    return out + data;
}

std::string safetensors_image(uint64_t header_length, std::string_view header, std::string_view data) {
    return raw(header_length) + std::string(header) + std::string(data);
}

std::string safetensors_image(std::string_view header, std::string_view data) {
    return safetensors_image(header.size(), header, data);
}

std::string valid_gguf() {
    std::string block(144 * 2, '\x11');
    return GgufImage()
        .text("general.architecture", "llama")
        .number("llama.block_count", 2)
        .number("general.alignment", 32)
        .key("general.flag", 7, "\x01")
        .key("tokenizer.ggml.tokens", 9,
             gguf_array(8, 3, gguf_string("a") + gguf_string("") + gguf_string("ccc")))
        .key("tokenizer.ggml.scores", 9, gguf_array(6, 3, raw(1.0f) + raw(2.0f) + raw(3.0f)))
        .key("nested", 9, gguf_array(9, 2, gguf_array(0, 1, "x") + gguf_array(0, 0, "")))
        .tensor("token_embd.weight", {4, 3}, 0, std::string(48, '\x3f'))
        .tensor("blk.0.attn_q.weight", {256, 2}, 12, block)
        .tensor("blk.0.ffn_up.weight", {64, 2}, 40, std::string(72, '\x35'))
        .tensor("blk.0.ffn_up.scale", {1}, 0, raw(0.25f))
        .tensor("blk.0.ffn_down.weight", {32, 4}, 39, std::string(68, '\x77'))
        .build();
}

std::string valid_safetensors() {
    std::string header = R"({"__metadata__":{"format":"pt","note":"x"},)"
                         R"("a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                         R"("b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]},)"
                         R"("s":{"dtype":"I64","shape":[],"data_offsets":[32,40]}})";
    return safetensors_image(header, std::string(40, '\x3e'));
}

std::string valid_fp4() {
    TemporaryFolder folder;
    TensorEncoding mxfp4{.kind = TensorEncoding::Kind::block, .block = BlockFormat::mxfp4};
    TensorEncoding nvfp4{.kind = TensorEncoding::Kind::block, .block = BlockFormat::nvfp4};
    TensorEncoding bf16{.kind = TensorEncoding::Kind::plain, .dtype = DType::bf16};
    std::string path = folder.path("valid.fp4");
    auto writer =
        Fp4Writer::create(path, {{"q", mxfp4, {3, 40}}, {"norm", bf16, {40}}, {"k", nvfp4, {2, 32}}},
                          {{"config.json", R"({"model_type":"llama"})"},
                           {"metadata.gguf", GgufImage().text("general.architecture", "llama").build()}},
                          R"({"recipe":"test"})");
    REQUIRE(writer.ok());
    auto bytes = [](size_t count, uint8_t value) { return std::vector<uint8_t>(count, value); };
    REQUIRE((*writer)->write_rows(0, 0, bytes(3 * 32, 0x21), bytes(3 * 2, 127)).ok());
    REQUIRE((*writer)->write_plain_rows(1, 0, bytes(80, 0x3f)).ok());
    REQUIRE((*writer)->write_rows(2, 0, bytes(2 * 16, 0x43), bytes(2 * 2, 0x38)).ok());
    REQUIRE((*writer)->set_tensor_scale(2, 0.5f).ok());
    REQUIRE((*writer)->finish().ok());
    return read_file(path);
}

std::string reseal(std::string image) {
    uint64_t length = 0;
    std::memcpy(&length, image.data(), sizeof length);
    if (length > image.size() - sizeof length) return image;
    std::string header = image.substr(sizeof length, length);
    size_t at = profile::find_header_hash(header);
    if (at == std::string::npos) return image;
    return image.replace(sizeof length + at, 16, hash_text(profile::header_hash(header, at)));
}

std::string resealed_with(std::string image, std::string_view from, std::string_view to) {
    REQUIRE(from.size() == to.size());
    size_t at = image.find(from);
    REQUIRE(at != std::string::npos);
    REQUIRE(image.find(from, at + 1) == std::string::npos);
    return reseal(image.replace(at, from.size(), to));
}

} // namespace fp4::test
