"""The init container's fetch, against a hub in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from llm_gateway import fetch
from llm_gateway.fetch import FetchError, Source

SOURCE = Source.parse("chat/v1=Qwen/Qwen2.5-1.5B-Instruct@989aa7980e4cf806f80c7fef2b1adb7bc71aa306")
TOKEN = "hf_swordfish"  # noqa: S105 -- of nobody
BASE = "/Qwen/Qwen2.5-1.5B-Instruct/resolve/989aa7980e4cf806f80c7fef2b1adb7bc71aa306/"


class Hub:
    """Serves ``files`` by path; ``answers`` are statuses that come first; ``seen`` holds (path, Authorization)."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {BASE + "tokenizer.json": b'{"version": "1.0"}'}
        self.redirects: dict[str, str] = {}
        self.answers: list[int] = []
        self.seen: list[tuple[str, str | None]] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.seen.append((self.path, self.headers.get("Authorization")))
                body = hub.files.get(self.path)
                status = hub.answers.pop(0) if hub.answers else 200 if body is not None else 404
                target = hub.redirects.get(self.path)
                self.send_response(302 if target else status)
                if target:
                    self.send_header("Location", target)
                self.send_header("Content-Length", str(len(body or b"") if status == 200 and not target else 0))
                self.end_headers()
                if status == 200 and not target:
                    self.wfile.write(body or b"")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def hub() -> Iterator[Hub]:
    found = Hub()
    yield found
    found.close()


def test_what_is_there_is_written_and_what_is_not_is_left_out(hub: Hub, tmp_path: Path) -> None:
    hub.files[BASE + "chat_template.jinja"] = b"{{ messages }}"
    assert fetch.fetch(SOURCE, tmp_path, hub=hub.url) == ["tokenizer.json", "chat_template.jinja"]
    assert sorted(file.name for file in (tmp_path / "chat" / "v1").iterdir()) == [
        "chat_template.jinja",
        "tokenizer.json",
    ]
    assert (tmp_path / "chat/v1/tokenizer.json").read_bytes() == b'{"version": "1.0"}'


def test_a_file_that_left_the_repository_leaves_the_folder(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "chat" / "v1").mkdir(parents=True)
    (tmp_path / "chat" / "v1" / "chat_template.jinja").write_text("old")
    fetch.fetch(SOURCE, tmp_path, hub=hub.url)
    assert not (tmp_path / "chat" / "v1" / "chat_template.jinja").exists()


def test_a_repository_without_a_tokenizer_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.files.clear()
    with pytest.raises(FetchError, match=r"has no tokenizer\.json"):
        fetch.fetch(SOURCE, tmp_path, hub=hub.url)


@pytest.mark.parametrize("content", [b"<html>", b"version https://git-lfs.github.com/spec/v1", b"[]", b'{"a": '])
def test_what_is_no_tokenizer_is_refused(hub: Hub, tmp_path: Path, content: bytes) -> None:
    hub.files[BASE + "tokenizer.json"] = content
    with pytest.raises(FetchError, match=r"tokenizer\.json is no JSON object"):
        fetch.fetch(SOURCE, tmp_path, hub=hub.url)
    assert not (tmp_path / "chat" / "v1" / "tokenizer.json").exists()


def test_a_busy_hub_is_asked_again(hub: Hub, tmp_path: Path) -> None:
    hub.answers = [503, 429, 200]
    assert fetch.fetch(SOURCE, tmp_path, hub=hub.url, pause_s=0.001) == ["tokenizer.json"]
    assert [path for path, _ in hub.seen[:3]] == [BASE + "tokenizer.json"] * 3


def test_a_hub_that_stays_busy_is_named(hub: Hub, tmp_path: Path) -> None:
    hub.answers = [503] * fetch.TRIES
    with pytest.raises(FetchError, match=f"HTTP 503, {fetch.TRIES} times"):
        fetch.fetch(SOURCE, tmp_path, hub=hub.url, pause_s=0.001)


def test_a_refused_token_is_asked_once_and_never_printed(hub: Hub, tmp_path: Path) -> None:
    hub.answers = [401]
    with pytest.raises(FetchError) as caught:
        fetch.fetch(SOURCE, tmp_path, hub=hub.url, token=TOKEN)
    assert "the token may not read it" in str(caught.value)
    assert "swordfish" not in str(caught.value)
    assert hub.seen == [(BASE + "tokenizer.json", "Bearer hf_swordfish")]


def test_another_host_never_sees_the_token(hub: Hub, tmp_path: Path) -> None:
    other = Hub()
    try:
        other.files["/blob"] = b"{}"
        hub.redirects[BASE + "tokenizer.json"] = f"{other.url}/blob"
        assert fetch.fetch(SOURCE, tmp_path, hub=hub.url, token=TOKEN) == ["tokenizer.json"]
        assert other.seen == [("/blob", None)]
    finally:
        other.close()


def test_a_file_that_is_too_large_is_refused(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "LARGEST_BYTES", 4)
    with pytest.raises(FetchError, match="larger than 4 bytes"):
        fetch.fetch(SOURCE, tmp_path, hub=hub.url)


@pytest.mark.parametrize(
    "text", ["", "chat", "chat=repo@main", "../x=a/b@main", "chat=a/b", "/chat=a/b@main", "chat=a/b@main#", "c=a/..@b"]
)
def test_a_source_in_another_form_is_refused(text: str) -> None:
    with pytest.raises(FetchError, match="expected TARGET"):
        Source.parse(text)


def test_the_command_tries_all_and_tells_which_failed(
    hub: Hub, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = "chat/v1=Qwen/Qwen2.5-1.5B-Instruct@989aa7980e4cf806f80c7fef2b1adb7bc71aa306#TOKEN"
    environment = {"HF_ENDPOINT": hub.url, "TOKEN": "hf_swordfish"}
    assert fetch.main([str(tmp_path), "other/v1=a/b@main", "third/v1=a/b@main#UNSET", good], environment) == 1
    said = capsys.readouterr()
    assert "chat/v1: tokenizer.json of Qwen/Qwen2.5-1.5B-Instruct" in said.out
    assert "a/b@main has no tokenizer.json" in said.err
    assert "third/v1: the variable UNSET is empty" in said.err
    assert "swordfish" not in said.out + said.err
    assert fetch.main([str(tmp_path), good], environment) == 0
    assert fetch.main([], environment) == 2
