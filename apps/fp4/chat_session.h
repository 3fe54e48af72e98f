#pragma once

#include <fp4.h>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "conversation.h"
#include "generate.h"

namespace fp4::program {

/// A conversation and the context that holds its tokens: an answer prefills only what the context does not
/// hold yet.
class ChatSession {
  public:
    ChatSession(const fp4_model* model, fp4_ctx* ctx, std::string chat_template);

    /// Lets the model answer the conversation, whose last message is the user's. The answer is added to the
    /// conversation, also a cancelled one. A status < 0 leaves the conversation as it was.
    Answer answer(Conversation& conversation, const fp4_sampling& sampling, uint32_t max_tokens,
                  const std::function<bool(std::string_view)>& show);

    /// Oldest exchanges that the last answer could not take into account because the context is too small.
    size_t forgotten() const { return forgotten_; }

  private:
    fp4_status fit_conversation(const Conversation& conversation, uint32_t max_tokens,
                                std::vector<int32_t>& tokens);
    fp4_status keep_common_prefix(std::vector<int32_t>& tokens);

    const fp4_model* model_;
    fp4_ctx* ctx_;
    std::string chat_template_;
    size_t forgotten_ = 0;
};

} // namespace fp4::program
