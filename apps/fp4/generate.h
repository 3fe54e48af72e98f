#pragma once

#include <fp4.h>

#include <functional>
#include <string>
#include <string_view>

namespace fp4::program {

struct Answer {
    fp4_status status = FP4_OK; // < 0: the generation failed, other than by a cancel
    std::string error;          // then the library's message
    std::string text;
    fp4_gen_stats stats{};
};

/// Runs one generation on the context and hands out its text as it comes; Ctrl-C ends it with
/// FP4_FINISH_CANCELLED. `show` returns false when the text can no longer be written, which ends the
/// generation too.
Answer generate(fp4_ctx* ctx, const fp4_gen_config& config,
                const std::function<bool(std::string_view)>& show);

/// "end", "stop", "length", "full", "cancelled" or "error"
const char* finish_name(int32_t finish);

/// "12 prompt tokens at 310.2 tok/s, 64 tokens at 58.1 tok/s, first after 0.12 s"
std::string speed_text(const fp4_gen_stats& stats);

} // namespace fp4::program
