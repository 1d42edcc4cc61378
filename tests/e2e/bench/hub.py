"""A hub that has one tokenizer under every name: ``/OWNER/NAME/resolve/REVISION/FILE``. Port 8000."""

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

FILES = {path.name: path.read_bytes() for path in Path("/opt/bench/tokenizer").iterdir()}


class Hub(BaseHTTPRequestHandler):
    """Answers with a file, or 404."""

    def do_GET(self) -> None:
        """Serve the last part of the path."""
        content = FILES.get(self.path.rsplit("/", 1)[-1])
        self.send_response(404 if content is None else 200)
        self.send_header("content-length", str(len(content or b"")))
        self.end_headers()
        self.wfile.write(content or b"")


ThreadingHTTPServer(("", 8000), Hub).serve_forever()
