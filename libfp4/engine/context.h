// One conversation: the KV cache, the tokens in it, and the means to run more. One thread at a time, except
// cancel().
#pragma once

#include <atomic>
#include <memory>
#include <span>
#include <vector>

#include "libfp4/engine/forward.h"

namespace fp4 {

struct ContextConfig {
    uint32_t capacity = 0; // 0: the model's context length, at most default_capacity
    uint32_t chunk = 0;    // 0: the backend's default_chunk()
    StreamConfig stream;
    Path path_prefill = Path::automatic;
    Path path_decode = Path::automatic;
    KvFormat kv_format = KvFormat::f16;

    static constexpr uint32_t default_capacity = 4096;
};

// Fills in the defaults for a model, and refuses sizes beyond it.
Result<ContextConfig> resolve_context(const ContextConfig& config, const ModelConfig& model,
                                      const Backend& backend);

class Context {
  public:
    static Result<std::unique_ptr<Context>> create(std::shared_ptr<const Model> model,
                                                   const ContextConfig& config);

    const Model& model() const { return *model_; }
    const ContextConfig& config() const { return config_; } // resolved
    size_t used() const { return tokens_.size(); }
    // used(), readable by any thread while another works on the context.
    uint32_t published_used() const { return published_used_.load(std::memory_order_relaxed); }
    size_t capacity() const { return config_.capacity; }
    size_t chunk() const { return config_.chunk; }
    uint64_t bytes() const { return bytes_; }
    int threads() const { return stream_->threads(); }
    const std::vector<int32_t>& tokens() const { return tokens_; }

    // A pass in small pieces: begin with 1..chunk tokens, then advance until it gives true. The tokens count
    // only then; a new begin_pass or abandon_pass drops an unfinished one.
    Result<void> begin_pass(std::span<const int32_t> tokens);
    // A pass over the context's last token once more, for its logits. The tokens stay whatever becomes of it.
    Result<void> begin_replay();
    // wait: the piece has been computed, not only handed to the device, when this returns; of one token the pass,
    // with its last piece.
    Result<bool> advance_pass(bool wait = false);
    void abandon_pass() noexcept { pass_.clear(); }
    bool in_pass() const { return !pass_.empty(); }

    // Head of the last token of a complete pass, in pieces: the next `rows` of head_left(), or up to a tile
    // more. True with the last one; then sample() and logits() work. A new pass drops an unfinished head.
    Result<bool> advance_head(size_t rows);
    size_t head_rows() const { return model_->config.vocabulary; }
    size_t head_left() const { return has_logits_ ? 0 : head_rows() - head_done_; }
    // Whether smaller pieces are also shorter; otherwise the first one is the whole head.
    bool divides_head() const { return stream_->divides_linear(); }
    // Rows [first, first + count) of the last finished pass, copied out: [count, vocabulary].
    Result<void> project_rows(size_t first, size_t count, float* logits);

    // Runs any number of tokens; on failure or cancel the context is as before. all_logits: keep every row.
    Result<void> eval(std::span<const int32_t> tokens, bool all_logits);
    void cancel() { cancelled_.store(true, std::memory_order_relaxed); }

    Result<void> logits(size_t row, std::span<float> target);
    Result<int32_t> sample(const SampleRequest& request);
    Result<void> truncate(size_t tokens);

    Stream& stream() { return *stream_; }
    KvCache& cache() { return *cache_; }
    // Takes over tokens whose keys and values were just written into the cache.
    void adopt(std::vector<int32_t> tokens);

  private:
    explicit Context(std::shared_ptr<const Model> model) : model_(std::move(model)) {}
    Result<void> check_tokens(std::span<const int32_t> tokens) const;
    Result<void> run(std::span<const int32_t> tokens,
                     float* all_logits); // null: only the last row, on the device
    void start_pass(std::span<const int32_t> tokens, size_t position);
    void publish() {
        published_used_.store(static_cast<uint32_t>(tokens_.size()), std::memory_order_relaxed);
    }

    std::shared_ptr<const Model> model_;
    ContextConfig config_;
    std::unique_ptr<Stream> stream_;
    std::unique_ptr<KvCache> cache_;
    std::unique_ptr<Forward> forward_;
    std::vector<int32_t> tokens_;
    std::vector<int32_t> pass_;     // tokens of the pass under way
    bool replay_ = false;           // they are in tokens_ already
    bool has_output_ = false;       // the device holds what the layers made of the last token
    size_t head_done_ = 0;          // rows of its head that are computed, until all are
    bool has_logits_ = false;       // the device holds the last token's logits
    size_t last_logit_row_ = 0;     // their row there
    std::vector<float> all_logits_; // [rows of the last eval, vocabulary] when asked for
    uint64_t bytes_ = 0;
    std::atomic<bool> cancelled_{false};
    std::atomic<uint32_t> published_used_{0};
};

} // namespace fp4
