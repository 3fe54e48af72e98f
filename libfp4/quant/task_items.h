// Multiple-choice questions: JSON lines {"id", "context", "choices", "label"}, and their tokens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libfp4/base/result.h"

namespace fp4 {

class Tokenizer;

struct TaskItem {
    std::string id;
    std::string context; // may be empty
    std::vector<std::string> choices;
    size_t label = 0; // the right one
};

// Empty lines are skipped, other keys ignored. `name` begins every message.
Result<std::vector<TaskItem>> parse_task_items(std::string_view json_lines, std::string_view name);

struct TaskTokens {
    std::vector<int32_t> context;              // never empty
    std::vector<std::vector<int32_t>> choices; // none empty; each follows the context
    size_t longest_choice() const;
};

// As lm-evaluation-harness does it (api/model.py, _encode_pair): white space at the context's end goes to the
// choices; a choice is the tokens of context and choice together behind as many as the context alone has; an
// empty context is BOS, or EOS for models without BOS. BOS also begins other contexts where the tokenizer
// puts it.
Result<TaskTokens> encode_task_item(const Tokenizer& tokenizer, const TaskItem& item);

// Drops the oldest tokens of a context that does not fit before the longest choice, but not BOS at its begin:
// models are used to it. The last token of a choice is never an input, so it needs no place.
Result<void> cut_context(TaskTokens& tokens, size_t capacity, bool keep_first, const std::string& id);

} // namespace fp4
