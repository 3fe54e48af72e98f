-- What all classes with a C handle share: closing, the finalizer as a net, the check of self.
local ffi = require("ffi")
local misuse = require("fp4.misuse")

local object = {}

--- A class named "fp4.NAME" whose handles `free` frees.
function object.class(name, free)
    local class = { _name = "fp4." .. name, _free = free }
    class.__index = class
    class.__tostring = function(self) return class._name .. (self._handle and " (open)" or " (closed)") end
    return class
end

--- Wraps a handle. The finalizer is only a net: Lua does not know how much memory hangs on a handle.
--- `parents` stay alive as long as the object is open.
function object.new(class, handle, parents)
    return setmetatable({ _handle = ffi.gc(handle, class._free), _parents = parents }, class)
end

--- The open handle of an object of this class; anything else is misuse.
function object.handle(self, class, name)
    if getmetatable(self) ~= class then misuse.wrong(name or "self", "a " .. class._name, self) end
    local handle = self._handle
    if handle == nil then misuse.raise("this " .. class._name .. " is closed") end
    return handle
end

--- Frees the handle at once; a second time does nothing.
function object.close(self, class)
    if getmetatable(self) ~= class then misuse.wrong("self", "a " .. class._name, self) end
    local handle = self._handle
    if handle == nil then return end
    self._handle = nil
    self._parents = nil
    class._free(ffi.gc(handle, nil))
end

return object
