"""Trains small SentencePiece BPE models and writes their pieces and vectors to sentencepiece.json.

Usage: python tokenizer_sentencepiece.py TRAINING_TEXT OUT_FOLDER   (needs the package sentencepiece)
"""
import io
import json
import sys

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

from tokenizer_texts import TEXTS

USER_DEFINED = 4


def train(sentences, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences), model_writer=model, model_type="bpe", normalization_rule_name="identity",
        character_coverage=0.9995, hard_vocab_limit=False, minloglevel=2, **options)
    return model.getvalue()


def describe(name, model, byte_fallback):
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    # GGUF files have user-defined pieces with spaces, all others with U+2581.
    pieces = [[p.piece.replace("\u2581", " ") if p.type == USER_DEFINED else p.piece, p.score, p.type]
              for p in proto.pieces]
    cases = []
    # A U+2581 in the text itself is a space to SentencePiece; where that makes a user-defined piece, the other
    # readers of these files differ.
    for text in TEXTS:
        if "\u2581" in text:
            continue
        ids = processor.encode(text)
        cases.append([text, ids, processor.decode(ids) if byte_fallback else None])
    return {"name": name, "pieces": pieces, "add_space_prefix": proto.normalizer_spec.add_dummy_prefix,
            "remove_extra_whitespaces": proto.normalizer_spec.remove_extra_whitespaces, "cases": cases}


def main(training_text, folder):
    with open(training_text, encoding="utf-8") as file:
        sentences = [line for line in file.read()[:60000].split("\n") if line.strip()]
    sentences += [line for text in TEXTS * 4 for line in text.replace("\0", "").splitlines() if line.strip()]
    models = [
        describe("llama", train(sentences, vocab_size=760, byte_fallback=True, remove_extra_whitespaces=False), True),
        describe("gemma", train(sentences, vocab_size=760, byte_fallback=True, remove_extra_whitespaces=False,
                                add_dummy_prefix=False, split_by_whitespace=False,
                                user_defined_symbols=["\n\n", "\n\n\n", "\u2581\u2581", "\u2581\u2581\u2581", "<mask>"]), True),
        describe("collapsing", train(sentences, vocab_size=420, byte_fallback=False, remove_extra_whitespaces=True), False),
    ]
    lines = ",\n".join(json.dumps(m, ensure_ascii=False, separators=(",", ":")) for m in models)
    with open(f"{folder}/sentencepiece.json", "w", encoding="utf-8") as file:
        file.write("[\n" + lines + "\n]\n")


main(*sys.argv[1:])
