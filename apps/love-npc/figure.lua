-- How a character looks: made of a few shapes, breathing, blinking, moving the mouth while speaking.
local Paint = require("paint")
local theme = require("theme")

local figure = {}

local unit = 150 -- height of a character of size 1 in a scene 450 high

--- Middle of the feet, and the height.
function figure.place(character, width, height, floor_y)
    return width * character.place, floor_y, unit * character.size * height / 450
end

--- Whether a point is on the character.
function figure.covers(character, width, height, floor_y, x, y)
    local middle, bottom, tall = figure.place(character, width, height, floor_y)
    return math.abs(x - middle) < tall * 0.32 and y < bottom + 8 and y > bottom - tall * 1.08
end

local function draw_face(character, head_y, radius, time, speaking)
    local blink = (time * 0.31 + character.place * 7) % 1 < 0.03
    love.graphics.setColor(0.16, 0.12, 0.14)
    for side = -1, 1, 2 do
        if blink then
            love.graphics.rectangle("fill", side * radius * 0.36 - 3, head_y, 6, 1.5)
        else
            love.graphics.circle("fill", side * radius * 0.36, head_y, radius * 0.1)
        end
    end
    local open = speaking and (0.5 + 0.5 * math.sin(time * 15)) * radius * 0.17 or 0
    love.graphics.setColor(0.45, 0.18, 0.2)
    love.graphics.ellipse("fill", 0, head_y + radius * 0.45, radius * 0.22, 1.5 + open)
end

--- `speaking`: text comes; `reading`: it listens; `chosen`: the player talks to it.
function figure.draw(character, width, height, floor_y, time, state)
    local x, y, tall = figure.place(character, width, height, floor_y)
    local breath = math.sin(time * 1.8 + character.place * 9) * tall * 0.008
    local radius = tall * 0.15
    local head_y = -tall * 0.8 + breath
    Paint.untextured()
    love.graphics.push()
    love.graphics.translate(x, y)
    love.graphics.setColor(0, 0, 0, 0.28)
    love.graphics.ellipse("fill", 0, 2, tall * 0.26, tall * 0.05)
    if state.chosen then
        love.graphics.setColor(theme.shade(theme.moon, 1, 0.75 + 0.2 * math.sin(time * 3)))
        love.graphics.setLineWidth(2.5)
        love.graphics.ellipse("line", 0, 2, tall * 0.31, tall * 0.065)
        love.graphics.setLineWidth(1)
    end
    love.graphics.setColor(theme.shade(character.coat, 0.55))
    love.graphics.rectangle("fill", -tall * 0.12, -tall * 0.1, tall * 0.09, tall * 0.1, 3)
    love.graphics.rectangle("fill", tall * 0.03, -tall * 0.1, tall * 0.09, tall * 0.1, 3)
    love.graphics.setColor(theme.shade(character.coat, 0.8))
    love.graphics.ellipse("fill", -tall * 0.2, -tall * 0.4 + breath, tall * 0.055, tall * 0.17)
    love.graphics.ellipse("fill", tall * 0.2, -tall * 0.4 + breath, tall * 0.055, tall * 0.17)
    love.graphics.setColor(character.coat)
    love.graphics.polygon("fill", -tall * 0.14, -tall * 0.62 + breath, tall * 0.14, -tall * 0.62 + breath,
        tall * 0.22, -tall * 0.06, -tall * 0.22, -tall * 0.06)
    love.graphics.circle("fill", -tall * 0.105, -tall * 0.58 + breath, tall * 0.08)
    love.graphics.circle("fill", tall * 0.105, -tall * 0.58 + breath, tall * 0.08)
    love.graphics.setColor(theme.shade(character.coat, 1.35))
    love.graphics.rectangle("fill", -tall * 0.19, -tall * 0.3, tall * 0.38, tall * 0.035, 2)
    love.graphics.setColor(character.hair)
    love.graphics.circle("fill", 0, head_y - radius * 0.2, radius * 1.12)
    love.graphics.setColor(character.skin)
    love.graphics.circle("fill", 0, head_y + radius * 0.08, radius * 0.95)
    love.graphics.setColor(character.hair)
    love.graphics.arc("fill", "closed", 0, head_y - radius * 0.12, radius * 1.06, math.pi * 1.06, math.pi * 1.94)
    draw_face(character, head_y + radius * 0.08, radius, time, state.speaking and not state.reading)
    love.graphics.pop()
    Paint.textured()
    return x, y - tall
end

local function label_width(character)
    return theme.small:getWidth(character.name .. " ...") + 18
end

--- What is behind the name over the head.
function figure.add_label(paint, character, x, top)
    local wide = label_width(character)
    paint:panel(x - wide / 2, top - 30, wide, 22, 11, theme.panel)
end

--- The name; dots while it thinks or speaks to somebody else.
function figure.draw_label(character, x, top, time, state)
    local label = character.name
    if state.speaking then label = label .. " " .. ("."):rep(1 + math.floor(time * 3) % 3) end
    love.graphics.setColor(state.chosen and theme.text or theme.quiet)
    Paint.print(theme.small, label, x - theme.small:getWidth(character.name) / 2 - (state.speaking and 4 or 0), top - 26)
end

return figure
