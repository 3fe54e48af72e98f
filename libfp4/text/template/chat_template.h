// Chat templates: the Jinja text a model ships to turn a conversation into its prompt.
//
// The language is the one transformers gives to templates (jinja2's ImmutableSandboxedEnvironment with
// trim_blocks, lstrip_blocks, loop controls and the generation tag); results are the same character for
// character. A template is untrusted: it sees only the conversation and the variables given, and it runs
// within TemplateLimits.
#pragma once

#include <ctime>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libfp4/base/result.h"
#include "libfp4/text/template/limits.h"

namespace fp4 {

struct ChatMessage {
    std::string role;
    std::string content;
};

struct ChatOptions {
    bool add_generation_prompt = false;
    std::optional<std::string> bos_token; // undefined in the template if absent
    std::optional<std::string> eos_token;
    // A JSON object with further variables: tools, documents, enable_thinking, date_string ...
    std::string variables_json;
    // What strftime_now() shows; the local time of the call if absent.
    std::optional<std::tm> now;
};

// Immutable and cheap to copy; any number of threads may render with one object.
class ChatTemplate {
  public:
    // `name` (say, the model file) appears in messages with the line: "template 'NAME' line N: ...".
    static Result<ChatTemplate> parse(std::string_view source, std::string name,
                                      const TemplateLimits& limits = {});

    // A conversation that the template refuses (raise_exception) gives Status::argument with its text,
    // a limit Status::limit, any other fault of the template Status::format.
    Result<std::string> render(std::span<const ChatMessage> messages, const ChatOptions& options) const;

    // The same for messages with further fields (tool_calls, reasoning_content, content parts ...): a JSON
    // array.
    Result<std::string> render_json(std::string_view messages_json, const ChatOptions& options) const;

    const std::string& name() const;

  private:
    struct Parsed;
    explicit ChatTemplate(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}

    std::shared_ptr<const Parsed> parsed_;
};

} // namespace fp4
