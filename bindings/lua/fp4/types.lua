---@meta
-- Tables that go into and come out of the module; nothing to run. Read by LuaLS and by make/api_page.py.

--- Where and how a model is read: `open`, `open_job`, `describe`, `check`.
---@class fp4.SourceOptions
---@field device? string device id (default "cpu")
---@field mmap? boolean map the file (default); false reads it into memory, for files that others may cut meanwhile
---@field synthetic? string random weights instead of a file: a shape ("llama-3-8b" ...) or the text of a config.json
---@field synthetic_format? string of its matrices (default "mxfp4")
---@field synthetic_seed? integer

--- Of `plan`.
---@class fp4.PlanOptions: fp4.SourceOptions
---@field context? fp4.ContextOptions

---@class fp4.ModelInfo
---@field architecture string
---@field format string of most linear weights, for example "mxfp4"
---@field source "safetensors"|"gguf"|"fp4"|"synthetic"
---@field parameters integer
---@field file_bytes integer
---@field weight_bytes integer as held on the device, block scales included
---@field bits_per_weight number
---@field context_length integer tokens the model was trained for
---@field vocabulary integer
---@field layers integer
---@field hidden integer
---@field kv_bytes_per_token integer
---@field bos_token? integer
---@field eos_token? integer
---@field path_prefill fp4.Path what "auto" means for this model
---@field path_decode fp4.Path
---@field has_chat_template boolean
---@field has_tokenizer boolean

--- What weights and activations are multiplied as.
---@alias fp4.Path "auto"|"w16a16"|"w4a16"|"w4a8"|"w4a4"

--- Keys and values in the cache (default "f16").
---@alias fp4.KvFormat "f16"|"f32"|"mxfp8"|"mxfp4"

---@class fp4.Tensor
---@field name string in the file
---@field canonical? string the name that recipes match; absent where the model has no use for the tensor
---@field format string
---@field shape integer[]
---@field bytes integer

--- The keys of `fp4 info --json` but `plan`; the most used are here.
---@class fp4.Description
---@field kind "safetensors"|"gguf"|"fp4"
---@field architecture? string absent with `error`
---@field error? string why this library cannot run the model
---@field parameters integer
---@field file_bytes integer
---@field tensors fp4.Tensor[]
---@field manifest? table of a .fp4 file: recipe, errors of layers

---@class fp4.Plan
---@field fits boolean
---@field weight_bytes integer
---@field kv_bytes integer
---@field scratch_bytes integer
---@field available_bytes integer free on the device now
---@field largest_context integer tokens that would fit, at most the model's own length

---@class fp4.TokenizeOptions
---@field special? boolean put BOS/EOS where the model wants them
---@field parse_special? boolean `<|im_start|>` in the text is that token, not its letters

---@class fp4.ChatOptions
---@field template? string another template (Jinja) than the model's
---@field variables? table more variables for the template
---@field answer? boolean end with the start of the model's answer (default true)

---@class fp4.Message
---@field role string "system", "user", "assistant" ...
---@field content string

---@class fp4.ContextOptions
---@field capacity? integer tokens of KV cache (default: the model's context length, at most 4096)
---@field chunk? integer most tokens of one prefill pass (default 256, on a GPU 512)
---@field threads? integer (default: one per core)
---@field low_priority? boolean worker threads yield to the program's
---@field path_prefill? fp4.Path
---@field path_decode? fp4.Path
---@field kv_format? fp4.KvFormat

---@class fp4.ContextInfo
---@field used integer tokens in the cache
---@field capacity integer
---@field bytes integer KV cache and scratch
---@field threads integer
---@field path_prefill fp4.Path that runs, never "auto"
---@field path_decode fp4.Path
---@field types_prefill string weights and activations, for example "mxfp4 x mxint8"
---@field types_decode string

--- How tokens are drawn. Without this table always the most likely token is taken.
---@class fp4.Sampling
---@field temperature? number 0: greedy (default 0.8)
---@field top_k? integer 0: off (default 40)
---@field top_p? number 1: off (default 0.95)
---@field min_p? number 0: off (default 0.05)
---@field repetition_penalty? number 1: off (default)
---@field presence_penalty? number 0: off (default)
---@field frequency_penalty? number 0: off (default)
---@field penalty_last_n? integer (default 64)
---@field seed? integer the same seed gives the same text (default 0); a uint64_t above 2^53
---@field bias? table<integer, number> added to the logits of tokens; -math.huge forbids one

---@class fp4.GenerateOptions
---@field prompt? string appended to the context; without prompt and tokens the generation goes on from its last token
---@field tokens? integer[] instead of a prompt
---@field sampling? fp4.Sampling
---@field stop? string[] the generation ends before any of these appears
---@field max_tokens? integer (default: until the context is full)
---@field threaded? boolean a thread of the library does the work; only read
---@field raw? boolean no BOS/EOS with the prompt
---@field plain? boolean special tokens written out in the prompt are plain text (for text of others)
---@field show_special? boolean special tokens appear in the output
---@field ignore_end? boolean go on after an end token (for benchmarks)

---@class fp4.StepInfo
---@field elapsed_us integer
---@field overrun_us integer past the budget
---@field new_tokens integer
---@field prompt_left integer prompt tokens still to be processed

---@class fp4.GenerationStats
---@field prompt_tokens integer
---@field generated_tokens integer
---@field finish "none"|"end"|"stop"|"length"|"full"|"cancelled"|"error"
---@field seconds_to_first_token? number of work, from the first step
---@field prefill_tokens_per_second number
---@field decode_tokens_per_second number
---@field longest_step_seconds number
---@field longest_overrun_seconds number

---@class fp4.Progress
---@field phase string "reading", "quantizing", "evaluating" ...
---@field item string current tensor or window
---@field done integer in units of the phase (bytes, windows)
---@field total? integer
---@field seconds number since the start
---@field eta_seconds? number

---@class fp4.QuantizeOptions
---@field source string Hugging Face folder, .gguf file or .fp4 file
---@field target string the .fp4 file to write
---@field recipe? string|table a preset's name, JSON text, or the same as a Lua table (default "rtn")
---@field format? string "mxfp4", "nvfp4", "mxfp8-e4m3" ... (default: the recipe's)
---@field scale_rule? string (default: the recipe's)
---@field activations? string "none", "mxfp4", "nvfp4", "mxfp8-e4m3" or "mxint8" (default: the recipe's)
---@field keep? (string|{ match: string, format: string })[] other formats by name, the first match wins: "PATTERN=FORMAT"
---@field choose? fun(tensor: fp4.Tensor): string? called for each tensor before the start; its format, or nil: the recipe's
---@field calibration_text? string path of a text or JSONL file
---@field calibration_sequences? integer (default: the recipe's)
---@field calibration_length? integer (default: the recipe's)
---@field threads? integer (default: one per core)

---@class fp4.EvaluateOptions
---@field model fp4.Model
---@field text? string the text itself; may be absent with `base_file`
---@field base? fp4.Model compare with this model's distributions
---@field base_file? string or with those of a base file
---@field save_base_file? string write this model's distributions there
---@field window? integer tokens (default 512)
---@field max_windows? integer (default: all)
---@field path? fp4.Path
---@field threads? integer (default: one per core)
---@field kv_format? fp4.KvFormat

---@class fp4.TasksOptions
---@field model fp4.Model
---@field file? string path of the items: JSON lines with id, context, choices and label
---@field text? string or the items themselves
---@field max_items? integer only the first ones
---@field path? fp4.Path
---@field threads? integer (default: one per core)

---@class fp4.OpBenchOptions
---@field model fp4.Model
---@field tokens? integer most tokens of a pass (default 512)
---@field context? integer tokens in the KV cache (default: as many as a pass)
---@field path? fp4.Path
---@field kv_format? fp4.KvFormat
---@field threads? integer (default: one per core)
---@field seconds? number of work, at least, for each measurement (default 0.1)

---@class fp4.Blocks
---@field format string
---@field rows integer
---@field columns integer
---@field codes string
---@field scales string
---@field tensor_scale number
