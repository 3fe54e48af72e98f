-- How tokens are drawn.
local ffi = require("ffi")
local argument = require("fp4.argument")
local lib = require("fp4.library")
local misuse = require("fp4.misuse")

local sampling = {}

--- A bias table {[token] = number} as a C array and its length.
local function bias_array(value, name)
    if type(value) ~= "table" then misuse.wrong(name, "a table from token to number", value) end
    local count = 0
    for _ in pairs(value) do count = count + 1 end
    local biases = ffi.new("fp4_logit_bias[?]", count)
    local i = 0
    for token, bias in pairs(value) do
        biases[i].token = argument.int32(token, "a token of " .. name)
        biases[i].bias = argument.number(bias, name .. "[" .. token .. "]")
        i = i + 1
    end
    return biases, count
end

local checks = {
    temperature = argument.number,
    top_k = argument.int32,
    top_p = argument.number,
    min_p = argument.number,
    repetition_penalty = argument.number,
    presence_penalty = argument.number,
    frequency_penalty = argument.number,
    penalty_last_n = argument.int32,
    seed = argument.uint64,
    bias = true,
}

--- The C configuration, or nil (greedy) without options.
function sampling.config(options, name)
    if options == nil then return nil end
    local config = ffi.new("fp4_sampling")
    lib.fp4_sampling_init(config, ffi.sizeof(config))
    argument.fill(config, options, checks, name)
    if options.bias ~= nil then
        local biases, count = bias_array(options.bias, name .. ".bias")
        config.bias = argument.anchor(config, biases)
        config.bias_count = count
    end
    return config
end

return sampling
