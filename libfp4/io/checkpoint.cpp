#include "libfp4/io/checkpoint.h"

namespace fp4 {

std::string encoding_name(const TensorEncoding& encoding) {
    switch (encoding.kind) {
        case TensorEncoding::Kind::plain:
            return dtype_name(encoding.dtype);
        case TensorEncoding::Kind::block:
            return std::string(block_format_name(encoding.block));
        case TensorEncoding::Kind::ggml:
            break;
    }
    switch (encoding.ggml) {
        case GgmlType::q4_0:
            return "Q4_0";
        case GgmlType::q4_1:
            return "Q4_1";
        case GgmlType::q5_0:
            return "Q5_0";
        case GgmlType::q5_1:
            return "Q5_1";
        case GgmlType::q8_0:
            return "Q8_0";
        case GgmlType::q4_k:
            return "Q4_K";
        case GgmlType::q5_k:
            return "Q5_K";
        case GgmlType::q6_k:
            return "Q6_K";
    }
    return "unknown";
}

uint64_t TensorInfo::rows() const {
    uint64_t product = 1;
    for (size_t i = 0; i + 1 < shape.size(); i++) product *= shape[i];
    return product;
}

uint64_t TensorInfo::row_length() const {
    return shape.empty() ? 1 : shape.back();
}

const TensorInfo* Checkpoint::find(std::string_view tensor_name) const {
    for (const TensorInfo& tensor : tensors()) {
        if (tensor.name == tensor_name) return &tensor;
    }
    return nullptr;
}

} // namespace fp4
