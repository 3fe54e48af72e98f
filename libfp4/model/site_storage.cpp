// Input sites as a .fp4 file stores them, and in words.
#include "libfp4/model/site_storage.h"

#include <algorithm>

#include "libfp4/io/fp4_profile.h"
#include "libfp4/io/json_writer.h"

namespace fp4 {
namespace {

using Kind = InputTransform::Kind;

void write_activation(JsonWriter& json, const ActivationFormat& format) {
    json.key("activation");
    json.begin_object();
    json.member("format", activation_kind_name(format.kind));
    if (format.kind != ActivationFormat::Kind::a16)
        json.member("rule", scale_rule_name(activation_rule(format)));
    if (format.tensor_scale != 0.0f) json.member("tensor_scale", static_cast<double>(format.tensor_scale));
    json.end_object();
}

void write_site(JsonWriter& json, uint32_t layer, Site site, const SiteDefinition& definition) {
    const InputTransform& transform = definition.transform;
    json.begin_object();
    json.member("layer", layer);
    json.member("site", site_name(site));
    json.member("transform", transform_kind_name(transform.kind));
    if (transform.kind != Kind::identity) json.member("block", transform.block);
    json.member("scaled", !transform.channel_scale.empty());
    if (definition.activation) write_activation(json, *definition.activation);
    json.end_object();
}

void add_tensors(SiteStorage& storage, uint32_t layer, Site site, const SiteDefinition& definition) {
    const InputTransform& transform = definition.transform;
    if (!transform.channel_scale.empty()) {
        storage.tensors.push_back(
            {{scale_name(layer, site), {}, {transform.channel_scale.size()}}, transform.channel_scale});
    }
    if (transform.kind != Kind::matrix) return;
    TensorEncoding encoding;
    if (definition.matrix_format)
        encoding = {.kind = TensorEncoding::Kind::block, .block = *definition.matrix_format};
    const uint64_t block = transform.block;
    storage.tensors.push_back(
        {{matrix_name(layer, site), encoding, {transform.matrix.size() / (block * block), block, block}},
         transform.matrix});
}

// Adds layer to "0-3 5".
void add_layer(std::string& ranges, size_t& last, size_t layer) {
    if (ranges.empty()) {
        ranges = std::to_string(layer);
    } else if (layer != last + 1) {
        ranges += concat(" ", layer);
    } else {
        const size_t start = ranges.find_last_of(" -") + 1;
        const bool open = start > 0 && ranges[start - 1] == '-';
        if (open) ranges.resize(start - 1);
        ranges += concat("-", layer);
    }
    last = layer;
}

} // namespace

std::string_view transform_kind_name(Kind kind) {
    switch (kind) {
        case Kind::hadamard:
            return "hadamard";
        case Kind::matrix:
            return "matrix";
        case Kind::identity:
            break;
    }
    return "none";
}

std::string matrix_name(uint32_t layer, Site site) {
    return concat(profile::site_prefix, layer, ".", site_name(site), ".matrix");
}
std::string scale_name(uint32_t layer, Site site) {
    return concat(profile::site_prefix, layer, ".", site_name(site), ".channel_scale");
}

std::optional<SiteStorage> site_document(const std::vector<LayerSites>& layers) {
    SiteStorage storage;
    JsonWriter json;
    json.begin_object();
    json.key("sites");
    json.begin_array();
    bool any = false;
    for (uint32_t layer = 0; layer < layers.size(); ++layer) {
        for (Site site : all_sites) {
            const SiteDefinition& definition = layers[layer][static_cast<size_t>(site)];
            const InputTransform& transform = definition.transform;
            if (transform.kind == Kind::identity && transform.channel_scale.empty() && !definition.activation)
                continue;
            any = true;
            write_site(json, layer, site, definition);
            add_tensors(storage, layer, site, definition);
        }
    }
    json.end_array();
    json.end_object();
    if (!any) return std::nullopt;
    storage.document = {std::string(profile::sites_document), json.take()};
    return storage;
}

Result<uint64_t> write_site_tensor(Fp4Writer& writer, size_t index, const SiteTensor& tensor) {
    const std::span<const float> values = tensor.values;
    if (tensor.plan.encoding.kind != TensorEncoding::Kind::block) {
        FP4_TRY(writer.write_plain_rows(
            index, 0, {reinterpret_cast<const uint8_t*>(values.data()), values.size_bytes()}));
        return values.size_bytes();
    }
    const BlockFormat format = tensor.plan.encoding.block;
    const size_t k = static_cast<size_t>(tensor.plan.shape.back());
    std::vector<uint8_t> codes, scales, row_codes(row_code_bytes(format, k)),
        row_scale(row_scales(format, k));
    std::vector<float> stored(k);
    for (size_t at = 0; at < values.size(); at += k) {
        quantize_row(format, ScaleRule::mse, 1.0f, values.data() + at, k, row_codes.data(), row_scale.data());
        dequantize_row(format, 1.0f, row_codes.data(), row_scale.data(), k, stored.data());
        // The weights carry the inverse of exactly these numbers.
        if (!std::ranges::equal(stored, values.subspan(at, k))) {
            return error(Status::internal, "tensor '", tensor.plan.name, "' is not exact in ",
                         block_format_name(format));
        }
        codes.insert(codes.end(), row_codes.begin(), row_codes.end());
        scales.insert(scales.end(), row_scale.begin(), row_scale.end());
    }
    FP4_TRY(writer.set_tensor_scale(index, 1.0f));
    FP4_TRY(writer.write_rows(index, 0, codes, scales));
    return codes.size() + scales.size();
}

void describe_input_sites(JsonWriter& json, const std::vector<LayerOutlines>& layers) {
    struct Group {
        SiteOutline outline;
        std::string layers;
        size_t last = 0;
    };
    json.begin_array();
    for (Site site : all_sites) {
        std::vector<Group> groups;
        for (size_t layer = 0; layer < layers.size(); ++layer) {
            const SiteOutline& outline = layers[layer][static_cast<size_t>(site)];
            if (outline == SiteOutline()) continue;
            auto same = [&](const Group& group) { return group.outline == outline; };
            auto group = std::ranges::find_if(groups, same);
            if (group == groups.end()) group = groups.insert(groups.end(), {outline, {}, 0});
            add_layer(group->layers, group->last, layer);
        }
        for (const Group& group : groups) {
            json.begin_object();
            json.member("site", site_name(site));
            json.member("layers", group.layers);
            json.member("transform", transform_kind_name(group.outline.kind));
            if (group.outline.block != 0) json.member("block", group.outline.block);
            if (group.outline.matrices != 0) json.member("matrices", group.outline.matrices);
            if (group.outline.matrix_format)
                json.member("matrix_format", block_format_name(*group.outline.matrix_format));
            json.member("scaled", group.outline.scaled);
            if (group.outline.activation) write_activation(json, *group.outline.activation);
            json.end_object();
        }
    }
    json.end_array();
}

} // namespace fp4
