-- Multiple-choice items answered by a model, as a job.
local ffi = require("ffi")
local argument = require("fp4.argument")
local job = require("fp4.job")
local lib = require("fp4.library")
local misuse = require("fp4.misuse")
local model = require("fp4.model")
local object = require("fp4.object")

local tasks = {}

local checks = {
    model = true,
    text = true,
    file = argument.text,
    max_items = argument.count,
    path = argument.path,
    threads = argument.int32,
}

--- Starts to answer multiple-choice items: each with the choice whose tokens are the most likely after its context.
--- The result has the keys `items`, `accuracy`, `accuracy_norm`, `standard_error`, `perplexity` ...
---@param options fp4.TasksOptions
---@return fp4.Job? job
---@return string? message
---@return string? code
function tasks.start(options)
    if type(options) ~= "table" then misuse.wrong("tasks's argument", "a table of options", options) end
    local config = ffi.new("fp4_tasks_config")
    lib.fp4_tasks_config_init(config, ffi.sizeof(config))
    argument.fill(config, options, checks, "tasks")
    config.model = object.handle(options.model, model.Model, "tasks.model")
    if options.text ~= nil then
        config.text = argument.anchor(config, argument.bytes(options.text, "tasks.text"))
        config.text_bytes = #options.text
    end
    return job.start(function(out) return lib.fp4_tasks_start(out, config) end, { options.model })
end

return tasks
