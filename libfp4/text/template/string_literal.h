#pragma once

#include <string>
#include <string_view>

#include "libfp4/base/result.h"

namespace fp4::chat {

// The escapes of a Python string literal: \n \t \\ \' \" \xHH \uXXXX \UXXXXXXXX \ooo; unknown ones stay as
// they are.
Result<std::string> unescape(std::string_view literal);

} // namespace fp4::chat
