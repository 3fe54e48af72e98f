// The only file that knows the argument parser, which is slow to compile.
#include "options.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <iterator>

#include "exit_code.h"
#include "report.h"

namespace fp4::program {
namespace {

const char* const path_names[] = {"auto", "w16a16", "w4a16", "w4a8", "w4a4"}; // index: FP4_PATH_*
const char* const kv_names[] = {"f16", "f32", "mxfp8", "mxfp4"};              // index: FP4_KV_*
static_assert(FP4_KV_F16 == 0 && FP4_KV_F32 == 1 && FP4_KV_MXFP8 == 2 && FP4_KV_MXFP4 == 3);
static_assert(FP4_PATH_AUTO == 0 && FP4_PATH_W16A16 == 1 && FP4_PATH_W4A16 == 2 && FP4_PATH_W4A8 == 3 &&
              FP4_PATH_W4A4 == 4);

void add_output(CLI::App& app, OutputOptions& o) {
    app.add_flag("--json", o.json, "Print one JSON object on standard output and nothing else there");
    app.add_flag("-q,--quiet", o.quiet, "No progress and no statistics on standard error");
}

void add_threads(CLI::App& app, int32_t& threads) {
    app.add_option("-t,--threads", threads, "Threads; 0: one per core")
        ->capture_default_str()
        ->check(CLI::Range(0, 1024).description(""));
}

void add_device(CLI::App& app, EngineOptions& o) {
    app.add_option("--device", o.device, "Device id, see 'fp4 devices'")->capture_default_str();
    app.add_option("--memory-limit", o.memory_limit,
                   "Most bytes to hold on the device, with k, m or g for powers of 1024; 0: no limit")
        ->type_name("BYTES")
        ->transform(CLI::AsSizeValue(false).description(""));
}

void add_chunk(CLI::App& app, EngineOptions& o) {
    app.add_option("--chunk", o.chunk,
                   "Most tokens of one prefill pass; more are faster on a GPU; 0: 256, on a GPU 512")
        ->capture_default_str()
        ->check(CLI::Range(0, 1 << 20).description(""));
}

void add_kv(CLI::App& app, EngineOptions& o) {
    app.add_option("--kv", o.kv, "Keys and values of the context: f16, f32, mxfp8 or mxfp4")
        ->capture_default_str()
        ->type_name("FORMAT")
        ->check(CLI::IsMember(std::vector<std::string>(std::begin(kv_names), std::end(kv_names)))
                    .description(""));
}

void add_engine(CLI::App& app, EngineOptions& o, const char* ctx_help) {
    add_device(app, o);
    app.add_option("--path", o.path, "Numeric path: w16a16, w4a16, w4a8, w4a4 or auto")
        ->capture_default_str()
        ->type_name("PATH")
        ->check(CLI::IsMember(std::vector<std::string>(std::begin(path_names), std::end(path_names)))
                    .description(""));
    add_kv(app, o);
    add_chunk(app, o);
    add_threads(app, o.threads);
    app.add_option("-c,--ctx", o.ctx, ctx_help)
        ->capture_default_str()
        ->check(CLI::Range(0, 1 << 30).description(""));
}

void add_sampling(CLI::App& app, SamplingOptions& o) {
    fp4_sampling& s = o.values;
    const auto add = [&app](const char* name, auto& value, const char* help, double low, double high) {
        app.add_option(name, value, help)
            ->capture_default_str()
            ->check(CLI::Range(low, high).description(""))
            ->group("Sampling");
    };
    add("--temp", s.temperature, "Temperature; 0: always the most likely token", 0, 100);
    add("--top-k", s.top_k, "Only the K most likely tokens; 0: off", 0, 1e9);
    add("--top-p", s.top_p, "Only the most likely tokens that sum to P; 1: off", 0, 1);
    add("--min-p", s.min_p, "Only tokens at least P times as likely as the best; 0: off", 0, 1);
    add("--repetition-penalty", s.repetition_penalty, "Divides logits of recent tokens; 1: off", 0.01, 100);
    add("--presence-penalty", s.presence_penalty, "Taken from logits of recent tokens; 0: off", -100, 100);
    add("--frequency-penalty", s.frequency_penalty, "The same times how often they came; 0: off", -100, 100);
    add("--penalty-last-n", s.penalty_last_n, "How many tokens are recent", 0, 1e9);
    app.add_option("--seed", o.seed, "The same seed gives the same text; default: random")->group("Sampling");
}

void add_model(CLI::App& app, std::string& model) {
    app.add_option("MODEL", model, "Hugging Face folder, .gguf file or .fp4 file")->required();
}

CLI::Validator block_formats() {
    return CLI::IsMember({"mxfp4", "nvfp4", "mxfp8-e4m3", "mxfp8-e5m2", "mxfp6-e2m3", "mxfp6-e3m2", "mxint8"})
        .description("");
}

void add_calibration_size(CLI::App& app, uint32_t& sequences, uint32_t& length) {
    app.add_option("--calib-sequences", sequences, "Sequences taken from it (default: the recipe's)")
        ->type_name("N");
    app.add_option("--calib-length", length, "Tokens of each sequence (default: the recipe's)")
        ->type_name("L");
}

CLI::App* add_command(CLI::App& app, const char* name, const char* help, const char* examples) {
    CLI::App* command = app.add_subcommand(name, help);
    command->footer(examples);
    return command;
}

CLI::App* add_info(CLI::App& app, InfoOptions& o) {
    CLI::App* command =
        add_command(app, "info", "Describe a model from its headers, and what running it would take",
                    "Examples:\n"
                    "  fp4 info model.gguf\n"
                    "  fp4 info --tensors model.fp4\n"
                    "  fp4 info --json --ctx 8192 model.fp4");
    add_model(*command, o.model);
    command->add_flag("--tensors", o.tensors, "List every tensor");
    add_device(*command, o.engine);
    command
        ->add_option("-c,--ctx", o.engine.ctx,
                     "Plan for this many tokens of context; 0: the default of 'fp4 run'")
        ->capture_default_str();
    add_kv(*command, o.engine);
    add_chunk(*command, o.engine);
    add_output(*command, o.output);
    return command;
}

CLI::App* add_quantize(CLI::App& app, QuantizeOptions& o) {
    CLI::App* command = add_command(
        app, "quantize", "Write a model as a .fp4 file with microscaling weights",
        "Tensors that match a --keep pattern (* and ? stand for any text and any character) take FORMAT,\n"
        "which may also be bf16, f16, f32 or source; the first match wins. Embedding and head stay as they\n"
        "are unless a pattern names them.\n\n"
        "Examples:\n"
        "  fp4 quantize SmolLM2-135M-Instruct smollm2.fp4\n"
        "  fp4 quantize model.gguf model.fp4 --format nvfp4 --scale-rule four-over-six\n"
        "  fp4 quantize model.gguf model.fp4 --recipe mr-gptq --calib text.txt --calib-sequences 256\n"
        "  fp4 quantize model.gguf model.fp4 --keep '*.o_proj.*=mxfp8-e4m3' --keep '*layers.0.*=bf16'");
    command->add_option("SRC", o.source, "Hugging Face folder, .gguf file or .fp4 file")->required();
    command->add_option("DST", o.target, "The .fp4 file to write")->required();
    command
        ->add_option("-f,--format", o.format,
                     "mxfp4 (default), nvfp4, mxfp8-e4m3, mxfp8-e5m2, mxfp6-e2m3, mxfp6-e3m2 or mxint8")
        ->type_name("FORMAT")
        ->check(block_formats());
    command
        ->add_option("-s,--scale-rule", o.scale_rule,
                     "How block scales are found: mse (default), floor, ceil, even, uos, prescale34; for "
                     "nvfp4 also amax, four-over-six and alternating; for mxfp8-e4m3 tensor (one scale "
                     "for all); fpquant and fpquant-mse as that project does")
        ->type_name("RULE")
        ->check(CLI::IsMember({"mse", "floor", "ceil", "even", "uos", "prescale34", "amax", "four-over-six",
                               "tensor", "alternating", "fpquant", "fpquant-mse"})
                    .description(""));
    command
        ->add_option(
            "-r,--recipe", o.recipe,
            "rtn, rtn-hadamard, gptq, mr-gptq, duquant++, duquant++gptq, smooth-hadamard, awq, smoothquant, "
            "quarot, best, or the path of a JSON document")
        ->capture_default_str()
        ->type_name("NAME|FILE");
    command
        ->add_option("-c,--calib", o.calibration_text, "Calibration text, or JSON lines with a \"text\" each")
        ->type_name("FILE");
    add_calibration_size(*command, o.calibration_sequences, o.calibration_length);
    command
        ->add_option(
            "-a,--activations", o.activations,
            "What the layers' inputs are rounded to: none, mxfp4, nvfp4, mxfp8-e4m3 or mxint8 (default: the "
            "recipe's)")
        ->type_name("FORMAT")
        ->check(CLI::IsMember({"none", "mxfp4", "nvfp4", "mxfp8-e4m3", "mxint8"}).description(""));
    command
        ->add_option("-k,--keep", o.keep, "Another format for tensors whose name matches; may be given again")
        ->type_name("PATTERN=FORMAT")
        ->allow_extra_args(false)
        ->check(CLI::Validator(
            [](std::string& text) {
                const size_t equals = text.rfind('=');
                const bool good = equals != std::string::npos && equals > 0 && equals + 1 < text.size();
                return good ? std::string() : "'" + text + "' is not of the form PATTERN=FORMAT";
            },
            ""));
    add_threads(*command, o.threads);
    add_output(*command, o.output);
    return command;
}

CLI::App* add_run(CLI::App& app, RunOptions& o) {
    CLI::App* command = add_command(
        app, "run", "Answer a prompt, or continue it with --raw",
        "The prompt comes from the argument, from --file or from standard input. The text goes to standard\n"
        "output as it is generated, statistics to standard error.\n\n"
        "Examples:\n"
        "  fp4 run model.fp4 \"Why is the sky blue?\"\n"
        "  fp4 run model.fp4 --raw -n 100 \"Once upon a time\"\n"
        "  fp4 run model.fp4 --system \"Summarize in one sentence.\" < article.txt > summary.txt\n"
        "  fp4 run model.fp4 --temp 0 --json \"Name a colour.\"");
    add_model(*command, o.model);
    command->add_option("PROMPT", o.prompt, "The prompt; '-' or none: from standard input");
    command->add_option("-f,--file", o.file, "Take the prompt from this file")->type_name("FILE");
    command
        ->add_option("-n,--max-tokens", o.max_tokens,
                     "End after this many tokens; 0: when the context is full")
        ->capture_default_str();
    command->add_option("-s,--system", o.system, "System message put before the prompt");
    command->add_option("--stop", o.stop, "End before this text appears; may be given again")
        ->allow_extra_args(false);
    command->add_flag("--raw", o.raw, "Continue the prompt as it is, without the model's chat template");
    command->add_option("--template", o.chat_template, "Use the chat template (Jinja) in this file")
        ->type_name("FILE");
    add_engine(*command, o.engine, "Tokens of context; 0: the model's own length, at most 4096");
    add_sampling(*command, o.sampling);
    add_output(*command, o.output);
    return command;
}

CLI::App* add_chat(CLI::App& app, ChatOptions& o) {
    CLI::App* command =
        add_command(app, "chat", "Talk with a model in the terminal",
                    "/help lists the commands inside the chat. Ctrl-C stops an answer, Ctrl-D leaves.\n\n"
                    "Examples:\n"
                    "  fp4 chat model.fp4\n"
                    "  fp4 chat model.fp4 --system \"You are a pirate.\" --temp 1\n"
                    "  printf 'Hello\\nAnd in French?\\n' | fp4 chat model.fp4");
    add_model(*command, o.model);
    command->add_option("-s,--system", o.system, "System message");
    command->add_option("--load", o.load, "Go on with a chat that /save wrote")->type_name("FILE");
    command->add_option("--template", o.chat_template, "Use the chat template (Jinja) in this file")
        ->type_name("FILE");
    command
        ->add_option("-n,--max-tokens", o.max_tokens,
                     "Longest answer in tokens; 0: until the context is full")
        ->capture_default_str();
    add_engine(*command, o.engine, "Tokens of context; 0: the model's own length, at most 4096");
    add_sampling(*command, o.sampling);
    add_output(*command, o.output);
    return command;
}

CLI::App* add_eval(CLI::App& app, EvalOptions& o) {
    CLI::App* command = add_command(
        app, "eval", "Measure perplexity on a text, distance to another model, or answers",
        "The text is cut into windows of --ctx tokens; the second half of each is scored, as llama.cpp does\n"
        "it. With a base also the KL divergence from the base's distributions and how often both agree on\n"
        "the most likely token. With --tasks multiple-choice questions are answered instead.\n\n"
        "Examples:\n"
        "  fp4 eval model.fp4 --text wiki.test.raw\n"
        "  fp4 eval model.fp4 --text wiki.test.raw --base model.gguf --windows 64 --json\n"
        "  fp4 eval model.gguf --text wiki.test.raw --save-base-file base.bin\n"
        "  fp4 eval model.fp4 --tasks hellaswag.jsonl --limit 100");
    add_model(*command, o.model);
    CLI::Option* text = command->add_option("--text", o.text, "The text to evaluate on")->type_name("FILE");
    CLI::Option* tasks =
        command
            ->add_option("--tasks", o.tasks,
                         "Multiple-choice questions instead of a text: JSON lines of \"id\", \"context\", "
                         "\"choices\", \"label\"")
            ->type_name("FILE")
            ->excludes(text);
    command->add_option("--limit", o.limit, "Only the first N questions; 0: all")
        ->capture_default_str()
        ->needs(tasks);
    CLI::Option* base = command->add_option("--base", o.base, "Compare with this model")->type_name("MODEL");
    command
        ->add_option("--base-file", o.base_file,
                     "Compare with the distributions in this file (llama.cpp's format)")
        ->type_name("FILE")
        ->excludes(base);
    command->add_option("--save-base-file", o.save_base_file, "Write MODEL's distributions to this file")
        ->type_name("FILE");
    command->add_option("-w,--windows", o.windows, "Only the first N windows; 0: all")->capture_default_str();
    o.engine.ctx = 512;
    add_engine(*command, o.engine, "Tokens per window");
    add_output(*command, o.output);
    return command;
}

CLI::App* add_report(CLI::App& app, ReportOptions& o) {
    CLI::App* command = add_command(
        app, "report", "Quantize with several recipes and compare the results with the model itself",
        "Every recipe is quantized in every --format and evaluated on every --path: KL divergence from the\n"
        "model's own distributions, perplexity and top-1 agreement against bits per weight. Prints a "
        "Markdown\n"
        "table. What is in --csv or --work already is not done again.\n\n"
        "Examples:\n"
        "  fp4 report rtn mr-gptq my.json --model model.gguf --text held-out.txt --calib train.txt\n"
        "  fp4 report rtn gptq --model model.gguf --text held-out.txt --calib train.txt --format mxfp4\n"
        "    --format nvfp4 --path w4a16 --path w4a4 --csv rows.csv --svg plot.svg --windows 32");
    command
        ->add_option("RECIPES", o.recipes,
                     "Presets as of 'fp4 quantize --recipe', or paths of JSON documents (*.json)")
        ->required();
    command->add_option("-m,--model", o.model, "Hugging Face folder, .gguf file or .fp4 file")
        ->required()
        ->type_name("MODEL");
    command->add_option("--text", o.text, "The text to evaluate on")->required()->type_name("FILE");
    command
        ->add_option("--calib", o.calibration_text,
                     "Calibration text, or JSON lines with a \"text\" each; no line of it may be in --text")
        ->type_name("FILE");
    add_calibration_size(*command, o.calibration_sequences, o.calibration_length);
    command->add_option("-f,--format", o.formats, "Format; may be given again (default: the recipe's)")
        ->allow_extra_args(false)
        ->type_name("FORMAT")
        ->check(block_formats());
    command->add_option("--path", o.paths, "Numeric path, as of 'fp4 eval'; may be given again")
        ->allow_extra_args(false)
        ->capture_default_str()
        ->type_name("PATH")
        ->check(CLI::IsMember(std::vector<std::string>(std::begin(path_names), std::end(path_names)))
                    .description(""));
    command->add_option("-w,--windows", o.windows, "Only the first N windows; 0: all")->capture_default_str();
    command->add_option("-c,--ctx", o.ctx, "Tokens per window")->capture_default_str();
    command->add_option("--csv", o.csv, "Keep the rows in this file, and measure only what is not there")
        ->type_name("FILE");
    command->add_option("--svg", o.svg, "Draw the rows into this file")->type_name("FILE");
    command->add_option("--markdown", o.markdown, "Write the table to this file too")->type_name("FILE");
    command
        ->add_option(
            "--work", o.work,
            "Keep quantized files in this folder, for later reports too (default: below the system's "
            "temporary folder)")
        ->type_name("FOLDER");
    add_threads(*command, o.threads);
    add_output(*command, o.output);
    return command;
}

CLI::App* add_bench(CLI::App& app, BenchOptions& o) {
    CLI::App* command = add_command(app, "bench", "Measure the speed of prompt processing and of generation",
                                    "Examples:\n"
                                    "  fp4 bench model.fp4\n"
                                    "  fp4 bench model.fp4 -p 128 -n 32 -r 5 --threads 2\n"
                                    "  fp4 bench model.fp4 --path w4a4 --json\n"
                                    "  fp4 bench --synthetic llama-3-8b --format nvfp4 --device cuda:0");
    CLI::Option* model =
        command->add_option("MODEL", o.model, "Hugging Face folder, .gguf file or .fp4 file");
    CLI::Option* shape =
        command
            ->add_option(
                "--synthetic", o.synthetic.shape,
                "Random weights in the shape of a model in place of MODEL: llama-3-8b, llama-3.2-1b, "
                "llama-3.2-3b, qwen3-0.6b, qwen3-8b, smollm2-135m, smollm2-1.7b, or a config.json's text")
            ->type_name("SHAPE")
            ->excludes(model);
    command->add_option("--format", o.synthetic.format, "Format of the random weights")
        ->capture_default_str()
        ->type_name("FORMAT")
        ->needs(shape);
    command->add_option("--seed", o.synthetic.seed, "Seed of the random weights")->needs(shape);
    command->add_option("-p,--prompt", o.prompt_tokens, "Prompt tokens; 0: skip")->capture_default_str();
    command->add_option("-n,--gen", o.new_tokens, "Generated tokens; 0: skip")->capture_default_str();
    command->add_option("-r,--repetitions", o.repetitions, "Repetitions of each test")
        ->capture_default_str()
        ->check(CLI::Range(1, 1000).description(""));
    command->add_flag(
        "--op", o.ops,
        "Each operation by itself, for up to --prompt tokens, against what the device does at most");
    add_engine(*command, o.engine, "Tokens of context; 0: as many as the tests need");
    add_output(*command, o.output);
    return command;
}

CLI::App* add_devices(CLI::App& app, DevicesOptions& o) {
    CLI::App* command =
        add_command(app, "devices", "List what models can run on", "Examples:\n  fp4 devices --json");
    add_output(*command, o.output);
    return command;
}

CLI::App* add_check(CLI::App& app, CheckOptions& o) {
    CLI::App* command = add_command(app, "check", "Verify a model file: structure, bounds and hashes",
                                    "Examples:\n"
                                    "  fp4 check model.fp4\n"
                                    "  fp4 check --json model.gguf");
    command->add_option("FILE", o.file, "Hugging Face folder, .gguf file or .fp4 file")->required();
    add_output(*command, o.output);
    return command;
}

CLI::App* add_lua(CLI::App& app) {
    CLI::App* command = add_command(
        app, "lua", "Run a Lua script that uses this library",
        "The first argument is the script ('-': standard input), all others are its own. It finds the\n"
        "module 'fp4' by require.\n\n"
        "Examples:\n"
        "  fp4 lua sweep.lua model.gguf text.txt\n"
        "  echo 'print(require(\"fp4\").build_info())' | fp4 lua -");
    // No options of its own but --help: the first argument and all behind it are kept as they are.
    command->prefix_command();
    return command;
}

} // namespace

SamplingOptions::SamplingOptions() {
    fp4_sampling_init(&values, sizeof values);
}

int32_t path_number(const std::string& name) {
    for (size_t i = 0; i < std::size(path_names); ++i) {
        if (name == path_names[i]) return static_cast<int32_t>(i);
    }
    return FP4_PATH_AUTO;
}

int32_t kv_number(const std::string& name) {
    for (size_t i = 0; i < std::size(kv_names); ++i) {
        if (name == kv_names[i]) return static_cast<int32_t>(i);
    }
    return FP4_KV_F16;
}

const char* path_name(int32_t path) {
    if (path < 0 || static_cast<size_t>(path) >= std::size(path_names)) return "unknown";
    return path_names[path];
}

Command parse_arguments(int argc, char** argv) {
    CLI::App app("Run and quantize language models in 4-bit microscaling floating point.", "fp4");
    app.require_subcommand(1);
    app.set_version_flag("--version", [] { return std::string("fp4 ") + fp4_build_info(); });
    app.footer(
        "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 cancelled by Ctrl-C.\n"
        "'fp4 COMMAND --help' shows the options of a command with examples.\n\n"
        "Examples:\n"
        "  fp4 quantize model.gguf model.fp4\n"
        "  fp4 run model.fp4 \"Why is the sky blue?\"\n"
        "  fp4 chat model.fp4");
    InfoOptions info;
    QuantizeOptions quantize;
    RunOptions run;
    ChatOptions chat;
    EvalOptions eval;
    ReportOptions report;
    BenchOptions bench;
    DevicesOptions devices;
    CheckOptions check;
    const CLI::App* const info_command = add_info(app, info);
    const CLI::App* const quantize_command = add_quantize(app, quantize);
    const CLI::App* const run_command = add_run(app, run);
    const CLI::App* const chat_command = add_chat(app, chat);
    const CLI::App* const eval_command = add_eval(app, eval);
    const CLI::App* const report_command = add_report(app, report);
    const CLI::App* const bench_command = add_bench(app, bench);
    const CLI::App* const devices_command = add_devices(app, devices);
    const CLI::App* const check_command = add_check(app, check);
    const CLI::App* const lua_command = add_lua(app);

    const auto parsed_command = [&app]() -> std::string {
        const std::vector<CLI::App*> chosen = app.get_subcommands();
        return chosen.empty() ? "" : chosen.front()->get_name();
    };
    // The parser reports through exceptions; they end here.
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {
        app.exit(success);
        return exit_ok;
    } catch (const CLI::ParseError& error) {
        if (argc < 2) {
            std::fputs(app.help().c_str(), stderr);
            return exit_usage;
        }
        const std::string command = parsed_command();
        if (command.empty() && argv[1][0] != '-') {
            return usage_error("", std::string("there is no command '") + argv[1] + "'");
        }
        return usage_error(command, error.what());
    }
    const CLI::App* const chosen = app.get_subcommands().front();
    if (chosen == info_command) return info;
    if (chosen == quantize_command) return quantize;
    if (chosen == run_command) return run;
    if (chosen == chat_command) return chat;
    if (chosen == eval_command) return eval;
    if (chosen == report_command) return report;
    if (chosen == bench_command) return bench;
    if (chosen == devices_command) return devices;
    if (chosen == check_command) return check;
    LuaOptions lua;
    lua.script = lua_command->remaining();
    if (lua.script.empty()) return usage_error("lua", "SCRIPT is required");
    return lua;
}

} // namespace fp4::program
