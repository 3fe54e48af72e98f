-- The library's log, drained by polling: a callback into Lua would be slow and unsafe.
local ffi = require("ffi")
local argument = require("fp4.argument")
local buffer = require("fp4.buffer")
local lib = require("fp4.library")
local status = require("fp4.status")

local log = {}

local level_numbers = { error = lib.FP4_LOG_ERROR, warning = lib.FP4_LOG_WARNING, info = lib.FP4_LOG_INFO,
    debug = lib.FP4_LOG_DEBUG }
local level_names = {}
for name, number in pairs(level_numbers) do level_names[number] = name end
local check_level = argument.name(level_numbers)

local level = ffi.new("int32_t[1]")

local function next_message()
    level[0] = 0
    local text = buffer.text(function(out, capacity, needed)
        local result = lib.fp4_log_read(level, out, capacity, needed)
        if result == lib.FP4_DONE then needed[0] = 0 end
        return result == lib.FP4_DONE and 0 or result
    end)
    if level[0] == 0 then return nil end
    return level_names[level[0]], text
end

--- Iterates over the unread messages, oldest first: `for level, text in fp4.log() do`. The last 256 are kept.
---@return fun(): string?, string? next level ("error", "warning", "info", "debug") and text
function log.messages()
    return next_message
end

--- Keeps messages up to this level ("warning" at the start) for the whole process, and replaces a C program's log sink.
---@param name "error"|"warning"|"info"|"debug"
function log.set_level(name)
    local result = lib.fp4_set_log(nil, check_level(name, "level"), nil)
    if result < 0 then status.failed(result) end
end

return log
