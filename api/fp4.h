/*
 * libfp4: run and quantize language models in 4-bit microscaling floating point (MXFP4, NVFP4).
 *
 *   #include <fp4.h>
 *   #include <stdio.h>
 *
 *   int main(int argc, char** argv) {
 *       fp4_model* model = NULL;
 *       fp4_ctx* ctx = NULL;
 *       fp4_gen* gen = NULL;
 *       fp4_gen_config config;
 *       char text[256];
 *       size_t n;
 *       fp4_status status;
 *       fp4_gen_config_init(&config, sizeof config);
 *       config.prompt = argc > 2 ? argv[2] : "Once upon a time";
 *       config.max_tokens = 64;
 *       status = fp4_model_open(&model, argv[1], NULL);
 *       if (status == FP4_OK) status = fp4_ctx_create(&ctx, model, NULL);
 *       if (status == FP4_OK) status = fp4_gen_start(&gen, ctx, &config);
 *       while (status == FP4_OK || status == FP4_MORE) {
 *           status = fp4_gen_step(gen, 10000, NULL);
 *           while (fp4_gen_read(gen, text, sizeof text, &n, 0) >= 0 && n > 0) fwrite(text, 1, n, stdout);
 *       }
 *       if (status != FP4_DONE) fprintf(stderr, "%s\n", fp4_last_error());
 *       fp4_gen_close(gen), fp4_ctx_close(ctx), fp4_model_close(model);
 *       return status == FP4_DONE ? 0 : 1;
 *   }
 *
 * Objects: a model holds weights and tokenizer and never changes; a context holds one conversation's KV
 * cache; a generation produces text on a context, stepped by the caller or by a thread of its own; a job is
 * long work in the background. Closing an object that others still use is legal: its memory goes when the
 * last user closes.
 *
 * Rules of every function
 *   Errors    A negative status is a failure; fp4_last_error() then says what and why. A failed call leaves
 *             its objects and output arguments as they were. FP4_MORE and FP4_DONE are informative and
 *             positive.
 *   Threads   "any": from any thread at any time. "one": one thread at a time per handle (two such calls at
 *             once on one handle give FP4_E_BUSY). "cancel": from any thread, also while another call on the
 *             handle runs.
 *   Structs   Start with size = sizeof(struct) as the caller was compiled; *_init fills the defaults. NULL
 *             means all defaults where a config is optional. Unused flag bits must be 0.
 *   Strings   UTF-8. Input is copied. Text comes out in the caller's buffer; with (buffer, capacity, needed)
 *             the call sets *needed to the full size in bytes without terminator and gives FP4_E_SPACE if it
 *             exceeds the capacity; buffer = NULL and capacity = 0 only asks. Output is not terminated unless
 *             stated.
 *   Callbacks Only log sinks, allocators and fp4_io functions are called by library threads. None may call
 *             back into the handle it serves.
 */
#ifndef FP4_H
#define FP4_H

#include <stddef.h>
#include <stdint.h>

#define FP4_VERSION_MAJOR 0
#define FP4_VERSION_MINOR 1
#define FP4_VERSION_PATCH 0
#define FP4_VERSION (FP4_VERSION_MAJOR * 10000 + FP4_VERSION_MINOR * 100 + FP4_VERSION_PATCH)
#define FP4_ABI 0

#if defined(_WIN32)
#define FP4_API __declspec(dllimport)
#elif defined(__GNUC__)
#define FP4_API __attribute__((visibility("default")))
#else
#define FP4_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* <cdef> everything up to the closing marker is also valid for LuaJIT's ffi.cdef once FP4_API is removed */

typedef int32_t fp4_status;
enum {
    FP4_OK = 0,
    FP4_MORE = 1, /* not finished, call again */
    FP4_DONE = 2, /* finished */

    FP4_E_ARGUMENT = -1,    /* an argument is NULL, out of range or inconsistent */
    FP4_E_MEMORY = -2,      /* no memory; free something and try again */
    FP4_E_SPACE = -3,       /* the caller's buffer is too small; see *needed */
    FP4_E_IO = -4,          /* reading or writing failed */
    FP4_E_NOT_FOUND = -5,   /* no such file, device, key or token */
    FP4_E_UNSUPPORTED = -6, /* valid, but this build or model cannot do it */
    FP4_E_STATE = -7,       /* not possible in the object's present state */
    FP4_E_VERSION = -8,     /* newer than this library: file, state or struct */
    FP4_E_INTERNAL = -9,    /* a bug in the library */
    FP4_E_BUSY = -10,       /* another thread is inside a call on this handle */

    FP4_E_FORMAT = -100,  /* malformed file, template or text */
    FP4_E_CORRUPT = -101, /* well-formed, but a checksum does not match */
    FP4_E_LIMIT = -102,   /* a size limit was exceeded */

    FP4_E_DEVICE = -200,      /* the device refused or failed */
    FP4_E_DEVICE_LOST = -201, /* the device is gone; close its handles */

    FP4_E_CANCELLED = -300,
    FP4_E_TIMEOUT = -301
};

typedef struct fp4_model fp4_model;
typedef struct fp4_ctx fp4_ctx;
typedef struct fp4_gen fp4_gen;
typedef struct fp4_job fp4_job;

/* ---- Library ------------------------------------------------------------------------------------------- */

/* FP4_VERSION of the library that runs (major * 10000 + minor * 100 + patch). Thread: any. */
FP4_API uint32_t fp4_version(void);

/* One line: version, compiler, backends and instruction sets built in. Static storage. Thread: any. */
FP4_API const char* fp4_build_info(void);

/* Stable name of a status, for example "FP4_E_FORMAT"; "FP4_E_UNKNOWN" for others. Static storage. Thread:
 * any. */
FP4_API const char* fp4_status_name(fp4_status status);

/* What went wrong in this thread's last failed call; "" after a successful one. Valid until the thread's next
 * call. Thread: any. */
FP4_API const char* fp4_last_error(void);

enum { FP4_LOG_ERROR = 1, FP4_LOG_WARNING = 2, FP4_LOG_INFO = 3, FP4_LOG_DEBUG = 4 };

/* text is terminated, one line, without a newline. May be called from any thread. */
typedef void (*fp4_log_fn)(int32_t level, const char* text, void* user);

/* Process-wide. Messages above level are dropped; fn NULL: keep them only for fp4_log_read. Default: no sink,
 * warnings. Thread: any. */
FP4_API fp4_status fp4_set_log(fp4_log_fn fn, int32_t level, void* user);

/* Takes the oldest unread log message (the last 256 are kept). FP4_DONE when there is none. Thread: any. */
FP4_API fp4_status fp4_log_read(int32_t* level, char* text, size_t capacity, size_t* needed);

/* A host's allocator. Alignment is a power of two of at most 64. Must be thread-safe. allocate may return
 * NULL. */
typedef struct fp4_allocator {
    uint32_t size;
    uint32_t flags; /* 0 */
    void* user;
    void* (*allocate)(void* user, size_t bytes, size_t alignment);
    void (*release)(void* user, void* memory, size_t bytes, size_t alignment);
} fp4_allocator;

/* All memory of the library's own code from here on; memory mapped files and the small internal state of the
 * zstd, PCRE2 and utf8proc libraries are not covered. FP4_E_STATE once a handle exists. Thread: any. */
FP4_API fp4_status fp4_set_allocator(const fp4_allocator* allocator);

/* Host bytes in use now and at most so far. Either may be NULL. Thread: any. */
FP4_API fp4_status fp4_memory_used(uint64_t* now, uint64_t* high_water);

/* A host's own storage, such as a packed game asset. Reads may come from several threads at once. */
typedef struct fp4_io {
    uint32_t size;
    uint32_t flags; /* 0 */
    void* user;
    const char* name;    /* for messages; may be NULL */
    uint64_t total_bytes; /* of the file when reading; ignored when writing */
    /* Fills target with bytes [offset, offset + bytes); returns 0, or anything else for failure. */
    int32_t (*read)(void* user, uint64_t offset, void* target, uint64_t bytes);
    /* Appends; returns 0, or anything else for failure. Only needed where something is saved. */
    int32_t (*write)(void* user, const void* source, uint64_t bytes);
} fp4_io;

/* ---- Devices ------------------------------------------------------------------------------------------- */

typedef struct fp4_device_info {
    uint32_t size;
    uint32_t flags;        /* FP4_DEVICE_USABLE */
    uint64_t memory_total; /* bytes */
    uint64_t memory_free;  /* bytes, now */
    char id[32];           /* what configs take, for example "cpu"; terminated, as are the next two */
    char name[96];
    char details[128];     /* instruction sets or driver; why not usable */
    uint64_t memory_used;  /* bytes the library holds there */
    uint64_t memory_limit; /* of fp4_device_limit; 0: none */
} fp4_device_info;

enum { FP4_DEVICE_USABLE = 1 };

/* Thread: any. */
FP4_API int32_t fp4_device_count(void);
FP4_API fp4_status fp4_device_info_get(int32_t index, fp4_device_info* info);

/* Bytes the library holds on a device now (weights, those of mapped files too, KV caches, work memory), and what it
 * may still take: what the device has free, or less where fp4_device_limit says so. What a GPU's driver takes for
 * itself is not counted as held. Cheap enough for every frame. Either may be NULL. FP4_E_DEVICE_LOST once the
 * device has failed. Thread: any. */
FP4_API fp4_status fp4_device_memory(const char* device, uint64_t* used, uint64_t* available);

/* The most the library may hold on a device, from now on; 0: no limit. Opening a model or creating a context
 * beyond it gives FP4_E_MEMORY, whose message has the limit, what was wanted and what is left. FP4_E_STATE where
 * more is held already. Thread: any. */
FP4_API fp4_status fp4_device_limit(const char* device, uint64_t bytes);

/* ---- Models -------------------------------------------------------------------------------------------- */

/* Numeric path of the linear layers: what weights and activations are multiplied as. W16A16: unquantized
 * weights, activations not rounded. W4A16: microscaling weights (any of 4, 6, 8 bit), activations not
 * rounded. W4A8: activations rounded to 8 bits per 32, or per token where the device multiplies those fastest.
 * W4A4: activations rounded to the weights' own 4-bit format. AUTO: what the model was quantized for, else the
 * fastest path without visible loss. */
enum { FP4_PATH_AUTO = 0, FP4_PATH_W16A16 = 1, FP4_PATH_W4A16 = 2, FP4_PATH_W4A8 = 3, FP4_PATH_W4A4 = 4 };

enum {
    FP4_MODEL_NO_MMAP = 1 /* read into memory instead of mapping; for files others may cut while in use */
};

typedef struct fp4_model_config {
    uint32_t size;
    uint32_t flags;     /* FP4_MODEL_* */
    const char* device; /* device id; NULL: "cpu" */
    const fp4_io* io;   /* read from here; path is then only a name and may be NULL */
    /* Random weights instead of a file, for measurements; path may be NULL. A shape ("llama-3-8b", "llama-3.2-1b",
     * "llama-3.2-3b", "qwen3-0.6b", "qwen3-8b", "smollm2-135m", "smollm2-1.7b") or the text of a config.json. There is
     * no tokenizer. */
    const char* synthetic;
    const char* synthetic_format; /* of matrices: as of fp4_quantize_config, "bf16", "f16", "f32"; NULL: "mxfp4" */
    uint64_t synthetic_seed;
} fp4_model_config;
FP4_API fp4_status fp4_model_config_init(fp4_model_config* config, uint32_t size);

/* Opens a Hugging Face folder, a .gguf file (any part of a split) or a .fp4 file. config may be NULL. Thread:
 * any. */
FP4_API fp4_status fp4_model_open(fp4_model** model, const char* path, const fp4_model_config* config);

/* The same as a job with progress and cancel; take the model with fp4_job_take_model. Thread: any. */
FP4_API fp4_status fp4_model_open_start(fp4_job** job, const char* path, const fp4_model_config* config);

/* NULL is allowed. Memory is freed when no context, generation or job uses the model any more. Thread: any.
 * */
FP4_API void fp4_model_close(fp4_model* model);

typedef struct fp4_model_info {
    uint32_t size;
    uint32_t flags;           /* FP4_MODEL_HAS_* */
    uint64_t file_bytes;
    uint64_t weight_bytes;    /* as held on the device, block scales included */
    uint64_t parameters;
    double bits_per_weight;   /* weight_bytes * 8 / parameters */
    uint32_t context_length;  /* tokens the model was trained for */
    uint32_t vocabulary;
    uint32_t layers;
    uint32_t hidden;
    int32_t bos_token;        /* -1: none */
    int32_t eos_token;        /* -1: none */
    int32_t path_prefill;     /* what FP4_PATH_AUTO means for this model on its device */
    int32_t path_decode;
    uint64_t kv_bytes_per_token;
    char architecture[32];    /* terminated, as are the next two */
    char format[32];          /* of most linear weights, for example "mxfp4" */
    char source[16];          /* "safetensors", "gguf", "fp4" or "synthetic" */
} fp4_model_info;

enum { FP4_MODEL_HAS_CHAT_TEMPLATE = 1, FP4_MODEL_HAS_TOKENIZER = 2 };

/* Set info->size before the call. Thread: any. */
FP4_API fp4_status fp4_model_info_get(const fp4_model* model, fp4_model_info* info);

/* A text property: "name", "chat_template", "config" (JSON), "manifest" (JSON, .fp4 files), or a key of a
 * GGUF file's metadata. FP4_E_NOT_FOUND if there is none. Thread: any. */
FP4_API fp4_status fp4_model_meta(const fp4_model* model, const char* key, char* text, size_t capacity,
                                  size_t* needed);

/* 1 if generation ends at this token (end of text, of turn ...), 0 if not. Thread: any. */
FP4_API int32_t fp4_token_is_end(const fp4_model* model, int32_t token);

/* Reads a file's headers only and describes it as one JSON object: kind, architecture, config, tensors (name,
 * format, shape, bytes), documents, totals. Keys: apps/README.md, "fp4 info --json". Thread: any. */
FP4_API fp4_status fp4_model_describe(const char* path, const fp4_model_config* config, char* json,
                                      size_t capacity, size_t* needed);

typedef struct fp4_plan {
    uint32_t size;
    uint32_t flags;           /* FP4_PLAN_FITS */
    uint64_t weight_bytes;    /* as held on the device */
    uint64_t kv_bytes;
    uint64_t scratch_bytes;   /* grows with ctx->chunk; on the CPU with ctx->threads */
    uint64_t available_bytes; /* as of fp4_device_memory */
    uint32_t largest_context; /* tokens that would fit, at most the model's own length */
    uint32_t reserved;
} fp4_plan;

enum { FP4_PLAN_FITS = 1 };

/* Keys and values in the cache: half precision; single for exact comparisons at twice the memory; MXFP8 (E4M3)
 * and MXFP4 in blocks of 32 along a head, at 8.25 and 4.25 bits a value, rounded once when stored. */
enum { FP4_KV_F16 = 0, FP4_KV_F32 = 1, FP4_KV_MXFP8 = 2, FP4_KV_MXFP4 = 3 };

typedef struct fp4_ctx_config {
    uint32_t size;
    uint32_t flags;        /* 0 */
    uint32_t capacity;     /* tokens of KV cache; 0: the model's context length, at most 4096 */
    uint32_t chunk;        /* most tokens of one prefill pass; 0: the device's, 256 on CPUs, 512 on GPUs */
    int32_t threads;       /* 0: one per core */
    int32_t low_priority;  /* 1: the library's threads yield to the host's */
    int32_t path_prefill;  /* FP4_PATH_* */
    int32_t path_decode;   /* FP4_PATH_* */
    int32_t kv_format;     /* FP4_KV_* */
    uint32_t reserved;     /* 0 */
} fp4_ctx_config;
FP4_API fp4_status fp4_ctx_config_init(fp4_ctx_config* config, uint32_t size);

/* What opening the model and one context would take, from the headers alone, as fp4_device_memory counts it
 * afterwards. ctx may be NULL. Thread: any. */
FP4_API fp4_status fp4_model_plan(const char* path, const fp4_model_config* config, const fp4_ctx_config* ctx,
                                  fp4_plan* plan);

/* ---- Jobs ---------------------------------------------------------------------------------------------- */

typedef struct fp4_job_progress {
    uint32_t size;
    uint32_t flags;       /* 0 */
    uint64_t done;        /* in units of the phase (bytes, windows) */
    uint64_t total;       /* 0: not known yet */
    double seconds;       /* since the start */
    double eta_seconds;   /* estimated rest; < 0: not known yet */
    char phase[32];       /* "reading", "quantizing", "evaluating" ...; terminated */
    char item[128];       /* current tensor or window; terminated */
} fp4_job_progress;

/* Waits up to timeout_ms (0: not at all, < 0: until the end), then fills progress (may be NULL). FP4_MORE
 * while the job runs, FP4_DONE after success, else the error it ended with. Thread: any. */
FP4_API fp4_status fp4_job_poll(fp4_job* job, int32_t timeout_ms, fp4_job_progress* progress);

/* Asks the job to stop; it ends with FP4_E_CANCELLED soon and leaves no partial file. Thread: cancel. */
FP4_API fp4_status fp4_job_cancel(fp4_job* job);

/* The finished job's result as one JSON object. FP4_E_STATE before FP4_DONE. Thread: any. */
FP4_API fp4_status fp4_job_result(fp4_job* job, char* json, size_t capacity, size_t* needed);

/* The opened model of fp4_model_open_start, once. Thread: any. */
FP4_API fp4_status fp4_job_take_model(fp4_job* job, fp4_model** model);

/* Cancels if still running and waits for its thread. NULL is allowed. Thread: one. */
FP4_API void fp4_job_close(fp4_job* job);

/* Checks a whole file: structure, bounds, and for .fp4 every hash. Result JSON: "kind", "tensors", "bytes",
 * "hashed". Thread: any. */
FP4_API fp4_status fp4_model_check_start(fp4_job** job, const char* path, const fp4_model_config* config);

/* ---- Quantization -------------------------------------------------------------------------------------- */

enum {
    FP4_FORMAT_MXFP4 = 0, /* OCP MX v1.0 */
    FP4_FORMAT_NVFP4 = 1,
    FP4_FORMAT_MXFP8_E4M3 = 2,
    FP4_FORMAT_MXFP8_E5M2 = 3,
    FP4_FORMAT_MXFP6_E2M3 = 4,
    FP4_FORMAT_MXFP6_E3M2 = 5,
    FP4_FORMAT_MXINT8 = 6
};

/* format       NULL: the recipe's, else "mxfp4"; "nvfp4", "mxfp8-e4m3", "mxfp8-e5m2", "mxfp6-e2m3", "mxfp6-e3m2",
 *              "mxint8".
 * scale_rule   NULL: the recipe's, else "mse"; "floor", "ceil", "even", "uos", "prescale34", "amax",
 *              "four-over-six", "tensor", "alternating", "fpquant", "fpquant-mse".
 * keep         "PATTERN=FORMAT": tensors whose name matches (* and ?) take FORMAT: one of the above, "bf16",
 *              "f16", "f32" or "source". The first match wins. Embedding and head stay in 16 bit unless a
 *              pattern names them, or take "mxint8" where the source has 8 bit or less.
 * recipe       NULL: "rtn"; a preset ("rtn-hadamard", "gptq", "mr-gptq", "duquant++", "duquant++gptq", "awq",
 *              "smoothquant", "quarot", "best" ...) or a JSON document (libfp4/quant/recipe/README.md).
 * calibration_text  Path of a text or JSONL file; needed by recipes that look at the inputs of the layers. Such a
 *              run keeps finished layers in "TARGET.work" and goes on after the last of them when it was killed.
 * calibration_sequences, calibration_length  0: the recipe's. Sequences of that many tokens.
 * activations  NULL: the recipe's; what inputs are rounded to on the path of that width: "none", "mxfp4",
 *              "nvfp4", "mxfp8-e4m3", "mxint8". */
typedef struct fp4_quantize_config {
    uint32_t size;
    uint32_t flags; /* 0 */
    const char* format;
    const char* scale_rule;
    const char* const* keep; /* keep_count texts */
    uint64_t keep_count;
    int32_t threads; /* 0: one per core */
    uint32_t reserved;
    const char* recipe;
    const char* calibration_text;
    const char* activations;
    uint32_t calibration_sequences;
    uint32_t calibration_length;
} fp4_quantize_config;
FP4_API fp4_status fp4_quantize_config_init(fp4_quantize_config* config, uint32_t size);

/* Reads a model of any readable kind and writes a .fp4 file, tensor by tensor. The file appears under its
 * name only when complete. Result JSON: apps/README.md, "fp4 quantize --json". Thread: any. */
FP4_API fp4_status fp4_quantize_start(fp4_job** job, const char* source, const char* target,
                                      const fp4_quantize_config* config);

/* Block codecs on host memory. values: f32 [rows, columns]; codes: [rows, fp4_row_code_bytes]; scales: [rows,
 * fp4_row_scale_bytes]; layout: libfp4/format/README.md. scale_rule as in fp4_quantize_config, NULL: "mse".
 * *tensor_scale is set by quantize (1 for plain MX rules) and given to dequantize. Thread: any. */
FP4_API size_t fp4_row_code_bytes(int32_t format, size_t columns);
FP4_API size_t fp4_row_scale_bytes(int32_t format, size_t columns);
FP4_API fp4_status fp4_quantize_rows(int32_t format, const char* scale_rule, const float* values, size_t rows,
                                     size_t columns, void* codes, void* scales, float* tensor_scale);
FP4_API fp4_status fp4_dequantize_rows(int32_t format, const void* codes, const void* scales,
                                       float tensor_scale, size_t rows, size_t columns, float* values);

typedef struct fp4_evaluate_config {
    uint32_t size;
    uint32_t flags;              /* FP4_EVALUATE_* */
    const fp4_model* model;
    const fp4_model* base;       /* compare with this model's distributions; may be NULL */
    const char* base_file;       /* or with those of a base file (llama.cpp's format); may be NULL */
    const char* save_base_file;  /* write this model's distributions to a base file; may be NULL */
    const char* text;            /* text_bytes bytes */
    uint64_t text_bytes;
    uint32_t window;             /* tokens per window; 0: 512 */
    uint32_t max_windows;        /* 0: all */
    int32_t path;                /* FP4_PATH_*, of model */
    int32_t threads;             /* 0: one per core */
    int32_t kv_format;           /* FP4_KV_*, of model */
    uint32_t reserved;           /* 0 */
} fp4_evaluate_config;
FP4_API fp4_status fp4_evaluate_config_init(fp4_evaluate_config* config, uint32_t size);

/* Perplexity over non-overlapping windows, second half of each scored, as llama.cpp does it; with a base also
 * KL divergence and top-1 agreement. The models are held until the job is closed. A text that has lines of the
 * text that model was calibrated with ends the job with FP4_E_ARGUMENT. Result JSON: apps/README.md, "fp4 eval
 * --json". Thread: any. */
FP4_API fp4_status fp4_evaluate_start(fp4_job** job, const fp4_evaluate_config* config);

/* Items are JSON lines: {"id": string, "context": string, "choices": [string, ...], "label": index of the right
 * choice}. Exactly one of file and text. */
typedef struct fp4_tasks_config {
    uint32_t size;
    uint32_t flags;      /* 0 */
    const fp4_model* model;
    const char* file;    /* path of the items; may be NULL */
    const char* text;    /* or the items themselves, text_bytes bytes; may be NULL */
    uint64_t text_bytes;
    uint32_t max_items;  /* only the first ones; 0: all */
    int32_t path;        /* FP4_PATH_* */
    int32_t threads;     /* 0: one per core */
    uint32_t reserved;   /* 0 */
} fp4_tasks_config;
FP4_API fp4_status fp4_tasks_config_init(fp4_tasks_config* config, uint32_t size);

/* Answers each item with the choice whose tokens are the most likely after the context, as
 * lm-evaluation-harness does it; an item of one choice counts as right if greedy generation gives that choice.
 * The model is held until the job is closed. Result JSON: "task" (name of the file, or null), "items",
 * "single_choice_items", "tokens" (scored), "accuracy", "accuracy_norm" (by log-probability per UTF-8 byte;
 * null without items of several choices), "standard_error" (of "accuracy"; null for one item), "perplexity" (of
 * single choices, each as a whole; null without them), "path", "arithmetic", "seconds". Thread: any. */
FP4_API fp4_status fp4_tasks_start(fp4_job** job, const fp4_tasks_config* config);

/* ---- Measurements -------------------------------------------------------------------------------------- */

typedef struct fp4_op_bench_config {
    uint32_t size;
    uint32_t flags;      /* 0 */
    const fp4_model* model;
    uint32_t tokens;     /* most tokens of a pass; 0: 512, at most the model's own length */
    uint32_t context;    /* tokens in the KV cache; 0: as many as a pass */
    int32_t path;        /* FP4_PATH_* */
    int32_t kv_format;   /* FP4_KV_* */
    int32_t threads;     /* 0: one per core */
    uint32_t reserved;   /* 0 */
    double seconds;      /* of work, at least, for each measurement; 0: 0.1 */
} fp4_op_bench_config;
FP4_API fp4_status fp4_op_bench_config_init(fp4_op_bench_config* config, uint32_t size);

/* Times each operation of a pass on the model's device, for 1, 8, 16, 64 ... tokens, with the weights of all layers in
 * turn. The model is held until the job is closed. Result JSON: apps/README.md, "fp4 bench --op --json". Thread: any. */
FP4_API fp4_status fp4_op_bench_start(fp4_job** job, const fp4_op_bench_config* config);

/* ---- Text ---------------------------------------------------------------------------------------------- */

enum {
    FP4_TOKENIZE_ADD_SPECIAL = 1,  /* put BOS/EOS where the model wants them */
    FP4_TOKENIZE_PARSE_SPECIAL = 2 /* "<|im_start|>" in the text is that token, not its letters */
};

/* capacity and *needed count tokens. Thread: any. */
FP4_API fp4_status fp4_tokenize(const fp4_model* model, const char* text, size_t bytes, uint32_t flags,
                                int32_t* tokens, size_t capacity, size_t* needed);

enum { FP4_DETOKENIZE_SPECIAL = 1 /* special tokens appear as their text instead of vanishing */ };

/* Thread: any. */
FP4_API fp4_status fp4_detokenize(const fp4_model* model, const int32_t* tokens, size_t count, uint32_t flags,
                                  char* text, size_t capacity, size_t* needed);

typedef struct fp4_message {
    const char* role;    /* "system", "user", "assistant" ... */
    const char* content;
} fp4_message;

enum { FP4_CHAT_ADD_GENERATION_PROMPT = 1 };

/* Renders messages with the model's chat template, or with the given one (Jinja). variables: a JSON object of
 * extra template variables, or NULL. Thread: any. */
FP4_API fp4_status fp4_chat_format(const fp4_model* model, const char* chat_template,
                                   const fp4_message* messages, size_t count, const char* variables,
                                   uint32_t flags, char* text, size_t capacity, size_t* needed);

/* ---- Contexts ------------------------------------------------------------------------------------------ */

/* config may be NULL. Thread: any. */
FP4_API fp4_status fp4_ctx_create(fp4_ctx** ctx, fp4_model* model, const fp4_ctx_config* config);

/* NULL is allowed. A running generation keeps the context alive. Thread: any. */
FP4_API void fp4_ctx_close(fp4_ctx* ctx);

typedef struct fp4_ctx_info {
    uint32_t size;
    uint32_t flags;        /* 0 */
    uint32_t used;         /* tokens in the KV cache */
    uint32_t capacity;
    uint64_t bytes;        /* KV cache and scratch */
    int32_t path_prefill;  /* FP4_PATH_* that runs, never AUTO */
    int32_t path_decode;
    int32_t threads;
    uint32_t reserved;
    char path_prefill_name[32]; /* weights and activations, for example "mxfp4 x mxint8"; terminated */
    char path_decode_name[32];
} fp4_ctx_info;

/* Thread: any; a context in use answers with its last completed state. */
FP4_API fp4_status fp4_ctx_info_get(const fp4_ctx* ctx, fp4_ctx_info* info);

/* Appends tokens and runs the model over them. Thread: one. Cancel with fp4_ctx_cancel. */
FP4_API fp4_status fp4_ctx_eval(fp4_ctx* ctx, const int32_t* tokens, size_t count, uint32_t flags);

enum { FP4_EVAL_ALL_LOGITS = 1 /* keep logits of every token of the call, not only of the last */ };

/* Ends a running fp4_ctx_eval with FP4_E_CANCELLED within one layer; the context then holds what it held
 * before that call. Thread: cancel. */
FP4_API fp4_status fp4_ctx_cancel(fp4_ctx* ctx);

/* Logits after token row of the last eval (0 unless FP4_EVAL_ALL_LOGITS): vocabulary floats. Thread: one. */
FP4_API fp4_status fp4_ctx_logits(fp4_ctx* ctx, size_t row, float* logits, size_t capacity);

/* Keeps the first n tokens, n <= used. Thread: one. */
FP4_API fp4_status fp4_ctx_truncate(fp4_ctx* ctx, size_t tokens);

/* Copies the tokens in the cache. Thread: one. */
FP4_API fp4_status fp4_ctx_tokens(fp4_ctx* ctx, int32_t* tokens, size_t capacity, size_t* needed);

/* The state (tokens and KV cache), compressed, checksummed and bound to the model. Exactly one of path and
 * io. A file appears only when complete. Thread: one. */
FP4_API fp4_status fp4_ctx_save(fp4_ctx* ctx, const char* path, const fp4_io* io);

/* Replaces the state. On failure the context is as before. FP4_E_STATE for another model's state. Thread:
 * one. */
FP4_API fp4_status fp4_ctx_load(fp4_ctx* ctx, const char* path, const fp4_io* io);

/* ---- Sampling and generation --------------------------------------------------------------------------- */

typedef struct fp4_logit_bias {
    int32_t token;
    float bias; /* added to the logit; -INFINITY forbids the token */
} fp4_logit_bias;

typedef struct fp4_sampling {
    uint32_t size;
    uint32_t flags;            /* 0 */
    float temperature;         /* 0: greedy. Default 0.8 */
    int32_t top_k;             /* 0: off. Default 40 */
    float top_p;               /* 1: off. Default 0.95 */
    float min_p;               /* 0: off. Default 0.05 */
    float repetition_penalty;  /* 1: off (default) */
    float presence_penalty;    /* 0: off (default) */
    float frequency_penalty;   /* 0: off (default) */
    int32_t penalty_last_n;    /* default 64 */
    uint64_t seed;             /* the same seed gives the same text. Default 0 */
    const fp4_logit_bias* bias;
    uint64_t bias_count;
} fp4_sampling;
FP4_API fp4_status fp4_sampling_init(fp4_sampling* sampling, uint32_t size);

/* Draws one token from the context's last logits; counter: how many were drawn before (with the same seed and
 * counter the draw repeats). sampling NULL: greedy. Thread: one. */
FP4_API fp4_status fp4_sample(fp4_ctx* ctx, const fp4_sampling* sampling, uint64_t counter, int32_t* token);

enum {
    FP4_GEN_THREADED = 1,       /* a library thread does the work; fp4_gen_step is not called */
    FP4_GEN_RAW_PROMPT = 2,     /* no BOS/EOS with the prompt; default: as the model wants, if ctx is empty */
    FP4_GEN_PLAIN_PROMPT = 4,   /* special tokens written out in the prompt are plain text (untrusted text) */
    FP4_GEN_SHOW_SPECIAL = 8,   /* special tokens appear in the output */
    FP4_GEN_IGNORE_END = 16     /* go on after an end token (benchmarks) */
};

typedef struct fp4_gen_config {
    uint32_t size;
    uint32_t flags;               /* FP4_GEN_* */
    const char* prompt;           /* text appended to the context; or NULL */
    uint64_t prompt_bytes;        /* 0: prompt is terminated */
    const int32_t* tokens;        /* or tokens */
    uint64_t token_count;
    const fp4_sampling* sampling; /* NULL: greedy */
    const char* const* stop;      /* generation ends before any of these strings appears */
    uint64_t stop_count;
    uint32_t max_tokens;          /* 0: until the context is full */
    uint32_t reserved;
} fp4_gen_config;
FP4_API fp4_status fp4_gen_config_init(fp4_gen_config* config, uint32_t size);

/* Begins a generation after what the context holds. The context serves no other call until the generation is
 * finished or closed (FP4_E_BUSY). Afterwards ctx holds the prompt and the generated tokens but the last,
 * which was never run through the model (after a cancel perhaps it was: fp4_ctx_tokens tells); begin a next
 * prompt with it. Without prompt and tokens the generation goes on from the context's last token. Thread: one
 * (ctx). */
FP4_API fp4_status fp4_gen_start(fp4_gen** gen, fp4_ctx* ctx, const fp4_gen_config* config);

typedef struct fp4_step_info {
    uint32_t size;
    uint32_t flags;       /* 0 */
    uint64_t elapsed_us;
    uint64_t overrun_us;  /* past the budget: a piece of work is a layer of a chunk of tokens or a part of the head;
                             on a GPU a whole token */
    uint32_t new_tokens;  /* generated by this step */
    uint32_t prompt_left; /* prompt tokens still to be processed */
} fp4_step_info;

/* Works for about budget_us on the calling thread (0: the smallest unit; UINT64_MAX: to the end) and its
 * workers. FP4_MORE: call again; FP4_DONE: finished, text may still be unread. info may be NULL. Thread: one.
 * */
FP4_API fp4_status fp4_gen_step(fp4_gen* gen, uint64_t budget_us, fp4_step_info* info);

/* Takes text, cut at UTF-8 boundaries (capacity >= 4); *bytes may be 0. FP4_MORE: more may come; FP4_DONE:
 * that was all. In threaded mode waits up to timeout_ms for text (< 0: until there is some) and gives
 * FP4_E_TIMEOUT when there was none; a failed generation gives its error once its text is read. Thread: one.
 * */
FP4_API fp4_status fp4_gen_read(fp4_gen* gen, char* text, size_t capacity, size_t* bytes, int32_t timeout_ms);

/* Ends the generation within one layer; what was read stays valid, the context keeps whole tokens. Thread:
 * cancel. */
FP4_API fp4_status fp4_gen_cancel(fp4_gen* gen);

enum {
    FP4_FINISH_NONE = 0,
    FP4_FINISH_END = 1,    /* an end token */
    FP4_FINISH_STOP = 2,   /* a stop string */
    FP4_FINISH_LENGTH = 3, /* max_tokens */
    FP4_FINISH_FULL = 4,   /* no room in the context */
    FP4_FINISH_CANCELLED = 5,
    FP4_FINISH_ERROR = 6
};

typedef struct fp4_gen_stats {
    uint32_t size;
    uint32_t flags;               /* 0 */
    uint32_t prompt_tokens;
    uint32_t generated_tokens;
    int32_t finish;               /* FP4_FINISH_* */
    uint32_t reserved;
    double seconds_to_first_token; /* of work, from the first step; < 0: none yet */
    double prefill_tokens_per_second;
    double decode_tokens_per_second;
    double longest_step_seconds;
    double longest_overrun_seconds;
} fp4_gen_stats;

/* Thread: any. */
FP4_API fp4_status fp4_gen_stats_get(fp4_gen* gen, fp4_gen_stats* stats);

/* Cancels if still running. NULL is allowed. Thread: one. */
FP4_API void fp4_gen_close(fp4_gen* gen);

/* Receives text as it comes; returns 0 to stop. */
typedef int32_t (*fp4_text_fn)(const char* text, size_t bytes, void* user);

/* Runs a whole generation on the calling thread. stats may be NULL. Thread: one (ctx). */
FP4_API fp4_status fp4_generate(fp4_ctx* ctx, const fp4_gen_config* config, fp4_text_fn fn, void* user,
                                fp4_gen_stats* stats);

/* </cdef> */

#ifdef __cplusplus
}
#endif

#endif /* FP4_H */
