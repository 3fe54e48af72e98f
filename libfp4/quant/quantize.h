// Quantizing a checkpoint into a .fp4 file, tensor by tensor and row by row, so that memory does not depend
// on the model's size.
#pragma once

#include <string>
#include <vector>

#include "libfp4/base/job.h"
#include "libfp4/quant/tensor_rules.h"

namespace fp4 {

struct QuantizeRequest {
    std::string source;
    std::string target;
    BlockFormat format = BlockFormat::mxfp4;
    ScaleRule rule = ScaleRule::mse;
    std::vector<KeepRule> keep;
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
    double relative_error = 0; // |W - Q(W)| / |W| over the quantized tensors
};

// What can be refused before any work: a rule that does not apply to the format.
Result<void> check_request(const QuantizeRequest& request);

Result<QuantizeSummary> quantize(const QuantizeRequest& request, JobControl& job);
std::string summary_to_json(const QuantizeSummary& summary, const QuantizeRequest& request);

} // namespace fp4
