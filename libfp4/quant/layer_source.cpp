#include "libfp4/quant/layer_source.h"

#include <array>
#include <cmath>

#include "libfp4/engine/host_weight.h"

namespace fp4 {

Site site_of(Role linear) {
    switch (linear) {
        case Role::o:
            return Site::o;
        case Role::gate:
        case Role::up:
            return Site::gate_up;
        case Role::down:
            return Site::down;
        default:
            return Site::qkv;
    }
}

Result<std::vector<SourceLinear>> read_linears(const ModelSource& source, uint32_t layer) {
    constexpr std::array roles{Role::q, Role::k, Role::v, Role::o, Role::gate, Role::up, Role::down};
    std::vector<SourceLinear> linears;
    for (Role role : roles) {
        const SourceTensor* tensor = source.find(role, layer);
        SourceLinear linear{role, tensor, tensor->slot.rows, tensor->slot.cols, nullptr};
        auto values = std::make_shared<std::vector<float>>(linear.rows * linear.cols);
        FP4_TRY(source.checkpoint->read_f32(*tensor->info, 0, linear.rows, values->data()));
        for (size_t row = 0; row < linear.rows; ++row) {
            if (!std::isnan(row_amax(values->data() + row * linear.cols, linear.cols))) continue;
            return error(Status::format, source.checkpoint->name(), ": tensor '", tensor->info->name,
                         "' row ", row, " holds NaN or infinite values; it cannot be quantized");
        }
        linear.values = std::move(values);
        linears.push_back(std::move(linear));
    }
    return linears;
}

std::vector<std::span<const SourceLinear>> sites_of(std::span<const SourceLinear> linears) {
    std::vector<std::span<const SourceLinear>> sites;
    for (size_t first = 0; first < linears.size();) {
        size_t last = first;
        while (last < linears.size() && site_of(linears[last].role) == site_of(linears[first].role)) ++last;
        sites.push_back(linears.subspan(first, last - first));
        first = last;
    }
    return sites;
}

Result<void> load_vectors(const ModelSource& source, uint32_t layer, Backend& backend,
                          LayerWeights& weights) {
    for (const SourceTensor& tensor : source.tensors) {
        const Role role = tensor.slot.role;
        if (tensor.slot.layer != layer || !is_layer_role(role) || is_layer_linear(role)) continue;
        const float offset = is_norm(role) && source.config.norm_plus_one ? 1.0f : 0.0f;
        FP4_ASSIGN(HostWeight vector, load_vector(source.checkpoint, *tensor.info, offset));
        FP4_ASSIGN(*layer_place(weights, role), backend.load(vector));
    }
    return {};
}

Result<std::unique_ptr<Weight>> load_values(Backend& backend,
                                            std::shared_ptr<const std::vector<float>> values, size_t rows,
                                            size_t cols) {
    HostWeight weight;
    weight.rows = rows;
    weight.cols = cols;
    weight.data = reinterpret_cast<const uint8_t*>(values->data());
    weight.owner = std::move(values);
    return backend.load(weight);
}

} // namespace fp4
