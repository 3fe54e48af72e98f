#include "libfp4/engine/host_weight.h"

#include "libfp4/base/checked.h"

namespace fp4 {
namespace {

using Kind = TensorEncoding::Kind;

std::shared_ptr<std::vector<uint8_t>> make_bytes(uint64_t count) {
    return std::make_shared<std::vector<uint8_t>>(count);
}

Result<HostWeight> load_plain(const std::shared_ptr<Checkpoint>& checkpoint, const TensorInfo& tensor,
                              HostWeight weight) {
    std::span<const uint8_t> mapped = checkpoint->map_plain(tensor);
    if (!mapped.empty()) {
        weight.data = mapped.data();
        weight.owner = checkpoint;
        return weight;
    }
    auto bytes = make_bytes(tensor.stored_bytes);
    FP4_TRY(checkpoint->read_plain(tensor, 0, tensor.rows(), bytes->data()));
    weight.data = bytes->data();
    weight.owner = std::move(bytes);
    return weight;
}

Result<HostWeight> load_blocks(const std::shared_ptr<Checkpoint>& checkpoint, const TensorInfo& tensor,
                               HostWeight weight) {
    FP4_ASSIGN(weight.tensor_scale, checkpoint->tensor_scale(tensor));
    Checkpoint::MappedBlocks mapped = checkpoint->map_block(tensor);
    if (!mapped.codes.empty()) {
        weight.data = mapped.codes.data();
        weight.scales = mapped.scales.data();
        weight.owner = checkpoint;
        return weight;
    }
    uint64_t code_bytes = weight.rows * row_code_bytes(tensor.encoding.block, weight.cols);
    uint64_t scale_bytes = weight.rows * row_scales(tensor.encoding.block, weight.cols);
    auto bytes = make_bytes(code_bytes + scale_bytes);
    FP4_TRY(checkpoint->read_block(tensor, 0, tensor.rows(), bytes->data(), bytes->data() + code_bytes));
    weight.data = bytes->data();
    weight.scales = bytes->data() + code_bytes;
    weight.owner = std::move(bytes);
    return weight;
}

Result<HostWeight> load_decoded(const std::shared_ptr<Checkpoint>& checkpoint, const TensorInfo& tensor,
                                HostWeight weight) {
    auto values = std::make_shared<std::vector<float>>(weight.rows * weight.cols);
    FP4_TRY(checkpoint->read_f32(tensor, 0, tensor.rows(), values->data()));
    weight.data = reinterpret_cast<const uint8_t*>(values->data());
    weight.owner = std::move(values);
    return weight;
}

} // namespace

WeightFormat loaded_format(const TensorInfo& tensor) {
    const TensorEncoding& encoding = tensor.encoding;
    if (encoding.kind == Kind::block) return to_weight_format(encoding.block);
    if (encoding.kind == Kind::plain && encoding.dtype == DType::f16) return WeightFormat::f16;
    if (encoding.kind == Kind::plain && encoding.dtype == DType::bf16) return WeightFormat::bf16;
    return WeightFormat::f32;
}

Result<HostWeight> load_matrix(const std::shared_ptr<Checkpoint>& checkpoint, const TensorInfo& tensor) {
    HostWeight weight;
    weight.format = loaded_format(tensor);
    weight.rows = tensor.rows();
    weight.cols = tensor.row_length();
    switch (tensor.encoding.kind) {
        case Kind::plain:
            return load_plain(checkpoint, tensor, std::move(weight));
        case Kind::block:
            return load_blocks(checkpoint, tensor, std::move(weight));
        case Kind::ggml:
            return load_decoded(checkpoint, tensor, std::move(weight));
    }
    return error(Status::internal, "tensor '", tensor.name, "' has no encoding");
}

HostWeight vector_weight(std::vector<float> values) {
    auto owned = std::make_shared<std::vector<float>>(std::move(values));
    HostWeight weight;
    weight.rows = 1;
    weight.cols = owned->size();
    weight.data = reinterpret_cast<const uint8_t*>(owned->data());
    weight.owner = std::move(owned);
    return weight;
}

Result<HostWeight> load_vector(const std::shared_ptr<Checkpoint>& checkpoint, const TensorInfo& tensor,
                               float offset) {
    std::vector<float> values(tensor.rows() * tensor.row_length());
    FP4_TRY(checkpoint->read_f32(tensor, 0, tensor.rows(), values.data()));
    for (float& value : values) value += offset;
    return vector_weight(std::move(values));
}

} // namespace fp4
