#include "libfp4/model/describe.h"

#include <map>

#include "libfp4/io/json_document.h"
#include "libfp4/io/json_writer.h"
#include "libfp4/model/model_source.h"

namespace fp4 {
namespace {

struct Totals {
    uint64_t elements = 0;
    uint64_t bytes = 0;
};

Totals totals(const Checkpoint& checkpoint) {
    Totals sum;
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        if (!is_site_tensor(tensor.name)) sum.elements += tensor.rows() * tensor.row_length();
        sum.bytes += tensor.stored_bytes;
    }
    return sum;
}

// "canonical" is the name by which recipes know a tensor of the file; without a known model there is none.
void write_tensors(JsonWriter& json, const Checkpoint& checkpoint, const ModelSource* model) {
    std::map<std::string_view, std::string_view> canonical;
    if (model) {
        for (const SourceTensor& tensor : model->tensors) canonical[tensor.info->name] = tensor.name;
    }
    json.key("tensors");
    json.begin_array();
    for (const TensorInfo& tensor : checkpoint.tensors()) {
        json.begin_object();
        json.member("name", tensor.name);
        if (auto known = canonical.find(tensor.name); known != canonical.end())
            json.member("canonical", known->second);
        json.member("format", encoding_name(tensor.encoding));
        json.key("shape");
        json.begin_array();
        for (uint64_t dim : tensor.shape) json.value(dim);
        json.end_array();
        json.member("bytes", tensor.stored_bytes);
        json.end_object();
    }
    json.end_array();
}

void write_tokenizer(JsonWriter& json, const Checkpoint& checkpoint) {
    json.key("tokenizer");
    const GgufMetadata* metadata = checkpoint.gguf();
    auto kind = metadata ? metadata->string("tokenizer.ggml.model") : std::nullopt;
    if (!kind && !checkpoint.has_document("tokenizer.json")) return json.null();
    json.begin_object();
    json.member("kind", kind ? *kind : "tokenizer.json");
    if (kind) {
        const auto* tokens = metadata->strings("tokenizer.ggml.tokens");
        json.member("vocabulary", tokens ? tokens->size() : 0);
    }
    json.end_object();
}

Result<void> write_manifest(JsonWriter& json, const Checkpoint& checkpoint) {
    if (!checkpoint.has_document("manifest.json")) return {};
    FP4_ASSIGN(std::string manifest, checkpoint.read_document("manifest.json"));
    FP4_TRY(parse_json(manifest, checkpoint.name() + ": manifest.json"));
    json.key("manifest");
    json.raw(manifest);
    return {};
}

} // namespace

uint64_t file_bytes(const Checkpoint& checkpoint) {
    std::map<const ByteSource*, uint64_t> sizes;
    for (const StoredRegion& region : checkpoint.regions())
        sizes[region.source.get()] = region.source->size();
    uint64_t total = 0;
    for (auto [source, size] : sizes) total += size;
    return total;
}

Result<std::string> describe_checkpoint(const std::shared_ptr<Checkpoint>& checkpoint) {
    const Totals sum = totals(*checkpoint);
    JsonWriter json;
    json.begin_object();
    json.member("path", checkpoint->name());
    json.member("kind", checkpoint->kind());
    auto model = inspect_model(checkpoint);
    if (model.ok()) {
        json.member("architecture", architecture_name(model->config.architecture));
        json.member("name", model->config.name);
        json.key("config");
        json.raw(config_to_json(model->config));
        json.key("input_sites");
        describe_input_sites(json, model->sites);
    } else {
        json.member("error", model.error().message);
    }
    json.member("parameters", sum.elements);
    json.member("tensor_bytes", sum.bytes);
    json.member("file_bytes", file_bytes(*checkpoint));
    json.member(
        "bits_per_weight",
        sum.elements ? 8.0 * static_cast<double>(sum.bytes) / static_cast<double>(sum.elements) : 0.0);
    write_tokenizer(json, *checkpoint);
    json.member("chat_template", read_chat_template(*checkpoint).ok());
    FP4_TRY(write_manifest(json, *checkpoint));
    json.key("documents");
    json.begin_array();
    for (const std::string& name : checkpoint->document_names()) json.value(name);
    json.end_array();
    write_tensors(json, *checkpoint, model.ok() ? &model.value() : nullptr);
    json.end_object();
    return json.take();
}

} // namespace fp4
