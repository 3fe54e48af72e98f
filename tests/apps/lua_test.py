"""fp4 lua: scripts with the module, their arguments, errors and interrupts."""

import os
import signal
import unittest

import program
from program import ProgramTest, run, start

HAVE_LUAJIT = os.environ["FP4_HAVE_LUAJIT"] == "1"


class Usage(ProgramTest):
    def test_help(self):
        process = run("lua", "--help")
        self.assertExit(process, 0)
        self.assertIn("Examples:\n", process.stdout)
        self.assertIn("\n  lua ", run("--help").stdout)

    def test_no_script(self):
        self.assertFailure(run("lua"), "SCRIPT is required", code=2)

    @unittest.skipIf(HAVE_LUAJIT, "this build has LuaJIT")
    def test_without_luajit(self):
        self.assertFailure(run("lua", "x.lua"), "without LuaJIT")


@unittest.skipUnless(HAVE_LUAJIT, "this build is without LuaJIT")
class Scripts(ProgramTest):
    def script(self, text):
        path = self.folder / "script.lua"
        path.write_text(text)
        return path

    def test_arguments_are_the_scripts(self):
        path = self.script("#!/usr/bin/env -S fp4 lua\nprint(arg[0], #arg, ...)")
        process = run("lua", path, "--help", "-q", "", "a b")
        self.assertExit(process, 0)
        self.assertEqual(process.stdout, f"{path}\t4\t--help\t-q\t\ta b\n")

    def test_script_from_standard_input(self):
        process = run("lua", "-", "x", stdin="print('read', ...)")
        self.assertExit(process, 0)
        self.assertEqual(process.stdout, "read\tx\n")

    def test_module_uses_this_library(self):
        path = self.script('local fp4 = require("fp4")\nprint(fp4.build_info())\nprint(fp4.open(...):info().architecture)')
        process = run("lua", path, program.TINY, env={**os.environ, "FP4_LIBRARY": "/nowhere.so"})
        self.assertExit(process, 0)
        self.assertRegex(process.stdout, r"^libfp4 .*\nllama\n$")

    def test_errors_have_lines(self):
        path = self.script('local fp4 = require("fp4")\n\nfp4.open(nil)')
        process = run("lua", path)
        self.assertFailure(process, f"fp4: {path}:3: fp4: path must be a string, not nil\n", "traceback")
        self.assertFailure(run("lua", self.script("local x =")), "script.lua:1:")
        self.assertFailure(run("lua", self.script("error({})")), "(error object is a table)")
        silent = run("lua", self.script("error()"))
        self.assertExit(silent, 1)
        self.assertEqual(silent.stderr, "")
        self.assertFailure(run("lua", self.folder / "missing.lua"), "missing.lua")

    def test_exit_code_of_the_script(self):
        self.assertExit(run("lua", self.script("os.exit(7)")), 7)

    def test_open_objects_are_no_trouble(self):
        path = self.script(
            'local fp4 = require("fp4")\nmodel = fp4.open(...)\ncontext = model:context({ threads = 2 })\n'
            'gen = context:generate({ prompt = "x", threaded = true, ignore_end = true })'
        )
        self.assertExit(run("lua", path, program.TINY), 0)

    def interrupted(self, text, *arguments):
        process = start("lua", self.script(text), *arguments)
        self.assertEqual(process.stdout.readline(), "begun\n")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, program.CANCELLED, errors)
        self.assertIn("fp4: interrupted", errors)

    def test_interrupt_of_a_loop(self):
        self.interrupted('io.stdout:setvbuf("no") print("begun") jit.off() while true do end')

    def test_interrupt_of_a_job(self):
        model = program.make_large_model(self.folder / "large", layers=4)
        target = self.folder / "out"
        target.mkdir()
        self.interrupted(
            'local fp4 = require("fp4")\nio.stdout:setvbuf("no")\n'
            "local job = assert(fp4.quantize({ source = arg[1], target = arg[2], threads = 1 }))\n"
            'print("begun")\njob:wait()',
            model,
            target / "large.fp4",
        )
        self.assertEmptyFolder(target)


if __name__ == "__main__":
    program.main()
