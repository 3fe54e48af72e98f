#!/usr/bin/env python3
"""Makes tests/golden/models: tiny random checkpoints in Hugging Face layout and their exact logits.

Weights come from numpy's PCG64 with a fixed seed per model, so a run on another machine gives the same
files; logits are computed by transformers in float32 with eager attention. Every feature that a model is
there for (window, rope scaling, bias, norm, ...) is proven to matter: switched off, the logits must move.

usage: model_tiny.py [OUT_DIR]
"""
import copy
import json
import os
import shutil
import sys

import numpy as np
import torch
import transformers
from safetensors.numpy import save_file as save_numpy
from safetensors.torch import save_file as save_torch
from transformers import AutoConfig, AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
VOCAB = 264  # 261 tokens of the tokenizer and three rows that no token uses
LENGTH = 48
MERGES = [("t", "h"), ("th", "e")]
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
CHATML = (
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

COMMON = dict(vocab_size=VOCAB, bos_token_id=0, eos_token_id=2, hidden_act="silu", initializer_range=0.02,
              max_position_embeddings=128, use_cache=True, attention_dropout=0.0)


def spellings(model_type, arch, dtype, body, old_extra, new_extra):
    """config.json as written before transformers 5 (flat rope keys, torch_dtype) and since."""
    head = dict(architectures=[arch], model_type=model_type)
    old = {**head, **COMMON, **body, **old_extra, "torch_dtype": dtype, "transformers_version": "4.45.0"}
    new = {**head, **COMMON, **body, **new_extra, "dtype": dtype, "transformers_version": "5.0.0"}
    return old, new


def models():
    """name -> dict(old, new, seed, main spelling, shards, probes). A probe changes the new config or the weights."""
    out = {}

    def add(name, model_type, arch, dtype, seed, main, body, old_extra, new_extra, probes, shards=1):
        old, new = spellings(model_type, arch, dtype, body, old_extra, new_extra)
        out[name] = dict(old=old, new=new, seed=seed, main=main, probes=probes, shards=shards, dtype=dtype)

    # GQA, tied head, plain rope.
    add("llama", "llama", "LlamaForCausalLM", "bfloat16", 11, "old",
        dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             rms_norm_eps=1e-5, tie_word_embeddings=True, attention_bias=False, mlp_bias=False),
        dict(rope_theta=10000.0, rope_scaling=None),
        dict(head_dim=8, rope_parameters=dict(rope_type="default", rope_theta=10000.0)),
        dict(theta=lambda c: c["rope_parameters"].update(rope_theta=500.0)))

    # Llama 3.x rope: 48 positions cross all three wavelength bands of an original context of 32.
    rope3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=32)
    add("llama_rope3", "llama", "LlamaForCausalLM", "bfloat16", 12, "new",
        dict(hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=2, num_key_value_heads=1,
             head_dim=16, rms_norm_eps=1e-5, tie_word_embeddings=True, attention_bias=False, mlp_bias=False),
        dict(rope_theta=500.0, rope_scaling=rope3),
        dict(rope_parameters={**rope3, "rope_theta": 500.0}),
        dict(rope_scaling=lambda c: c.update(rope_parameters=dict(rope_type="default", rope_theta=500.0)),
             medium_band=lambda c: c["rope_parameters"].update(high_freq_factor=1.0001)))

    # MHA, head of its own, ffn 172 (no multiple of 16 or 32), linear rope scaling, float32.
    add("llama_untied", "llama", "LlamaForCausalLM", "float32", 13, "old",
        dict(hidden_size=16, intermediate_size=172, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
             rms_norm_eps=1e-6, tie_word_embeddings=False, attention_bias=False, mlp_bias=False),
        dict(rope_theta=10000.0, rope_scaling={"type": "linear", "factor": 4.0}),
        dict(rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=10000.0)),
        dict(rope_scaling=lambda c: c["rope_parameters"].update(factor=1.0),
             head=lambda w: w.update({"lm_head.weight": w["model.embed_tokens.weight"]})))

    # Biases on q, k, v; a window that use_sliding_window=false switches off; two shards; float16.
    qwen2 = dict(use_sliding_window=False, sliding_window=8, max_window_layers=1)
    add("qwen2", "qwen2", "Qwen2ForCausalLM", "float16", 14, "old",
        dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             rms_norm_eps=1e-6, tie_word_embeddings=False),
        dict(rope_theta=1000000.0, **qwen2),
        dict(rope_parameters=dict(rope_type="default", rope_theta=1000000.0), **{**qwen2, "sliding_window": None},
             layer_types=["full_attention"] * 2),
        dict(bias=lambda w: [w[k].zero_() for k in w if k.endswith("bias")],
             v_bias=lambda w: [w[k].zero_() for k in w if k.endswith("v_proj.bias")],
             window=lambda c: c.update(use_sliding_window=True, sliding_window=8, layer_types=["full_attention", "sliding_attention"])),
        shards=2)

    # Norms on q and k heads, heads * head_dim != hidden, tied.
    qwen3 = dict(use_sliding_window=False, sliding_window=None, max_window_layers=2)
    add("qwen3", "qwen3", "Qwen3ForCausalLM", "bfloat16", 15, "old",
        dict(hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=1,
             head_dim=32, rms_norm_eps=1e-6, tie_word_embeddings=True, attention_bias=False),
        dict(rope_theta=1000000.0, rope_scaling=None, **qwen3),
        dict(rope_parameters=dict(rope_type="default", rope_theta=1000000.0), **qwen3, layer_types=["full_attention"] * 2),
        dict(q_norm=lambda w: [w[k].fill_(1.0) for k in w if k.endswith("q_norm.weight")],
             k_norm=lambda w: [w[k].fill_(1.0) for k in w if k.endswith("k_norm.weight")]))

    # Five windowed layers, one global, one windowed; two rope bases, scaled global rope;
    # query_pre_attn_scalar = 4 * head_dim, so the score scale is half the usual one.
    gemma = dict(hidden_activation="gelu_pytorch_tanh", attn_logit_softcapping=None, final_logit_softcapping=None)
    add("gemma3", "gemma3_text", "Gemma3ForCausalLM", "bfloat16", 16, "new",
        dict(hidden_size=32, intermediate_size=32, num_hidden_layers=7, num_attention_heads=2, num_key_value_heads=1,
             head_dim=24, rms_norm_eps=1e-6, tie_word_embeddings=True, attention_bias=False, query_pre_attn_scalar=96,
             sliding_window=12, pad_token_id=0, **gemma),
        dict(rope_theta=20000.0, rope_local_base_freq=500.0, rope_scaling={"rope_type": "linear", "factor": 4.0},
             sliding_window_pattern=6),
        dict(rope_parameters=dict(full_attention=dict(rope_type="linear", factor=4.0, rope_theta=20000.0),
                                  sliding_attention=dict(rope_type="default", rope_theta=500.0)),
             layer_types=["sliding_attention"] * 5 + ["full_attention", "sliding_attention"], _sliding_window_pattern=6),
        dict(window=lambda c: c.update(sliding_window=64), window_by_one=lambda c: c.update(sliding_window=13),
             local_base=lambda c: c["rope_parameters"]["sliding_attention"].update(rope_theta=20000.0),
             global_base=lambda c: c["rope_parameters"]["full_attention"].update(rope_theta=500.0),
             global_factor=lambda c: c["rope_parameters"]["full_attention"].update(factor=1.0),
             score_scale=lambda c: c.update(query_pre_attn_scalar=24),
             pattern=lambda c: c.update(layer_types=["sliding_attention"] * 7),
             gelu=lambda c: c.update(hidden_activation="silu"),
             post_norm=lambda w: [w[k].zero_() for k in w if "post_feedforward" in k]))

    # A window on every layer, heads * head_dim != hidden, head of its own.
    add("mistral", "mistral", "MistralForCausalLM", "bfloat16", 17, "new",
        dict(hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
             head_dim=12, rms_norm_eps=1e-5, tie_word_embeddings=False, sliding_window=16),
        dict(rope_theta=10000.0),
        dict(rope_parameters=dict(rope_type="default", rope_theta=10000.0)),
        dict(window=lambda c: c.update(sliding_window=None), window_by_one=lambda c: c.update(sliding_window=17)))
    for name, m in out.items():
        if "hidden_activation" in m["new"]:
            for c in (m["old"], m["new"]):
                c.pop("hidden_act")
    return out


def byte_symbols():
    """GPT-2's map from bytes to printable characters, in the order of its vocabulary."""
    keep = list(range(ord("!"), ord("~") + 1)) + list(range(0xA1, 0xAC + 1)) + list(range(0xAE, 0xFF + 1))
    order = keep + [b for b in range(256) if b not in keep]
    return [chr(b) if b in keep else chr(256 + order.index(b) - len(keep)) for b in order]


def token_list():
    return SPECIALS + byte_symbols() + ["".join(m) for m in MERGES]


def write_tokenizer(folder):
    added = [dict(id=i, content=s, single_word=False, lstrip=False, rstrip=False, normalized=False, special=True)
             for i, s in enumerate(SPECIALS)]
    level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True)
    tok = dict(version="1.0", truncation=None, padding=None, added_tokens=added, normalizer=None, pre_tokenizer=level,
               post_processor=None, decoder=level,
               model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None,
                          end_of_word_suffix=None, fuse_unk=False, byte_fallback=False, ignore_merges=False,
                          vocab={t: i for i, t in enumerate(token_list())}, merges=[list(m) for m in MERGES]))
    with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as f:
        json.dump(tok, f, ensure_ascii=False, separators=(",", ":"))
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as f:
        json.dump(dict(tokenizer_class="PreTrainedTokenizerFast", bos_token=SPECIALS[0], eos_token=SPECIALS[2],
                       add_bos_token=False, clean_up_tokenization_spaces=False, model_max_length=128,
                       chat_template=CHATML), f, indent=1)


def draw_weights(model, seed, dtype, gemma):
    """name -> tensor of `dtype`. Also exact in float16 and bfloat16 alike, so that every file type holds the same values."""
    rng = np.random.Generator(np.random.PCG64(seed))
    tied = model.config.tie_word_embeddings
    out = {}
    for name, shape in sorted((k, tuple(v.shape)) for k, v in model.state_dict().items()):
        if tied and name == "lm_head.weight":
            continue
        x = rng.standard_normal(shape)
        if name.endswith("bias"):
            x *= 0.5
        elif name.endswith("norm.weight"):
            x = 0.3 * x + (0.0 if gemma else 1.0)
        elif "embed_tokens" in name or "lm_head" in name:
            x *= 1.6 / np.sqrt(shape[1])
        else:
            x *= (1.6 if "q_proj" in name or "k_proj" in name else 1.0) / np.sqrt(shape[1])
        t = torch.from_numpy(x.astype(np.float32)).bfloat16().float()
        t[t.abs() < 2.0**-14] = 0.0  # below it float16 has fewer bits than bfloat16
        if dtype == "float32":
            # full float32 mantissas where nothing else has to hold them
            t = torch.from_numpy(x.astype(np.float32))
        out[name] = t.to(getattr(torch, dtype))
    return out


def load(config, weights):
    with_dir = os.path.join("/tmp", f"tiny_config_{os.getpid()}")
    os.makedirs(with_dir, exist_ok=True)
    with open(os.path.join(with_dir, "config.json"), "w") as f:
        json.dump(config, f)
    cfg = AutoConfig.from_pretrained(with_dir)
    shutil.rmtree(with_dir)
    model = AutoModelForCausalLM.from_config(cfg, attn_implementation="eager", dtype=torch.float32).eval()
    if weights is not None:
        state = {k: v.float() for k, v in weights.items()}
        missing, unexpected = model.load_state_dict(state, strict=False)
        assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
        model.tie_weights()
    return model


def logits_of(model, ids):
    with torch.no_grad():
        return model(torch.tensor([ids.tolist()])).logits[0].float()


def sequence(seed):
    """48 ids of the tokenizer: bos, then random, with a span repeated so that attention has something to find."""
    rng = np.random.Generator(np.random.PCG64(1000 + seed))
    ids = rng.integers(0, 261, LENGTH).astype(np.int32)
    ids[0] = 0
    ids[30:38] = ids[5:13]
    return ids


def save_weights(folder, weights, shards):
    meta = {"format": "pt"}
    if shards == 1:
        save_torch({k: v.contiguous() for k, v in weights.items()}, os.path.join(folder, "model.safetensors"), metadata=meta)
        return
    names = sorted(weights)
    step = -(-len(names) // shards)
    index, total = {}, 0
    for s in range(shards):
        file = f"model-{s + 1:05d}-of-{shards:05d}.safetensors"
        part = {k: weights[k].contiguous() for k in names[s * step:(s + 1) * step]}
        total += sum(v.numel() * v.element_size() for v in part.values())
        index.update({k: file for k in part})
        save_torch(part, os.path.join(folder, file), metadata=meta)
    with open(os.path.join(folder, "model.safetensors.index.json"), "w") as f:
        json.dump(dict(metadata=dict(total_size=total), weight_map=index), f, indent=1)


def probe(spec, weights, base, ids):
    """Largest logit change for every feature switched off."""
    moved = {}
    for name, change in spec["probes"].items():
        config, w = copy.deepcopy(spec["new"]), {k: v.clone() for k, v in weights.items()}
        change(w if change.__code__.co_varnames[0] == "w" else config)
        moved[name] = float((logits_of(load(config, w), ids) - base).abs().max())
        assert moved[name] > 0.02, (name, moved)
    return moved


def make(name, spec, root):
    folder = os.path.join(root, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    empty = load(spec["new"], None)
    weights = draw_weights(empty, spec["seed"], spec["dtype"], "gemma" in name)
    ids = sequence(spec["seed"])
    model = load(spec["new"], weights)
    logits = logits_of(model, ids)
    same = float((logits_of(load(spec["old"], weights), ids) - logits).abs().max())
    assert same == 0.0, (name, "the two spellings differ", same)
    double = model.double()
    with torch.no_grad():
        exact = double(torch.tensor([ids.tolist()])).logits[0]
    noise = float((exact - logits.double()).abs().max())
    main, other = ("old", "new") if spec["main"] == "old" else ("new", "old")
    for file, which in (("config.json", main), ("config_other_spelling.json", other)):
        with open(os.path.join(folder, file), "w") as f:
            json.dump(spec[which], f, indent=1)
    save_weights(folder, weights, spec["shards"])
    write_tokenizer(folder)
    save_numpy(dict(ids=ids, logits=np.ascontiguousarray(logits.numpy())), os.path.join(folder, "logits.safetensors"),
               metadata={"source": f"transformers {transformers.__version__}, torch {torch.__version__}, float32, eager attention"})
    moved = probe(spec, weights, logits, ids)
    size = sum(os.path.getsize(os.path.join(folder, f)) for f in os.listdir(folder))
    top = torch.topk(logits, 2, dim=-1).values
    print(f"{name}: {size} bytes, logits {logits.min():.3f}..{logits.max():.3f} std {logits.std():.3f}, "
          f"smallest top-1 margin {float((top[:, 0] - top[:, 1]).min()):.2e}, float32 noise {noise:.1e}, moved by "
          + ", ".join(f"{k} {v:.2f}" for k, v in moved.items()))


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "..", "models")
    torch.set_num_threads(1)
    for name, spec in models().items():
        make(name, spec, root)


if __name__ == "__main__":
    main()
