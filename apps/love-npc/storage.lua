-- Files in the save directory: for each character what was said (JSON) and the state of its context.
local fp4 = require("fp4")

local storage = {}

--- Whole path of a context's state; the library writes it, and it appears only when complete.
function storage.state_path(id)
    return love.filesystem.getSaveDirectory() .. "/" .. id .. ".state"
end

local function record_name(id)
    return id .. ".json"
end

local function is_message(message)
    return type(message) == "table" and (message.role == "user" or message.role == "assistant")
        and type(message.content) == "string"
end

--- What write_record wrote, or nil; a file that something else wrote is as good as none.
function storage.read_record(id)
    local text = love.filesystem.read(record_name(id))
    local fine, record = pcall(fp4.json.decode, text or "")
    if not fine or type(record) ~= "table" or type(record.messages) ~= "table" then return nil end
    for _, message in ipairs(record.messages) do
        if not is_message(message) then return nil end
    end
    return record
end

function storage.write_record(id, record)
    return love.filesystem.write(record_name(id), fp4.json.encode(record))
end

return storage
