#!/usr/bin/env python3
"""Reference numbers of SmolLM2-135M-Instruct (GGUF, dequantized to float32) by transformers.

usage: reference_smollm2.py MODEL.gguf WIKI_TEST_RAW FULL_LOGITS.safetensors [GOLDEN_DIR]
Writes the full logits outside of the repository, the small golden file and a JSON with the scalars into it.
"""
import json
import os
import sys

import tokenizers
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig

from reference_common import LAYER, Gguf, greedy, half_rotate, load_model, logits_of, perplexity, save_full, save_golden

PROMPT = "<|im_start|>user\nWhat is gravity?<|im_end|>\n<|im_start|>assistant\n"


def tokenizer_of(g):
    """SmolLM2's pre-tokenizer: every digit alone, then GPT-2's split."""
    tokens, kinds = g.kv("tokenizer.ggml.tokens"), g.kv("tokenizer.ggml.token_type")
    merges = [tuple(m.split(" ", 1)) for m in g.kv("tokenizer.ggml.merges")]
    tok = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, merges))
    tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                                 pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens([AddedToken(t, special=True, normalized=False) for t, k in zip(tokens, kinds) if k == 3])
    return tok


def model_of(g):
    heads, kv_heads = g.kv("llama.attention.head_count"), g.kv("llama.attention.head_count_kv")
    config = LlamaConfig(
        vocab_size=g.kv("llama.vocab_size"), hidden_size=g.kv("llama.embedding_length"), num_hidden_layers=g.kv("llama.block_count"),
        intermediate_size=g.kv("llama.feed_forward_length"), num_attention_heads=heads, num_key_value_heads=kv_heads,
        max_position_embeddings=g.kv("llama.context_length"), rms_norm_eps=g.kv("llama.attention.layer_norm_rms_epsilon"),
        rope_parameters=dict(rope_type="default", rope_theta=g.kv("llama.rope.freq_base")), tie_word_embeddings=True)
    state = {"model.embed_tokens.weight": g.tensor("token_embd.weight"), "model.norm.weight": g.tensor("output_norm.weight")}
    for i in range(config.num_hidden_layers):
        for src, dst in {**LAYER, "ffn_norm": "post_attention_layernorm"}.items():
            if f"blk.{i}.{src}.weight" not in g.tensors:
                continue
            w = g.tensor(f"blk.{i}.{src}.weight")
            if src in ("attn_q", "attn_k"):
                w = half_rotate(w, heads if src == "attn_q" else kv_heads)
            state[f"model.layers.{i}.{dst}.weight"] = w
    return load_model(config, state)


def main():
    gguf_path, text_path, full_path = sys.argv[1:4]
    out = sys.argv[4] if len(sys.argv) > 4 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "models", "smollm2")
    os.makedirs(out, exist_ok=True)
    g = Gguf(gguf_path)
    assert not g.kv("tokenizer.ggml.add_bos_token")
    tok, model = tokenizer_of(g), model_of(g)
    with open(text_path, encoding="utf-8", newline="") as f:
        ids = tok.encode(f.read()).ids
    result = dict(model=os.path.basename(gguf_path), sha256=g.sha256(), text=os.path.basename(text_path), text_ids=len(ids))

    logits = logits_of(model, ids[:256])
    save_full(full_path, ids[:256], logits)
    save_golden(os.path.join(out, "logits.safetensors"), ids[:256], logits, "SmolLM2-135M-Instruct.Q4_1.gguf dequantized, first 256 ids of WikiText-2 test")
    top = torch.topk(logits, 2, dim=-1).values
    result["smallest_top1_margin"] = float((top[:, 0] - top[:, 1]).min())

    prompt = tok.encode(PROMPT).ids
    answer = greedy(model, prompt, 48, stop=(g.kv("tokenizer.ggml.eos_token_id"),))
    result.update(prompt=PROMPT, prompt_ids=prompt, greedy_ids=answer, greedy_text=tok.decode(answer, skip_special_tokens=False))
    print(json.dumps(result, indent=1), flush=True)
    result["wikitext2_ctx512_first64"] = perplexity(model, ids, 512, 64)
    print(result["wikitext2_ctx512_first64"])
    with open(os.path.join(out, "reference.json"), "w") as f:
        json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
