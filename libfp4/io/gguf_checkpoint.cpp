#include <unordered_map>
#include <unordered_set>

#include "libfp4/io/file_limits.h"
#include "libfp4/io/gguf_document.h"
#include "libfp4/io/gguf_parser.h"
#include "libfp4/io/gguf_split.h"
#include "libfp4/io/readers.h"
#include "libfp4/io/stored_checkpoint.h"
#include "libfp4/io/tensor_shape.h"

namespace fp4 {
namespace {

struct Part {
    std::shared_ptr<ByteSource> source;
    GgufHeader header;
};

using PlaceByName = std::unordered_map<std::string_view, std::pair<const Part*, const GgufTensor*>>;

Result<PlaceByName> index_tensors(const std::vector<Part>& parts) {
    PlaceByName index;
    for (const Part& part : parts) {
        for (const GgufTensor& tensor : part.header.tensors) {
            if (!index.try_emplace(tensor.name, &part, &tensor).second) {
                return error(Status::format, part.source->name(), ": tensor '", printable(tensor.name),
                             "' is also in another part of the split model");
            }
        }
    }
    if (index.size() > limits::max_tensors) {
        return error(Status::limit, parts.front().source->name(), ": ", index.size(),
                     " tensors, the limit is ", limits::max_tensors);
    }
    return index;
}

// ggml's convention: the tensor scale of NVFP4 tensor `base.weight` is the separate F32 tensor `base.scale`.
std::string scale_name(std::string_view tensor) {
    if (tensor.ends_with(".weight")) tensor.remove_suffix(std::string_view(".weight").size());
    return concat(tensor, ".scale");
}

bool is_nvfp4(const GgufTensor& tensor) {
    return tensor.encoding.kind == TensorEncoding::Kind::block && tensor.encoding.block == BlockFormat::nvfp4;
}

Result<StoredTensor> stored_tensor(const Part& part, const GgufTensor& tensor, const PlaceByName& index,
                                   std::unordered_set<std::string>& used_scales) {
    StoredTensor stored;
    stored.info = {tensor.name, tensor.encoding, tensor.shape, tensor.bytes};
    stored.data = {part.source, tensor.offset};
    if (!is_nvfp4(tensor)) return stored;
    auto found = index.find(scale_name(tensor.name));
    if (found == index.end()) return stored;
    auto [scale_part, scale] = found->second;
    if (scale->encoding.kind != TensorEncoding::Kind::plain || scale->encoding.dtype != DType::f32 ||
        scale->bytes != sizeof(float)) {
        return error(Status::unsupported, scale_part->source->name(), ": tensor '", printable(scale->name),
                     "' should hold the one F32 tensor scale of '", printable(tensor.name), "', but is ",
                     encoding_name(scale->encoding), " ", shape_text(scale->shape));
    }
    stored.tensor_scale = {scale_part->source, scale->offset};
    stored.info.stored_bytes += scale->bytes;
    used_scales.insert(scale->name);
    return stored;
}

Result<std::shared_ptr<Checkpoint>> assemble(std::vector<Part> parts) {
    StoredCheckpoint::Contents contents;
    contents.name = parts.front().source->name();
    contents.kind = "gguf";
    FP4_ASSIGN(PlaceByName index, index_tensors(parts));
    std::unordered_set<std::string> used_scales;
    for (const Part& part : parts) {
        for (const GgufTensor& tensor : part.header.tensors) {
            FP4_ASSIGN(StoredTensor stored, stored_tensor(part, tensor, index, used_scales));
            contents.tensors.push_back(std::move(stored));
            contents.regions.push_back(
                {tensor.name, part.source, tensor.offset, tensor.bytes, std::nullopt, false});
        }
    }
    std::erase_if(contents.tensors,
                  [&](const StoredTensor& tensor) { return used_scales.contains(tensor.info.name); });

    // The first part carries the keys of the whole model.
    Part& first = parts.front();
    contents.documents.emplace(gguf_document_name,
                               [source = first.source, keys = std::move(first.header.keys)] {
                                   return metadata_document(*source, keys);
                               });
    contents.gguf = std::make_shared<const GgufMetadata>(std::move(first.header.metadata));
    return std::shared_ptr<Checkpoint>(std::make_shared<StoredCheckpoint>(std::move(contents)));
}

Result<Part> read_part(std::shared_ptr<ByteSource> source) {
    FP4_ASSIGN(GgufHeader header, parse_gguf(*source));
    return Part{std::move(source), std::move(header)};
}

Result<std::vector<Part>> read_parts(const std::vector<std::string>& paths, const OpenOptions& options) {
    std::vector<Part> parts;
    uint64_t tensors = 0;
    for (uint64_t i = 0; i < paths.size(); i++) {
        FP4_ASSIGN(std::shared_ptr<ByteSource> source, open_file(paths[i], options.allow_map));
        FP4_ASSIGN(Part part, read_part(std::move(source)));
        FP4_ASSIGN(GgufSplit split, split_of(part.header, paths[i]));
        if (split.number != i || split.count != paths.size()) {
            return error(Status::format, paths[i], ": says it is part ", split.number + 1, " of ",
                         split.count, ", by its name it is part ", i + 1, " of ", paths.size());
        }
        tensors += part.header.tensors.size();
        parts.push_back(std::move(part));
    }
    constexpr std::string_view total = "split.tensors.count";
    if (parts.front().header.metadata.unsigned_integer(total) != tensors) {
        return error(Status::format, paths.front(), ": key '", total, "' does not give the ", tensors,
                     " tensors that its parts hold");
    }
    return parts;
}

} // namespace

Result<std::shared_ptr<Checkpoint>> open_gguf(const std::string& path, const OpenOptions& options) {
    FP4_ASSIGN(std::shared_ptr<ByteSource> source, open_file(path, options.allow_map));
    FP4_ASSIGN(Part part, read_part(std::move(source)));
    FP4_ASSIGN(GgufSplit split, split_of(part.header, path));
    std::vector<Part> parts;
    if (split.count == 1) {
        parts.push_back(std::move(part));
    } else {
        FP4_ASSIGN(std::vector<std::string> paths, split_paths(path, split));
        FP4_ASSIGN(parts, read_parts(paths, options));
    }
    return assemble(std::move(parts));
}

Result<std::shared_ptr<Checkpoint>> open_gguf(std::shared_ptr<ByteSource> source) {
    FP4_ASSIGN(Part part, read_part(std::move(source)));
    FP4_ASSIGN(GgufSplit split, split_of(part.header, part.source->name()));
    if (split.count > 1) {
        return error(Status::unsupported, part.source->name(), ": is part ", split.number + 1, " of ",
                     split.count, " of a split model, which can only be opened by its path");
    }
    std::vector<Part> parts;
    parts.push_back(std::move(part));
    return assemble(std::move(parts));
}

} // namespace fp4
