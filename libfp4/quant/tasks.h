// Multiple-choice tasks: which choice a model finds most likely after the context.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libfp4/base/job.h"
#include "libfp4/engine/context.h"
#include "libfp4/quant/task_items.h"

namespace fp4 {

struct TasksRequest {
    std::shared_ptr<const Model> model;
    std::string file;       // JSON lines
    std::string text;       // or their content
    uint32_t max_items = 0; // the first ones; 0: all
    Path path = Path::automatic;
    int threads = 0;
};

struct ChoiceScore {
    double log_probability = 0; // of all its tokens after the context, nats
    bool greedy = true;         // each of them was the most likely one
};

// One of every choice of the items.
struct ItemScore {
    std::vector<ChoiceScore> choices;
};

struct TaskScores {
    std::string task; // name of the file without its ending; empty for a text
    uint64_t items = 0;
    uint64_t single_choice_items = 0; // right when their choice is what greedy generation gives
    uint64_t scored_tokens = 0;
    double accuracy = 0;
    double standard_error = 0; // of accuracy; NaN for one item
    double accuracy_norm = 0;  // by log-probability per UTF-8 byte; NaN without items of several choices
    double perplexity = 0;     // exp of the mean -log p of single choices; NaN without them
    std::string path;          // "w4a8"
    std::string arithmetic;    // "mxfp4 x mxint8"
    double seconds = 0;
};

// How likely a model finds the choices of an item.
class TaskScorer {
  public:
    // capacity: most tokens of a context and a choice but its last.
    static Result<std::unique_ptr<TaskScorer>> create(std::shared_ptr<const Model> model, size_t capacity,
                                                      Path path, int threads, JobControl& job);
    Result<ItemScore> score(const TaskTokens& tokens);

  private:
    TaskScorer(std::unique_ptr<Context> context, JobControl& job);
    Result<void> run_pass(std::span<const int32_t> tokens);
    Result<void> add_token(std::span<const float> row, int32_t token, ChoiceScore& score) const;
    Result<ChoiceScore> score_choice(const std::vector<int32_t>& choice);

    std::unique_ptr<Context> context_;
    JobControl& job_;
    std::vector<float> first_row_; // [vocabulary], logits after the item's context
    std::vector<float> rows_;      // [Forward::logit_rows, vocabulary]
};

// The index of the largest; the lowest one of equals, and none where all are NaN.
std::optional<size_t> best_choice(const std::vector<double>& scores);

TaskScores sum_up(const std::vector<TaskItem>& items, const std::vector<ItemScore>& scores);

Result<TaskScores> run_tasks(const TasksRequest& request, JobControl& job);
std::string task_scores_to_json(const TaskScores& scores);

} // namespace fp4
