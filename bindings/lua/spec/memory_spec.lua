local fp4 = require("fp4")
local support = require("support")

describe("resident memory", function()
    local model, context

    setup(function()
        model = assert(fp4.open(support.tiny))
        context = assert(model:context({ threads = 1 }))
    end)
    teardown(function()
        context:close()
        model:close()
    end)

    -- What the allocators may keep: a leak of one byte a cycle stays below, of 50 bytes does not.
    local slack = 4 * 2 ^ 20

    --- Runs `cycle` a tenth of the times to warm up, then all the times.
    local function stays_flat(times, cycle)
        times = math.ceil(times * support.scale)
        for _ = 1, math.ceil(times / 10) do cycle() end
        collectgarbage()
        collectgarbage()
        local before = support.resident()
        for _ = 1, times do cycle() end
        collectgarbage()
        collectgarbage()
        local growth = support.resident() - before
        assert.is_true(growth < slack, ("grew by %d bytes in %d cycles"):format(growth, times))
    end

    it("stays flat over 100,000 generations created and closed", function()
        stays_flat(100000, function()
            local generation = assert(context:generate("x"))
            generation:close()
        end)
    end)

    it("stays flat over 5,000 contexts", function()
        stays_flat(5000, function() assert(model:context({ capacity = 8, threads = 1 })):close() end)
    end)

    it("stays flat over 10,000 cancelled generations", function()
        stays_flat(9000, function()
            local generation = assert(context:generate({ prompt = "x", ignore_end = true }))
            generation:step(0)
            generation:cancel()
            assert.is_false(generation:step(0))
            generation:close()
            context:truncate(0)
        end)
        stays_flat(1000, function()
            local generation = assert(context:generate({ prompt = "x", ignore_end = true, threaded = true }))
            generation:cancel()
            generation:close()
            context:truncate(0)
        end)
    end)

    it("stays flat over 300 models and jobs", function()
        stays_flat(300, function()
            local job = assert(fp4.open_job(support.tiny))
            local opened = assert(job:wait())
            job:close()
            opened:close()
        end)
    end)

    it("stays flat where only the collector closes", function()
        -- A full collection now and then: of itself the collector comes late, for it does not see the library's memory.
        -- As often as the shortest warm-up has cycles, so that no more contexts are open at once after it.
        local since = 0
        stays_flat(5000, function()
            assert(model:context({ capacity = 8, threads = 1 }))
            since = since + 1
            if since % 10 == 0 then collectgarbage() end
        end)
    end)

    it("stays flat over misuse and failures", function()
        stays_flat(20000, function()
            pcall(fp4.open, nil)
            fp4.open("/nowhere")
        end)
    end)
end)

describe("Lua's memory", function()
    local model

    setup(function() model = assert(fp4.open(support.long_model(2048))) end)
    teardown(function()
        model:close()
        support.clean()
    end)

    --- Bytes that Lua allocates while so many tokens are streamed, and how many bytes of text that gives.
    local function stream(tokens, consume)
        local context = assert(model:context({ threads = 1 }))
        local generation = assert(context:generate({
            prompt = "x", max_tokens = tokens, ignore_end = true, sampling = { temperature = 1, seed = 1 },
        }))
        collectgarbage()
        collectgarbage()
        collectgarbage("stop") -- so that the count is of everything that was ever allocated
        local before = collectgarbage("count")
        local bytes = consume(generation)
        local allocated = (collectgarbage("count") - before) * 1024
        collectgarbage("restart")
        assert.are.equal(tokens, generation:stats().generated_tokens)
        generation:close()
        context:close()
        return allocated, bytes
    end

    local function by_pieces(generation)
        local bytes = 0
        for piece in generation:pieces(0) do bytes = bytes + #piece end
        return bytes
    end

    local function by_steps(generation)
        local bytes, more = 0, true
        while more do
            more = generation:step(0)
            bytes = bytes + #(generation:read() or "")
        end
        return bytes
    end

    --- A string takes 17 bytes and its text; some more for what the compiler of LuaJIT keeps.
    local per_token, constant = 64, 96 * 1024

    for name, consume in pairs({ pieces = by_pieces, ["step and read"] = by_steps }) do
        it("grows with the text and no faster when 1,000 tokens are streamed: " .. name, function()
            stream(100, consume) -- compiles
            local few, few_bytes = stream(250, consume)
            local many, many_bytes = stream(1000, consume)
            assert.is_true(many_bytes > 1000)
            assert.is_true(few < 250 * per_token + few_bytes + constant, "250 tokens took " .. few)
            assert.is_true(many < 1000 * per_token + many_bytes + constant, "1000 tokens took " .. many)
        end)
    end
end)
