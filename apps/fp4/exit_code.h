#pragma once

namespace fp4::program {

/// What the program tells its caller; documented in apps/README.md and the man page.
enum ExitCode : int {
    exit_ok = 0,
    exit_failure = 1,
    exit_usage = 2,
    exit_cancelled = 130 // 128 + SIGINT, as shells count
};

} // namespace fp4::program
