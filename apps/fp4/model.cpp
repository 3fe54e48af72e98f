#include "model.h"

#include "job.h"
#include "report.h"

namespace fp4::program {

Model open_model(const std::string& path, const EngineOptions& engine, bool quiet, int* exit_code,
                 const SyntheticOptions& synthetic) {
    fp4_model_config config;
    fp4_model_config_init(&config, sizeof config);
    config.device = engine.device.c_str();
    if (!synthetic.shape.empty()) {
        config.synthetic = synthetic.shape.c_str();
        config.synthetic_format = synthetic.format.c_str();
        config.synthetic_seed = synthetic.seed;
    }
    fp4_job* started = nullptr;
    fp4_status status = fp4_device_limit(engine.device.c_str(), engine.memory_limit);
    if (status >= 0) status = fp4_model_open_start(&started, path.c_str(), &config);
    const Job job(started);
    if (status >= 0) {
        constexpr double short_load = 1; // seconds; most models are mapped faster
        Progress progress(quiet, short_load);
        status = wait_for(job.get(), progress);
    }
    fp4_model* model = nullptr;
    if (status >= 0) status = fp4_job_take_model(job.get(), &model);
    if (status < 0) *exit_code = fail(status);
    return Model(model);
}

Context create_context(fp4_model* model, const EngineOptions& engine, int* exit_code) {
    fp4_ctx_config config;
    fp4_ctx_config_init(&config, sizeof config);
    config.capacity = engine.ctx;
    config.chunk = engine.chunk;
    config.threads = engine.threads;
    config.path_prefill = config.path_decode = path_number(engine.path);
    config.kv_format = kv_number(engine.kv);
    fp4_ctx* ctx = nullptr;
    const fp4_status status = fp4_ctx_create(&ctx, model, &config);
    if (status < 0) *exit_code = fail(status);
    return Context(ctx);
}

fp4_model_info model_info(const fp4_model* model) {
    fp4_model_info info{};
    info.size = sizeof info;
    fp4_model_info_get(model, &info);
    return info;
}

fp4_ctx_info context_info(const fp4_ctx* ctx) {
    fp4_ctx_info info{};
    info.size = sizeof info;
    fp4_ctx_info_get(ctx, &info);
    return info;
}

} // namespace fp4::program
