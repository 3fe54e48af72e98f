#include <cmath>

#include "libfp4/format/element.h"
#include "tests/gpu_simulator/warp_steps.h"

namespace fp4::gpu_simulator {
namespace {

// Lane l of a fragment: group g = l / 4, t = l % 4.
template <int k>
struct Operands {
    double a[16][k], b[8][k]; // [row][k], [column][k]
};
using Scales = std::array<std::array<double, 4>, 16>; // [row or column][block of k]

// The slots of mma.sync's operands.
constexpr int d_slot = 0, a_slot = 4, b_slot = 8, c_slot = 10, scale_a_slot = 14, scale_b_slot = 17;

// d = c + a b with blocks of `block` elements of k; the sums of a block are exact.
template <int k, int block>
void multiply(Warp& warp, const Instruction& instruction, const Operands<k>& of, const Scales& scale_a,
              const Scales& scale_b) {
    for (int lane = 0; lane < warp_size; ++lane)
        for (int j = 0; j < 4; ++j) {
            const int row = lane / 4 + 8 * (j >> 1), column = lane % 4 * 2 + (j & 1);
            double sum = warp.get<float>(instruction.slot[c_slot + j], lane);
            for (int part = 0; part < k / block; ++part) {
                double products = 0;
                for (int i = part * block; i < (part + 1) * block; ++i)
                    products += of.a[row][i] * of.b[column][i];
                sum += products * scale_a[row][part] * scale_b[column][part];
            }
            warp.put<float>(instruction.slot[d_slot + j], lane, static_cast<float>(sum));
        }
}

constexpr Scales ones = [] {
    Scales scales{};
    for (auto& row : scales) row.fill(1.0);
    return scales;
}();

double e8m0(uint32_t code) {
    return decode_e8m0(static_cast<uint8_t>(code));
}
double unsigned_e4m3(uint32_t code) {
    return decode_ue4m3(static_cast<uint8_t>(code));
}
double e4m3(uint32_t code) {
    return decode_e4m3(static_cast<uint8_t>(code));
}
double e2m1(uint32_t code) {
    return decode_e2m1(static_cast<uint8_t>(code));
}

// Row m's word comes from lane 4 (m % 8) + 2 selector + m / 8, column n's from lane 4n + selector; `first` is
// the byte of the first block.
Scales scales_of(Warp& warp, const Instruction& instruction, int slot, bool rows, int blocks,
                 double (*decode)(uint32_t)) {
    Scales scales{};
    for (int line = 0; line < (rows ? 16 : 8); ++line) {
        const uint32_t first = warp.get<uint32_t>(instruction.slot[slot + 1], 0),
                       selector = warp.get<uint32_t>(instruction.slot[slot + 2], 0);
        const int lane = rows ? 4 * (line % 8) + 2 * static_cast<int>(selector) + line / 8
                              : 4 * line + static_cast<int>(selector);
        const uint32_t word = warp.get<uint32_t>(instruction.slot[slot], lane);
        for (int block = 0; block < blocks; ++block)
            scales[line][block] = decode(word >> 8 * (first + block) & 0xFF);
    }
    return scales;
}

// Element i of `bits` bits of the words in a slot.
template <int bits>
uint32_t code(Warp& warp, const Instruction& instruction, int slot, int lane, int i) {
    return warp.get<uint32_t>(instruction.slot[slot], lane) >> bits * i & ((1u << bits) - 1);
}

// The fragments of a and b: words of n elements, four of a lane and two.
template <int bits, int k, class DecodeA, class DecodeB>
Operands<k> operands(Warp& warp, const Instruction& instruction, DecodeA decode_a, DecodeB decode_b) {
    constexpr int n = 32 / bits;
    static_assert(k == 8 * n);
    Operands<k> of;
    for (int lane = 0; lane < warp_size; ++lane) {
        const int g = lane / 4, t = lane % 4;
        for (int i = 0; i < n; ++i) {
            for (int r = 0; r < 4; ++r)
                of.a[g + 8 * (r & 1)][n * t + i + 4 * n * (r >> 1)] =
                    decode_a(code<bits>(warp, instruction, a_slot + r, lane, i));
            for (int r = 0; r < 2; ++r)
                of.b[g][n * t + i + 4 * n * r] = decode_b(code<bits>(warp, instruction, b_slot + r, lane, i));
        }
    }
    return of;
}

template <int block>
void multiply_nibbles(Warp& warp, const Instruction& instruction, double (*scale)(uint32_t)) {
    multiply<64, block>(warp, instruction, operands<4, 64>(warp, instruction, e2m1, e2m1),
                        scales_of(warp, instruction, scale_a_slot, true, 64 / block, scale),
                        scales_of(warp, instruction, scale_b_slot, false, 64 / block, scale));
}

} // namespace

void multiply_f16(Warp& warp, const Instruction& instruction) {
    static const std::vector<float> values = [] {
        std::vector<float> all(65536);
        for (size_t i = 0; i < all.size(); ++i) all[i] = decode_f16(static_cast<uint16_t>(i));
        return all;
    }();
    auto decode = [](uint32_t half) { return values[half]; };
    multiply<16, 16>(warp, instruction, operands<16, 16>(warp, instruction, decode, decode), ones, ones);
}

void multiply_mxf4(Warp& warp, const Instruction& instruction) {
    multiply_nibbles<32>(warp, instruction, e8m0);
}

void multiply_nvf4(Warp& warp, const Instruction& instruction) {
    multiply_nibbles<16>(warp, instruction, unsigned_e4m3);
}

void multiply_e2m1_e4m3(Warp& warp, const Instruction& instruction) {
    auto decode_a = [](uint32_t byte) { return e2m1(byte >> 2 & 15); };
    multiply<32, 32>(warp, instruction, operands<8, 32>(warp, instruction, decode_a, e4m3),
                     scales_of(warp, instruction, scale_a_slot, true, 1, e8m0),
                     scales_of(warp, instruction, scale_b_slot, false, 1, e8m0));
}

} // namespace fp4::gpu_simulator
