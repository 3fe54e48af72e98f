-- Where a model comes from and what its file says without being opened.
local ffi = require("ffi")
local argument = require("fp4.argument")
local buffer = require("fp4.buffer")
local json = require("fp4.json")
local lib = require("fp4.library")
local status = require("fp4.status")

local source = {}

local path_names = { [0] = "auto", "w16a16", "w4a16", "w4a8", "w4a4" }

function source.path_name(number)
    return path_names[number]
end

local checks = {
    device = argument.text,
    mmap = argument.boolean,
    synthetic = argument.text,
    synthetic_format = argument.text,
    synthetic_seed = argument.uint64,
}

--- The C configuration of options.
function source.config(options, name)
    options = argument.checked(options, checks, name)
    local config = ffi.new("fp4_model_config")
    lib.fp4_model_config_init(config, ffi.sizeof(config))
    config.device = argument.anchor(config, options.device)
    if options.mmap == false then config.flags = lib.FP4_MODEL_NO_MMAP end
    config.synthetic = argument.anchor(config, options.synthetic)
    config.synthetic_format = argument.anchor(config, options.synthetic_format)
    config.synthetic_seed = options.synthetic_seed or 0
    return config
end

--- Reads a model's headers only: kind, architecture, config, tensors (each with name, format, shape, bytes), totals.
--- The keys are those of `fp4 info --json`.
---@param path string
---@param options? fp4.SourceOptions
---@return fp4.Description? description
---@return string? message
---@return string? code
function source.describe(path, options)
    path = argument.text(path, "path")
    local config = source.config(options, "options of describe")
    local text, message, code = buffer.text(function(out, capacity, needed)
        return lib.fp4_model_describe(path, config, out, capacity, needed)
    end)
    if not text then return nil, message, code end
    return json.decode(text)
end

local plan_numbers = { "weight_bytes", "kv_bytes", "scratch_bytes", "available_bytes", "largest_context" }

local plan_options = { context = true }
for name in pairs(checks) do plan_options[name] = true end

--- What opening a model and one context would take, from the headers alone, as `Device:memory` counts it afterwards.
---@param path string
---@param options? fp4.PlanOptions
---@return fp4.Plan? plan
---@return string? message
---@return string? code
function source.plan(path, options)
    path = argument.text(path, "path")
    local of_source, of_context = {}, nil
    for name, value in pairs(argument.options(options, plan_options, "options of plan")) do
        if name == "context" then of_context = value else of_source[name] = value end
    end
    local config = source.config(of_source, "options of plan")
    local context = require("fp4.context").config(of_context, "options of plan.context")
    local plan = ffi.new("fp4_plan", ffi.sizeof("fp4_plan"))
    local result = lib.fp4_model_plan(path, config, context, plan)
    if result < 0 then return status.failed(result) end
    local record = buffer.record(plan, plan_numbers)
    record.fits = bit.band(plan.flags, lib.FP4_PLAN_FITS) ~= 0
    return record
end

return source
