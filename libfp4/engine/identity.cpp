#include "libfp4/engine/identity.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace fp4 {

Result<uint64_t> model_identity(const ModelSource& source) {
    uint64_t hash = 0;
    auto mix = [&](const void* data, size_t bytes) { hash = XXH3_64bits_withSeed(data, bytes, hash); };
    std::string config = config_to_json(source.config);
    mix(config.data(), config.size());
    std::vector<float> row;
    for (const SourceTensor& tensor : source.tensors) {
        std::string line = concat(tensor.name, ' ', encoding_name(tensor.info->encoding), ' ',
                                  tensor.slot.rows, ' ', tensor.slot.cols);
        mix(line.data(), line.size());
        row.resize(tensor.slot.cols);
        FP4_TRY(source.checkpoint->read_f32(*tensor.info, 0, 1, row.data()));
        mix(row.data(), row.size() * sizeof(float));
    }
    for (uint32_t layer = 0; layer < source.sites.size(); ++layer) {
        for (Site site : all_sites) {
            const SiteOutline& outline = source.sites[layer][static_cast<size_t>(site)];
            if (outline == SiteOutline()) continue;
            const ActivationFormat activation = outline.activation.value_or(ActivationFormat{});
            std::string line =
                concat(layer, ' ', site_name(site), ' ', static_cast<int>(outline.kind), ' ', outline.block,
                       ' ', static_cast<int>(outline.activation.has_value()), ' ',
                       static_cast<int>(activation.kind), ' ', static_cast<int>(activation.rule));
            mix(line.data(), line.size());
            mix(&activation.tensor_scale, sizeof(float));
            FP4_ASSIGN(SiteDefinition read, read_input_site(*source.checkpoint, layer, site, outline));
            const InputTransform& transform = read.transform;
            mix(transform.channel_scale.data(), transform.channel_scale.size() * sizeof(float));
            mix(transform.matrix.data(), transform.matrix.size() * sizeof(float));
        }
    }
    return hash;
}

} // namespace fp4
