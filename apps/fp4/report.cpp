#include "report.h"

#include <cstdio>

#include "human.h"
#include "progress.h"

namespace fp4::program {
namespace {

/// What a user can do about a status beyond what the library's message says.
const char* next_step(fp4_status status) {
    switch (status) {
        case FP4_E_MEMORY:
            return "try a smaller --ctx, or a model quantized to fewer bits";
        case FP4_E_CORRUPT:
            return "fetch or quantize the file again";
        case FP4_E_VERSION:
            return "install a newer fp4";
        case FP4_E_INTERNAL:
            return "this is a bug in fp4; please report it with the command line";
        case FP4_E_DEVICE:
        case FP4_E_DEVICE_LOST:
            return "see 'fp4 devices', or use --device cpu";
        default:
            return nullptr;
    }
}

void print_log(int32_t level, const char* text, void*) {
    static const char* const names[] = {"", "error: ", "warning: ", "", "debug: "};
    const char* name = level >= 1 && level <= 4 ? names[level] : "";
    note(std::string("fp4: ") + name + text);
}

} // namespace

void note(std::string_view line) {
    const ProgressPause pause;
    const std::string text = printable(line) + "\n";
    std::fwrite(text.data(), 1, text.size(), stderr);
}

int fail(std::string_view message) {
    note(std::string("fp4: ").append(message));
    return exit_failure;
}

int fail(fp4_status status) {
    return fail(status, fp4_last_error());
}

int fail(fp4_status status, std::string message) {
    if (status == FP4_E_CANCELLED) {
        note("fp4: cancelled");
        return exit_cancelled;
    }
    if (message.empty()) message = std::string("failed: ") + fp4_status_name(status);
    if (const char* step = next_step(status)) message.append("; ").append(step);
    return fail(message);
}

int usage_error(std::string_view command, std::string_view message) {
    std::string text = std::string("fp4: ").append(message).append("\nSee 'fp4 ");
    if (!command.empty()) text.append(command).append(" ");
    note(text.append("--help'."));
    return exit_usage;
}

void show_log(int32_t level) {
    fp4_set_log(print_log, level, nullptr);
}

} // namespace fp4::program
