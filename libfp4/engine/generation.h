// Producing text on a context: a machine stepped with a time budget, by its caller or by a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "libfp4/engine/context.h"
#include "libfp4/engine/text_stream.h"
#include "libfp4/engine/work_costs.h"
#include "libfp4/text/tokenizer/tokenizer.h"

namespace fp4 {

struct GenerationRequest {
    std::vector<int32_t> prompt; // appended first; may be empty if the context holds a token to go on from
    SamplingConfig sampling;
    std::vector<LogitBias> bias;
    std::vector<std::string> stops;
    uint32_t max_tokens = 0; // 0: until the context is full
    bool show_special = false;
    bool ignore_end = false;
};

// Same numbers as FP4_FINISH_* in api/fp4.h.
enum class Finish : int32_t { none = 0, end = 1, stop = 2, length = 3, full = 4, cancelled = 5, failed = 6 };

struct StepReport {
    uint64_t elapsed_us = 0;
    uint64_t overrun_us = 0;
    uint32_t new_tokens = 0;
    uint32_t prompt_left = 0;
};

struct GenerationStats {
    uint32_t prompt_tokens = 0;
    uint32_t generated_tokens = 0;
    Finish finish = Finish::none;
    double seconds_to_first_token = -1;
    double prefill_seconds = 0;
    double decode_seconds = 0;
    uint32_t decoded_tokens = 0; // tokens whose time is in decode_seconds
    double longest_step_seconds = 0;
    double longest_overrun_seconds = 0;
};

class Generation {
  public:
    // The context must outlive the generation and serve nothing else meanwhile.
    static Result<std::unique_ptr<Generation>> create(Context& context, GenerationRequest request);
    ~Generation();
    Generation(const Generation&) = delete;

    // True when finished. After a failure every further call gives the same error.
    Result<bool> step(uint64_t budget_us, StepReport* report);

    // Steps on a thread of its own until finished.
    Result<void> start_thread();
    bool threaded() const { return worker_.joinable(); }

    enum class Read { more, done, timeout };
    // Takes at most capacity bytes of whole code points (capacity >= 4).
    Result<Read> read(char* text, size_t capacity, size_t& bytes, int32_t timeout_ms);

    void cancel();
    void stop(); // cancels, waits for the thread, and leaves the context to others
    bool finished() const;
    GenerationStats stats() const;

  private:
    using Clock = std::chrono::steady_clock;
    Generation(Context& context, GenerationRequest request);
    Result<void> check_room() const;
    Result<void> work(); // the smallest piece
    void work_or_end() noexcept;
    Result<void> begin_prompt_pass();
    Result<void> advance_pass();
    Result<void> advance_head();
    Result<void> draw_token();
    void accept(int32_t token);
    void finish(Finish reason);
    void fail(Error error);
    void spend(double seconds);
    double next_cost_us() const;
    size_t prompt_pass_tokens() const;
    size_t head_piece_rows() const;

    Context& context_;
    GenerationRequest request_;
    StopMatcher stops_;
    Utf8Stream utf8_;
    std::optional<TokenStream> pieces_; // none without a tokenizer: tokens are counted, no text comes
    std::vector<int32_t> history_;      // what penalties look at: context and generated tokens
    size_t prompt_done_ = 0;
    size_t pass_tokens_ = 0; // of the pass under way
    bool replays_last_ =
        false;                // no prompt: the context's last token is run again, for its logits may be gone
    bool need_token_ = false; // the last pass is finished: head, then draw
    int32_t pending_ = -1;    // drawn, shown, and not yet run through the model
    uint64_t budget_us_ = 0;
    WorkCosts costs_;

    mutable std::mutex mutex_; // guards what follows
    std::condition_variable changed_;
    std::string output_;
    GenerationStats stats_;
    std::optional<Error> error_;

    std::atomic<bool> cancelled_{false};
    std::thread worker_;
};

} // namespace fp4
