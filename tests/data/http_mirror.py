"""A mirror on loopback that misbehaves to order, and a data set small enough to fetch often."""

import gzip
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np

from course_utils.data.checksums import Archive, Collection

LOGIN_PAGE = b"<!DOCTYPE html><html><body>Welcome to the campus network. Log in.</body></html>"


def tiny_files(examples: int = 30) -> dict[str, bytes]:
    """Return four gzipped IDX files by name: so many training examples, a third as many to test."""
    rng = np.random.default_rng(0)
    files = {}
    for split, n in (("train", examples), ("t10k", examples // 3)):
        images = rng.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        labels = np.arange(n, dtype=np.uint8) % 10
        for kind, array in (("images-idx3", images), ("labels-idx1", labels)):
            header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">u4").tobytes()
            files[f"{split}-{kind}-ubyte.gz"] = gzip.compress(header + array.tobytes(), mtime=0)
    return files


def tiny_collection(files: dict[str, bytes], *bases: str, name: str = "MNIST") -> Collection:
    """Return what `official.collection` would say of such files."""
    archives = []
    for file, packed in files.items():
        content = gzip.decompress(packed)
        md5, sha256 = hashlib.md5(packed).hexdigest(), hashlib.sha256(content).hexdigest()
        archives.append(Archive(file, len(packed), md5, len(content), sha256))
    return Collection(name, tuple(archives), bases)


def write_mirror(folder: Path, files: dict[str, bytes]) -> str:
    """Write the files into a folder, and return its file:// URL with a slash at the end."""
    folder.mkdir(parents=True)
    for name, packed in files.items():
        (folder / name).write_bytes(packed)
    return folder.as_uri() + "/"


class Mirror(ThreadingHTTPServer):
    """Serves ``files`` under every path; ``script`` says what to do at each request of a file.

    ``script[name]`` is a list of behaviours, one per request, the last one for ever after:
    fine, a status code, login page, truncated, corrupt, longer, cut, slow, stalled, silent.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes], **script: list[str | int]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files
        self.script = {name.replace("_", "-"): steps for name, steps in script.items()}
        self.requests: Counter[str] = Counter()
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def behaviour(self, name: str) -> str | int:
        """Count a request of a file and say how to answer it."""
        steps = next((s for start, s in self.script.items() if name.startswith(start)), ["fine"])
        step = steps[min(self.requests[name], len(steps) - 1)]
        self.requests[name] += 1
        return step

    def handle_error(self, request, client_address):
        """A client that hangs up is what the tests want; say nothing."""


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        name = self.path.rsplit("/", 1)[-1]
        content, step = self.server.files[name], self.server.behaviour(name)
        if isinstance(step, int):
            self.send_error(step)
            return
        if step == "silent":
            self.server.released.wait(20)
            return
        body = {
            "login page": LOGIN_PAGE,
            "truncated": content[: len(content) // 2],
            "corrupt": content[:20] + bytes([content[20] ^ 1]) + content[21:],
            "longer": content + b"more",
        }.get(step, content)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self._send(body, step)

    def _send(self, body: bytes, step: str) -> None:
        half = len(body) // 2
        if step in ("cut", "stalled"):
            self.wfile.write(body[:half])
            if step == "stalled":
                self.server.released.wait(20)
        elif step == "slow":
            for start in range(0, len(body), len(body) // 8 + 1):
                self.wfile.write(body[start : start + len(body) // 8 + 1])
                time.sleep(0.02)
        else:
            self.wfile.write(body)

    def log_message(self, format, *args) -> None:  # noqa: A002 - the base class names it so
        """Keep the test's output clean."""


@contextmanager
def serving(files: dict[str, bytes], **script: list[str | int]) -> Iterator[Mirror]:
    """Run a mirror in a thread: ``serving(files, train_images=[503, "fine"])``."""
    with Mirror(files, **script) as mirror:
        thread = threading.Thread(target=mirror.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield mirror
        finally:
            mirror.released.set()
            mirror.shutdown()
            thread.join()
