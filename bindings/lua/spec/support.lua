-- What the specs share: the models of tests/golden, temporary files, checks of errors.
local assert = require("luassert")

local support = {}

local root = assert(os.getenv("FP4_SOURCE_ROOT"), "FP4_SOURCE_ROOT is not set")
support.root = root
support.tiny = root .. "/tests/golden/models/llama" -- random weights, 128 tokens of context, a chat template
support.gguf = root .. "/tests/golden/models/qwen2/model.gguf"
support.text_file = root .. "/apps/demo_text.txt"
support.no_model = root .. "/README.md"

--- How much less work a build with sanitizers does.
support.scale = tonumber(os.getenv("FP4_TEST_SCALE") or "1")

function support.read(path)
    local file = assert(io.open(path, "rb"))
    local text = file:read("*a")
    file:close()
    return text
end

function support.write(path, text)
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
    return path
end

local temporary = {}

--- A path for a file of this spec.
function support.path(ending)
    local path = os.tmpname()
    os.remove(path)
    path = path .. (ending or "")
    temporary[#temporary + 1] = path
    return path
end

--- The tiny model with room for so many tokens: its positions are rotations, so any length works. A folder.
function support.long_model(tokens)
    local folder = support.path()
    assert(os.execute("mkdir '" .. folder .. "'") == 0)
    for _, name in ipairs({ "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json" }) do
        local text = support.read(support.tiny .. "/" .. name)
        if name == "config.json" then
            text = text:gsub('("max_position_embeddings": )%d+', "%1" .. tokens)
        end
        temporary[#temporary + 1] = support.write(folder .. "/" .. name, text)
    end
    return folder
end

--- Removes the files of this spec; a folder after what is in it.
function support.clean()
    for i = #temporary, 1, -1 do os.remove(temporary[i]) end
    temporary = {}
end

--- The call is misuse: an error at the line of the function `call` (which must be one line) that contains `words`.
function support.misuse(words, call)
    local info = debug.getinfo(call, "S")
    local fine, message = pcall(call)
    assert.is_false(fine, "no error; expected: " .. words)
    local place = info.short_src .. ":" .. info.linedefined .. ": fp4: "
    assert.are.equal(place, tostring(message):sub(1, #place), "error: " .. tostring(message))
    assert.is_truthy(message:find(words, 1, true), "error: " .. message .. "\nexpected: " .. words)
end

--- The results are nil, a message that contains `words`, and the code.
function support.failure(words, code, ...)
    local value, message, found = ...
    assert.is_nil(value)
    assert.is_string(message)
    assert.is_truthy(message:find(words, 1, true), message)
    assert.are.equal(code, found)
    assert.are.equal(3, select("#", ...))
end

--- Resident memory of this process in bytes.
function support.resident()
    local file = assert(io.open("/proc/self/statm", "rb"))
    local pages = file:read("*a"):match("^%d+ (%d+)")
    file:close()
    return tonumber(pages) * 4096
end

return support
