// What the columns of a mat-vec's instructions stand for, by the number of tokens.
#pragma once

#include "cuda/device/activation_view.h"
#include "cuda/kernels/matvec.h"

namespace fp4::cuda {

// What the eight columns of an instruction are: four tokens in two parts each, or, for more tokens, eight in
// their high parts alone. groups: of so many tokens.
template <int groups_, bool two_parts_>
struct TokenColumns {
    static constexpr bool staged = false;
    static constexpr bool whole_block = false; // the plan is known: all warps of a block for one tile
    static constexpr uint32_t warps = matvec_warps, blocks = 2; // of a block, of a multiprocessor
    static constexpr uint32_t ahead = 2;                        // chunks of a warp's weights under way
    static constexpr bool by_halves = false;                    // ChunkWeights
    static constexpr int groups = groups_;
    static constexpr bool two_parts = two_parts_;
    static constexpr int tokens = two_parts ? part_tokens : 8; // of a group
    static constexpr int lane_tokens = two_parts ? 1 : 2;      // whose sums a lane has
    static constexpr int outputs = tile_rows * tokens;
};
using FourTokens = TokenColumns<1, true>;
using EightTokens = TokenColumns<1, false>;
// Where a multiprocessor gets three blocks of four warps only: they have registers for weights by halves.
struct RoomyEightTokens : EightTokens {
    static constexpr uint32_t warps = 4, blocks = 3;
    static constexpr bool by_halves = true;
};
using SixteenTokens = TokenColumns<2, false>;
static_assert(matvec_tokens == SixteenTokens::groups * SixteenTokens::tokens);
// One token, whose input comes through shared memory: runs of its columns side by side (one_token.h).
struct OneToken {
    static constexpr bool staged = true;
    static constexpr bool whole_block = false;
    static constexpr uint32_t warps = matvec_warps, blocks = 2;
    static constexpr uint32_t ahead = 2;
    // Chunks of a warp's input that there is room for, and how many of them are under way at first.
    static constexpr uint32_t stages = 3, inputs_ahead = 2;
    static constexpr int groups = 1, tokens = 1, lane_tokens = 1, outputs = tile_rows;
};
// Of at most short_chunks chunks a warp: more blocks at a time are worth more than more loads of each.
inline constexpr uint32_t short_chunks = 2;
struct OneShortToken : OneToken {
    static constexpr bool whole_block = true;
    static constexpr uint32_t blocks = 3;
    static constexpr uint32_t ahead = 1; // and NVFP4 without halves (ChunkWeights): registers are few
    static constexpr uint32_t stages = short_chunks, inputs_ahead = short_chunks;
};

} // namespace fp4::cuda
