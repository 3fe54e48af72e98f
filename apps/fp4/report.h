#pragma once

#include <fp4.h>

#include <string>
#include <string_view>

#include "exit_code.h"

namespace fp4::program {

/// Prints "fp4: message" to standard error, clear of a progress bar, and returns exit_failure.
int fail(std::string_view message);

/// The same for a failed call of the library: its message of this thread, and what to do next where the
/// status tells. Returns the exit code that belongs to the status.
int fail(fp4_status status);

/// The same where the message was taken earlier: every call of the library replaces it, closing a handle
/// included.
int fail(fp4_status status, std::string message);

/// For a combination of arguments that cannot work; returns exit_usage.
int usage_error(std::string_view command, std::string_view message);

/// One line to standard error, clear of a progress bar.
void note(std::string_view line);

/// Prints the library's log messages up to this level (FP4_LOG_*) to standard error.
void show_log(int32_t level);

} // namespace fp4::program
