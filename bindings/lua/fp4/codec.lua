-- Block codecs on arrays of numbers.
local ffi = require("ffi")
local argument = require("fp4.argument")
local lib = require("fp4.library")
local misuse = require("fp4.misuse")
local status = require("fp4.status")

local codec = {}

local formats = {
    ["mxfp4"] = lib.FP4_FORMAT_MXFP4,
    ["nvfp4"] = lib.FP4_FORMAT_NVFP4,
    ["mxfp8-e4m3"] = lib.FP4_FORMAT_MXFP8_E4M3,
    ["mxfp8-e5m2"] = lib.FP4_FORMAT_MXFP8_E5M2,
    ["mxfp6-e2m3"] = lib.FP4_FORMAT_MXFP6_E2M3,
    ["mxfp6-e3m2"] = lib.FP4_FORMAT_MXFP6_E3M2,
    ["mxint8"] = lib.FP4_FORMAT_MXINT8,
}
local format_number = argument.name(formats)
local columns_of = argument.integer(1, 2 ^ 31 - 1)

--- Numbers as blocks of a format. The number of rows is what the count of the values gives.
---@param format string "mxfp4", "nvfp4", "mxfp8-e4m3" ...
---@param values number[] row by row
---@param columns integer numbers in a row
---@param scale_rule? string default "mse"
---@return fp4.Blocks? blocks
---@return string? message
---@return string? code
function codec.quantize_rows(format, values, columns, scale_rule)
    local number = format_number(format, "format")
    if type(values) ~= "table" then misuse.wrong("values", "an array of numbers", values) end
    columns = columns_of(columns, "columns")
    local rows = #values / columns
    if rows ~= math.floor(rows) then misuse.raise(("%d values are not whole rows of %d"):format(#values, columns)) end
    if scale_rule ~= nil then scale_rule = argument.text(scale_rule, "scale_rule") end
    local floats = ffi.new("float[?]", #values)
    for i = 1, #values do floats[i - 1] = argument.number(values[i], "values[" .. i .. "]") end
    local codes = ffi.new("uint8_t[?]", rows * tonumber(lib.fp4_row_code_bytes(number, columns)))
    local scales = ffi.new("uint8_t[?]", rows * tonumber(lib.fp4_row_scale_bytes(number, columns)))
    local tensor_scale = ffi.new("float[1]")
    local result = lib.fp4_quantize_rows(number, scale_rule, floats, rows, columns, codes, scales, tensor_scale)
    if result < 0 then return status.failed(result) end
    return {
        format = format,
        rows = rows,
        columns = columns,
        codes = ffi.string(codes, ffi.sizeof(codes)),
        scales = ffi.string(scales, ffi.sizeof(scales)),
        tensor_scale = tensor_scale[0],
    }
end

--- The numbers that blocks stand for.
---@param blocks fp4.Blocks
---@return number[]? values row by row
---@return string? message
---@return string? code
function codec.dequantize_rows(blocks)
    if type(blocks) ~= "table" then misuse.wrong("blocks", "what quantize_rows gave", blocks) end
    local number = format_number(blocks.format, "blocks.format")
    local rows = argument.integer(0, 2 ^ 31 - 1)(blocks.rows, "blocks.rows")
    local columns = columns_of(blocks.columns, "blocks.columns")
    for name, row_bytes in pairs({ codes = lib.fp4_row_code_bytes, scales = lib.fp4_row_scale_bytes }) do
        local wanted = rows * tonumber(row_bytes(number, columns))
        local bytes = argument.bytes(blocks[name], "blocks." .. name)
        if #bytes ~= wanted then
            misuse.raise(("blocks.%s has %d bytes, but %d rows of %d %s values take %d"):format(name, #bytes, rows,
                columns, blocks.format, wanted))
        end
    end
    local tensor_scale = argument.number(blocks.tensor_scale, "blocks.tensor_scale")
    local floats = ffi.new("float[?]", rows * columns)
    local result = lib.fp4_dequantize_rows(number, blocks.codes, blocks.scales, tensor_scale, rows, columns, floats)
    if result < 0 then return status.failed(result) end
    local values = {}
    for i = 1, rows * columns do values[i] = floats[i - 1] end
    return values
end

return codec
