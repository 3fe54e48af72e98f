-- Colours and fonts, in one place.
local theme = {
    wall = { 0.145, 0.137, 0.200 },
    wall_low = { 0.118, 0.110, 0.165 },
    floor = { 0.251, 0.184, 0.153 },
    floor_line = { 0.204, 0.149, 0.125 },
    wood = { 0.353, 0.243, 0.180 },
    wood_dark = { 0.243, 0.165, 0.125 },
    night = { 0.075, 0.098, 0.200 },
    moon = { 0.957, 0.918, 0.796 },
    fire = { 1.000, 0.596, 0.247 },
    rug = { 0.455, 0.192, 0.216 },
    rug_line = { 0.638, 0.390, 0.302 },
    panel = { 0.082, 0.078, 0.118 },
    field = { 0.053, 0.051, 0.077 },
    panel_line = { 0.298, 0.278, 0.392 },
    text = { 0.925, 0.910, 0.882 },
    quiet = { 0.588, 0.565, 0.631 },
    player = { 0.639, 0.788, 0.949 },
    warning = { 0.969, 0.525, 0.431 },
    good = { 0.420, 0.757, 0.580 },
    generation = { 0.949, 0.722, 0.384 },
}

function theme.load()
    theme.small = love.graphics.newFont(12)
    theme.body = love.graphics.newFont(15)
    theme.title = love.graphics.newFont(20)
end

--- The colour, darker (below 1) or lighter.
function theme.shade(colour, factor, alpha)
    return math.min(1, colour[1] * factor), math.min(1, colour[2] * factor), math.min(1, colour[3] * factor), alpha or 1
end

return theme
