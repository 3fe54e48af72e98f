// Entering a context from several entry points.
#pragma once

#include <vector>

#include "api/handles.h"
#include "api/shim.h"

namespace fp4::api {

// FP4_E_BUSY while another call or an unfinished generation uses the context.
Result<CallGuard> enter_context(fp4_ctx* ctx);

} // namespace fp4::api
