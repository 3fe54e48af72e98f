// How mat-vec work is cut.
#include <doctest/doctest.h>

#include <bit>

#include "cuda/kernels/attention.h"
#include "cuda/kernels/matvec.h"

using namespace fp4;
using namespace fp4::cuda;

TEST_CASE("a plan fits a block and leaves no warp without columns") {
    for (uint32_t tiles : {1u, 4u, 36u, 256u, 384u, 1792u, 8016u}) {
        for (uint32_t cols : {1u, 64u, 256u, 257u, 576u, 4096u, 14336u, 28672u}) {
            for (int processors : {16, 132, 170}) {
                for (uint32_t tokens : {1u, 2u, matvec_tokens}) {
                    const MatvecPlan plan = plan_matvec(tiles, cols, tokens, processors);
                    const uint32_t chunks = (cols + chunk_columns - 1) / chunk_columns;
                    CHECK(plan.k_warps * plan.row_warps <= matvec_warps);
                    CHECK(std::has_single_bit(plan.k_warps));
                    CHECK((plan.room == 2 || plan.room == 3));
                    if (plan.room == 3) CHECK(plan.k_warps * plan.row_warps == (tokens == 1 ? 8 : 4));
                    CHECK(plan.splits >= 1);
                    CHECK(plan.k_warps * plan.splits <= chunks);
                }
            }
        }
    }
}

TEST_CASE("whole chunks of the last rows end where the codes' memory ends") {
    for (uint32_t cols : {1u, 64u, 192u, 256u, 257u, 576u, 4096u}) {
        const uint64_t tiles = (cols + tile_columns - 1) / tile_columns;
        const uint64_t chunks = (cols + chunk_columns - 1) / chunk_columns;
        constexpr uint64_t row_tiles = 3;
        const uint64_t codes = row_tiles * tiles * tile_bytes;
        const uint64_t last = (row_tiles - 1) * tiles * tile_bytes;
        CHECK(codes + code_overrun(cols) == last + chunks * (chunk_columns / tile_columns) * tile_bytes);
    }
}

TEST_CASE("groups of several targets follow each other") {
    MatvecView view;
    view.target_count = 3;
    view.plan.row_warps = 2;
    const uint32_t rows[] = {4096, 1000, 16};
    for (uint32_t i = 0; i < 3; ++i) view.targets[i].weight.rows = rows[i];
    CHECK(matvec_groups(view) == 128 + 32 + 1);
    CHECK(view.first_group[1] == 128);
    CHECK(view.first_group[2] == 160);
    CHECK(view.first_group[3] == UINT32_MAX);
}

TEST_CASE("attention is split where there are few queries and many keys") {
    CHECK(attention_splits(1, 1, 32, 8, 132) == 1);
    CHECK(attention_splits(1, 128, 32, 8, 132) == 8);
    CHECK(attention_splits(1, 100000, 32, 8, 132) == 64);
    CHECK(attention_splits(512, 4608, 32, 8, 132) == 1);
}
