#include "libfp4/engine/op_bench.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>

#include "libfp4/engine/object_checks.h"
#include "libfp4/io/json_writer.h"
#include "libfp4/io/random_source.h"

namespace fp4 {
namespace {

using Clock = std::chrono::steady_clock;
using Run = std::function<void(size_t iteration)>;

constexpr size_t few_rows = Forward::logit_rows; // of the head

class OpBench {
  public:
    OpBench(std::shared_ptr<const Model> model, const OpBenchConfig& config, JobControl& control)
        : model_(std::move(model)), config_(config), control_(control) {}

    Result<OpBenchResult> run() {
        FP4_TRY(allocate());
        using Step = std::function<Result<void>()>;
        auto layer_of = [this](size_t n) -> Step { return [this, n] { return layer(n); }; };
        std::vector<Step> steps{[this] { return copies(); }, layer_of(1), layer_of(8),
                                [this] { return attention_of_one(); }, [this] { return head(); }};
        for (size_t n = 16; n < config_.tokens; n *= 4) steps.push_back(layer_of(n));
        if (config_.tokens > 8) steps.push_back(layer_of(config_.tokens));
        for (steps_ = steps.size(); step_ < steps_; ++step_) FP4_TRY(steps[step_]());
        constexpr double beyond_caches = 64 << 20;
        result_.best_bytes_per_second = result_.copy_bytes_per_second;
        for (const OpTime& op : result_.ops) {
            const double rate = op.bytes > beyond_caches ? op.bytes / op.seconds : 0;
            result_.best_bytes_per_second = std::max(result_.best_bytes_per_second, rate);
            result_.best_flops_per_second = std::max(result_.best_flops_per_second, op.flops / op.seconds);
        }
        return std::move(result_);
    }

  private:
    const ModelConfig& shape() const { return model_->config; }
    Backend& backend() { return *model_->backend; }

    Result<void> allocate() {
        const size_t n = config_.tokens, hidden = shape().hidden, ffn = shape().ffn;
        FP4_ASSIGN(stream_, backend().create_stream(config_.stream));
        FP4_ASSIGN(cache_, backend().create_kv_cache(
                               {1, config_.context, shape().kv_heads, shape().head_dim, config_.kv_format}));
        FP4_ASSIGN(hidden_in_, backend().create_activation(n, hidden));
        FP4_ASSIGN(q_in_, backend().create_activation(n, shape().q_width()));
        FP4_ASSIGN(ffn_in_, backend().create_activation(n, ffn));
        FP4_ASSIGN(x_, random_buffer(n * hidden));
        FP4_ASSIGN(sum_, backend().allocate(n * hidden * sizeof(float)));
        FP4_ASSIGN(q_, random_buffer(n * shape().q_width()));
        FP4_ASSIGN(k_, random_buffer(n * shape().kv_width()));
        FP4_ASSIGN(v_, random_buffer(n * shape().kv_width()));
        FP4_ASSIGN(gate_, random_buffer(n * ffn));
        FP4_ASSIGN(up_, random_buffer(n * ffn));
        FP4_ASSIGN(logits_, backend().allocate(few_rows * shape().vocabulary * sizeof(float)));
        FP4_ASSIGN(ids_, backend().allocate(sizeof(int32_t)));
        for (size_t first = 0; first < config_.context; first += n)
            append(std::min(n, config_.context - first), first);
        return stream_->synchronize();
    }

    Result<std::unique_ptr<Buffer>> random_buffer(size_t count) {
        FP4_ASSIGN(auto buffer, backend().allocate(count * sizeof(float)));
        const std::vector<float> values = normal_numbers(std::min<size_t>(count, 1 << 16), 0.0f, 1.0f, 1);
        for (size_t first = 0; first < count; first += values.size()) {
            const size_t bytes = std::min(values.size(), count - first) * sizeof(float);
            stream_->write(*buffer, first * sizeof(float),
                           {reinterpret_cast<const uint8_t*>(values.data()), bytes});
        }
        FP4_TRY(stream_->synchronize());
        return buffer;
    }

    // The first call warms up; then as many as the time asks for.
    Result<void> measure(OpTime op, const Run& run) {
        FP4_TRY(control_.check());
        control_.report("measuring", concat(op.op, ", ", op.tokens, " tokens"), step_, steps_);
        run(0);
        FP4_TRY(stream_->synchronize());
        for (size_t count = 1;;) {
            const Clock::time_point start = Clock::now();
            for (size_t i = 0; i < count; ++i) run(i);
            FP4_TRY(stream_->synchronize());
            const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
            if (elapsed >= config_.seconds || count >= size_t(1) << 20) {
                op.seconds = elapsed / static_cast<double>(count);
                result_.ops.push_back(std::move(op));
                return {};
            }
            const double wanted = 1.2 * config_.seconds / std::max(elapsed, 1e-7);
            count = static_cast<size_t>(std::clamp(wanted, 2.0, 64.0) * static_cast<double>(count));
        }
    }

    // Larger than caches where there is memory for it, but not out of proportion to the model.
    Result<void> copies() {
        const uint64_t wanted = std::clamp<uint64_t>(4 * model_->weight_bytes, 16 << 20, 256 << 20);
        const size_t cols = shape().hidden, rows = wanted / (cols * sizeof(float));
        FP4_ASSIGN(auto source, backend().create_activation(rows, cols));
        FP4_ASSIGN(auto target, backend().allocate(rows * cols * sizeof(float)));
        const double bytes = 2.0 * static_cast<double>(rows * cols) * sizeof(float);
        FP4_TRY(measure({"copy", rows, rows, cols, 0, bytes, 0},
                        [&](size_t) { stream_->read_input(*source, rows, *target); }));
        result_.copy_bytes_per_second = bytes / result_.ops.back().seconds;
        return {};
    }

    const LayerWeights& weights(size_t i) const { return model_->layers[i % model_->layers.size()]; }

    ActivationFormat format_of(const LayerWeights& layer, Site site, const Weight& weight) {
        const Weight* one = &weight;
        return activation_for(config_.path, {&one, 1}, layer.site(site).activation, backend());
    }

    using Targets = std::vector<LinearTarget> (OpBench::*)(const LayerWeights&);
    std::vector<LinearTarget> qkv(const LayerWeights& w) {
        return {target(w.q, *q_), target(w.k, *k_), target(w.v, *v_)};
    }
    std::vector<LinearTarget> o(const LayerWeights& w) { return {target(w.o, *sum_, true)}; }
    std::vector<LinearTarget> gate_up(const LayerWeights& w) {
        return {target(w.gate, *gate_), target(w.up, *up_)};
    }
    std::vector<LinearTarget> down(const LayerWeights& w) { return {target(w.down, *sum_, true)}; }
    static LinearTarget target(const LinearWeights& linear, Buffer& out, bool accumulate = false) {
        return {
            .weight = linear.weight.get(), .bias = linear.bias.get(), .out = &out, .accumulate = accumulate};
    }

    Result<void> linear(const char* name, size_t n, Activation& input, Targets targets) {
        size_t rows = 0;
        double weight_bytes = 0;
        for (const LinearTarget& one : (this->*targets)(weights(0))) {
            rows += one.weight->rows();
            weight_bytes += static_cast<double>(
                backend().weight_bytes(one.weight->format(), one.weight->rows(), one.weight->cols()));
        }
        const double m = static_cast<double>(n), r = static_cast<double>(rows),
                     c = static_cast<double>(input.cols());
        return measure({name, n, rows, input.cols(), 0, weight_bytes + 4 * m * (c + r), 2 * m * r * c},
                       [&](size_t i) {
                           const std::vector<LinearTarget> all = (this->*targets)(weights(i));
                           stream_->linear(input, n, all);
                       });
    }

    // A layer's operations on n tokens, in the order of a pass, so that each finds its input made.
    Result<void> layer(size_t n) {
        if (n > config_.tokens) return {};
        const double m = static_cast<double>(n), hidden = shape().hidden, ffn = shape().ffn;
        FP4_TRY(
            measure({"norm, transform, round", n, 0, shape().hidden, 0, 8 * m * hidden, 0}, [&](size_t i) {
                const LayerWeights& w = weights(i);
                stream_->norm(*x_, 0, n, {w.attention_norm.get(), shape().norm_epsilon},
                              w.site(Site::qkv).transform.get(), format_of(w, Site::qkv, *w.q.weight),
                              *hidden_in_);
            }));
        FP4_TRY(linear("q, k, v", n, *hidden_in_, &OpBench::qkv));
        const double row = static_cast<double>(cache_->shape().row_bytes());
        FP4_TRY(measure({"rope and append", n, 0, shape().q_width(), 0,
                         m * (8.0 * shape().q_width() + 8.0 * shape().kv_width() + 2 * row), 0},
                        [&](size_t) { append(n, config_.context - n); }));
        FP4_TRY(attention(n));
        FP4_TRY(linear("o", n, *q_in_, &OpBench::o));
        FP4_TRY(linear("gate, up", n, *hidden_in_, &OpBench::gate_up));
        FP4_TRY(measure({"glu, transform, round", n, 0, shape().ffn, 0, 12 * m * ffn, 0}, [&](size_t i) {
            const LayerWeights& w = weights(i);
            stream_->glu(*gate_, *up_, n, shape().glu == Glu::silu ? GluKind::silu : GluKind::gelu_tanh,
                         w.site(Site::down).transform.get(), format_of(w, Site::down, *w.down.weight),
                         *ffn_in_);
        }));
        return linear("down", n, *ffn_in_, &OpBench::down);
    }

    void append(size_t n, size_t position) {
        const LayerWeights& w = weights(0);
        NormParams q_norm, k_norm;
        if (w.q_norm) q_norm = {w.q_norm.get(), shape().norm_epsilon};
        if (w.k_norm) k_norm = {w.k_norm.get(), shape().norm_epsilon};
        stream_->rope_append(*q_, *k_, *v_, n, position, heads(), w.q_norm ? &q_norm : nullptr,
                             w.k_norm ? &k_norm : nullptr,
                             {model_->ropes.tables().global, 1.0f, shape().rope_interleaved}, *cache_, 0);
    }
    HeadShape heads() const { return {shape().heads, shape().kv_heads, shape().head_dim}; }

    // The last n tokens of a full cache.
    Result<void> attention(size_t n) {
        const size_t position = config_.context - n;
        const double m = static_cast<double>(n), width = shape().q_width();
        const double keys = m * static_cast<double>(position) + m * (m + 1) / 2; // that queries see
        const double bytes =
            2.0 * static_cast<double>(config_.context * cache_->shape().row_bytes()) + 8 * m * width;
        return measure({"attention", n, config_.context, shape().q_width(), 0, bytes, 4 * keys * width},
                       [&](size_t i) {
                           const LayerWeights& w = weights(i);
                           stream_->attention(*q_, n, position, {heads(), shape().attention_scale, 0},
                                              *cache_, 0, w.site(Site::o).transform.get(),
                                              format_of(w, Site::o, *w.o.weight), *q_in_);
                       });
    }
    // Shorter caches too: what a decode step pays for its context.
    Result<void> attention_of_one() {
        const size_t whole = config_.context;
        Result<void> outcome;
        for (size_t context = 256; context < whole && outcome.ok(); context *= 4) {
            config_.context = context;
            outcome = attention(1);
        }
        config_.context = whole;
        return outcome;
    }

    Result<void> head() {
        const Weight& weight = model_->head();
        const ActivationFormat format = activation_for(config_.path, weight.format(), backend());
        const double rows = static_cast<double>(weight.rows()), cols = static_cast<double>(weight.cols());
        const auto bytes =
            static_cast<double>(backend().weight_bytes(weight.format(), weight.rows(), weight.cols()));
        for (size_t n : {size_t(1), std::min(few_rows, config_.tokens)}) {
            const double m = static_cast<double>(n);
            const std::vector<LinearTarget> targets{{.weight = &weight, .out = logits_.get()}};
            stream_->norm(*x_, 0, n, {model_->final_norm.get(), shape().norm_epsilon}, nullptr, format,
                          *hidden_in_);
            FP4_TRY(measure({"head", n, weight.rows(), weight.cols(), 0, bytes + 4 * m * (rows + cols),
                             2 * m * rows * cols},
                            [&](size_t) { stream_->linear(*hidden_in_, n, targets); }));
        }
        SamplingConfig greedy;
        greedy.temperature = 0.0f;
        SampleRequest request;
        request.config = &greedy;
        Result<void> drawn;
        FP4_TRY(measure({"draw", 1, weight.rows(), 0, 0, 4 * rows, 0}, [&](size_t) {
            if (drawn.ok()) drawn = stream_->draw(*logits_, 0, weight.rows(), request, ids_.get());
            if (!drawn.ok()) return;
            if (auto token = stream_->take_drawn(); !token.ok()) drawn = std::move(token).error();
        }));
        return drawn;
    }

    std::shared_ptr<const Model> model_;
    OpBenchConfig config_;
    JobControl& control_;
    size_t step_ = 0, steps_ = 0;
    std::unique_ptr<Stream> stream_;
    std::unique_ptr<KvCache> cache_;
    std::unique_ptr<Activation> hidden_in_, q_in_, ffn_in_;
    std::unique_ptr<Buffer> x_, sum_, q_, k_, v_, gate_, up_, logits_, ids_;
    OpBenchResult result_;
};

} // namespace

Result<OpBenchConfig> resolve_op_bench(OpBenchConfig config, const Model& model) {
    config.path = model.resolve(config.path);
    FP4_TRY(check_path(config.path, model.linear_format));
    if (config.tokens == 0) config.tokens = std::min<size_t>(model.config.context_length, 512);
    config.context = std::max(config.context, config.tokens);
    if (config.context > model.config.context_length) {
        return error(Status::argument, config.context, " tokens are more than the ",
                     model.config.context_length, " this model was trained for");
    }
    FP4_TRY(check_kv_format(config.kv_format));
    return config;
}

double OpBenchResult::share(const OpTime& op) const {
    double least = op.bytes / best_bytes_per_second;
    if (best_flops_per_second > 0) least = std::max(least, op.flops / best_flops_per_second);
    return least / op.seconds;
}

Result<OpBenchResult> bench_ops(std::shared_ptr<const Model> model, const OpBenchConfig& config,
                                JobControl& control) {
    FP4_ASSIGN(const OpBenchConfig known, resolve_op_bench(config, *model));
    return OpBench(std::move(model), known, control).run();
}

std::string op_bench_json(const OpBenchResult& result, const Model& model, const OpBenchConfig& config) {
    const Path path = model.resolve(config.path);
    JsonWriter json;
    json.begin_object();
    json.member("device", model.backend->device().id);
    json.member("device_name", model.backend->device().name);
    json.member("format", weight_format_name(model.linear_format));
    json.member("path", path_name(path));
    json.member("types", path_description(path, model.linear_format, *model.backend));
    json.member("copy_bytes_s", result.copy_bytes_per_second);
    json.member("best_bytes_s", result.best_bytes_per_second);
    json.member("best_flops_s", result.best_flops_per_second);
    json.key("ops");
    json.begin_array();
    for (const OpTime& op : result.ops) {
        json.begin_object();
        json.member("op", op.op);
        json.member("tokens", op.tokens);
        json.member("rows", op.rows);
        json.member("cols", op.cols);
        json.member("seconds", op.seconds);
        json.member("bytes", op.bytes);
        json.member("flops", op.flops);
        json.member("bytes_s", op.bytes / op.seconds);
        json.member("flops_s", op.flops / op.seconds);
        json.member("share", result.share(op));
        json.end_object();
    }
    json.end_array();
    json.end_object();
    return json.take();
}

} // namespace fp4
