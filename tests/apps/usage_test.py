"""Arguments, help, exit codes and messages."""

import program
from program import ProgramTest, run

COMMANDS = ["info", "quantize", "run", "chat", "eval", "report", "bench", "devices", "check"]


class Usage(ProgramTest):
    def test_version(self):
        process = run("--version")
        self.assertExit(process, 0)
        self.assertRegex(process.stdout, r"^fp4 .*0\.1\.0")

    def test_help_lists_every_command(self):
        process = run("--help")
        self.assertExit(process, 0)
        for command in COMMANDS:
            self.assertIn(f"\n  {command} ", process.stdout)
        self.assertIn("Exit codes", process.stdout)

    def test_help_of_commands_has_examples(self):
        for command in COMMANDS:
            with self.subTest(command):
                process = run(command, "--help")
                self.assertExit(process, 0)
                self.assertIn("Examples:\n", process.stdout)
                self.assertIn("--json", process.stdout)
                self.assertEqual(process.stderr, "")

    def test_shared_options(self):
        for command in ["run", "chat", "eval", "bench"]:
            text = run(command, "--help").stdout
            for option in ["--device", "--path", "--kv", "--threads", "--ctx"]:
                self.assertIn(option, text, command)

    def test_no_command(self):
        process = run()
        self.assertExit(process, 2)
        self.assertEqual(process.stdout, "")
        self.assertIn("quantize", process.stderr)

    def test_wrong_usage(self):
        model = program.TINY
        cases = [
            (["frobnicate"], "there is no command 'frobnicate'"),
            (["info"], "MODEL"),
            (["info", model, "--frobnicate"], "--frobnicate"),
            (["quantize", model], "DST"),
            (["quantize", model, "x.fp4", "--format", "q4_0"], "q4_0"),
            (["quantize", model, "x.fp4", "--scale-rule", "best"], "best"),
            (["quantize", model, "x.fp4", "--keep", "lm_head"], "PATTERN=FORMAT"),
            (["quantize", model, model], "source itself"),
            (["run", model, "hi", "--path", "w3a3"], "w3a3"),
            (["run", model, "hi", "--threads", "-1"], "--threads"),
            (["run", model, "hi", "--top-p", "1.5"], "--top-p"),
            (["run", model, "hi", "--file", "x"], "not both"),
            (["run", model, "hi", "--raw", "--system", "x"], "--system"),
            (["eval", model], "--text"),
            (["eval", model, "--text", "x", "--tasks", "y"], "--tasks"),
            (["eval", model, "--tasks", "x", "--base", "y"], "--tasks"),
            (["eval", model, "--text", "x", "--limit", "3"], "--limit"),
            (["report", "--model", model, "--text", "x"], "RECIPES"),
            (["report", "rtn", "--text", "x"], "--model"),
            (["report", "rtn", "--model", model, "--text", "x", "--format", "q4_0"], "q4_0"),
            (["report", "rtn", "--model", model, "--text", "x", "--path", "w3a3"], "w3a3"),
            (["eval", model, "--text", "x", "--base", "y", "--base-file", "z"], "--base"),
            (["bench", model, "-r", "0"], "--repetitions"),
            (["bench", model, "-p", "0", "-n", "0"], "nothing to measure"),
            (["bench", model, "-p", "100", "--ctx", "10"], "too small"),
            (["bench"], "--synthetic"),
            (["bench", model, "--synthetic", "llama-3-8b"], "--synthetic"),
            (["bench", model, "--format", "nvfp4"], "--synthetic"),
            (["bench", model, "--memory-limit", "1x"], "--memory-limit"),
        ]
        for arguments, word in cases:
            with self.subTest(arguments):
                process = run(*arguments)
                self.assertFailure(process, word, "--help'", code=2)

    def test_missing_files(self):
        missing = self.folder / "missing.gguf"
        for arguments in (
            ["info", missing],
            ["quantize", missing, self.folder / "x.fp4"],
            ["run", missing, "hi"],
            ["chat", missing],
            ["eval", missing, "--text", program.TEXT],
            ["bench", missing],
            ["check", missing],
        ):
            with self.subTest(arguments):
                self.assertFailure(run(*arguments), missing)
        self.assertEmptyFolder(self.folder)

    def test_unknown_device(self):
        self.assertFailure(run("run", program.TINY, "hi", "--device", "abacus"), "abacus")

    def test_full_output(self):
        with open("/dev/full", "w") as full:
            process = program.subprocess.run(
                [program.PROGRAM, "devices"], stdout=full, stderr=program.subprocess.PIPE, text=True
            )
        self.assertEqual(process.returncode, 1)
        self.assertIn("cannot write", process.stderr)

    def test_devices(self):
        found = self.json("devices")
        self.assertKeys(found, "devices build")
        cpu = found["devices"][0]
        self.assertKeys(cpu, "id name details usable memory_total memory_free memory_used memory_limit")
        self.assertEqual((cpu["id"], cpu["usable"]), ("cpu", True))
        self.assertGreaterEqual(cpu["memory_total"], cpu["memory_free"])
        self.assertGreater(cpu["memory_free"], 0)
        self.assertTrue(run("devices").stdout.startswith("cpu "))


program.main()
