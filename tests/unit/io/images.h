// Builders of container images for tests. They write whatever they are told, valid or not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace fp4::test {

template <class T>
std::string raw(T value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
}

// A GGUF v3 file. Fields can be overridden to lie.
class GgufImage {
  public:
    GgufImage& key(std::string_view name, uint32_t type, std::string_view value_bytes);
    GgufImage& text(std::string_view name, std::string_view value);
    GgufImage& number(std::string_view name, uint32_t value); // u32

    // dims: fastest first, as GGUF has them. The data is placed by build() unless an offset is given.
    GgufImage& tensor(std::string_view name, std::vector<uint64_t> dims, uint32_t type, std::string_view data,
                      std::optional<uint64_t> offset = {});

    std::string build() const;

    std::optional<uint64_t> tensor_count, key_count;
    uint32_t version = 3;
    uint64_t alignment = 32; // of the data; the key general.alignment is up to the caller

  private:
    struct Tensor {
        std::string name;
        std::vector<uint64_t> dims;
        uint32_t type;
        std::string data;
        std::optional<uint64_t> offset;
    };
    uint64_t keys_ = 0;
    std::string key_bytes_;
    std::vector<Tensor> tensors_;
};

std::string gguf_string(std::string_view text);                                // u64 length + bytes
std::string gguf_array(uint32_t type, uint64_t count, std::string_view items); // element type, count, items

// A safetensors file from its header text and data.
std::string safetensors_image(std::string_view header, std::string_view data);
// The same with a header length that may lie.
std::string safetensors_image(uint64_t header_length, std::string_view header, std::string_view data);

// Valid images with several tensors of each kind, keys and documents, a few kilobytes each.
std::string valid_gguf();
std::string valid_safetensors();
std::string valid_fp4();

// The .fp4 image with its header hash made right again after a change to the header.
std::string reseal(std::string image);
// Replaces the only occurrence of `from`, by text of the same length, in the image; then reseals it.
std::string resealed_with(std::string image, std::string_view from, std::string_view to);

} // namespace fp4::test
