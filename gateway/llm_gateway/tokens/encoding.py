"""Count tokens of a text: fastokens where it agrees with the reference, else the reference itself.

fastokens is 30 times faster than tokenizers and lets go of the interpreter lock, so that it may run on the event loop. It is
known to differ on a few tokenizers, so each one is compared on a corpus before it is trusted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from llm_gateway.tokens.files import TokenizerError

Encode = Callable[[str, bool], int]
"""Text and whether to add the model's own special tokens → number of tokens."""

PARITY_TEXTS = (
    "", " ", "\n\n\n", "a", "Hello, world!", "  leading and trailing  ", "tab\tand\r\nline ends\r", "don't can't I'll we've IT'S",
    "3.14159 1,000,000 0x7f 007 1234567890123456789", "snake_case camelCase kebab-case UPPER", "https://example.com/a?b=c&d=%20#e",
    'def f(x: int) -> str:\n    return f"{x!r:>10}"  # comment\n\n\n\tpass', '{"a": [1, 2.5, null, true], "b": {"c": "d\\n"}}',
    "naïve café résumé Ærøskøbing Straße ﬁ ligature", "日本語のテキスト、漢字とかな。", "中文文本没有空格\uff0c全角标点\uff01",
    "한국어 텍스트입니다",
    "Русский текст и ещё", "العربية نص من اليمين", "हिन्दी पाठ", "ไทยไม่มีวรรค", "👍🏽 👨\u200d👩\u200d👧\u200d👦 🇩🇪 ❤\ufe0f",
    "e\u0301 \u00e9 \u1e9b\u0323 \ufb01", "\u200b\u200d\ufeff\u00a0\u3000\u2028x", "\x00\x01\x1b[31m\x7f", "a" * 300, " " * 300,
    "ab " * 200, "!?" * 100, "\n" * 50 + "x", "<|im_start|>user\nhi<|im_end|>\n", "<s>[INST] hi [/INST]</s>",
    "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nhi<|eot_id|>", "<bos><start_of_turn>user", "<unk><pad><mask></s>",
    "<|endoftext|> <|im_start|><|im_start|>  <|im_end|>x", "<think>\nhm\n</think>\n\n<tool_call>\n{}\n</tool_call>",
)  # fmt: skip


def load(tokenizer: str) -> tuple[Encode, str, str | None]:
    """Counter for the text of a tokenizer.json, the library it uses, and why that is not fastokens if it is not.

    Raises TokenizerError where not even the reference can read it.
    """
    from tokenizers import Tokenizer  # noqa: PLC0415 -- 30 ms that a gateway without tokenizers need not spend

    try:
        reference = Tokenizer.from_str(tokenizer)
    except Exception as error:  # tokenizers raises bare Exception
        raise TokenizerError(f"tokenizer.json: {error}") from error
    reference.no_truncation()
    reference.no_padding()

    def by_reference(text: str, special: bool) -> int:  # noqa: FBT001 -- Encode's shape
        return len(reference.encode(text, add_special_tokens=special).ids)

    try:
        fast = _fast(tokenizer)
        differing = next(_differences(fast, reference), None)
    except Exception as error:  # noqa: BLE001 -- whatever the library does not know yet; the reference does it
        return by_reference, "tokenizers", f"fastokens cannot read it: {error}"
    if differing is not None:
        return by_reference, "tokenizers", f"fastokens differs on {differing[:40]!r}"

    def by_fastokens(text: str, special: bool) -> int:  # noqa: FBT001 -- Encode's shape
        return len(fast.encode(text, add_special_tokens=special))

    return by_fastokens, "fastokens", None


def _fast(tokenizer: str) -> Any:  # noqa: ANN401 -- fastokens' own type
    from fastokens import Tokenizer  # type: ignore[import-untyped]  # noqa: PLC0415 -- as above; it has no py.typed

    fast = Tokenizer.from_json_str(tokenizer)
    fast.no_truncation()
    fast.no_padding()
    return fast


def _differences(fast: Any, reference: Any) -> Iterator[str]:  # noqa: ANN401 -- two libraries, one shape
    added = [str(token.content) for token in reference.get_added_tokens_decoder().values()][:200]
    texts = (*PARITY_TEXTS, *(f"x{token} y{token}{token}\n" for token in added))
    for special in (False, True):
        for text in texts:
            if (
                list(fast.encode(text, add_special_tokens=special).ids)
                != reference.encode(text, add_special_tokens=special).ids
            ):
                yield text
