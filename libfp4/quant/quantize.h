// Quantizing a checkpoint into a .fp4 file. Plain rounding goes tensor by tensor and row by row; recipes that
// look at a layer's inputs go layer by layer (layered_quantizer.h). Memory does not depend on the model's
// depth.
#pragma once

#include <string>
#include <vector>

#include "libfp4/base/job.h"
#include "libfp4/quant/recipe/recipe.h"

namespace fp4 {

struct QuantizeRequest {
    std::string source;
    std::string target;
    Recipe recipe;
    std::string calibration_text;     // a path; needed by recipes that calibrate
    std::shared_ptr<Backend> backend; // that calibration runs on; may be null for plain rounding
    int threads = 0;
};

struct QuantizeSummary {
    uint64_t bytes_in = 0;  // stored bytes of the source's tensors
    uint64_t bytes_out = 0; // of the file
    uint64_t weights = 0;
    double bits_per_weight = 0; // stored bits of all tensors / weights
    double seconds = 0;
    uint64_t tensors_quantized = 0;
    uint64_t tensors_kept = 0;
    double relative_error =
        -1; // |W - Q(W)| / |W| over the quantized tensors; < 0 where they were transformed
    uint64_t calibration_tokens = 0;
    std::vector<std::string> notes; // what was done otherwise than the recipe asks
};

// What can be refused before any work: a recipe whose parts do not fit, a missing calibration text.
Result<void> check_request(const QuantizeRequest& request);

Result<QuantizeSummary> quantize(const QuantizeRequest& request, JobControl& job);
std::string summary_to_json(const QuantizeSummary& summary, const QuantizeRequest& request);

} // namespace fp4
