// rope_append and attention over a real cache. Bounds: NMSE 1e-11 for float32 results (q, attention with
// a16), 1e-8 for f16 keys and values (a float32 ulp may cross a tie of f16). Where queries, keys, values and
// weights are f16 operands of tensor cores each of the four is off by up to 2^-11 of itself: an NMSE below
// 2^-20 for scores around 1, and as the square of the scores for larger ones.
#include <doctest/doctest.h>

#include <cstring>

#include "libfp4/format/element.h"
#include "random_weight.h"
#include "rig.h"

using namespace fp4;
using namespace fp4::ops;

namespace {

struct RopeCase {
    HeadShape shape;
    size_t n, position;
    bool interleaved, norms;
    KvFormat format = KvFormat::f16;
};

// bytes: [count, kv_head_bytes]; values: [count, dim]
Floats kv_values(const std::vector<uint8_t>& bytes, KvFormat format, size_t dim) {
    size_t head = kv_head_bytes(format, dim), count = bytes.size() / head;
    Floats values(count * dim);
    for (size_t i = 0; i < count; ++i) {
        const uint8_t* from = bytes.data() + i * head;
        float* to = values.data() + i * dim;
        if (auto block = kv_block(format)) {
            dequantize_row(block->format, 1.0f, from, from + row_code_bytes(block->format, dim), dim, to);
        } else if (format == KvFormat::f32) {
            std::memcpy(to, from, head);
        } else {
            for (size_t j = 0; j < dim; ++j)
                to[j] = decode_f16(static_cast<uint16_t>(from[2 * j] | from[2 * j + 1] << 8));
        }
    }
    return values;
}

std::vector<uint8_t> kv_bytes(const Floats& values, KvFormat format, size_t dim) {
    size_t head = kv_head_bytes(format, dim), count = values.size() / dim;
    std::vector<uint8_t> bytes(count * head);
    for (size_t i = 0; i < count; ++i) {
        const float* from = values.data() + i * dim;
        uint8_t* to = bytes.data() + i * head;
        if (auto block = kv_block(format)) {
            quantize_row(block->format, block->rule, 1.0f, from, dim, to,
                         to + row_code_bytes(block->format, dim));
        } else if (format == KvFormat::f32) {
            std::memcpy(to, from, head);
        } else {
            for (size_t j = 0; j < dim; ++j) {
                uint16_t code = encode_f16(from[j]);
                to[2 * j] = static_cast<uint8_t>(code);
                to[2 * j + 1] = static_cast<uint8_t>(code >> 8);
            }
        }
    }
    return bytes;
}

void check_rope(Pair& pair, const RopeCase& c, Random& random) {
    size_t dim = c.shape.head_dim, kv = c.shape.kv_heads * dim, capacity = c.position + c.n + 3;
    Floats q = random.normals(c.n * c.shape.heads * dim), k = random.normals(c.n * kv),
           v = random.normals(c.n * kv);
    Floats frequency(dim / 2), q_weight = random.normals(dim), k_weight = random.normals(dim);
    for (size_t i = 0; i < dim / 2; ++i)
        frequency[i] = std::pow(10000.0f, -2.0f * static_cast<float>(i) / static_cast<float>(dim));
    struct Out {
        Floats q, keys, values;
    };
    auto run = [&](Rig& rig) {
        auto cache = rig.kv_cache({2, capacity, c.shape.kv_heads, dim, c.format});
        auto inverse = rig.vector(frequency), qw = rig.vector(q_weight), kw = rig.vector(k_weight);
        auto bq = rig.upload(q), bk = rig.upload(k), bv = rig.upload(v);
        NormParams q_norm{qw.get(), 1e-6f}, k_norm{kw.get(), 1e-6f};
        rig.stream().rope_append(*bq, *bk, *bv, c.n, c.position, c.shape, c.norms ? &q_norm : nullptr,
                                 c.norms ? &k_norm : nullptr, {inverse.get(), 1.1f, c.interleaved}, *cache,
                                 1);
        size_t bytes = capacity * cache->shape().row_bytes();
        std::vector<uint8_t> keys(bytes), values(bytes);
        REQUIRE(rig.stream().read_kv(*cache, 1, 0, capacity, keys, values).ok());
        return Out{rig.download(*bq, q.size()), kv_values(keys, c.format, dim),
                   kv_values(values, c.format, dim)};
    };
    Out tested = run(pair.tested), reference = run(pair.reference);
    INFO(pair.name, " heads ", c.shape.heads, "/", c.shape.kv_heads, " dim ", dim, " n ", c.n, " at ",
         c.position);
    CHECK(nmse(tested.q, reference.q) < 1e-11);
    // A float32 ulp may take a key over a tie, or a block to the next scale.
    CHECK(nmse(tested.keys, reference.keys) < (c.format == KvFormat::f32   ? 1e-11
                                               : c.format == KvFormat::f16 ? 1e-8
                                                                           : 1e-3));
    CHECK(tested.values == reference.values);
    Floats stored(reference.values.begin() + static_cast<ptrdiff_t>(c.position * kv),
                  reference.values.begin() + static_cast<ptrdiff_t>((c.position + c.n) * kv));
    CHECK(stored == kv_values(kv_bytes(v, c.format, dim), c.format, dim));
}

struct AttentionCase {
    HeadShape shape;
    size_t n, position, window;
    ActivationFormat format{ActivationFormat::Kind::a16};
    float sharpness = 1.0f;
    KvFormat kv_format = KvFormat::f16;
};

void check_attention(Pair& pair, const AttentionCase& c, Random& random) {
    size_t dim = c.shape.head_dim, kv = c.shape.kv_heads * dim, width = c.shape.heads * dim;
    size_t filled = c.position + c.n, capacity = filled + 2;
    Floats q = random.normals(c.n * width, c.sharpness);
    auto keys = kv_bytes(random.normals(filled * kv), c.kv_format, dim),
         values = kv_bytes(random.normals(filled * kv), c.kv_format, dim);
    auto run = [&](Rig& rig) {
        auto cache = rig.kv_cache({2, capacity, c.shape.kv_heads, dim, c.kv_format});
        REQUIRE(rig.stream().write_kv(*cache, 1, 0, filled, keys, values).ok());
        auto bq = rig.upload(q);
        auto out = rig.activation(c.n, width);
        AttentionParams params{c.shape, 1.0f / std::sqrt(static_cast<float>(dim)), c.window};
        rig.stream().attention(*bq, c.n, c.position, params, *cache, 1, nullptr, c.format, *out);
        rig.finish();
        return rig.values_of(*out, c.n);
    };
    INFO(pair.name, " heads ", c.shape.heads, "/", c.shape.kv_heads, " dim ", dim, " n ", c.n, " at ",
         c.position, " window ", c.window);
    const bool rounded = c.format.kind != ActivationFormat::Kind::a16;
    double bound = rounded ? 1e-5 : 1e-11;
    // A rounded result steps to another code where the unrounded one is near a tie.
    if (c.n >= pair.half_from) bound = rounded ? 1e-3 : 1e-6 * std::max(1.0f, c.sharpness * c.sharpness);
    CHECK(nmse(run(pair.tested), run(pair.reference)) < bound);
}

} // namespace

TEST_CASE("rope_append: head sizes, layouts, norms") {
    Random random(21);
    for_each_backend([&](Pair& pair) {
        for (size_t dim : {2, 8, 16, 64, 80, 128, 256}) {
            for (bool interleaved : {false, true}) {
                for (bool norms : {false, true}) {
                    check_rope(pair, {{6, 2, dim}, 1, 100, interleaved, norms}, random);
                    check_rope(pair, {{3, 3, dim}, 5, 0, interleaved, norms}, random);
                    for (KvFormat format : {KvFormat::f32, KvFormat::mxfp8, KvFormat::mxfp4})
                        check_rope(pair, {{4, 2, dim}, 3, 9, interleaved, norms, format}, random);
                }
            }
        }
        check_rope(pair, {{2, 1, 64}, 2, 30000, false, false}, random);
    });
}

TEST_CASE("attention: head sizes, grouping, prefill and decode, windows") {
    Random random(22);
    for_each_backend([&](Pair& pair) {
        for (size_t dim : {2, 8, 16, 64, 80, 128, 256}) {
            check_attention(pair, {{4, 2, dim}, 1, 0, 0}, random);
            check_attention(pair, {{3, 1, dim}, 1, 77, 0}, random);
            check_attention(pair, {{2, 2, dim}, 9, 0, 0}, random);
            check_attention(pair, {{6, 2, dim}, 21, 130, 0}, random);
            check_attention(pair, {{4, 4, dim}, 5, 90, 16}, random);
        }
        check_attention(pair, {{9, 3, 64}, 1, 1500, 0}, random);   // long enough to be split over threads
        check_attention(pair, {{4, 1, 32}, 1, 1500, 512}, random); // split and windowed
        check_attention(pair, {{4, 1, 32}, 70, 300, 64}, random);  // several query blocks
        check_attention(pair, {{4, 2, 16}, 3, 40, 1}, random);     // a window of the token itself
        check_attention(pair, {{4, 2, 64}, 2, 300, 0, {ActivationFormat::Kind::a16}, 30.0f},
                        random); // sharp softmax
        check_attention(pair, {{4, 2, 64}, 3, 50, 0, {ActivationFormat::Kind::mxint8}}, random);
        for (size_t dim : {2, 40, 64, 80, 96, 128, 192, 256}) { // many tokens
            check_attention(pair, {{4, 1, dim}, 150, 0, 0}, random);
            check_attention(pair, {{3, 3, dim}, 67, 201, 0}, random);
            check_attention(pair, {{4, 2, dim}, 130, 70, 33}, random);
        }
        check_attention(pair, {{8, 2, 64}, 40, 3000, 0}, random); // keys split over blocks
        check_attention(pair, {{8, 2, 64}, 40, 3000, 700}, random);
        check_attention(pair, {{4, 2, 64}, 60, 100, 1}, random);
        check_attention(pair, {{4, 2, 64}, 60, 300, 0, {ActivationFormat::Kind::a16}, 30.0f}, random);
        check_attention(pair, {{4, 2, 64}, 60, 50, 0, {ActivationFormat::Kind::mxfp4}}, random);
    });
}

TEST_CASE("attention: float32, MXFP8 and MXFP4 caches") {
    Random random(24);
    for_each_backend([&](Pair& pair) {
        for (KvFormat format : {KvFormat::f32, KvFormat::mxfp8, KvFormat::mxfp4}) {
            for (size_t dim : {2, 8, 48, 64, 80, 256}) {
                for (size_t n : {1, 13, 50}) {
                    AttentionCase c{{4, 2, dim}, n, 150, 0};
                    c.kv_format = format;
                    check_attention(pair, c, random);
                    c.window = 40;
                    check_attention(pair, c, random);
                }
            }
            AttentionCase split{{9, 3, 64}, 1, 1500, 0};
            split.kv_format = format;
            check_attention(pair, split, random);
        }
    });
}

TEST_CASE("a block format's cache takes the bytes of its blocks") {
    CHECK(KvShape{1, 1, 3, 64, KvFormat::f16}.row_bytes() == 384);
    CHECK(KvShape{1, 1, 3, 64, KvFormat::mxfp8}.row_bytes() == 3 * (64 + 2));
    CHECK(KvShape{1, 1, 3, 64, KvFormat::mxfp4}.row_bytes() == 3 * (32 + 2));
    CHECK(KvShape{1, 1, 1, 80, KvFormat::mxfp4}.row_bytes() == 48 + 3); // a tail block is stored whole
    CHECK(KvShape{2, 10, 1, 80, KvFormat::mxfp8}.bytes() == 2 * 2 * 10 * (96 + 3));
}

TEST_CASE("attention: random shapes") {
    Random random(23);
    for_each_backend([&](Pair& pair) {
        for (int round = 0; round < 25; ++round) {
            size_t kv_heads = 1 + random.below(3);
            HeadShape shape{kv_heads * (1 + random.below(4)), kv_heads, 2 * (1 + random.below(50))};
            check_attention(
                pair,
                {shape, 1 + random.below(40), random.below(200), random.below(2) * (1 + random.below(90))},
                random);
        }
    });
}
