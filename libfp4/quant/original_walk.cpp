#include "libfp4/quant/original_walk.h"

#include "libfp4/engine/host_weight.h"

namespace fp4 {

Result<std::unique_ptr<OriginalWalk>> OriginalWalk::create(const ModelSource& source, Backend& backend,
                                                           const CalibrationText& text,
                                                           const std::string& folder, int threads) {
    std::unique_ptr<OriginalWalk> original(new OriginalWalk(source, backend));
    FP4_ASSIGN(original->stream_, backend.create_stream({threads, ThreadPriority::normal}));
    FP4_ASSIGN(original->ropes_, RopeWeights::load(source, backend));
    FP4_ASSIGN(original->walk_,
               LayerWalk::create(source.config, backend, *original->stream_, text, folder, Path::w16a16));
    FP4_TRY(embed_text(source, backend, text, *original->walk_));
    return original;
}

Result<void> OriginalWalk::enter(uint32_t layer, std::span<const SourceLinear> linears) {
    weights_ = {};
    FP4_TRY(load_vectors(source_, layer, backend_, weights_));
    for (const SourceLinear& linear : linears) {
        FP4_ASSIGN(*layer_place(weights_, linear.role),
                   load_values(backend_, linear.values, linear.rows, linear.cols));
    }
    walk_->select(weights_, layer, ropes_.tables());
    return {};
}

} // namespace fp4
