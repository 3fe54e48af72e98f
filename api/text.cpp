#include "api/handles.h"
#include "api/shim.h"
#include "libfp4/text/template/chat_template.h"

using namespace fp4;
using namespace fp4::api;

fp4_status fp4_tokenize(const fp4_model* model, const char* text, size_t bytes, uint32_t flags,
                        int32_t* tokens, size_t capacity, size_t* needed) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(model, "model"));
        if (bytes > 0) FP4_TRY(require(text, "text"));
        if (flags & ~uint32_t(FP4_TOKENIZE_ADD_SPECIAL | FP4_TOKENIZE_PARSE_SPECIAL)) {
            return error(Status::argument, "unknown flags ", flags);
        }
        FP4_ASSIGN(const Tokenizer* tokenizer, model->model->require_tokenizer());
        auto policy = flags & FP4_TOKENIZE_PARSE_SPECIAL ? SpecialPolicy::parse : SpecialPolicy::none;
        FP4_ASSIGN(
            std::vector<int32_t> ids,
            tokenizer->encode({text ? text : "", bytes}, (flags & FP4_TOKENIZE_ADD_SPECIAL) != 0, policy));
        return copy_tokens(ids, tokens, capacity, needed);
    });
}

fp4_status fp4_detokenize(const fp4_model* model, const int32_t* tokens, size_t count, uint32_t flags,
                          char* text, size_t capacity, size_t* needed) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(model, "model"));
        if (count > 0) FP4_TRY(require(tokens, "tokens"));
        if (flags & ~uint32_t(FP4_DETOKENIZE_SPECIAL))
            return error(Status::argument, "unknown flags ", flags);
        FP4_ASSIGN(const Tokenizer* tokenizer, model->model->require_tokenizer());
        FP4_ASSIGN(std::string decoded,
                   tokenizer->decode({tokens, count}, (flags & FP4_DETOKENIZE_SPECIAL) != 0));
        return copy_text(decoded, text, capacity, needed);
    });
}

fp4_status fp4_chat_format(const fp4_model* model, const char* chat_template, const fp4_message* messages,
                           size_t count, const char* variables, uint32_t flags, char* text, size_t capacity,
                           size_t* needed) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(model, "model"));
        if (count > 0) FP4_TRY(require(messages, "messages"));
        if (flags & ~uint32_t(FP4_CHAT_ADD_GENERATION_PROMPT))
            return error(Status::argument, "unknown flags ", flags);
        const Model& owner = *model->model;
        std::string source = chat_template ? chat_template : owner.chat_template;
        if (source.empty()) {
            return error(Status::unsupported, owner.checkpoint->name(),
                         ": the model has no chat template; give one, or use a plain prompt");
        }
        std::vector<ChatMessage> chat;
        for (size_t i = 0; i < count; ++i) {
            FP4_TRY(require(messages[i].role, "messages[i].role"));
            FP4_TRY(require(messages[i].content, "messages[i].content"));
            chat.push_back({messages[i].role, messages[i].content});
        }
        ChatOptions options;
        options.add_generation_prompt = (flags & FP4_CHAT_ADD_GENERATION_PROMPT) != 0;
        options.variables_json = variables ? variables : "";
        if (owner.tokenizer) {
            auto spelled = [&](std::optional<int32_t> id) {
                return std::string(id ? owner.tokenizer->token_bytes(*id) : std::string_view());
            };
            options.bos_token = spelled(owner.tokenizer->bos());
            options.eos_token = spelled(owner.tokenizer->eos());
        }
        std::string name = chat_template ? "chat template" : owner.checkpoint->name() + ": chat template";
        FP4_ASSIGN(ChatTemplate parsed, ChatTemplate::parse(std::move(source), name));
        FP4_ASSIGN(std::string rendered, parsed.render(chat, options));
        return copy_text(rendered, text, capacity, needed);
    });
}
