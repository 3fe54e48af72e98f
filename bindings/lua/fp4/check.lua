-- Checks of whole files, as a job.
local argument = require("fp4.argument")
local job = require("fp4.job")
local lib = require("fp4.library")
local source = require("fp4.source")

local check = {}

--- Starts to check a whole model file: structure, bounds, and for .fp4 files every hash.
---@param path string
---@param options? fp4.SourceOptions
---@return fp4.Job? job
---@return string? message
---@return string? code
function check.start(path, options)
    path = argument.text(path, "path")
    local config = source.config(options, "options of check")
    return job.start(function(out) return lib.fp4_model_check_start(out, path, config) end)
end

return check
