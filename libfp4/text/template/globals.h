// The functions every template can call: range, dict, namespace, raise_exception, strftime_now.
#pragma once

#include <array>
#include <ctime>

#include "libfp4/text/template/heap.h"

namespace fp4::chat {

inline constexpr std::array<std::string_view, 5> builtin_names{"range", "dict", "namespace",
                                                               "raise_exception", "strftime_now"};
Result<Value> call_builtin(Heap& heap, std::string_view name, const Arguments& arguments, const std::tm& now);

// strftime in the C locale, whatever locale the host program has set.
Result<std::string> format_time(const Heap& heap, std::string_view format, const std::tm& time);

} // namespace fp4::chat
