#include "libfp4/text/template/chat_template.h"

#include "libfp4/text/template/evaluator.h"
#include "libfp4/text/template/globals.h"
#include "libfp4/text/template/json_value.h"
#include "libfp4/text/template/parser.h"

namespace fp4 {

using namespace chat;

struct ChatTemplate::Parsed {
    std::string name;
    TemplateLimits limits;
    Body body;
};

namespace {

std::tm local_time_now() {
    std::time_t now = std::time(nullptr);
    std::tm local{};
#ifdef _WIN32
    localtime_s(&local, &now);
#else
    localtime_r(&now, &local);
#endif
    return local;
}

Result<Value> message_list(Heap& heap, std::span<const ChatMessage> messages) {
    std::vector<Value> list;
    for (const ChatMessage& message : messages) {
        FP4_ASSIGN(auto* dict, heap.make<DictObject>());
        FP4_TRY(heap.set(*dict, Value::string("role"), Value::string(message.role)));
        FP4_TRY(heap.set(*dict, Value::string("content"), Value::string(message.content)));
        list.push_back(Value::dict(dict));
    }
    return heap.list(std::move(list));
}

Result<void> set_builtins(Heap& heap, Scope& scope) {
    for (std::string_view name : builtin_names) {
        FP4_ASSIGN(auto* function, heap.make<FunctionObject>());
        function->name = name;
        scope.set(name, Value::function(function));
    }
    return {};
}

// The variables that transformers passes to every template, then the caller's own.
Result<void> set_variables(Heap& heap, Scope& scope, const Value& messages, const ChatOptions& options) {
    scope.set("messages", messages);
    scope.set("tools", Value::none());
    scope.set("documents", Value::none());
    scope.set("add_generation_prompt", Value::boolean(options.add_generation_prompt));
    if (options.bos_token) scope.set("bos_token", Value::string(*options.bos_token));
    if (options.eos_token) scope.set("eos_token", Value::string(*options.eos_token));
    if (options.variables_json.empty()) return {};
    FP4_ASSIGN(Value variables,
               parse_json(heap, options.variables_json, "the JSON text of the template variables"));
    if (!variables.is(Kind::dict))
        return error(Status::argument, "the template variables must be a JSON object");
    for (const auto& [name, value] : variables.as_dict().entries) scope.set(name.as_text(), value);
    return {};
}

Result<std::string> render_values(const Body& body, Heap& heap, const Value& messages,
                                  const ChatOptions& options) {
    FP4_ASSIGN(auto* builtins, heap.make<Scope>());
    FP4_TRY(set_builtins(heap, *builtins));
    FP4_ASSIGN(auto* variables, heap.make<Scope>());
    variables->parent = builtins;
    FP4_TRY(set_variables(heap, *variables, messages, options));
    std::tm now = options.now ? *options.now : local_time_now();
    std::string out;
    FP4_TRY(Evaluator(heap, now).run(body, *variables, out));
    return out;
}

} // namespace

Result<ChatTemplate> ChatTemplate::parse(std::string_view source, std::string name,
                                         const TemplateLimits& limits) {
    if (source.size() > limits.max_source_bytes) {
        return error(Status::limit, "template '", name, "' has ", source.size(), " bytes, more than ",
                     limits.max_source_bytes);
    }
    auto parsed = std::make_shared<Parsed>();
    parsed->name = std::move(name);
    parsed->limits = limits;
    std::string normalized = normalize_newlines(source);
    FP4_ASSIGN(auto tokens, tokenize(normalized, parsed->name));
    FP4_ASSIGN(parsed->body, parse_template(std::move(tokens), parsed->name, parsed->limits));
    return ChatTemplate(std::move(parsed));
}

Result<std::string> ChatTemplate::render(std::span<const ChatMessage> messages,
                                         const ChatOptions& options) const {
    Heap heap(parsed_->limits, parsed_->name);
    FP4_ASSIGN(Value list, message_list(heap, messages));
    return render_values(parsed_->body, heap, list, options);
}

Result<std::string> ChatTemplate::render_json(std::string_view messages_json,
                                              const ChatOptions& options) const {
    Heap heap(parsed_->limits, parsed_->name);
    FP4_ASSIGN(Value list, parse_json(heap, messages_json, "the JSON text of the messages"));
    if (!list.is(Kind::list)) return error(Status::argument, "the messages must be a JSON array");
    return render_values(parsed_->body, heap, list, options);
}

const std::string& ChatTemplate::name() const {
    return parsed_->name;
}

} // namespace fp4
