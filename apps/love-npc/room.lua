-- The room: wall, window, hearth, shelf, floor, rug. Static parts are drawn once to a canvas.
local theme = require("theme")

local room = {}

local canvas, canvas_width, canvas_height
local stars = {}
do
    local generator = love.math.newRandomGenerator(7)
    for i = 1, 26 do stars[i] = { generator:random(), generator:random(), generator:random() } end
end

--- Height at which characters stand.
function room.floor_y(height)
    return height * 0.86
end

local function window_frame(width, height)
    return width * 0.43, height * 0.12, width * 0.15, height * 0.34
end

local function draw_window(width, height)
    local x, y, w, h = window_frame(width, height)
    love.graphics.setColor(theme.wood_dark)
    love.graphics.rectangle("fill", x - 9, y - 9, w + 18, h + 18, 6)
    love.graphics.setColor(theme.night)
    love.graphics.rectangle("fill", x, y, w, h)
    love.graphics.setColor(theme.moon)
    love.graphics.circle("fill", x + w * 0.72, y + h * 0.27, h * 0.11)
    love.graphics.setColor(theme.night)
    love.graphics.circle("fill", x + w * 0.66, y + h * 0.23, h * 0.1)
    love.graphics.setColor(theme.wood)
    love.graphics.rectangle("fill", x + w / 2 - 2, y, 4, h)
    love.graphics.rectangle("fill", x, y + h * 0.5 - 2, w, 4)
    love.graphics.rectangle("fill", x - 16, y + h + 7, w + 32, 9, 3)
end

local books = { "coat", "rug", "good", "generation", "player", "fire", "quiet" }

local function draw_shelf(width, height)
    local x, y, w, h = width * 0.66, height * 0.15, width * 0.2, height * 0.4
    love.graphics.setColor(theme.wood_dark)
    love.graphics.rectangle("fill", x, y, w, h, 4)
    local generator = love.math.newRandomGenerator(11)
    for shelf = 0, 2 do
        local top, space = y + 8 + shelf * (h - 8) / 3, (h - 8) / 3 - 8
        love.graphics.setColor(theme.shade(theme.wood_dark, 0.55))
        love.graphics.rectangle("fill", x + 8, top, w - 16, space)
        local left = x + 11
        while left < x + w - 24 do
            local thick, tall = generator:random(6, 12), space * (0.6 + 0.35 * generator:random())
            local colour = theme[books[generator:random(#books)]] or theme.rug
            love.graphics.setColor(theme.shade(colour, 0.45 + 0.2 * generator:random()))
            love.graphics.rectangle("fill", left, top + space - tall, thick, tall, 1)
            left = left + thick + (generator:random() < 0.15 and 14 or 2)
        end
        love.graphics.setColor(theme.wood)
        love.graphics.rectangle("fill", x + 4, top + space, w - 8, 6)
    end
end

local function hearth(width, height)
    return width * 0.06, height * 0.3, width * 0.17, room.floor_y(height) - height * 0.3 - height * 0.1
end

local function draw_hearth(width, height)
    local x, y, w, h = hearth(width, height)
    love.graphics.setColor(theme.shade(theme.quiet, 0.42))
    love.graphics.rectangle("fill", x, y, w, h, 4)
    love.graphics.setColor(theme.shade(theme.quiet, 0.52))
    for row = 0, 5 do
        for column = 0, 3 do
            local offset = row % 2 * w / 8
            local left = math.max(x + 3, x + column * w / 4 - offset + 3)
            love.graphics.rectangle("fill", left, y + row * h / 6 + 3, math.min(w / 4 - 5, x + w - left - 3), h / 6 - 5, 3)
        end
    end
    love.graphics.setColor(0.06, 0.04, 0.05)
    love.graphics.rectangle("fill", x + w * 0.2, y + h * 0.4, w * 0.6, h * 0.6, 10, 10)
    love.graphics.rectangle("fill", x + w * 0.2, y + h * 0.7, w * 0.6, h * 0.3)
    love.graphics.setColor(theme.wood)
    love.graphics.rectangle("fill", x - 10, y - 10, w + 20, 14, 4)
end

local function draw_glow(width, height)
    local x, y, w, h = hearth(width, height)
    love.graphics.setColor(theme.shade(theme.fire, 1, 0.02))
    for i = 1, 14 do love.graphics.circle("fill", x + w / 2, y + h * 0.75, w * (0.3 + 0.09 * i)) end
end

local function draw_static(width, height)
    local floor_top = height * 0.7
    love.graphics.setColor(theme.wall)
    love.graphics.rectangle("fill", 0, 0, width, floor_top)
    love.graphics.setColor(theme.wall_low)
    love.graphics.rectangle("fill", 0, floor_top * 0.8, width, floor_top * 0.2)
    love.graphics.setColor(theme.wood_dark)
    love.graphics.rectangle("fill", 0, floor_top * 0.8 - 5, width, 5)
    love.graphics.rectangle("fill", 0, floor_top - 9, width, 9)
    love.graphics.setColor(theme.floor)
    love.graphics.rectangle("fill", 0, floor_top, width, height - floor_top)
    love.graphics.setColor(theme.floor_line)
    for i = 0, 14 do
        local x = (i - 7) * width * 0.08
        love.graphics.line(width / 2 + x, floor_top, width / 2 + x * 1.8, height)
    end
    draw_window(width, height)
    draw_shelf(width, height)
    draw_hearth(width, height)
    love.graphics.setColor(theme.rug)
    love.graphics.ellipse("fill", width * 0.52, room.floor_y(height) + 4, width * 0.36, height * 0.1)
    love.graphics.setColor(theme.shade(theme.rug_line, 1, 0.5))
    love.graphics.setLineWidth(2)
    love.graphics.ellipse("line", width * 0.52, room.floor_y(height) + 4, width * 0.34, height * 0.086)
    love.graphics.setLineWidth(1)
    draw_glow(width, height)
end

local function draw_fire(width, height, time)
    local x, y, w, h = hearth(width, height)
    local middle, base = x + w / 2, y + h - 4
    for i = 3, 1, -1 do
        local flicker = 1 + 0.12 * math.sin(time * (5 + i * 1.7) + i)
        local tall, wide = h * 0.14 * i * flicker, w * 0.08 * i
        love.graphics.setColor(theme.fire[1], theme.fire[2] + 0.12 * (3 - i), theme.fire[3] + 0.1 * (3 - i), 0.85)
        love.graphics.polygon("fill", middle - wide, base, middle + math.sin(time * 4 + i) * 3, base - tall, middle + wide, base)
    end
    love.graphics.setColor(theme.wood_dark)
    love.graphics.rectangle("fill", middle - w * 0.24, base - 4, w * 0.48, 8, 4)
end

local function draw_stars(width, height, time)
    local x, y, w, h = window_frame(width, height)
    for i, star in ipairs(stars) do
        love.graphics.setColor(1, 1, 1, 0.3 + 0.3 * star[3] + 0.2 * math.sin(time * (1 + star[3]) + i))
        local left, top = x + 3 + star[1] * (w - 8), y + 3 + star[2] * (h - 8)
        love.graphics.rectangle("fill", left, top, 1.5, 1.5)
    end
end

function room.draw(width, height, time)
    if canvas_width ~= width or canvas_height ~= height then
        canvas = love.graphics.newCanvas(width, height)
        canvas:setFilter("nearest", "nearest")
        canvas_width, canvas_height = width, height
        love.graphics.setCanvas(canvas)
        draw_static(width, height)
        love.graphics.setCanvas()
    end
    love.graphics.setColor(1, 1, 1)
    love.graphics.setBlendMode("replace", "premultiplied") -- it is opaque and covers everything
    love.graphics.draw(canvas)
    love.graphics.setBlendMode("alpha")
    draw_stars(width, height, time)
    draw_fire(width, height, time)
end

return room
