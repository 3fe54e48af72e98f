// The command 'fp4 lua' of a program that was built without LuaJIT.
#include "commands.h"
#include "report.h"

namespace fp4::program {

int execute(const LuaOptions&) {
    return fail(
        "this program was built without LuaJIT; install libluajit-5.1-dev and configure with "
        "-Dluajit=enabled");
}

} // namespace fp4::program
