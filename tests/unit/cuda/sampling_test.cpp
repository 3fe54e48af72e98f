// The device draws the tokens that the host's sampler draws.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <random>

#include "cuda/cuda_backend.h"
#include "random_model.h"

using namespace fp4;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

class Sampler {
  public:
    explicit Sampler(Backend& backend) : backend_(backend) {
        auto stream = backend.create_stream({});
        REQUIRE(stream.ok());
        stream_ = std::move(*stream);
    }
    void load(const std::vector<float>& logits) {
        logits_ = logits;
        auto buffer = backend_.allocate(logits.size() * sizeof(float));
        REQUIRE(buffer.ok());
        buffer_ = std::move(*buffer);
        stream_->write(*buffer_, 0, {reinterpret_cast<const uint8_t*>(logits.data()), logits.size() * 4});
    }
    // Both samplers' tokens for a number of draws; how many differ.
    int differences(SamplingConfig config, int draws) {
        int differ = 0;
        for (int i = 0; i < draws; ++i) {
            SampleRequest request;
            request.config = &config;
            request.counter = static_cast<uint64_t>(i);
            auto token = stream_->sample(*buffer_, 0, logits_.size(), request);
            const int32_t expected = sample_token(logits_, request);
            if (expected < 0) {
                CHECK(!token.ok());
                continue;
            }
            REQUIRE_MESSAGE(token.ok(), token.error().message);
            differ += *token != expected;
        }
        return differ;
    }

  private:
    Backend& backend_;
    std::unique_ptr<Stream> stream_;
    std::unique_ptr<Buffer> buffer_;
    std::vector<float> logits_;
};

} // namespace

TEST_CASE("device and host draw the same tokens") {
    auto backend = open_cuda_backend();
    if (!backend.ok()) {
        MESSAGE("skipped: ", backend.error().message);
        return;
    }
    Sampler sampler(**backend);
    std::mt19937 random(5);
    const SamplingConfig configs[] = {
        {.temperature = 1.0f},
        {.temperature = 0.7f, .top_k = 40},
        {.temperature = 0.8f, .top_p = 0.95f},
        {.temperature = 1.0f, .min_p = 0.05f},
        {.temperature = 0.9f, .top_k = 50, .top_p = 0.9f, .min_p = 0.02f},
        {.temperature = 1.5f, .top_k = 1},
        {.temperature = 0.1f, .top_p = 0.5f},
        {.temperature = 30.0f},
        {.temperature = 1.0f, .top_p = 0.0f},
        {.temperature = 1.0f, .min_p = 1.0f},
    };
    for (size_t vocabulary : {1ul, 2ul, 1000ul, 12288ul, 128256ul}) {
        for (float spread : {0.0f, 0.5f, 3.0f, 20.0f}) {
            std::normal_distribution<float> normal(0.0f, spread == 0.0f ? 1.0f : spread);
            std::vector<float> logits(vocabulary);
            for (float& logit : logits) logit = spread == 0.0f ? 1.0f : normal(random);
            if (vocabulary > 10 && spread == 3.0f) { // ties, and what never is drawn
                for (size_t i = 0; i + 7 < vocabulary; i += 7) logits[i] = logits[i + 3];
                logits[1] = NAN, logits[2] = -infinity, logits[4] = -0.0f, logits[5] = 0.0f;
            }
            sampler.load(logits);
            for (const SamplingConfig& config : configs) {
                CAPTURE(vocabulary);
                CAPTURE(spread);
                CAPTURE(config.temperature);
                CAPTURE(config.top_k);
                CAPTURE(config.top_p);
                const int draws = vocabulary > 20000 ? test::repetitions(10, 1) : test::repetitions(40, 3);
                CHECK(sampler.differences(config, draws) == 0);
            }
        }
    }
    sampler.load(std::vector<float>(300, -infinity));
    CHECK(sampler.differences({.temperature = 1.0f}, 2) == 0);
    std::vector<float> one(300, 0.0f);
    one[77] = infinity;
    sampler.load(one);
    CHECK(sampler.differences({.temperature = 1.0f}, 5) == 0);
}
