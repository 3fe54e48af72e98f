-- The room with its characters: who is spoken to, who gets this frame's time, what is drawn.
local Dialogue = require("dialogue")
local Npc = require("npc")
local Paint = require("paint")
local cast = require("cast")
local figure = require("figure")
local frame_graph = require("frame_graph")
local room = require("room")
local theme = require("theme")

local Scene = {}
Scene.__index = Scene

local room_part = 0.62 -- of the window's height

--- A room without anybody: enter_next brings them in.
function Scene.new(model, options)
    return setmetatable({
        model = model,
        options = options,
        budget_us = options.budget_us,
        npcs = {},
        chosen = 1,
        turn = 0,
        time = 0,
        dialogue = Dialogue.new(),
        surfaces = Paint.new(),
    }, Scene)
end

--- The next character enters: one in a frame, for restoring what it remembers takes a while. False when all are there;
--- nil and a message if it cannot be made.
function Scene:enter_next()
    local character = cast[#self.npcs + 1]
    if not character then return false end
    local npc, message = Npc.new(self.model, character, self.options)
    if not npc then return nil, message end
    self.npcs[#self.npcs + 1] = npc
    return true
end

--- Characters that speak take turns: one works in a frame. Gives what its step did, or nil.
local function step_one(self)
    for _ = 1, #self.npcs do
        self.turn = self.turn % #self.npcs + 1
        local npc = self.npcs[self.turn]
        if npc:speaking() then return npc:step(self.budget_us) end
    end
end

--- Gives milliseconds of generation and microseconds over its budget.
function Scene:update(dt)
    self.time = self.time + dt
    if self.paused then return 0, 0 end
    local report = step_one(self)
    if not report then return 0, 0 end
    return report.elapsed_us / 1000, report.overrun_us
end

local function draw_help()
    love.graphics.setColor(theme.quiet)
    Paint.print(theme.small, "Tab: next   Esc: pause   F1: graph   F5: forget   Ctrl+Q: quit", 14, 14)
end

local function draw_pause(width, room_height)
    love.graphics.setColor(0, 0, 0, 0.45)
    love.graphics.rectangle("fill", 0, 0, width, room_height)
    love.graphics.setColor(theme.panel)
    love.graphics.rectangle("fill", width / 2 - 70, room_height * 0.6 - 8, 140, 40, 20)
    love.graphics.setColor(theme.text)
    love.graphics.setFont(theme.title)
    love.graphics.printf("Paused", 0, room_height * 0.6, width, "center")
end

--- Everything that text is written on, at once.
function Scene:draw_surfaces(labels, top, width, height)
    self.surfaces:clear()
    for i, npc in ipairs(self.npcs) do figure.add_label(self.surfaces, npc.character, labels[i][1], labels[i][2]) end
    Dialogue.add_surfaces(self.surfaces, top, width, height)
    frame_graph.add(self.surfaces, width - 14, 14, self.budget_us / 1000)
    self.surfaces:draw(true)
end

function Scene:draw()
    local width, height = love.graphics.getDimensions()
    local room_height = math.floor(height * room_part)
    love.graphics.clear(theme.wall_low)
    love.graphics.setScissor(0, 0, width, room_height)
    room.draw(width, room_height, self.time)
    love.graphics.setScissor()
    local labels = {}
    for i, npc in ipairs(self.npcs) do
        local state = { speaking = npc:speaking(), reading = npc.reading, chosen = i == self.chosen }
        local x, top = figure.draw(npc.character, width, room_height, room.floor_y(room_height), self.time, state)
        labels[i] = { x, top, state }
    end
    self:draw_surfaces(labels, room_height + 8, width, height)
    for i, npc in ipairs(self.npcs) do
        figure.draw_label(npc.character, labels[i][1], labels[i][2], self.time, labels[i][3])
    end
    self.dialogue:draw(self.npcs[self.chosen], room_height + 8, width, height, self.time)
    frame_graph.draw(width - 14, 14, self.budget_us / 1000)
    draw_help()
    if self.paused then draw_pause(width, room_height) end
end

function Scene:say(text)
    if text ~= "" then self.npcs[self.chosen]:hear(text) end
end

function Scene:choose(index)
    self.chosen = index
    self.dialogue.scroll = 0
end

function Scene:keypressed(key)
    if key == "escape" then
        self.paused = not self.paused
    elseif key == "tab" then
        self:choose(self.chosen % #self.npcs + 1)
    elseif key == "f1" then
        frame_graph.visible = not frame_graph.visible
    elseif key == "f5" then
        self.npcs[self.chosen]:forget()
    elseif key == "backspace" then
        self.dialogue:erase()
    elseif key == "pageup" or key == "pagedown" then
        self.dialogue:scroll_by(key == "pageup" and 4 or -4)
    elseif key == "return" or key == "kpenter" then
        self:say(self.dialogue:take())
    end
end

function Scene:textinput(text)
    self.dialogue:type(text)
end

function Scene:wheelmoved(lines)
    self.dialogue:scroll_by(2 * lines)
end

function Scene:mousepressed(x, y)
    local width, height = love.graphics.getDimensions()
    local room_height = math.floor(height * room_part)
    for i, npc in ipairs(self.npcs) do
        if figure.covers(npc.character, width, room_height, room.floor_y(room_height), x, y) then self:choose(i) end
    end
end

--- Saves the next character that changed. Gives whether there was one, and a message if it could not be saved.
function Scene:save_next()
    for _, npc in ipairs(self.npcs) do
        if not npc.saved and not npc.unsaveable then
            npc:interrupt()
            local done, message = npc:save()
            npc.unsaveable = not done
            return true, message
        end
    end
    return false
end

function Scene:close()
    for _, npc in ipairs(self.npcs) do npc:close() end
    self.model:close()
end

return Scene
