#include "tests/integration/generation_run.h"

#include <doctest/doctest.h>

namespace fp4::test {

std::string read_text(Generation& generation) {
    std::string text;
    for (;;) {
        char piece[7]; // small and odd, so that reads cut the text everywhere
        size_t bytes = 0;
        auto read = generation.read(piece, sizeof piece, bytes, -1);
        REQUIRE_MESSAGE(read.ok(), read.error().message);
        text.append(piece, bytes);
        if (*read != Generation::Read::more || (bytes == 0 && !generation.threaded())) return text;
    }
}

Run run_generation(Context& context, const GenerationRequest& request, Drive drive, uint64_t budget_us) {
    auto created = Generation::create(context, request);
    REQUIRE_MESSAGE(created.ok(), created.error().message);
    Generation& generation = **created;
    Run run;
    if (drive == Drive::thread) {
        REQUIRE(generation.start_thread().ok());
        run.text = read_text(generation);
    } else {
        for (bool done = false; !done;) {
            auto stepped = generation.step(budget_us, nullptr);
            REQUIRE_MESSAGE(stepped.ok(), stepped.error().message);
            done = *stepped;
            run.text += read_text(generation);
        }
    }
    generation.stop();
    run.stats = generation.stats();
    run.context_tokens = context.tokens();
    return run;
}

} // namespace fp4::test
