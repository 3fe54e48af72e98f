-- Generated from api/fp4.h by bindings/lua/make/cdef.py: do not edit.
local ffi = require("ffi")

-- LuaJIT refuses to declare a struct twice; the module may be loaded again in one Lua state.
if not pcall(ffi.typeof, "fp4_gen_stats") then
    ffi.cdef([[
typedef int32_t fp4_status;
enum {
    FP4_OK = 0,
    FP4_MORE = 1,
    FP4_DONE = 2,
    FP4_E_ARGUMENT = -1,
    FP4_E_MEMORY = -2,
    FP4_E_SPACE = -3,
    FP4_E_IO = -4,
    FP4_E_NOT_FOUND = -5,
    FP4_E_UNSUPPORTED = -6,
    FP4_E_STATE = -7,
    FP4_E_VERSION = -8,
    FP4_E_INTERNAL = -9,
    FP4_E_BUSY = -10,
    FP4_E_FORMAT = -100,
    FP4_E_CORRUPT = -101,
    FP4_E_LIMIT = -102,
    FP4_E_DEVICE = -200,
    FP4_E_DEVICE_LOST = -201,
    FP4_E_CANCELLED = -300,
    FP4_E_TIMEOUT = -301
};
typedef struct fp4_model fp4_model;
typedef struct fp4_ctx fp4_ctx;
typedef struct fp4_gen fp4_gen;
typedef struct fp4_job fp4_job;
uint32_t fp4_version(void);
const char* fp4_build_info(void);
const char* fp4_status_name(fp4_status status);
const char* fp4_last_error(void);
enum { FP4_LOG_ERROR = 1, FP4_LOG_WARNING = 2, FP4_LOG_INFO = 3, FP4_LOG_DEBUG = 4 };
typedef void (*fp4_log_fn)(int32_t level, const char* text, void* user);
fp4_status fp4_set_log(fp4_log_fn fn, int32_t level, void* user);
fp4_status fp4_log_read(int32_t* level, char* text, size_t capacity, size_t* needed);
typedef struct fp4_allocator {
    uint32_t size;
    uint32_t flags;
    void* user;
    void* (*allocate)(void* user, size_t bytes, size_t alignment);
    void (*release)(void* user, void* memory, size_t bytes, size_t alignment);
} fp4_allocator;
fp4_status fp4_set_allocator(const fp4_allocator* allocator);
fp4_status fp4_memory_used(uint64_t* now, uint64_t* high_water);
typedef struct fp4_io {
    uint32_t size;
    uint32_t flags;
    void* user;
    const char* name;
    uint64_t total_bytes;
    int32_t (*read)(void* user, uint64_t offset, void* target, uint64_t bytes);
    int32_t (*write)(void* user, const void* source, uint64_t bytes);
} fp4_io;
typedef struct fp4_device_info {
    uint32_t size;
    uint32_t flags;
    uint64_t memory_total;
    uint64_t memory_free;
    char id[32];
    char name[96];
    char details[128];
    uint64_t memory_used;
    uint64_t memory_limit;
} fp4_device_info;
enum { FP4_DEVICE_USABLE = 1 };
int32_t fp4_device_count(void);
fp4_status fp4_device_info_get(int32_t index, fp4_device_info* info);
fp4_status fp4_device_memory(const char* device, uint64_t* used, uint64_t* available);
fp4_status fp4_device_limit(const char* device, uint64_t bytes);
enum { FP4_PATH_AUTO = 0, FP4_PATH_W16A16 = 1, FP4_PATH_W4A16 = 2, FP4_PATH_W4A8 = 3, FP4_PATH_W4A4 = 4 };
enum {
    FP4_MODEL_NO_MMAP = 1
};
typedef struct fp4_model_config {
    uint32_t size;
    uint32_t flags;
    const char* device;
    const fp4_io* io;
    const char* synthetic;
    const char* synthetic_format;
    uint64_t synthetic_seed;
} fp4_model_config;
fp4_status fp4_model_config_init(fp4_model_config* config, uint32_t size);
fp4_status fp4_model_open(fp4_model** model, const char* path, const fp4_model_config* config);
fp4_status fp4_model_open_start(fp4_job** job, const char* path, const fp4_model_config* config);
void fp4_model_close(fp4_model* model);
typedef struct fp4_model_info {
    uint32_t size;
    uint32_t flags;
    uint64_t file_bytes;
    uint64_t weight_bytes;
    uint64_t parameters;
    double bits_per_weight;
    uint32_t context_length;
    uint32_t vocabulary;
    uint32_t layers;
    uint32_t hidden;
    int32_t bos_token;
    int32_t eos_token;
    int32_t path_prefill;
    int32_t path_decode;
    uint64_t kv_bytes_per_token;
    char architecture[32];
    char format[32];
    char source[16];
} fp4_model_info;
enum { FP4_MODEL_HAS_CHAT_TEMPLATE = 1, FP4_MODEL_HAS_TOKENIZER = 2 };
fp4_status fp4_model_info_get(const fp4_model* model, fp4_model_info* info);
fp4_status fp4_model_meta(const fp4_model* model, const char* key, char* text, size_t capacity,
                                  size_t* needed);
int32_t fp4_token_is_end(const fp4_model* model, int32_t token);
fp4_status fp4_model_describe(const char* path, const fp4_model_config* config, char* json,
                                      size_t capacity, size_t* needed);
typedef struct fp4_plan {
    uint32_t size;
    uint32_t flags;
    uint64_t weight_bytes;
    uint64_t kv_bytes;
    uint64_t scratch_bytes;
    uint64_t available_bytes;
    uint32_t largest_context;
    uint32_t reserved;
} fp4_plan;
enum { FP4_PLAN_FITS = 1 };
enum { FP4_KV_F16 = 0, FP4_KV_F32 = 1, FP4_KV_MXFP8 = 2, FP4_KV_MXFP4 = 3 };
typedef struct fp4_ctx_config {
    uint32_t size;
    uint32_t flags;
    uint32_t capacity;
    uint32_t chunk;
    int32_t threads;
    int32_t low_priority;
    int32_t path_prefill;
    int32_t path_decode;
    int32_t kv_format;
    uint32_t reserved;
} fp4_ctx_config;
fp4_status fp4_ctx_config_init(fp4_ctx_config* config, uint32_t size);
fp4_status fp4_model_plan(const char* path, const fp4_model_config* config, const fp4_ctx_config* ctx,
                                  fp4_plan* plan);
typedef struct fp4_job_progress {
    uint32_t size;
    uint32_t flags;
    uint64_t done;
    uint64_t total;
    double seconds;
    double eta_seconds;
    char phase[32];
    char item[128];
} fp4_job_progress;
fp4_status fp4_job_poll(fp4_job* job, int32_t timeout_ms, fp4_job_progress* progress);
fp4_status fp4_job_cancel(fp4_job* job);
fp4_status fp4_job_result(fp4_job* job, char* json, size_t capacity, size_t* needed);
fp4_status fp4_job_take_model(fp4_job* job, fp4_model** model);
void fp4_job_close(fp4_job* job);
fp4_status fp4_model_check_start(fp4_job** job, const char* path, const fp4_model_config* config);
enum {
    FP4_FORMAT_MXFP4 = 0,
    FP4_FORMAT_NVFP4 = 1,
    FP4_FORMAT_MXFP8_E4M3 = 2,
    FP4_FORMAT_MXFP8_E5M2 = 3,
    FP4_FORMAT_MXFP6_E2M3 = 4,
    FP4_FORMAT_MXFP6_E3M2 = 5,
    FP4_FORMAT_MXINT8 = 6
};
typedef struct fp4_quantize_config {
    uint32_t size;
    uint32_t flags;
    const char* format;
    const char* scale_rule;
    const char* const* keep;
    uint64_t keep_count;
    int32_t threads;
    uint32_t reserved;
    const char* recipe;
    const char* calibration_text;
    const char* activations;
    uint32_t calibration_sequences;
    uint32_t calibration_length;
} fp4_quantize_config;
fp4_status fp4_quantize_config_init(fp4_quantize_config* config, uint32_t size);
fp4_status fp4_quantize_start(fp4_job** job, const char* source, const char* target,
                                      const fp4_quantize_config* config);
size_t fp4_row_code_bytes(int32_t format, size_t columns);
size_t fp4_row_scale_bytes(int32_t format, size_t columns);
fp4_status fp4_quantize_rows(int32_t format, const char* scale_rule, const float* values, size_t rows,
                                     size_t columns, void* codes, void* scales, float* tensor_scale);
fp4_status fp4_dequantize_rows(int32_t format, const void* codes, const void* scales,
                                       float tensor_scale, size_t rows, size_t columns, float* values);
typedef struct fp4_evaluate_config {
    uint32_t size;
    uint32_t flags;
    const fp4_model* model;
    const fp4_model* base;
    const char* base_file;
    const char* save_base_file;
    const char* text;
    uint64_t text_bytes;
    uint32_t window;
    uint32_t max_windows;
    int32_t path;
    int32_t threads;
    int32_t kv_format;
    uint32_t reserved;
} fp4_evaluate_config;
fp4_status fp4_evaluate_config_init(fp4_evaluate_config* config, uint32_t size);
fp4_status fp4_evaluate_start(fp4_job** job, const fp4_evaluate_config* config);
typedef struct fp4_tasks_config {
    uint32_t size;
    uint32_t flags;
    const fp4_model* model;
    const char* file;
    const char* text;
    uint64_t text_bytes;
    uint32_t max_items;
    int32_t path;
    int32_t threads;
    uint32_t reserved;
} fp4_tasks_config;
fp4_status fp4_tasks_config_init(fp4_tasks_config* config, uint32_t size);
fp4_status fp4_tasks_start(fp4_job** job, const fp4_tasks_config* config);
typedef struct fp4_op_bench_config {
    uint32_t size;
    uint32_t flags;
    const fp4_model* model;
    uint32_t tokens;
    uint32_t context;
    int32_t path;
    int32_t kv_format;
    int32_t threads;
    uint32_t reserved;
    double seconds;
} fp4_op_bench_config;
fp4_status fp4_op_bench_config_init(fp4_op_bench_config* config, uint32_t size);
fp4_status fp4_op_bench_start(fp4_job** job, const fp4_op_bench_config* config);
enum {
    FP4_TOKENIZE_ADD_SPECIAL = 1,
    FP4_TOKENIZE_PARSE_SPECIAL = 2
};
fp4_status fp4_tokenize(const fp4_model* model, const char* text, size_t bytes, uint32_t flags,
                                int32_t* tokens, size_t capacity, size_t* needed);
enum { FP4_DETOKENIZE_SPECIAL = 1  };
fp4_status fp4_detokenize(const fp4_model* model, const int32_t* tokens, size_t count, uint32_t flags,
                                  char* text, size_t capacity, size_t* needed);
typedef struct fp4_message {
    const char* role;
    const char* content;
} fp4_message;
enum { FP4_CHAT_ADD_GENERATION_PROMPT = 1 };
fp4_status fp4_chat_format(const fp4_model* model, const char* chat_template,
                                   const fp4_message* messages, size_t count, const char* variables,
                                   uint32_t flags, char* text, size_t capacity, size_t* needed);
fp4_status fp4_ctx_create(fp4_ctx** ctx, fp4_model* model, const fp4_ctx_config* config);
void fp4_ctx_close(fp4_ctx* ctx);
typedef struct fp4_ctx_info {
    uint32_t size;
    uint32_t flags;
    uint32_t used;
    uint32_t capacity;
    uint64_t bytes;
    int32_t path_prefill;
    int32_t path_decode;
    int32_t threads;
    uint32_t reserved;
    char path_prefill_name[32];
    char path_decode_name[32];
} fp4_ctx_info;
fp4_status fp4_ctx_info_get(const fp4_ctx* ctx, fp4_ctx_info* info);
fp4_status fp4_ctx_eval(fp4_ctx* ctx, const int32_t* tokens, size_t count, uint32_t flags);
enum { FP4_EVAL_ALL_LOGITS = 1  };
fp4_status fp4_ctx_cancel(fp4_ctx* ctx);
fp4_status fp4_ctx_logits(fp4_ctx* ctx, size_t row, float* logits, size_t capacity);
fp4_status fp4_ctx_truncate(fp4_ctx* ctx, size_t tokens);
fp4_status fp4_ctx_tokens(fp4_ctx* ctx, int32_t* tokens, size_t capacity, size_t* needed);
fp4_status fp4_ctx_save(fp4_ctx* ctx, const char* path, const fp4_io* io);
fp4_status fp4_ctx_load(fp4_ctx* ctx, const char* path, const fp4_io* io);
typedef struct fp4_logit_bias {
    int32_t token;
    float bias;
} fp4_logit_bias;
typedef struct fp4_sampling {
    uint32_t size;
    uint32_t flags;
    float temperature;
    int32_t top_k;
    float top_p;
    float min_p;
    float repetition_penalty;
    float presence_penalty;
    float frequency_penalty;
    int32_t penalty_last_n;
    uint64_t seed;
    const fp4_logit_bias* bias;
    uint64_t bias_count;
} fp4_sampling;
fp4_status fp4_sampling_init(fp4_sampling* sampling, uint32_t size);
fp4_status fp4_sample(fp4_ctx* ctx, const fp4_sampling* sampling, uint64_t counter, int32_t* token);
enum {
    FP4_GEN_THREADED = 1,
    FP4_GEN_RAW_PROMPT = 2,
    FP4_GEN_PLAIN_PROMPT = 4,
    FP4_GEN_SHOW_SPECIAL = 8,
    FP4_GEN_IGNORE_END = 16
};
typedef struct fp4_gen_config {
    uint32_t size;
    uint32_t flags;
    const char* prompt;
    uint64_t prompt_bytes;
    const int32_t* tokens;
    uint64_t token_count;
    const fp4_sampling* sampling;
    const char* const* stop;
    uint64_t stop_count;
    uint32_t max_tokens;
    uint32_t reserved;
} fp4_gen_config;
fp4_status fp4_gen_config_init(fp4_gen_config* config, uint32_t size);
fp4_status fp4_gen_start(fp4_gen** gen, fp4_ctx* ctx, const fp4_gen_config* config);
typedef struct fp4_step_info {
    uint32_t size;
    uint32_t flags;
    uint64_t elapsed_us;
    uint64_t overrun_us;
    uint32_t new_tokens;
    uint32_t prompt_left;
} fp4_step_info;
fp4_status fp4_gen_step(fp4_gen* gen, uint64_t budget_us, fp4_step_info* info);
fp4_status fp4_gen_read(fp4_gen* gen, char* text, size_t capacity, size_t* bytes, int32_t timeout_ms);
fp4_status fp4_gen_cancel(fp4_gen* gen);
enum {
    FP4_FINISH_NONE = 0,
    FP4_FINISH_END = 1,
    FP4_FINISH_STOP = 2,
    FP4_FINISH_LENGTH = 3,
    FP4_FINISH_FULL = 4,
    FP4_FINISH_CANCELLED = 5,
    FP4_FINISH_ERROR = 6
};
typedef struct fp4_gen_stats {
    uint32_t size;
    uint32_t flags;
    uint32_t prompt_tokens;
    uint32_t generated_tokens;
    int32_t finish;
    uint32_t reserved;
    double seconds_to_first_token;
    double prefill_tokens_per_second;
    double decode_tokens_per_second;
    double longest_step_seconds;
    double longest_overrun_seconds;
} fp4_gen_stats;
fp4_status fp4_gen_stats_get(fp4_gen* gen, fp4_gen_stats* stats);
void fp4_gen_close(fp4_gen* gen);
typedef int32_t (*fp4_text_fn)(const char* text, size_t bytes, void* user);
fp4_status fp4_generate(fp4_ctx* ctx, const fp4_gen_config* config, fp4_text_fn fn, void* user,
                                fp4_gen_stats* stats);
]])
end

return { version = 100, abi = 0 }
