#include "libfp4/quant/learned_transforms.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "libfp4/io/byte_source.h"
#include "libfp4/io/tensor_shape.h"
#include "libfp4/io/xxh3.h"
#include "libfp4/model/site_storage.h"
#include "libfp4/quant/transform/matrix_inverse.h"

namespace fp4 {

Result<std::unique_ptr<LearnedTransforms>> LearnedTransforms::open(const std::string& path,
                                                                   const ModelConfig& config) {
    FP4_ASSIGN(std::shared_ptr<ByteSource> source, open_file(path, false));
    FP4_ASSIGN(std::shared_ptr<Checkpoint> file, open_checkpoint(std::move(source)));
    // Its Hadamard transforms have no tensors, so that they would be lost.
    if (std::string_view(file->kind()) == "fp4") {
        return error(Status::unsupported, path,
                     ": is a quantized model; learned transforms come in a plain safetensors file");
    }
    std::unique_ptr<LearnedTransforms> transforms(new LearnedTransforms(std::move(file), config));
    FP4_TRY(transforms->check());
    return transforms;
}

Result<void> LearnedTransforms::check() {
    Xxh3 hash;
    std::set<std::string_view> known;
    for (uint32_t layer = 0; layer < config_.layers; ++layer) {
        for (Site site : all_sites) {
            const uint64_t width = site_width(config_, site);
            if (const TensorInfo* scale = file_->find(scale_name(layer, site))) {
                known.insert(scale->name);
                if (scale->shape != std::vector<uint64_t>{width}) {
                    return error(Status::format, file_->name(), ": tensor '", scale->name, "' has shape ",
                                 shape_text(scale->shape), ", expected [", width, "]");
                }
            }
            const TensorInfo* matrix = file_->find(matrix_name(layer, site));
            if (!matrix) continue;
            known.insert(matrix->name);
            const std::vector<uint64_t>& shape = matrix->shape;
            const bool fits = shape.size() == 3 && shape[1] == shape[2] && is_transform_block(shape[1]) &&
                              width % shape[1] == 0 && (shape[0] == 1 || shape[0] == width / shape[1]);
            if (!fits) {
                return error(Status::format, file_->name(), ": tensor '", matrix->name, "' has shape ",
                             shape_text(shape), ", expected [1 or ", width,
                             " / block, block, block] with a block of 16, 32, 64 or 128 that divides ",
                             width);
            }
        }
    }
    for (const TensorInfo& tensor : file_->tensors()) {
        if (!is_site_tensor(tensor.name)) continue;
        if (!known.contains(tensor.name)) {
            return error(Status::format, file_->name(), ": tensor '", tensor.name,
                         "' belongs to no site of the model");
        }
        FP4_ASSIGN(std::vector<double> numbers, values(tensor));
        hash.update({reinterpret_cast<const uint8_t*>(tensor.name.data()), tensor.name.size()});
        hash.update({reinterpret_cast<const uint8_t*>(numbers.data()), numbers.size() * sizeof(double)});
    }
    if (known.empty()) {
        return error(Status::format, file_->name(), ": holds no transform; tensors are named like ",
                     matrix_name(0, Site::down), " and ", scale_name(0, Site::down));
    }
    hash_ = hash.digest();
    return {};
}

Result<std::vector<double>> LearnedTransforms::values(const TensorInfo& tensor) const {
    std::vector<float> read(tensor.rows() * tensor.row_length());
    FP4_TRY(file_->read_f32(tensor, 0, tensor.rows(), read.data()));
    if (std::ranges::all_of(read, [](float value) { return std::isfinite(value); }))
        return std::vector<double>(read.begin(), read.end());
    return error(Status::format, file_->name(), ": tensor '", tensor.name, "' holds NaN or infinite values");
}

Result<std::optional<SiteTransform>> LearnedTransforms::read(uint32_t layer, Site site) const {
    SiteTransform transform;
    transform.cols = site_width(config_, site);
    if (const TensorInfo* scale = file_->find(scale_name(layer, site))) {
        FP4_ASSIGN(transform.channel_scale, values(*scale));
        if (!std::ranges::all_of(transform.channel_scale, [](double value) { return value > 0; })) {
            return error(Status::format, file_->name(), ": tensor '", scale->name,
                         "' holds values that are not above zero");
        }
    }
    if (const TensorInfo* matrix = file_->find(matrix_name(layer, site))) {
        transform.block = static_cast<uint32_t>(matrix->shape[1]);
        FP4_ASSIGN(transform.matrix, values(*matrix));
        if (!invert_matrices(transform)) {
            return error(Status::format, file_->name(), ": tensor '", matrix->name,
                         "' holds a matrix without a usable inverse");
        }
    }
    if (transform.identity()) return std::optional<SiteTransform>();
    return std::optional(std::move(transform));
}

} // namespace fp4
