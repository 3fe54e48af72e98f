-- A character: a context of its own on the shared model, a conversation, and an answer under way.
local fp4 = require("fp4")
local Conversation = require("conversation")
local storage = require("storage")

local Npc = {}
Npc.__index = Npc

local capacity, answer_tokens = 1024, 120

--- nil and a message if there is no memory for its context.
function Npc.new(model, character, options)
    local context, message = model:context({
        capacity = math.min(capacity, model:info().context_length),
        threads = options.threads,
    })
    if not context then return nil, message end
    local self = setmetatable({
        model = model,
        character = character,
        context = context,
        seed = options.seed,
        restored_tokens = 0,
        saved = true,
    }, Npc)
    self:restore()
    return self
end

--- What the player said before, and the state of the model behind it. Without a readable state the character still
--- knows the words and only has to read them again.
function Npc:restore()
    local record = storage.read_record(self.character.id)
    self.conversation = Conversation.new(self.character.persona, record and record.messages)
    if not record then return end
    local path = storage.state_path(self.character.id)
    -- The state of another model is misuse, so an error.
    local fine, done = pcall(self.context.load, self.context, path)
    if fine and done then self.restored_tokens = self.context:info().used end
end

--- Keeps what was said and the state. Does nothing if nothing changed.
function Npc:save()
    if self.saved then return true end
    local done, message = storage.write_record(self.character.id, { messages = fp4.json.array(self.conversation.messages) })
    if not done then return nil, message end
    done, message = self.context:save(storage.state_path(self.character.id))
    if not done then return nil, message end
    self.saved = true
    return true
end

--- Begins an answer; one that is under way ends where it is.
function Npc:hear(text)
    self:interrupt()
    self.failure = nil
    self.saved = false
    self.conversation:add("user", text)
    local room = math.min(answer_tokens, math.floor(self.context:info().capacity / 2))
    local tokens, message = self.conversation:missing_tokens(self.model, self.context, room)
    if tokens then
        self.generation, message = self.context:generate({
            tokens = tokens,
            max_tokens = room,
            sampling = {
                temperature = 0.6,
                top_p = 0.9,
                repetition_penalty = 1.1,
                seed = self.seed + #self.conversation.messages,
            },
        })
    end
    if not self.generation then self.failure = message end
    self.answer = self.generation and "" or nil
end

function Npc:speaking()
    return self.generation ~= nil
end

--- Works on the answer for about so long. Gives what the step did.
function Npc:step(budget_us)
    local more, message = self.generation:step(budget_us)
    local report = self.generation:last_step()
    self.reading = report.prompt_left > 0
    self.answer = self.answer .. (self.generation:read() or "")
    if not more then
        if more == nil then self.failure = message end
        self:finish()
    end
    return report
end

--- Ends the answer where it is: within one layer of work.
function Npc:interrupt()
    if not self.generation then return end
    self.generation:cancel()
    self:finish()
end

function Npc:finish()
    self.stats = self.generation:stats()
    self.generation:close()
    self.conversation:add("assistant", self.answer)
    self.generation, self.answer, self.reading = nil, nil, nil
end

--- Forgets everything.
function Npc:forget()
    self:interrupt()
    self.conversation = Conversation.new(self.character.persona)
    self.context:truncate(0)
    self.saved = false
    self.failure = nil
end

function Npc:close()
    self:interrupt()
    self.context:close()
end

return Npc
