// Rounds one row of activations to MXFP8 (E4M3) and leaves the values as float32: there is no integer
// arithmetic for them. The same values as quantize_row and dequantize_row.
#include "libfp4/cpu/kernels/block_amax.h"
#include "libfp4/cpu/kernels/kernel_functions.h"
#include "libfp4/format/scale_rule.h"
#include "libfp4/format/scale_search.h"

namespace fp4::FP4_CPU_LEVEL {
namespace {

constexpr BlockFormat format = BlockFormat::mxfp8_e4m3;
constexpr size_t block = 32;
constexpr float largest_e4m3 = 448.0f;

void fill(float value, float* x) {
    for (size_t j = 0; j < block; j += width) store(x + j, set(value));
}

void round_block(ScaleRule rule, float tensor_scale, float* x) {
    uint32_t bits = amax_bits(x, block);
    if (bits >= infinity_bits) return fill(__builtin_nanf(""), x);
    if (bits == 0) return fill(0.0f, x);
    const uint8_t code = rule == ScaleRule::mse
                             ? choose_block_scale(format, rule, 1.0f, x)
                             : mx_scale_code(mx_scale_exponent(format, rule, as_float(bits)));
    F inverse = set(inverse_block_scale(format, tensor_scale, code)),
      scale = set(block_scale_value(format, code) * tensor_scale);
    for (size_t j = 0; j < block; j += width) {
        F value = load(x + j) * inverse;
        F size = round_mantissa<3, -6>(min(magnitude(value), set(largest_e4m3)));
        store(x + j, with_sign(size, value) * scale);
    }
}

} // namespace

// x: [whole blocks], zero from cols on before and after.
void round_e4m3(ScaleRule rule, float* x, size_t cols) {
    const size_t padded = (cols + block - 1) / block * block;
    float tensor_scale = 1.0f;
    if (rule == ScaleRule::tensor) {
        const uint32_t bits = amax_bits(x, padded);
        tensor_scale =
            tensor_scale_for(format, rule, bits >= infinity_bits ? __builtin_nanf("") : as_float(bits));
    }
    size_t end = 0;
    for (; end < cols; end += block) round_block(rule, tensor_scale, x + end);
    for (size_t j = cols; j < end; ++j) x[j] = 0.0f; // a NaN block ends with the row
}

} // namespace fp4::FP4_CPU_LEVEL
