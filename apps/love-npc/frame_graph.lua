-- A small graph of the last frames: their own work, and generation's part of it.
local frames = require("frames")
local Paint = require("paint")
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

--- Lines across the graph: milliseconds, colour, label.
local function marks(budget_ms)
    return { { frame_ms, theme.warning, "16.7 ms" }, { budget_ms, theme.generation, "budget" } }
end

local function place(right, top, budget_ms)
    local top_ms = math.max(1.5 * frame_ms, 1.2 * budget_ms)
    return right - width + 10, top + height + 36, height / top_ms * 0.9, top_ms
end

--- Frame times as bars.
function graph.add(paint, right, top, budget_ms)
    if not graph.visible then return end
    local x, base, scale, top_ms = place(right, top, budget_ms)
    paint:panel(right - width, top, width, height + 44, 8, theme.panel)
    local first = math.max(1, frames.count - shown + 1)
    for i = first, frames.count do
        local left = x + (i - first) * bars_width / shown
        local busy, step = math.min(frames.busy[i], top_ms) * scale, math.min(frames.step[i], top_ms) * scale
        paint:colour(theme.shade(busy > frame_ms * scale and theme.warning or theme.good, 0.8))
        paint:rectangle(left, base - busy, 1.4, busy - step)
        paint:colour(theme.generation)
        paint:rectangle(left, base - step, 1.4, step)
    end
    for _, mark in ipairs(marks(budget_ms)) do
        paint:colour(theme.shade(mark[2], 0.65))
        paint:rectangle(x, base - mark[1] * scale, bars_width, 1)
    end
end

function graph.draw(right, top, budget_ms)
    if not graph.visible then return end
    if frames.count % refresh_frames == 1 then refresh() end
    local x, base, scale = place(right, top, budget_ms)
    for _, mark in ipairs(marks(budget_ms)) do
        love.graphics.setColor(mark[2])
        Paint.print(theme.small, mark[3], x + bars_width + 6, base - mark[1] * scale - theme.small:getHeight() / 2)
    end
    love.graphics.setColor(theme.text)
    Paint.print(theme.small, ("frame %4.1f ms   99 %% %4.1f ms"):format(median, late), x, top + 8)
    love.graphics.setColor(theme.generation)
    Paint.print(theme.small, ("generation 99 %% %4.1f of %.1f ms"):format(generation_late, budget_ms), x, top + 24)
end

return graph
