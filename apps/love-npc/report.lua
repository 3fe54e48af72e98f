-- What happened, as JSON: frame times and conversations.
local fp4 = require("fp4")
local frames = require("frames")

local report = {}

local function distribution(values)
    return {
        p50 = frames.percentile(values, 0.5),
        p95 = frames.percentile(values, 0.95),
        p99 = frames.percentile(values, 0.99),
        max = frames.percentile(values, 1),
    }
end

--- Frames in which text was generated, and the others.
local function split(values)
    local with, without = {}, {}
    for i, value in ipairs(values) do
        local group = frames.step[i] > 0 and with or without
        group[#group + 1] = value
    end
    return { generating = distribution(with), idle = distribution(without) }
end

function report.write(path, scene, timings)
    local file, message = io.open(path, "wb")
    if not file then return nil, message end
    local npcs = {}
    for i, npc in ipairs(scene.npcs) do
        npcs[i] = {
            id = npc.character.id,
            messages = fp4.json.array(npc.conversation.messages),
            restored_tokens = npc.restored_tokens,
            tokens = npc.context:info().used,
            failure = npc.failure,
        }
    end
    file:write(fp4.json.encode({
        budget_us = scene.budget_us,
        frames = frames.count,
        interval_ms = split(frames.interval),
        busy_ms = split(frames.busy),
        step_ms = split(frames.step),
        largest_overrun_us = frames.percentile(frames.overrun, 1),
        load_longest_frame_ms = timings.load_longest_frame_ms,
        save_ms = fp4.json.array(timings.save_ms),
        quit_ms = timings.quit_ms,
        npcs = fp4.json.array(npcs),
        frame_interval_ms = fp4.json.array(frames.interval),
        frame_busy_ms = fp4.json.array(frames.busy),
        frame_step_ms = fp4.json.array(frames.step),
    }), "\n")
    file:close()
    return true
end

return report
