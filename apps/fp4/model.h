#pragma once

#include <fp4.h>

#include <optional>
#include <string>
#include <vector>

#include "handles.h"
#include "options.h"

namespace fp4::program {

/// Loads a model with progress, a synthetic one where that says so. On failure prints why and sets
/// *exit_code.
Model open_model(const std::string& path, const EngineOptions& engine, bool quiet, int* exit_code,
                 const SyntheticOptions& synthetic = {});

/// A context for one conversation. On failure prints why and sets *exit_code.
Context create_context(fp4_model* model, const EngineOptions& engine, int* exit_code);

fp4_model_info model_info(const fp4_model* model);
fp4_ctx_info context_info(const fp4_ctx* ctx);

/// Calls a (buffer, capacity, needed) function for its size and then for its content.
template <class Unit, class Call>
fp4_status read_sized(std::vector<Unit>& out, Call call) {
    size_t needed = 0;
    fp4_status status = call(static_cast<Unit*>(nullptr), 0, &needed);
    if (status < 0 && status != FP4_E_SPACE) return status;
    out.resize(needed);
    if (needed == 0) return FP4_OK;
    return call(out.data(), out.size(), &needed);
}

template <class Call>
fp4_status read_text(std::string& out, Call call) {
    std::vector<char> bytes;
    const fp4_status status = read_sized<char>(bytes, call);
    out.assign(bytes.begin(), bytes.end());
    return status;
}

} // namespace fp4::program
