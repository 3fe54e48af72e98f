#include "libfp4/quant/tasks.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <limits>

#include "libfp4/io/byte_source.h"
#include "libfp4/io/json_writer.h"
#include "libfp4/quant/distribution.h"
#include "libfp4/text/tokenizer/tokenizer.h"

namespace fp4 {
namespace {

constexpr uint64_t max_task_bytes = 256u << 20;
constexpr double none = std::numeric_limits<double>::quiet_NaN();

Result<std::vector<TaskItem>> read_items(const TasksRequest& request) {
    std::string content;
    if (!request.file.empty()) {
        FP4_ASSIGN(content, read_text_file(request.file, max_task_bytes));
    }
    FP4_ASSIGN(std::vector<TaskItem> items, request.file.empty() ? parse_task_items(request.text, "tasks")
                                                                 : parse_task_items(content, request.file));
    if (request.max_items != 0 && request.max_items < items.size()) items.resize(request.max_items);
    return items;
}

Result<std::vector<TaskTokens>> encode_items(const TasksRequest& request, const std::vector<TaskItem>& items,
                                             JobControl& job) {
    FP4_ASSIGN(const Tokenizer* tokenizer, request.model->require_tokenizer());
    std::vector<TaskTokens> encoded;
    for (const TaskItem& item : items) {
        FP4_TRY(job.check());
        FP4_ASSIGN(TaskTokens tokens, encode_task_item(*tokenizer, item));
        const bool begins_with_bos = tokens.context.front() == tokenizer->bos();
        FP4_TRY(cut_context(tokens, request.model->config.context_length, begins_with_bos, item.id));
        encoded.push_back(std::move(tokens));
    }
    return encoded;
}

} // namespace

TaskScorer::TaskScorer(std::unique_ptr<Context> context, JobControl& job)
    : context_(std::move(context)),
      job_(job),
      first_row_(context_->model().config.vocabulary),
      rows_(Forward::logit_rows * first_row_.size()) {}

Result<std::unique_ptr<TaskScorer>> TaskScorer::create(std::shared_ptr<const Model> model, size_t capacity,
                                                       Path path, int threads, JobControl& job) {
    ContextConfig config;
    config.capacity = static_cast<uint32_t>(capacity);
    config.stream.threads = threads;
    // Short choices are passes of one token: the same arithmetic for them as for long ones.
    config.path_prefill = config.path_decode = path;
    FP4_ASSIGN(auto context, Context::create(std::move(model), config));
    return std::unique_ptr<TaskScorer>(new TaskScorer(std::move(context), job));
}

Result<void> TaskScorer::run_pass(std::span<const int32_t> tokens) {
    FP4_TRY(context_->begin_pass(tokens));
    while (context_->in_pass()) {
        FP4_TRY(job_.check());
        FP4_ASSIGN([[maybe_unused]] bool complete, context_->advance_pass());
    }
    return {};
}

Result<void> TaskScorer::add_token(std::span<const float> row, int32_t token, ChoiceScore& score) const {
    const auto index = static_cast<size_t>(token);
    if (token < 0 || index >= row.size()) {
        return error(Status::format, "token ", token, " is outside the model's vocabulary of ", row.size());
    }
    score.log_probability += row[index] - log_sum_exp(row);
    score.greedy = score.greedy && argmax(row) == index;
    return {};
}

Result<ChoiceScore> TaskScorer::score_choice(const std::vector<int32_t>& choice) {
    const size_t vocabulary = first_row_.size(), inputs = choice.size() - 1;
    ChoiceScore score;
    FP4_TRY(add_token(first_row_, choice.front(), score));
    for (size_t done = 0; done < inputs;) {
        const size_t count = std::min(context_->chunk(), inputs - done);
        FP4_TRY(run_pass({choice.data() + done, count}));
        for (size_t first = 0; first < count; first += Forward::logit_rows) {
            FP4_TRY(job_.check());
            const size_t rows = std::min(Forward::logit_rows, count - first);
            FP4_TRY(context_->project_rows(first, rows, rows_.data()));
            for (size_t i = 0; i < rows; ++i) {
                const std::span row(rows_.data() + i * vocabulary, vocabulary);
                FP4_TRY(add_token(row, choice[done + first + i + 1], score));
            }
        }
        done += count;
    }
    return score;
}

Result<ItemScore> TaskScorer::score(const TaskTokens& tokens) {
    FP4_TRY(context_->truncate(0));
    size_t last_row = 0;
    for (size_t done = 0; done < tokens.context.size(); done += last_row + 1) {
        const size_t count = std::min(context_->chunk(), tokens.context.size() - done);
        FP4_TRY(run_pass({tokens.context.data() + done, count}));
        last_row = count - 1;
    }
    FP4_TRY(context_->project_rows(last_row, 1, first_row_.data()));
    ItemScore item;
    for (const std::vector<int32_t>& choice : tokens.choices) {
        FP4_TRY(context_->truncate(tokens.context.size()));
        FP4_ASSIGN(const ChoiceScore score, score_choice(choice));
        item.choices.push_back(score);
    }
    return item;
}

std::optional<size_t> best_choice(const std::vector<double>& scores) {
    std::optional<size_t> best;
    for (size_t i = 0; i < scores.size(); ++i) {
        // Damaged weights give NaN, which is no answer.
        if (!std::isnan(scores[i]) && (!best || scores[i] > scores[*best])) best = i;
    }
    return best;
}

TaskScores sum_up(const std::vector<TaskItem>& items, const std::vector<ItemScore>& scores) {
    TaskScores total;
    uint64_t right = 0, right_norm = 0;
    double single_log_probability = 0;
    for (size_t i = 0; i < scores.size(); ++i) {
        const std::vector<ChoiceScore>& choices = scores[i].choices;
        if (choices.size() == 1) {
            ++total.single_choice_items;
            right += choices.front().greedy && !std::isnan(choices.front().log_probability);
            single_log_probability += choices.front().log_probability;
            continue;
        }
        std::vector<double> sums, per_byte;
        for (size_t c = 0; c < choices.size(); ++c) {
            sums.push_back(choices[c].log_probability);
            per_byte.push_back(sums.back() / static_cast<double>(items[i].choices[c].size()));
        }
        right += best_choice(sums) == items[i].label;
        right_norm += best_choice(per_byte) == items[i].label;
    }
    total.items = scores.size();
    const auto n = static_cast<double>(total.items), single = static_cast<double>(total.single_choice_items);
    total.accuracy = static_cast<double>(right) / n;
    total.standard_error = n > 1 ? std::sqrt(total.accuracy * (1 - total.accuracy) / (n - 1)) : none;
    total.accuracy_norm = n > single ? static_cast<double>(right_norm) / (n - single) : none;
    total.perplexity = single > 0 ? std::exp(-single_log_probability / single) : none;
    return total;
}

Result<TaskScores> run_tasks(const TasksRequest& request, JobControl& job) {
    const auto start = std::chrono::steady_clock::now();
    job.report("tokenizing", request.file, 0, 0);
    FP4_ASSIGN(const std::vector<TaskItem> items, read_items(request));
    FP4_ASSIGN(const std::vector<TaskTokens> encoded, encode_items(request, items, job));
    size_t capacity = 0, scored = 0;
    for (const TaskTokens& tokens : encoded) {
        capacity = std::max(capacity, tokens.context.size() + tokens.longest_choice() - 1);
        for (const auto& choice : tokens.choices) scored += choice.size();
    }
    FP4_ASSIGN(auto scorer, TaskScorer::create(request.model, capacity, request.path, request.threads, job));
    std::vector<ItemScore> scores;
    for (size_t i = 0; i < encoded.size(); ++i) {
        job.report("evaluating", items[i].id, i, encoded.size());
        FP4_ASSIGN(ItemScore score, scorer->score(encoded[i]));
        scores.push_back(std::move(score));
    }
    TaskScores total = sum_up(items, scores);
    total.task = std::filesystem::path(request.file).stem().string();
    total.scored_tokens = scored;
    const Path path = request.model->resolve(request.path);
    total.path = path_name(path);
    total.arithmetic = path_description(path, request.model->linear_format, *request.model->backend);
    total.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return total;
}

std::string task_scores_to_json(const TaskScores& scores) {
    JsonWriter json;
    json.begin_object();
    json.key("task");
    if (scores.task.empty()) {
        json.null();
    } else {
        json.value(scores.task);
    }
    json.member("items", scores.items);
    json.member("single_choice_items", scores.single_choice_items);
    json.member("tokens", scores.scored_tokens);
    json.member("accuracy", scores.accuracy);
    json.member("accuracy_norm", scores.accuracy_norm);
    json.member("standard_error", scores.standard_error);
    json.member("perplexity", scores.perplexity);
    json.member("path", scores.path);
    json.member("arithmetic", scores.arithmetic);
    json.member("seconds", scores.seconds);
    json.end_object();
    return json.take();
}

} // namespace fp4
