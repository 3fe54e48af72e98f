#include "libfp4/text/template/json_value.h"

#include <nlohmann/json.hpp>

namespace fp4::chat {

namespace {

// Builds values while the text is read: no second copy of it as a JSON tree, and the order of keys is kept.
class ValueBuilder : public nlohmann::json_sax<nlohmann::json> {
  public:
    explicit ValueBuilder(Heap& heap) : heap_(heap) {}

    Result<Value> finish(bool parsed, std::string_view what) {
        if (!failure_.ok()) return std::move(failure_).error();
        if (!parsed) {
            return error(Status::format, what, " is not valid JSON: ", message_, " (at byte ", position_,
                         ")");
        }
        return root_;
    }

    bool null() override { return add(Value::none()); }
    bool boolean(bool value) override { return add(Value::boolean(value)); }
    bool number_integer(number_integer_t value) override { return add(Value::integer(value)); }
    bool number_unsigned(number_unsigned_t value) override {
        if (value > INT64_MAX) return fail(heap_.fail("a JSON integer does not fit 64 bits"));
        return add(Value::integer(static_cast<int64_t>(value)));
    }
    bool number_float(number_float_t value, const string_t&) override { return add(Value::real(value)); }
    bool binary(binary_t&) override { return fail(heap_.fail("JSON with binary values")); }
    bool string(string_t& text) override {
        auto value = heap_.text(text);
        return value.ok() ? add(*value) : fail(std::move(value).error());
    }
    bool key(string_t& text) override {
        auto value = heap_.text(text);
        if (!value.ok()) return fail(std::move(value).error());
        open_.back().key = *value;
        return true;
    }
    bool start_object(size_t) override {
        auto dict = heap_.make<DictObject>();
        return dict.ok() ? open(Value::dict(*dict)) : fail(std::move(dict).error());
    }
    bool start_array(size_t) override {
        auto list = heap_.list({});
        return list.ok() ? open(*list) : fail(std::move(list).error());
    }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }
    bool parse_error(size_t position, const std::string&, const nlohmann::json::exception& cause) override {
        position_ = position;
        message_ = cause.what();
        return false;
    }

  private:
    struct Open {
        Value container;
        Value key;
    };

    bool fail(Error error) {
        failure_ = std::move(error);
        return false;
    }

    bool open(const Value& container) {
        if (open_.size() >= heap_.limits().max_depth) {
            return fail(heap_.fail_as(Status::limit, "JSON is nested more than ", heap_.limits().max_depth,
                                      " levels deep"));
        }
        open_.push_back({container, Value()});
        return true;
    }

    bool close() {
        Value container = open_.back().container;
        open_.pop_back();
        return add(container);
    }

    bool add(const Value& value) {
        if (open_.empty()) {
            root_ = value;
            return true;
        }
        Open& parent = open_.back();
        Result<void> added = parent.container.is(Kind::dict)
                                 ? heap_.set(parent.container.as_dict(), parent.key, value)
                                 : heap_.charge(sizeof(Value));
        if (!added.ok()) return fail(std::move(added).error());
        if (parent.container.is(Kind::list)) parent.container.as_sequence().items.push_back(value);
        return true;
    }

    Heap& heap_;
    std::vector<Open> open_;
    Value root_;
    Result<void> failure_;
    size_t position_ = 0;
    std::string message_;
};

} // namespace

Result<Value> parse_json(Heap& heap, std::string_view json, std::string_view what) {
    ValueBuilder builder(heap);
    bool parsed = nlohmann::json::sax_parse(json, &builder);
    return builder.finish(parsed, what);
}

} // namespace fp4::chat
