"""Prints roofline.md: what an RTX 5090 should reach, from its data sheet and the shares that other runs reached.

    python3 cuda/roofline.py > cuda/roofline.md

A prediction: no such card has run this code yet.
"""

BANDWIDTH = 1792e9  # bytes/s, 512 bit x 28 Gb/s
FP4 = 1676e12  # dense FP4 operations/s with float32 sums
FP8 = 838e12  # the block-scaled instruction with E4M3
FP16 = 209.5e12  # fp16 and bf16 with float32 sums
# Shares of these limits: mat-vecs and matrix products of this library on an H100 (tests/results), rounded down.
READ_SHARE, PRODUCT_SHARE = 0.80, 0.65
FP16_SHARE = 1.0  # f16 products of the maker's libraries reach the data sheet's rate: the card clocks higher than it says
LAUNCH = 2.0e-6  # s a kernel costs beyond its bytes or operations, within a graph

MXFP4_BITS, NVFP4_BITS = 4.25, 4.5
TOKENS = (1, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096)

# Llama-3-8B: name, outputs, inputs
LAYER = (("q, k, v", 6144, 4096), ("output", 4096, 4096), ("gate, up", 28672, 4096), ("down", 4096, 14336))
# QuTLASS on an RTX 5090, a layer of 51200 x 5120, rotation and rounding of inputs included (arXiv 2509.23202): TFLOP/s of bf16 and
# of MXFP4 with Hadamard 32, read from the plot.
PUBLISHED = {1: (1.6, 3.2), 16: (24, 55), 32: (28, 119), 64: (56, 268), 128: (129, 545), 256: (187, 921), 512: (224, 1215),
             2048: (224, 1281)}


def product_seconds(m, n, k, weight_bits, rate, input_bytes, share=PRODUCT_SHARE):
    bytes_moved = n * k * weight_bits / 8 + m * k * input_bytes + m * n * 4
    return max(bytes_moved / (BANDWIDTH * READ_SHARE), 2 * m * n * k / (rate * share)) + LAUNCH


def rounding_seconds(m, k):
    """Inputs rotated and rounded: float32 read, codes and scales written."""
    return m * k * (4 + MXFP4_BITS / 8) / (BANDWIDTH * READ_SHARE) + LAUNCH


def fp4_seconds(m, n, k, bits=MXFP4_BITS):
    if m <= 16:  # unrounded inputs, f16 operands
        return product_seconds(m, n, k, bits, FP16, 4)
    return product_seconds(m, n, k, bits, FP4, bits / 8) + rounding_seconds(m, k)


def fp16_seconds(m, n, k):
    return product_seconds(m, n, k, 16, FP16, 2, FP16_SHARE)


def microseconds(seconds):
    return f"{seconds * 1e6:.1f}" if seconds < 1e-3 else f"{seconds * 1e6:,.0f}"


def main():
    print(f"""# RTX 5090: what to expect

**A prediction**, made by `roofline.py`; no such card has run this code yet. Limits of the card: {BANDWIDTH / 1e9:.0f} GB/s, dense FP4
{FP4 / 1e12:.0f} TFLOP/s, FP8 with block scales {FP8 / 1e12:.0f}, f16 {FP16 / 1e12:.1f} (float32 sums). Taken to be reached: {READ_SHARE:.0%} of the bandwidth and
{PRODUCT_SHARE:.0%} of the operations, as this library's kernels reach on an H100 (f16: all of them, as its maker's library does), and {LAUNCH * 1e6:.0f} us for each kernel.
Attention and the small operations of a layer are left out.

## A layer of Llama-3-8B, one token

| product | rows x columns | MXFP4 bytes | NVFP4 bytes | f16 bytes | operations | floor MXFP4, us | predicted | f16 |
|---|---|---:|---:|---:|---:|---:|---:|---:|""")
    total = [0.0] * 4
    for name, n, k in LAYER:
        row = (n * k * MXFP4_BITS / 8 / BANDWIDTH, fp4_seconds(1, n, k), fp16_seconds(1, n, k), fp4_seconds(1, n, k, NVFP4_BITS))
        total = [a + b for a, b in zip(total, row)]
        print(f"| {name} | {n} x {k} | {n * k * MXFP4_BITS / 8e6:.1f} MB | {n * k * NVFP4_BITS / 8e6:.1f} MB | {n * k * 2 / 1e6:.1f} MB"
              f" | {2 * n * k / 1e6:.0f} M | {row[0] * 1e6:.1f} | {row[1] * 1e6:.1f} | {row[2] * 1e6:.1f} |")
    weights = sum(n * k for _, n, k in LAYER)
    print(f"| layer | | {weights * MXFP4_BITS / 8e6:.1f} MB | {weights * NVFP4_BITS / 8e6:.1f} MB | {weights * 2 / 1e6:.1f} MB"
          f" | {2 * weights / 1e6:.0f} M | {total[0] * 1e6:.1f} | {total[1] * 1e6:.1f} | {total[2] * 1e6:.1f} |")
    head = 128256 * 4096
    small = 4 * LAUNCH  # norms, attention, activation
    tokens = [1 / (32 * (t + small) + h) for t, h in ((total[1], fp4_seconds(1, 128256, 4096)),
                                                     (total[3], fp4_seconds(1, 128256, 4096, NVFP4_BITS)),
                                                     (total[2], fp16_seconds(1, 128256, 4096)))]
    floor = BANDWIDTH / ((32 * weights + head) * MXFP4_BITS / 8)
    print(f"""
32 layers, head in the same format, four small kernels a layer: **{tokens[0]:.0f} tokens/s** in MXFP4 (bytes alone: {floor:.0f}), {tokens[1]:.0f} in NVFP4,
{tokens[2]:.0f} in f16.

## Prefill, all products of a layer

Inputs of more than 16 tokens rounded to 4 bits (MXFP4, rounding included) or 8 bits; f16 as the libraries do it.

| tokens | operations | W4A4, us | W4A8, us | f16, us | W4A4 over f16 |
|---:|---:|---:|---:|---:|---:|""")
    for m in TOKENS:
        four = sum(fp4_seconds(m, n, k) for _, n, k in LAYER)
        eight = four if m <= 16 else sum(product_seconds(m, n, k, MXFP4_BITS, FP8, 8.25 / 8) + rounding_seconds(m, k) for _, n, k in LAYER)
        half = sum(fp16_seconds(m, n, k) for _, n, k in LAYER)
        print(f"| {m} | {2 * m * weights / 1e9:,.1f} G | {microseconds(four)} | {microseconds(eight)} | {microseconds(half)} | {half / four:.1f} x |")
    print("""
## Beside published measurements

One product of 51200 x 5120, rotation and rounding included: QuTLASS on an RTX 5090 against bf16 (arXiv 2509.23202, read from the
plot), and what the formulas above give.

| tokens | published bf16, MXFP4, TFLOP/s | published ratio | predicted MXFP4, TFLOP/s | predicted ratio |
|---:|---|---:|---:|---:|""")
    for m, (bf16, mxfp4) in PUBLISHED.items():
        seconds = fp4_seconds(m, 51200, 5120)
        print(f"| {m} | {bf16:g}, {mxfp4:g} | {mxfp4 / bf16:.1f} x | {2 * m * 51200 * 5120 / seconds / 1e12:,.0f}"
              f" | {fp16_seconds(m, 51200, 5120) / seconds:.1f} x |")


main()
