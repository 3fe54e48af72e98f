#include <algorithm>
#include <chrono>
#include <cmath>

#include "commands.h"
#include "human.h"
#include "interrupt.h"
#include "json_output.h"
#include "model.h"
#include "report.h"

namespace fp4::program {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Speed {
    double mean = 0; // tokens per second
    double deviation = 0;
};

Speed summarize(const std::vector<double>& values) {
    if (values.empty()) return {};
    double sum = 0;
    for (const double value : values) sum += value;
    const double mean = sum / static_cast<double>(values.size());
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    const double deviation =
        values.size() > 1 ? std::sqrt(squares / static_cast<double>(values.size() - 1)) : 0;
    return {mean, deviation};
}

/// Tokens without meaning, the same in every run: a linear congruential generator (Knuth's MMIX constants)
/// over the vocabulary.
std::vector<int32_t> random_tokens(uint32_t count, uint32_t vocabulary) {
    std::vector<int32_t> tokens(count);
    uint64_t state = 1;
    for (int32_t& token : tokens) {
        state = state * 6364136223846793005U + 1442695040888963407U;
        token = static_cast<int32_t>((state >> 33) % std::max<uint32_t>(vocabulary, 1));
    }
    return tokens;
}

/// Prefills the tokens into the empty context; the seconds it took.
fp4_status time_prefill(fp4_ctx* ctx, const std::vector<int32_t>& tokens, double& seconds) {
    fp4_status status = fp4_ctx_truncate(ctx, 0);
    if (status < 0) return status;
    const interrupt::Watch watch([ctx] { fp4_ctx_cancel(ctx); });
    const Clock::time_point start = Clock::now();
    status = fp4_ctx_eval(ctx, tokens.data(), tokens.size(), 0);
    seconds = seconds_since(start);
    return status;
}

/// Greedy generation of `count` tokens after one token of prompt: `count` passes of the model over one token
/// each.
fp4_status time_decode(fp4_ctx* ctx, int32_t first, uint32_t count, double& seconds) {
    fp4_status status = fp4_ctx_truncate(ctx, 0);
    if (status < 0) return status;
    const Clock::time_point start = Clock::now();
    int32_t token = first;
    for (uint32_t i = 0; i < count && status >= 0; ++i) {
        if (interrupt::requested()) return FP4_E_CANCELLED;
        status = fp4_ctx_eval(ctx, &token, 1, 0);
        if (status >= 0) status = fp4_sample(ctx, nullptr, i, &token);
    }
    seconds = seconds_since(start);
    return status;
}

struct Measurement {
    std::vector<double> prompt; // tokens per second of each repetition
    std::vector<double> decode;
};

/// Runs every test once to warm up and then as often as asked. FP4_E_CANCELLED after Ctrl-C.
fp4_status measure(fp4_ctx* ctx, const BenchOptions& options, uint32_t vocabulary, Measurement& out) {
    const std::vector<int32_t> tokens =
        random_tokens(std::max<uint32_t>(options.prompt_tokens, 1), vocabulary);
    for (uint32_t repetition = 0; repetition <= options.repetitions; ++repetition) {
        const bool counts = repetition > 0;
        if (counts && !options.output.quiet && stderr_is_terminal()) {
            note(format_text("repetition %u of %u", repetition, options.repetitions));
        }
        double seconds = 0;
        if (options.prompt_tokens > 0) {
            const fp4_status status = time_prefill(ctx, tokens, seconds);
            if (status < 0) return status;
            if (interrupt::requested()) return FP4_E_CANCELLED;
            if (counts) out.prompt.push_back(options.prompt_tokens / seconds);
        }
        if (options.new_tokens > 0) {
            // Warming up needs no more than a few tokens.
            const uint32_t count = counts ? options.new_tokens : std::min<uint32_t>(options.new_tokens, 4);
            const fp4_status status = time_decode(ctx, tokens.front(), count, seconds);
            if (status < 0) return status;
            if (counts) out.decode.push_back(count / seconds);
        }
    }
    return FP4_OK;
}

void set_speed(JsonObject& object, const std::string& key, const std::vector<double>& values) {
    if (values.empty()) {
        object.set_null(key);
        object.set_null(key + "_sd");
        return;
    }
    const Speed speed = summarize(values);
    object.set(key, speed.mean);
    object.set(key + "_sd", speed.deviation);
}

std::string table_text(const BenchOptions& options, const fp4_model_info& model, const fp4_ctx_info& ctx,
                       const Measurement& measured) {
    std::string text =
        format_text("%s: %s, %s parameters, %s; device %s, %d threads\n", options.model.c_str(),
                    model.architecture, count_text(model.parameters).c_str(),
                    bytes_text(model.weight_bytes).c_str(), options.engine.device.c_str(), ctx.threads);
    const auto row = [&text](const char* test, uint32_t tokens, int32_t path, const char* types,
                             const std::vector<double>& values) {
        if (values.empty()) return;
        const Speed speed = summarize(values);
        text += format_text("%-7s %5u tokens  %-7s %-20s %9.2f +- %.2f tok/s\n", test, tokens,
                            path_name(path), types, speed.mean, speed.deviation);
    };
    row("prefill", options.prompt_tokens, ctx.path_prefill, ctx.path_prefill_name, measured.prompt);
    row("decode", options.new_tokens, ctx.path_decode, ctx.path_decode_name, measured.decode);
    return text;
}

} // namespace

int execute(const BenchOptions& options) {
    if (options.prompt_tokens == 0 && options.new_tokens == 0) {
        return usage_error("bench", "nothing to measure: both -p and -n are 0");
    }
    EngineOptions engine = options.engine;
    const uint32_t needed = std::max(options.prompt_tokens, options.new_tokens);
    if (engine.ctx == 0) engine.ctx = needed;
    if (engine.ctx < needed) {
        return usage_error("bench", format_text("--ctx %u is too small for %u tokens", engine.ctx, needed));
    }
    int exit_code = exit_ok;
    const Clock::time_point start = Clock::now();
    const Model model = open_model(options.model, engine, options.output.quiet, &exit_code);
    if (!model) return exit_code;
    const Context ctx = create_context(model.get(), engine, &exit_code);
    if (!ctx) return exit_code;
    const double load_seconds = seconds_since(start);

    const fp4_model_info info = model_info(model.get());
    Measurement measured;
    const fp4_status status = measure(ctx.get(), options, info.vocabulary, measured);
    if (status < 0) return fail(status);
    const fp4_ctx_info ctx_info = context_info(ctx.get());
    if (!options.output.json) {
        return write_out(table_text(options, info, ctx_info, measured))
                   ? exit_ok
                   : fail("cannot write to standard output");
    }
    JsonObject object;
    set_speed(object, "prompt_tok_s", measured.prompt);
    set_speed(object, "decode_tok_s", measured.decode);
    object.set("path_prefill", path_name(ctx_info.path_prefill));
    object.set("path_decode", path_name(ctx_info.path_decode));
    object.set("types_prefill", ctx_info.path_prefill_name);
    object.set("types_decode", ctx_info.path_decode_name);
    object.set("device", options.engine.device);
    object.set("threads", ctx_info.threads);
    object.set("model", options.model);
    object.set("architecture", info.architecture);
    object.set("weight_bytes", info.weight_bytes);
    object.set("parameters", info.parameters);
    object.set("p", options.prompt_tokens);
    object.set("n", options.new_tokens);
    object.set("r", options.repetitions);
    object.set("ctx", ctx_info.capacity);
    object.set("load_seconds", load_seconds);
    return print_json(object);
}

} // namespace fp4::program
