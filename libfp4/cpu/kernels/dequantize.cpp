// One weight row of any format to float32. Small floats take the way over float16: a shift puts their
// exponent and mantissa in place, the hardware conversion deals with subnormals, and one factor corrects the
// exponent bias.
#include "libfp4/cpu/kernels/kernel_functions.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

// How `width` elements are decoded: bits of an element, elements of a block, the factor load() leaves out.
struct E2m1 {
    static constexpr size_t bits = 4, block = 32;
    static constexpr float factor = 1.0f;
    static F load(const uint8_t* codes) { return load_e2m1(codes); }
};
struct E2m1Of16 : E2m1 {
    static constexpr size_t block = 16;
};
struct E4m3 {
    static constexpr size_t bits = 8, block = 32;
    static constexpr float factor = 0x1p8f;
    static F load(const uint8_t* codes) { return load_e4m3(codes); }
};
struct E5m2 {
    static constexpr size_t bits = 8, block = 32;
    static constexpr float factor = 1.0f;
    static F load(const uint8_t* codes) { return load_e5m2(codes); }
};
struct E2m3 {
    static constexpr size_t bits = 6, block = 32;
    static constexpr float factor = 0x1p14f;
    static F load(const uint8_t* codes) { return load_six_bit<7>(codes); }
};
struct E3m2 {
    static constexpr size_t bits = 6, block = 32;
    static constexpr float factor = 0x1p12f;
    static F load(const uint8_t* codes) { return load_six_bit<8>(codes); }
};
struct Int8 {
    static constexpr size_t bits = 8, block = 32;
    static constexpr float factor = 0x1p-6f;
    static F load(const uint8_t* codes) { return load_int8(codes); }
};

// element x block scale x tensor scale, rounded in this order as in the reference decoder. Blocks are stored
// whole, so only the stores have to mind the end of the row.
template <class Element>
void decode_blocks(const WeightRows& row, float* out) {
    F tensor_scale = set(row.tensor_scale);
    for (size_t b = 0; b < row.row_scales; ++b) {
        const uint8_t* codes = row.codes + b * (Element::block * Element::bits / 8);
        F scale = set(row.scale_values[row.scales[b]]);
        size_t start = b * Element::block, end = smaller(start + Element::block, row.cols);
        for (size_t j = start; j < end; j += width) {
            F value = Element::load(codes + (j - start) * Element::bits / 8);
            if constexpr (Element::factor != 1.0f) value = value * set(Element::factor);
            value = value * scale * tensor_scale;
            if (j + width <= end) {
                store(out + j, value);
            } else {
                store(out + j, value, end - j);
            }
        }
    }
}

void widen_f16(const uint8_t* bytes, size_t count, float* out) {
    size_t i = 0;
    for (; i + width <= count; i += width) store(out + i, load_f16_bytes(bytes + 2 * i));
    if (i < count) store(out + i, load_f16_bytes(bytes + 2 * i, count - i), count - i);
}

void widen_bf16(const uint8_t* bytes, size_t count, float* out) {
    size_t i = 0;
    for (; i + width <= count; i += width) store(out + i, load_bf16(bytes + 2 * i));
    if (i < count) store(out + i, load_bf16(bytes + 2 * i, count - i), count - i);
}

} // namespace

void dequantize(const WeightRows& row, float* out) {
    switch (row.format) {
        case WeightFormat::f32:
            __builtin_memcpy(out, row.codes, row.cols * sizeof(float));
            break;
        case WeightFormat::f16:
            widen_f16(row.codes, row.cols, out);
            break;
        case WeightFormat::bf16:
            widen_bf16(row.codes, row.cols, out);
            break;
        case WeightFormat::mxfp4:
            decode_blocks<E2m1>(row, out);
            break;
        case WeightFormat::nvfp4:
            decode_blocks<E2m1Of16>(row, out);
            break;
        case WeightFormat::mxfp8_e4m3:
            decode_blocks<E4m3>(row, out);
            break;
        case WeightFormat::mxfp8_e5m2:
            decode_blocks<E5m2>(row, out);
            break;
        case WeightFormat::mxfp6_e2m3:
            decode_blocks<E2m3>(row, out);
            break;
        case WeightFormat::mxfp6_e3m2:
            decode_blocks<E3m2>(row, out);
            break;
        case WeightFormat::mxint8:
            decode_blocks<Int8>(row, out);
            break;
    }
}

} // namespace fp4::FP4_CPU_LEVEL
