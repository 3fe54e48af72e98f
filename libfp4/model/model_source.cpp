#include "libfp4/model/model_source.h"

namespace fp4 {
namespace {

// Some checkpoints of multimodal models put the language model below a prefix.
constexpr const char* canonical_prefixes[] = {"", "language_model.", "model.language_model."};

const TensorInfo* find_tensor(const Checkpoint& checkpoint, const ModelConfig& config, Role role,
                              uint32_t layer) {
    if (std::string_view(checkpoint.kind()) == "gguf") return checkpoint.find(gguf_name(role, layer));
    std::string name = canonical_name(config, role, layer);
    for (const char* prefix : canonical_prefixes) {
        if (const TensorInfo* info = checkpoint.find(prefix + name)) return info;
        // "model.language_model.layers..." has its "model." before the prefix.
        if (name.starts_with("model.") && std::string_view(prefix) == "model.language_model.") {
            if (const TensorInfo* info = checkpoint.find(prefix + name.substr(6))) return info;
        }
    }
    return nullptr;
}

Result<ModelConfig> read_config(const Checkpoint& checkpoint) {
    if (std::string_view(checkpoint.kind()) == "gguf") {
        const TensorInfo* embedding = checkpoint.find("token_embd.weight");
        if (!checkpoint.gguf() || !embedding) {
            return error(Status::format, checkpoint.name(),
                         ": tensor 'token_embd.weight' is missing; not a model file");
        }
        return config_from_gguf(*checkpoint.gguf(), embedding->rows(), checkpoint.name());
    }
    FP4_ASSIGN(std::string json, checkpoint.read_document("config.json"));
    return config_from_json(json, checkpoint.name() + ": config.json");
}

Result<void> check_shape(const Checkpoint& checkpoint, const TensorSlot& slot, const TensorInfo& info) {
    if (info.rows() == slot.rows && info.row_length() == slot.cols) return {};
    return error(Status::format, checkpoint.name(), ": tensor '", info.name, "' has shape [", info.rows(),
                 ", ", info.row_length(), "], expected [", slot.rows, ", ", slot.cols, "]");
}

Result<void> check_encoding(const Checkpoint& checkpoint, const TensorSlot& slot, const TensorInfo& info) {
    const TensorEncoding& encoding = info.encoding;
    if (encoding.kind == TensorEncoding::Kind::plain) {
        DType dtype = encoding.dtype;
        if (dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16) return {};
    } else if (is_layer_linear(slot.role) || slot.role == Role::embedding || slot.role == Role::head) {
        return {};
    }
    return error(Status::unsupported, checkpoint.name(), ": tensor '", info.name, "' is stored as ",
                 encoding_name(encoding), ", which is not supported for it");
}

} // namespace

const SourceTensor* ModelSource::find(Role role, uint32_t layer) const {
    for (const SourceTensor& tensor : tensors) {
        if (tensor.slot.role == role && tensor.slot.layer == layer) return &tensor;
    }
    return nullptr;
}

uint64_t ModelSource::parameters() const {
    uint64_t total = 0;
    for (const SourceTensor& tensor : tensors) total += tensor.slot.rows * tensor.slot.cols;
    return total;
}

Result<ModelSource> inspect_model(std::shared_ptr<Checkpoint> checkpoint) {
    ModelSource source;
    FP4_ASSIGN(source.config, read_config(*checkpoint));
    ModelConfig& config = source.config;
    // A missing head means a tied one, whatever the configuration says.
    if (!find_tensor(*checkpoint, config, Role::head, 0)) config.tied_head = true;
    if (find_tensor(*checkpoint, config, Role::q_bias, 0)) config.qkv_bias = true;
    if (find_tensor(*checkpoint, config, Role::o_bias, 0)) config.output_bias = true;
    if (find_tensor(*checkpoint, config, Role::gate_bias, 0)) config.mlp_bias = true;
    for (const TensorSlot& slot : tensor_slots(config)) {
        const TensorInfo* info = find_tensor(*checkpoint, config, slot.role, slot.layer);
        std::string name = canonical_name(config, slot.role, slot.layer);
        if (!info && !slot.required) continue;
        if (!info) return error(Status::format, checkpoint->name(), ": tensor '", name, "' is missing");
        FP4_TRY(check_shape(*checkpoint, slot, *info));
        FP4_TRY(check_encoding(*checkpoint, slot, *info));
        source.tensors.push_back({slot, std::move(name), info});
    }
    FP4_ASSIGN(source.sites, outline_input_sites(*checkpoint, config));
    source.checkpoint = std::move(checkpoint);
    return source;
}

} // namespace fp4
