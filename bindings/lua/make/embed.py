"""Writes Lua modules as C++ initializers {name, text}: python3 embed.py OUTPUT MODULE.lua..."""

import pathlib
import sys


def module_name(path):
    return path.stem if path.stem == "fp4" else "fp4." + path.stem


def entry(path):
    text = path.read_text(encoding="utf-8")
    if ')lua"' in text:
        sys.exit(f"embed.py: {path} cannot be a raw string")
    return f'{{"{module_name(path)}", R"lua({text})lua"}},\n'


pathlib.Path(sys.argv[1]).write_text("".join(entry(pathlib.Path(name)) for name in sys.argv[2:]), encoding="utf-8")
