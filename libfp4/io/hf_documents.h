// The documents of a Hugging Face folder: known file names that exist in it, read when asked for.
#pragma once

#include <string>

#include "libfp4/io/stored_checkpoint.h"

namespace fp4 {

StoredCheckpoint::Documents folder_documents(const std::string& folder);

} // namespace fp4
