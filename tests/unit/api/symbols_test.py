"""The library exports exactly the functions of fp4.h, which are those of api/symbols.txt.

symbols_test.py NM LIBRARY FP4_H SYMBOLS_TXT
"""

import re
import subprocess
import sys


def header_functions(path):
    text = open(path, encoding="utf-8").read()
    text = text[text.index("/* <cdef>") : text.index("/* </cdef> */")]
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return set(re.findall(r"FP4_API[^;]*?\b(fp4_\w+)\(", text))


def listed_symbols(path):
    names = set()
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        match = re.fullmatch(r"(fp4_\w+) (\d+\.\d+)\n", line)
        if not match:
            sys.exit(f"{path}:{number}: expected 'name version', found {line!r}")
        names.add(match.group(1))
    return names


def exported_symbols(nm, library):
    output = subprocess.run([nm, "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    names = set()
    for line in output.splitlines():
        kind, name = line.split()[-2:]
        if kind != "A":  # the version node itself
            names.add(name.split("@")[0])
    return names


def main():
    nm, library, header, symbols = sys.argv[1:]
    expected = listed_symbols(symbols)
    failed = False
    for what, found in (("fp4.h", header_functions(header)), (library, exported_symbols(nm, library))):
        for name in sorted(found - expected):
            print(f"{name} is in {what} but not in {symbols}")
        for name in sorted(expected - found):
            print(f"{name} is in {symbols} but not in {what}")
        failed |= found != expected
    print(f"{len(expected)} symbols")
    return 1 if failed else 0


sys.exit(main())
