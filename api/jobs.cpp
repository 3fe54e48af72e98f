#include "api/device_registry.h"
#include "api/handles.h"
#include "api/model_files.h"
#include "api/shim.h"
#include "libfp4/base/log.h"
#include "libfp4/engine/object_checks.h"
#include "libfp4/engine/op_bench.h"
#include "libfp4/io/json_writer.h"
#include "libfp4/io/verify.h"
#include "libfp4/quant/evaluate.h"
#include "libfp4/quant/quantize.h"
#include "libfp4/quant/recipe/names.h"
#include "libfp4/quant/tasks.h"

using namespace fp4;
using namespace fp4::api;

namespace {

Result<void> start_job(fp4_job** out, Job::Work work) {
    FP4_TRY(require(out, "job"));
    auto handle = std::make_unique<fp4_job>();
    FP4_ASSIGN(handle->job, Job::start(std::move(work)));
    *out = handle.release();
    return {};
}

Result<std::string> check_file(const ModelFile& file, JobControl& control) {
    control.report("reading", file.path, 0, 0);
    FP4_ASSIGN(auto checkpoint, file.open());
    uint64_t bytes = 0;
    FP4_TRY(verify_checkpoint(*checkpoint, [&](uint64_t done, uint64_t total) {
        bytes = total;
        control.report("checking", file.path, done, total);
        return !control.cancelled();
    }));
    FP4_TRY(inspect_model(checkpoint));
    JsonWriter json;
    json.begin_object();
    json.member("kind", checkpoint->kind());
    json.member("tensors", checkpoint->tensors().size());
    json.member("bytes", bytes);
    json.member("hashed", std::string_view(checkpoint->kind()) == "fp4");
    json.end_object();
    return json.take();
}

Result<QuantizeRequest> read_quantize(const char* source, const char* target,
                                      const fp4_quantize_config* config) {
    FP4_TRY(require(source, "source"));
    FP4_TRY(require(target, "target"));
    fp4_quantize_config known{};
    if (config) FP4_TRY(read_struct(config, 0, known, "config"));
    QuantizeRequest request;
    request.source = source;
    request.target = target;
    request.threads = known.threads;
    std::optional<BlockFormat> format;
    if (known.format) {
        format = parse_block_format(known.format);
        if (!format)
            return error(Status::argument, "'", known.format,
                         "' is not a block format; see fp4_quantize_config");
    }
    Recipe& recipe = request.recipe;
    FP4_ASSIGN(recipe, read_recipe(known.recipe ? known.recipe : "rtn", format));
    if (known.scale_rule && !parse_scale(known.scale_rule, recipe)) {
        return error(Status::argument, "'", known.scale_rule,
                     "' is not a scale rule; see fp4_quantize_config");
    }
    if (known.activations) FP4_TRY(set_activations(recipe, known.activations));
    if (known.calibration_text) request.calibration_text = known.calibration_text;
    if (known.calibration_sequences != 0) recipe.calibration.sequences = known.calibration_sequences;
    if (known.calibration_length != 0) recipe.calibration.length = known.calibration_length;
    constexpr uint64_t most_rules = 1u << 16;
    if (known.keep_count > most_rules)
        return error(Status::limit, "config->keep_count ", known.keep_count, " is too large");
    if (known.keep_count > 0) FP4_TRY(require(known.keep, "config->keep"));
    std::vector<KeepRule> keep; // before the recipe's own
    for (uint64_t i = 0; i < known.keep_count; ++i) {
        FP4_TRY(require(known.keep[i], "config->keep[i]"));
        FP4_ASSIGN(KeepRule rule, parse_keep_rule(known.keep[i]));
        keep.push_back(std::move(rule));
    }
    recipe.tensors.insert(recipe.tensors.begin(), keep.begin(), keep.end());
    return request;
}

void log_quantized(const QuantizeRequest& request, const QuantizeSummary& summary) {
    const Recipe& recipe = request.recipe;
    for (const KeepRule& keep : recipe.tensors) {
        if (keep.source || keep.encoding.kind != TensorEncoding::Kind::block) continue;
        if (check_scale_method(recipe.scale, keep.encoding.block, recipe.rule).ok()) continue;
        log(LogLevel::warning,
            concat(request.target, ": tensors '", keep.pattern, "' took scale rule mse, since ",
                   scale_name(recipe), " does not apply to ", block_format_name(keep.encoding.block)));
    }
    for (const std::string& note : summary.notes) log(LogLevel::warning, concat(request.target, ": ", note));
    log(LogLevel::info,
        concat(request.target, ": quantized to ", block_format_name(recipe.format), " by ", recipe.name, ", ",
               summary.tensors_quantized, " tensors quantized, ", summary.tensors_kept, " kept, ",
               summary.bits_per_weight, " bits per weight, ", summary.seconds, " s"));
}

Result<EvaluateRequest> read_evaluate(const fp4_evaluate_config* config) {
    fp4_evaluate_config known{};
    FP4_TRY(read_struct(config, 0, known, "config"));
    FP4_TRY(require(known.model, "config->model"));
    EvaluateRequest request;
    request.model = known.model->model;
    if (known.base) request.base = known.base->model;
    if (known.base_file) request.base_file = known.base_file;
    if (known.save_base_file) request.save_base_file = known.save_base_file;
    if (request.base && !request.base_file.empty()) {
        return error(Status::argument, "give a base model or a base file, not both");
    }
    if (known.text) request.text.assign(known.text, known.text_bytes);
    if (request.text.empty() && request.base_file.empty())
        return error(Status::argument, "config->text is empty");
    if (known.window != 0) request.window = known.window;
    request.max_windows = known.max_windows;
    request.path = static_cast<Path>(known.path);
    request.threads = known.threads;
    request.kv_format = static_cast<KvFormat>(known.kv_format);
    if (known.reserved != 0) return error(Status::argument, "config->reserved is not 0");
    FP4_TRY(check_kv_format(request.kv_format));
    FP4_TRY(check_path(request.path, request.model->linear_format));
    return request;
}

Result<TasksRequest> read_tasks(const fp4_tasks_config* config) {
    fp4_tasks_config known{};
    FP4_TRY(read_struct(config, 0, known, "config"));
    FP4_TRY(require(known.model, "config->model"));
    TasksRequest request;
    request.model = known.model->model;
    if (known.file) request.file = known.file;
    if (known.text) request.text.assign(known.text, known.text_bytes);
    if (request.file.empty() == request.text.empty())
        return error(Status::argument, "give the items as config->file or config->text, one of them");
    if (known.reserved != 0) return error(Status::argument, "config->reserved is not 0");
    request.max_items = known.max_items;
    request.path = static_cast<Path>(known.path);
    request.threads = known.threads;
    FP4_TRY(check_path(request.path, request.model->linear_format));
    return request;
}

struct OpBenchRequest {
    std::shared_ptr<const Model> model;
    OpBenchConfig config;
};

Result<OpBenchRequest> read_op_bench(const fp4_op_bench_config* config) {
    fp4_op_bench_config known{};
    FP4_TRY(read_struct(config, 0, known, "config"));
    FP4_TRY(require(known.model, "config->model"));
    OpBenchRequest request;
    request.model = known.model->model;
    OpBenchConfig& wanted = request.config;
    wanted.tokens = known.tokens;
    wanted.context = known.context;
    wanted.path = static_cast<Path>(known.path);
    wanted.kv_format = static_cast<KvFormat>(known.kv_format);
    wanted.stream.threads = known.threads;
    if (known.reserved != 0) return error(Status::argument, "config->reserved is not 0");
    if (!(known.seconds >= 0 && known.seconds <= 3600))
        return error(Status::argument, "config->seconds ", known.seconds, " is outside 0..3600");
    if (known.seconds > 0) wanted.seconds = known.seconds;
    FP4_TRY(resolve_op_bench(wanted, *request.model));
    return request;
}

} // namespace

fp4_status fp4_job_poll(fp4_job* job, int32_t timeout_ms, fp4_job_progress* progress) {
    return guarded([&]() -> Result<Status> {
        FP4_TRY(require(job, "job"));
        if (progress) FP4_TRY(check_out_struct(progress, "progress"));
        JobProgress state;
        auto finished = job->job->poll(timeout_ms, &state);
        if (progress) {
            fp4_job_progress known{};
            known.done = state.done;
            known.total = state.total;
            known.seconds = state.seconds;
            known.eta_seconds = state.eta_seconds;
            copy_field(known.phase, state.phase);
            copy_field(known.item, state.item);
            FP4_TRY(write_struct(known, progress, "progress"));
        }
        FP4_ASSIGN(bool done, std::move(finished));
        return done ? Status::done : Status::more;
    });
}

fp4_status fp4_job_cancel(fp4_job* job) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(job, "job"));
        job->job->cancel();
        return {};
    });
}

fp4_status fp4_job_result(fp4_job* job, char* json, size_t capacity, size_t* needed) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(job, "job"));
        FP4_ASSIGN(std::string text, job->job->result());
        return copy_text(text, json, capacity, needed);
    });
}

fp4_status fp4_job_take_model(fp4_job* job, fp4_model** model) {
    return guarded([&]() -> Result<void> {
        FP4_TRY(require(job, "job"));
        FP4_TRY(require(model, "model"));
        FP4_ASSIGN(bool done, job->job->poll(0, nullptr));
        if (!done) return error(Status::state, "the job is still running");
        std::lock_guard lock(job->taking);
        if (!job->model) return error(Status::state, "the job has no model, or it was taken already");
        auto handle = std::make_unique<fp4_model>();
        handle->model = std::move(job->model);
        *model = handle.release();
        return {};
    });
}

void fp4_job_close(fp4_job* job) {
    clear_last_error();
    delete job;
}

fp4_status fp4_model_check_start(fp4_job** job, const char* path, const fp4_model_config* config) {
    return guarded([&]() -> Result<void> {
        FP4_ASSIGN(ModelFile file, ModelFile::from(path, config));
        return start_job(job,
                         [file = std::move(file)](JobControl& control) { return check_file(file, control); });
    });
}

fp4_status fp4_quantize_config_init(fp4_quantize_config* config, uint32_t size) {
    return guarded([&] { return init_struct(fp4_quantize_config{}, config, size); });
}

fp4_status fp4_quantize_start(fp4_job** job, const char* source, const char* target,
                              const fp4_quantize_config* config) {
    return guarded([&]() -> Result<void> {
        FP4_ASSIGN(QuantizeRequest request, read_quantize(source, target, config));
        if (!request.recipe.is_plain()) {
            FP4_ASSIGN(request.backend, open_device(nullptr));
        }
        FP4_TRY(check_request(request));
        return start_job(job, [request = std::move(request)](JobControl& control) -> Result<std::string> {
            FP4_ASSIGN(QuantizeSummary summary, quantize(request, control));
            log_quantized(request, summary);
            return summary_to_json(summary, request);
        });
    });
}

fp4_status fp4_evaluate_config_init(fp4_evaluate_config* config, uint32_t size) {
    return guarded([&] { return init_struct(fp4_evaluate_config{}, config, size); });
}

fp4_status fp4_evaluate_start(fp4_job** job, const fp4_evaluate_config* config) {
    return guarded([&]() -> Result<void> {
        FP4_ASSIGN(EvaluateRequest request, read_evaluate(config));
        return start_job(job, [request = std::move(request)](JobControl& control) -> Result<std::string> {
            FP4_ASSIGN(Evaluation evaluation, evaluate(request, control));
            return evaluation_to_json(evaluation);
        });
    });
}

fp4_status fp4_tasks_config_init(fp4_tasks_config* config, uint32_t size) {
    return guarded([&] { return init_struct(fp4_tasks_config{}, config, size); });
}

fp4_status fp4_tasks_start(fp4_job** job, const fp4_tasks_config* config) {
    return guarded([&]() -> Result<void> {
        FP4_ASSIGN(TasksRequest request, read_tasks(config));
        return start_job(job, [request = std::move(request)](JobControl& control) -> Result<std::string> {
            FP4_ASSIGN(TaskScores scores, run_tasks(request, control));
            return task_scores_to_json(scores);
        });
    });
}

fp4_status fp4_op_bench_config_init(fp4_op_bench_config* config, uint32_t size) {
    return guarded([&] { return init_struct(fp4_op_bench_config{}, config, size); });
}

fp4_status fp4_op_bench_start(fp4_job** job, const fp4_op_bench_config* config) {
    return guarded([&]() -> Result<void> {
        FP4_ASSIGN(OpBenchRequest request, read_op_bench(config));
        return start_job(job, [request = std::move(request)](JobControl& control) -> Result<std::string> {
            FP4_ASSIGN(OpBenchResult result, bench_ops(request.model, request.config, control));
            return op_bench_json(result, *request.model, request.config);
        });
    });
}
