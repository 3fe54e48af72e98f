#pragma once

#include "options.h"

namespace fp4::program {

/// The commands, one file each. They print their own errors and return the exit code.
int execute(const InfoOptions& options);
int execute(const QuantizeOptions& options);
int execute(const RunOptions& options);
int execute(const ChatOptions& options);
int execute(const EvalOptions& options);
int execute(const ReportOptions& options);
int execute(const BenchOptions& options);
int execute(const DevicesOptions& options);
int execute(const CheckOptions& options);
int execute(const LuaOptions& options);

} // namespace fp4::program
