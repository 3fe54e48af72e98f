"""Writes fp4/cdef.lua, the declarations of api/fp4.h for LuaJIT: python3 cdef.py FP4_H CDEF_LUA."""

import re
import sys

TEXT = """\
-- Generated from api/fp4.h by bindings/lua/make/cdef.py: do not edit.
local ffi = require("ffi")

-- LuaJIT refuses to declare a struct twice; the module may be loaded again in one Lua state.
if not pcall(ffi.typeof, "{last_type}") then
    ffi.cdef([[
{declarations}]])
end

return {{ version = {version}, abi = {abi} }}
"""


def generate(header):
    marked = re.search(r"/\* <cdef>.*?\*/\n(.*)/\* </cdef> \*/", header, re.S)
    if not marked:
        sys.exit("cdef.py: the header has lost its <cdef> markers")
    code = re.sub(r"/\*.*?\*/", "", marked[1], flags=re.S).replace("FP4_API ", "")
    lines = [line.rstrip() for line in code.splitlines() if line.strip()]

    def number(name):
        return int(re.search(rf"#define {name} (\d+)", header)[1])

    version = number("FP4_VERSION_MAJOR") * 10000 + number("FP4_VERSION_MINOR") * 100 + number("FP4_VERSION_PATCH")
    last_type = re.findall(r"^\} (\w+);$", "\n".join(lines), re.M)[-1]
    return TEXT.format(declarations="\n".join(lines) + "\n", last_type=last_type, version=version, abi=number("FP4_ABI"))


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as header_file:
        text = generate(header_file.read())
    with open(sys.argv[2], "w", encoding="utf-8") as cdef_file:
        cdef_file.write(text)
