-- What models can run on.
local ffi = require("ffi")
local argument = require("fp4.argument")
local buffer = require("fp4.buffer")
local lib = require("fp4.library")
local misuse = require("fp4.misuse")
local status = require("fp4.status")

--- A device that models can run on.
---@class fp4.Device
---@field id string what the option `device` takes
---@field name string
---@field details string instruction sets or driver; why it is not usable
---@field usable boolean
---@field memory_total integer bytes
---@field memory_free integer bytes, when the list was made
---@field memory_used integer bytes that the library held there, when the list was made
---@field memory_limit integer of `limit`, when the list was made; 0: none
local Device = {}
Device.__index = Device
Device.__tostring = function(self) return "fp4.Device " .. self.id end

local device = { Device = Device }

local numbers = { "memory_total", "memory_free", "memory_used", "memory_limit" }
local texts = { "id", "name", "details" }

--- All devices.
---@return fp4.Device[]
function device.list()
    local devices = {}
    for i = 1, lib.fp4_device_count() do
        local struct = ffi.new("fp4_device_info", ffi.sizeof("fp4_device_info"))
        local result = lib.fp4_device_info_get(i - 1, struct)
        if result < 0 then return status.failed(result) end
        local entry = buffer.record(struct, numbers, texts)
        entry.usable = bit.band(struct.flags, lib.FP4_DEVICE_USABLE) ~= 0
        devices[i] = setmetatable(entry, Device)
    end
    return devices
end

local used = ffi.new("uint64_t[1]")
local available = ffi.new("uint64_t[1]")

--- Bytes that the library holds on the device now, and what it may still take: what is free there, or less where
--- `limit` says so. Cheap enough for every frame.
---@return integer? used
---@return integer|string available or the message
---@return string? code
function Device:memory()
    if getmetatable(self) ~= Device then misuse.wrong("self", "a fp4.Device", self) end
    local result = lib.fp4_device_memory(self.id, used, available)
    if result < 0 then return status.failed(result) end
    return tonumber(used[0]), tonumber(available[0])
end

--- The most bytes the library may hold on the device, from now on; 0: no limit. What does not fit then fails with code
--- "memory". A limit below what is held already is misuse.
---@param bytes integer
---@return boolean? done
---@return string? message
---@return string? code
function Device:limit(bytes)
    if getmetatable(self) ~= Device then misuse.wrong("self", "a fp4.Device", self) end
    local result = lib.fp4_device_limit(self.id, argument.size(bytes, "bytes"))
    if result < 0 then return status.failed(result) end
    return true
end

return device
