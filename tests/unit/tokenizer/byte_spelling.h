// The way back of libfp4/text/tokenizer/byte_level.h: bytes spelled in GPT-2's alphabet, as files have them.
#pragma once

#include <string>
#include <string_view>

namespace fp4::test {

std::string byte_level_spelling(std::string_view bytes);

} // namespace fp4::test
