#include "api/handles.h"
#include "api/model_files.h"
#include "api/shim.h"
#include "libfp4/engine/memory_plan.h"
#include "libfp4/model/describe.h"

using namespace fp4;
using namespace fp4::api;

namespace {

uint64_t kv_bytes_per_token(const ModelConfig& config, KvFormat format) {
    return KvShape{config.layers, 1, config.kv_heads, config.head_dim, format}.bytes();
}

Result<std::string> meta_text(const Model& model, std::string_view key) {
    const Checkpoint& checkpoint = *model.checkpoint;
    if (key == "name") return model.config.name;
    if (key == "config") return config_to_json(model.config);
    if (key == "chat_template" && !model.chat_template.empty()) return model.chat_template;
    if (key == "manifest" && checkpoint.has_document("manifest.json"))
        return checkpoint.read_document("manifest.json");
    if (const GgufMetadata* metadata = checkpoint.gguf()) {
        if (auto text = metadata->string(key)) return std::string(*text);
        if (auto value = metadata->integer(key)) return std::to_string(*value);
        if (auto value = metadata->number(key)) return concat(*value);
        if (auto value = metadata->boolean(key)) return std::string(*value ? "true" : "false");
    }
    return error(Status::not_found, checkpoint.name(), ": there is no property '", key, "'");
}

fp4_model_info describe(const Model& model) {
    const ModelConfig& config = model.config;
    fp4_model_info info{};
    info.flags = (model.chat_template.empty() ? 0u : unsigned(FP4_MODEL_HAS_CHAT_TEMPLATE)) |
                 (model.tokenizer ? unsigned(FP4_MODEL_HAS_TOKENIZER) : 0u);
    info.file_bytes = file_bytes(*model.checkpoint);
    info.weight_bytes = model.weight_bytes;
    info.parameters = model.parameters;
    info.bits_per_weight =
        8.0 * static_cast<double>(model.weight_bytes) / static_cast<double>(model.parameters);
    info.context_length = config.context_length;
    info.vocabulary = config.vocabulary;
    info.layers = config.layers;
    info.hidden = config.hidden;
    info.bos_token = model.tokenizer ? model.tokenizer->bos().value_or(-1) : config.bos_token;
    info.eos_token = model.tokenizer             ? model.tokenizer->eos().value_or(-1)
                     : config.eos_tokens.empty() ? -1
                                                 : config.eos_tokens[0];
    info.path_prefill = info.path_decode = static_cast<int32_t>(model.resolve(Path::automatic));
    info.kv_bytes_per_token = kv_bytes_per_token(config, KvFormat::f16);
    copy_field(info.architecture, architecture_name(config.architecture));
    copy_field(info.format, weight_format_name(model.linear_format));
    copy_field(info.source, model.checkpoint->kind());
    return info;
}

Result<fp4_plan> plan_model(const ModelFile& file, const fp4_ctx_config* ctx) {
    FP4_ASSIGN(auto backend, open_device(file.device.c_str()));
    FP4_ASSIGN(auto checkpoint, file.open());
    FP4_ASSIGN(ModelSource source, inspect_model(std::move(checkpoint)));
    ContextConfig wanted;
    if (ctx) {
        fp4_ctx_config known{};
        FP4_TRY(read_struct(ctx, 0, known, "ctx"));
        wanted.capacity = known.capacity;
        wanted.chunk = known.chunk;
        wanted.kv_format = static_cast<KvFormat>(known.kv_format);
        wanted.stream.threads = known.threads;
    }
    FP4_ASSIGN(ContextConfig resolved, resolve_context(wanted, source.config, *backend));
    const MatrixFormats formats = matrix_formats(source);
    const ContextBytes context = context_bytes(source.config, formats, resolved, *backend);
    fp4_plan plan{};
    plan.weight_bytes = model_bytes(source, *backend);
    plan.kv_bytes = context.kv;
    plan.scratch_bytes = context.scratch;
    plan.available_bytes = backend->memory().room(backend->device().memory_free);
    if (plan.weight_bytes < plan.available_bytes) {
        plan.largest_context = largest_context(source.config, formats, resolved, *backend,
                                               plan.available_bytes - plan.weight_bytes);
    }
    plan.flags = plan.largest_context >= resolved.capacity ? FP4_PLAN_FITS : 0;
    return plan;
}

} // namespace

fp4_status fp4_model_config_init(fp4_model_config* config, uint32_t size) {
    return guarded([&] { return init_struct(fp4_model_config{}, config, size); });
}

fp4_status fp4_model_open(fp4_model** model, const char* path, const fp4_model_config* config) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(model, "model"));
        FP4_ASSIGN(ModelFile file, ModelFile::from(path, config));
        auto handle = std::make_unique<fp4_model>();
        FP4_ASSIGN(handle->model, open_model(file, nullptr));
        *model = handle.release();
        return {};
    });
}

fp4_status fp4_model_open_start(fp4_job** job, const char* path, const fp4_model_config* config) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(job, "job"));
        FP4_ASSIGN(ModelFile file, ModelFile::from(path, config));
        auto handle = std::make_unique<fp4_job>();
        FP4_ASSIGN(handle->job, Job::start([file = std::move(file), owner = handle.get()](
                                               JobControl& control) -> Result<std::string> {
                       FP4_ASSIGN(owner->model, open_model(file, &control));
                       return std::string("{}");
                   }));
        *job = handle.release();
        return {};
    });
}

void fp4_model_close(fp4_model* model) {
    clear_last_error();
    delete model;
}

fp4_status fp4_model_info_get(const fp4_model* model, fp4_model_info* info) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(model, "model"));
        return write_struct(describe(*model->model), info, "info");
    });
}

fp4_status fp4_model_meta(const fp4_model* model, const char* key, char* text, size_t capacity,
                          size_t* needed) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(model, "model"));
        FP4_TRY(require(key, "key"));
        FP4_ASSIGN(std::string value, meta_text(*model->model, key));
        return copy_text(value, text, capacity, needed);
    });
}

int32_t fp4_token_is_end(const fp4_model* model, int32_t token) {
    clear_last_error();
    return model && model->model->is_end_token(token);
}

fp4_status fp4_model_describe(const char* path, const fp4_model_config* config, char* json, size_t capacity,
                              size_t* needed) {
    return guarded([&]() -> Result<void> {
        FP4_ASSIGN(ModelFile file, ModelFile::from(path, config));
        FP4_ASSIGN(auto checkpoint, file.open());
        FP4_ASSIGN(std::string text, describe_checkpoint(checkpoint));
        return copy_text(text, json, capacity, needed);
    });
}

fp4_status fp4_model_plan(const char* path, const fp4_model_config* config, const fp4_ctx_config* ctx,
                          fp4_plan* plan) {
    return guarded([&]() -> Result<void> {
        FP4_ASSIGN(ModelFile file, ModelFile::from(path, config));
        FP4_ASSIGN(fp4_plan known, plan_model(file, ctx));
        return write_struct(known, plan, "plan");
    });
}
