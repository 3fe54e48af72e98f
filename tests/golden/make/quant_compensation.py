"""GPTQ on small layers in NumPy, written from the paper's formulas (arXiv 2210.17323; order and frozen scales as in
arXiv 2509.23202): inputs, codes, scales and errors as JSON.

Usage: python quant_compensation.py OUT.json   (needs numpy)
"""
import json
import sys

import numpy as np

GRID = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6])
BLOCK = 32


def e2m1(x):
    """Code of the nearest element; the layers are chosen without near ties."""
    distance = np.abs(np.abs(x)[..., None] - GRID)
    order = np.sort(distance, axis=-1)
    assert (order[..., 1] - order[..., 0]).min() > 1e-4, "near tie: choose another seed"
    return np.argmin(distance, axis=-1)


def frozen_exponents(w):
    """OCP floor scale of every block: 2^(floor(log2 amax) - 2)."""
    amax = np.abs(w.reshape(w.shape[0], -1, BLOCK)).max(axis=-1)
    return np.floor(np.log2(amax)).astype(int) - 2


def gptq(w, gram, damping, by_diagonal):
    n, k = w.shape
    exponents = frozen_exponents(w)
    order = np.argsort(-np.diag(gram), kind="stable") if by_diagonal else np.arange(k)
    damped = gram[np.ix_(order, order)] + damping * np.mean(np.diag(gram)) * np.eye(k)
    upper = np.linalg.cholesky(np.linalg.inv(damped)).T
    work = w[:, order].copy()
    codes, values = np.zeros((n, k), int), np.zeros((n, k))
    for j in range(k):
        scale = 2.0 ** exponents[:, order[j] // BLOCK]
        code = e2m1(work[:, j] / scale)
        value = np.sign(work[:, j]) * GRID[code] * scale
        codes[:, order[j]] = code + 8 * (work[:, j] < 0)
        values[:, order[j]] = value
        err = (work[:, j] - value) / upper[j, j]
        work[:, j:] -= np.outer(err, upper[j, j:])
    difference = w - values
    return {"codes": codes.ravel().tolist(), "scales": (exponents + 127).ravel().tolist(),
            "error": float(np.trace(difference @ gram @ difference.T)),
            "power": float(np.trace(w @ gram @ w.T))}


def main():
    cases = []
    for seed, rows, cols, damping, by_diagonal in [(1, 3, 32, 0.01, False), (1, 4, 64, 0.01, True)]:
        random = np.random.default_rng(seed)
        # Few digits: the numbers in the file are the numbers.
        w = np.round(random.normal(size=(rows, cols)), 3).astype(np.float32).astype(float)
        mix = np.eye(cols) + 0.8 * np.eye(cols, k=1)
        x = random.normal(size=(3 * cols, cols)) @ mix * np.exp(0.5 * random.normal(size=cols))
        gram = np.round(x.T @ x / len(x), 3)
        cases.append({"rows": rows, "cols": cols, "damping": damping, "by_diagonal": by_diagonal,
                      "weights": w.ravel().tolist(), "gram": gram.ravel().tolist(),
                      **gptq(w, gram, damping, by_diagonal)})
    for case in cases:
        case["weights"] = [round(v, 3) for v in case["weights"]]
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({"cases": cases}, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
