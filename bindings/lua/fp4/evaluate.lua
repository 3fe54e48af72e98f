-- Perplexity of a model and its distance to another, as a job.
local ffi = require("ffi")
local argument = require("fp4.argument")
local job = require("fp4.job")
local lib = require("fp4.library")
local misuse = require("fp4.misuse")
local model = require("fp4.model")
local object = require("fp4.object")

local evaluate = {}

local checks = {
    model = true,
    base = true,
    text = true,
    base_file = argument.text,
    save_base_file = argument.text,
    window = argument.count,
    max_windows = argument.count,
    path = argument.path,
    threads = argument.int32,
    kv_format = argument.kv_format,
}

--- Starts to measure a model on a text: perplexity, and with a base also KL divergence and top-1 agreement.
---@param options fp4.EvaluateOptions
---@return fp4.Job? job
---@return string? message
---@return string? code
function evaluate.start(options)
    if type(options) ~= "table" then misuse.wrong("evaluate's argument", "a table of options", options) end
    local config = ffi.new("fp4_evaluate_config")
    lib.fp4_evaluate_config_init(config, ffi.sizeof(config))
    argument.fill(config, options, checks, "evaluate")
    config.model = object.handle(options.model, model.Model, "evaluate.model")
    if options.base ~= nil then config.base = object.handle(options.base, model.Model, "evaluate.base") end
    if options.text ~= nil then
        config.text = argument.anchor(config, argument.bytes(options.text, "evaluate.text"))
        config.text_bytes = #options.text
    end
    return job.start(function(out) return lib.fp4_evaluate_start(out, config) end, { options.model, options.base })
end

return evaluate
