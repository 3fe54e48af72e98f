// A model on a device: uploaded weights, tokenizer, chat template. Immutable once loaded; any thread may read
// it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libfp4/engine/backend.h"
#include "libfp4/engine/layer_weights.h"
#include "libfp4/engine/path.h"
#include "libfp4/engine/rope_tables.h"
#include "libfp4/model/model_source.h"

namespace fp4 {

class Tokenizer;

// Returns false to cancel. done and total count stored bytes.
using LoadProgress = std::function<bool(uint64_t done, uint64_t total, const std::string& tensor)>;

class Model {
  public:
    static Result<std::shared_ptr<const Model>> load(ModelSource source, std::shared_ptr<Backend> backend,
                                                     const LoadProgress& progress);

    ModelConfig config;
    std::shared_ptr<Checkpoint> checkpoint; // weights may borrow its mapped bytes
    std::shared_ptr<Backend> backend;
    std::unique_ptr<Weight> embedding;  // [vocabulary, hidden]
    std::unique_ptr<Weight> own_head;   // null when tied
    std::unique_ptr<Weight> final_norm; // [1, hidden]
    std::vector<LayerWeights> layers;
    RopeWeights ropes;
    std::shared_ptr<const Tokenizer> tokenizer; // null when the file carries none
    std::string chat_template;                  // empty when there is none
    uint64_t parameters = 0;
    uint64_t weight_bytes = 0;
    uint64_t identity = 0;                          // see identity.h; binds saved states to their model
    WeightFormat linear_format = WeightFormat::f32; // of most weights of the layers' linears

    const Weight& head() const { return own_head ? *own_head : *embedding; }
    Path resolve(Path path) const {
        return path == Path::automatic ? automatic_path(linear_format, *backend) : path;
    }
    bool is_end_token(int32_t token) const;
    // FP4_E_UNSUPPORTED with the next step when the file carries no tokenizer.
    Result<const Tokenizer*> require_tokenizer() const;
};

} // namespace fp4
