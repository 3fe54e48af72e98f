-- Finds the module, the library and the model, and says what to do when one is missing.
local setup = {}

local function exists(path)
    local file = io.open(path, "rb")
    if file then file:close() end
    return file ~= nil
end

--- The module of the checkout this game is part of, unless another is on Lua's path already.
local function add_module_path()
    local game = love.filesystem.getSource()
    package.path = package.path .. ";" .. game .. "/../../bindings/lua/?.lua"
end

--- The newest model that apps/demo.sh has made, or nil.
local function demo_model()
    local cache = os.getenv("XDG_CACHE_HOME") or ((os.getenv("HOME") or "") .. "/.cache")
    local listing = io.popen("ls -t '" .. cache:gsub("'", "'\\''") .. "'/fp4/*.fp4 2>/dev/null")
    if not listing then return nil end
    local newest = listing:read("*l")
    listing:close()
    return newest
end

local no_library = [[
The library libfp4 is missing.

%s

Build it (or let apps/demo.sh do that), then say where it is:

    sh apps/demo.sh
    FP4_LIBRARY=build-release/api/libfp4.so love apps/love-npc]]

local no_model = [[
There is no model%s.

Make the demo model, or name one (a .fp4 or .gguf file, or a Hugging Face folder):

    sh apps/demo.sh
    love apps/love-npc MODEL]]

--- The module, and the path of the model; or nil and a message.
function setup.find(model_path)
    add_module_path()
    local fine, fp4 = pcall(require, "fp4")
    if not fine then return nil, no_library:format((tostring(fp4):gsub("^.-: fp4: ", ""):match("^[^\n]*"))) end
    if model_path and not exists(model_path) then return nil, no_model:format(" " .. model_path) end
    model_path = model_path or demo_model()
    if not model_path then return nil, no_model:format(" yet") end
    return fp4, model_path
end

return setup
