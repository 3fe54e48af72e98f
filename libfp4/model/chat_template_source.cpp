#include "libfp4/io/json_document.h"
#include "libfp4/model/model_source.h"

namespace fp4 {

Result<std::string> read_chat_template(const Checkpoint& checkpoint) {
    if (checkpoint.has_document("chat_template.jinja"))
        return checkpoint.read_document("chat_template.jinja");
    if (const GgufMetadata* metadata = checkpoint.gguf()) {
        if (auto text = metadata->string("tokenizer.chat_template")) return std::string(*text);
    }
    if (checkpoint.has_document("tokenizer_config.json")) {
        FP4_ASSIGN(std::string text, checkpoint.read_document("tokenizer_config.json"));
        FP4_ASSIGN(JsonValue document, parse_json(text, checkpoint.name() + ": tokenizer_config.json"));
        const JsonValue* value = document.find("chat_template");
        if (value && value->string()) return *value->string();
        // Older files list several templates by name.
        if (value && value->array()) {
            for (const JsonValue& entry : *value->array()) {
                const JsonValue* name = entry.find("name");
                const JsonValue* content = entry.find("template");
                if (!name || !name->string() || *name->string() != "default") continue;
                if (content && content->string()) return *content->string();
            }
        }
    }
    return error(Status::not_found, checkpoint.name(),
                 ": the model has no chat template; use a plain prompt or give one");
}

} // namespace fp4
