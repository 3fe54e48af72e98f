"""The LOVE game under Xvfb: scripted conversations, saved states, what it says when something is missing."""

import json
import os
import shutil
import signal
import struct
import subprocess
import unittest

import program
from program import ProgramTest

GAME = program.ROOT / "apps" / "love-npc"
LIBRARY = os.environ["FP4_LIBRARY"]
HAVE_DISPLAY = all(shutil.which(name) for name in ("love", "Xvfb"))


def lua(value):
    """A script of the game: a list of dictionaries as a Lua table."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, str)):
        return json.dumps(value)
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {lua(item)}" for key, item in value.items()) + " }"
    return "{ " + ", ".join(lua(item) for item in value) + " }"


def long_context(source, folder):
    """The tiny model with room for a conversation: its positions are rotations, so any length works."""
    shutil.copytree(source, folder)
    config = json.loads((folder / "config.json").read_text())
    config["max_position_embeddings"] = 2048
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@unittest.skipUnless(HAVE_DISPLAY, "love or Xvfb is missing")
class Game(ProgramTest):
    @classmethod
    def setUpClass(cls):
        reading, writing = os.pipe()
        cls.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", "-nolisten", "tcp"],
            pass_fds=[writing],
            stderr=subprocess.DEVNULL,
        )
        os.close(writing)
        with os.fdopen(reading) as pipe:
            cls.display = ":" + pipe.readline().strip()

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()

    def setUp(self):
        super().setUp()
        runtime = self.folder / "runtime"
        runtime.mkdir(mode=0o700)
        self.environment = {
            **os.environ,
            "DISPLAY": self.display,
            "FP4_LIBRARY": LIBRARY,
            "XDG_DATA_HOME": str(self.folder / "data"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "XDG_RUNTIME_DIR": str(runtime),
            "SDL_VIDEODRIVER": "x11",
        }
        self.saved = self.folder / "data" / "love" / "fp4-love-npc"
        self.model = long_context(program.TINY, self.folder / "model")

    def start(self, *arguments, **environment):
        return subprocess.Popen(
            ["love", str(GAME), *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**self.environment, **environment},
        )

    def play(self, events, *arguments, model=None):
        """The report of a game that ends by itself."""
        script, report = self.folder / "script.lua", self.folder / "report.json"
        script.write_text("return " + lua(events))
        report.unlink(missing_ok=True)
        options = ["--script", script, "--report", report, "--threads", 1, "--seed", 1, "--no-vsync"]
        process = self.start(model or self.model, *options, *arguments)
        output, _ = process.communicate(timeout=200)
        self.assertEqual(process.returncode, 0, output)
        self.assertTrue(report.exists(), output)
        found = json.loads(report.read_text())
        found["npcs"] = {npc["id"]: npc for npc in found["npcs"]}
        return found

    def assertNotice(self, *words, arguments=(), **environment):
        """The message is printed as well as shown; the game then waits to be closed."""
        process = self.start(*arguments, **environment)
        lines = []
        while not lines or words[-1] not in lines[-1]:
            line = process.stdout.readline()
            self.assertNotEqual(line, "", "".join(lines))
            lines.append(line)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        for word in words:
            self.assertIn(word, "".join(lines))

    def test_three_talk_and_remember(self):
        talk = [
            {"frame": 2, "choose": 1, "say": "Hello"},
            {"frame": 4, "choose": 2, "say": "Stars?"},
            {"frame": 6, "choose": 3, "say": "Far?"},
            {"frame": 7, "screenshot": "room.png"},
            {"frame": 8, "wait": True, "say": "More"},
            {"frame": 9, "wait": True, "quit": True},
        ]
        first = self.play(talk)
        self.assertEqual([len(first["npcs"][name]["messages"]) for name in ("mara", "orin", "pip")], [2, 2, 4])
        for npc in first["npcs"].values():
            self.assertNotIn("failure", npc)
            self.assertEqual(npc["restored_tokens"], 0)
            for message in npc["messages"]:
                self.assertNotEqual(message["content"], "")
        self.assertEqual(first["npcs"]["pip"]["messages"][2], {"role": "user", "content": "More"})
        self.assertScreenshot(self.saved / "room.png")
        self.assertFrameTimes(first)

        second = self.play([{"frame": 1, "choose": 3, "say": "Again"}, {"frame": 2, "wait": True, "quit": True}])
        for name, npc in second["npcs"].items():
            before = first["npcs"][name]
            self.assertEqual(npc["restored_tokens"], before["tokens"])
            self.assertEqual(npc["messages"][: len(before["messages"])], before["messages"])
        self.assertEqual(len(second["npcs"]["pip"]["messages"]), 6)
        self.assertEqual(len(second["save_ms"]), 1)  # only who has spoken is saved

    def assertScreenshot(self, path):
        data = path.read_bytes()
        self.assertEqual(struct.unpack(">II", data[16:24]), (960, 640))
        self.assertGreater(len(data), 10000)  # a picture of one colour is much smaller

    def assertFrameTimes(self, report):
        """Every frame was counted, and each answer took at least one step."""
        self.assertEqual(len(report["frame_busy_ms"]), report["frames"])
        steps = [step for step in report["frame_step_ms"] if step > 0]
        self.assertGreater(len(steps), 3)
        self.assertGreater(report["busy_ms"]["generating"]["p50"], 0)

    def test_quit_and_pause_in_the_middle_of_an_answer(self):
        events = [
            {"frame": 1, "say": "Hello"},
            {"frame": 3, "key": "escape"},
            {"frame": 20, "key": "escape"},
            {"frame": 22, "quit": True},
        ]
        report = self.play(events, "--budget", 0)  # one piece of work in a frame
        steps = report["frame_step_ms"]
        self.assertEqual(max(steps[4:18]), 0)  # paused
        self.assertGreater(max(steps[20:22]), 0)
        self.assertEqual(len(report["npcs"]["mara"]["messages"]), 1)  # nothing was said yet
        again = self.play([{"frame": 1, "quit": True}])
        self.assertEqual(again["npcs"]["mara"]["messages"], report["npcs"]["mara"]["messages"])

    def test_long_conversations_lose_their_oldest_lines(self):
        line = "word " * 60
        events = [{"frame": i, "wait": True, "say": line} for i in range(1, 7)]
        report = self.play([*events, {"frame": 7, "wait": True, "quit": True}], "--budget", 20000)
        mara = report["npcs"]["mara"]
        self.assertNotIn("failure", mara)
        self.assertEqual(len(mara["messages"]), 12)
        self.assertLessEqual(mara["tokens"], 1024)

    def test_states_of_other_models_and_damaged_files(self):
        talk = [{"frame": 1, "say": "Hello"}, {"frame": 2, "choose": 2, "say": "Hi"}, {"frame": 3, "wait": True, "quit": True}]
        first = self.play(talk)
        other = long_context(program.GOLDEN / "llama_untied", self.folder / "other")
        if not json.loads((other / "tokenizer_config.json").read_text()).get("chat_template"):
            shutil.copy(program.TINY / "tokenizer_config.json", other)
        second = self.play([{"frame": 1, "quit": True}], model=other)
        self.assertEqual(second["npcs"]["mara"]["restored_tokens"], 0)
        self.assertEqual(second["npcs"]["mara"]["messages"], first["npcs"]["mara"]["messages"])
        (self.saved / "mara.json").write_text("{")
        (self.saved / "orin.state").write_bytes(b"x" * 100)
        third = self.play(talk)
        self.assertEqual(len(third["npcs"]["mara"]["messages"]), 2)
        self.assertEqual(third["npcs"]["orin"]["restored_tokens"], 0)
        self.assertEqual(len(third["npcs"]["orin"]["messages"]), 4)

    def test_what_is_missing_is_said(self):
        self.assertNotice("libfp4 is missing", "/nowhere.so", "apps/demo.sh", "FP4_LIBRARY=", FP4_LIBRARY="/nowhere.so")
        self.assertNotice("There is no model yet", "apps/demo.sh", "love apps/love-npc MODEL")
        self.assertNotice("There is no model /nowhere", "love apps/love-npc MODEL", arguments=["/nowhere"])
        script = program.ROOT / "README.md"
        self.assertNotice("cannot be opened", "README.md", arguments=[script])
        self.assertNotice("--budget needs a whole number", "Usage: ", arguments=["--budget", "x"])

    def test_the_newest_demo_model_is_the_default(self):
        cache = self.folder / "cache" / "fp4"
        cache.mkdir(parents=True)
        (cache / "old.fp4").write_text("not a model")
        os.utime(cache / "old.fp4", (1, 1))
        (cache / "new.fp4").write_text("not a model either")
        self.assertNotice("cannot be opened", "new.fp4")


if __name__ == "__main__":
    program.main()
