-- The room: wall, window, hearth, shelf, floor, rug; and what moves in it: fire and stars.
local Paint = require("paint")
local theme = require("theme")

local room = {}

local still, still_width, still_height -- what does not move, for a size
local sky, glow
local stars = {}
do
    local generator = love.math.newRandomGenerator(7)
    for i = 1, 26 do stars[i] = { generator:random(), generator:random(), generator:random() } end
end

--- Height at which characters stand.
function room.floor_y(height)
    return height * 0.86
end

local function add_floor(paint, width, height)
    local floor_top = height * 0.7
    paint:colour(theme.wall)
    paint:rectangle(0, 0, width, floor_top)
    paint:colour(theme.wall_low)
    paint:rectangle(0, floor_top * 0.8, width, floor_top * 0.2)
    paint:colour(theme.wood_dark)
    paint:rectangle(0, floor_top * 0.8 - 5, width, 5)
    paint:rectangle(0, floor_top - 9, width, 9)
    paint:colour(theme.floor)
    paint:rectangle(0, floor_top, width, height - floor_top)
    paint:colour(theme.floor_line)
    local deep = height - floor_top
    for board = 0, 4 do -- the nearer the wider
        local top, bottom = floor_top + deep * board * (board + 5) / 50, floor_top + deep * (board + 1) * (board + 6) / 50
        paint:rectangle(0, top, width, 1.5)
        for joint = 0, 4 do
            paint:rectangle(width * ((joint + 0.37 * board) % 5 / 5 + 0.04), top, 1.5, bottom - top)
        end
    end
end

local function window_frame(width, height)
    return width * 0.43, height * 0.12, width * 0.15, height * 0.34
end

local function add_window(paint, width, height)
    local x, y, w, h = window_frame(width, height)
    paint:colour(theme.wood_dark)
    paint:rounded(x - 9, y - 9, w + 18, h + 18, 6)
    paint:colour(theme.night)
    paint:rectangle(x, y, w, h)
    paint:colour(theme.moon)
    paint:ellipse(x + w * 0.72, y + h * 0.27, h * 0.11, h * 0.11)
    paint:colour(theme.night)
    paint:ellipse(x + w * 0.66, y + h * 0.23, h * 0.1, h * 0.1)
    paint:colour(theme.wood)
    paint:rectangle(x + w / 2 - 2, y, 4, h)
    paint:rectangle(x, y + h * 0.5 - 2, w, 4)
    paint:rounded(x - 16, y + h + 7, w + 32, 9, 3)
end

local books = { "coat", "rug", "good", "generation", "player", "fire", "quiet" }

local function add_shelf(paint, width, height)
    local x, y, w, h = width * 0.66, height * 0.15, width * 0.2, height * 0.4
    paint:colour(theme.wood_dark)
    paint:rounded(x, y, w, h, 4)
    local generator = love.math.newRandomGenerator(11)
    for shelf = 0, 2 do
        local top, space = y + 8 + shelf * (h - 8) / 3, (h - 8) / 3 - 8
        paint:colour(theme.shade(theme.wood_dark, 0.55))
        paint:rectangle(x + 8, top, w - 16, space)
        local left = x + 11
        while left < x + w - 24 do
            local thick, tall = generator:random(6, 12), space * (0.6 + 0.35 * generator:random())
            local colour = theme[books[generator:random(#books)]] or theme.rug
            paint:colour(theme.shade(colour, 0.45 + 0.2 * generator:random()))
            paint:rounded(left, top + space - tall, thick, tall, 1)
            left = left + thick + (generator:random() < 0.15 and 14 or 2)
        end
        paint:colour(theme.wood)
        paint:rectangle(x + 4, top + space, w - 8, 6)
    end
end

local function hearth(width, height)
    return width * 0.06, height * 0.3, width * 0.17, room.floor_y(height) - height * 0.3 - height * 0.1
end

local function add_hearth(paint, width, height)
    local x, y, w, h = hearth(width, height)
    paint:colour(theme.shade(theme.quiet, 0.42))
    paint:rounded(x, y, w, h, 4)
    paint:colour(theme.shade(theme.quiet, 0.52))
    for row = 0, 5 do
        for column = 0, 3 do
            local left = math.max(x + 3, x + column * w / 4 - row % 2 * w / 8 + 3)
            paint:rounded(left, y + row * h / 6 + 3, math.min(w / 4 - 5, x + w - left - 3), h / 6 - 5, 3)
        end
    end
    paint:colour(0.06, 0.04, 0.05)
    paint:rounded(x + w * 0.2, y + h * 0.4, w * 0.6, h * 0.6, 10)
    paint:rectangle(x + w * 0.2, y + h * 0.7, w * 0.6, h * 0.3)
    paint:colour(theme.wood)
    paint:rounded(x - 10, y - 10, w + 20, 14, 4)
end

local function add_rug(paint, width, height)
    local x, y = width * 0.52, room.floor_y(height) + 4
    paint:colour(theme.rug)
    paint:ellipse(x, y, width * 0.36, height * 0.1)
    paint:colour(theme.rug_line)
    paint:ellipse(x, y, width * 0.34 + 1, height * 0.086 + 1)
    paint:colour(theme.rug)
    paint:ellipse(x, y, width * 0.34 - 1, height * 0.086 - 1)
end

--- Light of the fire: a disc of radius 1 that fades out.
local function new_glow()
    local r, g, b = theme.shade(theme.fire, 1)
    local vertices = { { 0, 0, 0, 0, r, g, b, 0.32 } }
    for i = 0, 24 do
        local angle = i * math.pi / 12
        vertices[#vertices + 1] = { math.cos(angle), math.sin(angle), 0, 0, r, g, b, 0 }
    end
    return love.graphics.newMesh(vertices, "fan", "static")
end

local function draw_glow(width, height)
    local x, y, w, h = hearth(width, height)
    love.graphics.setColor(1, 1, 1)
    love.graphics.draw(glow, x + w / 2, y + h * 0.75, 0, 1.25 * w)
end

local function draw_stars(width, height, time)
    local x, y, w, h = window_frame(width, height)
    sky:clear()
    for i, star in ipairs(stars) do
        sky:colour(1, 1, 1, 0.3 + 0.3 * star[3] + 0.2 * math.sin(time * (1 + star[3]) + i))
        sky:rectangle(x + 3 + star[1] * (w - 8), y + 3 + star[2] * (h - 8), 1.5, 1.5)
    end
    sky:draw()
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

function room.draw(width, height, time)
    if still_width ~= width or still_height ~= height then
        still, sky, glow = Paint.new(), sky or Paint.new(), glow or new_glow()
        still_width, still_height = width, height
        for _, add in ipairs({ add_floor, add_window, add_shelf, add_hearth, add_rug }) do add(still, width, height) end
    end
    still:draw(true)
    draw_stars(width, height, time)
    Paint.untextured()
    draw_glow(width, height)
    draw_fire(width, height, time)
    Paint.textured()
end

return room
