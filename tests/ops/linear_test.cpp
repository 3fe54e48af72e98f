// linear(): every weight format with every activation format, odd shapes, edge values. The inputs are exact
// (Rig::exact_activation), so that backends may differ only in the order of float32 sums. The bound is
// relative to the sum of |terms|: 2^-22 for integer blocks, 2^-19 where every product is rounded or
// accumulated in float32, by tensor cores too (they cut sums toward zero). Where unrounded inputs are f16
// each product is off by up to 2^-11 of itself, half an ulp.
#include <doctest/doctest.h>

#include "libfp4/engine/linear_part.h"
#include "random_weight.h"
#include "rig.h"

using namespace fp4;
using namespace fp4::ops;

namespace {

bool is_integer_path(WeightFormat weight, ActivationFormat::Kind kind) {
    return (weight == WeightFormat::mxfp4 || weight == WeightFormat::nvfp4 ||
            weight == WeightFormat::mxint8) &&
           (kind == ActivationFormat::Kind::mxint8 || kind == ActivationFormat::Kind::mxfp4 ||
            kind == ActivationFormat::Kind::nvfp4);
}

struct Case {
    WeightFormat weight;
    ActivationFormat activation;
    size_t n, rows, cols;
    bool bias = false;
    bool accumulate = false;
    ScaleEdge edge = ScaleEdge::none;
};

Floats run(Rig& rig, const Case& c, const HostWeight& weight, const Floats& x, const Floats& bias,
           const Floats& old) {
    auto input = rig.exact_activation(x, c.n, c.cols, c.activation);
    auto loaded = rig.load(weight);
    auto loaded_bias = c.bias ? rig.vector(bias) : nullptr;
    auto out = rig.upload(old);
    LinearTarget target{loaded.get(), loaded_bias.get(), out.get(), c.accumulate};
    rig.stream().linear(*input, c.n, {&target, 1});
    rig.finish();
    return rig.download(*out, c.n * c.rows);
}

// Largest |tested - reference| / (|bias| + |old| + sum |w x|).
double worst_error(Pair& pair, const Case& c, Random& random) {
    RandomWeight weight = random_weight(c.weight, c.rows, c.cols, random, c.edge);
    Floats x = random.normals(c.n * c.cols), bias = random.normals(c.rows),
           old = random.normals(c.n * c.rows);
    Floats tested = run(pair.tested, c, weight.host, x, bias, old);
    Floats reference = run(pair.reference, c, weight.host, x, bias, old);
    double worst = 0.0;
    for (size_t t = 0; t < c.n; ++t) {
        for (size_t r = 0; r < c.rows; ++r) {
            size_t i = t * c.rows + r;
            if (std::isnan(reference[i]) && std::isnan(tested[i])) continue;
            double terms = (c.bias ? std::fabs(bias[r]) : 0) + (c.accumulate ? std::fabs(old[i]) : 0) + 1e-37;
            for (size_t j = 0; j < c.cols; ++j)
                terms += std::fabs(weight.values[r * c.cols + j] * x[t * c.cols + j]);
            double error = std::fabs(double(tested[i]) - reference[i]) / terms;
            if (!(error <= worst)) worst = std::isnan(error) ? INFINITY : error;
        }
    }
    return worst;
}

double bound_of(const Pair& pair, const Case& c) {
    const bool tensor_cores = is_w4(c.weight);
    if (tensor_cores && c.activation.kind == ActivationFormat::Kind::a16 && c.n >= pair.input_half_from)
        return 0x1p-11 + 0x1p-19;
    if (c.weight == WeightFormat::mxfp4 && c.activation.rule == ScaleRule::tensor && c.n >= pair.e4m3_from)
        return 0x1p-10;
    if (tensor_cores && c.n >= pair.half_from) return 0x1p-19;
    return is_integer_path(c.weight, c.activation.kind) ? 0x1p-22 : 0x1p-19;
}

void check(Pair& pair, const Case& c, Random& random) {
    double bound = bound_of(pair, c);
    INFO(pair.name, ": weight format ", int(c.weight), " activation ", int(c.activation.kind), " rule ",
         int(c.activation.rule), " n ", c.n, " rows ", c.rows, " cols ", c.cols, " edge ", int(c.edge));
    CHECK(worst_error(pair, c, random) <= bound);
}

} // namespace

TEST_CASE("linear: every weight format with every activation format") {
    Random random(1);
    for_each_backend([&](Pair& pair) {
        for (WeightFormat weight : all_weight_formats) {
            for (ActivationFormat activation : all_activation_formats) {
                check(pair, {weight, activation, 1, 37, 172}, random);
                check(pair, {weight, activation, 3, 18, 256, true, true}, random);
                check(pair, {weight, activation, 21, 35, 96, true, false}, random);
            }
        }
    });
}

TEST_CASE("linear: random and odd shapes") {
    Random random(2);
    for_each_backend([&](Pair& pair) {
        for (int round = 0; round < 60; ++round) {
            Case c{all_weight_formats[random.below(10)],
                   all_activation_formats[random.below(std::size(all_activation_formats))],
                   1 + random.below(round % 3 == 0 ? 70 : 6),
                   1 + random.below(90),
                   1 + random.below(700),
                   random.below(2) == 1,
                   random.below(2) == 1};
            check(pair, c, random);
        }
        for (WeightFormat weight : {WeightFormat::mxfp4, WeightFormat::nvfp4, WeightFormat::mxint8}) {
            for (ActivationFormat activation : all_activation_formats) {
                for (size_t cols : {1, 15, 16, 17, 31, 33, 64, 127, 128, 129, 576}) {
                    check(pair, {weight, activation, 1, 5, cols}, random);
                    check(pair, {weight, activation, 17, 16, cols}, random);
                }
            }
        }
    });
}

TEST_CASE("linear: few tokens, rows long enough for several chunks of columns a warp") {
    Random random(8);
    for_each_backend([&](Pair& pair) {
        for (WeightFormat weight : {WeightFormat::mxfp4, WeightFormat::nvfp4}) {
            const ActivationFormat plain{ActivationFormat::Kind::a16};
            for (size_t n : {1, 3, 8, 13}) {
                check(pair, {weight, plain, n, 40, 1100, true, true}, random);
                check(pair, {weight, plain, n, 180, 2570}, random);
            }
            check(pair, {weight, plain, 7, 6000, 2310},
                  random); // three blocks of four warps on 132 multiprocessors
        }
    });
}

TEST_CASE("linear: many tokens over the edges of tiles") {
    Random random(6);
    for_each_backend([&](Pair& pair) {
        if (pair.half_from == SIZE_MAX) return; // tiles of tensor cores
        using Kind = ActivationFormat::Kind;
        for (WeightFormat weight : {WeightFormat::mxfp4, WeightFormat::nvfp4}) {
            for (Kind kind : {Kind::a16, Kind::mxfp8_e4m3, Kind::mxfp4, Kind::nvfp4}) {
                const ScaleRule rule = kind == Kind::nvfp4 ? ScaleRule::amax : ScaleRule::even;
                check(pair, {weight, {kind, rule}, 17, 1, 2112, true}, random);
                check(pair, {weight, {kind, rule}, 129, 130, 64}, random);
                check(pair, {weight, {kind, rule}, 300, 257, 192, false, true}, random);
                check(pair, {weight, {kind, rule}, 64, 128, 1000, true, true}, random);
            }
        }
    });
}

TEST_CASE("linear: rows of any size, with outliers, overflow nowhere") {
    Random random(7);
    for_each_backend([&](Pair& pair) {
        const size_t n = 40, rows = 24, cols = 256;
        for (WeightFormat weight : {WeightFormat::mxfp4, WeightFormat::nvfp4}) {
            for (ActivationFormat activation : all_activation_formats) {
                if (activation.tensor_scale != 0.0f) continue; // saturates
                const RandomWeight w = random_weight(weight, rows, cols, random);
                Floats x = random.normals(n * cols);
                for (size_t t = 0; t < n; ++t)
                    for (size_t j = 0; j < cols; ++j)
                        x[t * cols + j] *= std::ldexp(j == 7 * t ? 3000.0f : 1.0f, 3 * int(t) - 60);
                const Case c{weight, activation, n, rows, cols};
                const Floats tested = run(pair.tested, c, w.host, x, {}, Floats(n * rows)),
                             reference = run(pair.reference, c, w.host, x, {}, Floats(n * rows));
                size_t wrong = 0;
                for (size_t i = 0; i < n * rows; ++i) {
                    double terms = 0;
                    for (size_t j = 0; j < cols; ++j)
                        terms += std::fabs(w.values[i % rows * cols + j] * x[i / rows * cols + j]);
                    // Of x; a rounded value may be twice as large.
                    wrong += !(std::fabs(double(tested[i]) - reference[i]) <= 2 * bound_of(pair, c) * terms);
                }
                INFO(pair.name, ": weight format ", int(weight), " activation ", int(activation.kind),
                     " rule ", int(activation.rule));
                CHECK(wrong == 0);
            }
        }
    });
}

TEST_CASE("linear: zero, NaN, huge and tiny block scales") {
    Random random(3);
    for_each_backend([&](Pair& pair) {
        for (WeightFormat weight : all_weight_formats) {
            if (!is_block(weight)) continue;
            for (ScaleEdge edge :
                 {ScaleEdge::zero_blocks, ScaleEdge::nan_block, ScaleEdge::huge, ScaleEdge::tiny}) {
                for (size_t n : {1, 19}) {
                    check(pair, {weight, {ActivationFormat::Kind::a16}, n, 9, 200, false, false, edge},
                          random);
                    check(pair, {weight, {ActivationFormat::Kind::mxint8}, n, 9, 200, false, false, edge},
                          random);
                    check(pair, {weight, {ActivationFormat::Kind::mxfp4}, n, 9, 200, false, false, edge},
                          random);
                }
            }
        }
    });
}

TEST_CASE("linear: the same codes give the same sums for every token count") {
    // Exactness inside blocks must not depend on whether the mat-vec or the matrix kernel runs.
    Random random(4);
    for_each_backend([&](Pair& pair) {
        size_t n = 40, rows = 48, cols = 320;
        for (WeightFormat format : {WeightFormat::mxfp4, WeightFormat::nvfp4, WeightFormat::mxint8}) {
            RandomWeight weight = random_weight(format, rows, cols, random);
            Floats x = random.normals(n * cols);
            Case all{format, {ActivationFormat::Kind::mxfp4}, n, rows, cols};
            Floats together = run(pair.tested, all, weight.host, x, {}, Floats(n * rows));
            Floats alone;
            for (size_t t = 0; t < n; ++t) {
                Case one = all;
                one.n = 1;
                Floats row(x.begin() + static_cast<ptrdiff_t>(t * cols),
                           x.begin() + static_cast<ptrdiff_t>((t + 1) * cols));
                Floats out = run(pair.tested, one, weight.host, row, {}, Floats(rows));
                alone.insert(alone.end(), out.begin(), out.end());
            }
            INFO(pair.name);
            CHECK(nmse(together, alone) < (is_w4(format) && n >= pair.half_from ? 1e-10 : 1e-12));
        }
    });
}

TEST_CASE("linear: several targets share one input") {
    Random random(5);
    for_each_backend([&](Pair& pair) {
        const size_t cols = 160;
        for (size_t n : {2, 40}) {
            Floats x = random.normals(n * cols);
            std::vector<RandomWeight> weights;
            for (auto [format, rows] : {std::pair{WeightFormat::mxfp4, 33},
                                        {WeightFormat::nvfp4, 8},
                                        {WeightFormat::bf16, 21},
                                        {WeightFormat::mxfp4, 150},
                                        {WeightFormat::mxfp4, 16},
                                        {WeightFormat::mxfp4, 1},
                                        {WeightFormat::mxfp4, 129},
                                        {WeightFormat::mxint8, 13}})
                weights.push_back(random_weight(format, static_cast<size_t>(rows), cols, random));
            auto outputs = [&](Rig& rig) {
                auto input = rig.exact_activation(x, n, cols, {ActivationFormat::Kind::mxint8});
                std::vector<std::unique_ptr<Weight>> loaded;
                std::vector<std::unique_ptr<Buffer>> buffers;
                std::vector<LinearTarget> targets;
                for (const RandomWeight& weight : weights) {
                    loaded.push_back(rig.load(weight.host));
                    buffers.push_back(rig.buffer(n * weight.host.rows));
                    targets.push_back({loaded.back().get(), nullptr, buffers.back().get(), false});
                }
                rig.stream().linear(*input, n, targets);
                Floats all;
                for (size_t i = 0; i < buffers.size(); ++i) {
                    Floats out = rig.download(*buffers[i], n * weights[i].host.rows);
                    all.insert(all.end(), out.begin(), out.end());
                }
                return all;
            };
            INFO(pair.name, " n ", n);
            CHECK(nmse(outputs(pair.tested), outputs(pair.reference)) <
                  (n >= pair.half_from ? 1e-10 : 1e-11));
        }
    });
}

namespace {

// The weight's rows computed in these parts, in this order; columns of no part keep `old`.
Floats run_parts(Rig& rig, const Case& c, const HostWeight& weight, const Floats& x, const Floats& bias,
                 const Floats& old, const std::vector<std::pair<size_t, size_t>>& parts) {
    auto input = rig.exact_activation(x, c.n, c.cols, c.activation);
    auto loaded = rig.load(weight);
    auto loaded_bias = c.bias ? rig.vector(bias) : nullptr;
    auto out = rig.upload(old);
    for (auto [first, count] : parts) {
        LinearTarget target{loaded.get(), loaded_bias.get(), out.get(), c.accumulate, first, count};
        rig.stream().linear(*input, c.n, {&target, 1});
    }
    rig.finish();
    return rig.download(*out, c.n * c.rows);
}

// [0, rows) cut at random multiples of `tile`, in random order.
std::vector<std::pair<size_t, size_t>> random_parts(size_t rows, size_t tile, Random& random) {
    std::vector<std::pair<size_t, size_t>> parts;
    for (size_t first = 0; first < rows;) {
        const size_t tiles = 1 + random.below(static_cast<uint32_t>(rows / tile + 1));
        size_t count = std::min(rows - first, tiles * tile);
        parts.insert(
            parts.begin() + static_cast<ptrdiff_t>(random.below(static_cast<uint32_t>(parts.size() + 1))),
            {first, count});
        first += count;
    }
    return parts;
}

// Largest difference / sum of |terms| of parts against the whole; columns outside of them must stay.
double worst_part_error(Rig& rig, const Case& c, size_t tile, Random& random) {
    RandomWeight weight = random_weight(c.weight, c.rows, c.cols, random, c.edge);
    Floats x = random.normals(c.n * c.cols), bias = random.normals(c.rows),
           old = random.normals(c.n * c.rows);
    const Floats whole = run(rig, c, weight.host, x, bias, old);
    auto parts = random_parts(c.rows, tile, random);
    double worst = 0.0;
    for (bool all : {true, false}) {
        if (!all) parts.resize(1);
        const Floats found = run_parts(rig, c, weight.host, x, bias, old, parts);
        for (size_t i = 0; i < found.size(); ++i) {
            const size_t t = i / c.rows, row = i % c.rows;
            const bool inside = all || (row >= parts[0].first && row < parts[0].first + parts[0].second);
            if (!inside) {
                if (found[i] != old[i]) return INFINITY;
                continue;
            }
            double terms =
                (c.bias ? std::fabs(bias[row]) : 0) + (c.accumulate ? std::fabs(old[i]) : 0) + 1e-37;
            for (size_t j = 0; j < c.cols; ++j)
                terms += std::fabs(weight.values[row * c.cols + j] * x[t * c.cols + j]);
            worst = std::max(worst, std::fabs(double(found[i]) - whole[i]) / terms);
        }
    }
    return worst;
}

} // namespace

TEST_CASE("linear: parts of a weight give what the whole gives, and leave the rest") {
    Random random(6);
    for_each_backend([&](Pair& pair) {
        for (Rig* rig : {&pair.tested, &pair.reference}) {
            if (!rig->stream().divides_linear()) continue;
            for (WeightFormat weight : all_weight_formats) {
                for (auto kind : {ActivationFormat::Kind::a16, ActivationFormat::Kind::mxint8,
                                  ActivationFormat::Kind::mxfp8_e4m3, ActivationFormat::Kind::mxfp4,
                                  ActivationFormat::Kind::nvfp4}) {
                    const ScaleRule rule =
                        kind == ActivationFormat::Kind::nvfp4 ? ScaleRule::amax : ScaleRule::even;
                    for (size_t n : {1, 3, 21}) {
                        Case c{weight,
                               {kind, rule},
                               n,
                               1 + random.below(200),
                               1 + random.below(300),
                               random.below(2) == 1,
                               random.below(2) == 1};
                        INFO(pair.name, ": weight format ", int(weight), " activation ", int(kind), " n ", n,
                             " rows ", c.rows, " cols ", c.cols);
                        // Exact where tiles stay whole.
                        CHECK(worst_part_error(*rig, c, linear_part_tile, random) == 0.0);
                        CHECK(worst_part_error(*rig, c, 1, random) <= 0x1p-19);
                    }
                }
            }
        }
    });
}

TEST_CASE("linear: a part outside of the weight is refused, any part where weights are not divided") {
    struct Part {
        size_t first, count;
        bool fits;
    };
    Random random(8);
    for (const TestedBackend& backend : tested_backends()) {
        for (const Part& part :
             {Part{0, 12, false}, Part{11, 1, false}, Part{10, 2, false}, Part{SIZE_MAX, 2, false},
              Part{2, SIZE_MAX, false}, Part{0, 11, true}, Part{3, 5, true}}) {
            Pair pair(backend); // a failure stays with its stream
            INFO(pair.name, ": ", part.first, ", ", part.count);
            for (Rig* rig : {&pair.tested, &pair.reference}) {
                auto weight = rig->load(random_weight(WeightFormat::mxfp4, 11, 64, random).host);
                auto input = rig->exact_activation(Floats(64, 1.0f), 1, 64, {ActivationFormat::Kind::a16});
                auto out = rig->buffer(11);
                LinearTarget target{weight.get(), nullptr, out.get(), false, part.first, part.count};
                rig->stream().linear(*input, 1, {&target, 1});
                CHECK(rig->stream().synchronize().ok() == (part.fits && rig->stream().divides_linear()));
            }
        }
    }
}
