-- Times of frames: of the last ones for the graph, of all for the report.
local frames = { interval = {}, busy = {}, step = {}, overrun = {}, count = 0 }

--- Milliseconds: from one frame's start to the next, of its own work (without waiting for the screen), and of
--- generation; microseconds that generation worked past its budget.
function frames.add(interval_ms, busy_ms, step_ms, overrun_us)
    local n = frames.count + 1
    frames.count = n
    frames.interval[n], frames.busy[n], frames.step[n], frames.overrun[n] = interval_ms, busy_ms, step_ms, overrun_us
end

--- The value that a part `p` of the values from index `first` on does not exceed (nearest rank).
function frames.percentile(values, p, first)
    first = first or 1
    local sorted = {}
    for i = first, #values do sorted[#sorted + 1] = values[i] end
    if #sorted == 0 then return 0 end
    table.sort(sorted)
    return sorted[math.max(1, math.ceil(p * #sorted))]
end

return frames
