#pragma once

#include <fp4.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace fp4::program {

struct Message {
    std::string role;
    std::string content;
};

/// Renders messages with the model's chat template, or with `chat_template` if that is not empty, ready for
/// the model's answer.
fp4_status format_messages(const fp4_model* model, const std::string& chat_template,
                           const std::vector<Message>& messages, std::string& text);

/// The tokens of a rendered conversation: its special tokens are meant as such, and none is added.
fp4_status tokenize_conversation(const fp4_model* model, const std::string& text,
                                 std::vector<int32_t>& tokens);

/// A system message and the exchanges of user and assistant that followed.
class Conversation {
  public:
    explicit Conversation(std::string system = {}) : system_(std::move(system)) {}

    void set_system(std::string text) { system_ = std::move(text); }
    const std::string& system() const { return system_; }
    void clear() { messages_.clear(); }
    bool empty() const { return messages_.empty(); }
    void add(std::string role, std::string content) {
        messages_.push_back({std::move(role), std::move(content)});
    }

    /// Removes the last message of the user and what followed it; returns it, or nothing.
    std::optional<std::string> undo();

    /// All messages but the `forgotten` oldest exchanges.
    std::vector<Message> messages(size_t forgotten = 0) const;
    size_t exchanges() const;

    /// {"messages": [{"role": ..., "content": ...}, ...]}
    std::string to_json() const;

    /// False if the text is not such an object; the conversation is then as it was.
    bool from_json(const std::string& json);

  private:
    std::string system_; // empty: none
    std::vector<Message> messages_;
};

} // namespace fp4::program
