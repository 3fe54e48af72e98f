"""Shared by the reference_*.py scripts: GGUF weights into transformers, llama.cpp's perplexity, golden summaries."""
import hashlib
import math

import gguf
import numpy as np
import torch
import transformers
from safetensors.numpy import save_file

LAYER = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}


class Gguf:
    """A GGUF file: `kv` by name, tensors dequantized to float32 on request."""

    def __init__(self, path):
        self.path = path
        self.reader = gguf.GGUFReader(path)
        self.tensors = {t.name: t for t in self.reader.tensors}

    def kv(self, name, default=None):
        field = self.reader.fields.get(name)
        return default if field is None else field.contents()

    def tensor(self, name):
        t = self.tensors[name]
        return np.array(gguf.dequantize(t.data, t.tensor_type), np.float32).reshape([int(d) for d in reversed(t.shape)])

    def sha256(self):
        with open(self.path, "rb") as f:
            return hashlib.file_digest(f, "sha256").hexdigest()


def half_rotate(w, heads):
    """Rows of each head from interleaved pairs to (first half, second half): undoes llama.cpp's permutation."""
    return w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def load_model(config, state):
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    missing, unexpected = model.load_state_dict({k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in state.items()}, strict=False)
    assert not unexpected and set(missing) <= {"lm_head.weight"}, (missing, unexpected)
    model.tie_weights()
    return model


def logits_of(model, ids):
    with torch.no_grad():
        return model(torch.tensor([list(map(int, ids))])).logits[0].float()


def windows(ids, ctx, count=None):
    """Full, non-overlapping windows; a rest shorter than ctx is dropped, as perplexity.cpp does."""
    total = len(ids) // ctx
    count = total if count is None else min(count, total)
    return [list(ids[i * ctx:(i + 1) * ctx]) for i in range(count)]


def scored_nll(logits, ids):
    """NLL of ids[j+1] for j = ctx/2 .. ctx-2 (ctx/2 - 1 tokens), as in perplexity.cpp. float64."""
    ctx = len(ids)
    rows = logits[ctx // 2: ctx - 1].double()
    target = torch.tensor(ids[ctx // 2 + 1: ctx])
    return torch.logsumexp(rows, -1) - rows.gather(1, target[:, None])[:, 0]


def perplexity(model, ids, ctx, count=None, bos=None, log=print):
    total, n, done = 0.0, 0, 0
    for w in windows(ids, ctx, count):
        if bos is not None:
            w[0] = bos
        nll = scored_nll(logits_of(model, w), w)
        total, n, done = total + float(nll.sum()), n + len(nll), done + 1
        if done in (1, 4, 8, 16, 32) or done % 16 == 0:
            log(f"  windows {done}: perplexity {math.exp(total / n):.6f}")
    return dict(perplexity=math.exp(total / n), nll=total / n, tokens=n, windows=done)


def kept_columns(vocab, count=64):
    """64 vocabulary ids spread over the whole range, the first and last among them."""
    return np.unique(np.linspace(0, vocab - 1, count).astype(np.int64)).astype(np.int32)


def save_golden(path, ids, logits, source):
    """Small form of [T, V] logits: argmax, the two largest, log-sum-exp, and 64 columns, of every position."""
    columns = kept_columns(logits.shape[1])
    top = torch.topk(logits, 2, dim=-1)
    save_file(dict(ids=np.array(ids, np.int32), argmax=top.indices[:, 0].numpy().astype(np.int32),
                   max_logit=top.values[:, 0].contiguous().numpy(), second_logit=top.values[:, 1].contiguous().numpy(),
                   log_sum_exp=torch.logsumexp(logits.double(), -1).float().numpy(), column_ids=columns,
                   columns=np.ascontiguousarray(logits[:, torch.from_numpy(columns).long()].numpy())),
              path, metadata={"source": f"{source}; transformers {transformers.__version__}, torch {torch.__version__}, float32, eager attention"})


def save_full(path, ids, logits):
    save_file(dict(ids=np.array(ids, np.int32), logits=np.ascontiguousarray(logits.numpy()),
                   argmax=logits.argmax(-1).numpy().astype(np.int32)), path)


def greedy(model, ids, count, stop=()):
    out = list(ids)
    for _ in range(count):
        out.append(int(logits_of(model, out)[-1].argmax()))
        if out[-1] in stop:
            break
    return out[len(ids):]
