// One weight row of any format to float32. Small floats take the way over float16: a shift puts their
// exponent and mantissa in place, the hardware conversion deals with subnormals, and one factor corrects the
// exponent bias.
#include "libfp4/cpu/kernels/kernel_functions.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

constexpr size_t block = 32; // NVFP4 uses half of it

// `count` float16 patterns x factor x scale x tensor scale, in the order of the reference decoder.
void write_values(const uint16_t* halves, float factor, float scale, float tensor_scale, size_t count,
                  float* out) {
    F f = set(factor), s = set(scale), t = set(tensor_scale);
    size_t i = 0;
    for (; i + width <= count; i += width) store(out + i, load_f16(halves + i) * f * s * t);
    if (i < count) store(out + i, load_f16(halves + i) * f * s * t, count - i);
}

template <size_t n>
void e2m1_halves(const uint8_t* codes, uint16_t* halves) {
    for (size_t j = 0; j < n / 2; ++j) {
        unsigned low = codes[j], high = codes[j] >> 4;
        halves[2 * j] = static_cast<uint16_t>((low & 7) << 9 | (low & 8) << 12);
        halves[2 * j + 1] = static_cast<uint16_t>((high & 7) << 9 | (high & 8) << 12);
    }
}

void e4m3_halves(const uint8_t* codes, uint16_t* halves) {
    for (size_t j = 0; j < block; ++j) {
        unsigned size = codes[j] & 0x7F, sign = codes[j] & 0x80;
        halves[j] = static_cast<uint16_t>((size == 0x7F ? 0x7E00 : size << 7) | sign << 8);
    }
}

void e5m2_halves(const uint8_t* codes, uint16_t* halves) {
    for (size_t j = 0; j < block; ++j) halves[j] = static_cast<uint16_t>(codes[j] << 8);
}

// Five magnitude bits and a sign; shift: mantissa bits float16 has more.
void six_bit_halves(const uint8_t* codes, int shift, uint16_t* halves) {
    for (size_t j = 0; j < block / 4; ++j) {
        unsigned word = codes[3 * j] | unsigned(codes[3 * j + 1]) << 8 | unsigned(codes[3 * j + 2]) << 16;
        for (size_t i = 0; i < 4; ++i) {
            unsigned code = word >> (6 * i);
            halves[4 * j + i] = static_cast<uint16_t>((code & 0x1F) << shift | (code & 0x20) << 10);
        }
    }
}

void write_int8(const uint8_t* codes, float scale, float tensor_scale, size_t count, float* out) {
    float values[block];
    for (size_t j = 0; j < block; ++j)
        values[j] = static_cast<float>(static_cast<int8_t>(codes[j])) * 0x1p-6f;
    for (size_t j = 0; j < count; ++j) out[j] = values[j] * scale * tensor_scale;
}

void block_values(WeightFormat format, const uint8_t* codes, float scale, float tensor_scale, size_t count,
                  float* out) {
    uint16_t halves[block] = {};
    switch (format) {
        case WeightFormat::mxfp4:
            e2m1_halves<32>(codes, halves);
            return write_values(halves, 0x1p14f, scale, tensor_scale, count, out);
        case WeightFormat::nvfp4:
            e2m1_halves<16>(codes, halves);
            return write_values(halves, 0x1p14f, scale, tensor_scale, count, out);
        case WeightFormat::mxfp8_e4m3:
            e4m3_halves(codes, halves);
            return write_values(halves, 0x1p8f, scale, tensor_scale, count, out);
        case WeightFormat::mxfp8_e5m2:
            e5m2_halves(codes, halves);
            return write_values(halves, 1.0f, scale, tensor_scale, count, out);
        case WeightFormat::mxfp6_e2m3:
            six_bit_halves(codes, 7, halves);
            return write_values(halves, 0x1p14f, scale, tensor_scale, count, out);
        case WeightFormat::mxfp6_e3m2:
            six_bit_halves(codes, 8, halves);
            return write_values(halves, 0x1p12f, scale, tensor_scale, count, out);
        default:
            return write_int8(codes, scale, tensor_scale, count, out);
    }
}

void widen_f16(const uint8_t* bytes, size_t count, float* out) {
    for (size_t i = 0; i < count; i += width) {
        size_t n = smaller(width, count - i);
        uint16_t halves[width] = {}; // aligned copy: rows may start at odd addresses
        __builtin_memcpy(halves, bytes + 2 * i, 2 * n);
        if (n == width) {
            store(out + i, load_f16(halves));
        } else {
            store(out + i, load_f16(halves, n), n);
        }
    }
}

void widen_bf16(const uint8_t* bytes, size_t count, float* out) {
    size_t i = 0;
    for (; i + width <= count; i += width) store(out + i, load_bf16(bytes + 2 * i));
    if (i < count) store(out + i, load_bf16(bytes + 2 * i, count - i), count - i);
}

} // namespace

void dequantize(const WeightRows& row, float* out) {
    size_t cols = row.cols;
    if (row.format == WeightFormat::f32) {
        __builtin_memcpy(out, row.codes, cols * 4);
    } else if (row.format == WeightFormat::f16) {
        widen_f16(row.codes, cols, out);
    } else if (row.format == WeightFormat::bf16) {
        widen_bf16(row.codes, cols, out);
    } else {
        size_t elements = row.format == WeightFormat::nvfp4 ? 16 : 32;
        size_t bytes = row.row_bytes / row.row_scales;
        for (size_t b = 0; b < row.row_scales; ++b) {
            block_values(row.format, row.codes + b * bytes, row.scale_values[row.scales[b]], row.tensor_scale,
                         smaller(elements, cols - b * elements), out + b * elements);
        }
    }
}

} // namespace fp4::FP4_CPU_LEVEL
