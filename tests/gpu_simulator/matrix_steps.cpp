#include <cmath>

#include "libfp4/format/element.h"
#include "tests/gpu_simulator/warp_steps.h"

namespace fp4::gpu_simulator {
namespace {

// Lane l of a fragment: group g = l / 4, t = l % 4.
using Values = std::array<std::array<double, 64>, 16>; // a: [row][k]; b: [column][k]
using Scales = std::array<std::array<double, 4>, 16>;  // [row or column][block of k]

// The slots of mma.sync's operands.
constexpr int d_slot = 0, a_slot = 4, b_slot = 8, c_slot = 10, scale_a_slot = 14, scale_b_slot = 17;

// d = c + a b with blocks of `block` elements of k; the sums of a block are exact.
void multiply(Warp& warp, const Instruction& instruction, const Values& a, const Values& b, int k, int block,
              const Scales& scale_a, const Scales& scale_b) {
    for (int lane = 0; lane < warp_size; ++lane)
        for (int j = 0; j < 4; ++j) {
            const int row = lane / 4 + 8 * (j >> 1), column = lane % 4 * 2 + (j & 1);
            double sum = warp.get<float>(instruction.slot[c_slot + j], lane);
            for (int part = 0; part < k / block; ++part) {
                double products = 0;
                for (int i = part * block; i < (part + 1) * block; ++i) products += a[row][i] * b[column][i];
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

// Row m's word comes from lane 4 (m % 8) + 2 selector + m / 8, column n's from lane 4n + selector; `first` is the
// byte of the first block.
Scales scales_of(Warp& warp, const Instruction& instruction, int slot, bool rows, int blocks, double (*decode)(uint32_t)) {
    Scales scales{};
    for (int line = 0; line < (rows ? 16 : 8); ++line) {
        const uint32_t first = warp.get<uint32_t>(instruction.slot[slot + 1], 0),
                       selector = warp.get<uint32_t>(instruction.slot[slot + 2], 0);
        const int lane = rows ? 4 * (line % 8) + 2 * static_cast<int>(selector) + line / 8
                              : 4 * line + static_cast<int>(selector);
        const uint32_t word = warp.get<uint32_t>(instruction.slot[slot], lane);
        for (int block = 0; block < blocks; ++block) scales[line][block] = decode(word >> 8 * (first + block) & 0xFF);
    }
    return scales;
}

void multiply_nibbles(Warp& warp, const Instruction& instruction, int block, double (*scale)(uint32_t)) {
    Values a{}, b{};
    for (int lane = 0; lane < warp_size; ++lane) {
        const int g = lane / 4, t = lane % 4;
        for (int r = 0; r < 4; ++r)
            for (int i = 0; i < 8; ++i)
                a[g + 8 * (r & 1)][8 * t + i + 32 * (r >> 1)] =
                    e2m1(warp.get<uint32_t>(instruction.slot[a_slot + r], lane) >> 4 * i & 15);
        for (int r = 0; r < 2; ++r)
            for (int i = 0; i < 8; ++i)
                b[g][8 * t + i + 32 * r] = e2m1(warp.get<uint32_t>(instruction.slot[b_slot + r], lane) >> 4 * i & 15);
    }
    const int blocks = 64 / block;
    multiply(warp, instruction, a, b, 64, block, scales_of(warp, instruction, scale_a_slot, true, blocks, scale),
             scales_of(warp, instruction, scale_b_slot, false, blocks, scale));
}

} // namespace

void multiply_f16(Warp& warp, const Instruction& instruction) {
    Values a{}, b{};
    for (int lane = 0; lane < warp_size; ++lane) {
        const int g = lane / 4, t = lane % 4;
        for (int i = 0; i < 2; ++i) {
            for (int r = 0; r < 4; ++r)
                a[g + 8 * (r & 1)][2 * t + i + 8 * (r >> 1)] =
                    decode_f16(static_cast<uint16_t>(warp.get<uint32_t>(instruction.slot[a_slot + r], lane) >> 16 * i));
            for (int r = 0; r < 2; ++r)
                b[g][2 * t + i + 8 * r] =
                    decode_f16(static_cast<uint16_t>(warp.get<uint32_t>(instruction.slot[b_slot + r], lane) >> 16 * i));
        }
    }
    multiply(warp, instruction, a, b, 16, 16, ones, ones);
}

void multiply_mxf4(Warp& warp, const Instruction& instruction) {
    multiply_nibbles(warp, instruction, 32, e8m0);
}

void multiply_nvf4(Warp& warp, const Instruction& instruction) {
    multiply_nibbles(warp, instruction, 16, unsigned_e4m3);
}

void multiply_e2m1_e4m3(Warp& warp, const Instruction& instruction) {
    Values a{}, b{};
    for (int lane = 0; lane < warp_size; ++lane) {
        const int g = lane / 4, t = lane % 4;
        for (int i = 0; i < 4; ++i) {
            for (int r = 0; r < 4; ++r)
                a[g + 8 * (r & 1)][4 * t + i + 16 * (r >> 1)] =
                    e2m1(warp.get<uint32_t>(instruction.slot[a_slot + r], lane) >> (8 * i + 2) & 15);
            for (int r = 0; r < 2; ++r)
                b[g][4 * t + i + 16 * r] = e4m3(warp.get<uint32_t>(instruction.slot[b_slot + r], lane) >> 8 * i & 0xFF);
        }
    }
    multiply(warp, instruction, a, b, 32, 32, scales_of(warp, instruction, scale_a_slot, true, 1, e8m0),
             scales_of(warp, instruction, scale_b_slot, false, 1, e8m0));
}

} // namespace fp4::gpu_simulator
