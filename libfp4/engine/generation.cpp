#include "libfp4/engine/generation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <system_error>

#include "libfp4/base/thread_priority.h"

namespace fp4 {
namespace {

double seconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

} // namespace

Generation::Generation(Context& context, GenerationRequest request)
    : context_(context), request_(std::move(request)), stops_(request_.stops) {}

Result<std::unique_ptr<Generation>> Generation::create(Context& context, GenerationRequest request) {
    auto generation = std::unique_ptr<Generation>(new Generation(context, std::move(request)));
    Generation& self = *generation;
    FP4_TRY(self.check_room());
    const Model& model = context.model();
    if (model.tokenizer) self.pieces_.emplace(*model.tokenizer, false, self.request_.show_special);
    self.history_ = context.tokens();
    self.history_.insert(self.history_.end(), self.request_.prompt.begin(), self.request_.prompt.end());
    self.stats_.prompt_tokens = static_cast<uint32_t>(self.request_.prompt.size());
    if (self.request_.prompt.empty()) {
        if (context.used() == 0)
            return error(Status::argument, "nothing to go on from: the context and the prompt are empty");
        self.request_.prompt = {context.tokens().back()};
        self.replays_last_ = true;
    }
    return generation;
}

Result<void> Generation::check_room() const {
    size_t room = context_.capacity() - context_.used();
    if (request_.prompt.size() > room) {
        return error(Status::limit, "the prompt has ", request_.prompt.size(),
                     " tokens, the context has room for ", room, " of ", context_.capacity(),
                     "; shorten it, truncate the context or create a larger one");
    }
    for (int32_t token : request_.prompt) {
        if (token < 0 || static_cast<uint32_t>(token) >= context_.model().config.vocabulary) {
            return error(Status::argument, "prompt token ", token, " is outside the vocabulary of ",
                         context_.model().config.vocabulary);
        }
    }
    return {};
}

Generation::~Generation() {
    stop();
}

void Generation::stop() {
    cancel();
    if (worker_.joinable()) worker_.join();
    // A finished generation no longer owns the context: another may be using it. So it is touched only before
    // it counts as finished, and by the destructor, which others may have overtaken, not at all.
    if (finished()) return;
    context_.abandon_pass();
    std::lock_guard lock(mutex_);
    stats_.finish = Finish::cancelled;
    changed_.notify_all();
}

double Generation::next_cost_us() const {
    auto expected = [&](const CostEstimate& cost, size_t units) {
        return WorkCosts::expected_us(cost, units, budget_us_);
    };
    if (need_token_) {
        if (context_.head_left() == 0) return expected(costs_.draw, 1);
        return expected(costs_.head_row, head_piece_rows());
    }
    const size_t tokens = pending_ >= 0 ? 1 : context_.in_pass() ? pass_tokens_ : prompt_pass_tokens();
    return tokens == 1 ? expected(costs_.decode_layer, 1) : expected(costs_.layer_per_token, tokens);
}

Result<bool> Generation::step(uint64_t budget_us, StepReport* report) {
    if (finished()) {
        std::lock_guard lock(mutex_);
        if (error_) return *error_;
        return true;
    }
    const auto start = Clock::now();
    const uint32_t generated_before = stats_.generated_tokens;
    budget_us_ = budget_us;
    double elapsed_us = 0;
    do {
        work_or_end();
        elapsed_us = seconds(Clock::now() - start) * 1e6;
    } while (!finished() && elapsed_us + next_cost_us() <= static_cast<double>(budget_us));

    std::lock_guard lock(mutex_);
    double overrun_us = std::max(0.0, elapsed_us - static_cast<double>(budget_us));
    stats_.longest_step_seconds = std::max(stats_.longest_step_seconds, elapsed_us * 1e-6);
    stats_.longest_overrun_seconds = std::max(stats_.longest_overrun_seconds, overrun_us * 1e-6);
    if (report) {
        report->elapsed_us = static_cast<uint64_t>(elapsed_us);
        report->overrun_us = static_cast<uint64_t>(overrun_us);
        report->new_tokens = stats_.generated_tokens - generated_before;
        report->prompt_left = static_cast<uint32_t>(request_.prompt.size() - prompt_done_);
    }
    if (error_) return *error_;
    return stats_.finish != Finish::none;
}

// One piece of work, or the end by cancel or failure. No state is left half-changed when memory runs out:
// that too ends the generation.
void Generation::work_or_end() noexcept {
    try {
        if (cancelled_.load(std::memory_order_relaxed)) {
            context_.abandon_pass();
            finish(Finish::cancelled);
        } else if (auto done = work(); !done.ok()) {
            context_.abandon_pass();
            fail(std::move(done).error());
        }
    } catch (const std::bad_alloc&) {
        context_.abandon_pass();
        fail(error(Status::memory, "out of memory")); // so short that it needs none
    } catch (const std::exception&) {
        context_.abandon_pass();
        fail(error(Status::internal, "internal error")); // never on purpose, but a host must not die of it
    }
}

Result<void> Generation::work() {
    if (context_.in_pass()) return advance_pass();
    if (need_token_) return context_.head_left() == 0 ? draw_token() : advance_head();
    if (pending_ >= 0) {
        if (context_.used() == context_.capacity()) {
            finish(Finish::full);
            return {};
        }
        pass_tokens_ = 1;
        FP4_TRY(context_.begin_pass({&pending_, 1}));
        pending_ = -1;
        return advance_pass();
    }
    return begin_prompt_pass();
}

size_t Generation::prompt_pass_tokens() const {
    return costs_.prompt_tokens(budget_us_,
                                std::min(context_.chunk(), request_.prompt.size() - prompt_done_));
}

size_t Generation::head_piece_rows() const {
    if (!context_.divides_head()) return context_.head_rows();
    return costs_.head_rows(budget_us_, context_.head_left(), context_.head_rows());
}

// Up to its first token a generation is at its prompt: decode speed counts whole tokens after it.
void Generation::spend(double seconds) {
    std::lock_guard lock(mutex_);
    (stats_.generated_tokens == 0 ? stats_.prefill_seconds : stats_.decode_seconds) += seconds;
}

Result<void> Generation::begin_prompt_pass() {
    pass_tokens_ = prompt_pass_tokens();
    std::span tokens(request_.prompt.data() + prompt_done_, pass_tokens_);
    FP4_TRY(replays_last_ ? context_.begin_replay() : context_.begin_pass(tokens));
    return advance_pass();
}

Result<void> Generation::advance_pass() {
    const auto start = Clock::now();
    // Where a token is drawn next that waits. Passes of the prompt that nobody waits for would cost nothing
    // here, and a step would start them by the hundred.
    const bool draws = pass_tokens_ == 1 && prompt_done_ + 1 >= request_.prompt.size();
    FP4_ASSIGN(bool complete, context_.advance_pass(budget_us_ < WorkCosts::unhurried_us && !draws));
    const double elapsed = seconds(Clock::now() - start);
    spend(elapsed);
    (pass_tokens_ == 1 ? costs_.decode_layer : costs_.layer_per_token)
        .add(elapsed * 1e6 / static_cast<double>(pass_tokens_));
    if (!complete) return {};
    if (prompt_done_ < request_.prompt.size()) {
        prompt_done_ += pass_tokens_;
        need_token_ = prompt_done_ == request_.prompt.size();
    } else {
        need_token_ = true;
    }
    return {};
}

Result<void> Generation::advance_head() {
    const auto start = Clock::now();
    const size_t before = context_.head_left();
    FP4_TRY(context_.advance_head(head_piece_rows()));
    const double elapsed = seconds(Clock::now() - start);
    spend(elapsed);
    costs_.head_row.add(elapsed * 1e6 / static_cast<double>(before - context_.head_left()));
    return {};
}

Result<void> Generation::draw_token() {
    const auto start = Clock::now();
    SampleRequest request{&request_.sampling, history_, request_.bias, stats_.generated_tokens};
    FP4_ASSIGN(int32_t token, context_.sample(request));
    if (token < 0)
        return error(Status::state, "no token can be drawn: every logit is forbidden or not a number");
    need_token_ = false;
    const double elapsed = seconds(Clock::now() - start);
    spend(elapsed);
    costs_.draw.add(elapsed * 1e6);
    {
        std::lock_guard lock(mutex_);
        if (stats_.generated_tokens == 0) {
            stats_.seconds_to_first_token = stats_.prefill_seconds;
        } else {
            ++stats_.decoded_tokens;
        }
    }
    accept(token);
    return {};
}

void Generation::accept(int32_t token) {
    const bool is_end = !request_.ignore_end && context_.model().is_end_token(token);
    std::string safe, text;
    bool stopped = false;
    if (pieces_ && (!is_end || request_.show_special)) stopped = stops_.push(pieces_->push(token), safe);
    utf8_.push(safe, text);
    history_.push_back(token);
    bool last = false;
    {
        std::lock_guard lock(mutex_);
        ++stats_.generated_tokens;
        output_ += text;
        last = request_.max_tokens != 0 && stats_.generated_tokens == request_.max_tokens;
    }
    changed_.notify_all();
    if (is_end) return finish(Finish::end);
    if (stopped) return finish(Finish::stop);
    if (last) return finish(Finish::length);
    pending_ = token;
}

void Generation::finish(Finish reason) {
    std::string safe, text;
    if (reason != Finish::stop) stops_.finish(safe);
    utf8_.push(safe, text);
    utf8_.finish(text);
    std::lock_guard lock(mutex_);
    output_ += text;
    stats_.finish = reason;
    changed_.notify_all();
}

void Generation::fail(Error failure) {
    std::lock_guard lock(mutex_);
    error_ = std::move(failure);
    stats_.finish = Finish::failed;
    changed_.notify_all();
}

Result<void> Generation::start_thread() {
    try {
        worker_ = std::thread([this] {
            try {
                set_thread_priority(context_.config().stream.priority);
                while (!finished()) {
                    if (auto stepped = step(std::numeric_limits<uint64_t>::max(), nullptr); !stepped.ok())
                        return;
                }
            } catch (const std::bad_alloc&) {
                // Only for the copy of an error that ended the generation; readers get the original.
            }
        });
    } catch (const std::system_error& failure) {
        return error(Status::memory, "cannot start the generation's thread: ", failure.what());
    }
    return {};
}

Result<Generation::Read> Generation::read(char* text, size_t capacity, size_t& bytes, int32_t timeout_ms) {
    std::unique_lock lock(mutex_);
    auto ready = [&] { return !output_.empty() || stats_.finish != Finish::none; };
    if (threaded() && timeout_ms != 0) {
        if (timeout_ms < 0) {
            changed_.wait(lock, ready);
        } else {
            changed_.wait_for(lock, std::chrono::milliseconds(timeout_ms), ready);
        }
    }
    bytes = utf8_prefix(output_, capacity);
    std::copy_n(output_.data(), bytes, text);
    output_.erase(0, bytes);
    if (bytes > 0 && !output_.empty()) return Read::more;
    if (stats_.finish == Finish::none)
        return bytes == 0 && threaded() && timeout_ms > 0 ? Read::timeout : Read::more;
    if (bytes == 0 && error_) return *error_;
    return error_ ? Read::more : Read::done;
}

void Generation::cancel() {
    cancelled_.store(true, std::memory_order_relaxed);
}

bool Generation::finished() const {
    std::lock_guard lock(mutex_);
    return stats_.finish != Finish::none;
}

GenerationStats Generation::stats() const {
    std::lock_guard lock(mutex_);
    return stats_;
}

} // namespace fp4
