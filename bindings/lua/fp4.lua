--- Language models in 4-bit microscaling floating point: run, stream, quantize, measure.
---
--- Expected failures give nil, a message and a code ("not_found", "io", "memory", "cancelled", "busy" ...).
--- Misuse is an error at the caller's line: a closed object, a wrong type, an unknown option, a file that is not what
--- it is taken for. Objects with `close` are freed by it at once; the garbage collector is only a net.

local ffi = require("ffi")
local lib = require("fp4.library")
local check = require("fp4.check")
local codec = require("fp4.codec")
local device = require("fp4.device")
local evaluate = require("fp4.evaluate")
local json = require("fp4.json")
local log = require("fp4.log")
local misuse = require("fp4.misuse")
local model = require("fp4.model")
local op_bench = require("fp4.op_bench")
local quantize = require("fp4.quantize")
local source = require("fp4.source")
local tasks = require("fp4.tasks")

---@class fp4
local fp4 = {
    open = model.open,
    open_job = model.open_job,
    describe = source.describe,
    plan = source.plan,
    check = check.start,
    quantize = quantize.start,
    evaluate = evaluate.start,
    tasks = tasks.start,
    op_bench = op_bench.start,
    devices = device.list,
    log = log.messages,
    set_log_level = log.set_level,
    quantize_rows = codec.quantize_rows,
    dequantize_rows = codec.dequantize_rows,
    json = json,
}

--- The library's version: major * 10000 + minor * 100 + patch.
---@return integer
function fp4.version()
    return lib.fp4_version()
end

--- One line: version, compiler, backends and instruction sets.
---@return string
function fp4.build_info()
    return ffi.string(lib.fp4_build_info())
end

--- Host memory of the library's own code: bytes now, and at most so far.
---@return integer now
---@return integer high_water
function fp4.memory_used()
    local counts = ffi.new("uint64_t[2]")
    lib.fp4_memory_used(counts, counts + 1)
    return tonumber(counts[0]), tonumber(counts[1])
end

local function close_after(object, fine, ...)
    object:close()
    if not fine then error((...), 0) end
    return ...
end

--- Calls `body(object)` and closes the object afterwards, also after an error; gives what the body gives.
---@generic T
---@param object T
---@param body fun(object: T): ...
---@return any ...
function fp4.with(object, body)
    if type(object) ~= "table" or type(object.close) ~= "function" then
        misuse.wrong("object", "something that can be closed", object)
    end
    if type(body) ~= "function" then misuse.wrong("body", "a function", body) end
    return close_after(object, pcall(body, object))
end

return fp4
