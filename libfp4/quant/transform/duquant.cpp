#include "libfp4/quant/transform/duquant.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "libfp4/quant/transform/block_multiply.h"
#include "libfp4/quant/transform/random_orthogonal.h"

namespace fp4 {
namespace {

// Swaps index 0 and `other` in rows and in columns.
template <class Value>
void swap_index(std::vector<Value>& matrix, size_t n, size_t other) {
    if (other == 0) return;
    std::swap_ranges(matrix.begin(), matrix.begin() + static_cast<std::ptrdiff_t>(n),
                     matrix.begin() + static_cast<std::ptrdiff_t>(other * n));
    for (size_t row = 0; row < n; ++row) std::swap(matrix[row * n], matrix[row * n + other]);
}

// M = Rb blockdiag(1, Q').
std::vector<double> step_matrix(size_t n, uint64_t seed) {
    RandomDraws draws(seed);
    std::vector<double> inner = random_orthogonal(n - 1, draws);
    std::vector<double> base = duquant_base_rotation(n);
    std::vector<double> product(n * n);
    for (size_t i = 0; i < n; ++i) {
        product[i * n] = base[i * n];
        for (size_t k = 1; k < n; ++k) {
            for (size_t j = 1; j < n; ++j) {
                product[i * n + j] += base[i * n + k] * inner[(k - 1) * (n - 1) + j - 1];
            }
        }
    }
    return product;
}

struct Extremes {
    float low = std::numeric_limits<float>::infinity();
    float high = -std::numeric_limits<float>::infinity();
    size_t low_channel = 0, high_channel = 0;

    void add(float value, size_t channel) {
        if (value < low) low = value, low_channel = channel;
        if (value > high) high = value, high_channel = channel;
    }
    size_t outlier() const { return -low > high ? low_channel : high_channel; }
    double range() const { return double{high} - double{low}; }
};

// The sample as rows of one block each; float32, because it only decides which channel comes next.
class GreedySample {
  public:
    GreedySample(const SiteStatistics& statistics, const std::vector<double>& scale, size_t block)
        : block_(block), values_(statistics.sample), chunks_((runs() + chunk_runs - 1) / chunk_runs) {
        if (scale.empty()) return;
        for (size_t i = 0; i < values_.size(); ++i) {
            values_[i] = static_cast<float>(values_[i] * scale[i % statistics.cols]);
        }
    }

    // Multiplies every block with `rotation` (none at first) and returns the extremes of the results.
    Extremes advance(const float* rotation, ThreadPool& pool) {
        pool.parallel_for(chunks_.size(), [&](size_t chunk) {
            size_t last = std::min(runs(), (chunk + 1) * chunk_runs);
            Extremes found;
            for (size_t run = chunk * chunk_runs; run < last; ++run) {
                float* x = values_.data() + run * block_;
                if (rotation) multiply_block(rotation, block_, x);
                for (size_t j = 0; j < block_; ++j) found.add(x[j], j);
            }
            chunks_[chunk] = found;
        });
        Extremes all;
        for (const Extremes& chunk : chunks_) {
            all.add(chunk.low, chunk.low_channel);
            all.add(chunk.high, chunk.high_channel);
        }
        return all;
    }

  private:
    static constexpr size_t chunk_runs = 256;
    size_t runs() const { return values_.size() / block_; }

    size_t block_;
    std::vector<float> values_; // [sample_rows * K / block, block]
    std::vector<Extremes> chunks_;
};

} // namespace

std::vector<double> duquant_base_rotation(size_t n) {
    std::vector<double> matrix(n * n);
    for (size_t i = 0; i < n; ++i) matrix[i * n + i] = 1.0;
    for (size_t i = 0; i + 1 < n; ++i) {
        double cosine = 1.0 / std::sqrt(static_cast<double>(i + 2));
        double sine = std::sqrt(static_cast<double>(i + 1)) * cosine;
        for (size_t j = 0; j < n; ++j) {
            double upper = matrix[i * n + j];
            double lower = matrix[(i + 1) * n + j];
            matrix[i * n + j] = cosine * upper - sine * lower;
            matrix[(i + 1) * n + j] = sine * upper + cosine * lower;
        }
    }
    swap_index(matrix, n, n - 1);
    return matrix;
}

Result<DuquantRotation> duquant_rotation(const SiteStatistics& statistics, std::vector<double> channel_scale,
                                         const DuquantOptions& options, ThreadPool& pool) {
    size_t cols = statistics.cols;
    FP4_TRY(check_transform_block(cols, options.block));
    if (statistics.sample.empty() || statistics.sample.size() != statistics.sample_rows * cols) {
        return error(Status::argument, "duquant++ needs a sample of the inputs; use calibration text");
    }
    auto finite = [](float value) { return std::isfinite(value); };
    if (!std::all_of(statistics.sample.begin(), statistics.sample.end(), finite)) {
        return error(Status::corrupt, "duquant++: the sample of inputs has a value that is no finite number");
    }

    GreedySample sample(statistics, channel_scale, options.block);
    const std::vector<double> step = step_matrix(options.block, options.seed);
    std::vector<size_t> channels;
    DuquantRotation out;
    Extremes now = sample.advance(nullptr, pool);
    out.peaks.push_back(now.range());
    for (size_t k = 0; k < options.steps; ++k) {
        channels.push_back(now.outlier());
        std::vector<float> rotation(step.begin(), step.end());
        swap_index(rotation, options.block, channels.back());
        now = sample.advance(rotation.data(), pool);
        out.peaks.push_back(now.range());
    }
    auto best = std::min_element(out.peaks.begin(), out.peaks.end());
    out.steps = static_cast<size_t>(best - out.peaks.begin());

    out.transform.cols = cols;
    out.transform.channel_scale = std::move(channel_scale);
    if (out.steps == 0) return out;
    size_t block = options.block;
    std::vector<double>& product = out.transform.matrix;
    product.resize(block * block);
    for (size_t i = 0; i < block; ++i) product[i * block + i] = 1.0;
    for (size_t k = 0; k < out.steps; ++k) {
        std::vector<double> rotation = step;
        swap_index(rotation, block, channels[k]);
        for (size_t i = 0; i < block; ++i) multiply_block(rotation.data(), block, product.data() + i * block);
    }
    out.transform.block = options.block;
    out.transform.weight_matrix = product;
    return out;
}

} // namespace fp4
