-- The marked part of fp4.h is valid for LuaJIT's ffi.cdef, its structs have the layout of ABI 0, and a call works.
-- luajit header_lua_test.lua FP4_H LAYOUT_INC LIBRARY
local ffi = require("ffi")

local function read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

local header = read(arg[1])
local _, first = header:find("/%* <cdef>.-%*/")
local last = header:find("/* </cdef> */", 1, true)
assert(first and last and first < last, "fp4.h has lost its <cdef> markers")
ffi.cdef((header:sub(first + 1, last - 1):gsub("FP4_API ", "")))

local checked = 0
for name, bytes in read(arg[2]):gmatch("FP4_STRUCT%(([%w_]+), (%d+)%)") do
    assert(ffi.sizeof(name) == tonumber(bytes), name .. " has another size in LuaJIT: " .. ffi.sizeof(name))
    checked = checked + 1
end
for name, field, offset in read(arg[2]):gmatch("FP4_FIELD%(([%w_]+), ([%w_]+), (%d+), %d+%)") do
    assert(ffi.offsetof(name, field) == tonumber(offset), name .. "." .. field .. " moved in LuaJIT")
    checked = checked + 1
end
assert(checked > 100, "layout.inc was not understood")

local fp4 = ffi.load(arg[3])
local version = header:match("#define FP4_VERSION_MAJOR (%d+)") * 10000
    + header:match("#define FP4_VERSION_MINOR (%d+)") * 100
    + header:match("#define FP4_VERSION_PATCH (%d+)")
assert(fp4.fp4_version() == version, "library and header differ in version")
assert(ffi.string(fp4.fp4_status_name(ffi.C.FP4_E_LIMIT)) == "FP4_E_LIMIT")
local sampling = ffi.new("fp4_sampling")
assert(fp4.fp4_sampling_init(sampling, ffi.sizeof(sampling)) == 0 and sampling.top_k == 40)
print(checked .. " sizes and offsets agree")
