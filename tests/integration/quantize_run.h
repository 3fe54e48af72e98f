// Quantizing in a test, to the end or to the expected error.
#pragma once

#include "libfp4/quant/quantize.h"

namespace fp4::test {

QuantizeSummary run(const QuantizeRequest& request); // fails the test on error
Error failure(const QuantizeRequest& request);       // fails the test without one

} // namespace fp4::test
