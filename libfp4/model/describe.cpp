#include "libfp4/model/describe.h"

#include <map>
#include <nlohmann/json.hpp>

#include "libfp4/model/model_source.h"

namespace fp4 {
namespace {

using Json = nlohmann::ordered_json;

Json describe_tensors(const Checkpoint& checkpoint, uint64_t& elements, uint64_t& bytes) {
    Json tensors = Json::array();
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        tensors.push_back({{"name", tensor.name},
                           {"format", encoding_name(tensor.encoding)},
                           {"shape", tensor.shape},
                           {"bytes", tensor.stored_bytes}});
        elements += tensor.rows() * tensor.row_length();
        bytes += tensor.stored_bytes;
    }
    return tensors;
}

// Of the files that hold the tensors.
uint64_t file_bytes(const Checkpoint& checkpoint) {
    std::map<const ByteSource*, uint64_t> sizes;
    for (const StoredRegion& region : checkpoint.regions()) sizes[region.source.get()] = region.source->size();
    uint64_t total = 0;
    for (auto [source, size] : sizes) total += size;
    return total;
}

Json describe_tokenizer(const Checkpoint& checkpoint) {
    if (const GgufMetadata* metadata = checkpoint.gguf()) {
        if (auto kind = metadata->string("tokenizer.ggml.model")) {
            const auto* tokens = metadata->strings("tokenizer.ggml.tokens");
            return {{"kind", std::string(*kind)}, {"vocabulary", tokens ? tokens->size() : 0}};
        }
    }
    if (checkpoint.has_document("tokenizer.json")) return {{"kind", "tokenizer.json"}};
    return nullptr;
}

} // namespace

Result<std::string> describe_checkpoint(const std::shared_ptr<Checkpoint>& checkpoint) {
    uint64_t elements = 0, bytes = 0;
    Json tensors = describe_tensors(*checkpoint, elements, bytes);
    Json json = {{"path", checkpoint->name()}, {"kind", checkpoint->kind()}};
    auto model = inspect_model(checkpoint);
    if (model.ok()) {
        json["architecture"] = architecture_name(model->config.architecture);
        json["name"] = model->config.name;
        json["config"] = Json::parse(config_to_json(model->config), nullptr, false);
    } else {
        json["error"] = model.error().message;
    }
    json["parameters"] = elements;
    json["tensor_bytes"] = bytes;
    json["file_bytes"] = file_bytes(*checkpoint);
    json["bits_per_weight"] = elements ? 8.0 * static_cast<double>(bytes) / static_cast<double>(elements) : 0.0;
    json["tokenizer"] = describe_tokenizer(*checkpoint);
    json["chat_template"] = read_chat_template(*checkpoint).ok();
    if (checkpoint->has_document("manifest.json")) {
        FP4_ASSIGN(std::string manifest, checkpoint->read_document("manifest.json"));
        json["manifest"] = Json::parse(manifest, nullptr, false);
    }
    json["documents"] = checkpoint->document_names();
    json["tensors"] = std::move(tensors);
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

} // namespace fp4
