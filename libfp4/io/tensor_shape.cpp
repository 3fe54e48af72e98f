#include "libfp4/io/tensor_shape.h"

#include <cstdio>

#include "libfp4/base/checked.h"
#include "libfp4/io/file_limits.h"

namespace fp4 {

Result<uint64_t> checked_elements(std::span<const uint64_t> shape, std::string_view where) {
    if (shape.size() > limits::max_dims) {
        return error(Status::limit, where, " has ", shape.size(), " dimensions, the limit is ",
                     limits::max_dims);
    }
    uint64_t elements = 1;
    for (uint64_t dim : shape) {
        if (dim == 0)
            return error(Status::format, where, " has a zero dimension in its shape ", shape_text(shape));
        auto product = checked_mul(elements, dim);
        if (!product || *product > limits::max_elements) {
            return error(Status::limit, where, " has too many elements, shape ", shape_text(shape));
        }
        elements = *product;
    }
    return elements;
}

std::string shape_text(std::span<const uint64_t> shape) {
    std::string text = "[";
    for (uint64_t dim : shape) {
        if (text.size() > 1) text += ", ";
        text += std::to_string(dim);
    }
    return text + "]";
}

std::string printable(std::string_view text) {
    constexpr size_t longest = 80;
    std::string out;
    for (unsigned char c : text.substr(0, longest)) {
        if (c >= 0x20 && c < 0x7f) {
            out += static_cast<char>(c);
        } else {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\x%02x", c);
            out += escaped;
        }
    }
    if (text.size() > longest) out += "...";
    return out;
}

} // namespace fp4
