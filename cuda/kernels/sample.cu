#include "cuda/device/launch.h"
#include "cuda/device/warp.h"
#include "cuda/kernels/sample.h"

namespace fp4::cuda {
namespace {

constexpr uint32_t histogram_blocks = 64, histogram_threads = 256;
constexpr uint32_t threads = 1024; // of the block that draws
constexpr uint32_t most_sorted = threads;

// Weights are whole multiples of 2^-44 of the most likely token's: sums do not depend on their order.
using Weight64 = unsigned long long;
constexpr double weight_one = 0x1p44;

// The logits that a draw can reach, as in sampling.cpp, and buckets of equal width from the largest one down.
struct Reach {
    float top, least, buckets_per_unit;
    double temperature;

    __device__ Reach(const SampleView& sample, float largest)
        : top(largest), temperature(sample.temperature) {
        const double range = log(0x1p24 * sample.count) * temperature;
        least = static_cast<float>(top - range);
        buckets_per_unit = static_cast<float>(sample_buckets / range);
    }
    __device__ bool holds(float logit) const { return !(logit < least) && logit > -INFINITY; }
    __device__ double weight(float logit) const {
        return exp((logit == top ? 0.0 : double(logit) - top) / temperature);
    }
    __device__ uint32_t bucket(float logit) const {
        if (logit == top) return 0;
        return min(static_cast<uint32_t>((top - logit) * buckets_per_unit), sample_buckets - 1);
    }
};

__device__ Weight64 fixed(double weight) {
    return static_cast<Weight64>(weight * weight_one + 0.5);
}

// The largest of all parts, for every thread of a block of at least 128 in whole warps.
__device__ float largest_of(const int2* maxima) {
    __shared__ float parts[32];
    static_assert(argmax_blocks % 32 == 0);
    if (threadIdx.x < argmax_blocks) {
        const float largest = warp_max(__int_as_float(maxima[threadIdx.x].x));
        if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = largest;
    }
    __syncthreads();
    float largest = parts[0];
    for (uint32_t i = 1; i < argmax_blocks / 32; ++i) largest = fmaxf(largest, parts[i]);
    return largest;
}

// By bucket, and in one more for those that min-p keeps.
struct Histogram {
    Weight64 weights[sample_buckets + 1];
    Weight64 counts[sample_buckets + 1];
};
static_assert(sizeof(Histogram) == sample_scratch_bytes);

__global__ __launch_bounds__(histogram_threads) void sample_histogram(SampleView sample) {
    __shared__ Weight64 weights[sample_buckets + 1];
    __shared__ uint32_t counts[sample_buckets + 1];
    for (uint32_t i = threadIdx.x; i <= sample_buckets; i += histogram_threads) weights[i] = 0, counts[i] = 0;
    begin();
    const Reach reach(sample, largest_of(sample.maxima)); // a barrier is in there
    Weight64 kept_weight = 0;
    uint32_t kept = 0;
    for (uint32_t i = blockIdx.x * histogram_threads + threadIdx.x; i < sample.count;
         i += histogram_blocks * histogram_threads) {
        const float logit = sample.logits[i];
        if (!reach.holds(logit)) continue;
        const double weight = reach.weight(logit);
        const uint32_t bucket = reach.bucket(logit);
        atomicAdd(weights + bucket, fixed(weight));
        atomicAdd(counts + bucket, 1u);
        if (weight >= sample.min_p) kept_weight += fixed(weight), ++kept;
    }
    atomicAdd(weights + sample_buckets, kept_weight);
    atomicAdd(counts + sample_buckets, kept);
    __syncthreads();
    auto& all = *reinterpret_cast<Histogram*>(sample.sums);
    for (uint32_t i = threadIdx.x; i <= sample_buckets; i += histogram_threads) {
        if (counts[i] == 0) continue;
        atomicAdd(all.weights + i, weights[i]);
        atomicAdd(all.counts + i, Weight64(counts[i]));
    }
}

// Sums of this and all earlier threads' values.
__device__ Weight64 block_scan(Weight64 value) {
    __shared__ Weight64 parts[threads / 32];
    const uint32_t lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    for (int step = 1; step < 32; step *= 2) {
        const Weight64 other = __shfl_up_sync(all_lanes, value, step);
        if (lane >= step) value += other;
    }
    __syncthreads();
    if (lane == 31) parts[warp] = value;
    __syncthreads();
    for (uint32_t i = 0; i < warp; ++i) value += parts[i];
    return value;
}

// Ascending keys are descending logits, equal ones by ascending id.
__device__ Weight64 key_of(float logit, uint32_t id) {
    const uint32_t bits = __float_as_uint(logit == 0.0f ? 0.0f : logit); // -0 ties with 0
    const uint32_t ascending = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return Weight64(~ascending) << 32 | id;
}
__device__ float logit_of(Weight64 key) {
    const uint32_t ascending = ~static_cast<uint32_t>(key >> 32);
    return __uint_as_float(ascending & 0x80000000u ? ascending & 0x7FFFFFFFu : ~ascending);
}

// All candidates in descending order, as far as they were looked at: the sums by bucket, and one bucket
// sorted.
struct Order {
    Weight64 weights[sample_buckets]; // up to the bucket's end
    uint32_t counts[sample_buckets];
    Weight64 keys[most_sorted]; // of the sorted bucket
    Weight64 sums[most_sorted]; // of weights from its start on
    uint32_t found, listed;

    __device__ Weight64 weight_before(uint32_t bucket) const { return bucket ? weights[bucket - 1] : 0; }
    __device__ uint32_t count_before(uint32_t bucket) const { return bucket ? counts[bucket - 1] : 0; }

    // The first index below `end` for which it holds, or `end`. All threads must call it.
    template <class Condition>
    __device__ uint32_t first(uint32_t end, Condition&& holds) {
        __syncthreads();
        if (threadIdx.x == 0) found = end;
        __syncthreads();
        for (uint32_t i = threadIdx.x; i < end; i += threads)
            if (holds(i)) atomicMin(&found, i);
        __syncthreads();
        return found;
    }

    // Sorts one bucket. False when it has too many tokens.
    __device__ bool sort(const SampleView& sample, const Reach& reach, uint32_t bucket) {
        __syncthreads();
        if (threadIdx.x == 0) listed = 0;
        keys[threadIdx.x] = ~Weight64(0);
        __syncthreads();
        for (uint32_t i = threadIdx.x; i < sample.count; i += threads) {
            const float logit = sample.logits[i];
            if (!reach.holds(logit) || reach.bucket(logit) != bucket) continue;
            const uint32_t place = atomicAdd(&listed, 1u);
            if (place < most_sorted) keys[place] = key_of(logit, i);
        }
        __syncthreads();
        if (listed > most_sorted) return false;
        uint32_t size = 1;
        while (size < listed) size *= 2;
        // Batcher 1968, bitonic sort.
        for (uint32_t run = 2; run <= size; run *= 2) {
            for (uint32_t step = run / 2; step > 0; step /= 2) {
                const uint32_t i = threadIdx.x, other = i ^ step;
                if (other > i && other < size && (keys[i] > keys[other]) == ((i & run) == 0)) {
                    const Weight64 key = keys[i];
                    keys[i] = keys[other], keys[other] = key;
                }
                __syncthreads();
            }
        }
        const bool used = threadIdx.x < listed;
        sums[threadIdx.x] = block_scan(used ? fixed(reach.weight(logit_of(keys[threadIdx.x]))) : 0);
        __syncthreads();
        return true;
    }
};

// The token, -1 without any, or sample_undecided; for every thread.
__device__ int32_t draw(const SampleView& sample, const Reach& reach, const Histogram& histogram,
                        Order& order) {
    uint32_t count = order.counts[sample_buckets - 1];
    Weight64 weight = order.weights[sample_buckets - 1];
    if (count == 0) return -1;
    uint32_t sorted = sample_buckets; // none
    auto sort = [&](uint32_t bucket) {
        if (bucket == sorted) return true;
        sorted = bucket;
        return order.sort(sample, reach, bucket);
    };
    if (sample.top_k != 0 && sample.top_k < count) {
        count = sample.top_k;
        const uint32_t bucket =
            order.first(sample_buckets, [&](uint32_t i) { return order.counts[i] >= count; });
        if (!sort(bucket)) return sample_undecided;
        weight = order.weight_before(bucket) + order.sums[count - order.count_before(bucket) - 1];
    }
    if (sample.top_p < 1.0f) { // the smallest set that reaches its share
        const double share = double(weight) * sample.top_p;
        const uint32_t bucket =
            order.first(sample_buckets, [&](uint32_t i) { return double(order.weights[i]) >= share; });
        if (bucket < sample_buckets && order.count_before(bucket) < count) {
            if (!sort(bucket)) return sample_undecided;
            const Weight64 before = order.weight_before(bucket);
            const uint32_t index = order.first(
                order.listed, [&](uint32_t i) { return double(before + order.sums[i]) >= share; });
            if (order.count_before(bucket) + index + 1 < count) {
                count = order.count_before(bucket) + index + 1;
                weight = before + order.sums[index];
            }
        }
    }
    if (sample.min_p > 0.0f) { // relative to the most likely one, which stays
        const auto kept = static_cast<uint32_t>(histogram.counts[sample_buckets]);
        if (kept < count) {
            count = max(kept, 1u);
            weight = kept ? histogram.weights[sample_buckets] : fixed(1.0);
        }
    }
    const double target = sample.uniform * double(weight);
    const uint32_t bucket =
        order.first(sample_buckets, [&](uint32_t i) { return double(order.weights[i]) > target; });
    if (bucket == sample_buckets || !sort(bucket)) return sample_undecided;
    const Weight64 before = order.weight_before(bucket);
    const uint32_t index =
        order.first(order.listed, [&](uint32_t i) { return double(before + order.sums[i]) > target; });
    const uint32_t last = count - 1 - order.count_before(bucket);
    return static_cast<int32_t>(order.keys[min(index, last)] & 0xFFFFFFFFu);
}

__global__ __launch_bounds__(threads) void sample_draw(SampleView sample, TokenPlaces places) {
    __shared__ Order order;
    begin();
    const Reach reach(sample, largest_of(sample.maxima));
    auto& histogram = *reinterpret_cast<Histogram*>(sample.sums);
    static_assert(sample_buckets == 2 * threads);
    const uint32_t first = 2 * threadIdx.x, second = first + 1;
    const Weight64 weights = block_scan(histogram.weights[first] + histogram.weights[second]);
    order.weights[first] = weights - histogram.weights[second];
    order.weights[second] = weights;
    const auto counts = static_cast<uint32_t>(block_scan(histogram.counts[first] + histogram.counts[second]));
    order.counts[first] = counts - static_cast<uint32_t>(histogram.counts[second]);
    order.counts[second] = counts;
    __syncthreads();
    const int32_t token = draw(sample, reach, histogram, order);
    __syncthreads(); // the histogram was read; it must be zero the next time
    for (uint32_t i = threadIdx.x; i <= sample_buckets; i += threads)
        histogram.weights[i] = 0, histogram.counts[i] = 0;
    if (threadIdx.x == 0) {
        if (places.next) *places.next = max(token, 0);
        if (places.host) *places.host = token;
    }
}

} // namespace

cudaError_t launch_sample(const SampleView& sample, const TokenPlaces& token, cudaStream_t stream) {
    const cudaError_t first = launch_argmax_parts(sample.logits, sample.count, sample.maxima, stream);
    if (first != cudaSuccess) return first;
    const cudaError_t second =
        launch(sample_histogram, histogram_blocks, histogram_threads, 0, stream, sample);
    return second != cudaSuccess ? second : launch(sample_draw, 1, threads, 0, stream, sample, token);
}

} // namespace fp4::cuda
