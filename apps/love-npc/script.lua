-- Scripted input, for tests: a Lua file that gives a list of { frame = N, ACTION = VALUE }.
--   say = TEXT, choose = N, key = NAME, screenshot = NAME (a file in the save directory), quit = true
-- Frames count from the one in which the scene is first drawn. `wait = true`: not before everybody is silent.
local script = {}

function script.load(path)
    local chunk, message = loadfile(path)
    if not chunk then return nil, message end
    return setfenv(chunk, {})()
end

local function speaking(scene)
    for _, npc in ipairs(scene.npcs) do
        if npc:speaking() then return true end
    end
    return false
end

--- Does what is due in this frame.
function script.play(events, scene, frame)
    while events[1] and events[1].frame <= frame and not (events[1].wait and speaking(scene)) do
        local event = table.remove(events, 1)
        if event.choose then scene:choose(event.choose) end
        if event.say then
            for letter in event.say:gmatch(".") do scene:textinput(letter) end
            scene:keypressed("return")
        end
        if event.key then scene:keypressed(event.key) end
        if event.screenshot then love.graphics.captureScreenshot(event.screenshot) end
        if event.quit then love.event.quit() end
    end
end

return script
