// Bit-exact scalar conversions. encode_* round to nearest, ties to even code, and saturate to the largest
// finite element (never to Inf; F16 and BF16 differ); decode_* are exact. Reference code: no speed tricks.
#pragma once

#include <cstdint>

namespace fp4 {

// E2M1, E2M3, E3M2 have no NaN: NaN input encodes to zero. -0 keeps its sign.
uint8_t encode_e2m1(float value); // 4 bits, sign in bit 3
float decode_e2m1(uint8_t code);
uint8_t encode_e2m3(float value); // 6 bits, sign in bit 5
float decode_e2m3(uint8_t code);
uint8_t encode_e3m2(float value);
float decode_e3m2(uint8_t code);

// OFP8. NaN encodes to 0x7F (E4M3) / 0x7E (E5M2), with the input's sign.
uint8_t encode_e4m3(float value);
float decode_e4m3(uint8_t code);
uint8_t encode_e5m2(float value);
float decode_e5m2(uint8_t code); // 0x7C is Inf, above it NaN

// UE4M3: E4M3 without its sign, as NVFP4 scales use it. Negative input encodes to 0, NaN to 0x7F; the sign
// bit is ignored when decoding.
uint8_t encode_ue4m3(float value);
float decode_ue4m3(uint8_t code);

// E8M0: 2^(code - 127), 255 = NaN; no zero. encode rounds to the nearest power of two (ties to the even code)
// and clamps to 2^+-127; zero and negative input encode to 0 (2^-127).
uint8_t encode_e8m0(float value);
float decode_e8m0(uint8_t code); // code 0 is 2^-127, a float32 subnormal

// MXINT8 element: value = code / 64, code in -127..127 (-128 decodes to -2). NaN encodes to 0.
int8_t encode_int8(float value);
float decode_int8(int8_t code);

// IEEE: overflow to Inf; NaN becomes the quiet NaN 0x7FC0 / 0x7E00 with the input's sign.
uint16_t encode_bf16(float value);
float decode_bf16(uint16_t code);
uint16_t encode_f16(float value);
float decode_f16(uint16_t code);

} // namespace fp4
