#include <clocale>
#include <exception>
#include <new>
#include <type_traits>
#include <variant>

#include "commands.h"
#include "interrupt.h"
#include "options.h"
#include "report.h"

namespace fp4::program {
namespace {

int run_program(int argc, char** argv) {
    const Command command = parse_arguments(argc, argv);
    return std::visit(
        [](const auto& options) -> int {
            if constexpr (std::is_same_v<std::decay_t<decltype(options)>, int>) {
                return options;
            } else {
                if (!options.output.quiet) show_log(FP4_LOG_WARNING);
                interrupt::install();
                return execute(options);
            }
        },
        command);
}

} // namespace
} // namespace fp4::program

int main(int argc, char** argv) {
    // For line editing in UTF-8; numbers keep their point.
    std::setlocale(LC_CTYPE, "");
    try {
        return fp4::program::run_program(argc, argv);
    } catch (const std::bad_alloc&) {
        return fp4::program::fail("no memory left; close other programs or take a smaller model");
    } catch (const std::exception& error) {
        return fp4::program::fail(error.what());
    }
}
