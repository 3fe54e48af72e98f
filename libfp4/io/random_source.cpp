#include "libfp4/io/random_source.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>

#include "libfp4/base/split_mix.h"

namespace fp4 {
namespace {

constexpr uint64_t run_blocks = 8; // copied together

class RandomSource final : public ByteSource {
  public:
    RandomSource(std::string name, std::shared_ptr<const BlockPool> pool, uint64_t seed, uint64_t count)
        : name_(std::move(name)), pool_(std::move(pool)), seed_(seed), bytes_(count * pool_->block_bytes) {}

    const std::string& name() const override { return name_; }
    uint64_t size() const override { return bytes_; }
    std::span<const uint8_t> map() const override { return {}; }

    Result<void> read_at(uint64_t offset, std::span<uint8_t> target) const override {
        FP4_TRY(check_range(*this, offset, target.size()));
        const uint64_t run_bytes = run_blocks * pool_->block_bytes;
        while (!target.empty()) {
            const uint64_t run = offset / run_bytes, within = offset % run_bytes;
            const uint64_t first = split_mix(seed_, run) % (BlockPool::blocks - run_blocks);
            const auto count = static_cast<size_t>(std::min<uint64_t>(run_bytes - within, target.size()));
            std::memcpy(target.data(), pool_->bytes.data() + first * pool_->block_bytes + within, count);
            target = target.subspan(count);
            offset += count;
        }
        return {};
    }

  private:
    std::string name_;
    std::shared_ptr<const BlockPool> pool_;
    uint64_t seed_;
    uint64_t bytes_;
};

} // namespace

std::shared_ptr<ByteSource> random_source(std::string name, std::shared_ptr<const BlockPool> pool,
                                          uint64_t seed, uint64_t block_count) {
    return std::make_shared<RandomSource>(std::move(name), std::move(pool), seed, block_count);
}

std::vector<float> normal_numbers(size_t count, float mean, float deviation, uint64_t seed) {
    std::vector<float> numbers(count);
    for (size_t i = 0; i < count; ++i) { // Box and Muller 1958
        const uint64_t bits = split_mix(seed, i);
        const double u = (static_cast<double>(bits >> 32) + 0.5) * 0x1p-32,
                     v = static_cast<double>(bits & 0xFFFFFFFFu) * 0x1p-32;
        const double normal = std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v);
        numbers[i] = mean + deviation * static_cast<float>(normal);
    }
    return numbers;
}

} // namespace fp4
