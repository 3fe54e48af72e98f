#include "libfp4/quant/layered_quantizer.h"

#include <algorithm>

#include "libfp4/engine/identity.h"
#include "libfp4/engine/rope_tables.h"
#include "libfp4/io/json_writer.h"
#include "libfp4/io/xxh3.h"
#include "libfp4/quant/original_walk.h"

namespace fp4 {
namespace {

// Changes when the same recipe gives other bytes.
constexpr uint32_t method_version = 1;

// The path on which the rounded model computes what follows a quantized layer.
Path calibration_path(ActivationFormat::Kind kind) {
    switch (kind) {
        case ActivationFormat::Kind::mxfp4:
        case ActivationFormat::Kind::nvfp4:
            return Path::w4a4;
        case ActivationFormat::Kind::mxint8:
        case ActivationFormat::Kind::mxfp8_e4m3:
            return Path::w4a8;
        default:
            return Path::w4a16;
    }
}

std::string layer_report(const std::vector<QuantizedSite>& sites) {
    JsonWriter json;
    json.begin_array();
    for (const QuantizedSite& site : sites) {
        json.begin_object();
        json.member("site", site_name(site.site));
        if (site.damping > 0) json.member("damping", site.damping);
        if (!site.candidates.empty()) {
            const TransformCandidate& chosen = site.candidates[site.chosen];
            json.member("transform", concat(transform_name(chosen.recipe.kind), " ", chosen.recipe.block));
            json.key("candidate_errors");
            json.begin_array();
            for (const TransformCandidate& candidate : site.candidates) json.value(candidate.error);
            json.end_array();
        }
        json.key("tensors");
        json.begin_array();
        for (const QuantizedLinear& linear : site.linears) {
            json.begin_object();
            json.member("name", linear.tensor->name);
            json.member("format", encoding_name(linear.encoding));
            if (linear.relative_error >= 0) json.member("output_error", linear.relative_error);
            json.end_object();
        }
        json.end_array();
        if (!site.notes.empty()) {
            json.key("notes");
            json.begin_array();
            for (const std::string& note : site.notes) json.value(note);
            json.end_array();
        }
        json.end_object();
    }
    json.end_array();
    return json.take();
}

class LayeredQuantizer {
  public:
    LayeredQuantizer(const LayeredRequest& request, JobControl& job)
        : request_(request),
          source_(request.source),
          recipe_(request.recipe),
          backend_(request.backend),
          job_(job) {}

    Result<std::unique_ptr<LayerFiles>> run() {
        FP4_ASSIGN(std::string key, run_key());
        FP4_ASSIGN(files_, LayerFiles::open(request_.work_folder, key, source_.config));
        if (files_->finished() == source_.config.layers) return std::move(files_);
        FP4_ASSIGN(pool_, ThreadPool::create(request_.threads, ThreadPriority::normal));
        FP4_ASSIGN(stream_, backend_->create_stream({request_.threads, ThreadPriority::normal}));
        if (request_.calibration) FP4_TRY(begin_walks());
        const uint32_t finished = files_->finished();
        for (uint32_t layer = 0; layer < source_.config.layers; ++layer) {
            layer_ = layer;
            step_ = 0;
            if (layer < finished) {
                FP4_TRY(repeat_layer());
            } else {
                FP4_TRY(quantize_layer());
            }
        }
        return std::move(files_);
    }

  private:
    static constexpr uint64_t steps = 6; // of a layer: four sites, and what follows each half

    Result<std::string> run_key() {
        FP4_ASSIGN(uint64_t identity, model_identity(source_));
        const uint64_t text = request_.calibration ? request_.calibration->text_hash : 0;
        const uint64_t learned = request_.learned ? request_.learned->hash() : 0;
        return hash_text(xxh3(concat(method_version, recipe_to_json(recipe_), hash_text(identity),
                                     hash_text(text), hash_text(learned))));
    }

    Result<void> begin_walks() {
        const CalibrationText& text = *request_.calibration;
        FP4_ASSIGN(walk_, LayerWalk::create(source_.config, *backend_, *stream_, text, files_->folder(),
                                            calibration_path(recipe_.activations.kind)));
        FP4_ASSIGN(ropes_, RopeWeights::load(source_, *backend_));
        FP4_TRY(embed_text(source_, *backend_, text, *walk_));
        if (recipe_.compensation.enabled && recipe_.compensation.target == Target::model) {
            FP4_ASSIGN(original_,
                       OriginalWalk::create(source_, *backend_, text, files_->folder(), request_.threads));
        }
        return {};
    }

    WalkProgress progress(std::string_view what) {
        const uint64_t count = walk_ ? walk_->sequences() : 1;
        const std::string item = concat("layer ", layer_ + 1, " of ", source_.config.layers, ", ", what);
        const uint64_t before = (layer_ * steps + step_) * count,
                       total = source_.config.layers * steps * count;
        return [this, item, before, total](size_t sequence) -> Result<void> {
            FP4_TRY(job_.check());
            done_ = std::max(done_, before + sequence);
            job_.report("quantizing", item, done_, total);
            return {};
        };
    }

    Result<void> finish_attention() {
        if (!walk_) return {};
        const WalkProgress step = progress("attention");
        FP4_TRY(walk_->finish_attention(step));
        ++step_;
        return original_ ? original_->walk().finish_attention(step) : Result<void>();
    }
    Result<void> finish_layer() {
        if (!walk_) return {};
        const WalkProgress step = progress("feed forward");
        FP4_TRY(walk_->finish_layer(step));
        return original_ ? original_->walk().finish_layer(step) : Result<void>();
    }

    // A layer that an earlier run finished: only the hidden states behind it are missing.
    Result<void> repeat_layer() {
        if (!walk_) return {};
        LayerWeights weights;
        FP4_TRY(load_vectors(source_, layer_, *backend_, weights));
        FP4_TRY(files_->load(layer_, source_, *backend_, weights));
        walk_->select(weights, layer_, ropes_.tables());
        if (original_) {
            FP4_ASSIGN(auto linears, read_linears(source_, layer_));
            FP4_TRY(original_->enter(layer_, linears));
        }
        step_ = 2;
        FP4_TRY(finish_attention());
        step_ = 5;
        return finish_layer();
    }

    Result<void> quantize_layer() {
        FP4_TRY(progress("reading")(0));
        FP4_ASSIGN(auto linears, read_linears(source_, layer_));
        LayerWeights weights;
        FP4_TRY(load_vectors(source_, layer_, *backend_, weights));
        if (walk_) walk_->select(weights, layer_, ropes_.tables());
        if (original_) FP4_TRY(original_->enter(layer_, linears));
        LayerWork work{recipe_,
                       *backend_,
                       *pool_,
                       walk_.get(),
                       original_ ? &original_->walk() : nullptr,
                       walk_ ? &weights : nullptr,
                       request_.learned,
                       layer_,
                       {}};
        std::vector<QuantizedSite> sites;
        for (std::span<const SourceLinear> together : sites_of(linears)) {
            const Site site = site_of(together.front().role);
            if (site == Site::gate_up) FP4_TRY(finish_attention());
            work.progress = progress(site_name(site));
            FP4_TRY(work.progress(0));
            FP4_ASSIGN(QuantizedSite quantized, quantize_site(work, site, together));
            sites.push_back(std::move(quantized));
            ++step_;
        }
        FP4_TRY(finish_layer());
        return files_->add(sites, layer_report(sites));
    }

    const LayeredRequest& request_;
    const ModelSource& source_;
    const Recipe& recipe_;
    Backend* backend_;
    JobControl& job_;
    std::unique_ptr<LayerFiles> files_;
    std::unique_ptr<ThreadPool> pool_;
    std::unique_ptr<Stream> stream_;
    RopeWeights ropes_;
    std::unique_ptr<LayerWalk> walk_;
    std::unique_ptr<OriginalWalk> original_;
    uint32_t layer_ = 0;
    uint64_t step_ = 0;
    uint64_t done_ = 0;
};

} // namespace

Result<std::unique_ptr<LayerFiles>> quantize_layers(const LayeredRequest& request, JobControl& job) {
    return LayeredQuantizer(request, job).run();
}

} // namespace fp4
