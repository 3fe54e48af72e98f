#include "api/model_files.h"

#include "libfp4/base/log.h"

namespace fp4::api {
namespace {

class IoSource : public ByteSource {
  public:
    IoSource(const fp4_io& io, std::string name) : io_(io), name_(std::move(name)) {}
    const std::string& name() const override { return name_; }
    uint64_t size() const override { return io_.total_bytes; }
    std::span<const uint8_t> map() const override { return {}; }
    Result<void> read_at(uint64_t offset, std::span<uint8_t> target) const override {
        FP4_TRY(check_range(*this, offset, target.size()));
        if (target.empty()) return {}; // a caller's memcpy must not see a null target
        if (io_.read(io_.user, offset, target.data(), target.size()) == 0) return {};
        return error(Status::io, name_, ": the reader failed at offset ", offset, ", ", target.size(),
                     " bytes");
    }

  private:
    fp4_io io_;
    std::string name_;
};

void log_opened(const Model& model, const std::string& device) {
    const std::string& name = model.checkpoint->name();
    log(LogLevel::info, concat(name, ": opened ", model.checkpoint->kind(), ", ",
                               architecture_name(model.config.architecture), ", ", model.parameters,
                               " parameters, weights ", weight_format_name(model.linear_format), ", path ",
                               path_name(model.resolve(Path::automatic)), " on ", device));
    if (!model.tokenizer && std::string_view(model.checkpoint->kind()) != "synthetic")
        log(LogLevel::warning, concat(name, ": has no tokenizer; only tokens can be given and read"));
}

} // namespace

Result<fp4_io> read_io(const fp4_io* io) {
    fp4_io known{};
    FP4_TRY(read_struct(io, 0, known, "io"));
    return known;
}

Result<std::shared_ptr<ByteSource>> io_source(const fp4_io& io, const std::string& name) {
    if (!io.read) return error(Status::argument, "io->read is NULL");
    std::string label = !name.empty() ? name : io.name ? io.name : "memory";
    return std::shared_ptr<ByteSource>(std::make_shared<IoSource>(io, std::move(label)));
}

Result<ModelFile> ModelFile::from(const char* path, const fp4_model_config* config) {
    ModelFile file;
    fp4_model_config known{};
    if (config) FP4_TRY(read_struct(config, FP4_MODEL_NO_MMAP, known, "config"));
    file.path = path ? path : "";
    file.device = known.device ? known.device : "";
    file.allow_map = (known.flags & FP4_MODEL_NO_MMAP) == 0;
    if (known.synthetic) {
        if (known.io)
            return error(Status::argument, "a synthetic model is read from no file: config->io is set");
        SyntheticModel& model = file.synthetic.emplace();
        FP4_ASSIGN(model.config, synthetic_shape(known.synthetic));
        FP4_ASSIGN(model.matrices,
                   matrix_encoding(known.synthetic_format ? known.synthetic_format : "mxfp4"));
        model.seed = known.synthetic_seed;
        if (!file.path.empty()) model.config.name = file.path;
        return file;
    }
    if (known.io) {
        FP4_ASSIGN(file.io, read_io(known.io));
        if (!file.io->read) return error(Status::argument, "io->read is NULL");
        // A job outlives the caller's string.
        if (file.path.empty() && file.io->name) file.path = file.io->name;
        file.io->name = nullptr;
    } else if (file.path.empty()) {
        return error(Status::argument, "'path' is NULL or empty");
    }
    return file;
}

Result<std::shared_ptr<Checkpoint>> ModelFile::open() const {
    if (synthetic) return synthetic_checkpoint(*synthetic);
    if (!io) return open_checkpoint(path, OpenOptions{.allow_map = allow_map});
    FP4_ASSIGN(auto source, io_source(*io, path));
    return open_checkpoint(std::move(source));
}

Result<std::shared_ptr<const Model>> open_model(const ModelFile& file, JobControl* job) {
    FP4_ASSIGN(auto backend, open_device(file.device.c_str()));
    FP4_TRY(backend->usable());
    if (job) job->report("reading", file.path, 0, 0);
    FP4_ASSIGN(auto checkpoint, file.open());
    FP4_ASSIGN(ModelSource source, inspect_model(std::move(checkpoint)));
    LoadProgress progress;
    if (job) {
        progress = [job](uint64_t done, uint64_t total, const std::string& tensor) {
            job->report("loading", tensor, done, total);
            return !job->cancelled();
        };
    }
    FP4_ASSIGN(std::shared_ptr<const Model> model, Model::load(std::move(source), backend, progress));
    log_opened(*model, backend->device().id);
    return model;
}

} // namespace fp4::api
