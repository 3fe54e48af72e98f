// Runs a Lua script in this process. The module fp4 and its files are carried in the program and use the
// library that the program uses.
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>

#include <cstdio>
#include <lua.hpp>
#include <memory>

#include "commands.h"
#include "report.h"

namespace fp4::program {
namespace {

struct EmbeddedModule {
    const char* name;
    const char* text;
};

const EmbeddedModule embedded_modules[] = {
#include "lua_module.inc"
};

using State = std::unique_ptr<lua_State, decltype(&lua_close)>;

lua_State* interrupted_state = nullptr; // what the signal handler stops
volatile sig_atomic_t interrupted = 0;

void stop_script(lua_State* state, lua_Debug*) {
    lua_sethook(state, nullptr, 0, 0);
    luaL_error(state, "interrupted");
}

/// As LuaJIT's own interpreter does it: the script ends at its next call, return or instruction. A second
/// signal ends the process, for compiled loops do not look for the hook.
extern "C" void fp4_on_lua_signal(int signal_number) {
    signal(signal_number, SIG_DFL);
    interrupted = 1;
    lua_sethook(interrupted_state, stop_script, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

void catch_signals(lua_State* state) {
    interrupted_state = state;
    for (const int signal_number : {SIGINT, SIGTERM}) {
        struct sigaction action {};
        if (sigaction(signal_number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) continue;
        action = {};
        action.sa_handler = fp4_on_lua_signal;
        action.sa_flags = SA_RESTART;
        sigemptyset(&action.sa_mask);
        sigaction(signal_number, &action, nullptr);
    }
}

void release_signals() {
    for (const int signal_number : {SIGINT, SIGTERM}) signal(signal_number, SIG_DFL);
}

/// package.loaders finds a module here before it looks for files. The chunk names look like paths, for the
/// module tells its own lines from the script's by them.
int load_embedded(lua_State* state) {
    const auto* module = static_cast<const EmbeddedModule*>(lua_touserdata(state, lua_upvalueindex(1)));
    std::string path = module->name;
    for (char& c : path) c = c == '.' ? '/' : c;
    path = "@(fp4)/" + path + ".lua";
    if (luaL_loadbuffer(state, module->text, std::char_traits<char>::length(module->text), path.c_str()) !=
        0) {
        path.clear();
        path.shrink_to_fit(); // lua_error does not run destructors
        return lua_error(state);
    }
    lua_pushvalue(state, 1);
    lua_call(state, 1, 1);
    return 1;
}

void add_modules(lua_State* state) {
    lua_getglobal(state, "package");
    lua_getfield(state, -1, "preload");
    for (const EmbeddedModule& module : embedded_modules) {
        lua_pushlightuserdata(state, const_cast<EmbeddedModule*>(&module));
        lua_pushcclosure(state, load_embedded, 1);
        lua_setfield(state, -2, module.name);
    }
    lua_pop(state, 2);
}

/// The module loads the library by its path: the one that is loaded already.
void name_library() {
    Dl_info info{};
    if (dladdr(reinterpret_cast<void*>(&fp4_version), &info) != 0 && info.dli_fname) {
        setenv("FP4_LIBRARY", info.dli_fname, 1);
    }
}

/// The global table arg, as other Lua interpreters give it.
void set_arguments(lua_State* state, const std::vector<std::string>& script) {
    lua_createtable(state, static_cast<int>(script.size()) - 1, 1);
    for (size_t i = 0; i < script.size(); ++i) {
        lua_pushlstring(state, script[i].data(), script[i].size());
        lua_rawseti(state, -2, static_cast<int>(i));
    }
    lua_setglobal(state, "arg");
}

int describe_error(lua_State* state) {
    const char* message = lua_tostring(state, 1);
    if (lua_isnil(state, 1)) return 1; // error(): a script that ends with nothing to say
    if (!message && luaL_callmeta(state, 1, "__tostring") && lua_isstring(state, -1)) return 1;
    if (!message) message = lua_pushfstring(state, "(error object is a %s)", luaL_typename(state, 1));
    luaL_traceback(state, state, message, 1);
    return 1;
}

int run_script(lua_State* state) {
    const auto& script = *static_cast<const std::vector<std::string>*>(lua_touserdata(state, 1));
    luaL_openlibs(state);
    add_modules(state);
    set_arguments(state, script);
    if (luaL_loadfile(state, script[0] == "-" ? nullptr : script[0].c_str()) != 0) return lua_error(state);
    for (size_t i = 1; i < script.size(); ++i) lua_pushlstring(state, script[i].data(), script[i].size());
    lua_call(state, static_cast<int>(script.size()) - 1, 0);
    return 0;
}

} // namespace

int execute(const LuaOptions& options) {
    name_library();
    const State state(luaL_newstate(), lua_close);
    if (!state) return fail("no memory for a Lua state");
    catch_signals(state.get());
    lua_pushcfunction(state.get(), describe_error);
    lua_pushcfunction(state.get(), run_script);
    lua_pushlightuserdata(state.get(), const_cast<std::vector<std::string>*>(&options.script));
    const int failed = lua_pcall(state.get(), 1, 0, 1);
    release_signals();
    if (failed == 0) return exit_ok;
    if (interrupted) {
        note("fp4: interrupted");
        return exit_cancelled;
    }
    // A message of several lines, which note() would join.
    if (!lua_isnil(state.get(), -1)) std::fprintf(stderr, "fp4: %s\n", lua_tostring(state.get(), -1));
    return exit_failure;
}

} // namespace fp4::program
