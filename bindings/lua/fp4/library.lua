-- Finds and loads the shared library: FP4_LIBRARY, beside this module, then where the system looks.
local ffi = require("ffi")
local cdef = require("fp4.cdef")
local misuse = require("fp4.misuse")

local function file_names()
    local abi = cdef.abi
    if ffi.os == "Windows" then return { "fp4-" .. abi .. ".dll", "fp4.dll" } end
    if ffi.os == "OSX" then return { "libfp4." .. abi .. ".dylib", "libfp4.dylib" } end
    return { "libfp4.so." .. abi, "libfp4.so" }
end

local function exists(path)
    local file = io.open(path, "rb")
    if file then file:close() end
    return file ~= nil
end

--- The library and where it came from.
local function find()
    local chosen = os.getenv("FP4_LIBRARY")
    if chosen and chosen ~= "" then
        local loaded, library = pcall(ffi.load, chosen)
        if loaded then return library, chosen end
        misuse.raise("cannot load the library that FP4_LIBRARY names: " .. library)
    end
    local here = debug.getinfo(1, "S").source:match("^@(.*)fp4[/\\]library%.lua$")
    local tried = {}
    for _, name in ipairs(file_names()) do
        if here and exists(here .. name) then
            local loaded, library = pcall(ffi.load, here == "" and "./" .. name or here .. name)
            if loaded then return library, here .. name end
            misuse.raise("cannot load the library beside the module: " .. library)
        end
        tried[#tried + 1] = (here or "") .. name
    end
    for _, name in ipairs(file_names()) do
        local loaded, library = pcall(ffi.load, name)
        if loaded then return library, name end
        tried[#tried + 1] = library
    end
    misuse.raise("cannot find the library; set FP4_LIBRARY to the path of libfp4 or install it. Tried:\n  "
        .. table.concat(tried, "\n  "))
end

local function version_text(version)
    return ("%d.%d.%d"):format(math.floor(version / 10000), math.floor(version / 100) % 100, version % 100)
end

local function check_version(library, path)
    local known, version = pcall(function() return library.fp4_version() end)
    if not known then misuse.raise(path .. " is not libfp4: it has no fp4_version") end
    local same_major = math.floor(version / 10000) == math.floor(cdef.version / 10000)
    if version < cdef.version or not same_major then
        misuse.raise(("%s is version %s of libfp4, but this module needs %s; install matching versions of both"):format(
            path, version_text(version), version_text(cdef.version)))
    end
end

local library, path = find()
check_version(library, path)

-- Handles that are still open when everything else is collected close themselves with functions of the library, so it
-- must never be unloaded before the Lua state ends.
debug.getregistry()["fp4.library." .. path] = library

return library
