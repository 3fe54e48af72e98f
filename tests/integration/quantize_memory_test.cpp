// Peak memory of quantizing does not follow the model's size.
#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libfp4/quant/quantize.h"
#include "tests/integration/made_model.h"
#include "tests/integration/test_models.h"

using namespace fp4;
using namespace fp4::test;

namespace {

constexpr uint64_t mebibyte = 1u << 20;

uint64_t peak_bytes() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return uint64_t(usage.ru_maxrss) * 1024;
}

// By how much a child process grows while it quantizes.
uint64_t growth(const QuantizeRequest& request) {
    int pipe_ends[2];
    REQUIRE(pipe(pipe_ends) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        const uint64_t before = peak_bytes();
        NoControl control;
        const bool worked = quantize(request, control).ok();
        const uint64_t grown = peak_bytes() - before;
        const bool told = write(pipe_ends[1], &grown, sizeof grown) == sizeof grown;
        _exit(worked && told ? 0 : 1);
    }
    close(pipe_ends[1]);
    uint64_t grown = 0;
    const bool heard = read(pipe_ends[0], &grown, sizeof grown) == sizeof grown;
    close(pipe_ends[0]);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    REQUIRE(WEXITSTATUS(status) == 0);
    REQUIRE(heard);
    return grown;
}

} // namespace

TEST_CASE("peak memory stays below 1.5 times the largest tensor in f32 and 64 MB, however many there are") {
    if (address_sanitizer) {
        MESSAGE("skipped: a sanitizer's own memory is counted too");
        return;
    }
    TemporaryFolder folder;
    MadeShape shape;
    shape.hidden = 256;
    shape.ffn = 32768; // each of the three is 32 MiB in f32
    shape.layers = 3;
    shape.vocabulary = 65536; // 64 MiB
    const uint64_t largest = uint64_t(shape.vocabulary) * shape.hidden * 4;
    write_model(folder / "large", made_config(shape), made_tensors(shape));
    const uint64_t whole = std::filesystem::file_size(folder / "large" / "model.safetensors");
    REQUIRE(whole > 4 * largest);
    QuantizeRequest request;
    request.source = (folder / "large").string();
    request.target = (folder / "large.fp4").string();
    request.recipe.rule = ScaleRule::floor; // the fastest
    request.threads = 2;
    request.recipe.tensors.push_back(parse_keep_rule("*embed*=mxfp4").value());
    const uint64_t grown = growth(request);
    MESSAGE("source " << whole / mebibyte << " MiB, largest tensor " << largest / mebibyte
                      << " MiB, grown by " << grown / mebibyte << " MiB");
    CHECK(grown <= largest * 3 / 2 + 64'000'000);
    CHECK(grown <= 48 * mebibyte); // rows are streamed: not even one tensor is held
}
