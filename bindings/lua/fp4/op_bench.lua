-- The speed of each operation of a model, as a job.
local ffi = require("ffi")
local argument = require("fp4.argument")
local job = require("fp4.job")
local lib = require("fp4.library")
local misuse = require("fp4.misuse")
local model = require("fp4.model")
local object = require("fp4.object")

local op_bench = {}

local checks = {
    model = true,
    tokens = argument.count,
    context = argument.count,
    path = argument.path,
    kv_format = argument.kv_format,
    threads = argument.int32,
    seconds = argument.number,
}

--- Starts to time each operation of a pass on the model's device. The result has the keys of `fp4 bench --op --json`.
---@param options fp4.OpBenchOptions
---@return fp4.Job? job
---@return string? message
---@return string? code
function op_bench.start(options)
    if type(options) ~= "table" then misuse.wrong("op_bench's argument", "a table of options", options) end
    local config = ffi.new("fp4_op_bench_config")
    lib.fp4_op_bench_config_init(config, ffi.sizeof(config))
    argument.fill(config, options, checks, "op_bench")
    config.model = object.handle(options.model, model.Model, "op_bench.model")
    return job.start(function(out) return lib.fp4_op_bench_start(out, config) end, { options.model })
end

return op_bench
