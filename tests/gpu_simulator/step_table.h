// Steps by the names of their instructions.
#pragma once

#include <bit>
#include <initializer_list>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "tests/gpu_simulator/warp.h"

namespace fp4::gpu_simulator {

struct StepEntry {
    Step step;
    std::vector<uint8_t> operand_bytes; // 8, or 4 for everything smaller: destination, then sources
};
using StepTable = std::unordered_map<std::string, StepEntry>;

template <class F>
void each_lane(uint32_t lanes, F f) {
    if (lanes == ~0u) {
        for (int lane = 0; lane < warp_size; ++lane) f(lane);
    } else {
        for (; lanes; lanes &= lanes - 1) f(std::countr_zero(lanes));
    }
}

// destination = f(sources...) in all lanes; those at hand keep it. Through arrays, which compilers make
// vectors of.
template <auto f, class D, class... S, size_t... i>
void run_lane_step(Warp& warp, const Instruction& instruction, std::index_sequence<i...>) {
    const std::tuple<Lanes<S>...> sources{warp.lanes_of<S>(instruction.slot[1 + i])...};
    Lanes<D> results;
    for (int lane = 0; lane < warp_size; ++lane)
        results[lane] = static_cast<D>(f(std::get<i>(sources)[lane]...));
    warp.put_lanes(instruction.slot[0], results);
}

template <auto f, class D, class... S>
StepEntry lane_step() {
    return {[](Warp& warp, const Instruction& instruction) {
                run_lane_step<f, D, S...>(warp, instruction, std::index_sequence_for<S...>{});
            },
            {uint8_t(sizeof(D) == 8 ? 8 : 4), uint8_t(sizeof(S) == 8 ? 8 : 4)...}};
}

void add_integer_steps(StepTable& table);
void add_float_steps(StepTable& table);
void add_conversion_steps(StepTable& table);

} // namespace fp4::gpu_simulator
