#include "tests/gpu_simulator/warp_steps.h"

#include <algorithm>

#include "tests/gpu_simulator/fault.h"
#include "tests/gpu_simulator/step_table.h"

namespace fp4::gpu_simulator {
namespace {

// PTX ISA, shfl.sync: `source` gives the lane that is read and whether it is in the segment.
template <class Source>
void shuffle(Warp& warp, const Instruction& instruction, Source source) {
    std::array<uint32_t, warp_size> values;
    for (int lane = 0; lane < warp_size; ++lane) values[lane] = warp.get<uint32_t>(instruction.slot[2], lane);
    each_lane(warp.lanes(), [&](int lane) {
        const int b = warp.get<uint32_t>(instruction.slot[3], lane) & 31;
        const uint32_t c = warp.get<uint32_t>(instruction.slot[4], lane);
        const int segment = c >> 8 & 31, clamp = c & 31;
        const int most = (lane & segment) | (clamp & ~segment), least = lane & segment;
        const auto [from, inside] = source(lane, b, most, least, segment);
        const int read = inside ? from : lane;
        if (!(warp.lanes() >> read & 1)) throw Fault("a shuffle that reads a lane that is not there");
        warp.put<uint32_t>(instruction.slot[0], lane, values[read]);
        if (instruction.slot[1] != no_slot) warp.put<bool>(instruction.slot[1], lane, inside);
    });
}

struct Choice {
    int lane;
    bool inside;
};

using Rows = std::array<std::array<uint8_t, 16>, warp_size>; // of four matrices of 8 rows

Rows matrix_rows(Warp& warp, const Instruction& instruction) {
    Rows rows;
    for (int lane = 0; lane < warp_size; ++lane) {
        const uint32_t address =
            warp.get<uint32_t>(instruction.base, lane) + static_cast<uint32_t>(instruction.offset);
        warp.block().shared->read(address, rows[lane].data(), 16, warp.tracer());
    }
    return rows;
}

uint32_t element(const Rows& rows, int matrix, int row, int column) {
    const auto& data = rows[matrix * 8 + row];
    return data[2 * column] | uint32_t(data[2 * column + 1]) << 8;
}

} // namespace

void shuffle_index(Warp& warp, const Instruction& instruction) {
    shuffle(warp, instruction, [](int, int b, int most, int least, int segment) {
        const int from = least | (b & ~segment);
        return Choice{from, from <= most};
    });
}
void shuffle_up(Warp& warp, const Instruction& instruction) {
    shuffle(warp, instruction, [](int lane, int b, int most, int, int) {
        return Choice{lane - b, lane - b >= most};
    });
}
void shuffle_down(Warp& warp, const Instruction& instruction) {
    shuffle(warp, instruction, [](int lane, int b, int most, int, int) {
        return Choice{lane + b, lane + b <= most};
    });
}
void shuffle_butterfly(Warp& warp, const Instruction& instruction) {
    shuffle(warp, instruction, [](int lane, int b, int most, int, int) {
        return Choice{lane ^ b, (lane ^ b) <= most};
    });
}

void vote_any(Warp& warp, const Instruction& instruction) {
    bool any = false;
    each_lane(warp.lanes(), [&](int lane) { any |= warp.get<bool>(instruction.slot[1], lane); });
    each_lane(warp.lanes(), [&](int lane) { warp.put<bool>(instruction.slot[0], lane, any); });
}

void meet(Warp&, const Instruction&) {}

void load_matrices(Warp& warp, const Instruction& instruction) {
    const Rows rows = matrix_rows(warp, instruction);
    for (int matrix = 0; matrix < 4; ++matrix)
        for (int lane = 0; lane < warp_size; ++lane) {
            const int row = lane / 4, column = lane % 4 * 2;
            warp.put<uint32_t>(instruction.slot[matrix], lane,
                               element(rows, matrix, row, column) | element(rows, matrix, row, column + 1)
                                                                        << 16);
        }
}

void load_matrices_transposed(Warp& warp, const Instruction& instruction) {
    const Rows rows = matrix_rows(warp, instruction);
    for (int matrix = 0; matrix < 4; ++matrix)
        for (int lane = 0; lane < warp_size; ++lane) {
            const int row = lane % 4 * 2, column = lane / 4;
            warp.put<uint32_t>(instruction.slot[matrix], lane,
                               element(rows, matrix, row, column) | element(rows, matrix, row + 1, column)
                                                                        << 16);
        }
}

} // namespace fp4::gpu_simulator
