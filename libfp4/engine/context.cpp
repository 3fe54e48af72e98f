#include "libfp4/engine/context.h"

#include <algorithm>
#include <cstring>

#include "libfp4/engine/linear_part.h"
#include "libfp4/engine/memory_plan.h"
#include "libfp4/engine/object_checks.h"

namespace fp4 {

Result<ContextConfig> resolve_context(const ContextConfig& config, const ModelConfig& model,
                                      const Backend& backend) {
    ContextConfig resolved = config;
    if (resolved.capacity == 0)
        resolved.capacity = std::min(model.context_length, ContextConfig::default_capacity);
    if (resolved.capacity > model.context_length) {
        return error(Status::argument, "a context of ", resolved.capacity, " tokens is more than the ",
                     model.context_length, " this model was trained for");
    }
    FP4_TRY(check_kv_format(resolved.kv_format));
    if (resolved.chunk == 0) resolved.chunk = backend.default_chunk();
    resolved.chunk = std::min(resolved.chunk, resolved.capacity);
    return resolved;
}

Result<std::unique_ptr<Context>> Context::create(std::shared_ptr<const Model> model,
                                                 const ContextConfig& config) {
    FP4_ASSIGN(ContextConfig resolved, resolve_context(config, model->config, *model->backend));
    auto context = std::unique_ptr<Context>(new Context(std::move(model)));
    const Model& owner = *context->model_;
    resolved.path_prefill = owner.resolve(config.path_prefill);
    resolved.path_decode = owner.resolve(config.path_decode);
    context->config_ = resolved;
    const MatrixFormats formats = matrix_formats(owner);
    context->bytes_ = context_bytes(owner.config, formats, resolved, *owner.backend).total();
    FP4_TRY(owner.backend->memory().check(context->bytes_));
    FP4_ASSIGN(context->stream_, owner.backend->create_stream(resolved.stream));
    FP4_ASSIGN(context->cache_, owner.backend->create_kv_cache(kv_shape(owner.config, resolved)));
    FP4_ASSIGN(context->forward_,
               Forward::create(context->model_, {resolved.chunk, config.path_prefill, config.path_decode}));
    FP4_TRY(context->stream_->reserve(stream_work(owner.config, formats, resolved)));
    context->tokens_.reserve(resolved.capacity);
    return context;
}

Result<void> Context::check_tokens(std::span<const int32_t> tokens) const {
    if (tokens.empty()) return error(Status::argument, "no tokens to evaluate");
    if (tokens.size() > capacity() - used()) {
        return error(Status::limit, "the context holds ", used(), " of ", capacity(),
                     " tokens: ", tokens.size(), " more do not fit; truncate it or create a larger one");
    }
    for (size_t i = 0; i < tokens.size(); ++i) {
        if (tokens[i] < 0 || static_cast<uint32_t>(tokens[i]) >= model_->config.vocabulary) {
            return error(Status::argument, "token ", tokens[i], " at index ", i,
                         " is outside the vocabulary of ", model_->config.vocabulary);
        }
    }
    return {};
}

Result<void> Context::begin_pass(std::span<const int32_t> tokens) {
    if (tokens.size() > chunk()) return error(Status::argument, "a pass takes at most ", chunk(), " tokens");
    FP4_TRY(check_tokens(tokens));
    start_pass(tokens, used());
    return {};
}

Result<void> Context::begin_replay() {
    if (tokens_.empty()) return error(Status::state, "the context holds no token to run again");
    start_pass({&tokens_.back(), 1}, used() - 1);
    return {};
}

void Context::start_pass(std::span<const int32_t> tokens, size_t position) {
    pass_.assign(tokens.begin(), tokens.end());
    replay_ = position < used();
    has_output_ = has_logits_ = false;
    head_done_ = 0;
    all_logits_.clear();
    forward_->begin(*stream_, pass_, position);
}

Result<bool> Context::advance_pass(bool wait) {
    if (!in_pass()) return error(Status::state, "no pass is under way");
    forward_->advance(*stream_, *cache_);
    // A pass of one token is started as a whole, and mostly followed by what waits for it: a device works on
    // while the host goes there.
    const bool one = pass_.size() == 1, finished = forward_->finished();
    if (one ? wait && finished : wait || finished) FP4_TRY(stream_->synchronize());
    if (!forward_->finished()) return false;
    if (!replay_) tokens_.insert(tokens_.end(), pass_.begin(), pass_.end());
    publish();
    pass_.clear();
    has_output_ = true;
    return true;
}

Result<bool> Context::advance_head(size_t rows) {
    if (has_logits_) return true;
    if (!has_output_) return error(Status::state, "the context has no logits; evaluate tokens first");
    const size_t last = forward_->rows() - 1, left = head_left();
    if (!divides_head() || (head_done_ == 0 && rows >= left)) {
        forward_->project(*stream_, last, 1);
        rows = left;
    } else {
        if (head_done_ == 0) forward_->begin_head(*stream_, last);
        constexpr size_t tile = linear_part_tile;
        rows = std::min((std::clamp<size_t>(rows, 1, left) + tile - 1) / tile * tile, left);
        forward_->project_part(*stream_, head_done_, rows);
    }
    head_done_ += rows;
    if (head_done_ < head_rows()) return false;
    has_logits_ = true;
    last_logit_row_ = 0;
    return true;
}

Result<void> Context::project_rows(size_t first, size_t count, float* logits) {
    const size_t vocabulary = model_->config.vocabulary;
    for (size_t done = 0; done < count;) {
        size_t rows = std::min(Forward::logit_rows, count - done);
        forward_->project(*stream_, first + done, rows);
        auto* target = reinterpret_cast<uint8_t*>(logits + done * vocabulary);
        FP4_TRY(stream_->read(forward_->logits(), 0, {target, rows * vocabulary * sizeof(float)}));
        done += rows;
        last_logit_row_ = rows - 1;
    }
    head_done_ = 0;
    has_logits_ = first + count == forward_->rows();
    return {};
}

Result<void> Context::run(std::span<const int32_t> tokens, float* all_logits) {
    for (size_t done = 0; done < tokens.size();) {
        size_t count = std::min(chunk(), tokens.size() - done);
        FP4_TRY(begin_pass(tokens.subspan(done, count)));
        while (in_pass()) {
            if (cancelled_.load(std::memory_order_relaxed))
                return error(Status::cancelled, "evaluation was cancelled");
            FP4_ASSIGN([[maybe_unused]] bool complete, advance_pass());
        }
        if (all_logits) FP4_TRY(project_rows(0, count, all_logits + done * model_->config.vocabulary));
        done += count;
    }
    if (!all_logits) FP4_TRY(advance_head(head_rows()));
    return stream_->synchronize();
}

Result<void> Context::eval(std::span<const int32_t> tokens, bool all_logits) {
    FP4_TRY(check_tokens(tokens));
    cancelled_.store(false, std::memory_order_relaxed);
    const size_t before = used();
    std::vector<float> rows(all_logits ? tokens.size() * model_->config.vocabulary : 0);
    Result<void> outcome;
    try {
        outcome = run(tokens, all_logits ? rows.data() : nullptr);
    } catch (const std::bad_alloc&) {
        outcome = error(Status::memory, "out of memory"); // so short that it needs none
    }
    if (!outcome.ok()) {
        abandon_pass();
        tokens_.resize(before);
        publish();
        has_output_ = has_logits_ = false;
        return outcome;
    }
    all_logits_ = std::move(rows);
    return {};
}

Result<void> Context::logits(size_t row, std::span<float> target) {
    const size_t vocabulary = model_->config.vocabulary;
    if (!has_logits_) return error(Status::state, "the context has no logits; evaluate tokens first");
    if (target.size() < vocabulary) {
        return error(Status::space, "logits need room for ", vocabulary, " floats, the buffer has ",
                     target.size());
    }
    if (!all_logits_.empty()) {
        size_t rows = all_logits_.size() / vocabulary;
        if (row >= rows)
            return error(Status::argument, "logit row ", row, " is outside the last evaluation's ", rows);
        std::copy_n(all_logits_.data() + row * vocabulary, vocabulary, target.data());
        return {};
    }
    if (row != 0)
        return error(Status::argument, "only row 0 exists; evaluate with FP4_EVAL_ALL_LOGITS for more");
    return stream_->read(forward_->logits(), last_logit_row_ * vocabulary * sizeof(float),
                         {reinterpret_cast<uint8_t*>(target.data()), vocabulary * sizeof(float)});
}

Result<int32_t> Context::sample(const SampleRequest& request) {
    if (!has_logits_) return error(Status::state, "the context has no logits; evaluate tokens first");
    return forward_->sample(*stream_, last_logit_row_, request);
}

Result<void> Context::truncate(size_t tokens) {
    if (tokens > used()) {
        return error(Status::argument, "cannot keep ", tokens, " tokens: the context holds ", used());
    }
    abandon_pass();
    if (tokens < used()) has_output_ = has_logits_ = false;
    tokens_.resize(tokens);
    publish();
    return {};
}

void Context::adopt(std::vector<int32_t> tokens) {
    abandon_pass();
    tokens_ = std::move(tokens);
    publish();
    has_output_ = has_logits_ = false;
    all_logits_.clear();
}

} // namespace fp4
