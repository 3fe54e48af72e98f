#include "libfp4/io/json_document.h"

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace fp4 {
namespace {

using nlohmann::json;

// Builds the value from parser events, so that each check happens before the value it guards is stored.
// Every event returns false to stop the parser.
class StrictBuilder final : public nlohmann::json_sax<json> {
  public:
    explicit StrictBuilder(const JsonLimits& limits) : limits_(limits) {}

    json take() { return std::move(root_); }
    const Error& failure() const { return failure_; }

    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, const string_t&) override { return add(value); }
    bool string(string_t& value) override { return add(std::move(value)); }
    bool binary(binary_t&) override { return fail(Status::format, "binary value"); }

    bool start_object(std::size_t) override { return open(json::object()); }
    bool start_array(std::size_t) override { return open(json::array()); }
    bool end_object() override { return stack_.pop_back(), true; }
    bool end_array() override { return stack_.pop_back(), true; }

    bool key(string_t& name) override {
        auto [position, inserted] = stack_.back()->get_ref<json::object_t&>().emplace(name, nullptr);
        if (!inserted) return fail(Status::format, concat("key '", name, "' appears twice"));
        slot_ = &position->second;
        return true;
    }

    bool parse_error(std::size_t position, const std::string&, const json::exception& cause) override {
        // The library's text begins with an identifier in brackets; what follows it is for people.
        std::string_view text = cause.what();
        if (size_t bracket = text.find("] "); bracket != text.npos) text.remove_prefix(bracket + 2);
        return fail(Status::format, concat("near byte ", position, ": ", text));
    }

  private:
    bool fail(Status status, std::string message) {
        failure_ = {status, std::move(message)};
        return false;
    }

    // Where the next value belongs: after a key, at the end of an array, or the root.
    template <class Value>
    json* place(Value&& value) {
        if (stack_.empty()) return root_ = std::forward<Value>(value), &root_;
        json& parent = *stack_.back();
        if (parent.is_object()) return *slot_ = std::forward<Value>(value), slot_;
        return &parent.get_ref<json::array_t&>().emplace_back(std::forward<Value>(value));
    }

    template <class Value>
    bool add(Value&& value) {
        if (++values_ > limits_.max_values) {
            return fail(Status::limit, concat("more than ", limits_.max_values, " values"));
        }
        place(std::forward<Value>(value));
        return true;
    }

    bool open(json container) {
        if (stack_.size() >= limits_.max_depth) {
            return fail(Status::limit, concat("nested deeper than ", limits_.max_depth, " levels"));
        }
        if (++values_ > limits_.max_values) {
            return fail(Status::limit, concat("more than ", limits_.max_values, " values"));
        }
        // A parent array may move its elements when it grows, but only while no child is open.
        stack_.push_back(place(std::move(container)));
        return true;
    }

    JsonLimits limits_;
    json root_;
    std::vector<json*> stack_;
    json* slot_ = nullptr;
    uint64_t values_ = 0;
    Error failure_{Status::format, "not JSON"};
};

} // namespace

Result<json> parse_json(std::string_view text, std::string_view what, const JsonLimits& limits) {
    StrictBuilder builder(limits);
    if (!json::sax_parse(text.begin(), text.end(), &builder)) {
        return error(builder.failure().status, what, ": JSON ", builder.failure().message);
    }
    return builder.take();
}

} // namespace fp4
