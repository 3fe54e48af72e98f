#!/usr/bin/env python3
"""Opens a .fp4 file with the Python package safetensors and decodes it from libfp4/io/README.md alone.

Usage: fp4_python_test.py PROGRAM, where PROGRAM writes the sample file. Exit code 77: a package is missing.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

try:
    import numpy as np
    import safetensors
    from safetensors import safe_open
except ImportError as missing:
    print(f"skipped: {missing} in {sys.executable}; install it: pip install safetensors numpy")
    sys.exit(77)

E2M1 = np.array([0, .5, 1, 1.5, 2, 3, 4, 6, -0., -.5, -1, -1.5, -2, -3, -4, -6], np.float32)


def e8m0(code):
    return np.float32(2.0) ** (code.astype(np.int32) - 127)


def e4m3(code):
    exponent, mantissa = (code >> 3 & 15).astype(np.int32), (code & 7).astype(np.float32)
    return np.where(exponent == 0, mantissa * 2.0**-9, (1 + mantissa / 8) * 2.0 ** (exponent - 7)).astype(np.float32)


def decode(codes, scales, tensor_scale, block, k):
    nibbles = np.stack([codes & 15, codes >> 4], axis=-1).reshape(len(codes), -1)
    return (E2M1[nibbles] * np.repeat(scales, block, axis=1) * tensor_scale)[:, :k]


def check(path):
    image = path.read_bytes()
    header_bytes = int.from_bytes(image[:8], "little")
    assert (8 + header_bytes) % 256 == 0, "data section is not aligned"
    header = json.loads(image[8:8 + header_bytes])

    with safe_open(path, framework="np") as file:  # refuses holes, overlaps and wrong sizes
        metadata = file.metadata()
        dtypes = {name: file.get_slice(name).get_dtype() for name in file.keys()}
        expected = {name: file.get_tensor(name + ".expected") for name in ("mxfp4", "nvfp4")}
    assert metadata["format"] == "fp4" and metadata["fp4_profile_version"] == "1"
    assert json.loads(metadata["fp4_manifest"]) == {"recipe": "sample"}
    assert dtypes["mxfp4.block_scale"] == "F8_E8M0" and dtypes["nvfp4.block_scale"] == "F8_E4M3", dtypes

    stored = {}
    for name, view in safetensors.deserialize(image):
        stored[name] = np.frombuffer(bytes(view["data"]), np.uint8).reshape(view["shape"] + [-1]).squeeze(-1) \
            if view["dtype"] in ("U8", "F8_E8M0", "F8_E4M3") else view
        if name.startswith("fp4.pad."):
            assert not stored[name].any()
        else:
            assert header[name]["data_offsets"][0] % 256 == 0, name
            assert len(metadata["fp4_hash." + name]) == 16

    tensors = json.loads(metadata["fp4_tensors"])
    assert set(tensors) == {"mxfp4", "nvfp4"}
    for name, (block, decode_scale) in {"mxfp4": (32, e8m0), "nvfp4": (16, e4m3)}.items():
        assert tensors[name]["encoding"] == name
        rows, k = tensors[name]["shape"]
        tensor_scale = np.frombuffer(bytes(stored[name + ".tensor_scale"]["data"]), np.float32)[0]
        values = decode(stored[name + ".codes"], decode_scale(stored[name + ".block_scale"]), tensor_scale, block, k)
        assert values.shape == expected[name].shape == (rows, k)
        error = np.abs(values - expected[name]).max()
        assert error <= 1e-6 * np.abs(expected[name]).max(), (name, error)  # order of the two products
        assert np.abs(values).max() > 1


with tempfile.TemporaryDirectory() as folder:
    sample = pathlib.Path(folder) / "sample.fp4"
    subprocess.run([sys.argv[1], str(sample)], check=True)
    check(sample)
print("ok")
