// Rounds one row of activations to MXINT8, MXFP4 or NVFP4, with the same codes as quantize_row, into the
// arrangement of IntegerOutput.
#include "libfp4/cpu/kernels/block_amax.h"
#include "libfp4/cpu/kernels/kernel_functions.h"
#include "libfp4/format/element.h"
#include "libfp4/format/scale_rule.h"
#include "libfp4/format/scale_search.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

// x in units of its scales -> E2M1 times two: steps of 1 below 4, of 2 below 8, of 4 up to 12; ties go to the
// even code, which is the even multiple of the step.
I round_e2m1(F x) {
    F size = min(magnitude(x) * set(2.0f), set(12.0f));
    F fine = round(size);
    F middle = round(size * set(0.5f)) * set(2.0f);
    F coarse = round(size * set(0.25f)) * set(4.0f);
    F rounded = zero_below(size, set(8.0f), coarse);
    rounded = rounded + (zero_below(size, set(4.0f), middle) - zero_below(size, set(8.0f), middle));
    rounded = rounded + (fine - zero_below(size, set(4.0f), fine));
    return round_to_int(with_sign(rounded, x));
}

I round_int8(F x) {
    return round_to_int(max(min(x * set(64.0f), set(127.0f)), set(-127.0f)));
}

// Codes of one block (one byte each) at element `start` of the row, even elements apart from odd ones.
void write_block(const int8_t* codes, size_t start, size_t count, float scale, const IntegerOutput& out) {
    int8_t* even = out.codes + start / chunk_elements * chunk_elements + start % chunk_elements / 2;
    int8_t* odd = even + chunk_elements / 2;
    for (size_t half = 0; half < count / 2; half += 8) { // a fixed length lets compilers use byte shuffles
        for (size_t j = 0; j < 8; ++j) {
            even[half + j] = codes[2 * (half + j)];
            odd[half + j] = codes[2 * (half + j) + 1];
        }
    }
    for (size_t lane = 0; lane < count / lane_elements; ++lane)
        out.scales[start / lane_elements + lane] = scale;
}

// amax: of the block, finite and above zero.
uint8_t block_scale(BlockFormat format, ScaleRule rule, float token_scale, const float* x, float amax) {
    if (rule == ScaleRule::mse || rule == ScaleRule::four_over_six)
        return choose_block_scale(format, rule, token_scale, x);
    if (format == BlockFormat::nvfp4) return nvfp4_scale_code(amax, 1.0f, token_scale);
    return mx_scale_code(mx_scale_exponent(format, rule, amax));
}

void round_block(BlockFormat format, ScaleRule rule, float token_scale, const float* x, size_t start,
                 size_t count, const IntegerOutput& out) {
    int8_t codes[32] = {};
    uint32_t bits = amax_bits(x, count);
    if (bits >= infinity_bits) return write_block(codes, start, count, __builtin_nanf(""), out);
    if (bits == 0) return write_block(codes, start, count, 0.0f, out);
    const uint8_t code = block_scale(format, rule, token_scale, x, as_float(bits));
    float inverse = inverse_block_scale(format, token_scale, code);
    bool int8 = format == BlockFormat::mxint8;
    for (size_t j = 0; j < count; j += width) {
        F value = load(x + j) * set(inverse);
        store_int8(codes + j, int8 ? round_int8(value) : round_e2m1(value));
    }
    float scale = block_scale_value(format, code) * token_scale * (int8 ? 1.0f / 64 : 0.5f);
    write_block(codes, start, count, scale, out);
}

// -e2m1_bias x the sum of every lane's codes.
void write_offsets(const IntegerOutput& out) {
    const I ones = set_int(0x01010101);
    for (size_t lane = 0; lane < out.padded / lane_elements; lane += width) {
        size_t start = lane * lane_elements;
        const int8_t* even = out.codes + start / chunk_elements * chunk_elements + start % chunk_elements / 2;
        I sums = dot8(set_int(0), ones, load_ints(even), ones, load_ints(even + chunk_elements / 2));
        int32_t offsets[width];
        store_ints(offsets, sums);
        for (size_t i = 0; i < width; ++i) out.offsets[lane + i] = -e2m1_bias * offsets[i];
    }
}

} // namespace

// x: [padded], zero from cols on.
void round_integer(ActivationFormat format, const float* x, size_t cols, const IntegerOutput& out) {
    const BlockFormat block_format = *activation_block_format(format.kind);
    size_t block = block_format == BlockFormat::nvfp4 ? 16 : 32;
    float amax = 0.0f;
    if (scales_by_token(format)) {
        const uint32_t bits = amax_bits(x, out.padded);
        amax = bits >= infinity_bits ? __builtin_nanf("") : as_float(bits);
    }
    const ScaleRule rule = activation_rule(format);
    const float token_scale = activation_tensor_scale(format, amax);
    size_t start = 0;
    for (; start < cols; start += block)
        round_block(block_format, rule, token_scale, x + start, start, block, out);
    const int8_t none[32] = {};
    for (; start < out.padded; start += block) write_block(none, start, block, 0.0f, out);
    write_offsets(out);
}

} // namespace fp4::FP4_CPU_LEVEL
