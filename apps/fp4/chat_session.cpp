#include "chat_session.h"

#include <algorithm>
#include <utility>

#include "model.h"

namespace fp4::program {

ChatSession::ChatSession(const fp4_model* model, fp4_ctx* ctx, std::string chat_template)
    : model_(model), ctx_(ctx), chat_template_(std::move(chat_template)) {}

Answer ChatSession::answer(Conversation& conversation, const fp4_sampling& sampling, uint32_t max_tokens,
                           const std::function<bool(std::string_view)>& show) {
    Answer answer;
    std::vector<int32_t> tokens;
    answer.status = fit_conversation(conversation, max_tokens, tokens);
    if (answer.status >= 0) answer.status = keep_common_prefix(tokens);
    if (answer.status < 0) {
        answer.error = fp4_last_error();
        return answer;
    }
    fp4_gen_config config;
    fp4_gen_config_init(&config, sizeof config);
    config.flags = FP4_GEN_RAW_PROMPT;
    config.tokens = tokens.data();
    config.token_count = tokens.size();
    config.sampling = &sampling;
    config.max_tokens = max_tokens;
    answer = generate(ctx_, config, show);
    if (answer.status >= 0) conversation.add("assistant", answer.text);
    return answer;
}

/// The conversation as tokens that leave room for an answer, without its oldest exchanges where they do not
/// fit.
fp4_status ChatSession::fit_conversation(const Conversation& conversation, uint32_t max_tokens,
                                         std::vector<int32_t>& tokens) {
    const size_t capacity = context_info(ctx_).capacity;
    const size_t quarter = capacity / 4;
    const size_t room = max_tokens == 0 ? quarter : std::min<size_t>(max_tokens, quarter);
    const size_t exchanges = conversation.exchanges();
    // What was forgotten stays forgotten while the conversation grows, so that the context's prefix stays
    // useful.
    forgotten_ = std::min(forgotten_, exchanges > 0 ? exchanges - 1 : 0);
    for (;; ++forgotten_) {
        std::string text;
        fp4_status status = format_messages(model_, chat_template_, conversation.messages(forgotten_), text);
        if (status >= 0) status = tokenize_conversation(model_, text, tokens);
        if (status < 0) return status;
        if (tokens.size() + room <= capacity || forgotten_ + 1 >= exchanges) return FP4_OK;
    }
}

/// Cuts the context down to what it shares with the tokens, and takes that part off them; the last token
/// always stays, because its logits are wanted.
fp4_status ChatSession::keep_common_prefix(std::vector<int32_t>& tokens) {
    std::vector<int32_t> held;
    const fp4_status status =
        read_sized<int32_t>(held, [&](int32_t* buffer, size_t capacity, size_t* needed) {
            return fp4_ctx_tokens(ctx_, buffer, capacity, needed);
        });
    if (status < 0) return status;
    const auto first_difference = std::mismatch(held.begin(), held.end(), tokens.begin(), tokens.end()).first;
    auto common = static_cast<size_t>(first_difference - held.begin());
    if (!tokens.empty()) common = std::min(common, tokens.size() - 1);
    if (common < held.size()) {
        const fp4_status truncated = fp4_ctx_truncate(ctx_, common);
        if (truncated < 0) return truncated;
    }
    tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(common));
    return FP4_OK;
}

} // namespace fp4::program
