// Attention of many queries in the lane simulator, over the edges of its tiles, against sums in double.
#include <doctest/doctest.h>

#include <random>
#include <vector>

#include "cuda/kernels/prefill_attention_kernel.h"
#include "libfp4/format/element.h"

using namespace fp4;
using namespace fp4::cuda;

namespace {

struct Case {
    uint32_t n, position, heads, kv_heads, head_dim, window = 0, splits = 1;
    KvFormat format = KvFormat::f16;
    float size = 1.0f; // of queries
};

struct Cache {
    std::vector<uint8_t> bytes;
    std::vector<double> values; // [tokens, kv_heads, head_dim]
};

Cache random_cache(const Case& c, size_t head_bytes, std::mt19937& random) {
    std::normal_distribution<float> normal;
    const size_t heads = size_t(c.position + c.n) * c.kv_heads;
    Cache cache{std::vector<uint8_t>(heads * head_bytes), {}};
    std::vector<float> head(c.head_dim);
    for (size_t i = 0; i < heads; ++i) {
        uint8_t* to = cache.bytes.data() + i * head_bytes;
        for (float& value : head) value = normal(random);
        if (auto block = kv_block(c.format)) {
            uint8_t* scales = to + row_code_bytes(block->format, c.head_dim);
            quantize_row(block->format, block->rule, 1.0f, head.data(), c.head_dim, to, scales);
            dequantize_row(block->format, 1.0f, to, scales, c.head_dim, head.data());
        } else {
            for (size_t j = 0; j < c.head_dim; ++j) {
                const uint16_t code = encode_f16(head[j]);
                if (c.format == KvFormat::f16) {
                    std::memcpy(to + 2 * j, &code, 2);
                    head[j] = decode_f16(code);
                } else {
                    std::memcpy(to + 4 * j, &head[j], 4);
                }
            }
        }
        cache.values.insert(cache.values.end(), head.begin(), head.end());
    }
    return cache;
}

// Mean of values weighted by exp(score): float64 of what the operation stands for.
std::vector<double> expected(const Case& c, const std::vector<float>& q, const Cache& keys,
                             const Cache& values, uint32_t token, uint32_t head, float scale) {
    const uint32_t kv_head = head / (c.heads / c.kv_heads), end = c.position + token + 1;
    const uint32_t begin = c.window != 0 && end > c.window ? end - c.window : 0;
    std::vector<double> out(c.head_dim), scores(end);
    double total = 0, largest = -1e300;
    for (uint32_t i = begin; i < end; ++i) {
        for (uint32_t j = 0; j < c.head_dim; ++j)
            scores[i] += double(scale) * q[(size_t(token) * c.heads + head) * c.head_dim + j] *
                         keys.values[(size_t(i) * c.kv_heads + kv_head) * c.head_dim + j];
        largest = std::max(largest, scores[i]);
    }
    for (uint32_t i = begin; i < end; ++i) {
        const double weight = std::exp(scores[i] - largest);
        total += weight;
        for (uint32_t j = 0; j < c.head_dim; ++j)
            out[j] += weight * values.values[(size_t(i) * c.kv_heads + kv_head) * c.head_dim + j];
    }
    for (double& value : out) value /= total;
    return out;
}

template <int dim>
void check(const Case& c, std::mt19937& random) {
    std::normal_distribution<float> normal;
    KvView kv;
    kv.format = c.format;
    kv.kv_heads = c.kv_heads;
    kv.head_dim = c.head_dim;
    kv.head_bytes = static_cast<uint32_t>(kv_head_bytes(c.format, c.head_dim));
    if (auto block = kv_block(c.format))
        kv.code_bytes = static_cast<uint32_t>(row_code_bytes(block->format, c.head_dim));
    Cache keys = random_cache(c, kv.head_bytes, random), values = random_cache(c, kv.head_bytes, random);
    kv.keys = keys.bytes.data(), kv.values = values.bytes.data();
    std::vector<float> q(size_t(c.n) * c.heads * c.head_dim);
    for (float& value : q) value = normal(random) * c.size;
    const size_t places = size_t(c.n) * c.heads * c.splits;
    std::vector<float> sums(places * c.head_dim, NAN);
    std::vector<float2> states(places, float2{NAN, NAN});
    const float scale = 1.0f / std::sqrt(static_cast<float>(c.head_dim));
    PrefillAttention arguments;
    arguments.n = c.n;
    arguments.heads = c.heads;
    arguments.scale = scale;
    arguments.window = c.window;
    arguments.splits = c.splits;
    arguments.sums = sums.data();
    arguments.states = states.data();
    arguments.q = q.data();
    arguments.position = c.position;
    arguments.kv = kv;
    using Shape = PrefillShape<dim>;
    const unsigned rows = c.n * (c.heads / c.kv_heads);
    lanes::launch({(rows + Shape::rows - 1) / Shape::rows, c.kv_heads, c.splits}, Shape::threads,
                  Shape::shared_bytes, [&] { prefill_attention_block<dim>(arguments); });
    double error = 0, power = 0;
    for (uint32_t token = 0; token < c.n; ++token)
        for (uint32_t head = 0; head < c.heads; ++head) {
            const auto right = expected(c, q, keys, values, token, head, scale);
            const size_t first = (size_t(token) * c.heads + head) * c.splits;
            double largest = -INFINITY, total = 0;
            for (size_t s = first; s < first + c.splits; ++s)
                largest = std::max<double>(largest, states[s].x);
            std::vector<double> out(c.head_dim);
            for (size_t s = first; s < first + c.splits; ++s) {
                const double weight = std::exp(states[s].x - largest);
                total += weight * states[s].y;
                for (size_t j = 0; j < c.head_dim; ++j) out[j] += weight * sums[s * c.head_dim + j];
            }
            for (size_t j = 0; j < c.head_dim; ++j) {
                error += (out[j] / total - right[j]) * (out[j] / total - right[j]);
                power += right[j] * right[j];
            }
        }
    INFO("n ", c.n, " at ", c.position, " heads ", c.heads, "/", c.kv_heads, " dim ", c.head_dim, " window ",
         c.window, " splits ", c.splits, " format ", int(c.format), " error ", error / power);
    // Each operand is off by up to 2^-12 of itself.
    CHECK(error / power < 3e-7 * std::max(1.0f, c.size * c.size));
}

} // namespace

TEST_CASE("attention of many queries: tile edges, grouping, windows, splits") {
    std::mt19937 random(31);
    check<64>({17, 0, 2, 1, 64}, random);
    check<64>({70, 61, 3, 1, 64}, random);
    check<64>({33, 200, 2, 2, 40, 50}, random);
    check<64>({20, 300, 1, 1, 2, 0, 3}, random);
    check<64>({20, 300, 4, 2, 64, 100, 4}, random);
    check<64>({40, 30, 1, 1, 64, 1}, random);
    check<96>({35, 40, 2, 1, 96}, random);
    check<96>({35, 40, 2, 1, 80, 30}, random);
    check<128>({40, 100, 4, 1, 128}, random);
    check<128>({20, 90, 1, 1, 102, 0, 2}, random);
    check<256>({30, 50, 3, 1, 256}, random);
    check<256>({30, 50, 1, 1, 160, 20}, random);
}

TEST_CASE("attention of many queries: float32, MXFP8 and MXFP4 caches") {
    std::mt19937 random(32);
    for (KvFormat format : {KvFormat::f32, KvFormat::mxfp8, KvFormat::mxfp4}) {
        check<64>({20, 70, 2, 1, 64, 0, 1, format}, random);
        check<128>({20, 70, 2, 1, 112, 30, 1, format}, random);
    }
}

TEST_CASE("attention of many queries: huge and tiny queries do not overflow") {
    std::mt19937 random(33);
    check<64>({20, 30, 2, 1, 64, 0, 1, KvFormat::f16, 20.0f}, random);
    check<64>({20, 30, 2, 1, 64, 0, 1, KvFormat::f16, 1e-20f}, random);
    check<64>({20, 30, 1, 1, 64, 0, 1, KvFormat::f16, 1e6f}, random);
}
