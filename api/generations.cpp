#include <algorithm>
#include <cstring>
#include <limits>

#include "api/context_calls.h"
#include "api/sampling_config.h"

using namespace fp4;
using namespace fp4::api;

namespace {

constexpr uint32_t known_gen_flags =
    FP4_GEN_THREADED | FP4_GEN_RAW_PROMPT | FP4_GEN_PLAIN_PROMPT | FP4_GEN_SHOW_SPECIAL | FP4_GEN_IGNORE_END;

Result<std::vector<int32_t>> read_prompt(const fp4_gen_config& config, const Context& context) {
    if (config.prompt && config.tokens) return error(Status::argument, "give a prompt or tokens, not both");
    if (config.token_count > 0) FP4_TRY(require(config.tokens, "config->tokens"));
    if (config.tokens) return std::vector<int32_t>(config.tokens, config.tokens + config.token_count);
    if (!config.prompt) return std::vector<int32_t>();
    FP4_ASSIGN(const Tokenizer* tokenizer, context.model().require_tokenizer());
    std::string_view text(config.prompt,
                          config.prompt_bytes ? config.prompt_bytes : std::strlen(config.prompt));
    bool add_special = context.used() == 0 && (config.flags & FP4_GEN_RAW_PROMPT) == 0;
    auto policy = config.flags & FP4_GEN_PLAIN_PROMPT ? SpecialPolicy::none : SpecialPolicy::parse;
    FP4_ASSIGN(std::vector<int32_t> ids, tokenizer->encode(text, add_special, policy));
    // A rendered chat template may spell BOS itself; one is enough.
    if (add_special && ids.size() > 1 && ids[0] == ids[1] && ids[0] == tokenizer->bos())
        ids.erase(ids.begin());
    return ids;
}

Result<GenerationRequest> read_request(const fp4_gen_config& config, const Context& context) {
    GenerationRequest request;
    FP4_ASSIGN(request.prompt, read_prompt(config, context));
    FP4_ASSIGN(SamplingChoice choice, read_sampling(config.sampling));
    request.sampling = choice.config;
    request.bias = std::move(choice.bias);
    constexpr uint64_t most_stops = 1024;
    if (config.stop_count > most_stops)
        return error(Status::limit, "config->stop_count ", config.stop_count, " is too large");
    if (config.stop_count > 0) FP4_TRY(require(config.stop, "config->stop"));
    for (uint64_t i = 0; i < config.stop_count; ++i) {
        FP4_TRY(require(config.stop[i], "config->stop[i]"));
        request.stops.emplace_back(config.stop[i]);
    }
    request.max_tokens = config.max_tokens;
    request.show_special = (config.flags & FP4_GEN_SHOW_SPECIAL) != 0;
    request.ignore_end = (config.flags & FP4_GEN_IGNORE_END) != 0;
    return request;
}

Result<std::unique_ptr<fp4_gen>> start(fp4_ctx* ctx, const fp4_gen_config* config, uint32_t allowed_flags) {
    FP4_ASSIGN(CallGuard guard, enter_context(ctx));
    fp4_gen_config known{};
    FP4_TRY(read_struct(config, allowed_flags, known, "config"));
    Context& context = *ctx->shared->context;
    FP4_ASSIGN(GenerationRequest request, read_request(known, context));
    auto handle = std::make_unique<fp4_gen>();
    handle->context = ctx->shared;
    FP4_ASSIGN(auto generation, Generation::create(context, std::move(request)));
    handle->generation = std::move(generation);
    if (known.flags & FP4_GEN_THREADED) FP4_TRY(handle->generation->start_thread());
    ctx->shared->generation = handle->generation;
    return handle;
}

fp4_gen_stats describe(const GenerationStats& stats) {
    fp4_gen_stats known{};
    known.prompt_tokens = stats.prompt_tokens;
    known.generated_tokens = stats.generated_tokens;
    known.finish = static_cast<int32_t>(stats.finish);
    known.seconds_to_first_token = stats.seconds_to_first_token;
    if (stats.seconds_to_first_token > 0)
        known.prefill_tokens_per_second = stats.prompt_tokens / stats.prefill_seconds;
    if (stats.decode_seconds > 0)
        known.decode_tokens_per_second = stats.decoded_tokens / stats.decode_seconds;
    known.longest_step_seconds = stats.longest_step_seconds;
    known.longest_overrun_seconds = stats.longest_overrun_seconds;
    return known;
}

} // namespace

fp4_status fp4_gen_config_init(fp4_gen_config* config, uint32_t size) {
    return guarded([&] { return init_struct(fp4_gen_config{}, config, size); });
}

fp4_status fp4_gen_start(fp4_gen** gen, fp4_ctx* ctx, const fp4_gen_config* config) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(gen, "gen"));
        FP4_ASSIGN(auto handle, start(ctx, config, known_gen_flags));
        *gen = handle.release();
        return {};
    });
}

fp4_status fp4_gen_step(fp4_gen* gen, uint64_t budget_us, fp4_step_info* info) {
    return guarded([&]() -> Result<Status> {
        FP4_TRY(require(gen, "gen"));
        if (info) FP4_TRY(check_out_struct(info, "info"));
        FP4_ASSIGN(CallGuard guard, CallGuard::enter(gen->in_step));
        if (gen->generation->threaded()) {
            return error(Status::state, "the generation has a thread of its own; only read from it");
        }
        StepReport report;
        FP4_ASSIGN(bool done, gen->generation->step(budget_us, &report));
        if (info) {
            fp4_step_info known{};
            known.elapsed_us = report.elapsed_us;
            known.overrun_us = report.overrun_us;
            known.new_tokens = report.new_tokens;
            known.prompt_left = report.prompt_left;
            FP4_TRY(write_struct(known, info, "info"));
        }
        return done ? Status::done : Status::more;
    });
}

fp4_status fp4_gen_read(fp4_gen* gen, char* text, size_t capacity, size_t* bytes, int32_t timeout_ms) {
    return guarded([&]() -> Result<Status> {
        FP4_TRY(require(gen, "gen"));
        FP4_TRY(require(text, "text"));
        FP4_TRY(require(bytes, "bytes"));
        constexpr size_t longest_code_point = 4;
        if (capacity < longest_code_point)
            return error(Status::argument, "capacity ", capacity, " is below 4");
        FP4_ASSIGN(CallGuard guard, CallGuard::enter(gen->in_read));
        size_t taken = 0;
        FP4_ASSIGN(Generation::Read state, gen->generation->read(text, capacity, taken, timeout_ms));
        if (state == Generation::Read::timeout)
            return error(Status::timeout, "no text within ", timeout_ms, " ms");
        *bytes = taken;
        return state == Generation::Read::done ? Status::done : Status::more;
    });
}

fp4_status fp4_gen_cancel(fp4_gen* gen) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(gen, "gen"));
        gen->generation->cancel();
        return {};
    });
}

fp4_status fp4_gen_stats_get(fp4_gen* gen, fp4_gen_stats* stats) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(gen, "gen"));
        return write_struct(describe(gen->generation->stats()), stats, "stats");
    });
}

void fp4_gen_close(fp4_gen* gen) {
    clear_last_error();
    // Its thread must be gone before the context may serve others.
    if (gen) gen->generation->stop();
    delete gen;
}

fp4_status fp4_generate(fp4_ctx* ctx, const fp4_gen_config* config, fp4_text_fn fn, void* user,
                        fp4_gen_stats* stats) {
    return guarded([&]() -> Result<void> {
        if (stats) FP4_TRY(check_out_struct(stats, "stats"));
        FP4_ASSIGN(auto handle, start(ctx, config, known_gen_flags & ~uint32_t(FP4_GEN_THREADED)));
        Generation& generation = *handle->generation;
        constexpr uint64_t slice_us = 100'000; // how long text may wait for the callback
        for (bool done = false, wanted = true; !done;) {
            if (!wanted) generation.cancel();
            auto stepped = generation.step(slice_us, nullptr);
            // What came before a failure is text too: it is read first, then reading fails with the cause.
            char text[256];
            size_t bytes = 0;
            do {
                FP4_TRY(generation.read(text, sizeof text, bytes, 0));
                if (bytes > 0 && fn && wanted) wanted = fn(text, bytes, user) != 0;
            } while (bytes > 0);
            FP4_ASSIGN(done, std::move(stepped));
        }
        if (stats) FP4_TRY(write_struct(describe(generation.stats()), stats, "stats"));
        return {};
    });
}
