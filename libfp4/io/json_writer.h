// JSON text, written front to back. Not a tree of nlohmann::json, whose destructor allocates and so ends the
// process when memory is short.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace fp4 {

class JsonWriter {
  public:
    explicit JsonWriter(size_t indent = 0) : indent_(indent) {} // 0: all on one line

    void begin_object() { begin('{'); }
    void end_object() { end('}'); }
    void begin_array() { begin('['); }
    void end_array() { end(']'); }
    void key(std::string_view name);

    void value(std::string_view text); // what is not UTF-8 becomes U+FFFD
    void value(const char* text) { value(std::string_view(text)); }
    void value(const std::string& text) { value(std::string_view(text)); }
    void value(bool truth) { raw(truth ? "true" : "false"); }
    void value(double number); // shortest text that reads back the same; null when not finite
    template <class T>
    requires std::is_integral_v<T>
    void value(T number) { raw(std::to_string(number)); }
    void null() { raw("null"); }
    void raw(std::string_view json); // text that is a JSON value already

    template <class T>
    void member(std::string_view name, const T& content) {
        key(name);
        value(content);
    }

    std::string take() { return std::move(out_); }

  private:
    void begin(char bracket);
    void end(char bracket);
    void separate();
    void new_line();

    size_t indent_;
    size_t depth_ = 0;
    bool first_ = true; // nothing yet in the innermost container
    bool after_key_ = false;
    std::string out_;
};

} // namespace fp4
