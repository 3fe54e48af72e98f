#include "tests/integration/quantize_run.h"

#include <doctest/doctest.h>

#include "tests/integration/test_models.h"

namespace fp4::test {

QuantizeSummary run(const QuantizeRequest& request) {
    NoControl control;
    auto summary = quantize(request, control);
    REQUIRE_MESSAGE(summary.ok(), summary.error().message);
    return *summary;
}

Error failure(const QuantizeRequest& request) {
    NoControl control;
    auto summary = quantize(request, control);
    REQUIRE(!summary.ok());
    return summary.error();
}

} // namespace fp4::test
