// Calibration: unrounded inputs read back, sums of outer products.
#include <doctest/doctest.h>

#include "compare.h"
#include "random_weight.h"
#include "rig.h"

using namespace fp4;
using namespace fp4::ops;

TEST_CASE("an input is read back as what it stands for") {
    Random random(1);
    for_each_backend([&](Pair& pair) {
        for (ActivationFormat format : all_activation_formats) {
            for (size_t cols : {8u, 31u, 130u}) {
                Floats values = random.normals(5 * cols);
                for (Rig* rig : {&pair.tested, &pair.reference}) {
                    auto input = rig->exact_activation(values, 5, cols, format);
                    auto out = rig->buffer(5 * cols);
                    rig->stream().read_input(*input, 5, *out);
                    rig->finish();
                    const bool plain = format.kind == ActivationFormat::Kind::a16;
                    CHECK(rig->download(*out, 5 * cols) == (plain ? values : rig->values_of(*input, 5)));
                }
            }
        }
    });
}

TEST_CASE("gram: sums of outer products, symmetric and not, over several calls") {
    Random random(2);
    struct Shape {
        size_t n, a_cols, b_cols;
    };
    for_each_backend([&](Pair& pair) {
        for (Shape shape : {Shape{1, 1, 1}, {3, 7, 9}, {17, 64, 64}, {33, 130, 31}, {100, 65, 200}}) {
            for (bool symmetric : {true, false}) {
                const size_t b_cols = symmetric ? shape.a_cols : shape.b_cols;
                Floats a = random.normals(shape.n * shape.a_cols), b = random.normals(shape.n * b_cols),
                       sums[2];
                for (Rig* rig : {&pair.tested, &pair.reference}) {
                    auto left = rig->upload(a), right = rig->upload(b),
                         sum = rig->buffer(shape.a_cols * b_cols);
                    for (int call = 0; call < 2; ++call) {
                        rig->stream().accumulate_gram(*left, shape.a_cols, symmetric ? *left : *right, b_cols,
                                                      shape.n, *sum);
                    }
                    rig->finish();
                    sums[rig == &pair.reference] = rig->download(*sum, shape.a_cols * b_cols);
                }
                CAPTURE(shape.n);
                CAPTURE(shape.a_cols);
                CHECK(nmse(sums[0], sums[1]) < 1e-12);
            }
        }
    });
}

TEST_CASE("gram: buffers that are too small are refused") {
    for_each_backend([&](Pair& pair) {
        Rig& rig = pair.tested;
        auto small = rig.buffer(15), sum = rig.buffer(16);
        rig.stream().accumulate_gram(*small, 4, *small, 4, 4, *sum);
        CHECK(!rig.stream().synchronize().ok());
    });
}
