-- The examples as a user runs them, on a tiny model.
local fp4 = require("fp4")
local support = require("support")

describe("the example", function()
    local folder = support.root .. "/bindings/lua/examples/"

    local function run(name, ...)
        local chunk = assert(loadfile(folder .. name .. ".lua"))
        local lines = {}
        local quiet = { write = function() end }
        local environment = setmetatable({
            print = function(text) lines[#lines + 1] = text end,
            io = setmetatable({ stderr = quiet }, { __index = io }),
        }, { __index = _G })
        setfenv(chunk, environment)(...)
        return lines, environment
    end

    local function text_part(first, last)
        return support.write(support.path(".txt"), support.read(support.text_file):sub(first, last))
    end

    after_each(support.clean)

    it("watch quantizes", function()
        local target = support.path(".fp4")
        local lines = run("watch", support.tiny, target, "rtn")
        assert.is_truthy(lines[1]:find("14 tensors quantized", 1, true))
        assert.are.equal("fp4", fp4.describe(target).kind)
    end)

    it("sweep measures recipes", function()
        local csv = support.path(".csv")
        local lines = run("sweep", support.tiny, text_part(1, 6000), text_part(10001, 16000), csv)
        assert.are.equal(9, #lines)
        assert.is_truthy(lines[2]:find("^%* mxfp4"))
        local rows = 0
        for _ in io.lines(csv) do rows = rows + 1 end
        assert.are.equal(9, rows)
    end)

    it("mixed stays within its budget", function()
        local target = support.path(".fp4")
        local lines = run("mixed", support.tiny, text_part(1, 6000), "9.5", target)
        local used = tonumber(lines[#lines]:match("([%d.]+) bits per weight"))
        assert.is_true(used <= 9.5 and used > 9)
        local formats = {}
        for _, tensor in ipairs(fp4.describe(target).tensors) do formats[tensor.format] = true end
        local count = 0
        for _ in pairs(formats) do count = count + 1 end
        assert.is_true(count >= 3)
    end)

    it("chat answers", function()
        local said = {}
        local chunk = assert(loadfile(folder .. "chat.lua"))
        local questions = { "Hi", "And again" }
        setfenv(chunk, setmetatable({
            io = {
                stderr = { write = function(_, text) said[#said + 1] = text end },
                read = function() return table.remove(questions, 1) end,
                write = function() end,
                flush = function() end,
            },
        }, { __index = _G }))(support.tiny)
        assert.is_truthy(table.concat(said):find("tokens, ", 1, true))
    end)
end)
