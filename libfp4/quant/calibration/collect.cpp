#include "libfp4/quant/calibration/collect.h"

#include <algorithm>
#include <cmath>

namespace fp4 {
namespace {

using Input = LayerPass::Input;

// Gram sums on the device, as means on the host.
class GramSum {
  public:
    static Result<GramSum> create(Backend& backend, size_t cols) {
        GramSum sum;
        sum.cols_ = cols;
        FP4_ASSIGN(sum.buffer_, backend.allocate(cols * cols * sizeof(float)));
        return sum;
    }
    void add(Stream& stream, const Buffer& a, const Buffer& b, size_t n) {
        stream.accumulate_gram(a, cols_, b, cols_, n, *buffer_);
    }
    Result<std::vector<double>> mean(Stream& stream, uint64_t tokens) const {
        std::vector<float> sums(cols_ * cols_);
        FP4_TRY(
            stream.read(*buffer_, 0, {reinterpret_cast<uint8_t*>(sums.data()), sums.size() * sizeof(float)}));
        std::vector<double> means(sums.begin(), sums.end());
        for (double& value : means) value /= static_cast<double>(tokens);
        return means;
    }

  private:
    std::unique_ptr<Buffer> buffer_;
    size_t cols_ = 0;
};

Result<void> download(Stream& stream, const Buffer& buffer, std::vector<float>& values) {
    return stream.read(buffer, 0, {reinterpret_cast<uint8_t*>(values.data()), values.size() * sizeof(float)});
}

void add_channel_statistics(const std::vector<float>& values, SiteStatistics& statistics) {
    const size_t cols = statistics.cols;
    for (size_t at = 0; at < values.size(); at += cols) {
        for (size_t j = 0; j < cols; ++j) {
            const float magnitude = std::abs(values[at + j]);
            statistics.amax[j] = std::max(statistics.amax[j], magnitude);
            statistics.mean_abs[j] += magnitude;
        }
    }
}

} // namespace

Result<SiteStatistics> collect_statistics(LayerWalk& walk, Backend& backend, Site site, size_t sample_rows,
                                          const WalkProgress& progress) {
    const size_t cols = site_width(walk.config(), site), length = walk.length();
    Stream& stream = walk.stream();
    SiteStatistics statistics;
    statistics.cols = cols;
    statistics.tokens = uint64_t(walk.sequences()) * length;
    statistics.amax.resize(cols);
    statistics.mean_abs.resize(cols);
    const size_t stride = std::max<uint64_t>(1, statistics.tokens / std::max<size_t>(1, sample_rows));
    FP4_ASSIGN(auto values, backend.allocate(length * cols * sizeof(float)));
    FP4_ASSIGN(GramSum gram, GramSum::create(backend, cols));
    std::vector<float> host(length * cols);
    for (size_t sequence = 0; sequence < walk.sequences(); ++sequence) {
        FP4_TRY(progress(sequence));
        FP4_TRY(walk.run_to(site, sequence, Input::plain));
        stream.read_input(walk.input(site), length, *values);
        gram.add(stream, *values, *values, length);
        FP4_TRY(download(stream, *values, host));
        add_channel_statistics(host, statistics);
        const size_t first = sequence * length;
        for (size_t row = (stride - first % stride) % stride; row < length; row += stride) {
            const auto at = host.begin() + static_cast<ptrdiff_t>(row * cols);
            statistics.sample.insert(statistics.sample.end(), at, at + static_cast<ptrdiff_t>(cols));
            ++statistics.sample_rows;
        }
    }
    for (double& mean : statistics.mean_abs) mean /= static_cast<double>(statistics.tokens);
    FP4_ASSIGN(statistics.gram, gram.mean(stream, statistics.tokens));
    return statistics;
}

Result<float> collect_transformed_amax(LayerWalk& walk, Backend& backend, Site site,
                                       const WalkProgress& progress) {
    const size_t cols = site_width(walk.config(), site), length = walk.length();
    FP4_ASSIGN(auto values, backend.allocate(length * cols * sizeof(float)));
    std::vector<float> host(length * cols);
    float amax = 0;
    for (size_t sequence = 0; sequence < walk.sequences(); ++sequence) {
        FP4_TRY(progress(sequence));
        FP4_TRY(walk.run_to(site, sequence, Input::transformed));
        walk.stream().read_input(walk.input(site), length, *values);
        FP4_TRY(download(walk.stream(), *values, host));
        for (float value : host) amax = std::max(amax, std::abs(value));
    }
    return amax;
}

Result<SiteTargets> collect_targets(LayerWalk& walk, LayerWalk* original, Backend& backend, Site site,
                                    const WalkProgress& progress) {
    const size_t cols = site_width(walk.config(), site), length = walk.length();
    Stream& stream = walk.stream();
    LayerWalk& plain_walk = original ? *original : walk;
    FP4_ASSIGN(auto rounded, backend.allocate(length * cols * sizeof(float)));
    FP4_ASSIGN(auto plain, backend.allocate(length * cols * sizeof(float)));
    FP4_ASSIGN(GramSum gram, GramSum::create(backend, cols));
    FP4_ASSIGN(GramSum cross, GramSum::create(backend, cols));
    for (size_t sequence = 0; sequence < walk.sequences(); ++sequence) {
        FP4_TRY(progress(sequence));
        FP4_TRY(plain_walk.run_to(site, sequence, Input::plain));
        stream.read_input(plain_walk.input(site), length, *plain);
        FP4_TRY(walk.run_to(site, sequence, Input::rounded));
        stream.read_input(walk.input(site), length, *rounded);
        gram.add(stream, *rounded, *rounded, length);
        cross.add(stream, *rounded, *plain, length);
    }
    const uint64_t tokens = uint64_t(walk.sequences()) * length;
    SiteTargets targets;
    FP4_ASSIGN(targets.gram, gram.mean(stream, tokens));
    FP4_ASSIGN(targets.cross, cross.mean(stream, tokens));
    return targets;
}

} // namespace fp4
