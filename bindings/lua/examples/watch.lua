-- Quantizes a model and shows how far it is.
--   fp4 lua watch.lua SOURCE TARGET.fp4 [RECIPE [CALIBRATION_TEXT]]
local fp4 = require("fp4")

local source, target, recipe, calibration = ...
if not target then
    io.stderr:write("usage: fp4 lua watch.lua SOURCE TARGET.fp4 [RECIPE [CALIBRATION_TEXT]]\n")
    os.exit(2)
end

local width = 40

local function show(progress)
    local share = progress.total and progress.done / progress.total or 0
    local filled = math.floor(share * width)
    local rest = progress.eta_seconds and (" %4.0f s left"):format(progress.eta_seconds) or ""
    io.stderr:write(("\r\27[K[%s%s] %3.0f %% %s %s%s"):format(("#"):rep(filled), ("."):rep(width - filled), share * 100,
        progress.phase, progress.item, rest))
end

local job = assert(fp4.quantize({ source = source, target = target, recipe = recipe, calibration_text = calibration }))
local result, message = job:wait(show)
job:close()
io.stderr:write("\n")
if not result then
    io.stderr:write(message, "\n")
    os.exit(1)
end
print(("%s: %d tensors quantized, %.3f bits per weight, %.1f s"):format(result.target, result.tensors_quantized,
    result.bits_per_weight, result.seconds))
