-- A room with three characters that talk. They share one model; each has its own context.
local options = require("options")
local frames = require("frames")
local notice = require("notice")
local setup = require("setup")
local theme = require("theme")

local settings, scene, report, script -- set when everything is found
local failure                         -- what is missing
local job, progress                   -- the model being opened
local entering                        -- the scene while its characters come in
local events = {}                     -- of a script
local first_frame = 0
local timings = { load_longest_frame_ms = 0, save_ms = {} }
local leaving                         -- since when the game is being saved
local step_ms, overrun_us = 0, 0

local function fail(title, message)
    failure = { title, message }
    print(title .. "\n\n" .. message)
end

local function begin(arguments)
    local message
    settings, message = options.parse(arguments)
    if not settings then return fail("How to start the game", message .. "\n\n" .. options.usage) end
    if settings.help then
        print(options.usage)
        return love.event.quit()
    end
    local fp4, found = setup.find(settings.model)
    if not fp4 then return fail("Something is missing", found) end
    if settings.no_vsync then love.window.setVSync(0) end
    report, script = require("report"), require("script")
    if settings.script then
        events, message = script.load(settings.script)
        if not events then return fail("The script cannot be read", message) end
    end
    job, message = fp4.open_job(found)
    if not job then fail("The model cannot be opened", message) end
end

--- The model is opened in the background; the scene begins when it is there.
local function follow_opening()
    local finished, details = job:poll()
    if finished == false then
        progress = details
        return
    end
    local model, message
    if finished then model, message = job:result() else message = details end
    job:close()
    job = nil
    if not model then return fail("The model cannot be opened", message) end
    entering = require("scene").new(model, settings)
end

local function let_enter()
    local more, message = entering:enter_next()
    if more then return end
    if more == nil then
        fail("The characters cannot be made", message)
        entering:close()
    else
        scene = entering
        first_frame = frames.count
    end
    entering = nil
end

--- One character is saved in a frame, so that the window never hangs; then the game ends.
local function save_and_leave()
    local start = love.timer.getTime()
    local worked, message = scene:save_next()
    if worked then
        timings.save_ms[#timings.save_ms + 1] = (love.timer.getTime() - start) * 1000
        if message then print("not saved: " .. message) end
        return
    end
    timings.quit_ms = (love.timer.getTime() - leaving) * 1000
    if settings.report then
        local done
        done, message = report.write(settings.report, scene, timings)
        if not done then print(message) end
    end
    scene:close()
    scene = nil
    love.event.quit()
end

function love.load(arguments)
    io.stdout:setvbuf("line")
    love.keyboard.setKeyRepeat(true)
    theme.load()
    begin(arguments)
end

function love.update(dt)
    step_ms, overrun_us = 0, 0
    if job then return follow_opening() end
    if entering then return let_enter() end
    if not scene then return end
    if leaving then return save_and_leave() end
    script.play(events, scene, frames.count - first_frame)
    step_ms, overrun_us = scene:update(dt)
end

function love.draw()
    if failure then return notice.draw(failure[1], failure[2]) end
    if scene and not leaving then return scene:draw() end
    local part = progress and progress.total and progress.done / progress.total or 0
    notice.draw(leaving and "Until next time" or "Opening the model", leaving and "Saving what was said." or "One moment.",
        not leaving and part or nil)
end

function love.keypressed(key)
    if key == "q" and love.keyboard.isDown("lctrl", "rctrl") then return love.event.quit() end
    if failure and key == "escape" then return love.event.quit() end
    if scene and not leaving then scene:keypressed(key) end
end

function love.textinput(text)
    if scene and not leaving then scene:textinput(text) end
end

function love.mousepressed(x, y)
    if scene and not leaving then scene:mousepressed(x, y) end
end

function love.wheelmoved(_, lines)
    if scene and not leaving then scene:wheelmoved(lines) end
end

--- True: not yet, first what was said is saved.
function love.quit()
    if not scene then return false end
    leaving = leaving or love.timer.getTime()
    return true
end

local function handle_events()
    love.event.pump()
    for name, a, b, c, d, e, f in love.event.poll() do
        if name == "quit" and not love.quit() then return a or 0 end
        if name ~= "quit" then love.handlers[name](a, b, c, d, e, f) end
    end
end

--- LOVE's own loop, with a clock around the work of each frame.
function love.run()
    love.load(love.arg.parseGameArguments(arg))
    love.timer.step()
    local last_start
    return function()
        local start = love.timer.getTime()
        if last_start and not scene then
            timings.load_longest_frame_ms = math.max(timings.load_longest_frame_ms, (start - last_start) * 1000)
        end
        local status = handle_events()
        if status then
            if job then job:close() end
            if entering then entering:close() end
            return status
        end
        local worked = scene ~= nil and not leaving
        love.update(love.timer.step())
        if love.graphics.isActive() then
            love.graphics.origin()
            love.draw()
        end
        local busy_ms = (love.timer.getTime() - start) * 1000
        if love.graphics.isActive() then love.graphics.present() end
        -- As LOVE's own loop leaves the processor to others for a moment, but not in a frame that is late anyway.
        love.timer.sleep(math.max(0, math.min(0.001, 1 / 60 - (love.timer.getTime() - start))))
        local interval_ms = (love.timer.getTime() - start) * 1000
        if worked then frames.add(interval_ms, busy_ms, step_ms, overrun_us) end
        last_start = start
    end
end
