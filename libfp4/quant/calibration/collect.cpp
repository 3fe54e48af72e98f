#include "libfp4/quant/calibration/collect.h"

#include <algorithm>
#include <cmath>

namespace fp4 {
namespace {

using Input = LayerPass::Input;

// Gram sums on the device, as means on the host.
class GramSum {
  public:
    static Result<GramSum> create(Backend& backend, size_t a_cols, size_t b_cols) {
        GramSum sum;
        sum.a_cols_ = a_cols;
        sum.b_cols_ = b_cols;
        FP4_ASSIGN(sum.buffer_, backend.allocate(a_cols * b_cols * sizeof(float)));
        return sum;
    }
    void add(Stream& stream, const Buffer& a, const Buffer& b, size_t n) {
        stream.accumulate_gram(a, a_cols_, b, b_cols_, n, *buffer_);
    }
    Result<std::vector<double>> mean(Stream& stream, uint64_t tokens) const {
        std::vector<float> sums(a_cols_ * b_cols_);
        FP4_TRY(
            stream.read(*buffer_, 0, {reinterpret_cast<uint8_t*>(sums.data()), sums.size() * sizeof(float)}));
        std::vector<double> means(sums.begin(), sums.end());
        for (double& value : means) value /= static_cast<double>(tokens);
        return means;
    }

  private:
    std::unique_ptr<Buffer> buffer_;
    size_t a_cols_ = 0, b_cols_ = 0;
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

bool adds_to_residual(const ModelConfig& config, Site site) {
    return !config.post_norms && (site == Site::o || site == Site::down);
}

// The quantized and the original model side by side at one site.
class TargetCollector {
  public:
    TargetCollector(LayerWalk& walk, LayerWalk* original, Backend& backend, Site site)
        : walk_(walk),
          original_(original),
          backend_(backend),
          site_(site),
          cols_(site_width(walk.config(), site)) {}

    Result<SiteTargets> run(const WalkProgress& progress) {
        FP4_TRY(allocate());
        for (size_t sequence = 0; sequence < walk_.sequences(); ++sequence) {
            FP4_TRY(progress(sequence));
            FP4_TRY(add(sequence));
        }
        const uint64_t tokens = uint64_t(walk_.sequences()) * walk_.length();
        SiteTargets targets;
        FP4_ASSIGN(targets.gram, gram_.mean(walk_.stream(), tokens));
        FP4_ASSIGN(targets.cross, cross_.mean(walk_.stream(), tokens));
        if (with_residual_) {
            FP4_ASSIGN(targets.residual, residual_.mean(walk_.stream(), tokens));
        }
        return targets;
    }

  private:
    Result<void> allocate() {
        const size_t length = walk_.length(), hidden = walk_.config().hidden;
        with_residual_ = original_ && adds_to_residual(walk_.config(), site_);
        FP4_ASSIGN(rounded_, backend_.allocate(length * cols_ * sizeof(float)));
        FP4_ASSIGN(plain_, backend_.allocate(length * cols_ * sizeof(float)));
        FP4_ASSIGN(gram_, GramSum::create(backend_, cols_, cols_));
        FP4_ASSIGN(cross_, GramSum::create(backend_, cols_, cols_));
        if (!with_residual_) return {};
        FP4_ASSIGN(ahead_, backend_.allocate(length * hidden * sizeof(float)));
        FP4_ASSIGN(residual_, GramSum::create(backend_, cols_, hidden));
        ours_.resize(length * hidden);
        theirs_.resize(length * hidden);
        return {};
    }

    Result<void> add(size_t sequence) {
        Stream& stream = walk_.stream();
        const size_t length = walk_.length();
        LayerWalk& plain_walk = original_ ? *original_ : walk_;
        FP4_TRY(plain_walk.run_to(site_, sequence, Input::plain));
        stream.read_input(plain_walk.input(site_), length, *plain_);
        if (with_residual_) FP4_TRY(download(stream, original_->x(), theirs_));
        FP4_TRY(walk_.run_to(site_, sequence, Input::rounded));
        stream.read_input(walk_.input(site_), length, *rounded_);
        gram_.add(stream, *rounded_, *rounded_, length);
        cross_.add(stream, *rounded_, *plain_, length);
        if (with_residual_) {
            FP4_TRY(download(stream, walk_.x(), ours_));
            for (size_t i = 0; i < ours_.size(); ++i) theirs_[i] -= ours_[i];
            stream.write(*ahead_, 0,
                         {reinterpret_cast<const uint8_t*>(theirs_.data()), theirs_.size() * sizeof(float)});
            residual_.add(stream, *rounded_, *ahead_, length);
        }
        return stream.synchronize();
    }

    LayerWalk& walk_;
    LayerWalk* original_;
    Backend& backend_;
    Site site_;
    size_t cols_;
    bool with_residual_ = false;
    std::unique_ptr<Buffer> rounded_, plain_, ahead_;
    GramSum gram_, cross_, residual_;
    std::vector<float> ours_, theirs_; // residual streams, [length, hidden]
};

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
    FP4_ASSIGN(GramSum gram, GramSum::create(backend, cols, cols));
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
    return TargetCollector(walk, original, backend, site).run(progress);
}

} // namespace fp4
