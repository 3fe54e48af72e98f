// Plans of the W4A16 product cover k exactly and stay within the workspace.
#include <doctest/doctest.h>

#include "cuda/gemm/w4a16_plan.h"

using namespace fp4::cuda;

TEST_CASE("W4A16 plans: all of k, whole scale chunks, no more workspace than there is") {
    for (W4A16Kernel kernel : {W4A16Kernel::mma, W4A16Kernel::hopper, W4A16Kernel::hopper_e4m3})
        for (size_t m : {1, 16, 65, 512, 4096})
            for (size_t n : {1, 130, 4096, 28672})
                for (size_t k : {64, 576, 4096, 28672})
                    for (size_t workspace : {size_t(0), size_t(1) << 20, size_t(1) << 30}) {
                        const W4A16Plan plan = plan_w4a16(m, n, k, 132, kernel, workspace);
                        const size_t panels = (k + 63) / 64, step = static_cast<size_t>(plan.split_panels);
                        CHECK(step % 4 == 0);
                        CHECK(static_cast<size_t>(plan.splits) == (panels + step - 1) / step);
                        CHECK(plan.splits <= 8);
                        if (plan.splits > 1) CHECK(static_cast<size_t>(plan.splits) * m * n * 4 <= workspace);
                        CHECK((plan.tokens == 128 ||
                               (kernel != W4A16Kernel::mma && (plan.tokens == 64 || plan.tokens == 256))));
                    }
}

TEST_CASE("W4A16 plans: few tokens are split over the processors, many are not") {
    CHECK(plan_w4a16(32, 4096, 14336, 132, W4A16Kernel::hopper, size_t(1) << 30).splits > 1);
    CHECK(plan_w4a16(4096, 28672, 4096, 132, W4A16Kernel::hopper, size_t(1) << 30).splits == 1);
    CHECK(plan_w4a16(4096, 28672, 4096, 132, W4A16Kernel::hopper, size_t(1) << 30).tokens == 256);
}
