#!/usr/bin/env python3
"""Writes three of the tiny checkpoints of model_tiny.py as GGUF, the way llama.cpp's converters do.

llama_rope3: q and k rows permuted to interleaved rope, rope scaling as the tensor rope_freqs.weight;
qwen2: F32 biases, half-rotated rope, own head; gemma3: norms + 1, windows, two rope bases.
Matrices are F16 (gemma3: BF16), all values exact, so logits.safetensors of the folder holds for the file too.
GGUF has no query_pre_attn_scalar: gemma3's score scale (head_dim / scalar)^0.5 = 1/2 is folded into attn_q_norm.

usage: model_tiny_gguf.py [MODELS_DIR]
"""
import json
import math
import os
import sys

import gguf
import numpy as np
from safetensors import safe_open

from model_tiny import CHATML, HERE, MERGES, SPECIALS, VOCAB, token_list

BLOCK = {
    "input_layernorm": "attn_norm", "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm",
    "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "post_attention_layernorm": "ffn_norm",
}
GEMMA_BLOCK = {**BLOCK, "post_attention_layernorm": "post_attention_norm", "pre_feedforward_layernorm": "ffn_norm",
               "post_feedforward_layernorm": "post_ffw_norm"}
TOP = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def weights_of(folder):
    out = {}
    for file in sorted(os.listdir(folder)):
        if file.startswith("model") and file.endswith(".safetensors"):
            with safe_open(os.path.join(folder, file), "pt") as f:
                out.update({k: f.get_tensor(k).float().numpy() for k in f.keys()})
    return out


def gguf_name(name, block):
    stem, kind = name.rsplit(".", 1)
    if stem in TOP:
        return f"{TOP[stem]}.{kind}"
    _, _, layer, rest = stem.split(".", 3)
    return f"blk.{layer}.{block[rest]}.{kind}"


def interleave(w, heads):
    """Rows of each head from (first half, second half) to pairs."""
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def llama3_rope_factors(p, head_dim):
    """What divides each inverse frequency (Llama 3.1 rope scaling)."""
    out = []
    low, high = p["original_max_position_embeddings"] / p["low_freq_factor"], p["original_max_position_embeddings"] / p["high_freq_factor"]
    for i in range(0, head_dim, 2):
        wavelength = 2 * math.pi * p["rope_theta"] ** (i / head_dim)
        if wavelength < high:
            out.append(1.0)
        elif wavelength > low:
            out.append(p["factor"])
        else:
            smooth = (p["original_max_position_embeddings"] / wavelength - p["low_freq_factor"]) / (p["high_freq_factor"] - p["low_freq_factor"])
            out.append(1 / ((1 - smooth) / p["factor"] + smooth))
    return np.array(out, np.float32)


def add_tokenizer(w, pad):
    tokens = token_list() + [f"[PAD{i}]" for i in range(pad)]
    normal, control, unused = int(gguf.TokenType.NORMAL), int(gguf.TokenType.CONTROL), int(gguf.TokenType.UNUSED)
    kinds = [control] * len(SPECIALS) + [normal] * (len(tokens) - len(SPECIALS) - pad) + [unused] * pad
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("gpt-2")
    w.add_token_list(tokens)
    w.add_token_types(kinds)
    w.add_token_merges([" ".join(m) for m in MERGES])
    w.add_bos_token_id(0)
    w.add_eos_token_id(2)
    w.add_add_bos_token(False)
    w.add_chat_template(CHATML)


def write(folder, arch, file_type, cast):
    c = next(json.load(open(os.path.join(folder, f))) for f in ("config.json", "config_other_spelling.json")
             if "rope_parameters" in json.load(open(os.path.join(folder, f))))
    rope = c["rope_parameters"]
    w = gguf.GGUFWriter(os.path.join(folder, "model.gguf"), arch)
    heads, kv_heads = c["num_attention_heads"], c["num_key_value_heads"]
    head_dim = c.get("head_dim", c["hidden_size"] // heads)
    w.add_name("tiny random " + os.path.basename(folder))
    w.add_context_length(c["max_position_embeddings"])
    w.add_embedding_length(c["hidden_size"])
    w.add_block_count(c["num_hidden_layers"])
    w.add_feed_forward_length(c["intermediate_size"])
    w.add_head_count(heads)
    w.add_head_count_kv(kv_heads)
    w.add_layer_norm_rms_eps(c["rms_norm_eps"])
    w.add_file_type(file_type)
    if arch == "gemma3":
        w.add_key_length(head_dim)
        w.add_value_length(head_dim)
        w.add_sliding_window(c["sliding_window"])
        w.add_rope_freq_base(rope["full_attention"]["rope_theta"])
        w.add_float32("gemma3.rope.freq_base_swa", rope["sliding_attention"]["rope_theta"])
        w.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(rope["full_attention"]["factor"])
    else:
        w.add_vocab_size(VOCAB)
        w.add_rope_dimension_count(head_dim)
        w.add_rope_freq_base(rope["rope_theta"])
    add_tokenizer(w, VOCAB - len(token_list()))
    if rope.get("rope_type") == "llama3":
        w.add_tensor("rope_freqs.weight", llama3_rope_factors(rope, head_dim))
    for name, x in weights_of(folder).items():
        if arch == "gemma3" and name.endswith("norm.weight"):
            x = x + np.float32(1)
            if name.endswith("q_norm.weight"):
                x = x * np.float32(math.sqrt(head_dim / c["query_pre_attn_scalar"]))
        if arch == "llama" and "q_proj" in name:
            x = interleave(x, heads)
        if arch == "llama" and "k_proj" in name:
            x = interleave(x, kv_heads)
        target = gguf_name(name, GEMMA_BLOCK if arch == "gemma3" else BLOCK)
        if x.ndim == 1:
            w.add_tensor(target, np.ascontiguousarray(x, np.float32))
        else:
            cast(w, target, np.ascontiguousarray(x))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def as_f16(w, name, x):
    half = x.astype(np.float16)
    assert np.array_equal(half.astype(np.float32), x), name
    w.add_tensor(name, half)


def as_bf16(w, name, x):
    bits = x.view(np.uint32)
    assert not (bits & 0xFFFF).any(), name
    w.add_tensor(name, (bits >> 16).astype(np.uint16).view(np.uint8), raw_dtype=gguf.GGMLQuantizationType.BF16)


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "..", "models")
    write(os.path.join(root, "llama_rope3"), "llama", gguf.LlamaFileType.MOSTLY_F16, as_f16)
    write(os.path.join(root, "qwen2"), "qwen2", gguf.LlamaFileType.MOSTLY_F16, as_f16)
    write(os.path.join(root, "gemma3"), "gemma3", gguf.LlamaFileType.MOSTLY_BF16, as_bf16)
    for name in ("llama_rope3", "qwen2", "gemma3"):
        print(name, os.path.getsize(os.path.join(root, name, "model.gguf")), "bytes")


if __name__ == "__main__":
    main()
