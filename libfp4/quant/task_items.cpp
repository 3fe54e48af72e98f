#include "libfp4/quant/task_items.h"

#include <algorithm>

#include "libfp4/io/json_document.h"
#include "libfp4/text/tokenizer/tokenizer.h"

namespace fp4 {
namespace {

constexpr std::string_view white_space = " \t\r\n\f\v";

Result<std::string> read_string(const JsonValue& value, std::string_view key, const std::string& place) {
    const JsonValue* member = value.find(key);
    if (!member) return error(Status::format, place, ": \"", key, "\" is missing");
    const std::string* text = member->string();
    if (!text) return error(Status::format, place, ": \"", key, "\" must be a string, not ", member->kind());
    return *text;
}

Result<std::vector<std::string>> read_choices(const JsonValue& value, const std::string& place) {
    const JsonValue* member = value.find("choices");
    const JsonValue::Array* array = member ? member->array() : nullptr;
    if (!array) return error(Status::format, place, ": \"choices\" must be an array of strings");
    if (array->empty()) return error(Status::format, place, ": \"choices\" is empty");
    std::vector<std::string> choices;
    for (const JsonValue& element : *array) {
        const std::string* text = element.string();
        if (!text || text->empty()) {
            return error(Status::format, place, ": choice ", choices.size(),
                         " must be a string that is not empty");
        }
        choices.push_back(*text);
    }
    return choices;
}

Result<TaskItem> parse_item(std::string_view line, const std::string& place) {
    FP4_ASSIGN(const JsonValue value, parse_json(line, place));
    if (!value.object()) return error(Status::format, place, ": must be an object, not ", value.kind());
    TaskItem item;
    FP4_ASSIGN(item.id, read_string(value, "id", place));
    FP4_ASSIGN(item.context, read_string(value, "context", place));
    FP4_ASSIGN(item.choices, read_choices(value, place));
    const JsonValue* label = value.find("label");
    const std::optional<uint64_t> index = label ? label->unsigned_integer() : std::nullopt;
    if (!index || *index >= item.choices.size()) {
        return error(Status::format, place, ": \"label\" must be a whole number from 0 to ",
                     item.choices.size() - 1, ", the index of the right choice");
    }
    item.label = static_cast<size_t>(*index);
    return item;
}

} // namespace

Result<std::vector<TaskItem>> parse_task_items(std::string_view json_lines, std::string_view name) {
    std::vector<TaskItem> items;
    for (size_t begin = 0, number = 1; begin < json_lines.size(); ++number) {
        const size_t end = std::min(json_lines.find('\n', begin), json_lines.size());
        const std::string_view line = json_lines.substr(begin, end - begin);
        begin = end + 1;
        if (line.find_first_not_of(white_space) == std::string_view::npos) continue;
        FP4_ASSIGN(TaskItem item, parse_item(line, concat(name, ": line ", number)));
        items.push_back(std::move(item));
    }
    if (items.empty()) {
        return error(Status::format, name,
                     ": there is no item; one JSON object a line is needed: "
                     "{\"id\": ..., \"context\": ..., \"choices\": [...], \"label\": ...}");
    }
    return items;
}

size_t TaskTokens::longest_choice() const {
    size_t longest = 0;
    for (const auto& choice : choices) longest = std::max(longest, choice.size());
    return longest;
}

Result<TaskTokens> encode_task_item(const Tokenizer& tokenizer, const TaskItem& item) {
    TaskTokens tokens;
    const size_t last = item.context.find_last_not_of(white_space);
    const std::string context = item.context.substr(0, last == std::string::npos ? 0 : last + 1);
    const std::string space = item.context.substr(context.size());
    std::vector<int32_t> alone; // the context without BOS
    if (context.empty()) {
        const std::optional<int32_t> first = tokenizer.bos() ? tokenizer.bos() : tokenizer.eos();
        if (!first) {
            return error(Status::unsupported, "item '", item.id,
                         "' has no context, and the model has no BOS or EOS token to begin with");
        }
        tokens.context.push_back(*first);
    } else {
        FP4_ASSIGN(const std::vector<int32_t> prefix, tokenizer.encode("", true, SpecialPolicy::none));
        FP4_ASSIGN(alone, tokenizer.encode(context, false, SpecialPolicy::none));
        if (!prefix.empty() && prefix.front() == tokenizer.bos()) tokens.context.push_back(prefix.front());
        tokens.context.insert(tokens.context.end(), alone.begin(), alone.end());
    }
    for (const std::string& choice : item.choices) {
        FP4_ASSIGN(std::vector<int32_t> whole,
                   tokenizer.encode(concat(context, space, choice), false, SpecialPolicy::none));
        if (whole.size() <= alone.size()) {
            return error(Status::format, "item '", item.id, "': choice '", choice,
                         "' adds no token to its context");
        }
        whole.erase(whole.begin(), whole.begin() + static_cast<ptrdiff_t>(alone.size()));
        tokens.choices.push_back(std::move(whole));
    }
    return tokens;
}

Result<void> cut_context(TaskTokens& tokens, size_t capacity, bool keep_first, const std::string& id) {
    const size_t longest = tokens.longest_choice();
    if (longest > capacity) {
        return error(Status::limit, "item '", id, "' has a choice of ", longest,
                     " tokens, more than the model's context of ", capacity, "; remove the item");
    }
    const size_t room = capacity + 1 - longest;
    std::vector<int32_t>& context = tokens.context;
    if (context.size() <= room) return {};
    const int32_t first = context.front();
    context.erase(context.begin(), context.end() - static_cast<ptrdiff_t>(room));
    if (keep_first && room > 1) context.front() = first;
    return {};
}

} // namespace fp4
