// Calibration: unrounded inputs read back, sums of outer products.
#include <doctest/doctest.h>

#include "compare.h"
#include "random_weight.h"
#include "rig.h"

using namespace fp4;
using namespace fp4::ops;

TEST_CASE("an unrounded input is read back as it was made") {
    Random random(1);
    for_each_backend([&](Pair& pair) {
        for (size_t cols : {8u, 31u, 130u}) {
            Floats values = random.normals(5 * cols);
            for (Rig* rig : {&pair.tested, &pair.reference}) {
                auto input = rig->exact_activation(values, 5, cols, {});
                auto out = rig->buffer(5 * cols);
                rig->stream().read_input(*input, 5, *out);
                rig->finish();
                CHECK(rig->download(*out, 5 * cols) == values);
            }
        }
    });
}

TEST_CASE("gram: sums of outer products, symmetric and not, over several calls") {
    Random random(2);
    for_each_backend([&](Pair& pair) {
        for (auto [n, cols] : {std::pair<size_t, size_t>{1, 1}, {3, 7}, {17, 64}, {33, 130}, {100, 65}}) {
            for (bool symmetric : {true, false}) {
                Floats a = random.normals(n * cols), b = random.normals(n * cols), sums[2];
                for (Rig* rig : {&pair.tested, &pair.reference}) {
                    auto left = rig->upload(a), right = rig->upload(b), sum = rig->buffer(cols * cols);
                    for (int call = 0; call < 2; ++call)
                        rig->stream().accumulate_gram(*left, symmetric ? *left : *right, n, cols, *sum);
                    rig->finish();
                    sums[rig == &pair.reference] = rig->download(*sum, cols * cols);
                }
                CAPTURE(n);
                CAPTURE(cols);
                CHECK(nmse(sums[0], sums[1]) < 1e-12);
            }
        }
    });
}

TEST_CASE("gram: buffers that are too small are refused") {
    for_each_backend([&](Pair& pair) {
        Rig& rig = pair.tested;
        auto small = rig.buffer(15), sum = rig.buffer(16);
        rig.stream().accumulate_gram(*small, *small, 4, 4, *sum);
        CHECK(!rig.stream().synchronize().ok());
    });
}
