// QuaRot's merged rotations.
#include <doctest/doctest.h>

#include <cmath>

#include "libfp4/quant/transform/global_rotation.h"
#include "tests/unit/quant/transform_samples.h"

using namespace fp4;
using namespace fp4::test;

namespace {

std::vector<double> dense(const GlobalRotation& rotation) {
    size_t n = rotation.size;
    std::vector<double> out(n * n);
    for (size_t i = 0; i < n; ++i) {
        out[i * n + i] = 1.0;
        rotate(rotation, out.data() + i * n);
    }
    return out;
}

std::vector<double> doubles(const std::vector<float>& values) {
    return {values.begin(), values.end()};
}

std::vector<double> rms_normed(std::vector<double> x) {
    double squares = 0.0;
    for (double value : x) squares += value * value;
    double scale = 1.0 / std::sqrt(squares / static_cast<double>(x.size()) + 1e-5);
    for (double& value : x) value *= scale;
    return x;
}

} // namespace

TEST_CASE("rotations of any width are orthogonal") {
    for (size_t size : {1u, 2u, 64u, 576u, 96u, 45u, 1408u}) {
        CAPTURE(size);
        for (RotationSigns signs : {RotationSigns::none, RotationSigns::random}) {
            GlobalRotation rotation = make_rotation(size, signs, 5).value();
            if (size < 1000) CHECK(orthogonality_error(dense(rotation), size) < 1e-12);
            // Every channel is spread: its largest image is small.
            std::vector<double> x(size);
            x[size / 2] = 1.0;
            rotate(rotation, x.data());
            double squares = 0.0;
            for (double value : x) squares += value * value;
            CHECK(squares == doctest::Approx(1.0).epsilon(1e-12));
        }
    }
    std::vector<double> plain = dense(make_rotation(8, RotationSigns::none, 1).value());
    for (size_t i = 0; i < 64; ++i) {
        int sign = __builtin_parity(static_cast<unsigned>((i / 8) & (i % 8))) ? -1 : 1;
        CHECK(plain[i] == doctest::Approx(sign / std::sqrt(8.0)).epsilon(1e-14));
    }
    CHECK(dense(make_rotation(96, RotationSigns::random, 1).value()) !=
          dense(make_rotation(96, RotationSigns::random, 2).value()));
    CHECK(!make_rotation(0, RotationSigns::none, 1).ok());
    CHECK(make_rotation(2 * 521, RotationSigns::none, 1).error().message.find("521") != std::string::npos);
}

TEST_CASE("both sides are the matrix products they stand for") {
    constexpr size_t size = 48, other = 7;
    GlobalRotation rotation = make_rotation(size, RotationSigns::random, 9).value();
    std::vector<double> q = dense(rotation);
    std::vector<float> gain = normal_floats(size, 61);

    std::vector<float> reader = normal_floats(other * size, 62);
    std::vector<double> scaled = doubles(reader);
    for (size_t i = 0; i < scaled.size(); ++i) scaled[i] *= gain[i % size];
    rotate_input_side(rotation, reader.data(), other, size, gain, test_pool());
    CHECK(largest_difference(doubles(reader), product(scaled, q, other, size, size)) < 1e-5);

    std::vector<float> writer = normal_floats(size * other, 63);
    std::vector<double> expected = product(transposed(q, size, size), doubles(writer), size, size, other);
    rotate_output_side(rotation, writer.data(), size, other, test_pool());
    CHECK(largest_difference(doubles(writer), expected) < 1e-5);
}

TEST_CASE("a rotated residual stream gives the same outputs") {
    // e -> x; x += (rms(x) g1) A^T B^T; logits = rms(x) g2 C^T, A: [m, d], B: [d, m], C: [v, d], all in
    // float32.
    constexpr size_t d = 96, m = 40, v = 11;
    std::vector<float> e = normal_floats(d, 71), a = normal_floats(m * d, 72), b = normal_floats(d * m, 73),
                       c = normal_floats(v * d, 74), g1 = normal_floats(d, 75), g2 = normal_floats(d, 76);
    auto logits = [&](bool gains) {
        std::vector<double> x = doubles(e);
        std::vector<double> h = rms_normed(x);
        for (size_t j = 0; gains && j < d; ++j) h[j] *= g1[j];
        h = product(h, transposed(doubles(a), m, d), 1, d, m);
        h = product(h, transposed(doubles(b), d, m), 1, m, d);
        for (size_t j = 0; j < d; ++j) x[j] += h[j];
        x = rms_normed(x);
        for (size_t j = 0; gains && j < d; ++j) x[j] *= g2[j];
        return product(x, transposed(doubles(c), v, d), 1, d, v);
    };
    std::vector<double> expected = logits(true);
    GlobalRotation rotation = make_rotation(d, RotationSigns::random, 4).value();
    rotate_input_side(rotation, e.data(), 1, d, {}, test_pool());
    rotate_input_side(rotation, a.data(), m, d, g1, test_pool());
    rotate_output_side(rotation, b.data(), d, m, test_pool());
    rotate_input_side(rotation, c.data(), v, d, g2, test_pool());
    CHECK(largest_difference(logits(false), expected) < 1e-5 * std::sqrt(d));
}

TEST_CASE("heads: values and output weights cancel, with shared key/value heads and a bias") {
    constexpr size_t hidden = 24, head_dim = 16, heads = 4, kv_heads = 2;
    std::vector<float> v = normal_floats(kv_heads * head_dim * hidden, 81),
                       bias = normal_floats(kv_heads * head_dim, 82),
                       o = normal_floats(hidden * heads * head_dim, 83);
    std::vector<double> x = normal_values(hidden, 84);
    auto output = [&] {
        std::vector<double> values = product(doubles(v), x, kv_heads * head_dim, hidden, 1);
        for (size_t i = 0; i < values.size(); ++i) values[i] += bias[i];
        std::vector<double> repeated; // every query head attends to one token
        for (size_t head = 0; head < heads; ++head) {
            auto first = values.begin() + static_cast<std::ptrdiff_t>(head * kv_heads / heads * head_dim);
            repeated.insert(repeated.end(), first, first + head_dim);
        }
        return product(doubles(o), repeated, hidden, heads * head_dim, 1);
    };
    std::vector<double> expected = output();
    std::vector<float> plain = v;
    GlobalRotation rotation = make_rotation(head_dim, RotationSigns::none, 0).value();
    rotate_output_side(rotation, v.data(), kv_heads * head_dim, hidden, test_pool());
    rotate_output_side(rotation, bias.data(), kv_heads * head_dim, 1, test_pool());
    rotate_input_side(rotation, o.data(), hidden, heads * head_dim, {}, test_pool());
    CHECK(v != plain);
    CHECK(largest_difference(output(), expected) < 1e-4);
}

TEST_CASE("models that cannot be rotated are named with the reason") {
    CHECK(check_rotatable({}).ok());
    struct Case {
        ResidualStream stream;
        const char* reason;
    };
    for (const Case& one :
         {Case{{.rms_norm = false}, "mean"}, Case{{.post_norms = true}, "norms follow"},
          Case{{.output_biases = true}, "biases"}, Case{{.head_is_embedding = true}, "own copy"}}) {
        auto refused = check_rotatable(one.stream);
        REQUIRE(!refused.ok());
        CHECK(refused.error().status == Status::unsupported);
        CHECK(refused.error().message.find(one.reason) != std::string::npos);
    }
}
