// How fast a device does each operation of a model, against what it can do at most: copying memory and its
// best matrix product, measured in the same run.
#pragma once

#include "libfp4/base/job.h"
#include "libfp4/engine/context.h"

namespace fp4 {

struct OpBenchConfig {
    size_t tokens = 0;    // most tokens of a pass; 0: 512, or the model's own length
    size_t context = 0;   // tokens in the KV cache; 0: as many as a pass
    double seconds = 0.1; // of work, at least, for each measurement
    Path path = Path::automatic;
    KvFormat kv_format = KvFormat::f16;
    StreamConfig stream;
};

// One operation, `tokens` tokens at a time. Weights of all layers take turns, as in a pass.
struct OpTime {
    std::string op;
    size_t tokens = 0, rows = 0, cols = 0;
    double seconds = 0.0; // of one call
    double bytes = 0.0;   // that must be read and written
    double flops = 0.0;
};

struct OpBenchResult {
    std::vector<OpTime> ops;
    double copy_bytes_per_second = 0.0; // read and written
    // What the device was seen to do: the best of copying and of products too large for caches.
    double best_bytes_per_second = 0.0;
    double best_flops_per_second = 0.0; // of all products
    // Of the time that these two would need at least.
    double share(const OpTime& op) const;
};

// Fills in the defaults for a model, and refuses what it cannot do.
Result<OpBenchConfig> resolve_op_bench(OpBenchConfig config, const Model& model);
Result<OpBenchResult> bench_ops(std::shared_ptr<const Model> model, const OpBenchConfig& config,
                                JobControl& control);
std::string op_bench_json(const OpBenchResult& result, const Model& model, const OpBenchConfig& config);

} // namespace fp4
