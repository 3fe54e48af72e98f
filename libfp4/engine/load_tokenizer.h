// The tokenizer that travels with a checkpoint.
#pragma once

#include <memory>

#include "libfp4/io/checkpoint.h"

namespace fp4 {

class Tokenizer;

// Null when the checkpoint carries none.
Result<std::shared_ptr<const Tokenizer>> load_tokenizer(const Checkpoint& checkpoint);
// Status::unsupported with the next step when there is none.
Error missing_tokenizer(const Checkpoint& checkpoint);

} // namespace fp4
