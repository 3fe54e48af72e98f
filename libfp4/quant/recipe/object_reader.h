// Members of a JSON object read by name; whatever was not asked for is an error in the end.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "libfp4/io/json_document.h"

namespace fp4 {

class ObjectReader {
  public:
    // path: "recipe.json: compensation", for messages. The value must outlive the reader.
    ObjectReader(const JsonValue& value, std::string path);

    // Null when there is no such member.
    const JsonValue* member(std::string_view key);
    std::string path_of(std::string_view key) const;

    // Keep the target as it is when the member is absent.
    void text(std::string_view key, std::string& target);
    void boolean(std::string_view key, bool& target);
    void integer(std::string_view key, uint64_t low, uint64_t high, uint32_t& target);
    void number(std::string_view key, double low, double high, double& target);
    // parse: name -> optional<Value>.
    template <class Value, class Parse>
    void word(std::string_view key, Value& target, Parse&& parse) {
        std::string name;
        text(key, name);
        if (name.empty()) return;
        auto value = parse(name);
        if (value)
            target = *value;
        else
            fail(key, concat("'", name, "' is not known here"));
    }

    void fail(std::string_view key, std::string_view what);
    // The first failure, or a member that nobody read.
    Result<void> finish();

  private:
    const JsonValue& value_;
    std::string path_;
    std::set<std::string, std::less<>> read_;
    Result<void> state_;
};

} // namespace fp4
