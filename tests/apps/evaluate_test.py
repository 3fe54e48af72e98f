"""eval."""

import json
import math

import program
from program import TEXT, TINY, ProgramTest, run

KEYS = (
    "perplexity nll tokens windows ctx path types seconds base_perplexity kl_mean kl_max kl_p50 kl_p90 kl_p95 kl_p99 "
    "top1_agreement model text base device"
)
SMALL = ["--text", TEXT, "--ctx", "64", "--windows", "3"]


class Evaluate(ProgramTest):
    def test_alone(self):
        found = self.json("eval", TINY, *SMALL)
        self.assertKeys(found, KEYS)
        self.assertEqual((found["windows"], found["ctx"], found["path"]), (3, 64, "w16a16"))
        self.assertLessEqual(found["tokens"], 3 * 32)
        self.assertGreaterEqual(found["tokens"], 3 * 31)
        self.assertAlmostEqual(math.log(found["perplexity"]), found["nll"], places=4)
        self.assertIsNone(found["kl_mean"])
        self.assertIsNone(found["base"])

    def test_base_model(self):
        model = self.folder / "model.fp4"
        self.assertExit(run("quantize", TINY, model), 0)
        alone = self.json("eval", TINY, *SMALL)
        found = self.json("eval", model, *SMALL, "--base", TINY)
        self.assertAlmostEqual(found["base_perplexity"], alone["perplexity"], places=3)
        self.assertGreater(found["kl_mean"], 0)
        self.assertLessEqual(found["kl_p50"], found["kl_p90"])
        self.assertLessEqual(found["kl_p90"], found["kl_p95"])
        self.assertLessEqual(found["kl_p95"], found["kl_p99"])
        self.assertLessEqual(found["kl_p99"], found["kl_max"])
        self.assertTrue(0 < found["top1_agreement"] <= 1)
        text = run("eval", model, *SMALL, "--base", TINY).stdout
        for word in ("perplexity", "KL divergence", "top-1 agreement"):
            self.assertIn(word, text)

    def test_itself_as_base(self):
        found = self.json("eval", TINY, *SMALL, "--base", TINY)
        self.assertEqual(found["top1_agreement"], 1)
        self.assertLess(abs(found["kl_max"]), 1e-6)

    def test_base_file(self):
        base = self.folder / "base.bin"
        model = self.folder / "model.fp4"
        self.assertExit(run("quantize", TINY, model), 0)
        self.json("eval", TINY, *SMALL, "--save-base-file", base)
        by_file = self.json("eval", model, *SMALL, "--base-file", base)
        by_model = self.json("eval", model, *SMALL, "--base", TINY)
        self.assertEqual(by_file["base"], str(base))
        # A base file holds log probabilities in 16 bit.
        self.assertAlmostEqual(by_file["kl_mean"], by_model["kl_mean"], delta=0.02 * by_model["kl_mean"] + 1e-4)

    def test_path(self):
        model = self.folder / "model.fp4"
        self.assertExit(run("quantize", TINY, model), 0)
        perplexity = {path: self.json("eval", model, *SMALL, "--path", path) for path in ("w4a16", "w4a8", "w4a4")}
        for path, found in perplexity.items():
            self.assertEqual(found["path"], path)
        self.assertEqual(len({found["perplexity"] for found in perplexity.values()}), 3)

    def test_kv(self):
        found = {kv: self.json("eval", TINY, *SMALL, "--kv", kv)["perplexity"] for kv in ("f16", "f32", "mxfp8", "mxfp4")}
        self.assertEqual(found["f16"], self.json("eval", TINY, *SMALL)["perplexity"])
        self.assertEqual(len(set(found.values())), 4)
        for kv, tolerance in (("f16", 1e-3), ("mxfp8", 0.02), ("mxfp4", 0.2)):
            self.assertAlmostEqual(found[kv], found["f32"], delta=tolerance * found["f32"], msg=kv)
        self.assertExit(run("eval", TINY, *SMALL, "--kv", "q8_0"), 2)

    def test_types(self):
        self.assertEqual(self.json("eval", TINY, *SMALL)["types"], "bf16 x unrounded")
        model = self.folder / "model.fp4"
        self.assertExit(run("quantize", TINY, model), 0)
        self.assertIn("mxfp4 x ", self.json("eval", model, *SMALL)["types"])

    def test_tasks(self):
        file = self.folder / "questions.jsonl"
        items = [{"id": str(i), "context": "the man", "choices": [" and", " dog"], "label": i % 2} for i in range(4)]
        items.append({"id": "single", "context": "", "choices": ["the man"], "label": 0})
        file.write_text("\n".join(map(json.dumps, items)) + "\n")
        keys = "task items single_choice_items tokens accuracy accuracy_norm standard_error perplexity path types"
        found = self.json("eval", TINY, "--tasks", file)
        self.assertKeys(found, keys + " seconds model file device")
        self.assertEqual((found["task"], found["items"], found["single_choice_items"]), ("questions", 5, 1))
        self.assertEqual(found["accuracy_norm"], 0.5)
        self.assertGreater(found["perplexity"], 1)
        found = self.json("eval", TINY, "--tasks", file, "--limit", "2")
        self.assertEqual((found["items"], found["accuracy"], found["perplexity"]), (2, 0.5, None))
        text = run("eval", TINY, "--tasks", file).stdout
        for word in ("accuracy", "standard error", "perplexity"):
            self.assertIn(word, text)
        file.write_text('{"id": "a", "context": "", "choices": ["x"], "label": 1}')
        self.assertFailure(run("eval", TINY, "--tasks", file), file, "line 1", "label")
        self.assertFailure(run("eval", TINY, "--tasks", self.folder / "none.jsonl"), "none.jsonl")

    def test_failures(self):
        short = self.folder / "short.txt"
        short.write_text("Too short.")
        self.assertFailure(run("eval", TINY, "--text", self.folder / "none.txt"), "none.txt")
        self.assertFailure(run("eval", TINY, "--text", short, "--ctx", "64"))
        self.assertFailure(run("eval", TINY, *SMALL, "--base-file", short), short)


program.main()
