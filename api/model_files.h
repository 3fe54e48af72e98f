// From the arguments of the ABI to checkpoints and models.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "api/device_registry.h"
#include "api/fp4.h"
#include "api/shim.h"
#include "libfp4/base/job.h"
#include "libfp4/engine/model.h"
#include "libfp4/model/synthetic.h"

namespace fp4::api {

// path and config of an opening call, copied so that a job can use them later.
struct ModelFile {
    std::string path;
    std::string device;
    bool allow_map = true;
    std::optional<fp4_io> io;
    std::optional<SyntheticModel> synthetic;

    static Result<ModelFile> from(const char* path, const fp4_model_config* config);
    Result<std::shared_ptr<Checkpoint>> open() const;
};

// A host's reader as a byte source.
Result<std::shared_ptr<ByteSource>> io_source(const fp4_io& io, const std::string& name);
Result<fp4_io> read_io(const fp4_io* io);

// Opens and uploads; job may be null.
Result<std::shared_ptr<const Model>> open_model(const ModelFile& file, JobControl* job);

} // namespace fp4::api
