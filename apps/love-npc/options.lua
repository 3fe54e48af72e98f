-- The command line: love apps/love-npc [MODEL] [OPTIONS].
local options = {}

options.usage = [[
Usage: love apps/love-npc [MODEL] [OPTIONS]

  --budget US        time for generation in each frame, in microseconds (default 4000)
  --threads N        threads of the model (default: one per core)
  --seed N           of the answers (default: another each time)
  --no-vsync         do not wait for the screen
  --script FILE      plays a Lua file of scripted input (see script.lua)
  --report FILE      writes frame times and what happened as JSON when the game ends]]

local numbers = { ["--budget"] = "budget_us", ["--threads"] = "threads", ["--seed"] = "seed" }
local texts = { ["--script"] = "script", ["--report"] = "report" }

--- The options, or nil and a message.
function options.parse(arguments)
    local found = { budget_us = 4000, threads = 0, seed = os.time() }
    local i = 1
    while i <= #arguments do
        local word = arguments[i]
        local value = arguments[i + 1]
        if numbers[word] then
            local number = tonumber(value)
            if not number or number < 0 or number % 1 ~= 0 then return nil, word .. " needs a whole number" end
            found[numbers[word]] = number
            i = i + 1
        elseif texts[word] then
            if not value then return nil, word .. " needs a file" end
            found[texts[word]] = value
            i = i + 1
        elseif word == "--help" then
            found.help = true
        elseif word == "--no-vsync" then
            found.no_vsync = true
        elseif word:sub(1, 1) == "-" then
            return nil, "unknown option " .. word
        elseif found.model then
            return nil, "more than one model: " .. word
        else
            found.model = word
        end
        i = i + 1
    end
    return found
end

return options
