#include "libfp4/io/stored_checkpoint.h"

#include <cmath>
#include <cstring>

#include "libfp4/io/row_reader.h"
#include "libfp4/io/tensor_shape.h"

namespace fp4 {
namespace {

using Kind = TensorEncoding::Kind;

// The mapped bytes of a range, or an empty span.
std::span<const uint8_t> mapped(const StoredBytes& from, uint64_t bytes) {
    std::span<const uint8_t> whole = from.source->map();
    if (from.offset > whole.size() || bytes > whole.size() - from.offset) return {};
    return whole.subspan(from.offset, bytes);
}

} // namespace

StoredCheckpoint::StoredCheckpoint(Contents contents)
    : name_(std::move(contents.name)),
      kind_(contents.kind),
      regions_(std::move(contents.regions)),
      documents_(std::move(contents.documents)),
      gguf_(std::move(contents.gguf)) {
    tensors_.reserve(contents.tensors.size());
    places_.reserve(contents.tensors.size());
    for (StoredTensor& tensor : contents.tensors) {
        const TensorInfo& info = tensors_.emplace_back(std::move(tensor.info));
        index_.emplace(info.name, places_.size());
        places_.push_back(
            {info, std::move(tensor.data), std::move(tensor.scales), std::move(tensor.tensor_scale)});
    }
}

const TensorInfo* StoredCheckpoint::find(std::string_view tensor_name) const {
    auto found = index_.find(tensor_name);
    return found == index_.end() ? nullptr : &tensors_[found->second];
}

Result<const StoredCheckpoint::Place*> StoredCheckpoint::place_of(const TensorInfo& tensor, uint64_t first,
                                                                  uint64_t count) const {
    auto found = index_.find(tensor.name);
    if (found == index_.end() || tensors_[found->second].shape != tensor.shape) {
        return error(Status::argument, name_, ": has no tensor '", printable(tensor.name), "' of shape ",
                     shape_text(tensor.shape));
    }
    if (first > tensor.rows() || count > tensor.rows() - first) {
        return error(Status::argument, name_, ": tensor '", printable(tensor.name), "' has ", tensor.rows(),
                     " rows, asked for ", count, " from row ", first);
    }
    return &places_[found->second];
}

Error StoredCheckpoint::wrong_kind(const TensorInfo& tensor, const char* wanted) const {
    return error(Status::unsupported, name_, ": tensor '", printable(tensor.name), "' is ",
                 encoding_name(tensor.encoding), ", not ", wanted);
}

Result<void> StoredCheckpoint::read_f32(const TensorInfo& asked, uint64_t first, uint64_t count,
                                        float* target) const {
    FP4_ASSIGN(const Place* place, place_of(asked, first, count));
    const TensorInfo& tensor = place->info;
    uint64_t k = tensor.row_length();
    Result<void> read;
    switch (tensor.encoding.kind) {
        case Kind::plain:
            read = read_plain_elements(place->data, tensor.encoding.dtype, first * k, count * k, target);
            break;
        case Kind::ggml:
            read = read_ggml_elements(place->data, tensor.encoding.ggml, first * k, count * k, target);
            break;
        case Kind::block: {
            FP4_ASSIGN(float scale, tensor_scale(tensor));
            read = read_block_rows_f32({tensor.encoding.block, k, place->data, place->scales}, scale, first,
                                       count, target);
            break;
        }
    }
    if (!read && read.error().status == Status::unsupported) {
        return error(Status::unsupported, name_, ": tensor '", printable(tensor.name),
                     "': ", read.error().message);
    }
    return read;
}

Result<void> StoredCheckpoint::read_plain(const TensorInfo& asked, uint64_t first, uint64_t count,
                                          uint8_t* target) const {
    FP4_ASSIGN(const Place* place, place_of(asked, first, count));
    const TensorInfo& tensor = place->info;
    if (tensor.encoding.kind != Kind::plain) return wrong_kind(tensor, "plain");
    uint64_t row_bytes = tensor.row_length() * dtype_size(tensor.encoding.dtype);
    return place->data.source->read_at(place->data.offset + first * row_bytes,
                                       {target, static_cast<size_t>(count * row_bytes)});
}

Result<void> StoredCheckpoint::read_block(const TensorInfo& asked, uint64_t first, uint64_t count,
                                          uint8_t* codes, uint8_t* scales) const {
    FP4_ASSIGN(const Place* place, place_of(asked, first, count));
    const TensorInfo& tensor = place->info;
    if (tensor.encoding.kind != Kind::block) return wrong_kind(tensor, "in a microscaling format");
    return read_block_rows({tensor.encoding.block, tensor.row_length(), place->data, place->scales}, first,
                           count, codes, scales);
}

Result<float> StoredCheckpoint::tensor_scale(const TensorInfo& asked) const {
    FP4_ASSIGN(const Place* place, place_of(asked, 0, 0));
    const TensorInfo& tensor = place->info;
    if (!place->tensor_scale.source) return 1.0f;
    uint8_t raw[sizeof(float)];
    FP4_TRY(place->tensor_scale.source->read_at(place->tensor_scale.offset, raw));
    float scale;
    std::memcpy(&scale, raw, sizeof scale);
    if (!std::isfinite(scale) || scale <= 0) {
        return error(Status::corrupt, name_, ": tensor '", printable(tensor.name), "' has the tensor scale ",
                     static_cast<double>(scale), ", which is not a positive number");
    }
    return scale;
}

std::span<const uint8_t> StoredCheckpoint::map_plain(const TensorInfo& asked) const {
    auto place = place_of(asked, 0, 0);
    if (!place) return {};
    const TensorInfo& tensor = (*place)->info;
    if (tensor.encoding.kind != Kind::plain) return {};
    std::span<const uint8_t> bytes = mapped((*place)->data, tensor.stored_bytes);
    // A view is only of use where its elements can be loaded; safetensors does not promise alignment.
    bool aligned = reinterpret_cast<uintptr_t>(bytes.data()) % dtype_size(tensor.encoding.dtype) == 0;
    return aligned ? bytes : std::span<const uint8_t>();
}

Checkpoint::MappedBlocks StoredCheckpoint::map_block(const TensorInfo& asked) const {
    auto place = place_of(asked, 0, 0);
    if (!place) return {};
    const TensorInfo& tensor = (*place)->info;
    if (tensor.encoding.kind != Kind::block || !(*place)->scales.source) return {};
    uint64_t k = tensor.row_length();
    MappedBlocks blocks{
        mapped((*place)->data, tensor.rows() * row_code_bytes(tensor.encoding.block, k)),
        mapped((*place)->scales, tensor.rows() * row_scales(tensor.encoding.block, k)),
    };
    if (blocks.codes.empty() || blocks.scales.empty()) return {};
    return blocks;
}

bool StoredCheckpoint::has_document(std::string_view document) const {
    return documents_.find(document) != documents_.end();
}

Result<std::string> StoredCheckpoint::read_document(std::string_view document) const {
    auto found = documents_.find(document);
    if (found == documents_.end()) {
        return error(Status::not_found, name_, ": has no document '", printable(document), "'");
    }
    return found->second();
}

std::vector<std::string> StoredCheckpoint::document_names() const {
    std::vector<std::string> names;
    for (const auto& [document, read] : documents_) names.push_back(document);
    return names;
}

} // namespace fp4
