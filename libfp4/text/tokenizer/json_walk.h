// Components of tokenizer.json nest in "Sequence" components; this visits the plain ones in order.
#pragma once

#include <string>

#include "libfp4/base/result.h"
#include "libfp4/text/tokenizer/json_fields.h"

namespace fp4::tokenization {

inline constexpr int max_sequence_depth = 16;

// `list` is the name of the array in a Sequence; visit(component, type, where) returns Result<void>.
template <class Visit>
Result<void> walk_components(const JsonValue& component, const char* list, const std::string& where,
                             Visit visit, int depth = 0) {
    if (component.is_null()) return {};
    if (depth > max_sequence_depth) return error(Status::limit, where, " is nested too deep");
    FP4_ASSIGN(std::string type, string_field(component, "type", where));
    if (type != "Sequence") return visit(component, type, concat(where, " ", type));
    FP4_ASSIGN(const JsonValue::Array* members, array_field(component, list, where));
    for (const auto& member : *members) FP4_TRY(walk_components(member, list, where, visit, depth + 1));
    return {};
}

} // namespace fp4::tokenization
