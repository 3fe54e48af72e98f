// The one implementation of Checkpoint. A reader of a container only says where the bytes of each tensor and
// document lie; reading rows, conversion and mapping are the same for all.
#pragma once

#include <functional>
#include <map>
#include <unordered_map>

#include "libfp4/io/checkpoint.h"

namespace fp4 {

struct StoredBytes {
    std::shared_ptr<const ByteSource> source;
    uint64_t offset = 0;
};

// One tensor and its bytes. Plain: `data`. In ggml's block layout (ggml types, and microscaling formats when
// `scales` has no source): `data`, blocks with their scales inside. In our layout: codes in `data`, and
// `scales`.
struct StoredTensor {
    TensorInfo info;
    StoredBytes data;
    StoredBytes scales;
    StoredBytes tensor_scale; // one float32; no source means 1
};

class StoredCheckpoint final : public Checkpoint {
  public:
    using Document = std::function<Result<std::string>()>;
    using Documents = std::map<std::string, Document, std::less<>>;

    // What the readers fill in; offsets and sizes are validated by then, names are unique.
    struct Contents {
        std::string name;
        const char* kind = "";
        std::vector<StoredTensor> tensors;
        std::vector<StoredRegion> regions;
        Documents documents;
        std::shared_ptr<const GgufMetadata> gguf;
    };

    explicit StoredCheckpoint(Contents contents);

    const std::string& name() const override { return name_; }
    const char* kind() const override { return kind_; }
    const std::vector<TensorInfo>& tensors() const override { return tensors_; }
    const TensorInfo* find(std::string_view tensor_name) const override;

    Result<void> read_f32(const TensorInfo& tensor, uint64_t first, uint64_t count,
                          float* target) const override;
    Result<void> read_plain(const TensorInfo& tensor, uint64_t first, uint64_t count,
                            uint8_t* target) const override;
    Result<void> read_block(const TensorInfo& tensor, uint64_t first, uint64_t count, uint8_t* codes,
                            uint8_t* scales) const override;
    Result<float> tensor_scale(const TensorInfo& tensor) const override;
    std::span<const uint8_t> map_plain(const TensorInfo& tensor) const override;
    MappedBlocks map_block(const TensorInfo& tensor) const override;

    bool has_document(std::string_view document) const override;
    Result<std::string> read_document(std::string_view document) const override;
    std::vector<std::string> document_names() const override;
    const GgufMetadata* gguf() const override { return gguf_.get(); }
    std::vector<StoredRegion> regions() const override { return regions_; }

  private:
    struct Place {
        const TensorInfo& info; // our own: a caller's copy is trusted for its name only
        StoredBytes data, scales, tensor_scale;
    };
    Result<const Place*> place_of(const TensorInfo& tensor, uint64_t first, uint64_t count) const;
    Error wrong_kind(const TensorInfo& tensor, const char* wanted) const;

    std::string name_;
    const char* kind_;
    std::vector<TensorInfo> tensors_;
    std::vector<Place> places_;                          // of the tensor with the same index
    std::unordered_map<std::string_view, size_t> index_; // keys point into tensors_
    std::vector<StoredRegion> regions_;
    Documents documents_;
    std::shared_ptr<const GgufMetadata> gguf_;
};

} // namespace fp4
