"""Trains small tokenizers with the component configurations of published models and writes each, with vectors, as
NAME.json: {"tokenizer": ..., "texts" ids by policy, decoded texts}.

Usage: python tokenizer_vectors.py TRAINING_TEXT OUT_FOLDER   (needs the package tokenizers)
"""
import json
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from tokenizer_patterns import DEEPSEEK_V3, LLAMA3, QWEN2
from tokenizer_texts import TEXTS

SPACE = "\u2581"
ByteLevel, Split, Seq = pre_tokenizers.ByteLevel, pre_tokenizers.Split, pre_tokenizers.Sequence


def corpus(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()[:60000]
    # The texts themselves, so that the merges reach beyond English.
    return text.split("\n\n") + TEXTS * 6


def byte_level(training, pre_tokenizer, special, *, normalizer=None, vocab=620, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizer
    tokenizer.decoder = decoders.ByteLevel()
    if normalizer:
        tokenizer.normalizer = normalizer
    trainer = trainers.BpeTrainer(vocab_size=vocab, special_tokens=special, initial_alphabet=ByteLevel.alphabet(),
                                  show_progress=False)
    tokenizer.train_from_iterator(training, trainer)
    return tokenizer


def bos(token, tokenizer):
    return processors.TemplateProcessing(single=f"{token} $A", pair=f"{token} $A {token} $B",
                                         special_tokens=[(token, tokenizer.token_to_id(token))])


def sentencepiece(training, special, *, split=True, byte_fallback=True, unknown="<unk>"):
    """BPE over characters with U+2581 for spaces; with or without merges across words."""
    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    if split:
        trained.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    trained.train_from_iterator([t.replace(SPACE, " ") for t in training],
                                trainers.BpeTrainer(vocab_size=520, limit_alphabet=160, show_progress=False))
    pieces = json.loads(trained.to_str())["model"]
    names = special + ([f"<0x{b:02X}>" for b in range(256)] if byte_fallback else [])
    names += [t for t, _ in sorted(pieces["vocab"].items(), key=lambda item: item[1]) if t not in names]
    vocab = {t: i for i, t in enumerate(names)}
    model = models.BPE(vocab=vocab, merges=[tuple(m) for m in pieces["merges"]], unk_token=unknown, fuse_unk=True,
                       byte_fallback=byte_fallback)
    tokenizer = Tokenizer(model)
    tokenizer.add_special_tokens(special)
    return tokenizer


def strip_decoder(strip):
    steps = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    return decoders.Sequence(steps + ([decoders.Strip(" ", 1, 0)] if strip else []))


def configurations(training):
    chat = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    yield "gpt2", byte_level(training, ByteLevel(add_prefix_space=False), chat[:1])
    yield "gpt2-prefix-space", byte_level(training, ByteLevel(add_prefix_space=True), chat[:1], vocab=400)
    yield "smollm2", byte_level(training, Seq([pre_tokenizers.Digits(True), ByteLevel(add_prefix_space=False)]), chat)

    headers = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"]
    split = Seq([Split(Regex(LLAMA3), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer = byte_level(training, split, headers, ignore_merges=True)
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), bos(headers[0], tokenizer)])
    yield "llama3", tokenizer

    split = Seq([Split(Regex(QWEN2), "isolated"), ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer = byte_level(training, split, chat, normalizer=normalizers.NFC())
    tokenizer.add_tokens([AddedToken("<tool_call>", normalized=False), AddedToken("</tool_call>", normalized=False)])
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    yield "qwen2", tokenizer

    special = ["<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"]
    split = Seq([Split(Regex(p), "isolated") for p in DEEPSEEK_V3] + [ByteLevel(add_prefix_space=False, use_regex=False)])
    tokenizer = byte_level(training, split, special, normalizer=normalizers.Sequence([]))
    tokenizer.post_processor = bos(special[0], tokenizer)
    yield "deepseek-v3", tokenizer

    llama2 = ["<unk>", "<s>", "</s>"]
    tokenizer = sentencepiece(training, llama2)
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)])
    tokenizer.decoder = strip_decoder(True)
    tokenizer.post_processor = bos("<s>", tokenizer)
    yield "llama2", tokenizer

    tokenizer = sentencepiece(training, llama2, split=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    tokenizer.decoder = strip_decoder(True)
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A </s>", special_tokens=[("<s>", 1), ("</s>", 2)])
    yield "llama2-metaspace", tokenizer

    gemma = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
    tokenizer = sentencepiece(training, gemma, split=False)
    tokenizer.normalizer = normalizers.Replace(" ", SPACE)
    tokenizer.pre_tokenizer = Split(" ", "merged_with_previous")
    tokenizer.decoder = strip_decoder(False)
    tokenizer.add_tokens([AddedToken("\n" * n, normalized=False) for n in (2, 3, 4)] + [AddedToken("<mask>", normalized=False)])
    tokenizer.post_processor = bos("<bos>", tokenizer)
    yield "gemma", tokenizer

    tokenizer = sentencepiece(training, ["<unk>", "<s>"], byte_fallback=False)
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    yield "metaspace-unknown", tokenizer

    normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer = byte_level(training, ByteLevel(add_prefix_space=False), chat[:1], normalizer=normalizer, vocab=400)
    tokenizer.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    tokenizer.add_tokens([AddedToken("[L]", lstrip=True, normalized=False), AddedToken("[R]", rstrip=True, normalized=False),
                          AddedToken("[B]", lstrip=True, rstrip=True, normalized=False),
                          AddedToken("WORD", single_word=True, normalized=False), AddedToken("NORM", normalized=True),
                          AddedToken("<tool", normalized=False), AddedToken("<tool_call>", normalized=False)])
    yield "added-tokens", tokenizer


def vectors(tokenizer, text):
    tokenizer.encode_special_tokens = True
    plain = tokenizer.encode(text, add_special_tokens=False).ids
    tokenizer.encode_special_tokens = False
    parsed = tokenizer.encode(text).ids
    case = {"text": text, "plain": plain, "parsed": parsed}
    # Some versions of the package decode normalized added tokens to their normalized text: no vector of those.
    if not any(token.normalized and i in parsed for i, token in tokenizer.get_added_tokens_decoder().items()):
        case["decoded"] = tokenizer.decode(parsed, skip_special_tokens=True)
        case["decoded_all"] = tokenizer.decode(parsed, skip_special_tokens=False)
    return case


def main(training_text, folder):
    for name, tokenizer in configurations(corpus(training_text)):
        cases = [vectors(tokenizer, t) for t in TEXTS]
        lines = ",\n".join(json.dumps(c, ensure_ascii=False, separators=(",", ":")) for c in cases)
        tokenizer.encode_special_tokens = False
        spec = json.dumps(json.loads(tokenizer.to_str()), ensure_ascii=False, separators=(",", ":"))
        with open(f"{folder}/{name}.json", "w", encoding="utf-8") as file:
            file.write(f'{{"tokenizer":{spec},\n"cases":[\n{lines}\n]}}\n')


main(*sys.argv[1:])
