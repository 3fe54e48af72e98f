// A whole generation, driven one way or the other.
#pragma once

#include "libfp4/engine/generation.h"
#include "tests/integration/test_models.h"

namespace fp4::test {

enum class Drive { step, thread };

struct Run {
    std::string text;
    GenerationStats stats;
    std::vector<int32_t> context_tokens;
};

// Until the generation is finished. Fails the test on error.
Run run_generation(Context& context, const GenerationRequest& request, Drive drive = Drive::step,
                   uint64_t budget_us = 1'000'000'000);

// Everything there is to read, in small pieces; waits for the end of a generation that has a thread.
std::string read_text(Generation& generation);

} // namespace fp4::test
