#include <cmath>

#include "api/context_calls.h"
#include "api/model_files.h"
#include "api/sampling_config.h"
#include "libfp4/engine/context_state.h"

using namespace fp4;
using namespace fp4::api;

namespace fp4::api {

Result<CallGuard> enter_context(fp4_ctx* ctx) {
    FP4_TRY(require(ctx, "ctx"));
    SharedContext& shared = *ctx->shared;
    FP4_ASSIGN(CallGuard guard, CallGuard::enter(shared.in_call));
    if (auto generation = shared.generation.lock(); generation && !generation->finished()) {
        return error(Status::busy, "a generation is running on this context; finish or close it first");
    }
    return guard;
}

} // namespace fp4::api

namespace {

template <class Body>
fp4_status context_call(fp4_ctx* ctx, Body&& body) {
    return guarded([&]() -> Result<void> {
        FP4_ASSIGN(CallGuard guard, enter_context(ctx));
        return body(*ctx->shared->context);
    });
}

Result<ContextConfig> read_context_config(const fp4_ctx_config* config) {
    fp4_ctx_config known{};
    if (config) FP4_TRY(read_struct(config, 0, known, "config"));
    if (known.reserved != 0) return error(Status::argument, "config->reserved is not 0");
    ContextConfig result;
    result.capacity = known.capacity;
    result.chunk = known.chunk;
    result.stream.threads = known.threads;
    result.stream.priority = known.low_priority ? ThreadPriority::low : ThreadPriority::normal;
    result.path_prefill = static_cast<Path>(known.path_prefill);
    result.path_decode = static_cast<Path>(known.path_decode);
    result.kv_format = static_cast<KvFormat>(known.kv_format);
    return result;
}

} // namespace

fp4_status fp4_ctx_config_init(fp4_ctx_config* config, uint32_t size) {
    return guarded([&] { return init_struct(fp4_ctx_config{}, config, size); });
}

fp4_status fp4_ctx_create(fp4_ctx** ctx, fp4_model* model, const fp4_ctx_config* config) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(ctx, "ctx"));
        FP4_TRY(require(model, "model"));
        FP4_ASSIGN(ContextConfig wanted, read_context_config(config));
        FP4_TRY(model->model->backend->usable());
        auto handle = std::make_unique<fp4_ctx>();
        handle->shared = std::make_shared<SharedContext>();
        FP4_ASSIGN(handle->shared->context, Context::create(model->model, wanted));
        *ctx = handle.release();
        return {};
    });
}

void fp4_ctx_close(fp4_ctx* ctx) {
    clear_last_error();
    delete ctx;
}

fp4_status fp4_ctx_info_get(const fp4_ctx* ctx, fp4_ctx_info* info) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(ctx, "ctx"));
        const Context& context = *ctx->shared->context;
        const ContextConfig& config = context.config();
        const Model& model = context.model();
        fp4_ctx_info known{};
        known.used = context.published_used();
        known.capacity = config.capacity;
        known.bytes = context.bytes();
        known.path_prefill = static_cast<int32_t>(config.path_prefill);
        known.path_decode = static_cast<int32_t>(config.path_decode);
        known.threads = context.threads();
        copy_field(known.path_prefill_name,
                   path_description(config.path_prefill, model.linear_format, *model.backend));
        copy_field(known.path_decode_name,
                   path_description(config.path_decode, model.linear_format, *model.backend));
        return write_struct(known, info, "info");
    });
}

fp4_status fp4_ctx_eval(fp4_ctx* ctx, const int32_t* tokens, size_t count, uint32_t flags) {
    return context_call(ctx, [&](Context& context) -> Result<void> {
        FP4_TRY(require(tokens, "tokens"));
        if (flags & ~uint32_t(FP4_EVAL_ALL_LOGITS)) return error(Status::argument, "unknown flags ", flags);
        return context.eval({tokens, count}, (flags & FP4_EVAL_ALL_LOGITS) != 0);
    });
}

fp4_status fp4_ctx_cancel(fp4_ctx* ctx) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(ctx, "ctx"));
        ctx->shared->context->cancel();
        return {};
    });
}

fp4_status fp4_ctx_logits(fp4_ctx* ctx, size_t row, float* logits, size_t capacity) {
    return context_call(ctx, [&](Context& context) -> Result<void> {
        FP4_TRY(require(logits, "logits"));
        return context.logits(row, {logits, capacity});
    });
}

fp4_status fp4_ctx_truncate(fp4_ctx* ctx, size_t tokens) {
    return context_call(ctx, [&](Context& context) { return context.truncate(tokens); });
}

fp4_status fp4_ctx_tokens(fp4_ctx* ctx, int32_t* tokens, size_t capacity, size_t* needed) {
    return context_call(
        ctx, [&](Context& context) { return copy_tokens(context.tokens(), tokens, capacity, needed); });
}

fp4_status fp4_ctx_save(fp4_ctx* ctx, const char* path, const fp4_io* io) {
    return context_call(ctx, [&](Context& context) -> Result<void> {
        if (!path == !io) return error(Status::argument, "give exactly one of 'path' and 'io'");
        if (path) return save_state_file(context, path);
        FP4_ASSIGN(fp4_io known, read_io(io));
        if (!known.write) return error(Status::argument, "io->write is NULL");
        return save_state(context, [&](std::span<const uint8_t> bytes) -> Result<void> {
            if (known.write(known.user, bytes.data(), bytes.size()) == 0) return {};
            return error(Status::io, known.name ? known.name : "memory", ": the writer failed");
        });
    });
}

fp4_status fp4_ctx_load(fp4_ctx* ctx, const char* path, const fp4_io* io) {
    return context_call(ctx, [&](Context& context) -> Result<void> {
        if (!path == !io) return error(Status::argument, "give exactly one of 'path' and 'io'");
        std::shared_ptr<ByteSource> source;
        if (path) {
            FP4_ASSIGN(source, open_file(path, false));
        } else {
            FP4_ASSIGN(fp4_io known, read_io(io));
            FP4_ASSIGN(source, io_source(known, ""));
        }
        return load_state(context, *source);
    });
}

fp4_status fp4_sampling_init(fp4_sampling* sampling, uint32_t size) {
    return guarded([&] { return init_struct(default_sampling(), sampling, size); });
}

fp4_status fp4_sample(fp4_ctx* ctx, const fp4_sampling* sampling, uint64_t counter, int32_t* token) {
    return context_call(ctx, [&](Context& context) -> Result<void> {
        FP4_TRY(require(token, "token"));
        FP4_ASSIGN(SamplingChoice choice, read_sampling(sampling));
        FP4_ASSIGN(int32_t drawn, context.sample({&choice.config, context.tokens(), choice.bias, counter}));
        if (drawn < 0)
            return error(Status::state, "no token can be drawn: every logit is forbidden or not a number");
        *token = drawn;
        return {};
    });
}
