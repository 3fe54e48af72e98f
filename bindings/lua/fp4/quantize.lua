-- Quantization of a model as a job.
local ffi = require("ffi")
local argument = require("fp4.argument")
local job = require("fp4.job")
local json = require("fp4.json")
local lib = require("fp4.library")
local misuse = require("fp4.misuse")
local source = require("fp4.source")

local quantize = {}

--- "PATTERN=FORMAT" of a rule given as such or as { match = PATTERN, format = FORMAT }.
local function rule_text(rule, name)
    if type(rule) == "string" then return argument.text(rule, name) end
    if type(rule) ~= "table" then misuse.wrong(name, '"PATTERN=FORMAT" or { match =, format = }', rule) end
    argument.options(rule, { match = true, format = true }, name)
    return argument.text(rule.match, name .. ".match") .. "=" .. argument.text(rule.format, name .. ".format")
end

--- Rules for the tensors for which the function `choose` names a format.
local function chosen_rules(options, rules)
    if type(options.choose) ~= "function" then misuse.wrong("quantize.choose", "a function", options.choose) end
    local description, message, code = source.describe(options.source)
    if not description then return nil, message, code end
    for _, tensor in ipairs(description.tensors) do
        local format = tensor.canonical and options.choose(tensor)
        if format then
            rules[#rules + 1] = tensor.canonical .. "=" .. argument.text(format, "the format chosen for " .. tensor.name)
        end
    end
    return rules
end

local function read_rules(options)
    local rules = {}
    if options.keep ~= nil then
        if type(options.keep) ~= "table" then misuse.wrong("quantize.keep", "an array of rules", options.keep) end
        for i, rule in ipairs(options.keep) do rules[i] = rule_text(rule, "quantize.keep[" .. i .. "]") end
    end
    if options.choose == nil then return rules end
    return chosen_rules(options, rules)
end

--- Lists of a recipe are arrays, also when empty.
local function marked(recipe)
    local copy = {}
    for key, value in pairs(recipe) do copy[key] = value end
    if type(copy.tensors) == "table" then copy.tensors = json.array(copy.tensors) end
    if type(copy.choice) == "table" then
        local choice = {}
        for key, value in pairs(copy.choice) do
            choice[key] = type(value) == "table" and json.array(value) or value
        end
        copy.choice = choice
    end
    return copy
end

local function recipe_text(recipe, name)
    if type(recipe) == "table" then return json.encode(marked(recipe), "recipe") end
    if type(recipe) ~= "string" then misuse.wrong(name, "a preset's name, JSON text or a table", recipe) end
    return argument.text(recipe, name)
end

local checks = {
    source = true,
    target = true,
    keep = true,
    choose = true,
    format = argument.text,
    scale_rule = argument.text,
    threads = argument.int32,
    recipe = recipe_text,
    calibration_text = argument.text,
    activations = argument.text,
    calibration_sequences = argument.count,
    calibration_length = argument.count,
}

--- Starts to quantize a model to a .fp4 file. The recipe is the same as in C and on the command line; a Lua table is
--- written as JSON. `choose` decides for each tensor before the job starts.
---@param options fp4.QuantizeOptions
---@return fp4.Job? job
---@return string? message
---@return string? code
function quantize.start(options)
    if type(options) ~= "table" then misuse.wrong("quantize's argument", "a table of options", options) end
    local config = ffi.new("fp4_quantize_config")
    lib.fp4_quantize_config_init(config, ffi.sizeof(config))
    argument.fill(config, options, checks, "quantize")
    local from = argument.text(options.source, "quantize.source")
    local to = argument.text(options.target, "quantize.target")
    local rules, message, code = read_rules(options)
    if not rules then return nil, message, code end
    local texts, count = argument.texts(rules, "quantize.keep")
    config.keep = argument.anchor(config, texts)
    config.keep_count = count
    return job.start(function(out) return lib.fp4_quantize_start(out, from, to, config) end)
end

return quantize
