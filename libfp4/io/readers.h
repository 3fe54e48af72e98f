// The readers of the containers. open_checkpoint chooses among them; each validates everything it returns.
#pragma once

#include <memory>
#include <string>

#include "libfp4/io/checkpoint.h"
#include "libfp4/io/safetensors_header.h"

namespace fp4 {

// A Hugging Face folder: model.safetensors, or model.safetensors.index.json and its shards.
Result<std::shared_ptr<Checkpoint>> open_hf_folder(const std::string& folder, const OpenOptions& options);
// The same by its shard index, which lies in the folder of the shards.
Result<std::shared_ptr<Checkpoint>> open_hf_index(const std::string& index_path, const OpenOptions& options);
// One safetensors file, which may be a .fp4 file. Plain safetensors take their documents from `folder`, none
// if it is empty.
Result<std::shared_ptr<Checkpoint>> open_safetensors(std::shared_ptr<ByteSource> source,
                                                     const std::string& folder);

// A GGUF file. A part of a split file finds the other parts by its file name.
Result<std::shared_ptr<Checkpoint>> open_gguf(const std::string& path, const OpenOptions& options);
// The same from one source; a part of a split file is refused.
Result<std::shared_ptr<Checkpoint>> open_gguf(std::shared_ptr<ByteSource> source);

// A .fp4 file, whose header was found to be one by is_fp4.
bool is_fp4(const SafetensorsHeader& header);
Result<std::shared_ptr<Checkpoint>> open_fp4(std::shared_ptr<ByteSource> source,
                                             const SafetensorsHeader& header);

} // namespace fp4
