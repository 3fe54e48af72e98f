#include "generate.h"

#include "handles.h"
#include "human.h"
#include "interrupt.h"

namespace fp4::program {
namespace {

/// Takes all text that is ready. False if it could not be shown.
bool drain(fp4_gen* gen, Answer& answer, const std::function<bool(std::string_view)>& show) {
    char piece[4096];
    for (;;) {
        size_t bytes = 0;
        const fp4_status status = fp4_gen_read(gen, piece, sizeof piece, &bytes, 0);
        if (status < 0 || bytes == 0) return true;
        answer.text.append(piece, bytes);
        if (!show(std::string_view(piece, bytes))) return false;
    }
}

} // namespace

Answer generate(fp4_ctx* ctx, const fp4_gen_config& config,
                const std::function<bool(std::string_view)>& show) {
    constexpr uint64_t step_us = 20'000; // text appears and Ctrl-C is noticed at least this often
    Answer answer;
    fp4_gen* started = nullptr;
    answer.status = fp4_gen_start(&started, ctx, &config);
    if (answer.status < 0) {
        answer.error = fp4_last_error();
        return answer;
    }
    const Generation gen(started);
    do {
        answer.status = fp4_gen_step(gen.get(), step_us, nullptr);
        if (answer.status < 0) {
            answer.error = fp4_last_error();
            break;
        }
        if (!drain(gen.get(), answer, show) || interrupt::requested()) {
            fp4_gen_cancel(gen.get());
            // The step after a cancel ends the generation; its status says only that.
            fp4_gen_step(gen.get(), 0, nullptr);
            drain(gen.get(), answer, show);
            answer.status = FP4_DONE;
        }
    } while (answer.status == FP4_MORE);
    answer.stats.size = sizeof answer.stats;
    fp4_gen_stats_get(gen.get(), &answer.stats);
    return answer;
}

const char* finish_name(int32_t finish) {
    switch (finish) {
        case FP4_FINISH_NONE:
            return "none";
        case FP4_FINISH_END:
            return "end";
        case FP4_FINISH_STOP:
            return "stop";
        case FP4_FINISH_LENGTH:
            return "length";
        case FP4_FINISH_FULL:
            return "full";
        case FP4_FINISH_CANCELLED:
            return "cancelled";
        default:
            return "error";
    }
}

std::string speed_text(const fp4_gen_stats& stats) {
    std::string text =
        format_text("%u prompt tokens at %.1f tok/s, %u tokens at %.1f tok/s", stats.prompt_tokens,
                    stats.prefill_tokens_per_second, stats.generated_tokens, stats.decode_tokens_per_second);
    if (stats.seconds_to_first_token >= 0)
        text += format_text(", first after %.2f s", stats.seconds_to_first_token);
    return text;
}

} // namespace fp4::program
