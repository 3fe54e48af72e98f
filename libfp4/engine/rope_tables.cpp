#include "libfp4/engine/rope_tables.h"

#include "libfp4/engine/host_weight.h"

namespace fp4 {

Result<RopeWeights> RopeWeights::load(const ModelSource& source, Backend& backend) {
    const ModelConfig& config = source.config;
    std::vector<float> global = inverse_frequencies(config.rope, config.head_dim);
    if (const SourceTensor* factors = source.find(Role::rope_factors)) {
        std::vector<float> divisors(global.size());
        FP4_TRY(source.checkpoint->read_f32(*factors->info, 0, 1, divisors.data()));
        for (size_t i = 0; i < global.size(); ++i) global[i] /= divisors[i];
    }
    RopeWeights ropes;
    FP4_ASSIGN(ropes.global, backend.load(vector_weight(std::move(global))));
    std::vector<float> local = inverse_frequencies(config.rope_local, config.head_dim);
    FP4_ASSIGN(ropes.local, backend.load(vector_weight(std::move(local))));
    return ropes;
}

} // namespace fp4
