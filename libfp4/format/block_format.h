// Microscaling block formats: a row of K values is stored as ceil(K / block) blocks, each with one scale.
// value = element x block scale x tensor scale (tensor scale is 1 for the MX formats).
//
// Storage of one row, everywhere in this project (files, memory, backends' input):
//   codes   row_code_bytes(K) bytes. 4 bit: element 2j in the low nibble of byte j, 2j+1 in the high nibble.
//           6 bit: four elements in three bytes, little endian bit order (element 0 in bits 0..5).
//           8 bit: one byte each. The last block is padded with zero codes when K is no multiple of the
//           block.
//   scales  row_scales(K) bytes: E8M0 codes, or E4M3 codes (sign bit 0) for NVFP4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace fp4 {

enum class BlockFormat : uint8_t { mxfp4, nvfp4, mxfp8_e4m3, mxfp8_e5m2, mxfp6_e2m3, mxfp6_e3m2, mxint8 };
inline constexpr int block_format_count = 7;

// How the scale of a block is chosen. Formulas and sources: README.md.
enum class ScaleRule : uint8_t {
    floor,      // MX: 2^(floor(log2 amax) - emax); clips above the largest element
    ceil,       // MX: smallest power of two that never clips
    even,       // MX: floor of amax rounded half up to the element's mantissa; default for activations
    uos,        // MXFP4: exponent ceil(log2(amax / 7.25))
    prescale34, // MXFP4: floor scale of x, elements of 3/4 x, values times 4/3 (carried by the tensor scale)
    mse,        // every format: best squared error among candidate scales; default for weights
    amax,       // NVFP4: E4M3(amax / 6 / tensor scale)
    four_over_six, // NVFP4: better of amax/6 and amax/4, tensor scale amax/(6*256)
    tensor,        // MXFP8 E4M3: block scales are 1, the tensor scale (of activations: a token's) amax/448
};
inline constexpr int scale_rule_count = 9;

std::string_view block_format_name(BlockFormat format); // "mxfp4", "mxfp8-e4m3" ...
std::optional<BlockFormat> parse_block_format(std::string_view name);
std::string_view scale_rule_name(ScaleRule rule); // "floor", "prescale34", "four-over-six" ...
std::optional<ScaleRule> parse_scale_rule(std::string_view name);
bool scale_rule_applies(BlockFormat format, ScaleRule rule);

size_t block_size(BlockFormat format);      // elements per block scale: 32, or 16 for NVFP4
int element_bits(BlockFormat format);       // 4, 6 or 8
double bits_per_weight(BlockFormat format); // with block scales: 4.25, 4.5, 6.25, 8.25

// Blocks (and scale bytes) and code bytes of a row of k values.
constexpr size_t row_blocks(size_t k, size_t block) {
    return k / block + (k % block != 0);
}
size_t row_scales(BlockFormat format, size_t k);
size_t row_code_bytes(BlockFormat format, size_t k);

// The reference codecs. One row each; rows are independent but for the tensor scale.
// Rules for special input (every format): a block with NaN or Inf gets the NaN scale (0xFF / 0x7F) and zero
// codes and decodes to NaN; an all-zero block, and an NVFP4 block whose scale underflows to zero, gets scale
// code 0 and zero codes and decodes to zero; an MX block below the smallest scale keeps scale code 0, which
// is 2^-127.

// The tensor scale a rule wants for a tensor whose largest magnitude is amax: 1 for MX (4/3 for prescale34),
// amax/448 for rule tensor, amax/2688 or amax/1536 for NVFP4 (these three: 1 when amax is zero or not finite;
// at least 2^-117).
float tensor_scale_for(BlockFormat format, ScaleRule rule, float tensor_amax);

// The rule must apply to the format (scale_rule_applies); the tensor scale is positive and finite.
void quantize_row(BlockFormat format, ScaleRule rule, float tensor_scale, const float* values, size_t k,
                  uint8_t* codes, uint8_t* scales);
void dequantize_row(BlockFormat format, float tensor_scale, const uint8_t* codes, const uint8_t* scales,
                    size_t k, float* values);

// Largest finite magnitude; NaN if any value is NaN or infinite.
float row_amax(const float* values, size_t k);

} // namespace fp4
