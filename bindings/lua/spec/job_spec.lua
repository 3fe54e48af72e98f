local fp4 = require("fp4")
local support = require("support")
local misuse, failure = support.misuse, support.failure

describe("a job", function()
    local target

    before_each(function() target = support.path(".fp4") end)
    after_each(support.clean)

    local function formats(path)
        local found = {}
        for _, tensor in ipairs(fp4.describe(path).tensors) do found[tensor.name] = tensor.format end
        return found
    end

    local function quantize(options)
        options.source = options.source or support.tiny
        options.target = target
        local job = assert(fp4.quantize(options))
        local result = assert(job:wait())
        job:close()
        return result
    end

    it("quantizes", function()
        local result = quantize({})
        assert.are.equal("mxfp4", result.format)
        assert.are.equal(14, result.tensors_quantized)
        assert.are.equal("mxfp4", formats(target)["model.layers.0.mlp.up_proj.weight"])
        assert.are.equal("nvfp4", quantize({ format = "nvfp4", scale_rule = "amax" }).format)
    end)

    it("takes recipes as name, JSON and table", function()
        local calibration = { calibration_text = support.text_file, calibration_sequences = 2, calibration_length = 64 }
        local table_recipe = { preset = "gptq", format = "nvfp4", activations = { format = "none" }, tensors = {} }
        for _, recipe in ipairs({ "gptq", fp4.json.encode({ preset = "gptq" }), table_recipe }) do
            local options = { recipe = recipe }
            for key, value in pairs(calibration) do options[key] = value end
            assert.are.equal("gptq", quantize(options).recipe)
        end
        local manifest = fp4.describe(target).manifest
        assert.are.equal("nvfp4", manifest.recipe.format)
        assert.is_true(manifest.layers[1][1].tensors[1].output_error > 0)
    end)

    it("takes other formats by name and by decision", function()
        local seen = 0
        quantize({
            keep = { "*.layers.0.mlp.up_proj.weight=mxfp8-e4m3", { match = "*.k_proj.weight", format = "mxint8" } },
            choose = function(tensor)
                seen = seen + 1
                assert.are.equal("number", type(tensor.shape[1]))
                if tensor.name:find("q_proj") then return "mxfp6-e2m3" end
            end,
        })
        assert.are.equal(20, seen)
        local found = formats(target)
        assert.are.equal("mxfp8-e4m3", found["model.layers.0.mlp.up_proj.weight"])
        assert.are.equal("mxfp4", found["model.layers.1.mlp.up_proj.weight"])
        assert.are.equal("mxint8", found["model.layers.0.self_attn.k_proj.weight"])
        assert.are.equal("mxfp6-e2m3", found["model.layers.1.self_attn.q_proj.weight"])
    end)

    it("chooses formats for the tensors of GGUF files by their names", function()
        quantize({ source = support.gguf, choose = function(tensor)
            if tensor.name == "blk.1.attn_v.weight" then return "mxfp8-e4m3" end
        end })
        assert.are.equal("mxfp4", formats(target)["model.layers.0.self_attn.v_proj.weight"])
        assert.are.equal("mxfp8-e4m3", formats(target)["model.layers.1.self_attn.v_proj.weight"])
    end)

    it("reports progress", function()
        local job = fp4.quantize({ source = support.tiny, target = target })
        local finished, progress = job:poll(-1)
        assert.is_true(finished)
        assert.are.equal("string", type(progress.phase))
        assert.is_true(progress.seconds >= 0)
        local calls = 0
        assert(job:wait(function(state)
            calls = calls + 1
            assert.are.equal("number", type(state.done))
        end))
        assert.are.equal(1, calls)
        assert.are.equal("fp4.Job (open)", tostring(job))
        job:close()
    end)

    it("evaluates", function()
        quantize({})
        local base, model = fp4.open(support.tiny), fp4.open(target)
        local text = support.read(support.text_file):sub(1, 3000)
        local job = assert(fp4.evaluate({ model = model, base = base, text = text, window = 64, max_windows = 3 }))
        base:close()
        model:close()
        local result = assert(job:wait())
        assert.are.equal(3, result.windows)
        assert.is_true(result.perplexity > 1)
        assert.is_true(result.kl_mean > 0)
        job:close()
    end)

    it("answers items", function()
        local model = fp4.open(support.tiny)
        local items = '{"id":"a","context":"x","choices":["y","z"],"label":0}\n'
            .. '{"id":"b","context":"the","choices":[" thing","q"],"label":1}\n'
        local file = support.write(support.path(".jsonl"), items)
        local by_text = assert(assert(fp4.tasks({ model = model, text = items })):wait())
        local by_file = assert(assert(fp4.tasks({ model = model, file = file })):wait())
        assert.are.equal(2, by_text.items)
        assert.are.equal(by_text.accuracy, by_file.accuracy)
        assert.are.equal(1, assert(assert(fp4.tasks({ model = model, file = file, max_items = 1 })):wait()).items)
        misuse("tasks's argument must be a table", function() fp4.tasks() end)
        misuse("tasks.model must be a fp4.Model", function() fp4.tasks({ text = items }) end)
        misuse("", function() fp4.tasks({ model = model }) end)
        misuse("", function() fp4.tasks({ model = model, text = items, file = file }) end)
        model:close()
        misuse("this fp4.Model is closed", function() fp4.tasks({ model = model, text = items }) end)
    end)

    it("times operations", function()
        local model = assert(fp4.open(support.tiny))
        local job = assert(fp4.op_bench({ model = model, tokens = 16, seconds = 0.001, threads = 1 }))
        local result = assert(job:wait())
        local _, progress = job:poll()
        assert.are.equal("measuring", progress.phase)
        assert.are.equal(6, progress.total) -- copies, 1, 8 and 16 tokens, attention of one, the head
        assert.are.equal(5, progress.done) -- when the last of them began
        assert.are.equal("cpu", result.device)
        assert.is_true(result.copy_bytes_s > 0)
        assert.are.equal("copy", result.ops[1].op)
        for _, op in ipairs(result.ops) do assert.is_true(op.seconds > 0 and op.share > 0) end
        misuse("op_bench's argument must be a table", function() fp4.op_bench() end)
        misuse("op_bench.model must be a fp4.Model", function() fp4.op_bench({ tokens = 1 }) end)
        misuse("trained for", function() fp4.op_bench({ model = model, tokens = 1000 }) end)
        misuse("seconds", function() fp4.op_bench({ model = model, seconds = -1 }) end)
        model:close()
    end)

    it("checks files", function()
        quantize({})
        local result = assert(assert(fp4.check(target)):wait())
        assert.are.equal("fp4", result.kind)
        assert.is_true(result.hashed)
        local bytes = support.read(target)
        local damaged = support.write(support.path(".fp4"), bytes:sub(1, -100) .. "x" .. bytes:sub(-98))
        failure(damaged, "corrupt", assert(fp4.check(damaged)):wait())
        failure("is no", "format", assert(fp4.check(support.no_model)):wait())
        failure("No such file", "not_found", assert(fp4.check("/nowhere")):wait())
    end)

    it("is cancelled and leaves nothing", function()
        local job = assert(fp4.quantize({ source = support.tiny, target = target, recipe = "gptq",
            calibration_text = support.text_file, calibration_sequences = 100, calibration_length = 128 }))
        job:cancel()
        failure("", "cancelled", job:wait())
        failure("", "cancelled", job:result())
        assert.is_nil(io.open(target))
        job:close()
        job = assert(fp4.quantize({ source = support.tiny, target = target, recipe = "gptq",
            calibration_text = support.text_file, calibration_sequences = 100, calibration_length = 128 }))
        job:close()
        assert.is_nil(io.open(target))
        os.execute("rm -rf " .. target .. ".work")
    end)

    it("fails with a value", function()
        failure("No such file", "not_found", (function()
            local job, message, code = fp4.quantize({ source = "/nowhere", target = target })
            if not job then return job, message, code end
            return job:wait()
        end)())
        failure("No such file", "not_found", fp4.quantize({ source = "/nowhere", target = target,
            choose = function() end }))
    end)

    it("raises misuse at the caller's line", function()
        local s = support.tiny
        misuse("quantize's argument must be a table", function() fp4.quantize() end)
        misuse("quantize.source must be a string, not nil", function() fp4.quantize({ target = "x" }) end)
        misuse("quantize.target must be a string, not nil", function() fp4.quantize({ source = s }) end)
        misuse("has no option 'dest'", function() fp4.quantize({ source = s, dest = "x" }) end)
        misuse("'q4_0' is not a block format", function() fp4.quantize({ source = s, target = "x", format = "q4_0" }) end)
        misuse("scale_rule must be a string", function() fp4.quantize({ source = s, target = "x", scale_rule = 1 }) end)
        misuse("recipe must be a preset's name", function() fp4.quantize({ source = s, target = "x", recipe = 5 }) end)
        misuse("nonsense", function() fp4.quantize({ source = s, target = "x", recipe = { nonsense = 1 } }) end)
        misuse("recipe.f is a function", function() fp4.quantize({ source = s, target = "x", recipe = { f = print } }) end)
        misuse("keep must be an array", function() fp4.quantize({ source = s, target = "x", keep = "a=b" }) end)
        misuse("keep[1] must be", function() fp4.quantize({ source = s, target = "x", keep = { 1 } }) end)
        misuse("keep[1].format must be", function() fp4.quantize({ source = s, target = "x", keep = { { match = "a" } } }) end)
        misuse("", function() fp4.quantize({ source = s, target = "x", keep = { "a=q4_0" } }) end)
        misuse("choose must be a function", function() fp4.quantize({ source = s, target = "x", choose = 1 }) end)
        local four = function() return 4 end
        misuse("the format chosen for", function() fp4.quantize({ source = s, target = "x", choose = four }) end)
        misuse("is no safetensors", function() fp4.quantize({ source = support.no_model, target = "x", choose = print }) end)
        misuse("evaluate's argument must be a table", function() fp4.evaluate() end)
        misuse("evaluate.model must be a fp4.Model, not nil", function() fp4.evaluate({}) end)
        misuse("evaluate.model must be a fp4.Model, not the string", function() fp4.evaluate({ model = s }) end)
        local model = fp4.open(s)
        misuse("evaluate.base must be a fp4.Model", function() fp4.evaluate({ model = model, base = s }) end)
        misuse("evaluate.text must be a string", function() fp4.evaluate({ model = model, text = 5 }) end)
        misuse("text is empty", function() fp4.evaluate({ model = model }) end)
        model:close()
        misuse("this fp4.Model is closed", function() fp4.evaluate({ model = model, text = "x" }) end)
        misuse("path must be a string", function() fp4.check() end)
        misuse("options of check has no option", function() fp4.check(s, { x = 1 }) end)
        local job = fp4.check(s)
        misuse("self must be a fp4.Job", function() job.poll() end)
        misuse("timeout_ms must be a whole number", function() job:poll("x") end)
        misuse("timeout_ms must be a whole number", function() job:poll(-2) end)
        misuse("on_progress must be a function", function() job:wait(5) end)
        job:close()
    end)

    it("is of no use when closed", function()
        local job = fp4.check(support.tiny)
        job:close()
        job:close()
        for _, name in ipairs({ "poll", "wait", "result", "cancel" }) do
            misuse("this fp4.Job is closed", function() job[name](job) end)
        end
    end)
end)
