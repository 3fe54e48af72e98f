#include <nlohmann/json.hpp>

#include "libfp4/model/model_source.h"

namespace fp4 {

Result<std::string> read_chat_template(const Checkpoint& checkpoint) {
    if (checkpoint.has_document("chat_template.jinja")) return checkpoint.read_document("chat_template.jinja");
    if (const GgufMetadata* metadata = checkpoint.gguf()) {
        if (auto text = metadata->string("tokenizer.chat_template")) return std::string(*text);
    }
    if (checkpoint.has_document("tokenizer_config.json")) {
        FP4_ASSIGN(std::string text, checkpoint.read_document("tokenizer_config.json"));
        nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
        if (document.is_object() && document.contains("chat_template")) {
            const nlohmann::json& value = document["chat_template"];
            if (value.is_string()) return value.get<std::string>();
            // Older files list several templates by name.
            for (const auto& entry : value.is_array() ? value : nlohmann::json::array()) {
                if (entry.is_object() && entry.value("name", nlohmann::json()) == "default" &&
                    entry.contains("template") && entry["template"].is_string()) {
                    return entry["template"].get<std::string>();
                }
            }
        }
    }
    return error(Status::not_found, checkpoint.name(), ": the model has no chat template; use a plain prompt or give one");
}

} // namespace fp4
