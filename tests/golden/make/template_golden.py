"""Makes the golden files of the chat templates: what Python's jinja2 renders.

    python3 tests/golden/make/template_golden.py            the files in tests/golden/template
    python3 tests/golden/make/template_golden.py DIR        the same for other templates: DIR/templates/*.jinja

Needs jinja2 (made with 3.1.6).
"""

import json
import pathlib
import sys

from template_conversations import CONVERSATIONS
from template_environment import make_environment, render
from template_snippets import SNIPPETS, VARIABLES

# Special tokens of the model families; a name that starts so.
TOKENS = {
    "smollm2": ("<|im_start|>", "<|im_end|>"),
    "chatml": ("<|im_start|>", "<|im_end|>"),
    "qwen": (None, "<|im_end|>"),
    "phi": ("<s>", "<|endoftext|>"),
    "llama3": ("<|begin_of_text|>", "<|eot_id|>"),
    "gemma": ("<bos>", "<eos>"),
    "deepseek": ("<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
}


def tokens_for(name):
    for prefix, tokens in TOKENS.items():
        if name.lower().startswith(prefix):
            return tokens
    return ("<s>", "</s>")


def write(path, value):
    text = json.dumps(value, ensure_ascii=False, indent=0, sort_keys=False)
    path.write_text(text + "\n", encoding="utf-8")


def render_template(path):
    source = path.read_bytes().decode("utf-8")
    bos, eos = tokens_for(path.name)
    cases = []
    for conversation in CONVERSATIONS:
        variables = {"tools": None, "documents": None, "add_generation_prompt": conversation["prompt"]}
        if bos is not None:
            variables["bos_token"] = bos
        if eos is not None:
            variables["eos_token"] = eos
        # a fresh copy each time: no render may see what another left behind
        variables.update(json.loads(json.dumps(conversation["variables"])))
        variables["messages"] = json.loads(json.dumps(conversation["messages"]))
        cases.append({"conversation": conversation["name"], **render(make_environment(), source, variables)})
    return {"template": path.name, "bos_token": bos, "eos_token": eos, "cases": cases}


def main():
    default = pathlib.Path(__file__).resolve().parent.parent / "template"
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else default
    (out / "expected").mkdir(exist_ok=True)
    write(out / "conversations.json", CONVERSATIONS)
    for path in sorted((out / "templates").glob("*.jinja")):
        write(out / "expected" / (path.stem + ".json"), render_template(path))
    snippets = [
        {"source": source, **render(make_environment(), source, json.loads(json.dumps(VARIABLES)))}
        for source in SNIPPETS
    ]
    write(out / "snippets.json", {"variables": VARIABLES, "snippets": snippets})
    print(len(snippets), "snippets,", sum("error" in s for s in snippets), "of them errors")


main()
