"""Writes the example program of the comment at the top of fp4.h as a C file: extract_example.py FP4_H OUT_C"""

import sys

lines = open(sys.argv[1], encoding="utf-8").read().split("*/")[0].splitlines()
inside = [line[5:] if line.startswith(" *   ") else "" for line in lines]
first = inside.index("#include <fp4.h>")
last = inside.index("}", first)
with open(sys.argv[2], "w", encoding="utf-8") as out:
    out.write("\n".join(inside[first : last + 1]) + "\n")
