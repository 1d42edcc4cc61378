"""The KV cache as a budget of blocks, and the prefix cache as a set of prompts' leading blocks."""

from __future__ import annotations

from collections import OrderedDict


class KvCache:
    """Counts blocks; holds no data."""

    def __init__(self, *, tokens: int, block_tokens: int, prefix_caching: bool) -> None:
        self.block_tokens = block_tokens
        self.blocks = max(1, tokens // block_tokens)
        self.used = 0
        self._prefixes: OrderedDict[int, None] | None = OrderedDict() if prefix_caching else None

    def need(self, tokens: int) -> int:
        """Blocks that hold so many tokens."""
        return -(-tokens // self.block_tokens)

    def take(self, blocks: int) -> bool:
        """Reserve blocks, or leave everything as it is and say no."""
        if self.used + blocks > self.blocks:
            return False
        self.used += blocks
        return True

    def give(self, blocks: int) -> None:
        """Give blocks back."""
        self.used -= blocks

    @property
    def usage(self) -> float:
        """0 to 1."""
        return self.used / self.blocks

    def cached(self, prompt: list[int]) -> int:
        """Tokens at the start of the prompt that an earlier one left here; remembers this prompt too."""
        if self._prefixes is None:
            return 0
        hits, seen, matching = 0, 0, True
        for start in range(0, len(prompt) - self.block_tokens, self.block_tokens):
            seen = hash((seen, *prompt[start : start + self.block_tokens]))
            matching = matching and seen in self._prefixes
            hits += self.block_tokens if matching else 0
            self._prefixes[seen] = None
            self._prefixes.move_to_end(seen)
        while len(self._prefixes) > self.blocks:
            self._prefixes.popitem(last=False)
        return hits
