"""Speed of fp4 beside llama.cpp (the Python package llama-cpp-python) on the same GGUF model.

Usage: python3 compare_llama_cpp.py MODEL.gguf [--fp4 PROGRAM] [--threads N] [--repetitions N] [--shapes P,N ...]

Both programs run the same tokens with the same number of threads: a prompt of P tokens in one pass, then N greedy
tokens after a prompt of one token. Each measurement is a process of its own that warms up first, and the programs
take turns, so that a change in the machine's load meets all of them. 4-bit variants are made from MODEL in a
temporary folder: MXFP4 and NVFP4 by fp4, Q4_0 and MXFP4 by llama.cpp, all with an 8-bit embedding and head.
The output is a Markdown table: the median of the repetitions, their range, and the median ratio to llama.cpp on MODEL
itself, taken repetition by repetition.
"""

import argparse
import ctypes
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def load_llama_cpp():
    try:
        import llama_cpp
    except ImportError:
        sys.exit(f"compare_llama_cpp.py: {sys.executable} has no llama_cpp; install it: pip install llama-cpp-python")
    return llama_cpp


def quiet_llama_cpp(llama_cpp):
    @llama_cpp.llama_log_callback
    def ignore(level, text, data):
        pass

    llama_cpp.llama_log_set(ignore, ctypes.c_void_p(0))
    return ignore  # must outlive every call


def random_tokens(count, vocabulary):
    """The same as `fp4 bench`: Knuth's MMIX linear congruential generator."""
    state, tokens = 1, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        tokens.append((state >> 33) % vocabulary)
    return tokens


def measure_llama_cpp(path, prompt, new, threads):
    """Runs in a process of its own; prints one JSON object."""
    llama_cpp = load_llama_cpp()
    keep = quiet_llama_cpp(llama_cpp)
    llama_cpp.llama_backend_init()
    model_params = llama_cpp.llama_model_default_params()
    model_params.n_gpu_layers = 0
    model = llama_cpp.llama_model_load_from_file(path.encode(), model_params)
    if not model:
        sys.exit(f"llama.cpp cannot load {path}")
    params = llama_cpp.llama_context_default_params()
    params.n_ctx = max(prompt, new) + 1
    params.n_batch = params.n_ubatch = max(prompt, 1)
    params.n_threads = params.n_threads_batch = threads
    context = llama_cpp.llama_init_from_model(model, params)
    if not context:
        sys.exit(f"llama.cpp cannot create a context for {path}")
    vocabulary = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(model))
    greedy = llama_cpp.llama_sampler_init_greedy()
    memory = llama_cpp.llama_get_memory(context)
    tokens = random_tokens(prompt, vocabulary)

    def evaluate(ids):
        array = (llama_cpp.llama_token * len(ids))(*ids)
        if llama_cpp.llama_decode(context, llama_cpp.llama_batch_get_one(array, len(ids))) != 0:
            sys.exit(f"llama.cpp cannot evaluate {len(ids)} tokens of {path}")
        llama_cpp.llama_synchronize(context)

    def prefill():
        llama_cpp.llama_memory_clear(memory, False)
        start = time.perf_counter()
        evaluate(tokens)
        return prompt / (time.perf_counter() - start)

    def decode(count):
        llama_cpp.llama_memory_clear(memory, False)
        token = tokens[0]
        start = time.perf_counter()
        for _ in range(count):
            evaluate([token])
            token = llama_cpp.llama_sampler_sample(greedy, context, -1)
        return count / (time.perf_counter() - start)

    prefill()
    decode(4)
    print(json.dumps({"prompt_tok_s": prefill(), "decode_tok_s": decode(new)}))
    del keep


def run_json(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
    return json.loads(done.stdout)


class Fp4:
    def __init__(self, program, path, weights, threads):
        self.name, self.path, self.weights = "fp4", path, weights
        self.start = [program, "bench", str(path), "--json", "-r", "1", "-t", str(threads)]

    def measure(self, prompt, new):
        return run_json([*self.start, "-p", str(prompt), "-n", str(new)])


class LlamaCpp:
    def __init__(self, path, weights, threads):
        self.name, self.path, self.weights, self.threads = "llama.cpp", path, weights, threads

    def measure(self, prompt, new):
        return run_json([sys.executable, __file__, "--measure", str(self.path), str(prompt), str(new),
                         str(self.threads)])


GGML_TYPE_MXFP4 = 39


def requantize(llama_cpp, source, target, weight_type=None):
    """Linear weights in Q4_0 (repacked for the processor at load) or weight_type; embedding and head in Q8_0, as
    `fp4 quantize` keeps them in 8 bits."""
    params = llama_cpp.llama_model_quantize_default_params()
    params.ftype = llama_cpp.LLAMA_FTYPE_MOSTLY_Q4_0
    params.allow_requantize = True
    params.output_tensor_type = params.token_embedding_type = llama_cpp.GGML_TYPE_Q8_0
    if weight_type is not None:
        overrides = (llama_cpp.llama_model_tensor_override * 2)()  # ends with an empty one
        overrides[0].pattern = b"(attn|ffn)_(q|k|v|output|gate|up|down)"
        overrides[0].type = weight_type
        params.tt_overrides = overrides
    status = llama_cpp.llama_model_quantize(str(source).encode(), str(target).encode(), ctypes.byref(params))
    return status == 0


def programs(options, folder):
    llama_cpp = load_llama_cpp()
    keep = quiet_llama_cpp(llama_cpp)
    rows = [LlamaCpp(options.model, "as stored", options.threads)]
    for weights, weight_type in (("Q4_0", None), ("MXFP4", GGML_TYPE_MXFP4)):
        target = folder / f"{weights}.gguf"
        try:
            made = requantize(llama_cpp, options.model, target, weight_type)
        except AttributeError as missing:  # another version of the package
            print(missing, file=sys.stderr)
            made = False
        if made:
            rows.append(LlamaCpp(target, weights, options.threads))
        else:
            print(f"llama.cpp makes no {weights} file: left out", file=sys.stderr)
    del keep
    for weights in ("mxfp4", "nvfp4"):
        target = folder / f"{weights}.fp4"
        subprocess.run([options.fp4, "quantize", options.model, target, "--format", weights], check=True,
                       capture_output=True)
        rows.append(Fp4(options.fp4, target, weights.upper(), options.threads))
    return rows


def processor():
    try:
        for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "unknown processor"


def spread(values):
    return f"{statistics.median(values):.0f} ({min(values):.0f}..{max(values):.0f})"


def ratio(values, baseline):
    return f"{statistics.median(a / b for a, b in zip(values, baseline)):.2f}"


def compare(options):
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{processor()}, {options.threads} threads, {options.repetitions} repetitions, load average before "
          f"{load:.1f}, llama-cpp-python {load_llama_cpp().__version__}\n")
    with tempfile.TemporaryDirectory() as folder:
        rows = programs(options, pathlib.Path(folder))
        for prompt, new in options.shapes:
            speeds = [{"prompt_tok_s": [], "decode_tok_s": []} for _ in rows]
            for _ in range(options.repetitions):
                for row, speed in zip(rows, speeds):
                    measured = row.measure(prompt, new)
                    for key in speed:
                        speed[key].append(measured[key])
            print(f"| program | weights | MB | prefill {prompt}, tok/s | ratio | decode {new}, tok/s | ratio |")
            print("|---|---|---|---|---|---|---|")
            for row, speed in zip(rows, speeds):
                cells = [row.name, row.weights, f"{pathlib.Path(row.path).stat().st_size / 1e6:.0f}"]
                for key in speed:
                    cells += [spread(speed[key]), ratio(speed[key], speeds[0][key])]
                print("| " + " | ".join(cells) + " |", flush=True)
            print()


def shape(text):
    prompt, new = text.split(",")
    return int(prompt), int(new)


def main():
    if len(sys.argv) == 6 and sys.argv[1] == "--measure":
        return measure_llama_cpp(sys.argv[2], *map(int, sys.argv[3:]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", metavar="MODEL.gguf")
    parser.add_argument("--fp4", default=str(ROOT / "build/apps/fp4/fp4"), help="the fp4 program")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--shapes", type=shape, nargs="+", default=[(256, 64), (512, 128)], metavar="P,N",
                        help="prompt and generated tokens; default 256,64 512,128")
    return compare(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
