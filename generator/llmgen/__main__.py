"""Entry point of ``llmgen`` and ``python -m llmgen``."""

from __future__ import annotations

from llmgen.cli import main

if __name__ == "__main__":
    main()
