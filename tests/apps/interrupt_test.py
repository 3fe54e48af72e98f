"""What is left behind when work is cancelled, killed or runs out of space: nothing under the final name."""

import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time
import unittest

import program
from program import CANCELLED, TINY, ProgramTest, run, start


class Interrupted(ProgramTest):
    @classmethod
    def setUpClass(cls):
        cls.models = pathlib.Path(tempfile.mkdtemp(prefix="fp4-test-"))
        cls.addClassCleanup(shutil.rmtree, cls.models, ignore_errors=True)
        cls.large = program.make_large_model(cls.models / "large")

    def quantize_until_busy(self, target, source=None):
        """A quantize process that has reported progress and is not done."""
        process = start("quantize", source or self.large, target, "--threads", "1")
        for line in process.stderr:
            done = re.match(r"(?:scanning|quantizing) (\d+) %", line)
            if done and 5 <= int(done.group(1)) < 60:
                return process
            self.assertLess(int(done.group(1)) if done else 0, 60, "the model is too small for this test")
        self.fail("the process ended: " + process.stdout.read())

    def finish(self, process):
        output, errors = process.communicate(timeout=60)
        return subprocess.CompletedProcess(process.args, process.returncode, output, errors)

    def interrupt(self, process):
        time.sleep(1)
        if process.poll() is not None:
            self.fail("the process ended by itself: " + self.finish(process).stderr)
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        finished = self.finish(process)
        self.assertLess(time.monotonic() - sent, 5)
        return finished

    def test_ctrl_c_cancels_quantize(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number):
                process = self.quantize_until_busy(self.folder / "x.fp4")
                sent = time.monotonic()
                process.send_signal(number)
                self.assertFailure(self.finish(process), "cancelled", code=CANCELLED)
                self.assertLess(time.monotonic() - sent, 5)
                self.assertEmptyFolder(self.folder)

    def test_kill_leaves_no_target_and_next_run_works(self):
        target = self.folder / "x.fp4"
        process = self.quantize_until_busy(target)
        process.kill()
        self.finish(process)
        self.assertFalse(target.exists())
        self.assertExit(run("quantize", TINY, target), 0)
        self.assertExit(run("check", target), 0)

    def test_source_deleted(self):
        source = self.folder / "source"
        shutil.copytree(self.large, source)
        target = self.folder / "x.fp4"
        process = self.quantize_until_busy(target, source)
        shutil.rmtree(source)
        finished = self.finish(process)
        # Open files live on after their deletion, so both ends are right: a good file, or a message and no file.
        if finished.returncode == 0:
            self.assertExit(run("check", target), 0)
        else:
            self.assertFailure(finished, source)
            self.assertFalse(target.exists())

    def test_file_size_limit(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

        process = subprocess.run(
            [program.PROGRAM, "quantize", self.large, self.folder / "x.fp4"],
            capture_output=True,
            text=True,
            preexec_fn=limit,
            restore_signals=False,
        )
        self.assertFailure(process, self.folder / "x.fp4")
        self.assertEmptyFolder(self.folder)

    def test_disk_full(self):
        if os.geteuid() != 0:
            self.skipTest("needs root to mount a small file system")
        disk = self.folder / "disk"
        disk.mkdir()
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], capture_output=True, check=False
        )
        if mounted.returncode != 0:
            self.skipTest("cannot mount a small file system here")
        try:
            self.assertFailure(run("quantize", self.large, disk / "x.fp4"), disk / "x.fp4", "pace")
            self.assertEmptyFolder(disk)
        finally:
            subprocess.run(["umount", disk], check=True)

    def test_ctrl_c_cancels_run(self):
        # A long prompt keeps it busy: an answer could end by itself.
        process = start("run", self.large, "word " * 700, "--raw", "--json", "--threads", "1")
        finished = self.interrupt(process)
        self.assertExit(finished, CANCELLED)
        if finished.stdout:  # the model was loaded
            self.assertEqual(program.json.loads(finished.stdout)["finish"], "cancelled")

    def test_ctrl_c_cancels_eval_and_bench(self):
        for arguments in (
            ["eval", self.large, "--text", program.TEXT, "--ctx", "128"],
            ["bench", self.large, "-p", "4000", "-n", "0"],
            ["bench", self.large, "-p", "0", "-n", "4000"],
        ):
            with self.subTest(arguments[0]):
                process = start(*arguments, "--threads", "1")
                self.assertFailure(self.interrupt(process), "cancelled", code=CANCELLED)

    def test_second_ctrl_c_kills(self):
        # The first one is remembered while the program waits for nothing: it waits for a prompt that never comes.
        process = subprocess.Popen([program.PROGRAM, "run", TINY], stdin=subprocess.PIPE, preexec_fn=program._default_signals)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(10), -signal.SIGINT)
        process.stdin.close()


program.main()
