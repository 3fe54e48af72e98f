#include "libfp4/io/hf_documents.h"

#include <filesystem>

#include "libfp4/io/file_limits.h"

namespace fp4 {
namespace {

constexpr const char* known_documents[] = {
    "config.json",          "generation_config.json",
    "tokenizer.json",       "tokenizer_config.json",
    "tokenizer.model",      "vocab.json",
    "merges.txt",           "special_tokens_map.json",
    "added_tokens.json",    "chat_template.jinja",
    "chat_template.json",   "hf_quant_config.json",
    "quantize_config.json",
};

} // namespace

StoredCheckpoint::Documents folder_documents(const std::string& folder) {
    StoredCheckpoint::Documents documents;
    for (const char* name : known_documents) {
        std::string path = (std::filesystem::path(folder) / name).string();
        std::error_code ignored;
        if (!std::filesystem::is_regular_file(path, ignored)) continue;
        documents.emplace(name, [path] { return read_text_file(path, limits::max_document_bytes); });
    }
    return documents;
}

} // namespace fp4
