-- Calls that fill a buffer of the caller: (buffer, capacity, needed).
local ffi = require("ffi")
local lib = require("fp4.library")
local status = require("fp4.status")

local buffer = {}

local first_capacity = 4096
local shared = ffi.new("char[?]", first_capacity)
local needed = ffi.new("size_t[1]")

--- The text that call(buffer, capacity, needed) gives; or nil, message, code.
function buffer.text(call)
    local result = call(shared, first_capacity, needed)
    if result == 0 then return ffi.string(shared, needed[0]) end
    while result == lib.FP4_E_SPACE do -- again where it grew meanwhile
        local capacity = tonumber(needed[0])
        local larger = ffi.new("char[?]", capacity)
        result = call(larger, capacity, needed)
        if result == 0 then return ffi.string(larger, needed[0]) end
    end
    return status.failed(result)
end

--- The array of token ids that call(buffer, capacity, needed) gives; or nil, message, code.
function buffer.tokens(call, capacity)
    local ids, result
    repeat
        ids = ffi.new("int32_t[?]", capacity)
        result = call(ids, capacity, needed)
        capacity = tonumber(needed[0])
    until result ~= lib.FP4_E_SPACE
    if result < 0 then return status.failed(result) end
    local tokens = {}
    for i = 1, capacity do tokens[i] = ids[i - 1] end
    return tokens
end

--- A table of the named fields of a struct that the library filled: 64-bit counts become numbers, text becomes strings.
function buffer.record(struct, numbers, texts)
    local record = {}
    for _, name in ipairs(numbers) do record[name] = tonumber(struct[name]) end
    for _, name in ipairs(texts or {}) do record[name] = ffi.string(struct[name]) end
    return record
end

return buffer
