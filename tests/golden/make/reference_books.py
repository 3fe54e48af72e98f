#!/usr/bin/env python3
"""Reference numbers of books-30M by transformers in float32: perplexity on its held-out text, and the KL divergence
that rounding the weights of all linear layers to FP4 costs (embedding and head kept). Quantizers are written here,
in numpy float64, from the OCP MX specification v1.0 (5.3, 6.3) and NVIDIA's NVFP4 recipe; not from this library.

usage: reference_books.py MODEL_DIR TEXT [OUT_JSON]
"""
import json
import math
import os
import sys

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers import AutoModelForCausalLM

from reference_common import logits_of, perplexity, scored_nll, windows

GRID = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])
MIDDLE = (GRID[1:] + GRID[:-1]) / 2


def e2m1(x):
    """Nearest E2M1 value, ties to the even code, saturating at 6."""
    a = np.abs(x)
    code = np.searchsorted(MIDDLE, a, side="left")  # a tie stays at the lower code
    tie = np.isin(a, MIDDLE) & (code % 2 == 1)
    return np.copysign(GRID[np.minimum(code + tie, 7)], x)


def e4m3(x):
    """Nearest E4M3 value of a non-negative x, ties to even, saturating at 448."""
    return torch.from_numpy(np.minimum(x, 448.0)).float().to(torch.float8_e4m3fn).double().numpy()


def mxfp4(w, steps):
    """Blocks of 32 along K; shared exponent floor(log2(amax)) - 2 + the step of least squared error (first on a tie)."""
    b = w.astype(np.float64).reshape(w.shape[0], -1, 32)
    amax = np.abs(b).max(-1, keepdims=True)
    base = np.where(amax > 0, np.frexp(np.where(amax > 0, amax, 1))[1] - 1 - 2, -127)  # frexp is exact: amax = m * 2^e, m in [0.5, 1)
    best, best_error = None, None
    for step in steps:
        scale = np.exp2(np.clip(base + step, -127, 127).astype(np.float64))
        q = e2m1(b / scale) * scale
        error = ((q - b) ** 2).sum(-1, keepdims=True)
        if best is None:
            best, best_error = q, error
        else:
            better = error < best_error
            best, best_error = np.where(better, q, best), np.where(better, error, best_error)
    return best.reshape(w.shape)


def nvfp4(w):
    """Blocks of 16; tensor scale amax / (6 * 448) in float32, block scale E4M3(amax / 6 / tensor scale)."""
    b = w.astype(np.float64).reshape(w.shape[0], -1, 16)
    tensor = float(np.float32(np.abs(b).max() / (6 * 448)))
    scale = e4m3(np.abs(b).max(-1, keepdims=True) / 6 / tensor) * tensor
    return np.where(scale > 0, e2m1(b / np.where(scale > 0, scale, 1)) * scale, 0).reshape(w.shape)


FIRST = 4  # windows also reported by themselves, for tests that cannot wait for all

RULES = {
    "mxfp4_floor": lambda w: mxfp4(w, [0]),
    "mxfp4_mse_floor-1..floor+2": lambda w: mxfp4(w, [-1, 0, 1, 2]),
    "nvfp4_amax": nvfp4,
}


def main():
    folder, text_path = sys.argv[1:3]
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    tok = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
    with open(text_path, encoding="utf-8", newline="") as f:
        ids = tok.encode(f.read()).ids
    ctx = 512
    result = dict(text_ids=len(ids), base=perplexity(model, ids, ctx), base_bos0=perplexity(model, ids, ctx, bos=0),
                  base_first=perplexity(model, ids, ctx, FIRST))
    print(json.dumps(result, indent=1), flush=True)

    parts = windows(ids, ctx)
    # rows 255..510: the predictions of ids 256..511; llama.cpp's convention leaves the first of them out
    base = [torch.log_softmax(logits_of(model, w)[ctx // 2 - 1:-1].double(), -1).float() for w in parts]
    other = dict(targets_256_to_511=[], whole_window=[])
    for w in parts:
        rows = torch.log_softmax(logits_of(model, w)[:-1].double(), -1).gather(1, torch.tensor(w[1:])[:, None])[:, 0]
        other["targets_256_to_511"].append(rows[ctx // 2 - 1:])
        other["whole_window"].append(rows)
    for k, v in other.items():
        v = torch.cat(v)
        result[k] = dict(perplexity=math.exp(-float(v.mean())), tokens=len(v))
    print(json.dumps(result, indent=1), flush=True)

    linears = {n: m for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and n != "lm_head"}
    assert len(linears) == 7 * model.config.num_hidden_layers
    original = {n: m.weight.detach().clone() for n, m in linears.items()}
    for rule, quantize in RULES.items():
        error = energy = 0.0
        for n, m in linears.items():
            w = original[n].numpy()
            q = quantize(w)
            error, energy = error + float(((q - w) ** 2).sum()), energy + float((w.astype(np.float64) ** 2).sum())
            m.weight.data = torch.from_numpy(q.astype(np.float32))
        kl, kl_256, same, nll, nll_256 = [], [], [], [], []
        for w, reference in zip(parts, base):
            full = logits_of(model, w)
            logp = torch.log_softmax(full[ctx // 2 - 1:-1].double(), -1)
            p = reference.double()
            each = (p.exp() * (p - logp)).sum(-1)
            kl_256.append(each)
            kl.append(each[1:])
            same.append((p.argmax(-1) == logp.argmax(-1))[1:])
            nll.append(scored_nll(full, w))
            nll_256.append(-logp.gather(1, torch.tensor(w[ctx // 2:])[:, None])[:, 0])
        first = dict(windows=FIRST, kl_mean=float(torch.cat(kl[:FIRST]).mean()), top1_agreement=float(torch.cat(same[:FIRST]).double().mean()),
                     perplexity=math.exp(float(torch.cat(nll[:FIRST]).mean())))
        kl, same, nll = torch.cat(kl), torch.cat(same).double(), torch.cat(nll)
        result[rule] = dict(kl_mean_256=float(torch.cat(kl_256).mean()), perplexity_256=math.exp(float(torch.cat(nll_256).mean())),
                            kl_mean=float(kl.mean()), kl_median=float(kl.median()), kl_p99=float(torch.quantile(kl, 0.99)), kl_max=float(kl.max()),
                            top1_agreement=float(same.mean()), perplexity=math.exp(float(nll.mean())), tokens=len(kl),
                            weight_relative_mse=error / energy, first=first)
        print(rule, json.dumps(result[rule]), flush=True)
    if len(sys.argv) > 3:
        with open(sys.argv[3], "w") as f:
            json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
