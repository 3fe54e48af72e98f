-- A conversation in the terminal.
--   fp4 lua chat.lua MODEL [SYSTEM_MESSAGE]
local fp4 = require("fp4")

local path, system = ...
if not path then
    io.stderr:write("usage: fp4 lua chat.lua MODEL [SYSTEM_MESSAGE]\n")
    os.exit(2)
end

local model = assert(fp4.open(path))
local context = assert(model:context())
local messages = {}
if system then messages[1] = { role = "system", content = system } end

--- Keeps what the context already holds of the conversation and gives the tokens that are new.
local function new_tokens()
    local wanted = assert(model:tokenize(assert(model:chat(messages)), { parse_special = true }))
    local held = assert(context:tokens())
    local same = 0
    while same < #held and same < #wanted - 1 and held[same + 1] == wanted[same + 1] do same = same + 1 end
    assert(context:truncate(same))
    local rest = {}
    for i = same + 1, #wanted do rest[#rest + 1] = wanted[i] end
    return rest
end

local function answer()
    local generation, message = context:generate({
        tokens = new_tokens(),
        max_tokens = 512, -- small models do not always find an end
        sampling = { temperature = 0.7, top_p = 0.9, repetition_penalty = 1.1, seed = os.time() },
    })
    if not generation then return nil, message end
    local pieces = {}
    for piece in generation:pieces() do
        io.write(piece)
        io.flush()
        pieces[#pieces + 1] = piece
    end
    local stats = generation:stats()
    generation:close()
    io.stderr:write(("\n(%d tokens, %.1f a second)\n"):format(stats.generated_tokens, stats.decode_tokens_per_second))
    return (table.concat(pieces):gsub("%z", "")) -- a message cannot hold zero bytes
end

while true do
    io.stderr:write("> ")
    local line = io.read("*l")
    if not line then break end
    messages[#messages + 1] = { role = "user", content = line }
    local text, message = answer()
    if not text then
        io.stderr:write(message, "\n")
        break
    end
    messages[#messages + 1] = { role = "assistant", content = text }
end
context:close()
model:close()
