#!/usr/bin/env python3
"""What the compiler made of each kernel: tensor-core instructions, registers, shared memory, spills.

    python3 cuda/kernel_report.py --arch sm_120f build/cuda/*.o
    python3 cuda/kernel_report.py --arch sm_90a libfp4.so

Reads objects, libraries or cubins with cuobjdump (CUDA Toolkit, or the Python packages nvidia-cuda-cuobjdump and
nvidia-cuda-nvdisasm) and prints a Markdown table. Exit status 1 if a kernel spills registers. Dynamic shared
memory is not in the binary: the kernels' own static_asserts bound it.
"""
import argparse
import re
import subprocess
import sys

TENSOR = ["OMMA", "QMMA", "HGMMA", "QGMMA", "HMMA"]


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def demangle(names):
    text = subprocess.run(["c++filt"], input="\n".join(names), check=True, capture_output=True, text=True).stdout
    return dict(zip(names, text.splitlines()))


def short(name):
    """Kernel name and template arguments, without namespaces, enumeration types and parameters."""
    name = re.sub(r"\(anonymous namespace\)::|fp4::(cuda::)?", "", name)
    name = re.sub(r"^void ", "", name)
    name = re.sub(r"\(BlockFormat\)0", "mxfp4", name)
    name = re.sub(r"\(BlockFormat\)1", "nvfp4", name)
    name = re.sub(r"\(BlockFormat\)2", "mxfp8-e4m3", name)
    name = re.sub(r"\(Emulation\)0", "exact", name)
    name = re.sub(r"\(Emulation\)1", "fast", name)
    depth = 0
    for i, c in enumerate(name):
        depth += (c == "<") - (c == ">")
        if c == "(" and depth == 0:
            return name[:i]
    return name


def resources(path, arch):
    """Mangled name -> registers, stack bytes and static shared memory."""
    found = {}
    current = None
    for line in run("cuobjdump", "-res-usage", *arch_option(path, arch), path).splitlines():
        match = re.match(r"\s*Function (\S+):", line)
        if match:
            current = match.group(1)
        match = re.search(r"REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)", line)
        if match and current and current != "GLOBAL":
            found[current] = [int(x) for x in match.groups()]
            current = None
    return found


def instructions(path, arch):
    """Mangled name -> count of each opcode."""
    found, current = {}, None
    for line in run("cuobjdump", "-sass", *arch_option(path, arch), path).splitlines():
        match = re.match(r"\s*Function : (\S+)", line)
        if match:
            current = found.setdefault(match.group(1), {})
        match = re.match(r"\s+/\*[0-9a-f]{4,}\*/\s+(?:@!?U?P\w+\s+)?([A-Z0-9_]+)", line)
        if match and current is not None:
            current[match.group(1)] = current.get(match.group(1), 0) + 1
            current["all"] = current.get("all", 0) + 1
    return found


def arch_option(path, arch):
    return [] if path.endswith(".cubin") else ["-arch", arch]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="sm_120f")
    parser.add_argument("files", nargs="+")
    options = parser.parse_args()
    rows, spilled = [], False
    for path in options.files:
        opcodes = instructions(path, options.arch)
        usage = resources(path, options.arch)
        names = demangle(list(opcodes))
        for name, counts in opcodes.items():
            registers, stack, shared, _ = usage.get(name, (0, 0, 0, 0))
            spills = counts.get("LDL", 0) + counts.get("STL", 0)
            spilled = spilled or spills > 0
            tensor = [counts.get(kind, 0) for kind in TENSOR]
            rows.append([short(names[name]), counts.get("all", 0), *tensor, registers, shared, stack, spills])
    header = ["kernel (" + options.arch + ")", "instructions", *TENSOR, "registers", "static shared", "stack", "spill loads and stores"]
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in sorted(rows):
        print("| " + " | ".join(str(cell) if cell or isinstance(cell, str) else "-" for cell in row) + " |")
    return 1 if spilled else 0


if __name__ == "__main__":
    sys.exit(main())
