local fp4 = require("fp4")
local ffi = require("ffi")
local support = require("support")
local misuse = support.misuse

describe("the module", function()
    -- Lua programs of their own, since this one has the library loaded.
    local interpreter = os.getenv("FP4_TEST_LUA")
    local bindings = support.root .. "/bindings/lua"

    --- What a script prints and the error it ends with.
    local function run(environment, folder)
        local script = support.write(support.path(".lua"), 'local fp4 =\n    require("fp4")\nprint(fp4.version())\n')
        local command = ("env -u FP4_LIBRARY LUA_PATH='%s/?.lua' %s %s %s 2>&1"):format(folder or bindings, environment,
            interpreter, script)
        local pipe = assert(io.popen(command))
        local output = pipe:read("*a")
        pipe:close()
        return output, script .. ":2: fp4: "
    end

    after_each(support.clean)

    local function it_alone(name, body)
        it(name, function()
            if interpreter then body() else pending("needs LuaJIT's own interpreter") end
        end)
    end

    it_alone("loads what FP4_LIBRARY names", function()
        assert.are.equal(fp4.version() .. "\n", run("FP4_LIBRARY=" .. os.getenv("FP4_LIBRARY")))
    end)

    it_alone("says at the caller's line what is wrong with the library", function()
        for library, words in pairs({
            ["/nowhere/libfp4.so"] = "cannot load the library that FP4_LIBRARY names",
            [support.no_model] = "cannot load the library that FP4_LIBRARY names",
            [os.getenv("FP4_TEST_OLD_LIBRARY")] = "is version 0.0.9 of libfp4, but this module needs 0.1.0",
            [os.getenv("FP4_TEST_OTHER_LIBRARY")] = "is not libfp4: it has no fp4_version",
        }) do
            local output, place = run("FP4_LIBRARY=" .. library)
            assert.is_truthy(output:find(place, 1, true), output)
            assert.is_truthy(output:find(words, 1, true), output)
        end
    end)

    it_alone("finds the library beside itself", function()
        local folder = support.path()
        os.execute(("mkdir -p %s && cp -r %s/fp4.lua %s/fp4 %s && cp -L %s %s/libfp4.so"):format(folder, bindings,
            bindings, folder, os.getenv("FP4_LIBRARY"), folder))
        local found = run("", folder)
        os.execute(("cp %s %s/libfp4.so.0"):format(os.getenv("FP4_TEST_OLD_LIBRARY"), folder))
        local old = run("", folder)
        os.execute("rm -rf " .. folder)
        assert.are.equal(fp4.version() .. "\n", found)
        assert.is_truthy(old:find(folder .. "/libfp4.so.0 is version 0.0.9", 1, true), old)
    end)

    it("may be loaded again", function()
        local before = package.loaded
        local names = {}
        for name in pairs(before) do if name:match("^fp4") then names[#names + 1] = name end end
        for _, name in ipairs(names) do package.loaded[name] = nil end
        assert.are.equal(fp4.version(), require("fp4").version())
    end)

    it("knows itself", function()
        assert.is_true(fp4.version() >= 100)
        assert.is_truthy(fp4.build_info():find("libfp4", 1, true))
        local model = assert(fp4.open(support.tiny))
        local now, high = fp4.memory_used()
        assert.is_true(high >= now)
        -- Sanitizers bring their own operator new, which the library cannot count.
        if support.scale == 1 then assert.is_true(now > 0) end
        model:close()
    end)

    it("lists devices", function()
        local devices = fp4.devices()
        assert.are.equal("cpu", devices[1].id)
        assert.is_true(devices[1].usable)
        assert.is_true(devices[1].memory_total > 2 ^ 20)
        local used, available = devices[1]:memory()
        assert.is_true(used >= 0 and available > 2 ^ 20)
        assert.are.equal(0, devices[1].memory_limit)
        assert.are.equal("fp4.Device cpu", tostring(devices[1]))
        misuse("self must be a fp4.Device", function() devices[1].memory() end)
    end)

    it("drains the log", function()
        fp4.set_log_level("info")
        for _ in fp4.log() do end
        fp4.open(support.tiny):close()
        local count = 0
        for level, text in fp4.log() do
            count = count + 1
            assert.are.equal("info", level)
            assert.is_truthy(text:find("opened", 1, true))
        end
        assert.are.equal(1, count)
        fp4.set_log_level("warning")
        misuse('level must be one of "debug", "error", "info", "warning"', function() fp4.set_log_level("loud") end)
        misuse("level must be one of", function() fp4.set_log_level() end)
    end)

    it("codes and decodes blocks", function()
        local values = {}
        for i = 1, 64 do values[i] = (i - 32) / 8 end
        for _, format in ipairs({ "mxfp4", "nvfp4", "mxint8" }) do
            local blocks = assert(fp4.quantize_rows(format, values, 32))
            assert.are.equal(2, blocks.rows)
            for i, value in ipairs(assert(fp4.dequantize_rows(blocks))) do
                assert.is_true(math.abs(value - values[i]) <= 0.6)
            end
        end
        misuse('format must be one of "mxfp4"', function() fp4.quantize_rows("q4_0", values, 32) end)
        misuse("values must be an array", function() fp4.quantize_rows("mxfp4", "x", 32) end)
        misuse("values[2] must be a number", function() fp4.quantize_rows("mxfp4", { 1, "x" }, 2) end)
        misuse("not whole rows", function() fp4.quantize_rows("mxfp4", values, 33) end)
        misuse("columns must be a whole number", function() fp4.quantize_rows("mxfp4", values) end)
        misuse("", function() fp4.quantize_rows("mxfp4", values, 32, "best") end)
        misuse("blocks must be", function() fp4.dequantize_rows() end)
        local blocks = fp4.quantize_rows("mxfp4", values, 32)
        blocks.codes = blocks.codes:sub(2)
        misuse("blocks.codes has 31 bytes", function() fp4.dequantize_rows(blocks) end)
    end)

    it("reads and writes JSON", function()
        local json = fp4.json
        local text = '{"a":[1,2.5,-3e10],"b":{},"c":"\\u00e9\\n\\"","d":false,"e":[],"f":9007199254740991}'
        local value = json.decode(text)
        assert.are.equal("\195\169\n\"", value.c)
        assert.are.equal('{"a":[1,2.5,-30000000000],"b":{},"c":"\195\169\\n\\"","d":false,"e":[],"f":9007199254740991}',
            json.encode(value))
        assert.are.equal("0.1", json.encode(0.1))
        assert.are.equal(1 / 3, json.decode(json.encode(1 / 3)))
        assert.are.equal("\240\159\152\128", json.decode('"\\ud83d\\ude00"'))
        assert.is_nil(json.decode("null"))
        for _, wrong in ipairs({ "", "{", "[1,]", "{1:2}", '"', "tru", "1 2", '{"a" 1}', "[1", '"\\x"', "-" }) do
            local none, message = json.decode(wrong)
            assert.is_nil(none)
            assert.is_truthy(message:find("^JSON: "), wrong)
        end
        assert.is_nil((json.decode(("["):rep(1000))))
        misuse("value is not a finite number", function() json.encode(1 / 0) end)
        misuse("value.a[2] is a function", function() json.encode({ a = { 1, print } }) end)
        misuse("has the key 'x' too", function() json.encode({ 1, x = 2 }) end)
        misuse("which is not a string", function() json.encode({ [1.5] = 2 }) end)
        local cycle = {}
        cycle.again = cycle
        misuse("value.again contains itself", function() json.encode(cycle) end)
        misuse("text must be a string", function() json.decode() end)
    end)

    it("leaves no callbacks and no globals", function()
        local known = {}
        for name in pairs(_G) do known[name] = true end
        for name in pairs(package.loaded) do if name:match("^fp4") then package.loaded[name] = nil end end
        require("fp4")
        for name in pairs(_G) do assert.is_true(known[name] ~= nil, tostring(name)) end
        assert.is_truthy(ffi.os)
    end)
end)
