#include "libfp4/engine/load_tokenizer.h"

#include "libfp4/text/tokenizer/tokenizer.h"

namespace fp4 {

Result<std::shared_ptr<const Tokenizer>> load_tokenizer(const Checkpoint& checkpoint) {
    if (checkpoint.has_document("tokenizer.json")) {
        FP4_ASSIGN(std::string json, checkpoint.read_document("tokenizer.json"));
        std::string config;
        if (checkpoint.has_document("tokenizer_config.json")) {
            FP4_ASSIGN(config, checkpoint.read_document("tokenizer_config.json"));
        }
        return Tokenizer::from_json(json, config, checkpoint.name() + ": tokenizer.json");
    }
    if (checkpoint.gguf() && checkpoint.gguf()->contains("tokenizer.ggml.model"))
        return Tokenizer::from_gguf(*checkpoint.gguf(), checkpoint.name());
    return std::shared_ptr<const Tokenizer>();
}

Error missing_tokenizer(const Checkpoint& checkpoint) {
    return error(
        Status::unsupported, checkpoint.name(),
        ": the model has no tokenizer; put its tokenizer.json beside the weights, or give tokens instead of "
        "text");
}

} // namespace fp4
