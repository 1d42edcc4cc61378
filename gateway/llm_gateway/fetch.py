"""``python -m llm_gateway.fetch FOLDER TARGET=REPO@REVISION[#VARIABLE]...``: the files that prompts are counted with, from the hub.

Each target becomes a folder below FOLDER. VARIABLE names the environment variable with the access token; HF_ENDPOINT replaces the hub.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

HUB = "https://huggingface.co"
FILES = ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "special_tokens_map.json")
REQUIRED = "tokenizer.json"
LARGEST_BYTES = 256 * 2**20  # the largest tokenizer.json in use has 33 MB; more is no tokenizer
TIMEOUT_S = 30
TRIES = 4
_SOURCE = re.compile(
    r"(?P<target>[a-z0-9-]+(/[a-z0-9-]+)*)=(?P<repo>[A-Za-z0-9][\w.-]*/[\w.-]+)@(?P<revision>[\w./-]+)(#(?P<variable>\w+))?"
)


class FetchError(Exception):
    """The files of one source cannot be had; the text says why, and never holds a token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One tokenizer. target: folder below the root. variable: of the environment, with the token."""

    target: str
    repo: str
    revision: str
    variable: str | None

    @classmethod
    def parse(cls, text: str) -> Source:
        """Read TARGET=REPO@REVISION[#VARIABLE]. Raises FetchError."""
        found = _SOURCE.fullmatch(text)
        if found is None or ".." in text:
            raise FetchError(f"{text!r}: expected TARGET=OWNER/NAME@REVISION or TARGET=OWNER/NAME@REVISION#VARIABLE")
        return cls(target=found["target"], repo=found["repo"], revision=found["revision"], variable=found["variable"])


class _NoForeignToken(urllib.request.HTTPRedirectHandler):
    """Large files live on another host, which must not see the token."""

    def redirect_request(
        self, req: urllib.request.Request, fp: object, code: int, msg: str, headers: object, newurl: str
    ) -> urllib.request.Request | None:
        following = super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]
        if following is not None and urllib.parse.urlsplit(newurl).netloc != urllib.parse.urlsplit(req.full_url).netloc:
            following.remove_header("Authorization")
        return following


_OPENER = urllib.request.build_opener(_NoForeignToken)


def fetch(source: Source, root: Path, *, hub: str = HUB, token: str | None = None, pause_s: float = 1.0) -> list[str]:
    """Write the files of ``source`` below ``root`` and return their names. Raises FetchError.

    pause_s: seconds before the second try; doubles with each.
    """
    folder = root / source.target
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in FILES:
        revision = urllib.parse.quote(source.revision, safe="")
        url = f"{hub.rstrip('/')}/{source.repo}/resolve/{revision}/{name}"
        content = _get(url, token, pause_s)
        if content is None:
            (folder / name).unlink(missing_ok=True)
            if name == REQUIRED:
                raise FetchError(f"{source.repo}@{source.revision} has no {name}")
            continue
        _check(source, name, content)
        (folder / name).write_bytes(content)
        written.append(name)
    return written


def _check(source: Source, name: str, content: bytes) -> None:
    """Refuse what is no tokenizer file: a proxy's page, a pointer of Git LFS, half a file."""
    if name.endswith(".json"):
        try:
            whole = isinstance(json.loads(content), dict)
        except ValueError:
            whole = False
        if not whole:
            raise FetchError(f"{source.repo}@{source.revision}: {name} is no JSON object")


def _get(url: str, token: str | None, pause_s: float) -> bytes | None:
    """The body, None for 404. Tries again where the hub is busy or out of reach."""
    reason = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(pause_s * 2 ** (attempt - 1))
        try:
            return _once(url, token)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == HTTPStatus.NOT_FOUND:
                return None
            _raise_for(url, error.code, token)
            reason = f"HTTP {error.code}"
        except (OSError, ValueError) as error:
            reason = str(error)
    raise FetchError(f"{url}: {reason}, {TRIES} times")


def _once(url: str, token: str | None) -> bytes:
    request = urllib.request.Request(url, headers={"User-Agent": "llm-gateway"})  # noqa: S310 -- https, or a mirror that the operator named
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with _OPENER.open(request, timeout=TIMEOUT_S) as reply:
        content: bytes = reply.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise FetchError(f"{url}: larger than {LARGEST_BYTES} bytes")
    return content


def _raise_for(url: str, status: int, token: str | None) -> None:
    """Raise FetchError for an answer that another try would not change."""
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        hint = "the token may not read it" if token else "it asks for a token"
        raise FetchError(f"{url}: HTTP {status}: {hint}, or there is no such repository")
    if status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS:
        raise FetchError(f"{url}: HTTP {status}")


def _one(text: str, root: Path, environment: Mapping[str, str]) -> str:
    """Fetch one source; say what was fetched."""
    source = Source.parse(text)
    token = environment.get(source.variable) if source.variable else None
    if source.variable and not token:
        raise FetchError(f"{source.target}: the variable {source.variable} is empty")
    names = fetch(source, root, hub=environment.get("HF_ENDPOINT") or HUB, token=token)
    return f"{source.target}: {', '.join(names)} of {source.repo}@{source.revision}"


def main(arguments: Iterable[str], environment: Mapping[str, str]) -> int:
    """Fetch every source; exit code 1 where one cannot be had, after all were tried, and 2 for wrong usage."""
    root, *texts = [*arguments] or [""]
    if not root or not texts:
        sys.stderr.write(f"{__doc__}\n")
        return 2
    failed = 0
    for text in texts:
        try:
            sys.stdout.write(f"{_one(text, Path(root), environment)}\n")
        except (FetchError, OSError) as error:
            sys.stderr.write(f"{error}\n")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], dict(os.environ)))
