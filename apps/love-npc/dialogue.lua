-- The panel at the bottom: what was said with the chosen character, and the line being typed.
local utf8 = require("utf8")
local Paint = require("paint")
local theme = require("theme")

local Dialogue = {}
Dialogue.__index = Dialogue

local margin, padding, input_height = 14, 14, 34
local most_typed = 400 -- characters

function Dialogue.new()
    return setmetatable({ typed = "", scroll = 0 }, Dialogue)
end

function Dialogue:type(text)
    if utf8.len(self.typed) + (utf8.len(text) or most_typed) <= most_typed then self.typed = self.typed .. text end
end

function Dialogue:erase()
    local last = utf8.offset(self.typed, -1)
    if last then self.typed = self.typed:sub(1, last - 1) end
end

--- The typed line, without the spaces around it; the field is empty then.
function Dialogue:take()
    local line = self.typed:match("^%s*(.-)%s*$")
    self.typed, self.scroll = "", 0
    return line
end

--- Whole lines; 0 is the end of the conversation.
function Dialogue:scroll_by(lines)
    self.scroll = math.max(0, self.scroll + lines)
end

--- Bytes that are no UTF-8 cannot be printed.
local function printable(text)
    while true do
        local length, bad = utf8.len(text)
        if length then return text end
        text = text:sub(1, bad - 1) .. "?" .. text:sub(bad + 1)
    end
end

local function wrap(text, colour, width)
    local lines = {}
    local _, wrapped = theme.body:getWrap(printable(text), width)
    for i, line in ipairs(wrapped) do lines[i] = { text = line, colour = colour } end
    lines[#lines + 1] = { text = "", colour = colour, short = true }
    return lines
end

local wrapped_messages = setmetatable({}, { __mode = "k" })

--- The lines of a message, kept for the next frames.
local function message_lines(message, width)
    local kept = wrapped_messages[message]
    if not kept or kept.width ~= width then
        local mine = message.role == "user"
        local lines = wrap((mine and "You: " or "") .. message.content, mine and theme.player or theme.text, width)
        kept = { width = width, lines = lines }
        wrapped_messages[message] = kept
    end
    return kept.lines
end

--- Lines of the newest messages, enough to fill the panel.
local function layout(npc, width, wanted)
    local messages = npc.conversation.messages
    local groups, count = {}, 0
    local function group(lines)
        table.insert(groups, 1, lines)
        count = count + #lines
    end
    if npc.failure then group(wrap(npc.failure, theme.warning, width)) end
    if npc.answer then group(wrap(npc.answer == "" and "..." or npc.answer, theme.text, width)) end
    for i = #messages, 1, -1 do
        if count >= wanted then break end
        group(message_lines(messages[i], width))
    end
    if count < wanted then group(wrap(npc.character.greeting, theme.quiet, width)) end
    local lines = {}
    for _, part in ipairs(groups) do
        for _, line in ipairs(part) do lines[#lines + 1] = line end
    end
    return lines
end

local function draw_lines(self, npc, x, y, width, height)
    local line_height = theme.body:getHeight() + 3
    local fitting = math.floor(height / line_height)
    local lines = layout(npc, width, fitting + self.scroll)
    self.scroll = math.min(self.scroll, math.max(0, #lines - fitting))
    local last = #lines - self.scroll
    local bottom = y + height
    for i = last, 1, -1 do
        local tall = lines[i].short and line_height / 2 or line_height
        if bottom - tall < y then break end
        bottom = bottom - tall
        love.graphics.setColor(lines[i].colour)
        Paint.print(theme.body, lines[i].text, x, bottom)
    end
end

local function draw_input(self, x, y, width, time)
    local text_y = y + (input_height - theme.body:getHeight()) / 2
    if self.typed == "" then
        love.graphics.setColor(theme.quiet)
        Paint.print(theme.body, "Type and press Enter", x + 14, text_y)
    end
    local wide = theme.body:getWidth(self.typed)
    local shift = math.max(0, wide - (width - 28))
    love.graphics.setScissor(x + 8, y, width - 16, input_height)
    love.graphics.setColor(theme.player)
    Paint.print(theme.body, self.typed, x + 12 - shift, text_y)
    if time % 1 < 0.6 then love.graphics.rectangle("fill", x + 12 + wide - shift, text_y, 1.5, theme.body:getHeight()) end
    love.graphics.setScissor()
end

local function status(npc)
    if npc.reading then return "listening" end
    if npc:speaking() then return "speaking" end
    if npc.stats and npc.stats.decode_tokens_per_second > 0 then
        return ("%d tokens, %.0f a second of work"):format(npc.stats.generated_tokens, npc.stats.decode_tokens_per_second)
    end
    if npc.restored_tokens > 0 then return "remembers you" end
    return ""
end

local function place(top, width, height)
    return margin, top, width - 2 * margin, height - top - margin
end

--- The panel and the field to type in.
function Dialogue.add_surfaces(paint, top, width, height)
    local x, y, w, h = place(top, width, height)
    paint:panel(x, y, w, h, 10, theme.panel, theme.panel_line)
    paint:panel(x + padding, y + h - input_height - 10, w - 2 * padding, input_height, 8, theme.field, theme.panel_line)
end

--- What is written on them.
function Dialogue:draw(npc, top, width, height, time)
    local x, y, w, h = place(top, width, height)
    love.graphics.setColor(theme.shade(npc.character.coat, 1.5))
    Paint.print(theme.title, npc.character.name, x + padding, y + 8)
    love.graphics.setColor(theme.quiet)
    Paint.print(theme.small, npc.character.role, x + padding + theme.title:getWidth(npc.character.name) + 10, y + 15)
    local words = status(npc)
    Paint.print(theme.small, words, x + w - padding - theme.small:getWidth(words), y + 15)
    draw_lines(self, npc, x + padding, y + 38, w - 2 * padding, h - 38 - input_height - 2 * 8)
    draw_input(self, x + padding, y + h - input_height - 10, w - 2 * padding, time)
end

return Dialogue
