-- Models: weights and tokenizer, which never change.
local ffi = require("ffi")
local argument = require("fp4.argument")
local buffer = require("fp4.buffer")
local job = require("fp4.job")
local json = require("fp4.json")
local lib = require("fp4.library")
local misuse = require("fp4.misuse")
local object = require("fp4.object")
local source = require("fp4.source")
local status = require("fp4.status")

--- A model: weights and tokenizer. Any number of contexts can use it at once.
---@class fp4.Model
local Model = object.class("Model", lib.fp4_model_close)

local model = { Model = Model }

--- Opens a Hugging Face folder, a .gguf file (any part of a split one) or a .fp4 file.
---@param path string
---@param options? fp4.SourceOptions
---@return fp4.Model? model
---@return string? message
---@return string? code
function model.open(path, options)
    path = argument.text(path, "path")
    local config = source.config(options, "options of open")
    local out = ffi.new("fp4_model*[1]")
    local result = lib.fp4_model_open(out, path, config)
    if result < 0 then return status.failed(result) end
    return object.new(Model, out[0])
end

--- The same in the background: a job whose `wait` gives the model.
---@param path string
---@param options? fp4.SourceOptions
---@return fp4.Job? job
---@return string? message
---@return string? code
function model.open_job(path, options)
    path = argument.text(path, "path")
    local config = source.config(options, "options of open_job")
    return job.start(function(out) return lib.fp4_model_open_start(out, path, config) end, nil, function(handle)
        local opened = ffi.new("fp4_model*[1]")
        local result = lib.fp4_job_take_model(handle, opened)
        if result < 0 then return status.failed(result) end
        return object.new(Model, opened[0])
    end)
end

local info_numbers = { "file_bytes", "weight_bytes", "parameters", "bits_per_weight", "context_length", "vocabulary",
    "layers", "hidden", "kv_bytes_per_token" }
local info_texts = { "architecture", "format", "source" }

--- What the model is.
---@return fp4.ModelInfo
function Model:info()
    local handle = object.handle(self, Model)
    local struct = ffi.new("fp4_model_info", ffi.sizeof("fp4_model_info"))
    local result = lib.fp4_model_info_get(handle, struct)
    if result < 0 then return status.failed(result) end
    local info = buffer.record(struct, info_numbers, info_texts)
    info.bos_token = struct.bos_token >= 0 and struct.bos_token or nil
    info.eos_token = struct.eos_token >= 0 and struct.eos_token or nil
    info.path_prefill = source.path_name(struct.path_prefill)
    info.path_decode = source.path_name(struct.path_decode)
    info.has_chat_template = bit.band(struct.flags, lib.FP4_MODEL_HAS_CHAT_TEMPLATE) ~= 0
    info.has_tokenizer = bit.band(struct.flags, lib.FP4_MODEL_HAS_TOKENIZER) ~= 0
    return info
end

--- A text property: "name", "chat_template", "config" (JSON), "manifest" (JSON, of .fp4 files), or a key of a GGUF
--- file's metadata.
---@param key string
---@return string? text
---@return string? message
---@return string? code "not_found" if there is none
function Model:meta(key)
    local handle = object.handle(self, Model)
    key = argument.text(key, "key")
    return buffer.text(function(text, capacity, needed) return lib.fp4_model_meta(handle, key, text, capacity, needed) end)
end

local tokenize_options = { special = argument.boolean, parse_special = argument.boolean }

--- The token ids of a text.
---@param text string
---@param options? fp4.TokenizeOptions
---@return integer[]? tokens
---@return string? message
---@return string? code
function Model:tokenize(text, options)
    local handle = object.handle(self, Model)
    text = argument.bytes(text, "text")
    options = argument.checked(options, tokenize_options, "options of tokenize")
    local flags = (options.special and lib.FP4_TOKENIZE_ADD_SPECIAL or 0)
        + (options.parse_special and lib.FP4_TOKENIZE_PARSE_SPECIAL or 0)
    return buffer.tokens(function(tokens, capacity, needed)
        return lib.fp4_tokenize(handle, text, #text, flags, tokens, capacity, needed)
    end, #text + 4)
end

--- The text of token ids.
---@param tokens integer[]
---@param options? { special?: boolean } special tokens appear as their text instead of vanishing
---@return string? text
---@return string? message
---@return string? code
function Model:detokenize(tokens, options)
    local handle = object.handle(self, Model)
    local ids, count = argument.tokens(tokens, "tokens")
    options = argument.checked(options, { special = argument.boolean }, "options of detokenize")
    local flags = options.special and lib.FP4_DETOKENIZE_SPECIAL or 0
    return buffer.text(function(text, capacity, needed)
        return lib.fp4_detokenize(handle, ids, count, flags, text, capacity, needed)
    end)
end

--- Whether generation ends at this token.
---@param token integer
---@return boolean
function Model:is_end(token)
    local handle = object.handle(self, Model)
    return lib.fp4_token_is_end(handle, argument.int32(token, "token")) ~= 0
end

local function variables_text(value, name)
    if type(value) ~= "table" then misuse.wrong(name, "a table", value) end
    return json.encode(value, name)
end

local chat_options = { template = argument.text, variables = variables_text, answer = argument.boolean }

--- The prompt text of a conversation, by the model's chat template.
---@param messages fp4.Message[]
---@param options? fp4.ChatOptions
---@return string? prompt
---@return string? message
---@return string? code
function Model:chat(messages, options)
    local handle = object.handle(self, Model)
    options = argument.checked(options, chat_options, "options of chat")
    if type(messages) ~= "table" then misuse.wrong("messages", "an array of messages", messages) end
    local list = ffi.new("fp4_message[?]", math.max(#messages, 1))
    for i, message in ipairs(messages) do
        local name = "messages[" .. i .. "]"
        if type(message) ~= "table" then misuse.wrong(name, "a table with role and content", message) end
        list[i - 1].role = argument.anchor(list, argument.text(message.role, name .. ".role"))
        list[i - 1].content = argument.anchor(list, argument.text(message.content, name .. ".content"))
    end
    local flags = options.answer == false and 0 or lib.FP4_CHAT_ADD_GENERATION_PROMPT
    return buffer.text(function(text, capacity, needed)
        return lib.fp4_chat_format(handle, options.template, list, #messages, options.variables, flags, text,
            capacity, needed)
    end)
end

--- A new conversation on this model.
---@param options? fp4.ContextOptions
---@return fp4.Context? context
---@return string? message
---@return string? code
function Model:context(options)
    -- Not at the top: a context's functions need the model's class.
    return require("fp4.context").create(self, options)
end

--- Frees the model when nothing uses it any more. A second time does nothing.
function Model:close()
    object.close(self, Model)
end

return model
