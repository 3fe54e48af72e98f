// Ops that end in round(transform(...)): norm, glu, and the rounding itself.
// Bounds: NMSE 1e-11 without rounding. With rounding a value next to a tie may fall to either side, because
// the ops before it differ by an ulp: at most 0.5 % of the values may differ then, each by no more than 1/4
// of its block's largest magnitude (the coarsest E2M1 step), and nvfp4's token scale may move all by 1e-6.
#include <doctest/doctest.h>

#include <algorithm>

#include "random_weight.h"
#include "rig.h"

using namespace fp4;
using namespace fp4::ops;

namespace {

using Kind = ActivationFormat::Kind;

void check_rounded(const Floats& tested, const Floats& reference, ActivationFormat format) {
    if (format.kind == Kind::a16) {
        CHECK(nmse(tested, reference) < 1e-11);
        return;
    }
    size_t different = 0;
    float amax = 0.0f, worst = 0.0f;
    for (float value : reference) amax = std::max(amax, std::fabs(value));
    for (size_t i = 0; i < reference.size(); ++i) {
        float error = std::fabs(tested[i] - reference[i]);
        // Far down gelu's tail a value has few right digits, and alone in its block it is rounded by itself.
        different += !(error <= 2e-6f * std::fabs(reference[i]) + 1e-10f);
        worst = std::max(worst, error);
    }
    CHECK(different <= reference.size() / 200 + 1);
    CHECK(worst <= 0.34f * amax);
}

InputTransform random_transform(size_t cols, Random& random) {
    InputTransform transform;
    for (uint32_t block : {128u, 64u, 32u, 16u}) {
        if (cols % block == 0 && (transform.block == 0 || random.below(2) == 0)) transform.block = block;
    }
    if (transform.block != 0) {
        transform.kind = random.below(2) == 0 ? InputTransform::Kind::hadamard : InputTransform::Kind::matrix;
        if (transform.kind == InputTransform::Kind::matrix)
            transform.matrix =
                random.normals((random.below(2) == 0 ? transform.block : cols) * transform.block, 0.2f);
    }
    if (random.below(2) == 0) {
        transform.channel_scale.resize(cols);
        for (float& scale : transform.channel_scale) scale = random.uniform(0.25f, 4.0f);
    }
    return transform;
}

} // namespace

TEST_CASE("rounding of exact inputs is bit-exact in every activation format") {
    Random random(11);
    for_each_backend([&](Pair& pair) {
        for (ActivationFormat format : all_activation_formats) {
            for (size_t cols : {1, 16, 40, 172, 256, 576}) {
                Floats x = random.normals(3 * cols);
                // Edge values: a zero run, a tie, an outlier, tiny numbers.
                for (size_t j = 0; j < std::min<size_t>(cols, 20); ++j) x[j] = 0.0f;
                if (cols > 170) {
                    x[64] = 1.75f, x[65] = 0.125f, x[66] = 4096.0f;
                    for (size_t j = 96; j < 128; ++j) x[j] = 1e-20f * static_cast<float>(j);
                }
                INFO(pair.name, " kind ", int(format.kind), " rule ", int(format.rule), " cols ", cols);
                Floats tested = pair.tested.values_of(*pair.tested.exact_activation(x, 3, cols, format), 3);
                Floats reference =
                    pair.reference.values_of(*pair.reference.exact_activation(x, 3, cols, format), 3);
                CHECK(nmse(tested, reference) < 1e-13);
            }
        }
    });
}

TEST_CASE("nvfp4 with a tensor scale for all tokens gives the codec's numbers, saturated above it") {
    Random random(19);
    // A power of two, so that scaling rounds nothing: largest number 448 x 6 / 1024.
    const ActivationFormat format{Kind::nvfp4, ScaleRule::amax, 0x1p-10f};
    for_each_backend([&](Pair& pair) {
        for (size_t cols : {16, 40, 172, 576}) {
            Floats x = random.normals(2 * cols);
            for (size_t j = 0; j < 8; ++j) x[j] *= 1000.0f;          // beyond the calibrated maximum
            for (size_t j = cols; j < cols + 16; ++j) x[j] *= 1e-7f; // below the smallest block scale
            Floats expected(2 * cols);
            for (size_t t = 0; t < 2; ++t) {
                std::vector<uint8_t> codes(row_code_bytes(BlockFormat::nvfp4, cols)),
                    scales(row_scales(BlockFormat::nvfp4, cols));
                quantize_row(BlockFormat::nvfp4, ScaleRule::amax, format.tensor_scale, x.data() + t * cols,
                             cols, codes.data(), scales.data());
                dequantize_row(BlockFormat::nvfp4, format.tensor_scale, codes.data(), scales.data(), cols,
                               expected.data() + t * cols);
            }
            INFO(pair.name, " cols ", cols);
            CHECK(std::fabs(expected[0]) == 448.0f * 6.0f / 1024.0f);
            CHECK(expected[cols] == 0.0f);
            for (Rig* rig : {&pair.tested, &pair.reference})
                CHECK(rig->values_of(*rig->exact_activation(x, 2, cols, format), 2) == expected);
        }
    });
}

TEST_CASE("mxfp8 inputs are the codec's numbers, bit for bit") {
    Random random(20);
    for_each_backend([&](Pair& pair) {
        for (ScaleRule rule : {ScaleRule::floor, ScaleRule::ceil, ScaleRule::even}) {
            for (size_t cols : {1, 32, 40, 172, 576}) {
                Floats x = random.normals(3 * cols);
                for (size_t t = 0; t < 3; ++t) { // exponents over the whole range, and the ends of it
                    for (size_t j = t * cols; j < (t + 1) * cols; ++j)
                        x[j] = std::ldexp(x[j], static_cast<int>(random.below(24)) - 12 + (int(t) - 1) * 100);
                }
                for (size_t j = 0; j < std::min<size_t>(cols, 32); ++j)
                    x[j] = 1.0f + static_cast<float>(j) / 16;
                if (cols > 128) {
                    for (size_t j = 64; j < 96; ++j) x[j] = j % 2 == 0 ? 0.0f : -0.0f;
                    x[97] = -0.0f, x[98] = 3e38f, x[130] = 1e-42f;
                }
                Floats expected(x.size());
                for (size_t t = 0; t < 3; ++t) {
                    std::vector<uint8_t> codes(row_code_bytes(BlockFormat::mxfp8_e4m3, cols)),
                        scales(row_scales(BlockFormat::mxfp8_e4m3, cols));
                    quantize_row(BlockFormat::mxfp8_e4m3, rule, 1.0f, x.data() + t * cols, cols, codes.data(),
                                 scales.data());
                    dequantize_row(BlockFormat::mxfp8_e4m3, 1.0f, codes.data(), scales.data(), cols,
                                   expected.data() + t * cols);
                }
                INFO(pair.name, " rule ", int(rule), " cols ", cols);
                const ActivationFormat format{Kind::mxfp8_e4m3, rule};
                for (Rig* rig : {&pair.tested, &pair.reference})
                    CHECK(rig->values_of(*rig->exact_activation(x, 3, cols, format), 3) == expected);
            }
        }
    });
}

TEST_CASE("rounding: a block with NaN or Inf becomes NaN") {
    Random random(12);
    for_each_backend([&](Pair& pair) {
        for (ActivationFormat format : all_activation_formats) {
            if (format.kind == Kind::a16) continue;
            Floats x = random.normals(160);
            x[40] = NAN;
            x[100] = INFINITY;
            INFO(pair.name, " kind ", int(format.kind));
            // Only the product with a dense row is defined (NaN x 0 is NaN too): all outputs are NaN.
            Floats tested = pair.tested.values_of(*pair.tested.exact_activation(x, 1, 160, format), 1);
            CHECK(std::all_of(tested.begin(), tested.end(), [](float value) { return std::isnan(value); }));
        }
    });
}

TEST_CASE("norm with transforms and rounding") {
    Random random(13);
    for_each_backend([&](Pair& pair) {
        for (ActivationFormat format : all_activation_formats) {
            for (size_t cols : {16, 64, 172, 576, 640}) {
                size_t n = 1 + random.below(5), skip = random.below(3);
                Floats x = random.normals((skip + n) * cols, 3.0f), weight = random.normals(cols);
                InputTransform transform = random_transform(cols, random);
                auto values = [&](Rig& rig) {
                    auto loaded = rig.vector(weight);
                    auto input = rig.upload(x);
                    auto device_transform = rig.load(transform, cols);
                    auto out = rig.activation(n, cols);
                    rig.stream().norm(*input, skip, n, {loaded.get(), 1e-5f}, device_transform.get(), format,
                                      *out);
                    rig.finish();
                    return rig.values_of(*out, n);
                };
                INFO(pair.name, " kind ", int(format.kind), " rule ", int(format.rule), " cols ", cols, " n ",
                     n);
                check_rounded(values(pair.tested), values(pair.reference), format);
            }
        }
    });
}

TEST_CASE("a matrix for each block differs from the first one for all") {
    Random random(18);
    for_each_backend([&](Pair& pair) {
        for (uint32_t block : {16u, 32u, 64u, 128u}) {
            size_t cols = 384;
            InputTransform transform{InputTransform::Kind::matrix, block, {}, {}};
            transform.matrix = random.normals(cols * block, 0.2f);
            InputTransform first = transform;
            first.matrix.resize(size_t(block) * block);
            Floats x = random.normals(2 * cols), weight(cols, 1.0f);
            auto values = [&](Rig& rig, const InputTransform& definition) {
                auto loaded = rig.vector(weight);
                auto input = rig.upload(x);
                auto device_transform = rig.load(definition, cols);
                auto out = rig.activation(2, cols);
                rig.stream().norm(*input, 0, 2, {loaded.get(), 1e-5f}, device_transform.get(), {Kind::a16},
                                  *out);
                return rig.values_of(*out, 2);
            };
            INFO(pair.name, " block ", block);
            Floats each = values(pair.tested, transform), shared = values(pair.tested, first);
            CHECK(nmse(each, values(pair.reference, transform)) < 1e-11);
            CHECK(std::equal(each.begin(), each.begin() + block, shared.begin()));
            CHECK(each[block] != shared[block]);
        }
    });
}

TEST_CASE("norm: zeros and huge values stay finite") {
    Random random(14);
    for_each_backend([&](Pair& pair) {
        for (float size : {0.0f, 1e-18f, 1e15f}) {
            Floats x = random.normals(96, size), weight = random.normals(96);
            auto values = [&](Rig& rig) {
                auto loaded = rig.vector(weight);
                auto input = rig.upload(x);
                auto out = rig.activation(1, 96);
                rig.stream().norm(*input, 0, 1, {loaded.get(), 1e-6f}, nullptr, {Kind::a16}, *out);
                return rig.values_of(*out, 1);
            };
            INFO(pair.name, " size ", size);
            CHECK(nmse(values(pair.tested), values(pair.reference)) < 1e-11);
        }
    });
}

TEST_CASE("glu with transforms and rounding") {
    Random random(15);
    for_each_backend([&](Pair& pair) {
        for (ActivationFormat format : all_activation_formats) {
            for (GluKind kind : {GluKind::silu, GluKind::gelu_tanh}) {
                for (size_t cols : {1, 48, 172, 384}) {
                    size_t n = 1 + random.below(4);
                    Floats gate = random.normals(n * cols, 4.0f), up = random.normals(n * cols);
                    gate[0] = -100.0f;
                    gate[cols / 2] = 100.0f;
                    InputTransform transform = random_transform(cols, random);
                    auto values = [&](Rig& rig) {
                        auto device_transform = rig.load(transform, cols);
                        auto out = rig.activation(n, cols);
                        auto gates = rig.upload(gate), ups = rig.upload(up);
                        rig.stream().glu(*gates, *ups, n, kind, device_transform.get(), format, *out);
                        rig.finish();
                        return rig.values_of(*out, n);
                    };
                    INFO(pair.name, " kind ", int(format.kind), " rule ", int(format.rule), " cols ", cols);
                    check_rounded(values(pair.tested), values(pair.reference), format);
                }
            }
        }
    });
}

TEST_CASE("glu: the activation functions over their whole range") {
    for_each_backend([&](Pair& pair) {
        Floats gate;
        for (int i = -2000; i <= 2000; ++i) gate.push_back(static_cast<float>(i) * 0.0499f);
        Floats up(gate.size(), 1.0f);
        for (GluKind kind : {GluKind::silu, GluKind::gelu_tanh}) {
            auto values = [&](Rig& rig) {
                auto out = rig.activation(gate.size(), 1);
                auto gates = rig.upload(gate), ups = rig.upload(up);
                rig.stream().glu(*gates, *ups, gate.size(), kind, nullptr, {Kind::a16}, *out);
                return rig.values_of(*out, gate.size());
            };
            Floats tested = values(pair.tested), reference = values(pair.reference);
            double worst = 0.0; // relative; values below 1e-6 are compared absolutely
            for (size_t i = 0; i < gate.size(); ++i) {
                double scale = std::max(std::fabs(double(reference[i])), 1e-6);
                worst = std::max(worst, std::fabs(double(tested[i]) - reference[i]) / scale);
            }
            INFO(pair.name, " glu ", int(kind));
            CHECK(worst < 3e-6);
        }
    });
}

TEST_CASE("norm_add") {
    Random random(16);
    for_each_backend([&](Pair& pair) {
        for (size_t cols : {1, 63, 640}) {
            size_t n = 1 + random.below(4);
            Floats y = random.normals(n * cols), x = random.normals(n * cols), weight = random.normals(cols);
            auto values = [&](Rig& rig) {
                auto loaded = rig.vector(weight);
                auto input = rig.upload(y), sum = rig.upload(x);
                rig.stream().norm_add(*input, n, {loaded.get(), 1e-6f}, *sum);
                return rig.download(*sum, n * cols);
            };
            INFO(pair.name, " cols ", cols);
            CHECK(nmse(values(pair.tested), values(pair.reference)) < 1e-12);
        }
    });
}

TEST_CASE("embed from every weight format") {
    Random random(17);
    for_each_backend([&](Pair& pair) {
        for (WeightFormat format : all_weight_formats) {
            for (size_t cols : {8, 172, 256}) {
                RandomWeight table = random_weight(format, 11, cols, random);
                std::vector<int32_t> ids = {3, 10, 0, 3, 7};
                auto values = [&](Rig& rig) {
                    auto loaded = rig.load(table.host);
                    auto device_ids = rig.upload(ids);
                    auto x = rig.buffer(ids.size() * cols);
                    rig.stream().embed(*loaded, *device_ids, ids.size(), 25.25f, *x);
                    return rig.download(*x, ids.size() * cols);
                };
                INFO(pair.name, " format ", int(format), " cols ", cols);
                CHECK(nmse(values(pair.tested), values(pair.reference)) < 1e-13);
            }
        }
    });
}
