#include "libfp4/io/ggml_blocks.h"

#include <cstring>

#include "libfp4/format/element.h"

namespace fp4 {
namespace {

template <class T>
T load(const uint8_t* bytes) {
    T value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

float load_f16(const uint8_t* bytes) {
    return decode_f16(load<uint16_t>(bytes));
}

// f16 d | 16 bytes: low nibbles are elements 0..15, high nibbles 16..31.
void dequantize_q4_0(const uint8_t* block, float* target) {
    float d = load_f16(block);
    for (int j = 0; j < 16; j++) {
        uint8_t pair = block[2 + j];
        target[j] = static_cast<float>((pair & 15) - 8) * d;
        target[j + 16] = static_cast<float>((pair >> 4) - 8) * d;
    }
}

// f16 d | f16 m | nibbles as Q4_0.
void dequantize_q4_1(const uint8_t* block, float* target) {
    float d = load_f16(block);
    float m = load_f16(block + 2);
    for (int j = 0; j < 16; j++) {
        uint8_t pair = block[4 + j];
        target[j] = static_cast<float>(pair & 15) * d + m;
        target[j + 16] = static_cast<float>(pair >> 4) * d + m;
    }
}

// Q5: the fifth bit of element i is bit i of a u32.
void dequantize_q5_0(const uint8_t* block, float* target) {
    float d = load_f16(block);
    uint32_t fifth = load<uint32_t>(block + 2);
    for (int j = 0; j < 16; j++) {
        uint8_t pair = block[6 + j];
        int low = (pair & 15) | static_cast<int>((fifth >> j & 1) << 4);
        int high = (pair >> 4) | static_cast<int>((fifth >> (j + 16) & 1) << 4);
        target[j] = static_cast<float>(low - 16) * d;
        target[j + 16] = static_cast<float>(high - 16) * d;
    }
}

void dequantize_q5_1(const uint8_t* block, float* target) {
    float d = load_f16(block);
    float m = load_f16(block + 2);
    uint32_t fifth = load<uint32_t>(block + 4);
    for (int j = 0; j < 16; j++) {
        uint8_t pair = block[8 + j];
        int low = (pair & 15) | static_cast<int>((fifth >> j & 1) << 4);
        int high = (pair >> 4) | static_cast<int>((fifth >> (j + 16) & 1) << 4);
        target[j] = static_cast<float>(low) * d + m;
        target[j + 16] = static_cast<float>(high) * d + m;
    }
}

// f16 d | 32 int8.
void dequantize_q8_0(const uint8_t* block, float* target) {
    float d = load_f16(block);
    for (int j = 0; j < 32; j++) target[j] = static_cast<float>(static_cast<int8_t>(block[2 + j])) * d;
}

struct ScaleAndMin {
    float scale;
    float min;
};

// The eight 6-bit scales and eight 6-bit minima of Q4_K and Q5_K, packed in 12 bytes.
ScaleAndMin unpack_6bit(const uint8_t* packed, int j) {
    int scale, min;
    if (j < 4) {
        scale = packed[j] & 63;
        min = packed[j + 4] & 63;
    } else {
        scale = (packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4;
        min = (packed[j + 4] >> 4) | (packed[j] >> 6) << 4;
    }
    return {static_cast<float>(scale), static_cast<float>(min)};
}

// f16 d | f16 dmin | 12 bytes of scales and minima | [Q5_K: 32 bytes of fifth bits] | 128 bytes of nibbles.
// Each 32 bytes of nibbles hold 64 elements, the low ones first; bit i of fifth-bit byte l belongs to
// sub-block i.
void dequantize_k(const uint8_t* block, const uint8_t* fifth, const uint8_t* nibbles, float* target) {
    float d = load_f16(block);
    float dmin = load_f16(block + 2);
    for (int sub = 0; sub < 8; sub++) {
        ScaleAndMin packed = unpack_6bit(block + 4, sub);
        float scale = d * packed.scale;
        float min = dmin * packed.min;
        const uint8_t* bytes = nibbles + sub / 2 * 32;
        for (int l = 0; l < 32; l++) {
            int q = sub % 2 ? bytes[l] >> 4 : bytes[l] & 15;
            if (fifth) q |= (fifth[l] >> sub & 1) << 4;
            target[sub * 32 + l] = scale * static_cast<float>(q) - min;
        }
    }
}

// 128 bytes of low nibbles | 64 bytes of 2-bit highs | 16 int8 scales | f16 d. Halves of 128 elements, each
// as four runs of 32 that share the half's nibble and high bytes.
void dequantize_q6_k(const uint8_t* block, float* target) {
    float d = load_f16(block + 208);
    for (int half = 0; half < 2; half++) {
        const uint8_t* low = block + half * 64;
        const uint8_t* high = block + 128 + half * 32;
        const uint8_t* scales = block + 192 + half * 8;
        for (int run = 0; run < 4; run++) {
            for (int l = 0; l < 32; l++) {
                uint8_t byte = low[run % 2 * 32 + l];
                int q = (run < 2 ? byte & 15 : byte >> 4) | (high[l] >> (2 * run) & 3) << 4;
                float scale = static_cast<float>(static_cast<int8_t>(scales[run * 2 + l / 16]));
                target[half * 128 + run * 32 + l] = d * scale * static_cast<float>(q - 32);
            }
        }
    }
}

// n elements of one block: byte j of ggml holds elements j and j + n/2; byte j of ours holds 2j and 2j + 1.
void repack_nibbles(const uint8_t* source, int n, uint8_t* target) {
    auto element = [&](int i) { return i < n / 2 ? source[i] & 15 : source[i - n / 2] >> 4; };
    for (int j = 0; j < n / 2; j++)
        target[j] = static_cast<uint8_t>(element(2 * j) | element(2 * j + 1) << 4);
}

} // namespace

GgmlLayout ggml_layout(GgmlType type) {
    switch (type) {
        case GgmlType::q4_0:
            return {32, 18};
        case GgmlType::q4_1:
            return {32, 20};
        case GgmlType::q5_0:
            return {32, 22};
        case GgmlType::q5_1:
            return {32, 24};
        case GgmlType::q8_0:
            return {32, 34};
        case GgmlType::q4_k:
            return {256, 144};
        case GgmlType::q5_k:
            return {256, 176};
        case GgmlType::q6_k:
            return {256, 210};
    }
    return {0, 0};
}

GgmlLayout ggml_layout(BlockFormat format) {
    if (format == BlockFormat::mxfp4) return {32, 17};
    if (format == BlockFormat::nvfp4) return {64, 36};
    return {0, 0};
}

void dequantize_ggml(GgmlType type, const uint8_t* blocks, size_t count, float* target) {
    GgmlLayout layout = ggml_layout(type);
    for (size_t i = 0; i < count; i++, blocks += layout.bytes, target += layout.elements) {
        switch (type) {
            case GgmlType::q4_0:
                dequantize_q4_0(blocks, target);
                break;
            case GgmlType::q4_1:
                dequantize_q4_1(blocks, target);
                break;
            case GgmlType::q5_0:
                dequantize_q5_0(blocks, target);
                break;
            case GgmlType::q5_1:
                dequantize_q5_1(blocks, target);
                break;
            case GgmlType::q8_0:
                dequantize_q8_0(blocks, target);
                break;
            case GgmlType::q4_k:
                dequantize_k(blocks, nullptr, blocks + 16, target);
                break;
            case GgmlType::q5_k:
                dequantize_k(blocks, blocks + 16, blocks + 48, target);
                break;
            case GgmlType::q6_k:
                dequantize_q6_k(blocks, target);
                break;
        }
    }
}

void repack_ggml_blocks(BlockFormat format, const uint8_t* blocks, size_t count, uint8_t* codes,
                        uint8_t* scales) {
    GgmlLayout layout = ggml_layout(format);
    for (size_t i = 0; i < count; i++, blocks += layout.bytes) {
        if (format == BlockFormat::mxfp4) { // u8 E8M0 | 16 bytes of nibbles
            scales[i] = blocks[0];
            repack_nibbles(blocks + 1, 32, codes + i * 16);
        } else { // NVFP4: 4 UE4M3 scales | 4 x 8 bytes of nibbles
            for (int sub = 0; sub < 4; sub++) {
                uint8_t scale = blocks[sub] & 0x7f;
                scales[i * 4 + sub] = scale == 0x7f ? 0 : scale;
                repack_nibbles(blocks + 4 + sub * 8, 16, codes + i * 32 + sub * 8);
            }
        }
    }
}

} // namespace fp4
