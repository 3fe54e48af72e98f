-- Contexts: the state of one conversation.
local ffi = require("ffi")
local argument = require("fp4.argument")
local buffer = require("fp4.buffer")
local lib = require("fp4.library")
local model = require("fp4.model")
local object = require("fp4.object")
local sampling = require("fp4.sampling")
local source = require("fp4.source")
local status = require("fp4.status")

--- One conversation's state (tokens and KV cache) on a model.
---@class fp4.Context
local Context = object.class("Context", lib.fp4_ctx_close)

local context = { Context = Context }

local function flag(value, name)
    return argument.boolean(value, name) and 1 or 0
end

local checks = {
    capacity = argument.count,
    chunk = argument.count,
    threads = argument.int32,
    low_priority = flag,
    path_prefill = argument.path,
    path_decode = argument.path,
    kv_format = argument.kv_format,
}

function context.config(options, name)
    local config = ffi.new("fp4_ctx_config")
    lib.fp4_ctx_config_init(config, ffi.sizeof(config))
    argument.fill(config, options, checks, name)
    return config
end

function context.create(owner, options)
    local handle = object.handle(owner, model.Model)
    local config = context.config(options, "options of context")
    local out = ffi.new("fp4_ctx*[1]")
    local result = lib.fp4_ctx_create(out, handle, config)
    if result < 0 then return status.failed(result) end
    return object.new(Context, out[0], { owner })
end

local info_numbers = { "used", "capacity", "bytes", "threads" }

--- What the context holds and how it works.
---@return fp4.ContextInfo
function Context:info()
    local handle = object.handle(self, Context)
    local struct = ffi.new("fp4_ctx_info", ffi.sizeof("fp4_ctx_info"))
    local result = lib.fp4_ctx_info_get(handle, struct)
    if result < 0 then return status.failed(result) end
    local info = buffer.record(struct, info_numbers)
    info.path_prefill = source.path_name(struct.path_prefill)
    info.path_decode = source.path_name(struct.path_decode)
    info.types_prefill = ffi.string(struct.path_prefill_name)
    info.types_decode = ffi.string(struct.path_decode_name)
    return info
end

--- Begins a generation after what the context holds. The context serves nothing else until the generation is finished
--- or closed ("busy").
---@param options string|fp4.GenerateOptions a prompt, or a table of options
---@return fp4.Generation? generation
---@return string? message
---@return string? code
function Context:generate(options)
    -- Not at the top: a generation's functions need the context's class.
    return require("fp4.generation").start(self, options)
end

local eval_options = { all_logits = argument.boolean }

--- Appends tokens and runs the model over them, until done.
---@param tokens integer[]
---@param options? { all_logits?: boolean } keep the logits of every token, not only of the last
---@return boolean? done
---@return string? message
---@return string? code
function Context:eval(tokens, options)
    local handle = object.handle(self, Context)
    local ids, count = argument.tokens(tokens, "tokens")
    options = argument.checked(options, eval_options, "options of eval")
    local result = lib.fp4_ctx_eval(handle, ids, count, options.all_logits and lib.FP4_EVAL_ALL_LOGITS or 0)
    if result < 0 then return status.failed(result) end
    return true
end

--- The logits after a token of the last eval.
---@param row? integer which token of it, from 0 (default 0: the only one unless `all_logits`)
---@return ffi.cdata*? logits a C array of floats: logits[0] to logits[count - 1]
---@return integer|string count or the message
---@return string? code
function Context:logits(row)
    local handle = object.handle(self, Context)
    row = argument.count(row or 0, "row")
    local count = self._parents[1]:info().vocabulary
    local logits = ffi.new("float[?]", count)
    local result = lib.fp4_ctx_logits(handle, row, logits, count)
    if result < 0 then return status.failed(result) end
    return logits, count
end

--- Draws a token from the last logits. With the same seed and counter the draw repeats.
---@param options? fp4.Sampling nil: the most likely token
---@param counter? integer how many were drawn before (default 0)
---@return integer? token
---@return string? message
---@return string? code
function Context:sample(options, counter)
    local handle = object.handle(self, Context)
    local config = sampling.config(options, "sampling")
    local token = ffi.new("int32_t[1]")
    local result = lib.fp4_sample(handle, config, argument.size(counter or 0, "counter"), token)
    if result < 0 then return status.failed(result) end
    return token[0]
end

--- The tokens in the cache.
---@return integer[]? tokens
---@return string? message
---@return string? code
function Context:tokens()
    local handle = object.handle(self, Context)
    return buffer.tokens(function(tokens, capacity, needed)
        return lib.fp4_ctx_tokens(handle, tokens, capacity, needed)
    end, self:info().used)
end

--- Keeps the first `count` tokens.
---@param count integer
---@return boolean? done
---@return string? message
---@return string? code
function Context:truncate(count)
    local handle = object.handle(self, Context)
    local result = lib.fp4_ctx_truncate(handle, argument.size(count, "count"))
    if result < 0 then return status.failed(result) end
    return true
end

--- Writes the state to a file, which appears only when complete.
---@param path string
---@return boolean? done
---@return string? message
---@return string? code
function Context:save(path)
    local handle = object.handle(self, Context)
    local result = lib.fp4_ctx_save(handle, argument.text(path, "path"), nil)
    if result < 0 then return status.failed(result) end
    return true
end

--- Replaces the state by one that was saved with the same model; another model's is misuse. On failure the context is
--- as before.
---@param path string
---@return boolean? done
---@return string? message
---@return string? code
function Context:load(path)
    local handle = object.handle(self, Context)
    local result = lib.fp4_ctx_load(handle, argument.text(path, "path"), nil)
    if result < 0 then return status.failed(result) end
    return true
end

--- Frees the context when no generation uses it any more. A second time does nothing.
function Context:close()
    object.close(self, Context)
end

return context
