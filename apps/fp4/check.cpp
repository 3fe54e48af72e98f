#include "commands.h"
#include "handles.h"
#include "human.h"
#include "job.h"
#include "json_output.h"
#include "model.h"
#include "report.h"

namespace fp4::program {

int execute(const CheckOptions& options) {
    fp4_job* started = nullptr;
    fp4_status status = fp4_model_check_start(&started, options.file.c_str(), nullptr);
    const Job job(started);
    if (status >= 0) {
        Progress progress(options.output.quiet, 0.5);
        status = wait_for(job.get(), progress);
    }
    if (status < 0) {
        const std::string error = fp4_last_error();
        const int exit_code = fail(status, error);
        if (!options.output.json || status == FP4_E_CANCELLED) return exit_code;
        JsonObject object;
        object.set("file", options.file);
        object.set("ok", false);
        object.set("status", fp4_status_name(status));
        object.set("error", error);
        print_json(object);
        return exit_code;
    }
    std::string text;
    status = read_text(text, [&](char* buffer, size_t capacity, size_t* needed) {
        return fp4_job_result(job.get(), buffer, capacity, needed);
    });
    if (status < 0) return fail(status);
    const JsonObject result = JsonObject::parse(text).value_or(JsonObject());
    if (options.output.json) {
        JsonObject object;
        object.set("file", options.file);
        object.set("ok", true);
        for (const char* key : {"kind", "tensors", "bytes", "hashed"}) object.copy(key, result);
        return print_json(object);
    }
    const bool hashed = result.text("hashed") == "true";
    const std::string line =
        format_text("%s: good (%s, %s tensors, %s, %s)\n", options.file.c_str(), result.text("kind").c_str(),
                    result.text("tensors").c_str(), bytes_text(result.count("bytes")).c_str(),
                    hashed ? "every hash agrees" : "this kind of file has no hashes");
    return write_out(line) ? exit_ok : fail("cannot write to standard output");
}

} // namespace fp4::program
