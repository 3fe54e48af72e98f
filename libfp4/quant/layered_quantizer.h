// Quantization that looks at the inputs of the layers: layer after layer, each with the inputs that the
// layers quantized before give it. Memory holds one layer at a time.
#pragma once

#include "libfp4/base/job.h"
#include "libfp4/quant/calibration/calibration_text.h"
#include "libfp4/quant/layer_files.h"
#include "libfp4/quant/learned_transforms.h"

namespace fp4 {

struct LayeredRequest {
    const ModelSource& source;
    const Recipe& recipe;
    Backend* backend = nullptr;                   // calibration runs on it
    const CalibrationText* calibration = nullptr; // null where the recipe needs none
    const LearnedTransforms* learned = nullptr;   // null where the recipe names none
    std::string work_folder;
    int threads = 0;
};

// The finished layers. Killed or cancelled, a later call with the same request goes on after the last
// finished layer.
Result<std::unique_ptr<LayerFiles>> quantize_layers(const LayeredRequest& request, JobControl& job);

} // namespace fp4
