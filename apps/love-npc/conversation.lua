-- What was said, and the tokens of it that the model has not seen yet.
local Conversation = {}
Conversation.__index = Conversation

--- `persona`: the system message. `messages`: what was said before (role "user" or "assistant").
function Conversation.new(persona, messages)
    return setmetatable({ persona = persona, messages = messages or {} }, Conversation)
end

function Conversation:add(role, text)
    -- A message cannot hold zero bytes, and an empty one says nothing.
    text = text:gsub("%z", "")
    if text ~= "" then self.messages[#self.messages + 1] = { role = role, content = text } end
end

--- The tokens of the persona and the messages from the given one on.
local function render(self, model, first)
    local list = { { role = "system", content = self.persona } }
    for i = first, #self.messages do list[#list + 1] = self.messages[i] end
    local prompt, message = model:chat(list)
    if not prompt then return nil, message end
    return model:tokenize(prompt, { parse_special = true })
end

--- Makes the context hold the longest common beginning of what it holds and what it should hold, and gives the tokens
--- that are missing. The oldest messages are left out where `room` tokens would not remain for the answer.
function Conversation:missing_tokens(model, context, room)
    local capacity = context:info().capacity
    local wanted, message
    for first = 1, #self.messages do
        wanted, message = render(self, model, first)
        if not wanted then return nil, message end
        if #wanted + room <= capacity then break end
    end
    local held = context:tokens()
    local same = 0
    while same < #held and same < #wanted - 1 and held[same + 1] == wanted[same + 1] do same = same + 1 end
    local done
    done, message = context:truncate(same)
    if not done then return nil, message end
    local rest = {}
    for i = same + 1, #wanted do rest[#rest + 1] = wanted[i] end
    return rest
end

return Conversation
