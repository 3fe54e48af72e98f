-- JSON, as small as the module needs it: recipes out, results of jobs and descriptions in.
local misuse = require("fp4.misuse")

local json = {}

local array_mark = {}

--- Marks a table as an array, so that it is one even when empty.
---@param items table
---@return table items
function json.array(items)
    return setmetatable(items, array_mark)
end

local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function quoted(text)
    return '"' .. text:gsub('[%c"\\]', function(c) return escapes[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

--- The shortest text that reads back as the same number.
local function number_text(value, where)
    if value ~= value or value == math.huge or value == -math.huge then
        misuse.raise(where .. " is not a finite number")
    end
    for digits = 15, 17 do
        local text = ("%%.%dg"):format(digits):format(value)
        if tonumber(text) == value then return text end
    end
end

local function is_array(value)
    if getmetatable(value) == array_mark then return true end
    return #value > 0
end

local encode_value

local function encode_array(value, where, open)
    local parts = {}
    for key in pairs(value) do
        if type(key) ~= "number" or key < 1 or key > #value or key ~= math.floor(key) then
            misuse.raise(("%s is an array, but has the key '%s' too"):format(where, tostring(key)))
        end
    end
    for i = 1, #value do parts[i] = encode_value(value[i], where .. "[" .. i .. "]", open) end
    return "[" .. table.concat(parts, ",") .. "]"
end

local function encode_object(value, where, open)
    local keys, parts = {}, {}
    for key in pairs(value) do
        if type(key) ~= "string" then
            misuse.raise(("%s has the key '%s', which is not a string"):format(where, tostring(key)))
        end
        keys[#keys + 1] = key
    end
    table.sort(keys)
    for i, key in ipairs(keys) do
        parts[i] = quoted(key) .. ":" .. encode_value(value[key], where .. "." .. key, open)
    end
    return "{" .. table.concat(parts, ",") .. "}"
end

function encode_value(value, where, open)
    local kind = type(value)
    if kind == "string" then return quoted(value) end
    if kind == "boolean" then return tostring(value) end
    if kind == "number" then return number_text(value, where) end
    if kind ~= "table" then misuse.raise(("%s is a %s, which JSON cannot hold"):format(where, kind)) end
    if open[value] then misuse.raise(where .. " contains itself") end
    open[value] = true
    local text = (is_array(value) and encode_array or encode_object)(value, where, open)
    open[value] = nil
    return text
end

--- A Lua value as JSON text; keys are sorted. An empty table is an object unless marked by `json.array`.
---@param value any
---@param name? string what messages call the value
---@return string
function json.encode(value, name)
    if type(name) == "nil" then name = "value" end -- by ==, a null pointer would be nil too
    if type(name) ~= "string" then misuse.wrong("name", "a string", name) end
    return encode_value(value, name, {})
end

local unescapes = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

local function utf8(code)
    local char, floor = string.char, math.floor
    if code < 0x80 then return char(code) end
    if code < 0x800 then return char(0xC0 + floor(code / 64), 0x80 + code % 64) end
    if code < 0x10000 then
        return char(0xE0 + floor(code / 4096), 0x80 + floor(code / 64) % 64, 0x80 + code % 64)
    end
    return char(0xF0 + floor(code / 262144), 0x80 + floor(code / 4096) % 64, 0x80 + floor(code / 64) % 64,
        0x80 + code % 64)
end

local function fail(at, what)
    error({ json = ("%s at byte %d"):format(what, at) })
end

local function skip(text, at)
    return text:match("^[ \t\r\n]*()", at)
end

--- `at` is behind the opening quote; gives the string and where it ends.
local function decode_string(text, at)
    local parts = {}
    while true do
        local plain, stop = text:match('^([^"\\%c]*)()', at)
        parts[#parts + 1] = plain
        local c = text:sub(stop, stop)
        if c == '"' then return table.concat(parts), stop + 1 end
        if c ~= "\\" then fail(stop, "a string does not end") end
        local letter = text:sub(stop + 1, stop + 1)
        at = stop + 2
        if letter == "u" then
            local code = tonumber(text:match("^%x%x%x%x", at) or fail(at, "a bad \\u escape"), 16)
            at = at + 4
            local low = code >= 0xD800 and code < 0xDC00 and text:match("^\\u([dD][c-fC-F]%x%x)", at)
            if low then
                code = 0x10000 + (code - 0xD800) * 0x400 + tonumber(low, 16) - 0xDC00
                at = at + 6
            end
            parts[#parts + 1] = utf8(code)
        else
            parts[#parts + 1] = unescapes[letter] or fail(stop, "a bad escape")
        end
    end
end

local words = { ["true"] = true, ["false"] = false }
local deepest = 100

local function decode_value(text, at, depth)
    at = skip(text, at)
    if depth > deepest then fail(at, "nested too deeply") end
    local c = text:sub(at, at)
    if c == '"' then return decode_string(text, at + 1) end
    if c == "{" or c == "[" then
        local close, result, count = "}", {}, 0
        if c == "[" then close, result = "]", json.array(result) end
        at = skip(text, at + 1)
        if text:sub(at, at) == close then return result, at + 1 end
        while true do
            count = count + 1
            local key = count
            if c == "{" then
                if text:sub(at, at) ~= '"' then fail(at, "no key") end
                key, at = decode_string(text, at + 1)
                at = text:match("^[ \t\r\n]*:()", at) or fail(at, "no colon")
            end
            result[key], at = decode_value(text, at, depth + 1)
            at = skip(text, at)
            local separator = text:sub(at, at)
            if separator == close then return result, at + 1 end
            if separator ~= "," then fail(at, "no comma") end
            at = skip(text, at + 1)
        end
    end
    local word = text:match("^%a+", at)
    if word == "null" then return nil, at + 4 end
    if words[word or ""] ~= nil then return words[word], at + #word end
    local number = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
    if not number or not tonumber(number) then fail(at, "no value") end
    return tonumber(number), at + #number
end

--- The value of a JSON text; null becomes nil, arrays are marked.
---@param text string
---@return any value nil if the text is not JSON
---@return string? message
function json.decode(text)
    if type(text) ~= "string" then misuse.wrong("text", "a string", text) end
    local fine, value, at = pcall(decode_value, text, 1, 1)
    if not fine then
        if type(value) ~= "table" then error(value, 0) end
        return nil, "JSON: " .. value.json
    end
    if skip(text, at) <= #text then return nil, "JSON: more text behind the value at byte " .. skip(text, at) end
    return value
end

return json
