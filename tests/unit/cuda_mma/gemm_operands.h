// Random operands of the matrix products in the layout of cuda/gemm/fp4_layout.h, beside the plain rows they
// were made from, and the sums the CPU's W4A4 definition gives.
#pragma once

#include <cmath>
#include <random>
#include <vector>

#include "cuda/gemm/fp4_layout.h"
#include "libfp4/cpu/reference/block_integer.h"
#include "libfp4/format/block_format.h"
#include "libfp4/format/element.h"

namespace fp4::cuda {

struct PlainMatrix {
    BlockFormat format;
    size_t rows, k;
    std::vector<uint8_t> codes, scales; // rows of block_format.h

    size_t code_stride() const { return row_code_bytes(format, k); }
    size_t scale_stride() const { return row_scales(format, k); }
};

inline PlainMatrix random_matrix(BlockFormat format, size_t rows, size_t k, std::mt19937& random) {
    PlainMatrix matrix{format, rows, k, {}, {}};
    matrix.codes.resize(rows * matrix.code_stride());
    matrix.scales.resize(rows * matrix.scale_stride());
    for (uint8_t& code : matrix.codes)
        code = static_cast<uint8_t>(random() & (format == BlockFormat::mxfp8_e4m3 ? 0xBF : 0xFF)); // no NaN
    for (uint8_t& scale : matrix.scales)
        scale = static_cast<uint8_t>(format == BlockFormat::nvfp4 ? 24 + random() % 64 : 118 + random() % 12);
    return matrix;
}

struct PackedMatrix {
    std::vector<uint8_t> codes, scales;
};

inline PackedMatrix pack_activations(const PlainMatrix& matrix) {
    PackedMatrix packed;
    packed.codes.resize(matrix.rows * code_row_bytes(matrix.format, matrix.k));
    packed.scales.resize(scale_bytes(matrix.format, matrix.rows, matrix.k));
    for (size_t row = 0; row < matrix.rows; ++row) {
        for (size_t i = 0; i < matrix.code_stride(); ++i)
            packed.codes[row * code_row_bytes(matrix.format, matrix.k) +
                         (matrix.format == BlockFormat::mxfp8_e4m3 ? e4m3_offset(i) : i)] =
                matrix.codes[row * matrix.code_stride() + i];
        for (size_t block = 0; block < matrix.scale_stride(); ++block)
            packed.scales[scale_offset(matrix.format, matrix.k, row, block)] =
                matrix.scales[row * matrix.scale_stride() + block];
    }
    return packed;
}

inline PackedMatrix pack_weights(const PlainMatrix& matrix) {
    PackedMatrix packed;
    packed.codes.resize(weight_code_bytes(matrix.rows, matrix.k));
    packed.scales.resize(weight_scale_bytes(matrix.format, matrix.rows, matrix.k));
    const size_t block = block_size(matrix.format);
    for (size_t row = 0; row < matrix.rows; ++row) {
        for (size_t column = 0; column < matrix.k; column += 2)
            packed.codes[weight_code_offset(matrix.k, row, column)] =
                matrix.codes[row * matrix.code_stride() + column / 2];
        for (size_t i = 0; i < matrix.scale_stride(); ++i)
            packed.scales[weight_scale_offset(matrix.format, matrix.k, row, i * block)] =
                matrix.scales[row * matrix.scale_stride() + i];
    }
    return packed;
}

struct Dot {
    double sum, terms; // terms: sum of the magnitudes of the block terms
};

// int32 sums of blocks, added in double: libfp4/cpu/reference/linear.cpp.
inline Dot w4a4_dot(const PlainMatrix& x, size_t m, const PlainMatrix& w, size_t n) {
    auto row_of = [](const PlainMatrix& matrix, size_t row) {
        return reference::IntegerRow{matrix.format, matrix.codes.data() + row * matrix.code_stride(),
                                     matrix.scales.data() + row * matrix.scale_stride()};
    };
    const auto a = row_of(x, m), b = row_of(w, n);
    Dot dot{0, 0};
    const size_t block = block_size(x.format);
    for (size_t start = 0; start < x.k; start += block) {
        int32_t products = 0, magnitudes = 0;
        for (size_t j = start; j < std::min(start + block, x.k); ++j) {
            products += a.integer(j) * b.integer(j);
            magnitudes += std::abs(a.integer(j) * b.integer(j));
        }
        dot.sum += products * a.unit(start) * b.unit(start);
        dot.terms += magnitudes * a.unit(start) * b.unit(start);
    }
    return dot;
}

// Values of both sides, added in double: dot_values of libfp4/cpu/reference/linear.cpp.
inline Dot value_dot(const PlainMatrix& x, size_t m, const PlainMatrix& w, size_t n) {
    auto row_of = [](const PlainMatrix& matrix, size_t row) {
        std::vector<float> values(matrix.k);
        dequantize_row(matrix.format, 1.0f, matrix.codes.data() + row * matrix.code_stride(),
                       matrix.scales.data() + row * matrix.scale_stride(), matrix.k, values.data());
        return values;
    };
    const auto a = row_of(x, m), b = row_of(w, n);
    Dot dot{0, 0};
    for (size_t k = 0; k < x.k; ++k) {
        const double term = static_cast<double>(a[k]) * b[k];
        dot.sum += term;
        dot.terms += std::fabs(term);
    }
    return dot;
}

} // namespace fp4::cuda
