"""report."""

import csv
import json
import re
import signal
import subprocess
import xml.etree.ElementTree as xml

import program
from program import CANCELLED, TEXT, TINY, ProgramTest, run, start

COLUMNS = (
    "recipe format path bits_per_weight file_bits_per_weight kl_mean perplexity base_perplexity top1_agreement "
    "quantize_seconds peak_rss"
)
SVG = "{http://www.w3.org/2000/svg}"


class Report(ProgramTest):
    def setUp(self):
        super().setUp()
        self.calibration = self.folder / "calibration.txt"
        lines = [f"Line {i} of the calibration text, which says {i * i % 89} things.\n" for i in range(60)]
        self.calibration.write_text("".join(lines))
        self.csv = self.folder / "rows.csv"
        self.options = ["--model", TINY, "--text", TEXT, "--ctx", "64", "--windows", "2", "--threads", "1"]
        self.options += ["--work", self.folder / "work", "--calib", self.calibration]
        self.options += ["--calib-sequences", "4", "--calib-length", "32"]

    def rows(self):
        with open(self.csv, newline="") as file:
            return list(csv.DictReader(file))

    def test_rows(self):
        found = self.json("report", "rtn", "gptq", *self.options, "--format", "mxfp4", "--path", "w4a16")
        self.assertKeys(found, "model text ctx base_perplexity rows")
        self.assertEqual([row["recipe"] for row in found["rows"]], ["rtn", "gptq"])
        for row in found["rows"]:
            self.assertKeys(row, COLUMNS)
            self.assertEqual((row["format"], row["path"]), ("mxfp4", "w4a16"))
            self.assertAlmostEqual(row["bits_per_weight"], 4.25, delta=0.03)  # and a scale for each tiny tensor
            self.assertGreater(row["file_bits_per_weight"], 4.25)
            self.assertGreater(row["kl_mean"], 0)
            self.assertGreater(row["peak_rss"], 1 << 20)
            self.assertTrue(0 < row["top1_agreement"] <= 1)
        # As measured one by one.
        model = self.folder / "model.fp4"
        self.assertExit(run("quantize", TINY, model), 0)
        small = ["--text", TEXT, "--ctx", "64", "--windows", "2"]
        alone = self.json("eval", model, *small, "--base", TINY, "--path", "w4a16")
        rtn = found["rows"][0]
        self.assertAlmostEqual(rtn["perplexity"], alone["perplexity"], delta=1e-5 * alone["perplexity"])
        self.assertAlmostEqual(rtn["kl_mean"], alone["kl_mean"], delta=0.02 * alone["kl_mean"] + 1e-4)
        base = self.json("eval", TINY, *small)
        self.assertAlmostEqual(found["base_perplexity"], base["perplexity"], delta=1e-3 * base["perplexity"])

    def test_files_and_going_on(self):
        svg, markdown = self.folder / "plot.svg", self.folder / "table.md"
        document = self.folder / "my, recipe.json"
        document.write_text(json.dumps({"preset": "rtn-hadamard", "activations": {"format": "none"}}))
        outputs = ["--csv", self.csv, "--svg", svg, "--markdown", markdown]
        first = run("report", "rtn", *self.options, *outputs, "--path", "w4a16")
        self.assertExit(first, 0)
        self.assertEqual(first.stdout, markdown.read_text())
        self.assertEqual(len(self.rows()), 1)
        marked = self.csv.read_text().replace(self.rows()[0]["perplexity"], "123.25")
        self.csv.write_text(marked)

        more = ["--path", "w4a16", "--path", "w4a4", "--format", "mxfp4", "--format", "nvfp4"]
        process = run("report", "rtn", document, *self.options, *outputs, *more)
        self.assertExit(process, 0)
        rows = self.rows()
        found = [(row["recipe"], row["format"], row["path"]) for row in rows]
        expected = [
            (recipe, format, path)
            for recipe in ("rtn", "my, recipe")
            for format in ("mxfp4", "nvfp4")
            for path in ("w4a16", "w4a4")
        ]
        self.assertEqual(sorted(found), sorted(expected))
        # A named format is another row than the recipe's own: measured again.
        self.assertNotEqual(rows[0]["perplexity"], "123.25")
        self.assertEqual({row["bits_per_weight"][:4] for row in rows}, {"4.27", "4.52"})

        marked = self.csv.read_text().replace(rows[0]["perplexity"], "123.25")
        self.csv.write_text(marked)
        again = run("report", "rtn", document, *self.options, *outputs, *more)
        self.assertExit(again, 0)
        self.assertEqual(self.csv.read_text(), marked)  # nothing was measured again
        self.assertIn("| 123.2 |", again.stdout)
        self.assertEqual(again.stderr, "")
        self.assertIn("| my, recipe | nvfp4 | w4a4 | 4.52", again.stdout)

        picture = xml.parse(svg).getroot()
        self.assertEqual(picture.tag, SVG + "svg")
        texts = [element.text for element in picture.iter(SVG + "text")]
        self.assertEqual(texts.count("rtn"), 2 * 4)  # two panels
        self.assertEqual(texts.count("my, recipe"), 2 * 4)
        for series in ("mxfp4, w4a16", "mxfp4, w4a4", "nvfp4, w4a16", "nvfp4, w4a4"):
            self.assertIn(series, texts)
        self.assertNotIn("<script", svg.read_text())

        # Another measurement does not mix with these rows.
        fewer = ["1" if before == "--windows" else option for before, option in zip([""] + self.options, self.options)]
        other = run("report", "rtn", *fewer, "--csv", self.csv)
        self.assertFailure(other, self.csv, "--windows")
        self.csv.write_text("recipe,format\n")
        self.assertFailure(run("report", "rtn", *self.options, "--csv", self.csv), self.csv)

    def test_quantized_files_are_used_again(self):
        self.json("report", "rtn", *self.options, "--path", "w4a16")
        work = self.folder / "work"
        times = {file.name: file.stat().st_mtime_ns for file in work.iterdir()}
        self.assertEqual(sorted(name.rpartition(".")[2] for name in times), ["base", "fp4", "json"])
        self.json("report", "rtn", *self.options, "--path", "w4a8")
        self.assertEqual(times, {file.name: file.stat().st_mtime_ns for file in work.iterdir()})

    def test_a_failing_recipe_does_not_keep_others(self):
        wrong = self.folder / "wrong.json"
        wrong.write_text(json.dumps({"preset": "rtn", "scale": "amax"}))  # for nvfp4 only
        process = run("report", wrong, "rtn", *self.options, "--csv", self.csv, "--format", "mxfp4")
        self.assertExit(process, 1)
        self.assertRegex(process.stderr, r"(?m)^fp4: wrong, mxfp4, auto: ")
        self.assertEqual([row["recipe"] for row in self.rows()], ["rtn"])
        self.assertIn("| rtn | mxfp4 |", process.stdout)

    def test_overlapping_texts(self):
        text = self.folder / "text.txt"
        text.write_text(TEXT.read_text() + "\n" + self.calibration.read_text())
        options = list(self.options)
        options[options.index("--text") + 1] = text
        process = run("report", "gptq", *options)
        self.assertFailure(process, "60 of the text's", "calibrated")
        # A recipe that looks at no text may be evaluated on any.
        self.assertExit(run("report", "rtn", *options), 0)

    def test_usage(self):
        same = run("report", "rtn", "rtn", *self.options)
        self.assertFailure(same, "two recipes", code=2)
        process = run("report", "rtn", "--model", TINY, "--text", TEXT, "--calib", TEXT)
        self.assertFailure(process, "same file", code=2)
        self.assertFailure(run("report", "no-such-recipe", *self.options), "no-such-recipe")
        self.assertFailure(run("report", self.folder / "none.json", *self.options), "none.json")

    def test_ctrl_c_keeps_what_is_done(self):
        large = program.make_large_model(self.folder / "large")
        options = ["--text", TEXT, "--ctx", "64", "--windows", "1", "--work", self.folder / "work"]
        options += ["--csv", self.csv, "--path", "w4a16", "--threads", "1"]
        self.assertExit(run("report", "rtn", "--model", large, *options), 0)
        process = start("report", "rtn", "rtn-hadamard", "--model", large, *options)
        for line in process.stderr:
            if re.match(r"\w+ing\w* \d+ %", line):
                break
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        finished = subprocess.CompletedProcess(process.args, process.returncode, output, errors)
        self.assertExit(finished, CANCELLED)
        self.assertEqual([row["recipe"] for row in self.rows()], ["rtn"])
        self.assertIn("| rtn |", output)
        self.assertIn("fp4: cancelled", errors)


program.main()
