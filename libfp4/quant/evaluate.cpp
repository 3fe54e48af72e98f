#include "libfp4/quant/evaluate.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "libfp4/io/json_writer.h"
#include "libfp4/quant/base_file.h"
#include "libfp4/quant/calibration/text_lines.h"
#include "libfp4/quant/distribution.h"
#include "libfp4/quant/evaluation_windows.h"
#include "libfp4/text/tokenizer/tokenizer.h"

namespace fp4 {
namespace {

// Where the scored rows of a window come from: logits, or anything that differs from them by a constant per
// row.
class RowSource {
  public:
    virtual ~RowSource() = default;
    virtual Result<void> begin_window(size_t window, std::span<const int32_t> tokens) = 0;
    virtual Result<void> read_rows(size_t first, size_t count, float* rows) = 0; // [count, vocabulary]
};

class ModelRows : public RowSource {
  public:
    static Result<std::unique_ptr<RowSource>> create(std::shared_ptr<const Model> model, uint32_t window,
                                                     Path path, KvFormat kv_format, int threads,
                                                     JobControl& job) {
        ContextConfig config;
        config.kv_format = kv_format;
        config.capacity = window;
        config.chunk = window;
        config.stream.threads = threads;
        config.path_prefill = path;
        FP4_ASSIGN(auto context, Context::create(std::move(model), config));
        return std::unique_ptr<RowSource>(new ModelRows(std::move(context), window / 2, job));
    }

    Result<void> begin_window(size_t, std::span<const int32_t> tokens) override {
        FP4_TRY(context_->truncate(0));
        FP4_TRY(context_->begin_pass(tokens));
        while (context_->in_pass()) {
            FP4_TRY(job_.check());
            auto advanced = context_->advance_pass();
            if (!advanced.ok()) return std::move(advanced).error();
        }
        return {};
    }
    Result<void> read_rows(size_t first, size_t count, float* rows) override {
        return context_->project_rows(first_scored_ + first, count, rows);
    }

  private:
    ModelRows(std::unique_ptr<Context> context, uint32_t first_scored, JobControl& job)
        : context_(std::move(context)), first_scored_(first_scored), job_(job) {}
    std::unique_ptr<Context> context_;
    uint32_t first_scored_;
    JobControl& job_;
};

class FileRows : public RowSource {
  public:
    explicit FileRows(std::unique_ptr<BaseFileReader> file) : file_(std::move(file)) {}
    Result<void> begin_window(size_t window, std::span<const int32_t>) override {
        window_ = window;
        return {};
    }
    Result<void> read_rows(size_t first, size_t count, float* rows) override {
        for (size_t i = 0; i < count; ++i)
            FP4_TRY(file_->read_row(window_, first + i, rows + i * file_->vocabulary()));
        return {};
    }

  private:
    std::unique_ptr<BaseFileReader> file_;
    size_t window_ = 0;
};

class Totals {
  public:
    void score(std::span<const float> row, const float* base, int32_t next) {
        nll_ += log_sum_exp(row) - row[static_cast<size_t>(next)];
        ++tokens_;
        if (!base) return;
        std::span base_row(base, row.size());
        base_nll_ += log_sum_exp(base_row) - base_row[static_cast<size_t>(next)];
        divergences_.push_back(kl_divergence(base_row, row));
        agreements_ += argmax(base_row) == argmax(row);
    }

    Evaluation finish() {
        Evaluation evaluation;
        const auto n = static_cast<double>(tokens_);
        evaluation.tokens = tokens_;
        evaluation.nll = nll_ / n;
        evaluation.compared = !divergences_.empty();
        if (!evaluation.compared) return evaluation;
        evaluation.base_nll = base_nll_ / n;
        double sum = 0;
        for (double divergence : divergences_) sum += divergence;
        evaluation.kl_mean = sum / n;
        // Damaged weights give NaN, which has no place in <: it counts as the largest.
        std::ranges::sort(divergences_,
                          [](double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; });
        auto percentile = [&](double share) {
            return divergences_[static_cast<size_t>(share * (n - 1) + 0.5)];
        };
        evaluation.kl_p50 = percentile(0.5);
        evaluation.kl_p90 = percentile(0.9);
        evaluation.kl_p95 = percentile(0.95);
        evaluation.kl_p99 = percentile(0.99);
        evaluation.kl_max = divergences_.back();
        evaluation.top1_agreement = static_cast<double>(agreements_) / n;
        return evaluation;
    }
    double perplexity() const { return std::exp(nll_ / static_cast<double>(tokens_)); }

  private:
    double nll_ = 0, base_nll_ = 0;
    uint64_t tokens_ = 0, agreements_ = 0;
    std::vector<double> divergences_;
};

// A model looks better than it is on the text it was calibrated with.
Result<void> check_overlap(const Model& model, std::string_view text) {
    const Checkpoint& checkpoint = *model.checkpoint;
    FP4_ASSIGN(const std::vector<uint64_t> calibrated, calibration_lines(checkpoint));
    if (calibrated.empty()) return {};
    const std::vector<uint64_t> lines = hash_lines(text);
    const size_t common = count_common_lines(calibrated, lines);
    if (common == 0) return {};
    return error(
        Status::argument, checkpoint.name(), ": ", common, " of the text's ", lines.size(),
        " lines of 40 bytes or more are in the text the model was calibrated with; evaluate on another "
        "text, or quantize again with a calibration text that has none of them");
}

// The text behind tokens, but for what BOS took the place of at the beginning of each window.
Result<std::string> text_of(const Model& model, const EvaluationWindows& windows) {
    FP4_ASSIGN(const Tokenizer* tokenizer, model.require_tokenizer());
    return tokenizer->decode(windows.tokens, false);
}

struct Inputs {
    EvaluationWindows windows;
    std::unique_ptr<RowSource> model;
    std::unique_ptr<RowSource> base; // or null
    std::unique_ptr<BaseFileWriter> writer;
};

Result<Inputs> prepare(const EvaluateRequest& request, JobControl& job) {
    Inputs inputs;
    const uint32_t vocabulary = request.model->config.vocabulary;
    std::unique_ptr<BaseFileReader> file;
    if (!request.base_file.empty()) {
        FP4_ASSIGN(file, BaseFileReader::open(request.base_file));
        if (file->vocabulary() != vocabulary) {
            return error(Status::argument, request.base_file, ": vocabulary ", file->vocabulary(),
                         ", the model has ", vocabulary);
        }
    }
    if (request.text.empty() && file) {
        inputs.windows = file->windows();
        if (request.max_windows != 0 && request.max_windows < inputs.windows.count()) {
            inputs.windows.tokens.resize(size_t(request.max_windows) * inputs.windows.window);
        }
        if (request.model->checkpoint->has_document(calibration_lines_document)) {
            FP4_ASSIGN(const std::string text, text_of(*request.model, inputs.windows));
            FP4_TRY(check_overlap(*request.model, text));
        }
    } else {
        FP4_TRY(check_overlap(*request.model, request.text));
        FP4_ASSIGN(inputs.windows,
                   cut_windows(*request.model, request.text, request.window, request.max_windows));
    }
    if (file) {
        const auto& own = inputs.windows.tokens;
        const auto& theirs = file->windows().tokens;
        if (file->windows().window != inputs.windows.window || theirs.size() < own.size() ||
            !std::equal(own.begin(), own.end(), theirs.begin())) {
            return error(Status::argument, request.base_file,
                         ": was made from another text, window or tokenizer");
        }
        inputs.base = std::make_unique<FileRows>(std::move(file));
    }
    const uint32_t window = inputs.windows.window;
    FP4_ASSIGN(inputs.model, ModelRows::create(request.model, window, request.path, request.kv_format,
                                               request.threads, job));
    if (request.base) {
        if (request.base->config.vocabulary != vocabulary) {
            return error(Status::argument, "the base model has ", request.base->config.vocabulary,
                         " tokens in its vocabulary, the model ", vocabulary);
        }
        FP4_ASSIGN(inputs.base, ModelRows::create(request.base, window, Path::automatic, KvFormat::f16,
                                                  request.threads, job));
    }
    if (!request.save_base_file.empty()) {
        FP4_ASSIGN(inputs.writer, BaseFileWriter::create(request.save_base_file, inputs.windows, vocabulary));
    }
    return inputs;
}

Result<void> score_window(Inputs& inputs, size_t index, uint32_t vocabulary, Totals& totals,
                          JobControl& job) {
    const EvaluationWindows& windows = inputs.windows;
    const int32_t* tokens = windows.at(index);
    FP4_TRY(inputs.model->begin_window(index, {tokens, windows.window}));
    if (inputs.base) FP4_TRY(inputs.base->begin_window(index, {tokens, windows.window}));
    constexpr size_t batch = Forward::logit_rows;
    std::vector<float> rows(batch * vocabulary), base_rows(inputs.base ? rows.size() : 0);
    for (size_t first = 0; first < windows.scored(); first += batch) {
        FP4_TRY(job.check());
        size_t count = std::min<size_t>(batch, windows.scored() - first);
        FP4_TRY(inputs.model->read_rows(first, count, rows.data()));
        if (inputs.base) FP4_TRY(inputs.base->read_rows(first, count, base_rows.data()));
        for (size_t i = 0; i < count; ++i) {
            std::span row(rows.data() + i * vocabulary, vocabulary);
            int32_t next = tokens[windows.first_scored() + first + i + 1];
            totals.score(row, inputs.base ? base_rows.data() + i * vocabulary : nullptr, next);
            if (inputs.writer) FP4_TRY(inputs.writer->write_row(row));
        }
    }
    return {};
}

} // namespace

Result<Evaluation> evaluate(const EvaluateRequest& request, JobControl& job) {
    const auto start = std::chrono::steady_clock::now();
    FP4_ASSIGN(Inputs inputs, prepare(request, job));
    Totals totals;
    const size_t count = inputs.windows.count();
    job.report("evaluating", "", 0, count);
    for (size_t i = 0; i < count; ++i) {
        FP4_TRY(score_window(inputs, i, request.model->config.vocabulary, totals, job));
        job.report("evaluating", concat("perplexity ", totals.perplexity()), i + 1, count);
    }
    if (inputs.writer) FP4_TRY(inputs.writer->finish());
    Evaluation evaluation = totals.finish();
    evaluation.windows = count;
    evaluation.window = inputs.windows.window;
    const Path path = request.model->resolve(request.path);
    evaluation.path = path_name(path);
    evaluation.arithmetic = path_description(path, request.model->linear_format, *request.model->backend);
    evaluation.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return evaluation;
}

std::string evaluation_to_json(const Evaluation& evaluation) {
    JsonWriter json;
    json.begin_object();
    json.member("perplexity", std::exp(evaluation.nll));
    json.member("nll", evaluation.nll);
    json.member("tokens", evaluation.tokens);
    json.member("windows", evaluation.windows);
    json.member("ctx", evaluation.window);
    json.member("path", evaluation.path);
    json.member("arithmetic", evaluation.arithmetic);
    json.member("seconds", evaluation.seconds);
    if (evaluation.compared) {
        json.member("base_perplexity", std::exp(evaluation.base_nll));
        json.member("kl_mean", evaluation.kl_mean);
        json.member("kl_p50", evaluation.kl_p50);
        json.member("kl_p90", evaluation.kl_p90);
        json.member("kl_p95", evaluation.kl_p95);
        json.member("kl_p99", evaluation.kl_p99);
        json.member("kl_max", evaluation.kl_max);
        json.member("top1_agreement", evaluation.top1_agreement);
    }
    json.end_object();
    return json.take();
}

} // namespace fp4
