#include "conversation.h"

#include <algorithm>
#include <utility>

#include "json_output.h"
#include "model.h"

namespace fp4::program {

fp4_status format_messages(const fp4_model* model, const std::string& chat_template,
                           const std::vector<Message>& messages, std::string& text) {
    std::vector<fp4_message> views;
    views.reserve(messages.size());
    for (const Message& message : messages) views.push_back({message.role.c_str(), message.content.c_str()});
    const char* chosen = chat_template.empty() ? nullptr : chat_template.c_str();
    return read_text(text, [&](char* buffer, size_t capacity, size_t* needed) {
        return fp4_chat_format(model, chosen, views.data(), views.size(), nullptr,
                               FP4_CHAT_ADD_GENERATION_PROMPT, buffer, capacity, needed);
    });
}

fp4_status tokenize_conversation(const fp4_model* model, const std::string& text,
                                 std::vector<int32_t>& tokens) {
    return read_sized<int32_t>(tokens, [&](int32_t* buffer, size_t capacity, size_t* needed) {
        return fp4_tokenize(model, text.data(), text.size(), FP4_TOKENIZE_PARSE_SPECIAL, buffer, capacity,
                            needed);
    });
}

std::optional<std::string> Conversation::undo() {
    const auto last_user = std::find_if(messages_.rbegin(), messages_.rend(),
                                        [](const Message& message) { return message.role == "user"; });
    if (last_user == messages_.rend()) return std::nullopt;
    std::string content = std::move(last_user->content);
    messages_.erase(last_user.base() - 1, messages_.end());
    return content;
}

std::vector<Message> Conversation::messages(size_t forgotten) const {
    std::vector<Message> all;
    if (!system_.empty()) all.push_back({"system", system_});
    size_t users = 0;
    for (const Message& message : messages_) {
        if (message.role == "user") ++users;
        if (users > forgotten) all.push_back(message);
    }
    return all;
}

size_t Conversation::exchanges() const {
    return static_cast<size_t>(std::count_if(messages_.begin(), messages_.end(),
                                             [](const Message& message) { return message.role == "user"; }));
}

std::string Conversation::to_json() const {
    std::vector<JsonObject> items;
    for (const Message& message : messages()) {
        JsonObject item;
        item.set("role", message.role);
        item.set("content", message.content);
        items.push_back(std::move(item));
    }
    JsonObject object;
    object.set("messages", items);
    return object.dump();
}

bool Conversation::from_json(const std::string& json) {
    const std::optional<JsonObject> object = JsonObject::parse(json);
    if (!object || !object->has("messages")) return false;
    Conversation loaded;
    for (const JsonObject& item : object->objects("messages")) {
        const std::string role = item.text("role");
        if (role == "system") {
            loaded.set_system(item.text("content"));
        } else if (role == "user" || role == "assistant") {
            loaded.add(role, item.text("content"));
        } else {
            return false;
        }
    }
    *this = std::move(loaded);
    return true;
}

} // namespace fp4::program
