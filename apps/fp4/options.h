#pragma once

#include <fp4.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace fp4::program {

struct OutputOptions {
    bool json = false;
    bool quiet = false;
};

/// Where and how a model runs; shared by run, chat, eval and bench.
struct EngineOptions {
    std::string device = "cpu";
    std::string path = "auto"; // w16a16, w4a16, w4a8, w4a4 or auto
    std::string kv = "f16";    // f32, mxfp8 or mxfp4
    int32_t threads = 0;
    uint32_t ctx = 0;
    uint32_t chunk = 0;        // most tokens of one prefill pass; 0: the library's own
    uint64_t memory_limit = 0; // bytes of the device; 0: none
};

/// Random weights in place of a file.
struct SyntheticOptions {
    std::string shape; // empty: no
    std::string format = "mxfp4";
    uint64_t seed = 0;
};

struct SamplingOptions {
    SamplingOptions();
    fp4_sampling values;
    std::optional<uint64_t> seed; // else drawn anew for every start
};

struct InfoOptions {
    OutputOptions output;
    EngineOptions engine;
    std::string model;
    bool tensors = false;
};

struct QuantizeOptions {
    OutputOptions output;
    std::string source;
    std::string target;
    std::string format;     // empty: the recipe's
    std::string scale_rule; // empty: the recipe's
    std::vector<std::string> keep;
    std::string recipe = "rtn"; // a preset or the path of a JSON document
    std::string calibration_text;
    uint32_t calibration_sequences = 0; // 0: the recipe's
    uint32_t calibration_length = 0;
    std::string activations; // empty: the recipe's
    int32_t threads = 0;
};

struct RunOptions {
    OutputOptions output;
    EngineOptions engine;
    SamplingOptions sampling;
    std::string model;
    std::optional<std::string> prompt; // else from the file, else from standard input
    std::string file;
    std::string system;
    std::string chat_template; // a file
    std::vector<std::string> stop;
    uint32_t max_tokens = 0;
    bool raw = false;
};

struct ChatOptions {
    OutputOptions output;
    EngineOptions engine;
    SamplingOptions sampling;
    std::string model;
    std::string system;
    std::string chat_template; // a file
    std::string load;          // a chat saved by /save
    uint32_t max_tokens = 0;
};

struct EvalOptions {
    OutputOptions output;
    EngineOptions engine;
    std::string model;
    std::string text; // a file
    std::string base; // a model
    std::string base_file;
    std::string save_base_file;
    uint32_t windows = 0;
    std::string tasks; // a file of questions, in place of a text
    uint32_t limit = 0;
};

struct ReportOptions {
    OutputOptions output;
    std::vector<std::string> recipes; // presets or paths of JSON documents
    std::string model;
    std::string text; // a file
    std::string calibration_text;
    uint32_t calibration_sequences = 0; // 0: the recipe's
    uint32_t calibration_length = 0;
    std::vector<std::string> formats; // empty: each recipe's own
    std::vector<std::string> paths{"auto"};
    uint32_t windows = 0;
    uint32_t ctx = 512;
    int32_t threads = 0;
    std::string csv, svg, markdown; // files to write; empty: none
    std::string work;               // folder of quantized files; empty: below the system's temporary folder
};

struct BenchOptions {
    OutputOptions output;
    EngineOptions engine;
    std::string model; // or
    SyntheticOptions synthetic;
    uint32_t prompt_tokens = 512;
    uint32_t new_tokens = 128;
    uint32_t repetitions = 3;
    bool ops = false; // each operation in place of whole passes
};

struct DevicesOptions {
    OutputOptions output;
};

struct CheckOptions {
    OutputOptions output;
    std::string file;
};

struct LuaOptions {
    OutputOptions output;
    std::vector<std::string> script; // and its arguments
};

/// What the command line asks for; an int is the exit code where that was said already (help, usage error).
using Command = std::variant<int, InfoOptions, QuantizeOptions, RunOptions, ChatOptions, EvalOptions,
                             ReportOptions, BenchOptions, DevicesOptions, CheckOptions, LuaOptions>;

Command parse_arguments(int argc, char** argv);

/// FP4_PATH_* for a path name that the parser let through, and back.
int32_t path_number(const std::string& name);
const char* path_name(int32_t path);
/// FP4_KV_* for a name that the parser let through.
int32_t kv_number(const std::string& name);

} // namespace fp4::program
