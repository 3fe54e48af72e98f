"""run, chat and bench on tiny models with random weights: what comes out is meaningless but reproducible."""

import json

import program
from program import GOLDEN, TINY, ProgramTest, run

RUN_KEYS = (
    "text tokens finish prompt_tokens seconds_to_first_token prompt_tok_s decode_tok_s path_prefill path_decode "
    "types_prefill types_decode model device threads ctx seed"
)
CHAT_KEYS = "messages model answers prompt_tokens tokens finish"
BENCH_KEYS = (
    "prompt_tok_s prompt_tok_s_sd decode_tok_s decode_tok_s_sd path_prefill path_decode types_prefill types_decode "
    "device threads model architecture weight_bytes parameters p n r ctx load_seconds "
    "synthetic format memory_used"
)


class Run(ProgramTest):
    def test_json(self):
        found = self.json("run", TINY, "Hello", "-n", "12", "--temp", "0", "--threads", "2", "--ctx", "100")
        self.assertKeys(found, RUN_KEYS)
        self.assertIn(found["finish"], ("length", "end"))
        self.assertLessEqual(found["tokens"], 12)
        self.assertGreater(found["prompt_tokens"], len("Hello"))  # the chat template adds to it
        self.assertEqual((found["threads"], found["ctx"], found["device"]), (2, 100, "cpu"))
        self.assertEqual(found["path_prefill"], "w16a16")

    def test_text_goes_to_stdout_and_speed_to_stderr(self):
        expected = self.json("run", TINY, "Hello", "-n", "12", "--temp", "0")
        process = run("run", TINY, "Hello", "-n", "12", "--temp", "0")
        self.assertExit(process, 0)
        end = "" if expected["text"].endswith("\n") or not expected["text"] else "\n"
        self.assertEqual(process.stdout, expected["text"] + end)
        self.assertIn("tok/s", process.stderr)
        self.assertEqual(run("run", TINY, "Hello", "-n", "12", "--quiet").stderr, "")

    def test_where_the_prompt_comes_from(self):
        file = self.folder / "prompt.txt"
        file.write_text("Once upon a time\n")
        arguments = ["-n", "8", "--temp", "0", "--raw"]
        expected = self.json("run", TINY, "Once upon a time", *arguments)
        for other in (
            self.json("run", TINY, *arguments, "--file", file),
            self.json("run", TINY, *arguments, stdin="Once upon a time\n"),
            self.json("run", TINY, "-", *arguments, stdin="Once upon a time"),
        ):
            self.assertEqual(other["text"], expected["text"])
            self.assertEqual(other["prompt_tokens"], expected["prompt_tokens"])

    def test_raw_and_system_change_the_prompt(self):
        def tokens(*extra):
            return self.json("run", TINY, "Hello", "-n", "1", *extra)["prompt_tokens"]

        self.assertLess(tokens("--raw"), tokens())
        self.assertLess(tokens(), tokens("--system", "Be brief."))

    def test_seed(self):
        def text(seed):
            return self.json("run", TINY, "Hello", "-n", "20", "--temp", "2", "--top-k", "0", "--seed", seed)["text"]

        self.assertEqual(text(7), text(7))
        self.assertNotEqual(text(7), text(8))

    def test_stop(self):
        arguments = ["run", TINY, "Hello", "-n", "30", "--temp", "1.5", "--seed", "3", "--raw"]
        whole = self.json(*arguments)["text"]
        stop = next(whole[i : i + 2] for i in range(2, len(whole) - 2) if whole[i : i + 2].isprintable())
        found = self.json(*arguments, "--stop", stop)
        self.assertEqual(found["finish"], "stop")
        self.assertEqual(found["text"], whole[: whole.index(stop)])

    def test_full_context(self):
        # Banning nothing, the tiny model may end by itself; some seed gets to the end of the context.
        finishes = [
            self.json("run", TINY, "Hello", "--raw", "--ctx", "24", "--temp", "2", "--seed", seed)["finish"]
            for seed in range(5)
        ]
        self.assertIn("full", finishes)

    def test_prompt_longer_than_context(self):
        process = run("run", TINY, "word " * 100, "--ctx", "32")
        self.assertFailure(process)

    def test_paths(self):
        model = self.folder / "model.fp4"
        self.assertExit(run("quantize", TINY, model), 0)
        for path in ("w4a16", "w4a8", "w4a4"):
            with self.subTest(path):
                found = self.json("run", model, "Hello", "-n", "4", "--temp", "0", "--path", path)
                self.assertEqual((found["path_prefill"], found["path_decode"]), (path, path))
                self.assertIn("mxfp4", found["types_prefill"])
        self.assertNotEqual(self.json("run", model, "Hello", "-n", "4")["path_prefill"], "auto")

    def test_kv(self):
        for kv in ("f32", "mxfp8", "mxfp4"):
            with self.subTest(kv):
                found = self.json("run", TINY, "Hello", "-n", "4", "--temp", "0", "--kv", kv)
                self.assertEqual(found["finish"], self.json("run", TINY, "Hello", "-n", "4", "--temp", "0")["finish"])
        self.assertExit(run("bench", TINY, "-p", "8", "-n", "2", "-r", "1", "--kv", "mxfp4"), 0)

    def test_every_family(self):
        for folder in sorted(path for path in GOLDEN.iterdir() if (path / "config.json").exists()):
            with self.subTest(folder.name):
                found = self.json("run", folder, "Hello", "-n", "4", "--raw")
                self.assertGreater(found["prompt_tok_s"], 0)

    def test_gguf_and_folder_agree(self):
        arguments = ["Hello there", "-n", "16", "--temp", "0", "--raw"]
        folder = self.json("run", GOLDEN / "qwen2", *arguments)
        gguf = self.json("run", GOLDEN / "qwen2" / "model.gguf", *arguments)
        self.assertEqual(folder["text"], gguf["text"])

    def test_template_file(self):
        template = self.folder / "template.jinja"
        template.write_text("{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}")
        found = self.json("run", TINY, "Hello", "-n", "1", "--template", template)
        raw = self.json("run", TINY, "user: Hello\n", "-n", "1", "--raw")
        self.assertEqual(found["prompt_tokens"], raw["prompt_tokens"])
        template.write_text("{% for %}")
        self.assertFailure(run("run", TINY, "Hello", "--template", template))


class Chat(ProgramTest):
    def chat(self, *lines, arguments=()):
        return run(
            "chat", TINY, "-n", "6", "--temp", "0", "--ctx", "128", *arguments, stdin="".join(f"{line}\n" for line in lines)
        )

    def saved(self, name):
        return json.loads((self.folder / name).read_text())["messages"]

    def test_json(self):
        process = self.chat("Hi", "And you?", arguments=["--json", "--system", "Be kind."])
        self.assertExit(process, 0)
        found = json.loads(process.stdout)
        self.assertKeys(found, CHAT_KEYS)
        self.assertEqual([message["role"] for message in found["messages"]], ["system", "user", "assistant", "user", "assistant"])
        self.assertEqual(found["answers"], 2)

    def test_only_the_new_part_is_prefilled(self):
        one = json.loads(self.chat("Hi", arguments=["--json"]).stdout)
        two = json.loads(self.chat("Hi", "Hi", arguments=["--json"]).stdout)
        three = json.loads(self.chat("Hi", "Hi", "Hi", arguments=["--json"]).stdout)
        # Were everything prefilled again, the third answer would cost more than the second.
        second = two["prompt_tokens"] - one["prompt_tokens"]
        third = three["prompt_tokens"] - two["prompt_tokens"]
        self.assertLessEqual(third, second + 8)
        self.assertLess(third, one["prompt_tokens"] + 2 * 8)

    def test_answers_equal_those_of_run(self):
        expected = self.json("run", TINY, "Hi", "-n", "6", "--temp", "0", "--ctx", "128")["text"]
        process = self.chat("Hi", "/clear", "Hi", arguments=["--quiet"])
        self.assertExit(process, 0)
        line = expected + "\n" if expected else ""
        self.assertEqual(process.stdout, line * 2)

    def test_save_load_undo_retry_clear(self):
        file = self.folder / "chat.json"
        process = self.chat("Hi", "There", "/undo", f"/save {file}", f"/load {file}", f"/save {self.folder}/b.json")
        self.assertExit(process, 0)
        self.assertEqual([message["content"] for message in self.saved("chat.json") if message["role"] == "user"], ["Hi"])
        self.assertEqual(self.saved("b.json"), self.saved("chat.json"))
        self.assertExit(self.chat("/system Be kind.", f"/save {file}", arguments=["--load", file]), 0)
        self.assertEqual(self.saved("chat.json")[0], {"role": "system", "content": "Be kind."})
        self.assertExit(self.chat("One", "/retry", f"/save {file}"), 0)
        self.assertEqual([message["role"] for message in self.saved("chat.json")], ["user", "assistant"])
        self.assertExit(self.chat("One", "/clear", f"/save {file}"), 0)
        self.assertEqual(self.saved("chat.json"), [])

    def test_commands(self):
        process = self.chat("/help", "/set", "/set temp 0.5", "/set temp hot", "/set", "/stats", "/nonsense", "/quit", "Hi")
        self.assertExit(process, 0)
        self.assertEqual(process.stdout, "")  # nothing was asked before /quit
        for word in ("/retry", "temp               0\n", "temp               0.5\n", "No such setting", "of 128 tokens", "/nonsense: no such command"):
            self.assertIn(word, process.stderr)

    def test_continued_line(self):
        file = self.folder / "chat.json"
        self.assertExit(self.chat("One\\", "two", f"/save {file}"), 0)
        self.assertEqual(self.saved("chat.json")[0]["content"], "One\ntwo")

    def test_long_conversation_forgets_the_oldest(self):
        process = self.chat(*["Tell me something about the sea"] * 8, arguments=["--json"])
        self.assertExit(process, 0)
        found = json.loads(process.stdout)
        self.assertEqual(found["answers"], 8)
        self.assertIn("no longer seen", process.stderr)

    def test_wrong_chat_file(self):
        file = self.folder / "chat.json"
        file.write_text("[]")
        self.assertFailure(self.chat(arguments=["--load", file]), file)

    def test_question_longer_than_context(self):
        self.assertFailure(self.chat("word " * 300))


class Bench(ProgramTest):
    def test_json(self):
        found = self.json("bench", TINY, "-p", "16", "-n", "8", "-r", "2", "--threads", "1")
        self.assertKeys(found, BENCH_KEYS)
        self.assertEqual((found["p"], found["n"], found["r"], found["threads"]), (16, 8, 2, 1))
        self.assertGreater(found["prompt_tok_s"], 0)
        self.assertGreater(found["decode_tok_s"], 0)
        self.assertEqual(found["architecture"], "llama")

    def test_one_half(self):
        found = self.json("bench", TINY, "-p", "0", "-n", "4", "-r", "1")
        self.assertIsNone(found["prompt_tok_s"])
        self.assertGreater(found["decode_tok_s"], 0)

    def test_random_weights(self):
        shape = json.dumps({
            "model_type": "qwen3", "vocab_size": 500, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
            "num_key_value_heads": 2, "head_dim": 32, "intermediate_size": 128, "max_position_embeddings": 64,
        })
        arguments = ["-p", "20", "-n", "5", "-r", "1", "--threads", "1"]
        for format in ("mxfp4", "nvfp4", "mxint8", "bf16"):
            found = self.json("bench", "--synthetic", shape, "--format", format, *arguments)
            self.assertEqual((found["format"], found["synthetic"], found["architecture"]), (format, True, "qwen3"))
            self.assertGreater(found["decode_tok_s"], 0)
            self.assertGreater(found["memory_used"], found["weight_bytes"])
        self.assertFailure(run("bench", "--synthetic", "llama-9", *arguments))
        self.assertFailure(run("bench", "--synthetic", shape, "--format", "q4", *arguments))
        self.assertFailure(run("bench", "--synthetic", "{", *arguments))

    def test_operations(self):
        arguments = ["bench", "--op", TINY, "-p", "32", "--threads", "1"]
        found = self.json(*arguments)
        self.assertKeys(found, "device device_name format path types copy_bytes_s best_bytes_s best_flops_s ops model")
        names = {op["op"] for op in found["ops"]}
        for name in ("copy", "q, k, v", "o", "gate, up", "down", "head", "draw", "attention", "norm, transform, round"):
            self.assertIn(name, names)
        for op in found["ops"]:
            self.assertKeys(op, "op tokens rows cols seconds bytes flops bytes_s flops_s share")
            self.assertGreater(op["seconds"], 0)
            self.assertGreater(op["share"], 0)
        self.assertEqual({op["tokens"] for op in found["ops"] if op["op"] == "down"}, {1, 8, 16, 32})
        process = run(*arguments)
        self.assertExit(process, 0)
        self.assertRegex(process.stdout, r"(?m)^gate, up +32 +128 +32 .*FLOP/s +\d+%$")
        self.assertFailure(run("bench", "--op", TINY, "-p", "1000"))

    def test_memory_limit(self):
        arguments = ["bench", TINY, "-p", "8", "-n", "2", "-r", "1", "--threads", "1"]
        held = self.json(*arguments)["memory_used"]
        self.assertEqual(self.json(*arguments, "--memory-limit", str(held))["memory_used"], held)
        for limit in ("10k", str(held - 1)):
            process = run(*arguments, "--memory-limit", limit)
            self.assertFailure(process)
            self.assertIn("memory limit", process.stderr)

    def test_table(self):
        process = run("bench", TINY, "-p", "16", "-n", "8", "-r", "1")
        self.assertExit(process, 0)
        self.assertRegex(process.stdout, r"(?m)^prefill +16 tokens .* tok/s$")
        self.assertRegex(process.stdout, r"(?m)^decode +8 tokens .* tok/s$")


program.main()
