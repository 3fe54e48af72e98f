// "metadata.gguf": the key-value section of a GGUF file as a GGUF v3 file without tensors. It carries a
// model's configuration and tokenizer into a .fp4 file unchanged.
#pragma once

#include <string>

#include "libfp4/io/gguf_parser.h"

namespace fp4 {

inline constexpr std::string_view gguf_document_name = "metadata.gguf";

// Copies the pairs as they stand in `source`, all but the `split.*` ones, which are about the file and not
// the model.
Result<std::string> metadata_document(const ByteSource& source, const std::vector<GgufKeyRange>& keys);

} // namespace fp4
