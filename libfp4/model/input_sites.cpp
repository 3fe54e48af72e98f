// Reading input sites from a .fp4 file. Nothing in it is believed before it fits the model's sizes.
#include "libfp4/model/input_sites.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "libfp4/io/fp4_profile.h"
#include "libfp4/io/json_document.h"
#include "libfp4/io/tensor_shape.h"
#include "libfp4/model/site_storage.h"

namespace fp4 {
namespace {

using Kind = InputTransform::Kind;

// The smallest tensor scale of the codecs (format/block_codec.cpp).
constexpr double smallest_tensor_scale = 0x1p-117;

// One object of the document, with its place in words.
struct Entry {
    const JsonValue& value;
    std::string where;

    template <class... Parts>
    Error wrong(std::string_view key, const Parts&... parts) const {
        return error(Status::format, where, ": '", key, "' ", parts...);
    }
    Result<void> only(std::initializer_list<std::string_view> keys) const {
        if (!value.object()) return error(Status::format, where, " is not an object");
        for (const auto& [key, member] : *value.object()) {
            if (std::ranges::find(keys, key) == keys.end())
                return wrong(printable(key), "is not a known key");
        }
        return {};
    }
    Result<std::string_view> text(std::string_view key) const {
        const JsonValue* member = value.find(key);
        if (!member || !member->string()) return wrong(key, "is not a string");
        return std::string_view(*member->string());
    }
    // Below 2^32; `absent` where there is no such key.
    Result<uint32_t> number(std::string_view key, std::optional<uint32_t> absent = std::nullopt) const {
        const JsonValue* member = value.find(key);
        if (!member && absent) return *absent;
        auto number = member ? member->unsigned_integer() : std::nullopt;
        if (!number || *number > std::numeric_limits<uint32_t>::max())
            return wrong(key, "is not an unsigned integer");
        return static_cast<uint32_t>(*number);
    }
};

Result<ActivationFormat> parse_activation(const Entry& entry) {
    FP4_TRY(entry.only({"format", "rule", "tensor_scale"}));
    FP4_ASSIGN(std::string_view name, entry.text("format"));
    auto kind = parse_activation_kind(name);
    if (!kind) return entry.wrong("format", "is '", printable(name), "', no format of activations");
    ActivationFormat format{*kind,
                            *kind == ActivationFormat::Kind::nvfp4 ? ScaleRule::amax : ScaleRule::even};
    if (entry.value.find("rule")) {
        FP4_ASSIGN(std::string_view rule_name, entry.text("rule"));
        auto rule = parse_scale_rule(rule_name);
        auto block = activation_block_format(*kind);
        if (!rule || !block || !scale_rule_applies(*block, *rule)) {
            return entry.wrong("rule", "is '", printable(rule_name), "', no rule for activations in ",
                               activation_kind_name(*kind));
        }
        format.rule = *rule;
    }
    if (const JsonValue* scale = entry.value.find("tensor_scale")) {
        auto number = scale->number();
        if (*kind != ActivationFormat::Kind::nvfp4 || !number || !(*number >= smallest_tensor_scale) ||
            !(*number <= std::numeric_limits<float>::max())) {
            return entry.wrong("tensor_scale", "is not a positive number that nvfp4 can use");
        }
        format.tensor_scale = static_cast<float>(*number);
    }
    return format;
}

Result<Kind> parse_kind(const Entry& entry) {
    if (!entry.value.find("transform")) return Kind::identity;
    FP4_ASSIGN(std::string_view name, entry.text("transform"));
    for (Kind kind : {Kind::identity, Kind::hadamard, Kind::matrix})
        if (transform_kind_name(kind) == name) return kind;
    return entry.wrong("transform", "is '", printable(name), "', not none, hadamard or matrix");
}

class OutlineReader {
  public:
    OutlineReader(const Checkpoint& checkpoint, const ModelConfig& config)
        : checkpoint_(checkpoint), config_(config), layers_(config.layers) {}

    Result<std::vector<LayerOutlines>> run() {
        if (std::string_view(checkpoint_.kind()) != "fp4") return std::move(layers_);
        if (checkpoint_.has_document(profile::sites_document)) FP4_TRY(read_document());
        for (const TensorInfo& tensor : checkpoint_.tensors()) {
            if (is_site_tensor(tensor.name) && !used_.contains(tensor.name)) {
                return error(Status::format, checkpoint_.name(), ": tensor '", printable(tensor.name),
                             "' belongs to no site of ", profile::sites_document);
            }
        }
        return std::move(layers_);
    }

  private:
    Result<void> read_document() {
        std::string where = concat(checkpoint_.name(), ": ", profile::sites_document);
        FP4_ASSIGN(std::string text, checkpoint_.read_document(profile::sites_document));
        FP4_ASSIGN(JsonValue root, parse_json(text, where, {.max_depth = 4}));
        FP4_TRY((Entry{root, where}.only({"sites"})));
        const JsonValue* sites = root.find("sites");
        if (!sites || !sites->array()) return error(Status::format, where, ": 'sites' is not an array");
        for (size_t i = 0; i < sites->array()->size(); ++i)
            FP4_TRY(read_site({(*sites->array())[i], concat(where, ": sites[", i, "]")}));
        return {};
    }

    Result<void> read_site(const Entry& entry) {
        FP4_TRY(entry.only({"layer", "site", "transform", "block", "scaled", "activation"}));
        FP4_ASSIGN(uint32_t layer, entry.number("layer"));
        if (layer >= layers_.size())
            return entry.wrong("layer", "is ", layer, ", but the model has ", layers_.size(), " layers");
        FP4_ASSIGN(std::string_view name, entry.text("site"));
        auto found = std::ranges::find(site_names, name);
        if (found == site_names.end())
            return entry.wrong("site", "is '", printable(name), "', not qkv, o, gate_up or down");
        const auto site = static_cast<Site>(found - site_names.begin());
        if (!seen_.insert({layer, site}).second)
            return entry.wrong("site", "stands twice for layer ", layer, ": ", name);
        SiteOutline& outline = layers_[layer][static_cast<size_t>(site)];
        const uint64_t width = site_width(config_, site);
        FP4_ASSIGN(outline.kind, parse_kind(entry));
        FP4_ASSIGN(outline.block, entry.number("block", 0));
        const bool has_block = outline.kind != Kind::identity;
        if (has_block ? !is_transform_block(outline.block) || width % outline.block != 0 : outline.block != 0)
            return entry.wrong("block", "is ", outline.block, ", which does not fit ",
                               transform_kind_name(outline.kind), " of ", width, " channels");
        if (const JsonValue* scaled = entry.value.find("scaled")) {
            if (!scaled->boolean()) return entry.wrong("scaled", "is neither true nor false");
            outline.scaled = *scaled->boolean();
        }
        if (const JsonValue* activation = entry.value.find("activation")) {
            FP4_ASSIGN(outline.activation, parse_activation({*activation, entry.where + ": 'activation'"}));
        }
        return check_tensors(layer, site, width, outline);
    }

    Result<void> check_tensors(uint32_t layer, Site site, uint64_t width, SiteOutline& outline) {
        if (outline.scaled) {
            FP4_ASSIGN(const TensorInfo* scale, find(scale_name(layer, site)));
            if (scale->encoding.kind != TensorEncoding::Kind::plain) {
                return error(Status::format, checkpoint_.name(), ": tensor '", scale->name, "' is not F32");
            }
            if (scale->shape != std::vector<uint64_t>{width})
                return wrong_shape(*scale, concat("[", width, "]"));
        }
        if (outline.kind != Kind::matrix) return {};
        FP4_ASSIGN(const TensorInfo* matrix, find(matrix_name(layer, site)));
        if (matrix->encoding.kind == TensorEncoding::Kind::block)
            outline.matrix_format = matrix->encoding.block;
        const uint64_t block = outline.block, blocks = width / block;
        for (uint64_t count : {uint64_t(1), blocks}) {
            if (matrix->shape == std::vector<uint64_t>{count, block, block}) outline.matrices = count;
        }
        if (outline.matrices != 0) return {};
        return wrong_shape(*matrix, concat("[1 or ", blocks, ", ", block, ", ", block, "]"));
    }

    Result<const TensorInfo*> find(const std::string& name) {
        const TensorInfo* info = checkpoint_.find(name);
        if (!info) return error(Status::format, checkpoint_.name(), ": tensor '", name, "' is missing");
        used_.insert(info->name);
        return info;
    }

    Error wrong_shape(const TensorInfo& tensor, const std::string& expected) const {
        return error(Status::format, checkpoint_.name(), ": tensor '", tensor.name, "' has shape ",
                     shape_text(tensor.shape), ", expected ", expected);
    }

    const Checkpoint& checkpoint_;
    const ModelConfig& config_;
    std::vector<LayerOutlines> layers_;
    std::set<std::pair<uint32_t, Site>> seen_;
    std::set<std::string_view> used_; // names of the checkpoint's tensors
};

Result<std::vector<float>> read_values(const Checkpoint& checkpoint, const std::string& name) {
    const TensorInfo* info = checkpoint.find(name);
    if (!info) return error(Status::format, checkpoint.name(), ": tensor '", name, "' is missing");
    std::vector<float> values(info->rows() * info->row_length());
    FP4_TRY(checkpoint.read_f32(*info, 0, info->rows(), values.data()));
    if (std::ranges::all_of(values, [](float value) { return std::isfinite(value); })) return values;
    return error(Status::format, checkpoint.name(), ": tensor '", name, "' holds NaN or infinite values");
}

} // namespace

uint64_t site_width(const ModelConfig& config, Site site) {
    switch (site) {
        case Site::o:
            return config.q_width();
        case Site::down:
            return config.ffn;
        default:
            return config.hidden;
    }
}

bool is_site_tensor(std::string_view name) {
    return name.starts_with(profile::site_prefix);
}

Result<std::vector<LayerOutlines>> outline_input_sites(const Checkpoint& checkpoint,
                                                       const ModelConfig& config) {
    return OutlineReader(checkpoint, config).run();
}

Result<SiteDefinition> read_input_site(const Checkpoint& checkpoint, uint32_t layer, Site site,
                                       const SiteOutline& outline) {
    SiteDefinition definition{
        {outline.kind, outline.block, {}, {}}, outline.matrix_format, outline.activation};
    if (outline.scaled) {
        FP4_ASSIGN(definition.transform.channel_scale, read_values(checkpoint, scale_name(layer, site)));
    }
    if (outline.kind == Kind::matrix) {
        FP4_ASSIGN(definition.transform.matrix, read_values(checkpoint, matrix_name(layer, site)));
    }
    return definition;
}

Result<std::vector<LayerSites>> read_input_sites(const Checkpoint& checkpoint, const ModelConfig& config) {
    FP4_ASSIGN(std::vector<LayerOutlines> outlines, outline_input_sites(checkpoint, config));
    std::vector<LayerSites> layers(outlines.size());
    for (uint32_t layer = 0; layer < layers.size(); ++layer) {
        for (Site site : all_sites) {
            const auto at = static_cast<size_t>(site);
            FP4_ASSIGN(layers[layer][at], read_input_site(checkpoint, layer, site, outlines[layer][at]));
        }
    }
    return layers;
}

} // namespace fp4
