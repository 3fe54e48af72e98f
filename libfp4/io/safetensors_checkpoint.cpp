#include "libfp4/io/hf_documents.h"
#include "libfp4/io/readers.h"
#include "libfp4/io/safetensors_tensors.h"
#include "libfp4/io/stored_checkpoint.h"

namespace fp4 {

void append_safetensors_tensor(const SafetensorsEntry& entry, const std::shared_ptr<ByteSource>& source,
                               std::vector<StoredTensor>& tensors, std::vector<StoredRegion>& regions) {
    StoredTensor tensor;
    tensor.info.name = entry.name;
    tensor.info.encoding = {.kind = TensorEncoding::Kind::plain, .dtype = entry.dtype};
    tensor.info.shape = entry.shape;
    tensor.info.stored_bytes = entry.bytes;
    tensor.data = {source, entry.offset};
    tensors.push_back(std::move(tensor));
    regions.push_back({entry.name, source, entry.offset, entry.bytes, std::nullopt, false});
}

Result<std::shared_ptr<Checkpoint>> open_safetensors(std::shared_ptr<ByteSource> source,
                                                     const std::string& folder) {
    FP4_ASSIGN(SafetensorsHeader header, read_safetensors_header(*source));
    if (is_fp4(header)) return open_fp4(std::move(source), header);
    StoredCheckpoint::Contents contents;
    contents.name = source->name();
    contents.kind = "safetensors";
    for (const SafetensorsEntry& entry : header.entries) {
        append_safetensors_tensor(entry, source, contents.tensors, contents.regions);
    }
    if (!folder.empty()) contents.documents = folder_documents(folder);
    return std::shared_ptr<Checkpoint>(std::make_shared<StoredCheckpoint>(std::move(contents)));
}

} // namespace fp4
