#include "libfp4/quant/layer_files.h"

#include <filesystem>
#include <system_error>

#include "libfp4/engine/host_weight.h"
#include "libfp4/io/fp4_writer.h"
#include "libfp4/io/json_document.h"
#include "libfp4/io/json_writer.h"
#include "libfp4/io/verify.h"
#include "libfp4/quant/row_codec.h"

namespace fp4 {
namespace {

constexpr std::string_view report_document = "report.json";

std::string manifest_of(const std::string& key) {
    JsonWriter json;
    json.begin_object();
    json.member("key", key);
    json.end_object();
    return json.take();
}

Result<void> write_linear(Fp4Writer& writer, size_t index, const QuantizedLinear& linear) {
    if (linear.encoding.kind == TensorEncoding::Kind::block) {
        FP4_TRY(writer.set_tensor_scale(index, linear.matrix.tensor_scale));
        return writer.write_rows(index, 0, linear.matrix.codes, linear.matrix.scales);
    }
    std::vector<uint8_t> bytes(linear.values.size() * dtype_size(linear.encoding.dtype));
    encode_plain(linear.encoding.dtype, linear.values, bytes.data());
    return writer.write_plain_rows(index, 0, bytes);
}

} // namespace

Result<std::unique_ptr<LayerFiles>> LayerFiles::open(const std::string& folder, const std::string& key,
                                                     const ModelConfig& config) {
    std::unique_ptr<LayerFiles> files(new LayerFiles(folder, key, config));
    std::error_code failure;
    std::filesystem::create_directories(folder, failure);
    if (failure) return error(Status::io, folder, ": cannot make the work folder: ", failure.message());
    FP4_ASSIGN(files->lock_, PartialFile::create(folder + "/lock", 0));
    while (files->finished() < config.layers) {
        auto layer = files->open_finished(files->finished());
        if (!layer.ok()) break; // absent, of another run, or damaged: made anew
        files->layers_.push_back(std::move(*layer));
    }
    return files;
}

std::string LayerFiles::path(uint32_t layer) const {
    return concat(folder_, "/layer-", layer, ".fp4");
}

Result<std::shared_ptr<Checkpoint>> LayerFiles::open_finished(uint32_t layer) const {
    FP4_ASSIGN(auto checkpoint, open_checkpoint(path(layer), OpenOptions{.allow_map = false}));
    FP4_ASSIGN(std::string manifest, checkpoint->read_document("manifest.json"));
    FP4_ASSIGN(JsonValue value, parse_json(manifest, path(layer)));
    const JsonValue* key = value.find("key");
    if (!key || !key->string() || *key->string() != key_)
        return error(Status::state, path(layer), ": belongs to another run");
    FP4_TRY(verify_checkpoint(*checkpoint, nullptr));
    return checkpoint;
}

Result<void> LayerFiles::add(const std::vector<QuantizedSite>& sites, const std::string& report) {
    const uint32_t layer = finished();
    std::vector<LayerSites> definitions(config_.layers);
    std::vector<Fp4TensorPlan> plan;
    for (const QuantizedSite& site : sites) {
        definitions[layer][static_cast<size_t>(site.site)] = site.definition;
        for (const QuantizedLinear& linear : site.linears) {
            plan.push_back({linear.tensor->name, linear.encoding, linear.tensor->info->shape});
        }
    }
    std::vector<Fp4Document> documents{{std::string(report_document), report}};
    const std::optional<SiteStorage> storage = site_document(definitions);
    if (storage) {
        documents.push_back(storage->document);
        for (const SiteTensor& tensor : storage->tensors) plan.push_back(tensor.plan);
    }
    FP4_ASSIGN(auto writer, Fp4Writer::create(path(layer), std::move(plan), documents, manifest_of(key_)));
    size_t index = 0;
    for (const QuantizedSite& site : sites)
        for (const QuantizedLinear& linear : site.linears) FP4_TRY(write_linear(*writer, index++, linear));
    if (storage) {
        for (const SiteTensor& tensor : storage->tensors) {
            FP4_TRY(write_site_tensor(*writer, index++, tensor));
        }
    }
    FP4_TRY(writer->finish());
    FP4_ASSIGN(auto checkpoint, open_checkpoint(path(layer), OpenOptions{.allow_map = false}));
    layers_.push_back(std::move(checkpoint));
    return {};
}

Result<std::string> LayerFiles::report(uint32_t layer) const {
    return layers_[layer]->read_document(report_document);
}

Result<LayerSites> LayerFiles::sites(uint32_t layer) const {
    FP4_ASSIGN(auto outlines, outline_input_sites(*layers_[layer], config_));
    LayerSites sites;
    for (Site site : all_sites) {
        const SiteOutline& outline = outlines[layer][static_cast<size_t>(site)];
        FP4_ASSIGN(sites[static_cast<size_t>(site)], read_input_site(*layers_[layer], layer, site, outline));
    }
    return sites;
}

Result<void> LayerFiles::load(uint32_t layer, const ModelSource& source, Backend& backend,
                              LayerWeights& weights) const {
    for (const SourceTensor& tensor : source.tensors) {
        if (tensor.slot.layer != layer || !is_layer_linear(tensor.slot.role)) continue;
        const TensorInfo* info = layers_[layer]->find(tensor.name);
        if (!info) return error(Status::format, path(layer), ": tensor '", tensor.name, "' is missing");
        FP4_ASSIGN(HostWeight weight, load_matrix(layers_[layer], *info));
        FP4_ASSIGN(*layer_place(weights, tensor.slot.role), backend.load(weight));
    }
    FP4_ASSIGN(LayerSites definitions, sites(layer));
    for (Site site : all_sites) {
        const SiteDefinition& definition = definitions[static_cast<size_t>(site)];
        InputSite& at = weights.sites[static_cast<size_t>(site)];
        at.activation = definition.activation;
        const bool identity = definition.transform.kind == InputTransform::Kind::identity &&
                              definition.transform.channel_scale.empty();
        if (identity) continue;
        FP4_ASSIGN(at.transform, backend.load(definition.transform, site_width(config_, site)));
    }
    return {};
}

void LayerFiles::remove() {
    layers_.clear();
    lock_.reset();
    std::error_code ignored; // what is left is overwritten by the next run
    std::filesystem::remove_all(folder_, ignored);
}

} // namespace fp4
