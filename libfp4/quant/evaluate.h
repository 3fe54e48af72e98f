// Perplexity of a model on a text, and its divergence from a base model.
#pragma once

#include <memory>
#include <string>

#include "libfp4/base/job.h"
#include "libfp4/engine/context.h"

namespace fp4 {

struct EvaluateRequest {
    std::shared_ptr<const Model> model;
    std::shared_ptr<const Model> base; // or null
    std::string base_file;             // or empty
    std::string save_base_file;        // or empty
    std::string text;                  // may be empty with base_file, which holds its tokens
    uint32_t window = 512;
    uint32_t max_windows = 0;
    Path path = Path::automatic;
    int threads = 0;
    KvFormat kv_format = KvFormat::f16;
};

struct Evaluation {
    double nll = 0; // mean negative log-likelihood of scored tokens, nats
    uint64_t tokens = 0;
    uint64_t windows = 0;
    uint32_t window = 0;
    std::string path;       // "w4a8"
    std::string arithmetic; // "mxfp4 x mxint8"
    double seconds = 0;
    // With a base only.
    bool compared = false;
    double base_nll = 0;
    double kl_mean = 0, kl_max = 0, kl_p50 = 0, kl_p90 = 0, kl_p95 = 0, kl_p99 = 0;
    double top1_agreement = 0; // share of tokens with the same most likely token
};

Result<Evaluation> evaluate(const EvaluateRequest& request, JobControl& job);
std::string evaluation_to_json(const Evaluation& evaluation);

} // namespace fp4
