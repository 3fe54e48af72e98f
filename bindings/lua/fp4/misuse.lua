-- Wrong use of the module is an error at the line of the caller, however deep in the module it was noticed.
local ffi = require("ffi")

local misuse = {}

-- "@/some/where/fp4/"; this file's siblings share it, fp4.lua lies beside the folder.
local own_folder = debug.getinfo(1, "S").source:match("^(.*)misuse%.lua$")
local own_entry = own_folder:sub(1, -2) .. ".lua"

local function is_own(source)
    return source == "=[C]" or source == own_entry or source:sub(1, #own_folder) == own_folder
end

--- Raises an error that names the caller's line.
function misuse.raise(message)
    local level = 2
    local info = debug.getinfo(level, "S")
    while info and is_own(info.source) do
        level = level + 1
        info = debug.getinfo(level, "S")
    end
    error("fp4: " .. message, info and level or 0)
end

local function described(value)
    if type(value) == "string" then return ("the string %q"):format(value:sub(1, 40)) end
    if type(value) == "number" or type(value) == "boolean" or value == nil then return tostring(value) end
    if type(value) == "cdata" then return "a " .. tostring(ffi.typeof(value)) end
    return "a " .. type(value)
end

--- Raises "NAME must be WANTED, not VALUE".
function misuse.wrong(name, wanted, value)
    return misuse.raise(name .. " must be " .. wanted .. ", not " .. described(value))
end

return misuse
