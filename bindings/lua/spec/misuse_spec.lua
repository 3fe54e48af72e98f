-- Every function of the module with wrong arguments of every kind: an error at this file's line, or nil, message, code;
-- never a crash, and everything still works afterwards. The other specs check the words of the messages.
local ffi = require("ffi")
local fp4 = require("fp4")
local support = require("support")

describe("wrong arguments of every kind", function()
    local model, closed_model, expected
    local request = { prompt = "Once", max_tokens = 8, ignore_end = true }
    local values

    local function generated()
        local context = assert(model:context({ threads = 1 }))
        local generation = assert(context:generate(request))
        local text = assert(generation:text())
        generation:close()
        context:close()
        return text
    end

    setup(function()
        model = assert(fp4.open(support.tiny))
        closed_model = assert(fp4.open(support.tiny))
        closed_model:close()
        expected = generated()
        -- "none" stands for nil, which an array cannot hold.
        values = { "none", true, false, 0, 1, -1, 0.5, 2 ^ 31, 2 ^ 63, -2 ^ 63, 1 / 0, 0 / 0, "", "/nowhere/x", "a\0b",
            "/nowhere/\255\254", {}, { 1 }, { "x" }, { x = 1 }, { source = 1 }, { {} }, print, coroutine.create(print),
            ffi.new("int[4]"), ffi.new("void*"), ffi.new("uint64_t", 5), io.stdout, model, closed_model,
            setmetatable({}, getmetatable(model)) }
    end)
    teardown(function() model:close() end)

    local place = debug.getinfo(1, "S").short_src

    local function close(object)
        if type(object) == "table" and type(object.close) == "function" then object:close() end
    end

    local unpack_values = unpack

    --- A call that must be harmless; what it opened is closed.
    local function try(name, call, ...)
        local results = { pcall(call, ...) }
        if results[1] then
            if results[2] ~= model and results[2] ~= closed_model then close(results[2]) end
            return
        end
        local message = tostring(results[2])
        local at = message:sub(1, #place + 1) == place .. ":" and message:find("^:%d+: fp4: ", #place + 1)
        if not at then error(name .. " gives another error: " .. message, 0) end
    end

    --- All pairs of values as arguments after `self` (nil: a function without).
    local function sweep(name, call, self)
        local count = 0
        for _, first in ipairs(values) do
            for _, second in ipairs(values) do
                local arguments = { first ~= "none" and first or nil, second ~= "none" and second or nil }
                if first == false then arguments[1] = false end
                if second == false then arguments[2] = false end
                if self then
                    try(name, call, self, unpack_values(arguments, 1, 2))
                else
                    try(name, call, unpack_values(arguments, 1, 2))
                end
                count = count + 1
            end
        end
        assert.is_true(count > 900)
    end

    it("leaves the module's functions alone", function()
        for name, call in pairs(fp4) do
            -- What `with` calls may do as it likes.
            if type(call) == "function" and name ~= "with" then sweep(name, call) end
        end
        for name, call in pairs(fp4.json) do
            -- Marks any table.
            if name ~= "array" then sweep("json." .. name, call) end
        end
        assert.are.equal(expected, generated())
    end)

    --- Every method of an object's class, on objects from `make`, and on everything that is no such object.
    local function sweep_class(make)
        local class = getmetatable(make()).__index
        for name, call in pairs(class) do
            if type(call) == "function" and name:sub(1, 1) ~= "_" then
                if name ~= "close" and name ~= "wait" then
                    local object = make()
                    sweep(name, call, object)
                    close(object)
                end
                for _, value in ipairs(values) do
                    if getmetatable(value) ~= class then try(name, call, value ~= "none" and value or nil) end
                end
                local shut = make()
                if shut.close then
                    shut:close()
                    try(name, call, shut)
                end
            end
        end
        assert.are.equal(expected, generated())
    end

    it("leaves models alone", function()
        sweep_class(function() return assert(fp4.open(support.tiny)) end)
    end)

    it("leaves contexts alone", function()
        sweep_class(function() return assert(model:context({ threads = 1 })) end)
    end)

    it("leaves generations alone", function()
        local contexts = {}
        sweep_class(function()
            contexts[#contexts + 1] = assert(model:context({ threads = 1, capacity = 32 }))
            return assert(contexts[#contexts]:generate(request))
        end)
        for _, context in ipairs(contexts) do context:close() end
    end)

    it("leaves jobs alone", function()
        sweep_class(function() return assert(fp4.open_job(support.tiny)) end)
    end)

    it("leaves devices alone", function()
        sweep_class(function() return fp4.devices()[1] end)
    end)
end)
