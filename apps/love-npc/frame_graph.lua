-- A small graph of the last frames: their own work, and generation's part of it.
local frames = require("frames")
local theme = require("theme")

local graph = { visible = true }

local width, height, label_width, shown = 270, 92, 54, 130
local bars_width = width - label_width - 16
local frame_ms = 1000 / 60
local refresh_frames = 30
local median, late, generation_late = 0, 0, 0

local function refresh()
    local first = math.max(1, frames.count - shown + 1)
    median = frames.percentile(frames.busy, 0.5, first)
    late = frames.percentile(frames.busy, 0.99, first)
    generation_late = frames.percentile(frames.step, 0.99, first)
end

local function line(x, y, colour, label)
    love.graphics.setColor(theme.shade(colour, 1, 0.55))
    love.graphics.line(x, y, x + bars_width, y)
    love.graphics.setColor(theme.shade(colour, 1, 0.9))
    love.graphics.print(label, x + bars_width + 6, y - theme.small:getHeight() / 2)
end

function graph.draw(right, top, budget_ms)
    if not graph.visible then return end
    if frames.count % refresh_frames == 1 then refresh() end
    local x, y = right - width, top
    love.graphics.setColor(theme.panel)
    love.graphics.rectangle("fill", x, y, width, height + 44, 8)
    love.graphics.setFont(theme.small)
    love.graphics.setColor(theme.text)
    love.graphics.print(("frame %4.1f ms   99 %% %4.1f ms"):format(median, late), x + 10, y + 8)
    love.graphics.setColor(theme.generation)
    love.graphics.print(("generation 99 %% %4.1f of %.1f ms"):format(generation_late, budget_ms), x + 10, y + 24)
    local top_ms = math.max(1.5 * frame_ms, 1.2 * budget_ms)
    local base, scale = y + height + 36, height / top_ms * 0.9
    local first = math.max(1, frames.count - shown + 1)
    for i = first, frames.count do
        local left = x + 10 + (i - first) * bars_width / shown
        local busy, step = math.min(frames.busy[i], top_ms), math.min(frames.step[i], top_ms)
        love.graphics.setColor(theme.shade(busy > frame_ms and theme.warning or theme.good, 1, 0.75))
        love.graphics.rectangle("fill", left, base - busy * scale, 1.4, busy * scale)
        love.graphics.setColor(theme.generation)
        love.graphics.rectangle("fill", left, base - step * scale, 1.4, step * scale)
    end
    line(x + 10, base - frame_ms * scale, theme.warning, "16.7 ms")
    line(x + 10, base - budget_ms * scale, theme.generation, "budget")
end

return graph
