"""info, quantize and check."""

import shutil

import program
from program import GOLDEN, TINY, ProgramTest, run

INFO_KEYS = (
    "path kind architecture name config parameters file_bytes bits_per_weight tokenizer chat_template tensors plan"
)
QUANTIZE_KEYS = (
    "source target format scale_rule bytes_in bytes_out weights bits_per_weight seconds tensors_quantized "
    "tensors_kept relative_error peak_rss"
)
FORMATS = ["mxfp4", "nvfp4", "mxfp8-e4m3", "mxfp8-e5m2", "mxfp6-e2m3", "mxfp6-e3m2", "mxint8"]


class Info(ProgramTest):
    def test_every_family(self):
        for folder in sorted(path for path in GOLDEN.iterdir() if (path / "config.json").exists()):
            with self.subTest(folder.name):
                found = self.json("info", folder)
                self.assertKeys(found, INFO_KEYS)
                self.assertEqual(found["kind"], "safetensors")
                self.assertKeys(found["plan"], "device fits weight_bytes kv_bytes scratch_bytes available_bytes largest_context")
                self.assertTrue(found["plan"]["fits"])
                self.assertGreater(found["parameters"], 1000)
                self.assertKeys(found["tensors"][0], "name format shape bytes")
                self.assertEqual(
                    found["parameters"], sum(count(tensor["shape"]) for tensor in found["tensors"])
                )

    def test_gguf(self):
        found = self.json("info", GOLDEN / "qwen2" / "model.gguf")
        self.assertEqual((found["kind"], found["architecture"]), ("gguf", "qwen2"))

    def test_text(self):
        process = run("info", TINY)
        self.assertExit(process, 0)
        for word in ["architecture    llama", "chat template   yes", "memory on cpu"]:
            self.assertIn(word, process.stdout)
        self.assertNotIn("model.layers.0", process.stdout)
        self.assertIn("model.layers.0.self_attn.q_proj.weight", run("info", "--tensors", TINY).stdout)

    def test_plan_follows_context(self):
        small = self.json("info", TINY, "--ctx", "64")["plan"]
        large = self.json("info", TINY, "--ctx", "128")["plan"]
        self.assertEqual(large["kv_bytes"], 2 * small["kv_bytes"])


class Quantize(ProgramTest):
    def test_every_format(self):
        for name in FORMATS:
            with self.subTest(name):
                target = self.folder / f"{name}.fp4"
                found = self.json("quantize", TINY, target, "--format", name)
                self.assertKeys(found, QUANTIZE_KEYS)
                self.assertEqual((found["format"], found["target"]), (name, str(target)))
                self.assertEqual(found["bytes_out"], target.stat().st_size)
                self.assertEqual(found["tensors_quantized"], 14)
                self.assertGreater(found["relative_error"], 0.001)
                self.assertLess(found["relative_error"], 0.2)
                self.assertGreater(found["peak_rss"], 1 << 20)
                checked = self.json("check", target)
                self.assertKeys(checked, "file ok kind tensors bytes hashed")
                self.assertEqual((checked["ok"], checked["kind"]), (True, "fp4"))
                self.assertIs(checked["hashed"], True)
                info = self.json("info", target)
                self.assertEqual(info["kind"], "fp4")
                self.assertEqual(info["plan"]["fits"], True)

    def test_same_file_every_run(self):
        first, second = self.folder / "first.fp4", self.folder / "second.fp4"
        for target, threads in ((first, 1), (second, 2)):
            self.assertExit(run("quantize", TINY, target, "--threads", threads), 0)
        self.assertEqual(first.read_bytes(), second.read_bytes())

    def test_input_sites(self):
        target = self.folder / "rotated.fp4"
        self.json("quantize", TINY, target, "--recipe", "rtn-hadamard")
        text = run("info", target).stdout
        self.assertRegex(text, r"recipe +rtn-hadamard")
        self.assertRegex(text, r"gate_up +layers 0-1 +hadamard 32; mxfp4 even")
        self.assertNotIn("inputs", run("info", TINY).stdout)

    def test_keep(self):
        target = self.folder / "kept.fp4"
        self.json("quantize", TINY, target, "--keep", "*.0.self_attn.*=mxfp8-e4m3", "--keep", "*.down_proj.*=bf16")
        formats = {tensor["name"]: tensor["format"] for tensor in self.json("info", target)["tensors"]}
        self.assertEqual(formats["model.layers.0.self_attn.q_proj.weight"], "mxfp8-e4m3")
        self.assertEqual(formats["model.layers.1.self_attn.q_proj.weight"], "mxfp4")
        self.assertEqual(formats["model.layers.1.mlp.down_proj.weight"].lower(), "bf16")

    def test_from_gguf(self):
        target = self.folder / "from_gguf.fp4"
        found = self.json("quantize", GOLDEN / "qwen2" / "model.gguf", target, "--scale-rule", "floor")
        self.assertEqual(found["scale_rule"], "floor")
        self.assertExit(run("check", target), 0)

    def test_summary(self):
        target = self.folder / "summary.fp4"
        process = run("quantize", TINY, target)
        self.assertExit(process, 0)
        self.assertIn("bits per weight", process.stdout)
        self.assertIn("peak memory", process.stdout)
        quiet = run("quantize", TINY, target, "--quiet")
        self.assertEqual(quiet.stderr, "")

    def test_rule_that_does_not_fit(self):
        process = run("quantize", TINY, self.folder / "x.fp4", "--format", "mxfp4", "--scale-rule", "four-over-six")
        self.assertFailure(process, "four-over-six", "mxfp4")
        self.assertEmptyFolder(self.folder)

    def test_target_folder_missing(self):
        target = self.folder / "nowhere" / "x.fp4"
        self.assertFailure(run("quantize", TINY, target), target)

    def test_old_target_survives_failure(self):
        target = self.folder / "old.fp4"
        target.write_text("old")
        broken = self.folder / "broken"
        shutil.copytree(TINY, broken)
        weights = broken / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:-100])
        self.assertFailure(run("quantize", broken, target), "model.safetensors")
        self.assertEqual(target.read_text(), "old")


class Check(ProgramTest):
    def test_every_kind(self):
        for path, kind in ((TINY, "safetensors"), (GOLDEN / "qwen2", "safetensors"), (GOLDEN / "qwen2" / "model.gguf", "gguf")):
            with self.subTest(path):
                found = self.json("check", path)
                self.assertEqual((found["kind"], found["ok"], found["hashed"]), (kind, True, False))

    def test_flipped_bit(self):
        target = self.folder / "model.fp4"
        self.assertExit(run("quantize", TINY, target), 0)
        data = bytearray(target.read_bytes())
        data[-1000] ^= 1
        target.write_bytes(data)
        process = run("check", target, "--json")
        self.assertExit(process, 1)
        found = program.json.loads(process.stdout)
        self.assertKeys(found, "file ok status error")
        self.assertEqual((found["ok"], found["status"]), (False, "FP4_E_CORRUPT"))
        self.assertIn(str(target), found["error"])
        self.assertIn(found["error"], process.stderr)

    def test_truncated(self):
        target = self.folder / "model.fp4"
        self.assertExit(run("quantize", TINY, target), 0)
        target.write_bytes(target.read_bytes()[:-1])
        self.assertFailure(run("check", target), target)

    def test_other_file(self):
        self.assertFailure(run("check", program.TEXT), program.TEXT)


def count(shape):
    product = 1
    for size in shape:
        product *= size
    return product


program.main()
