"""``vllm serve MODEL …`` as the chart renders it, and ``control`` to switch faults while it runs."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys

from fake_engine import control, flags, surface
from fake_engine.engine import StartupError
from fake_engine.serve import serve
from fake_engine.settings import Settings

USAGE = """usage: vllm [--OPTION=VALUE …] serve MODEL [flags of vllm serve 0.32]
       vllm control [FAULT=VALUE … | reset]
       vllm --version

OPTION, or FAKE_OPTION in the environment:
"""


def main(arguments: list[str]) -> int:
    """Run one command; the exit code."""
    own: dict[str, str] = {}
    while arguments and arguments[0].startswith("--") and "=" in arguments[0]:
        name, _, value = arguments.pop(0).removeprefix("--").partition("=")
        own[name.replace("-", "_")] = value
    try:
        settings = Settings.read(os.environ, own)
    except (KeyError, ValueError) as error:
        sys.stderr.write(f"vllm: error: fake engine option: {error}\n")
        return 2
    command, *rest = arguments or ["--help"]
    if command == "serve":
        return _serve(rest, settings)
    if command == "control":
        return control.client(settings.control_port, rest)
    if command == "--version":
        sys.stdout.write(surface.VERSION + "\n")
        return 0
    options = (f"  --{f.name.replace('_', '-')} {f.default!r}\n" for f in dataclasses.fields(Settings))
    sys.stdout.write(USAGE + "".join(options))
    return 0 if command in {"-h", "--help"} else 2


def _serve(arguments: list[str], settings: Settings) -> int:
    try:
        options = flags.parse(arguments)
    except flags.BadArgumentsError as error:
        sys.stderr.write(f"usage: vllm serve [model_tag] [options]\nvllm serve: error: {error}\n")
        return 2
    try:
        asyncio.run(serve(options, settings))
    except StartupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
