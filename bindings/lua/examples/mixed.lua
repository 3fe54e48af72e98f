-- Chooses the format of each matrix by the error it makes in the layer's output, within a budget of bits per weight.
--   fp4 lua mixed.lua SOURCE CALIBRATION_TEXT BITS TARGET.fp4
-- Every candidate format is tried on the whole model; the finished file's manifest has each matrix's error. Then the
-- budget is spent, one matrix after the other, where a bit takes most of the error away.
local fp4 = require("fp4")

local source, calibration, bits, target = ...
bits = tonumber(bits)
if not target or not bits then
    io.stderr:write("usage: fp4 lua mixed.lua SOURCE CALIBRATION_TEXT BITS TARGET.fp4\n")
    os.exit(2)
end

local candidates = { "mxfp4", "nvfp4", "mxfp6-e2m3", "mxfp8-e4m3" }

local function quantize(options)
    options.source = source
    options.target = target
    options.calibration_text = calibration
    options.calibration_sequences = 16
    options.calibration_length = 128
    options.recipe = { preset = "gptq", format = options.format, activations = { format = "none" } }
    options.format = nil
    local job = assert(fp4.quantize(options))
    local result = assert(job:wait())
    job:close()
    return result, assert(fp4.describe(target))
end

local function sizes(description)
    local bytes = {}
    for _, tensor in ipairs(description.tensors) do bytes[tensor.name] = tensor.bytes end
    return bytes
end

-- choices[matrix][format] = { bytes =, loss = }
local choices, weights = {}, nil
local smallest = candidates[1]
local total = 0
for _, format in ipairs(candidates) do
    io.stderr:write("trying ", format, "\n")
    local result, description = quantize({ format = format })
    local bytes = sizes(description)
    if format == smallest then
        weights = result.weights
        for _, size in pairs(bytes) do total = total + size end
    end
    for _, layer in ipairs(description.manifest.layers) do
        for _, site in ipairs(layer) do
            for _, matrix in ipairs(site.tensors) do
                choices[matrix.name] = choices[matrix.name] or {}
                choices[matrix.name][format] = { bytes = bytes[matrix.name], loss = matrix.output_error ^ 2 }
            end
        end
    end
end

local chosen = {}
for name in pairs(choices) do chosen[name] = smallest end
local budget = bits * weights / 8

--- The change that takes most error away per byte and still fits.
local function best_change()
    local best, gain = nil, 0
    for name, formats in pairs(choices) do
        local now = formats[chosen[name]]
        for format, then_ in pairs(formats) do
            local more = then_.bytes - now.bytes
            local less = now.loss - then_.loss
            if less > 0 and total + more <= budget and less / math.max(more, 1) > gain then
                best, gain = { name = name, format = format, bytes = more }, less / math.max(more, 1)
            end
        end
    end
    return best
end

for change in best_change do
    chosen[change.name] = change.format
    total = total + change.bytes
end

local result = quantize({ format = smallest, choose = function(tensor) return chosen[tensor.canonical] end })
local names = {}
for name in pairs(chosen) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
    print(("%-48s %-12s error %.4f"):format(name, chosen[name], math.sqrt(choices[name][chosen[name]].loss)))
end
print(("%s: %.3f bits per weight of %g allowed"):format(target, result.bits_per_weight, bits))
