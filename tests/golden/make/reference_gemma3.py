#!/usr/bin/env python3
"""Reference numbers of gemma-3-270m (GGUF, dequantized to float32) by transformers.

usage: reference_gemma3.py MODEL.gguf WIKI_TEST_RAW FULL_LOGITS.safetensors [GOLDEN_DIR]
The tokenizer is SentencePiece itself, on a model file built from the GGUF's tokens, scores and types.
"""
import json
import os
import sys

import numpy as np
import sentencepiece
import torch
from sentencepiece import sentencepiece_model_pb2 as pb
from transformers import Gemma3TextConfig

from reference_common import LAYER, Gguf, greedy, load_model, logits_of, perplexity, save_full, save_golden

PROMPT = "The capital of France is"


def tokenizer_of(g):
    proto = pb.ModelProto()
    # SentencePiece and GGUF number the piece types alike (1 normal .. 6 byte), and GGUF's order is the ids'.
    for text, score, kind in zip(g.kv("tokenizer.ggml.tokens"), g.kv("tokenizer.ggml.scores"), g.kv("tokenizer.ggml.token_type")):
        # the converter writes U+2581 of user-defined pieces ("▁▁") as a space
        proto.pieces.add(piece=text.replace(" ", "\u2581") if kind == 4 else text, score=score, type=kind)
    proto.trainer_spec.model_type = pb.TrainerSpec.BPE
    proto.trainer_spec.byte_fallback = True
    proto.trainer_spec.vocab_size = len(proto.pieces)
    proto.trainer_spec.unk_id = g.kv("tokenizer.ggml.unknown_token_id")
    proto.trainer_spec.bos_id = g.kv("tokenizer.ggml.bos_token_id")
    proto.trainer_spec.eos_id = g.kv("tokenizer.ggml.eos_token_id")
    proto.trainer_spec.pad_id = g.kv("tokenizer.ggml.padding_token_id")
    for spec, field in ((proto.trainer_spec, "unk_piece"), (proto.trainer_spec, "bos_piece"), (proto.trainer_spec, "eos_piece"),
                        (proto.trainer_spec, "pad_piece")):
        setattr(spec, field, proto.pieces[getattr(spec, field.replace("piece", "id"))].piece)
    proto.normalizer_spec.name = "identity"
    proto.normalizer_spec.add_dummy_prefix = False
    proto.normalizer_spec.remove_extra_whitespaces = False
    return sentencepiece.SentencePieceProcessor(model_proto=proto.SerializeToString())


def model_of(g):
    def kv(name):
        return g.kv("gemma3." + name)
    layers = kv("block_count")
    config = Gemma3TextConfig(
        vocab_size=len(g.kv("tokenizer.ggml.tokens")), hidden_size=kv("embedding_length"), num_hidden_layers=layers,
        intermediate_size=kv("feed_forward_length"), num_attention_heads=kv("attention.head_count"),
        num_key_value_heads=kv("attention.head_count_kv"), head_dim=kv("attention.key_length"),
        query_pre_attn_scalar=kv("attention.key_length"), rms_norm_eps=kv("attention.layer_norm_rms_epsilon"),
        sliding_window=kv("attention.sliding_window"), max_position_embeddings=kv("context_length"),
        layer_types=["full_attention" if (i + 1) % 6 == 0 else "sliding_attention" for i in range(layers)],
        rope_parameters=dict(full_attention=dict(rope_type="default", rope_theta=kv("rope.freq_base")),
                             sliding_attention=dict(rope_type="default", rope_theta=10000.0)))  # GGUF leaves the local base out
    names = {**LAYER, "post_attention_norm": "post_attention_layernorm", "ffn_norm": "pre_feedforward_layernorm",
             "post_ffw_norm": "post_feedforward_layernorm"}
    state = {"model.embed_tokens.weight": g.tensor("token_embd.weight"),
             "model.norm.weight": g.tensor("output_norm.weight") - np.float32(1)}
    for i in range(layers):
        for src, dst in names.items():
            w = g.tensor(f"blk.{i}.{src}.weight")
            state[f"model.layers.{i}.{dst}.weight"] = w - np.float32(1) if w.ndim == 1 else w  # GGUF stores norms as 1 + w
    return load_model(config, state)


def main():
    gguf_path, text_path, full_path = sys.argv[1:4]
    out = sys.argv[4] if len(sys.argv) > 4 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models", "gemma3_270m")
    os.makedirs(out, exist_ok=True)
    g = Gguf(gguf_path)
    assert g.kv("tokenizer.ggml.add_bos_token")
    bos = g.kv("tokenizer.ggml.bos_token_id")
    tok = tokenizer_of(g)
    with open(text_path, encoding="utf-8", newline="") as f:
        ids = [bos] + tok.encode(f.read())
    result = dict(model=os.path.basename(gguf_path), sha256=g.sha256(), text=os.path.basename(text_path), text_ids_with_bos=len(ids))
    np.save(os.path.splitext(full_path)[0] + "_text_ids.npy", np.array(ids, np.int32))
    model = model_of(g)

    logits = logits_of(model, ids[:256])
    save_full(full_path, ids[:256], logits)
    save_golden(os.path.join(out, "logits.safetensors"), ids[:256], logits, "gemma-3-270m-q4_k_m.gguf dequantized, bos and the first 255 ids of WikiText-2 test")
    top = torch.topk(logits, 2, dim=-1).values
    result["smallest_top1_margin"] = float((top[:, 0] - top[:, 1]).min())

    prompt = [bos] + tok.encode(PROMPT)
    answer = greedy(model, prompt, 24, stop=(g.kv("tokenizer.ggml.eos_token_id"),))
    result.update(prompt=PROMPT, prompt_ids=prompt, greedy_ids=answer, greedy_text=tok.decode(answer))
    print(json.dumps(result, indent=1), flush=True)
    for ctx, count in ((512, 16), (1024, 4)):
        key = f"wikitext2_ctx{ctx}_first{count}"
        result[key] = perplexity(model, ids, ctx, count, bos=bos)
        print(key, result[key], flush=True)
    with open(os.path.join(out, "reference.json"), "w") as f:
        json.dump(result, f, indent=1, ensure_ascii=False)


if __name__ == "__main__":
    main()
