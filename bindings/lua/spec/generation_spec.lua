local fp4 = require("fp4")
local support = require("support")
local misuse, failure = support.misuse, support.failure

describe("a generation", function()
    local model, context, generation
    local request = { prompt = "Once upon a time", max_tokens = 24, ignore_end = true }
    local expected

    local function start(options)
        context:truncate(0)
        generation = assert(context:generate(options or request))
        return generation
    end

    setup(function()
        model = assert(fp4.open(support.tiny))
        local first = assert(model:context({ threads = 1 }))
        local whole = assert(first:generate(request))
        expected = assert(whole:text())
        whole:close()
        first:close()
        assert(#expected > 0)
    end)
    before_each(function() context = assert(model:context({ threads = 1 })) end)
    after_each(function()
        if generation then generation:close() end
        generation = nil
        context:close()
    end)
    teardown(function() model:close() end)

    it("streams pieces", function()
        local pieces = {}
        for piece in start():pieces(0) do
            assert.is_true(#piece > 0)
            pieces[#pieces + 1] = piece
        end
        assert.is_true(#pieces > 1)
        assert.are.equal(expected, table.concat(pieces))
    end)

    it("takes its prompt as text or tokens", function()
        start({ tokens = model:tokenize(request.prompt, { special = true }), max_tokens = 24, ignore_end = true })
        assert.are.equal(expected, generation:text())
        generation:close()
        generation = context:generate("again")
        assert.is_string(generation:text())
    end)

    it("is stepped within a budget", function()
        start()
        local text, steps = {}, 0
        repeat
            local more = generation:step(0)
            steps = steps + 1
            text[#text + 1] = generation:read()
        until not more
        assert.is_true(steps > 24)
        assert.are.equal(expected, table.concat(text) .. (generation:read() or ""))
        assert.is_nil(generation:read())
        assert.are.equal(0, generation:last_step().prompt_left)
        assert.is_false(generation:step(1000))
        start()
        assert.is_false(generation:step(math.huge))
        assert.is_true(generation:last_step().elapsed_us > 0)
        assert.are.equal(24, generation:last_step().new_tokens)
    end)

    it("runs on a thread of the library", function()
        start({ prompt = request.prompt, max_tokens = 24, ignore_end = true, threaded = true })
        assert.are.equal(expected, generation:text())
        generation:close()
        start({ prompt = request.prompt, max_tokens = 24, ignore_end = true, threaded = true })
        local text = ""
        while true do
            local piece, message = generation:read(100)
            if not piece then
                assert.is_nil(message)
                break
            end
            text = text .. piece
        end
        assert.are.equal(expected, text)
        misuse("thread", function() generation:step(0) end)
    end)

    it("runs in coroutines", function()
        start()
        local pieces = {}
        local frame = generation:wrap(0)
        for piece in frame do pieces[#pieces + 1] = piece end
        assert.are.equal(expected, table.concat(pieces))
        assert.is_nil(frame())
        start()
        local whole
        local speaker = coroutine.wrap(function()
            whole = generation:run(0)
            return nil
        end)
        local count = 0
        while speaker() do count = count + 1 end
        assert.are.equal(expected, whole)
        assert.is_true(count > 24)
    end)

    it("counts", function()
        start()
        assert.are.equal("none", generation:stats().finish)
        assert.is_nil(generation:stats().seconds_to_first_token)
        generation:text()
        local stats = generation:stats()
        assert.are.equal("length", stats.finish)
        assert.are.equal(24, stats.generated_tokens)
        assert.is_true(stats.prompt_tokens > 5)
        assert.is_true(stats.decode_tokens_per_second > 0)
        assert.is_true(stats.longest_step_seconds > 0)
    end)

    it("stops at texts and at the end of the context", function()
        local part = assert(expected:match("%a"))
        start({ prompt = request.prompt, max_tokens = 24, ignore_end = true, stop = { "never in it", part } })
        assert.are.equal(expected:sub(1, expected:find(part, 1, true) - 1), generation:text())
        assert.are.equal("stop", generation:stats().finish)
        start({ prompt = request.prompt, ignore_end = true })
        generation:text()
        assert.are.equal("full", generation:stats().finish)
    end)

    it("is repeated by its seed", function()
        local texts = {}
        for i, seed in ipairs({ 1, 1, 2 }) do
            start({ prompt = "x", max_tokens = 24, ignore_end = true, sampling = { temperature = 3, seed = seed } })
            texts[i] = generation:text()
        end
        assert.are.equal(texts[1], texts[2])
        assert.are_not.equal(texts[1], texts[3])
    end)

    it("is cancelled at any moment", function()
        start()
        generation:step(0)
        generation:cancel()
        for _ in generation:pieces() do end
        assert.are.equal("cancelled", generation:stats().finish)
        start({ prompt = "x", ignore_end = true, threaded = true })
        generation:cancel()
        assert.is_string(generation:text())
        start()
        generation:pieces(0)()
        generation:close()
        assert.is_true(context:truncate(0))
    end)

    it("keeps its context and model from the collector", function()
        local function orphan()
            local owner = fp4.open(support.tiny)
            local conversation = owner:context({ threads = 1 })
            return conversation:generate(request), conversation, owner
        end
        generation = orphan()
        collectgarbage()
        collectgarbage()
        assert.are.equal(expected, generation:text())
        generation:close()
        local conversation, owner
        generation, conversation, owner = orphan()
        owner:close()
        conversation:close()
        assert.are.equal(expected, generation:text())
    end)

    it("is freed by the collector", function()
        for _ = 1, 20 do context:generate({ prompt = "x", threaded = true, ignore_end = true }) end
        collectgarbage()
        collectgarbage()
        failure("", "busy", (function()
            local _ = start({ prompt = "x", max_tokens = 2 })
            return context:eval({ 1 })
        end)())
    end)

    it("raises misuse at the caller's line", function()
        misuse("options of generate must be a prompt", function() context:generate(5) end)
        misuse("has no option 'max_token'", function() context:generate({ max_token = 5 }) end)
        misuse("prompt must be a string", function() context:generate({ prompt = 5 }) end)
        misuse("tokens must be an array", function() context:generate({ tokens = "x" }) end)
        misuse("max_tokens must be a whole number", function() context:generate({ prompt = "x", max_tokens = -1 }) end)
        misuse("threaded must be true or false", function() context:generate({ prompt = "x", threaded = 1 }) end)
        misuse("stop must be an array", function() context:generate({ prompt = "x", stop = "y" }) end)
        misuse("stop[1] must be a string", function() context:generate({ prompt = "x", stop = { 1 } }) end)
        misuse("sampling must be a table", function() context:generate({ prompt = "x", sampling = "greedy" }) end)
        misuse("top_k must be a whole number", function() context:generate({ prompt = "x", sampling = { top_k = 0.5 } }) end)
        misuse("", function() context:generate({ prompt = "x", sampling = { top_p = -1 } }) end)
        misuse("", function() context:generate({ prompt = "x", tokens = { 1 } }) end)
        misuse("", function() context:generate({}) end)
        start()
        misuse("self must be a fp4.Generation, not nil", function() generation.step() end)
        misuse("self must be a fp4.Generation, not a table", function() generation.step(context, 5) end)
        misuse("self must be a fp4.Generation", function() generation.close(context) end)
        misuse("budget_us must be a number from 0 on, not nil", function() generation:step() end)
        misuse("budget_us must be a number from 0 on, not -1", function() generation:step(-1) end)
        misuse("budget_us must be a number", function() generation:step(0 / 0) end)
        misuse("budget_us must be a number", function() generation:step("4000") end)
        misuse("budget_us must be a number", function() generation:pieces("x") end)
        misuse("budget_us must be a number", function() generation:wrap() end)
        misuse("budget_us must be a number", function() generation:run() end)
        misuse("timeout_ms must be a whole number", function() generation:read(0.5) end)
        misuse("this fp4.Generation is closed", function() for _ in generation:pieces(0) do generation:close() end end)
        start()
        local frame = generation:wrap(0)
        frame()
        generation:close()
        misuse("this fp4.Generation is closed", function() frame() end)
    end)

    it("runs only inside a coroutine", function()
        start()
        -- Specs may run in a coroutine themselves; a coroutine's main body never does.
        if not coroutine.running() then misuse("inside a coroutine", function() generation:run(0) end) end
    end)

    it("is of no use when closed", function()
        start()
        generation:close()
        generation:close()
        for _, name in ipairs({ "step", "last_step", "read", "pieces", "text", "run", "wrap", "stats", "cancel" }) do
            misuse("this fp4.Generation is closed", function() generation[name](generation, 0) end)
        end
    end)
end)
