-- Quantizes a model by several recipes, measures each against the original, and writes a table.
--   fp4 lua sweep.lua SOURCE TEXT [CALIBRATION_TEXT [CSV]]
-- A recipe that is neither smaller nor closer than another is of no use: the marked ones are not.
local fp4 = require("fp4")

local source, text_file, calibration, csv_file = ...
if not text_file then
    io.stderr:write("usage: fp4 lua sweep.lua SOURCE TEXT [CALIBRATION_TEXT [CSV]]\n")
    os.exit(2)
end

local recipes = {
    { name = "mxfp4" },
    { name = "nvfp4", format = "nvfp4" },
    { name = "nvfp4 four-over-six", format = "nvfp4", scale = "four-over-six" },
    { name = "mxfp4, down in fp8", tensors = { { match = "*.down_proj.weight", format = "mxfp8-e4m3" } } },
    { name = "mxfp6", format = "mxfp6-e2m3" },
    { name = "mxfp8", format = "mxfp8-e4m3" },
}
if calibration then
    recipes[#recipes + 1] = { name = "mxfp4 gptq", preset = "gptq", activations = { format = "none" } }
    recipes[#recipes + 1] = { name = "nvfp4 gptq", preset = "gptq", format = "nvfp4", activations = { format = "none" } }
end

local file = assert(io.open(text_file, "rb"))
local text = file:read("*a")
file:close()

local base = assert(fp4.open(source))
local window = math.min(512, base:info().context_length)
local target = os.tmpname() .. ".fp4"

local function finish(job)
    local result = assert(job:wait())
    job:close()
    return result
end

local function measure(recipe)
    local made = finish(assert(fp4.quantize({
        source = source,
        target = target,
        recipe = recipe,
        calibration_text = recipe.preset and calibration,
    })))
    return fp4.with(assert(fp4.open(target)), function(model)
        local measured = finish(assert(fp4.evaluate({
            model = model,
            base = base,
            text = text,
            window = window,
            max_windows = 16,
        })))
        return { name = recipe.name, bits = made.bits_per_weight, perplexity = measured.perplexity,
            kl = measured.kl_mean, agreement = measured.top1_agreement }
    end)
end

local rows = {}
for i, recipe in ipairs(recipes) do
    io.stderr:write(("%d of %d: %s\n"):format(i, #recipes, recipe.name))
    rows[i] = measure(recipe)
end
base:close()
os.remove(target)

table.sort(rows, function(a, b)
    if a.bits ~= b.bits then return a.bits < b.bits end
    return a.kl < b.kl
end)

local csv = assert(io.open(csv_file or "sweep.csv", "w"))
csv:write("recipe,bits_per_weight,perplexity,kl_mean,top1_agreement\n")
print(("  %-24s %8s %12s %10s %9s"):format("recipe", "bits", "perplexity", "KL", "same top"))
local best = math.huge
for _, row in ipairs(rows) do
    -- Sorted by size: on the Pareto front is what is closer than everything smaller.
    local mark = row.kl < best and "*" or " "
    best = math.min(best, row.kl)
    print(("%s %-24s %8.3f %12.4f %10.5f %9.4f"):format(mark, row.name, row.bits, row.perplexity, row.kl, row.agreement))
    csv:write(('"%s",%.6g,%.8g,%.8g,%.6g\n'):format(row.name, row.bits, row.perplexity, row.kl, row.agreement))
end
csv:close()
