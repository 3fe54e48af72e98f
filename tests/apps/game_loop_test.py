"""The C game loop without a display: both modes, its numbers, its messages."""

import json
import os
import unittest

import program
from program import ProgramTest

GAME = os.environ["FP4_GAME_LOOP"]


class Game(ProgramTest):
    def play(self, *arguments, code=0, model=program.TINY):
        process = program.run_program(GAME, model, "--headless", "--threads", 1, *arguments)
        self.assertExit(process, code)
        return process

    def assertDistribution(self, row, frames):
        self.assertEqual(row["frames"], frames)
        self.assertLess(0, row["p50"])
        self.assertLessEqual(row["p50"], row["p95"])
        self.assertLessEqual(row["p95"], row["p99"])
        self.assertLessEqual(row["p99"], row["max"])
        self.assertLessEqual(row["late"], frames)

    def test_stepped(self):
        picture = self.folder / "last.bmp"
        found = json.loads(self.play("--frames", 240, "--json", "--picture", picture).stdout)
        self.assertDistribution(found["silent_ms"], 120)
        self.assertDistribution(found["generating_ms"], 120)
        self.assertDistribution(found["step_ms"], found["step_ms"]["frames"])
        self.assertEqual(found["delay_ms"]["frames"], 239)
        self.assertLessEqual(found["delay_ms"]["p99"], found["delay_ms"]["max"])
        self.assertGreaterEqual(found["answers"], 1)
        self.assertGreater(found["tokens"], 0)
        self.assertGreater(found["text_bytes"], 0)
        self.assertEqual((found["threaded"], found["budget_us"]), (False, 4000))
        self.assertAlmostEqual(found["longest_step_us"] / 1000, found["step_ms"]["max"], places=3)
        self.assertEqual(max(0, found["longest_step_us"] - 4000), found["largest_overrun_us"])
        self.assertGreater(len(set(picture.read_bytes()[54:])), 50)

    def test_smallest_steps(self):
        found = json.loads(self.play("--frames", 40, "--budget", 0, "--json").stdout)
        self.assertEqual(found["step_ms"]["frames"], 20)  # one piece of work in each generating frame
        self.assertEqual(found["answers"], 0)

    def test_threaded(self):
        found = json.loads(self.play("--frames", 240, "--threaded", "--json").stdout)
        self.assertDistribution(found["generating_ms"], 120)
        self.assertEqual(found["step_ms"]["frames"], 0)
        self.assertGreaterEqual(found["answers"], 1)
        self.assertGreater(found["text_bytes"], 0)
        self.assertEqual((found["threaded"], found["largest_overrun_us"]), (True, 0))

    def test_table(self):
        lines = self.play("--frames", 20).stdout.splitlines()
        self.assertEqual(lines[0].split(), ["milliseconds", "frames", "p50", "p95", "p99", "max", "late"])
        self.assertRegex(lines[1], r"^silent frames +10 ")
        self.assertRegex(lines[2], r"^generating frames +10 ")
        self.assertRegex(lines[-1], r"Budget 4\.0 ms, largest overrun \d+\.\d\d ms")

    def test_without_a_chat_template(self):
        found = json.loads(self.play("--frames", 20, "--json", model=program.GOLDEN / "qwen3").stdout)
        self.assertEqual(found["generating_ms"]["frames"], 10)

    def test_failures(self):
        process = self.play("--frames", 2, code=1, model="/nowhere")
        self.assertRegex(process.stderr, "^fp4-game-loop: cannot open the model: .*/nowhere")
        for words in (["--budget", "x"], ["--frames"], ["--frames", "-1"], ["--what"], ["second"]):
            self.assertIn("Usage: ", self.play(*words, code=2).stderr)
        help_text = program.run_program(GAME, "--help")
        self.assertExit(help_text, 0)
        self.assertIn("Usage: ", help_text.stdout)
        self.assertIn("a model is missing", program.run_program(GAME).stderr)


if __name__ == "__main__":
    program.main()
