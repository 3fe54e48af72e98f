// Matching the arguments of a call to the parameters of a builtin, as Python does.
#pragma once

#include <array>
#include <initializer_list>
#include <optional>

#include "libfp4/text/template/heap.h"

namespace fp4::chat {

class BoundArguments {
  public:
    // `callee` is for messages; the first `required` of the parameters must be given.
    static Result<BoundArguments> bind(const Heap& heap, std::string_view callee, const Arguments& given,
                                       std::initializer_list<std::string_view> parameters,
                                       size_t required = 0);

    bool has(size_t i) const { return values_[i].has_value(); }
    const Value& operator[](size_t i) const { return *values_[i]; }
    Value get_or(size_t i, const Value& fallback) const { return values_[i].value_or(fallback); }
    bool flag(size_t i) const { return has(i) && truthy(*values_[i]); }
    bool given_not_none(size_t i) const { return has(i) && !values_[i]->is(Kind::none); }
    Result<int64_t> integer_or(const Heap& heap, size_t i, int64_t fallback) const;
    // The text of a parameter that must be a string.
    Result<std::string_view> text(const Heap& heap, size_t i) const;

  private:
    static constexpr size_t max_parameters = 5;
    std::string_view callee_;
    std::array<std::optional<Value>, max_parameters> values_;
};

} // namespace fp4::chat
