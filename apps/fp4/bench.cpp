#include <algorithm>
#include <chrono>
#include <cmath>
#include <iterator>

#include "commands.h"
#include "human.h"
#include "interrupt.h"
#include "job.h"
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
    fp4_gen_config config;
    fp4_gen_config_init(&config, sizeof config);
    config.flags = FP4_GEN_IGNORE_END;
    config.tokens = &first;
    config.token_count = 1;
    config.max_tokens = count;
    fp4_gen* started = nullptr;
    const Clock::time_point start = Clock::now();
    status = fp4_gen_start(&started, ctx, &config);
    if (status < 0) return status;
    const Generation gen(started);
    const interrupt::Watch watch([started] { fp4_gen_cancel(started); });
    do status = fp4_gen_step(started, UINT64_MAX, nullptr);
    while (status == FP4_MORE);
    seconds = seconds_since(start);
    if (status >= 0 && interrupt::requested()) return FP4_E_CANCELLED;
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

const std::string& model_name(const BenchOptions& options) {
    return options.model.empty() ? options.synthetic.shape : options.model;
}

std::string table_text(const BenchOptions& options, const fp4_model_info& model, const fp4_ctx_info& ctx,
                       const Measurement& measured) {
    std::string text =
        format_text("%s: %s, %s parameters, %s, %s; device %s, %d threads\n", model_name(options).c_str(),
                    model.architecture, count_text(model.parameters).c_str(), model.format,
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

// "3.35 TB/s": three digits.
std::string rate_text(double rate, const char* unit) {
    if (rate <= 0) return "";
    const char* const prefixes[] = {"k", "M", "G", "T"};
    size_t step = 0;
    for (rate /= 1e3; rate >= 1e3 && step + 1 < std::size(prefixes); ++step) rate /= 1e3;
    return format_text("%.*f %s%s", rate < 10 ? 2 : rate < 100 ? 1 : 0, rate, prefixes[step], unit);
}

std::string op_table(const JsonObject& result) {
    std::string text = format_text(
        "%s, %s; measured at most: %s (copies %s), products %s\n%-24s %6s %7s %7s %11s %10s %14s %6s\n",
        result.text("device_name").c_str(), result.text("types").c_str(),
        rate_text(result.number("best_bytes_s"), "B/s").c_str(),
        rate_text(result.number("copy_bytes_s"), "B/s").c_str(),
        rate_text(result.number("best_flops_s"), "FLOP/s").c_str(), "operation", "tokens", "rows", "columns",
        "us", "bytes", "operations", "share");
    for (const JsonObject& op : result.objects("ops")) {
        text += format_text("%-24s %6s %7s %7s %11.2f %10s %14s %5.0f%%\n", op.text("op").c_str(),
                            op.text("tokens").c_str(), op.text("rows").c_str(), op.text("cols").c_str(),
                            op.number("seconds") * 1e6, rate_text(op.number("bytes_s"), "B/s").c_str(),
                            rate_text(op.number("flops_s"), "FLOP/s").c_str(), op.number("share") * 100);
    }
    return text;
}

int bench_operations(const BenchOptions& options) {
    int exit_code = exit_ok;
    const Model model =
        open_model(options.model, options.engine, options.output.quiet, &exit_code, options.synthetic);
    if (!model) return exit_code;
    fp4_op_bench_config config;
    fp4_op_bench_config_init(&config, sizeof config);
    config.model = model.get();
    config.tokens = options.prompt_tokens;
    config.context = options.engine.ctx;
    config.path = path_number(options.engine.path);
    config.kv_format = kv_number(options.engine.kv);
    config.threads = options.engine.threads;
    fp4_job* started = nullptr;
    const fp4_status status = fp4_op_bench_start(&started, &config);
    const Job job(started);
    JsonObject result;
    if (const fp4_status done = finish_job(status, started, options.output.quiet, result); done < 0)
        return fail(done);
    result.set("model", model_name(options));
    if (options.output.json) return print_json(result);
    return write_out(op_table(result)) ? exit_ok : fail("cannot write to standard output");
}

} // namespace

int execute(const BenchOptions& options) {
    if (options.prompt_tokens == 0 && options.new_tokens == 0) {
        return usage_error("bench", "nothing to measure: both -p and -n are 0");
    }
    if (options.model.empty() && options.synthetic.shape.empty()) {
        return usage_error("bench", "give a MODEL or --synthetic SHAPE");
    }
    if (options.ops) return bench_operations(options);
    EngineOptions engine = options.engine;
    const uint32_t needed = std::max(options.prompt_tokens, options.new_tokens);
    if (engine.ctx == 0) engine.ctx = needed;
    if (engine.ctx < needed) {
        return usage_error("bench", format_text("--ctx %u is too small for %u tokens", engine.ctx, needed));
    }
    int exit_code = exit_ok;
    const Clock::time_point start = Clock::now();
    const Model model =
        open_model(options.model, engine, options.output.quiet, &exit_code, options.synthetic);
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
    object.set("model", model_name(options));
    object.set("synthetic", !options.synthetic.shape.empty());
    object.set("format", info.format);
    object.set("architecture", info.architecture);
    object.set("weight_bytes", info.weight_bytes);
    object.set("parameters", info.parameters);
    object.set("p", options.prompt_tokens);
    object.set("n", options.new_tokens);
    object.set("r", options.repetitions);
    object.set("ctx", ctx_info.capacity);
    object.set("load_seconds", load_seconds);
    uint64_t held = 0;
    fp4_device_memory(options.engine.device.c_str(), &held, nullptr);
    object.set("memory_used", held);
    return print_json(object);
}

} // namespace fp4::program
