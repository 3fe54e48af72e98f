"""Writes regexes.json, pre_tokenizers.json and normalizers.json: what single components do with the texts.

Each file holds the texts once and, for each component, results for every `step`th text.

Usage: python tokenizer_components.py OUT_FOLDER   (needs the package tokenizers)
"""
import json
import sys

from tokenizers import Regex, normalizers, pre_tokenizers

from tokenizer_patterns import DIFFERENT, PUBLISHED
from tokenizer_texts import TEXTS

# Enough for every rule of the patterns; the whole list for all of them would be a large file.
SHORT = [t for t in TEXTS if 0 < len(t) < 64]


def regex_cases():
    yield from ((pre_tokenizers.Split(Regex(p), "isolated"), 1) for p in PUBLISHED)
    yield from ((pre_tokenizers.Split(Regex(p), "removed", invert=True), 2) for p in DIFFERENT)


def pre_tokenizer_cases():
    Split, Seq = pre_tokenizers.Split, pre_tokenizers.Sequence
    behaviors = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
    yield from ((Split(Regex(r"[aeo ]"), b, invert=i), 3) for b in behaviors for i in (False, True))
    yield from ((Split(p, b), 3) for p, b in [(" ", "merged_with_previous"), ("aa", "isolated"), (".", "removed")])
    yield from ((pre_tokenizers.Digits(individual_digits=i), 1) for i in (False, True))
    yield from ((pre_tokenizers.Punctuation(b), 1) for b in ("isolated", "contiguous"))
    yield from ((c, 1) for c in (pre_tokenizers.Whitespace(), pre_tokenizers.WhitespaceSplit()))
    yield from ((pre_tokenizers.Metaspace(prepend_scheme=s, split=b), 2)
                for s in ("always", "first", "never") for b in (False, True))
    yield from ((Seq([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(prepend_scheme=s)]), 3)
                for s in ("always", "first", "never"))
    yield Seq([pre_tokenizers.Punctuation("merged_with_next"), pre_tokenizers.Digits(True)]), 2


def normalizer_cases():
    N = normalizers
    return [N.NFC(), N.NFD(), N.NFKC(), N.NFKD(), N.Lowercase(), N.Sequence([N.NFD(), N.StripAccents()]),
            N.Strip(), N.Strip(left=True, right=False), N.Strip(left=False, right=True), N.Prepend("\u2581"),
            N.Replace(" ", "\u2581"), N.Replace(Regex(r"\s{2,}|[aeiou]"), "+"),
            N.Sequence([N.Prepend("\u2581"), N.Replace(" ", "\u2581")]),
            N.Sequence([N.NFKC(), N.Strip(), N.Lowercase()])]


def write(path, texts, cases, result):
    lines = []
    for component, step in cases:
        results = [result(component, t) for t in texts[::step]]
        case = {"component": json.loads(component.__getstate__()), "step": step, "results": results}
        lines.append(json.dumps(case, ensure_ascii=False, separators=(",", ":")))
    head = json.dumps(texts, ensure_ascii=False, separators=(",", ":"))
    with open(path, "w", encoding="utf-8") as file:
        file.write(f'{{"texts":{head},\n"cases":[\n' + ",\n".join(lines) + "\n]}\n")


def main(folder):
    def pieces(component, text):
        return [piece for piece, _ in component.pre_tokenize_str(text)]

    write(f"{folder}/regexes.json", SHORT, regex_cases(), pieces)
    write(f"{folder}/pre_tokenizers.json", SHORT, pre_tokenizer_cases(), pieces)
    write(f"{folder}/normalizers.json", TEXTS[:58], ((c, 1) for c in normalizer_cases()),
          lambda component, text: component.normalize_str(text))


main(sys.argv[1])
