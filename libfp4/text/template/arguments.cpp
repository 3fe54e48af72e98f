#include "libfp4/text/template/arguments.h"

#include <algorithm>
#include <cassert>

namespace fp4::chat {

Result<BoundArguments> BoundArguments::bind(const Heap& heap, std::string_view callee, const Arguments& given,
                                            std::initializer_list<std::string_view> parameters,
                                            size_t required) {
    assert(parameters.size() <= max_parameters);
    BoundArguments bound;
    bound.callee_ = callee;
    if (given.positional.size() > parameters.size()) {
        return heap.fail(callee, "() takes at most ", parameters.size(), " argument(s), ",
                         given.positional.size(), " given");
    }
    std::ranges::copy(given.positional, bound.values_.begin());
    for (const auto& [name, value] : given.named) {
        auto parameter = std::ranges::find(parameters, name);
        if (parameter == parameters.end()) return heap.fail(callee, "() has no parameter '", name, "'");
        auto& slot = bound.values_[static_cast<size_t>(parameter - parameters.begin())];
        if (slot) return heap.fail(callee, "() got two values for '", name, "'");
        slot = value;
    }
    for (size_t i = 0; i < required; ++i) {
        if (!bound.has(i)) return heap.fail(callee, "() needs the argument '", parameters.begin()[i], "'");
    }
    return bound;
}

Result<int64_t> BoundArguments::integer_or(const Heap& heap, size_t i, int64_t fallback) const {
    if (!has(i)) return fallback;
    const Value& value = *values_[i];
    if (value.is_undefined()) return heap.undefined_error(value);
    if (!value.is_integral()) return heap.fail(callee_, "() needs an integer, not ", type_name(value));
    return value.as_int();
}

Result<std::string_view> BoundArguments::text(const Heap& heap, size_t i) const {
    const Value& value = *values_[i];
    if (value.is_undefined()) return heap.undefined_error(value);
    if (!value.is_string()) return heap.fail(callee_, "() needs a string, not ", type_name(value));
    return value.as_text();
}

} // namespace fp4::chat
