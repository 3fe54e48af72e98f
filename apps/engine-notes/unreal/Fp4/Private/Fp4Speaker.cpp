#include "Fp4Speaker.h"

#include <fp4.h>

#include <algorithm>

namespace {

constexpr uint32_t MostContext = 2048, MostTokens = 160;

bool Failed(std::string& Error) {
    Error = fp4_last_error();
    return false;
}

// The conversation's tokens: the model's chat template around it; without one the last message itself.
bool Tokenize(const fp4_model* Model, const std::vector<Fp4Message>& Conversation,
              std::vector<int32_t>& Tokens) {
    std::vector<fp4_message> Messages;
    for (const Fp4Message& Message : Conversation)
        Messages.push_back({Message.Role, Message.Content.c_str()});
    std::string Prompt = Conversation.back().Content;
    size_t Needed = 0;
    if (fp4_chat_format(Model, nullptr, Messages.data(), Messages.size(), nullptr,
                        FP4_CHAT_ADD_GENERATION_PROMPT, nullptr, 0, &Needed) == FP4_E_SPACE) {
        Prompt.resize(Needed);
        if (fp4_chat_format(Model, nullptr, Messages.data(), Messages.size(), nullptr,
                            FP4_CHAT_ADD_GENERATION_PROMPT, Prompt.data(), Prompt.size(), &Needed) != FP4_OK)
            return false;
    }
    Tokens.resize(Prompt.size() + 4);
    if (fp4_tokenize(Model, Prompt.data(), Prompt.size(), FP4_TOKENIZE_PARSE_SPECIAL, Tokens.data(),
                     Tokens.size(), &Needed) != FP4_OK)
        return false;
    Tokens.resize(Needed);
    return true;
}

} // namespace

std::unique_ptr<Fp4Speaker> Fp4Speaker::Open(const std::string& ModelPath, const std::string& Persona,
                                             std::string& Error) {
    std::unique_ptr<Fp4Speaker> Speaker(new Fp4Speaker);
    if (!Persona.empty()) Speaker->Conversation.push_back({"system", Persona});
    fp4_model_info Info{};
    Info.size = sizeof Info;
    fp4_ctx_config Config;
    if (fp4_model_open(&Speaker->Model, ModelPath.c_str(), nullptr) != FP4_OK ||
        fp4_model_info_get(Speaker->Model, &Info) != FP4_OK ||
        fp4_ctx_config_init(&Config, sizeof Config) != FP4_OK) {
        Failed(Error);
        return nullptr;
    }
    Config.capacity = std::min(Info.context_length, MostContext);
    if (fp4_ctx_create(&Speaker->Context, Speaker->Model, &Config) != FP4_OK) {
        Failed(Error);
        return nullptr;
    }
    return Speaker;
}

Fp4Speaker::~Fp4Speaker() {
    fp4_gen_close(Generation);
    fp4_ctx_close(Context);
    fp4_model_close(Model);
}

void Fp4Speaker::Finish() {
    if (!Generation) return;
    fp4_gen_close(Generation);
    Generation = nullptr;
    Conversation.push_back({"assistant", Answer.substr(0, Answer.find('\0'))});
    Answer.clear();
}

bool Fp4Speaker::Ask(const std::string& Question, std::string& Error) {
    Finish();
    Conversation.push_back({"user", Question});
    if (Begin(Error)) return true;
    Conversation.pop_back();
    return false;
}

// The context may hold a beginning of the conversation: only what is new is run through the model.
bool Fp4Speaker::Begin(std::string& Error) {
    fp4_ctx_info Info{};
    Info.size = sizeof Info;
    std::vector<int32_t> Tokens;
    if (fp4_ctx_info_get(Context, &Info) != FP4_OK || !Tokenize(Model, Conversation, Tokens))
        return Failed(Error);
    if (Tokens.size() + MostTokens > Info.capacity && Conversation.size() > 2) {
        // Too long: the persona and the last question stay.
        Conversation.erase(Conversation.begin() + 1, Conversation.end() - 1);
        if (!Tokenize(Model, Conversation, Tokens)) return Failed(Error);
    }
    std::vector<int32_t> Held(Info.used);
    size_t Count = 0;
    if (fp4_ctx_tokens(Context, Held.data(), Held.size(), &Count) != FP4_OK) return Failed(Error);
    size_t Same = 0;
    while (Same < Count && Same + 1 < Tokens.size() && Held[Same] == Tokens[Same]) ++Same;
    fp4_sampling Sampling;
    fp4_gen_config Config;
    if (fp4_ctx_truncate(Context, Same) != FP4_OK ||
        fp4_sampling_init(&Sampling, sizeof Sampling) != FP4_OK ||
        fp4_gen_config_init(&Config, sizeof Config) != FP4_OK)
        return Failed(Error);
    Config.tokens = Tokens.data() + Same;
    Config.token_count = Tokens.size() - Same;
    Config.sampling = &Sampling;
    Config.max_tokens = MostTokens;
    return fp4_gen_start(&Generation, Context, &Config) == FP4_OK || Failed(Error);
}

bool Fp4Speaker::Step(uint64_t BudgetUs, std::string& Text, std::string& Error) {
    if (!Generation) return false;
    if (fp4_gen_step(Generation, BudgetUs, nullptr) < 0) {
        Failed(Error);
        Finish();
        return false;
    }
    char Piece[512];
    size_t Bytes = 0;
    fp4_status Status;
    do {
        Status = fp4_gen_read(Generation, Piece, sizeof Piece, &Bytes, 0);
        if (Status < 0) continue;
        Text.append(Piece, Bytes);
        Answer.append(Piece, Bytes);
    } while (Status == FP4_MORE && Bytes > 0);
    if (Status == FP4_MORE) return true;
    if (Status < 0) Failed(Error);
    Finish();
    return false;
}
