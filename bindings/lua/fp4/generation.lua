-- Generations: text that comes piece by piece.
local ffi = require("ffi")
local argument = require("fp4.argument")
local buffer = require("fp4.buffer")
local context = require("fp4.context")
local lib = require("fp4.library")
local misuse = require("fp4.misuse")
local object = require("fp4.object")
local sampling = require("fp4.sampling")
local status = require("fp4.status")

--- Text that is being generated on a context: stepped by the caller, or by a thread of the library (`threaded`).
---@class fp4.Generation
local Generation = object.class("Generation", lib.fp4_gen_close)

local generation = { Generation = Generation }

local flags = {
    threaded = lib.FP4_GEN_THREADED,
    raw = lib.FP4_GEN_RAW_PROMPT,
    plain = lib.FP4_GEN_PLAIN_PROMPT,
    show_special = lib.FP4_GEN_SHOW_SPECIAL,
    ignore_end = lib.FP4_GEN_IGNORE_END,
}
local known = { prompt = true, tokens = true, sampling = true, stop = true, max_tokens = argument.count }
for name in pairs(flags) do known[name] = true end

local function read_config(options)
    local name = "options of generate"
    if type(options) == "string" then options = { prompt = options } end
    if type(options) ~= "table" then misuse.wrong(name, "a prompt or a table of options", options) end
    local config = ffi.new("fp4_gen_config")
    lib.fp4_gen_config_init(config, ffi.sizeof(config))
    argument.fill(config, options, known, name)
    for option, bits in pairs(flags) do
        local value = options[option]
        if value ~= nil and argument.boolean(value, name .. "." .. option) then config.flags = config.flags + bits end
    end
    if options.prompt ~= nil then
        config.prompt = argument.anchor(config, argument.bytes(options.prompt, name .. ".prompt"))
        config.prompt_bytes = #options.prompt
    end
    if options.tokens ~= nil then
        local tokens, count = argument.tokens(options.tokens, name .. ".tokens")
        config.tokens = argument.anchor(config, tokens)
        config.token_count = count
    end
    if options.stop ~= nil then
        local texts, count = argument.texts(options.stop, name .. ".stop")
        config.stop = argument.anchor(config, texts)
        config.stop_count = count
    end
    config.sampling = argument.anchor(config, sampling.config(options.sampling, name .. ".sampling"))
    return config, options.threaded == true
end

function generation.start(owner, options)
    local handle = object.handle(owner, context.Context)
    local config, threaded = read_config(options)
    local out = ffi.new("fp4_gen*[1]")
    local result = lib.fp4_gen_start(out, handle, config)
    if result < 0 then return status.failed(result) end
    local self = object.new(Generation, out[0], { owner })
    self._threaded = threaded
    self._step = ffi.new("fp4_step_info", ffi.sizeof("fp4_step_info"))
    return self
end

local MORE, DONE, TIMEOUT, CANCELLED = lib.FP4_MORE, lib.FP4_DONE, lib.FP4_E_TIMEOUT, lib.FP4_E_CANCELLED
local gen_step, gen_read = lib.fp4_gen_step, lib.fp4_gen_read
local unlimited = ffi.new("uint64_t", -1)

local function step_budget(value)
    if rawequal(value, unlimited) then return value end -- by ==, -1 would be the same
    if type(value) ~= "number" or value ~= value or value < 0 then misuse.wrong("budget_us", "a number from 0 on", value) end
    return value < 2 ^ 63 and value or unlimited
end

--- Works for about so long on the calling thread. One step a frame keeps a frame loop within its time.
---@param budget_us number microseconds; 0: the smallest piece of work; math.huge: to the end
---@return boolean? more true while there is more to do, false when finished (text may still be unread)
---@return string? message
---@return string? code
function Generation:step(budget_us)
    local handle = getmetatable(self) == Generation and self._handle or object.handle(self, Generation)
    -- Outside of the numbers that C takes as they are; NaN compares false.
    local plain = type(budget_us) == "number" and budget_us >= 0 and budget_us < 2 ^ 63
    if not plain then budget_us = step_budget(budget_us) end
    local result = gen_step(handle, budget_us, self._step)
    if result == MORE then return true end
    if result == DONE then return false end
    return status.failed(result)
end

local step_numbers = { "elapsed_us", "overrun_us", "new_tokens", "prompt_left" }

--- What the last step did.
---@return fp4.StepInfo
function Generation:last_step()
    object.handle(self, Generation)
    return buffer.record(self._step, step_numbers)
end

local chunk_bytes = 4096
local chunk = ffi.new("char[?]", chunk_bytes)
local taken = ffi.new("size_t[1]")

--- Takes the text that is ready.
---@param timeout_ms? integer a threaded generation waits so long for text (default 0; -1: until there is some)
---@return string? text "" if there is none yet; nil when all was read
---@return string? message
---@return string? code
function Generation:read(timeout_ms)
    local handle = object.handle(self, Generation)
    local result = gen_read(handle, chunk, chunk_bytes, taken, argument.int32(timeout_ms or 0, "timeout_ms"))
    if result >= 0 then
        if taken[0] > 0 then return ffi.string(chunk, taken[0]) end
        if result == MORE then return "" end
        return nil
    end
    if result == TIMEOUT then return "" end
    if result == CANCELLED then return nil end
    return status.failure(result)
end

local piece_budget_us = 20000

--- The next text; nil at the end; nil, message, code after a failure.
local function next_piece(self, budget_us)
    local failure, failure_code
    while true do
        local text, message, code = self:read(self._threaded and -1 or 0)
        if text ~= "" then return text, message, code end
        if failure then return nil, failure, failure_code end
        if not self._threaded then
            -- What came before a failure is text too: it is read first.
            local _
            _, failure, failure_code = self:step(budget_us)
        end
    end
end

--- Iterates over the text as it comes: `for piece in gen:pieces() do io.write(piece) end`.
--- A cancelled generation just ends; another failure is an error.
---@param budget_us? number time of one step (default 20000)
---@return fun(): string?
function Generation:pieces(budget_us)
    object.handle(self, Generation)
    budget_us = step_budget(budget_us or piece_budget_us)
    return function()
        local text, message = next_piece(self, budget_us)
        if message then misuse.raise(message) end
        return text
    end
end

--- Generates to the end and gives the whole text that was not read yet.
---@return string? text
---@return string? message
---@return string? code
function Generation:text()
    object.handle(self, Generation)
    local pieces = {}
    while true do
        local text, message, code = next_piece(self, piece_budget_us)
        if not text then
            if message then return nil, message, code end
            return table.concat(pieces)
        end
        pieces[#pieces + 1] = text
    end
end

--- For use inside a coroutine: one step per resume. Yields the text that came ("" if none) after every step, returns
--- the whole text at the end.
---@param budget_us number time of one step
---@return string? text
---@return string? message
---@return string? code
function Generation:run(budget_us)
    object.handle(self, Generation)
    budget_us = step_budget(budget_us)
    if not coroutine.running() then misuse.raise("run works inside a coroutine; outside use wrap, pieces or step") end
    local pieces = {}
    while true do
        if not self._threaded then
            local more, message, code = self:step(budget_us)
            if more == nil and code == "busy" then return nil, message, code end
        end
        local text, message, code = self:read(0)
        if message then return nil, message, code end
        if not text then return table.concat(pieces) end
        pieces[#pieces + 1] = text
        coroutine.yield(text)
    end
end

--- A function that does one step per call and gives the text that came ("" if none), nil at the end. A failure is an
--- error.
---@param budget_us number time of one step
---@return fun(): string?
function Generation:wrap(budget_us)
    object.handle(self, Generation)
    budget_us = step_budget(budget_us)
    local thread = coroutine.create(function()
        local _, message = self:run(budget_us)
        if message then error(message, 0) end
    end)
    return function()
        if coroutine.status(thread) == "dead" then return nil end
        local fine, text = coroutine.resume(thread)
        if not fine then misuse.raise((text:gsub("^fp4: ", ""))) end
        return text
    end
end

local finish_names = { [0] = "none", "end", "stop", "length", "full", "cancelled", "error" }
local stat_numbers = { "prompt_tokens", "generated_tokens", "seconds_to_first_token", "prefill_tokens_per_second",
    "decode_tokens_per_second", "longest_step_seconds", "longest_overrun_seconds" }

--- Counts, speeds and how it ended.
---@return fp4.GenerationStats
function Generation:stats()
    local handle = object.handle(self, Generation)
    local struct = ffi.new("fp4_gen_stats", ffi.sizeof("fp4_gen_stats"))
    local result = lib.fp4_gen_stats_get(handle, struct)
    if result < 0 then return status.failed(result) end
    local stats = buffer.record(struct, stat_numbers)
    stats.finish = finish_names[struct.finish]
    if stats.seconds_to_first_token < 0 then stats.seconds_to_first_token = nil end
    return stats
end

--- Ends the generation within one layer of work. What was generated can still be read.
function Generation:cancel()
    lib.fp4_gen_cancel(object.handle(self, Generation))
end

--- Frees the generation; cancels it if it still runs. A second time does nothing.
function Generation:close()
    object.close(self, Generation)
end

return generation
