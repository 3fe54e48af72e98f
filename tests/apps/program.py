"""Runs the fp4 program for the tests and makes the models they need.

The environment tells where things are: FP4_PROGRAM, FP4_SOURCE_ROOT.
"""

import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ["FP4_PROGRAM"]
ROOT = pathlib.Path(os.environ["FP4_SOURCE_ROOT"])
GOLDEN = ROOT / "tests" / "golden" / "models"
TINY = GOLDEN / "llama"  # random weights, 128 tokens of context, a chat template
TEXT = ROOT / "apps" / "demo_text.txt"

CANCELLED = 130


def _default_signals():
    """A test run in the background of a shell inherits ignored interrupts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def run(*arguments, **options):
    """fp4 as a finished process; output as text."""
    return run_program(PROGRAM, *arguments, **options)


def run_program(path, *arguments, stdin="", timeout=120, **options):
    """Any program as a finished process; output as text."""
    return subprocess.run(
        [path, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=timeout,
        preexec_fn=_default_signals,
        **options,
    )


def start(*arguments, **options):
    """The running process; output through pipes."""
    return subprocess.Popen(
        [PROGRAM, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        preexec_fn=_default_signals,
        **options,
    )


class ProgramTest(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fp4-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)

    def assertExit(self, process, code):
        self.assertEqual(process.returncode, code, f"{process.args}\n{process.stdout}\n{process.stderr}")

    def json(self, *arguments, **options):
        """The object that a successful command prints: one line, and nothing else on standard output."""
        process = run(*arguments, "--json", **options)
        self.assertExit(process, 0)
        self.assertEqual(process.stdout.count("\n"), 1)
        return json.loads(process.stdout)

    def assertKeys(self, found, keys):
        """Documented keys stay; new ones may come."""
        self.assertEqual([key for key in keys.split() if key not in found], [])

    def assertFailure(self, process, *words, code=1):
        """The exit code, nothing on standard output, and one message that holds the words."""
        self.assertExit(process, code)
        self.assertEqual(process.stdout, "")
        self.assertRegex(process.stderr, r"(?m)^fp4: .")
        for word in words:
            self.assertIn(str(word), process.stderr)

    def assertEmptyFolder(self, folder):
        self.assertEqual([entry.name for entry in pathlib.Path(folder).iterdir()], [])


def _tensors(hidden, ffn, layers, vocabulary):
    yield "model.embed_tokens.weight", (vocabulary, hidden)
    for layer in range(layers):
        prefix = f"model.layers.{layer}."
        yield prefix + "input_layernorm.weight", (hidden,)
        for name in "qkvo":
            yield f"{prefix}self_attn.{name}_proj.weight", (hidden, hidden)
        yield prefix + "post_attention_layernorm.weight", (hidden,)
        yield prefix + "mlp.gate_proj.weight", (ffn, hidden)
        yield prefix + "mlp.up_proj.weight", (ffn, hidden)
        yield prefix + "mlp.down_proj.weight", (hidden, ffn)
    yield "model.norm.weight", (hidden,)


def make_large_model(folder, layers=8, hidden=1024, ffn=4096):
    """A llama in bf16 with meaningless weights, large enough to be interrupted: about 33 MB a layer."""
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(TINY / name, folder)
    config = json.loads((TINY / "config.json").read_text())
    config.update(hidden_size=hidden, intermediate_size=ffn, num_hidden_layers=layers, num_attention_heads=16)
    config.update(num_key_value_heads=16, head_dim=hidden // 16, max_position_embeddings=4096)
    (folder / "config.json").write_text(json.dumps(config))
    header = {}
    offset = 0
    for name, shape in _tensors(hidden, ffn, layers, config["vocab_size"]):
        count = 2
        for size in shape:
            count *= size
        header[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [offset, offset + count]}
        offset += count
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    # Values of about +-0.01: bf16 0x3c00 to 0x3c7f and the same with the sign bit.
    generator = random.Random(1)
    words = [0x3C00 + generator.randrange(128) + generator.randrange(2) * 0x8000 for _ in range(1 << 16)]
    chunk = struct.pack(f"<{len(words)}H", *words)
    with open(folder / "model.safetensors", "wb") as out:
        out.write(struct.pack("<Q", len(text)) + text)
        for start_of_chunk in range(0, offset, len(chunk)):
            out.write(chunk[: offset - start_of_chunk])
    return folder


def main():
    """Runs the tests of the calling file; exit status 77 says that all of them were skipped."""
    program = unittest.main(module="__main__", argv=[sys.argv[0], "-v", *sys.argv[1:]], exit=False)
    result = program.result
    if not result.wasSuccessful():
        sys.exit(1)
    sys.exit(77 if result.testsRun == len(result.skipped) else 0)
