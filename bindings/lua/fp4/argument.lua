-- Checks of arguments and options: each gives the value for C, or raises misuse that names the argument.
local ffi = require("ffi")
local misuse = require("fp4.misuse")

local argument = {}

local anchors = setmetatable({}, { __mode = "k" })

--- Keeps a value alive as long as the struct that holds a pointer to it.
function argument.anchor(struct, value)
    local held = anchors[struct]
    if not held then
        held = {}
        anchors[struct] = held
    end
    held[#held + 1] = value
    return value
end

--- Text that C reads to its terminator.
function argument.text(value, name)
    if type(value) ~= "string" then misuse.wrong(name, "a string", value) end
    if value:find("\0", 1, true) then misuse.raise(name .. " contains a zero byte") end
    return value
end

--- Text that C reads by its length.
function argument.bytes(value, name)
    if type(value) ~= "string" then misuse.wrong(name, "a string", value) end
    return value
end

--- A check for whole numbers in a range.
function argument.integer(low, high)
    return function(value, name)
        if type(value) ~= "number" or value ~= math.floor(value) or value < low or value > high then
            misuse.wrong(name, ("a whole number from %.17g to %.17g"):format(low, high), value)
        end
        return value
    end
end

argument.count = argument.integer(0, 2 ^ 32 - 1)
argument.size = argument.integer(0, 2 ^ 53)
argument.int32 = argument.integer(-2 ^ 31, 2 ^ 31 - 1)

--- A number; NaN is none.
function argument.number(value, name)
    if type(value) ~= "number" or value ~= value then misuse.wrong(name, "a number", value) end
    return value
end

--- 64 bits: a whole number, or a uint64_t where that is not exact.
function argument.uint64(value, name)
    if type(value) == "cdata" and (ffi.istype("uint64_t", value) or ffi.istype("int64_t", value)) then return value end
    return argument.size(value, name)
end

function argument.boolean(value, name)
    if type(value) ~= "boolean" then misuse.wrong(name, "true or false", value) end
    return value
end

--- A check for one of some names; `numbers` maps them to C's numbers.
function argument.name(numbers)
    local names = {}
    for name in pairs(numbers) do names[#names + 1] = '"' .. name .. '"' end
    table.sort(names)
    local wanted = "one of " .. table.concat(names, ", ")
    return function(value, name)
        local number = type(value) == "string" and numbers[value]
        if not number then misuse.wrong(name, wanted, value) end
        return number
    end
end

argument.path = argument.name({ auto = 0, w16a16 = 1, w4a16 = 2, w4a8 = 3, w4a4 = 4 })
argument.kv_format = argument.name({ f16 = 0, f32 = 1, mxfp8 = 2, mxfp4 = 3 })

--- Token ids as a C array and how many there are.
function argument.tokens(value, name)
    if type(value) ~= "table" then misuse.wrong(name, "an array of token ids", value) end
    local count = #value
    local tokens = ffi.new("int32_t[?]", count)
    for i = 1, count do tokens[i - 1] = argument.int32(value[i], name .. "[" .. i .. "]") end
    return tokens, count
end

--- An array of texts as C wants it and how many there are.
function argument.texts(value, name)
    if type(value) ~= "table" then misuse.wrong(name, "an array of strings", value) end
    local count = #value
    local texts = ffi.new("const char*[?]", count)
    for i = 1, count do texts[i - 1] = argument.anchor(texts, argument.text(value[i], name .. "[" .. i .. "]")) end
    return texts, count
end

--- An options table: a table or nil, and only the known keys.
function argument.options(options, known, name)
    if options == nil then return {} end
    if type(options) ~= "table" then misuse.wrong(name, "a table of options", options) end
    for key in pairs(options) do
        if known[key] == nil then
            local names = {}
            for option in pairs(known) do names[#names + 1] = option end
            table.sort(names)
            misuse.raise(("%s has no option '%s'; it knows %s"):format(name, tostring(key), table.concat(names, ", ")))
        end
    end
    return options
end

--- The checked values of an options table.
function argument.checked(options, checks, name)
    options = argument.options(options, checks, name)
    local values = {}
    for key, value in pairs(options) do values[key] = checks[key](value, name .. "." .. key) end
    return values
end

--- Writes options into the fields of a C struct that have their names, by a table of checks. Options whose entry is
--- true are the caller's.
function argument.fill(struct, options, checks, name)
    options = argument.options(options, checks, name)
    for key, check in pairs(checks) do
        if check ~= true and options[key] ~= nil then
            struct[key] = argument.anchor(struct, check(options[key], name .. "." .. key))
        end
    end
    return options
end

return argument
