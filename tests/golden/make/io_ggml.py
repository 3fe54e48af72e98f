#!/usr/bin/env python3
"""Makes tests/golden/io_ggml.gguf: one tensor of every ggml type that the GGUF reader decodes, filled with random
blocks, and beside it `<name>.expected`, the same tensor in float32 as the `gguf` package (0.19) decodes it.

Run: python3 tests/golden/make/io_ggml.py        (needs the packages gguf and numpy)
"""
import pathlib

import gguf
import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import quants

ROWS, K = 3, 512
rng = np.random.default_rng(20260911)

# type -> byte offsets of its f16 fields in a block; random bytes there could be NaN or Inf
HALVES = {
    T.Q4_0: [0], T.Q4_1: [0, 2], T.Q5_0: [0], T.Q5_1: [0, 2], T.Q8_0: [0],
    T.Q4_K: [0, 2], T.Q5_K: [0, 2], T.Q6_K: [208], T.MXFP4: [], T.NVFP4: [],
}


def random_blocks(kind):
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    blocks = rng.integers(0, 256, (ROWS * K // elements, size), dtype=np.uint8)
    for at in HALVES[kind]:
        scales = rng.normal(0, 0.05, len(blocks)).astype(np.float16)
        blocks[:, at:at + 2] = scales.view(np.uint8).reshape(-1, 2)
    if kind == T.MXFP4:
        # The whole range but the last exponents, where float32 overflows; 0 and 1 decode to subnormals.
        blocks[:, 0] = rng.integers(100, 140, len(blocks))
        blocks[:4, 0] = [0, 1, 2, 250]
    if kind == T.NVFP4:
        blocks[0, :4] = [0, 0x7f, 0x7e, 1]  # zero, ggml's other zero, the largest, the smallest subnormal
        blocks[1:, :4] &= 0x7f
    return blocks.reshape(ROWS, K // elements * size)


root = pathlib.Path(__file__).resolve().parents[1]
writer = gguf.GGUFWriter(root / "io_ggml.gguf", "test")
for kind in HALVES:
    name = f"{kind.name.lower()}.weight"
    data = random_blocks(kind)
    expected = quants.dequantize(data, kind).astype(np.float32)
    assert expected.shape == (ROWS, K) and np.isfinite(expected).all(), kind
    writer.add_tensor(name, data, raw_dtype=kind)
    writer.add_tensor(name + ".expected", expected)
plain = rng.normal(0, 1, (ROWS, K)).astype(np.float32)
writer.add_tensor("f16.weight", plain.astype(np.float16))
writer.add_tensor("f16.weight.expected", plain.astype(np.float16).astype(np.float32))
bf16 = quants.quantize(plain, T.BF16)
writer.add_tensor("bf16.weight", bf16, raw_dtype=T.BF16)
writer.add_tensor("bf16.weight.expected", quants.dequantize(bf16, T.BF16))

# One key of each type, for the key-value reader.
writer.add_uint8("k.u8", 255)
writer.add_int8("k.i8", -128)
writer.add_uint16("k.u16", 65535)
writer.add_int16("k.i16", -32768)
writer.add_uint32("k.u32", 4294967295)
writer.add_int32("k.i32", -2147483648)
writer.add_uint64("k.u64", 2**64 - 1)
writer.add_int64("k.i64", -(2**63))
writer.add_float32("k.f32", 0.5)
writer.add_float64("k.f64", 1e300)
writer.add_bool("k.bool", True)
writer.add_string("k.string", "häuser")
writer.add_array("k.strings", ["a", "", "ccc"])
writer.add_array("k.integers", [1, -2, 3])
writer.add_array("k.numbers", [1.5, -2.5])
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
