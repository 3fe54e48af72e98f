// Fixed and random block matrices, and what is common to all transforms of a site.
#include <doctest/doctest.h>

#include <cmath>

#include "libfp4/cpu/host_memory.h"
#include "libfp4/cpu/reference/reference_ops.h"
#include "libfp4/quant/transform/block_transforms.h"
#include "tests/unit/quant/transform_samples.h"

using namespace fp4;
using namespace fp4::test;

namespace {

const TransformKind fixed_kinds[] = {TransformKind::identity, TransformKind::hadamard,
                                     TransformKind::dct,      TransformKind::dst,
                                     TransformKind::gsr,      TransformKind::random_hadamard};

struct Size {
    size_t cols;
    uint32_t block;
};
const Size sizes[] = {{64, 16}, {64, 64}, {128, 128}, {576, 32}, {576, 64}, {1408, 32}, {1408, 128}};

SiteTransform made(TransformKind kind, size_t cols, uint32_t block, uint64_t seed = 5) {
    return block_transform(kind, cols, block, seed).value();
}

// A different invertible matrix per block, with its exact inverse: diag(d) times a rotation.
SiteTransform per_block_transform(size_t cols, uint32_t block) {
    SiteTransform out = made(TransformKind::dct, cols, block);
    std::vector<double> base = out.matrix;
    std::vector<double> scales = normal_values(cols, 77);
    out.matrix.clear();
    out.weight_matrix.clear();
    for (size_t row = 0; row < cols; ++row) {
        double scale = std::exp(scales[row]);
        for (size_t j = 0; j < block; ++j) {
            out.matrix.push_back(scale * base[row % block * block + j]);
            out.weight_matrix.push_back(base[row % block * block + j] / scale);
        }
    }
    return out;
}

std::vector<double> positive_scale(size_t cols, uint32_t seed) {
    std::vector<double> scale = normal_values(cols, seed);
    for (double& value : scale) value = std::exp(value);
    return scale;
}

} // namespace

TEST_CASE("a transformed layer equals the original") {
    for (Size size : sizes) {
        for (TransformKind kind : fixed_kinds) {
            CAPTURE(transform_name(kind));
            CAPTURE(size.cols);
            CAPTURE(size.block);
            SiteTransform transform = made(kind, size.cols, size.block);
            CHECK(output_difference(transform, 1) < 1e-12);
            prepend_channel_scale(transform, positive_scale(size.cols, 3));
            CHECK(output_difference(transform, 2) < 1e-12);
        }
        for (uint64_t seed = 0; seed < 5; ++seed) {
            SiteTransform transform = made(TransformKind::fast_food, size.cols, size.block, seed);
            CHECK(output_difference(transform, 3) < 1e-10);
        }
        CHECK(output_difference(per_block_transform(size.cols, size.block), 4) < 1e-12);
    }
}

TEST_CASE("fixed transforms are orthogonal, fast-food is not") {
    for (uint32_t block : {16u, 32u, 64u, 128u}) {
        for (TransformKind kind : fixed_kinds) {
            CAPTURE(transform_name(kind));
            CAPTURE(block);
            CHECK(orthogonality_error(dense_matrix(made(kind, block, block)), block) < 1e-13);
        }
        CHECK(orthogonality_error(dense_matrix(made(TransformKind::fast_food, block, block)), block) > 0.1);
    }
}

TEST_CASE("matrices have the values that Python computes from their definitions") {
    struct Golden {
        const char* name;
        TransformKind kind;
        uint32_t block;
    };
    for (Golden golden : {Golden{"hadamard16", TransformKind::hadamard, 16},
                          {"dct16", TransformKind::dct, 16},
                          {"dct32", TransformKind::dct, 32},
                          {"dst16", TransformKind::dst, 16},
                          {"dst32", TransformKind::dst, 32},
                          {"gsr16", TransformKind::gsr, 16},
                          {"gsr32", TransformKind::gsr, 32}}) {
        CAPTURE(golden.name);
        std::vector<double> expected = golden_matrix(*transform_golden().find(golden.name));
        CHECK(largest_difference(dense_matrix(made(golden.kind, golden.block, golden.block)), expected) <
              1e-14);
    }
}

TEST_CASE("gsr columns are Hadamard columns with as many sign changes as their index") {
    constexpr size_t k = 128;
    SiteTransform transform = made(TransformKind::gsr, k, k);
    for (size_t j = 0; j < k; ++j) {
        size_t changes = 0;
        for (size_t i = 0; i + 1 < k; ++i) {
            changes += transform.matrix[i * k + j] * transform.matrix[(i + 1) * k + j] < 0.0;
        }
        CHECK(changes == j);
    }
}

TEST_CASE("the engine's definition of the transform gives the same inputs") {
    for (TransformKind kind : {TransformKind::identity, TransformKind::hadamard, TransformKind::dst,
                               TransformKind::gsr, TransformKind::random_hadamard}) {
        for (bool scaled : {false, true}) {
            CAPTURE(transform_name(kind));
            SiteTransform transform = made(kind, 192, 64);
            if (scaled) prepend_channel_scale(transform, positive_scale(192, 9));
            std::vector<float> values = normal_floats(192, 8);
            std::vector<double> expected(values.begin(), values.end());
            transform_input(transform, expected.data());
            auto engine = HostTransform::create(input_transform(transform), 192);
            REQUIRE(engine.ok());
            reference::transform_row(**engine, values);
            CHECK(largest_difference({values.begin(), values.end()}, expected) < 3e-6);
        }
    }
    CHECK(input_transform(made(TransformKind::hadamard, 64, 32)).kind == InputTransform::Kind::hadamard);
    CHECK(input_transform(made(TransformKind::random_hadamard, 64, 32)).kind ==
          InputTransform::Kind::hadamard);
    CHECK(input_transform(made(TransformKind::gsr, 64, 32)).kind == InputTransform::Kind::matrix);
    CHECK(input_transform(made(TransformKind::identity, 64, 32)).kind == InputTransform::Kind::identity);
    CHECK(input_transform(per_block_transform(64, 16)).matrix.size() == 4 * 16 * 16);
}

TEST_CASE("random transforms depend on the seed") {
    for (TransformKind kind : {TransformKind::random_hadamard, TransformKind::fast_food}) {
        std::vector<double> first = dense_matrix(made(kind, 64, 32, 1));
        CHECK(first == dense_matrix(made(kind, 64, 32, 1)));
        CHECK(first != dense_matrix(made(kind, 64, 32, 2)));
    }
    // Blocks have signs of their own.
    std::vector<double> signs = made(TransformKind::random_hadamard, 64, 32, 1).channel_scale;
    CHECK(std::vector<double>(signs.begin(), signs.begin() + 32) !=
          std::vector<double>(signs.begin() + 32, signs.end()));
}

TEST_CASE("rows of weights are transformed in place") {
    SiteTransform transform = per_block_transform(96, 32);
    prepend_channel_scale(transform, positive_scale(96, 4));
    constexpr size_t rows = 7;
    std::vector<float> weights = normal_floats(rows * 96, 6);
    std::vector<double> expected(weights.begin(), weights.end());
    for (size_t row = 0; row < rows; ++row) transform_weight(transform, expected.data() + row * 96);
    transform_weights(transform, weights.data(), rows, test_pool());
    for (size_t i = 0; i < weights.size(); ++i) REQUIRE(weights[i] == static_cast<float>(expected[i]));
}

TEST_CASE("a transformed gram is the gram of transformed inputs") {
    constexpr size_t cols = 96, tokens = 20;
    std::vector<double> x = normal_values(tokens * cols, 10);
    std::vector<double> y = normal_values(tokens * cols, 11);
    for (SiteTransform transform :
         {made(TransformKind::identity, cols, 32), made(TransformKind::hadamard, cols, 32),
          made(TransformKind::dst, cols, 16), per_block_transform(cols, 32)}) {
        for (bool scaled : {false, true}) {
            if (scaled) prepend_channel_scale(transform, positive_scale(cols, 12));
            std::vector<double> tx = x, ty = y;
            for (size_t t = 0; t < tokens; ++t) {
                transform_input(transform, tx.data() + t * cols);
                transform_input(transform, ty.data() + t * cols);
            }
            std::vector<double> gram = product(transposed(x, tokens, cols), x, cols, tokens, cols);
            std::vector<double> cross = product(transposed(y, tokens, cols), x, cols, tokens, cols);
            transform_gram(transform, gram, test_pool());
            transform_gram(transform, cross, test_pool());
            double scale = largest_difference(gram, std::vector<double>(gram.size()));
            CHECK(largest_difference(gram, product(transposed(tx, tokens, cols), tx, cols, tokens, cols)) <
                  1e-13 * scale);
            CHECK(largest_difference(cross, product(transposed(ty, tokens, cols), tx, cols, tokens, cols)) <
                  1e-13 * scale);
        }
    }
}

TEST_CASE("a block that does not fit is refused with its size and K") {
    for (TransformKind kind : {TransformKind::hadamard, TransformKind::dct, TransformKind::fast_food}) {
        auto refused = block_transform(kind, 576, 128, 0);
        REQUIRE(!refused.ok());
        CHECK(refused.error().status == Status::argument);
        CHECK(refused.error().message.find("block 128") != std::string::npos);
        CHECK(refused.error().message.find("K = 576") != std::string::npos);
    }
    for (uint32_t block : {0u, 1u, 8u, 48u, 256u}) CHECK(!check_transform_block(768, block).ok());
    CHECK(!check_transform_block(0, 32).ok());
    CHECK(check_transform_block(1408, 128).ok());
    CHECK(block_transform(TransformKind::identity, 77, 0, 0).value().identity());
}

TEST_CASE("names") {
    for (const char* name :
         {"identity", "hadamard", "dct", "dst", "gsr", "random-hadamard", "fast-food", "duquant++", "wush"}) {
        REQUIRE(parse_transform(name).has_value());
        TransformKind kind = *parse_transform(name);
        CHECK(transform_name(kind) == name);
        CHECK(block_transform(kind, 64, 32, 0).ok() == !needs_statistics(kind));
    }
    CHECK(!parse_transform("Hadamard"));
    CHECK(!parse_transform(""));
}
