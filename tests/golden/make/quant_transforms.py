#!/usr/bin/env python3
"""Makes tests/golden/quant/transforms.json: block matrices and small WUSH and DuQuant examples, computed from their
definitions with numpy in another way than the library does (recursion and sorting by sign changes for GSR, the
trigonometric sums for DCT and DST, explicit Givens matrices for DuQuant, an SVD for WUSH).

Run: python3 tests/golden/make/quant_transforms.py        (needs numpy)
"""
import json
import math
import pathlib

import numpy as np


def sylvester(k):
    h = np.ones((1, 1))
    while len(h) < k:
        h = np.block([[h, h], [h, -h]])
    return h


def gsr(k):
    h = sylvester(k)
    changes = [int(np.sum(h[1:, j] != h[:-1, j])) for j in range(k)]
    return h[:, np.argsort(changes)] / math.sqrt(k)


def dct(k):
    m = np.array([[math.cos(math.pi * (2 * i + 1) * j / (2 * k)) for j in range(k)] for i in range(k)])
    return m / np.sqrt(np.sum(m * m, axis=0))  # columns of length one


def dst(k):
    m = np.array([[math.sin(math.pi * (2 * i + 1) * (j + 1) / (2 * k)) for j in range(k)] for i in range(k)])
    return m / np.sqrt(np.sum(m * m, axis=0))


def duquant_base(n):
    rotation = np.eye(n)
    for i in range(n - 1):
        givens = np.eye(n)
        c, s = 1 / math.sqrt(i + 2), math.sqrt(i + 1) / math.sqrt(i + 2)
        givens[i:i + 2, i:i + 2] = [[c, -s], [s, c]]
        rotation = givens @ rotation
    swap = np.eye(n)
    swap[[0, n - 1]] = swap[[n - 1, 0]]
    return swap @ rotation @ swap


def wush(k):
    """Integers as inputs and weights, so that the file holds them exactly."""
    rng = np.random.default_rng(8)
    x = rng.integers(-9, 10, (3 * k, k)) * np.where(np.arange(k) == 5, 20, 1)
    w = rng.integers(-5, 6, (2 * k, k))
    gram = x.T @ x / len(x)
    damped = gram + 0.01 * np.mean(np.diag(gram)) * np.eye(k)
    upper = np.linalg.cholesky(damped).T
    v, s, _ = np.linalg.svd(upper @ w.T, full_matrices=False)
    v = v * np.sign(v[np.argmax(np.abs(v), axis=0), np.arange(k)])
    s = s / math.sqrt(len(w))
    s = s + 0.01 * np.mean(s)
    t = sylvester(k) / math.sqrt(k) @ np.diag(np.sqrt(s)) @ v.T @ np.linalg.inv(upper.T)
    return {"x": x.tolist(), "w": w.tolist(), "matrix": t.T.tolist()}


golden = {
    "gsr16": gsr(16).tolist(),
    "gsr32": gsr(32).tolist(),
    "dct16": dct(16).tolist(),
    "dct32": dct(32).tolist(),
    "dst16": dst(16).tolist(),
    "dst32": dst(32).tolist(),
    "hadamard16": (sylvester(16) / 4).tolist(),
    "duquant_base16": duquant_base(16).tolist(),
    "wush16": wush(16),
}
target = pathlib.Path(__file__).parents[1] / "quant" / "transforms.json"
target.parent.mkdir(exist_ok=True)
rows = json.dumps(golden).replace("], [", "],\n[").replace('}, "', '},\n"').replace(', "', ',\n"')
target.write_text(rows + "\n", encoding="utf-8")
