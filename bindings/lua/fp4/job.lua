-- Jobs: long work in the background, polled.
local ffi = require("ffi")
local argument = require("fp4.argument")
local buffer = require("fp4.buffer")
local json = require("fp4.json")
local lib = require("fp4.library")
local misuse = require("fp4.misuse")
local object = require("fp4.object")
local status = require("fp4.status")

--- Long work in the background: quantizing, evaluating, checking a file, opening a model.
--- How a job ends is always a value, never an error.
---@class fp4.Job
local Job = object.class("Job", lib.fp4_job_close)

local job = { Job = Job }

--- `take(handle)` makes the result of a finished job; default: its JSON.
function job.new(handle, parents, take)
    local self = object.new(Job, handle, parents)
    self._take = take
    self._progress = ffi.new("fp4_job_progress", ffi.sizeof("fp4_job_progress"))
    return self
end

--- `call(out)` starts it and returns its status.
function job.start(call, parents, take)
    local out = ffi.new("fp4_job*[1]")
    local result = call(out)
    if result < 0 then return status.failed(result) end
    return job.new(out[0], parents, take)
end

local progress_numbers = { "done", "total", "seconds", "eta_seconds" }
local progress_texts = { "phase", "item" }

local function progress_of(struct)
    local progress = buffer.record(struct, progress_numbers, progress_texts)
    if progress.total == 0 then progress.total = nil end
    if progress.eta_seconds < 0 then progress.eta_seconds = nil end
    return progress
end

local timeout = argument.integer(-1, 2 ^ 31 - 1)

--- Whether the job has finished: true, false while it runs, or nil, message, code of its failure ("cancelled" after a
--- cancel).
---@param timeout_ms? integer wait so long for its end (default 0: not at all; -1: until then)
---@return boolean? finished
---@return fp4.Progress|string progress or the message
---@return string? code
function Job:poll(timeout_ms)
    local handle = object.handle(self, Job)
    local result = lib.fp4_job_poll(handle, timeout(timeout_ms or 0, "timeout_ms"), self._progress)
    if result < 0 then return status.failure(result) end
    return result == lib.FP4_DONE, progress_of(self._progress)
end

--- What the finished job made: the opened model of `open_job`, else a table with the keys of the command line's
--- `--json` (`fp4 quantize`, `fp4 eval`, `fp4 check`). Before the job's end it is misuse.
---@return any result
---@return string? message
---@return string? code
function Job:result()
    local handle = object.handle(self, Job)
    local ended = lib.fp4_job_poll(handle, 0, nil)
    if ended < 0 then return status.failure(ended) end
    if ended == lib.FP4_MORE then misuse.raise("the job still runs; its result comes with `wait`") end
    if self._result == nil then
        if self._take then
            local result, message, code = self._take(handle)
            if result == nil then return nil, message, code end
            self._result = result
        else
            local text, message, code = buffer.text(function(out, capacity, needed)
                return lib.fp4_job_result(handle, out, capacity, needed)
            end)
            if not text then return nil, message, code end
            self._result = json.decode(text)
        end
    end
    return self._result
end

local wait_slice_ms = 100

--- Waits for the end and gives the result.
---@param on_progress? fun(progress: fp4.Progress): boolean? called about ten times a second; false cancels the job
---@return any result
---@return string? message
---@return string? code
function Job:wait(on_progress)
    object.handle(self, Job)
    if on_progress ~= nil and type(on_progress) ~= "function" then
        misuse.wrong("on_progress", "a function", on_progress)
    end
    local finished, progress, code
    repeat
        finished, progress, code = self:poll(wait_slice_ms)
        if finished == nil then return nil, progress, code end
        if on_progress and on_progress(progress) == false and not finished then self:cancel() end
    until finished
    return self:result()
end

-- Compiled loops do not look for interrupts.
jit.off(Job.wait)

--- Asks the job to stop. It ends with "cancelled" soon and leaves no partial file.
function Job:cancel()
    lib.fp4_job_cancel(object.handle(self, Job))
end

--- Frees the job; cancels it and waits for its thread if it still runs. A second time does nothing.
function Job:close()
    object.close(self, Job)
end

return job
