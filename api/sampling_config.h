// fp4_sampling, checked and copied.
#pragma once

#include <vector>

#include "api/fp4.h"
#include "libfp4/base/result.h"
#include "libfp4/engine/sampling.h"

namespace fp4::api {

struct SamplingChoice {
    SamplingConfig config;
    std::vector<LogitBias> bias;
};

fp4_sampling default_sampling();
Result<SamplingChoice> read_sampling(const fp4_sampling* sampling); // null: greedy

} // namespace fp4::api
