"""Serve data sets and packages to a class: ``python -m course_utils.data.mirror``."""

# ruff: noqa: T201 - a command line tool prints

import contextlib
import errno
import html
import os
import socket
import sys
from collections.abc import Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from course_utils import data, paths
from course_utils.data import official, order
from course_utils.data.checksums import State
from course_utils.data.errors import DataError, Unavailable
from course_utils.data.fetch import obtain

PORT = 8000
WHEELS = paths.PROJECT / "build" / "wheels"  # where `make wheels` puts them
_PACKAGES = (".whl", ".tar.gz", ".zip")


def archives_here() -> dict[str, Path]:
    """Put both data sets in order; return each archive's place on a mirror and its file.

    Raises:
        DataError: there is only the stand-in, which every machine makes for itself, or the archives
            are gone (lessons do with what was unpacked from them) and cannot be had.
    """
    files = {}
    for name, place in official.MIRROR_FOLDERS.items():
        source = data.prepare(name)
        if source.standin:
            raise DataError(
                f"{name}: a mirror needs the official data, not the stand-in",
                "get them first: COURSE_DATA=real make data",
            )
        _complete(name, source.folder)
        for archive in official.collection(name).archives:
            files[f"/{place}{archive.name}"] = archive.packed_in(source.folder)
    return files


def _complete(name: str, folder: Path) -> None:
    collection = official.collection(name)
    if all(one.packed_state(folder) == State.VERIFIED for one in collection.archives):
        return
    try:
        obtain(collection, folder, order.bases(name), archives=True)
    except Unavailable as why:
        raise DataError(
            f"{name}: a mirror needs the .gz archives, and {folder} holds only what is inside "
            f"({why})",
            "connect to a network and try again",
        ) from None


def wheels_here(folder: Path = WHEELS) -> dict[str, Path]:
    """Return each package's place on a mirror and its file; ``{}`` if there is no such folder."""
    files = sorted(folder.glob("*"))
    return {f"/wheels/{file.name}": file for file in files if file.name.endswith(_PACKAGES)}


def make_server(files: Mapping[str, Path], port: int = PORT, host: str = "") -> ThreadingHTTPServer:
    """Return a server of these files, a list of those in ``/wheels/``, and nothing else.

    Its ``serve_forever`` starts it.

    Args:
        files: the path in a URL, as in ``"/mnist/t10k-labels-idx1-ubyte.gz"``, to a file.
        port: 0 takes a free one.
        host: the address to listen on; by default all of this machine's.

    Raises:
        OSError: the port is taken.
    """
    wheels = [path for path in files if path.startswith("/wheels/")]

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if wheels and self._asked() == "/wheels/":
                self._send(_page(wheels))
            else:
                super().do_GET()

        def send_head(self) -> Any:
            if self._asked() in files:
                return super().send_head()
            self.send_error(404)
            return None

        def translate_path(self, path: str) -> str:
            return str(files[self._asked()])

        def _asked(self) -> str:
            return unquote(self.path.partition("?")[0].partition("#")[0])

        def _send(self, page: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

    class Server(ThreadingHTTPServer):
        # On Windows two servers could share a port then, and neither would say so.
        allow_reuse_address = os.name != "nt"

    return Server((host, port), Handler)


def _page(paths_of_wheels: list[str]) -> bytes:
    """Return what ``pip --find-links`` reads: a page with a link to each file."""
    names = [path.rpartition("/")[2] for path in paths_of_wheels]
    links = [f'<a href="{quote(name)}">{html.escape(name)}</a><br>' for name in names]
    return "\n".join(["<!DOCTYPE html>", "<title>wheels</title>", *links, ""]).encode()


def address() -> str:
    """Return this machine's address in its network, or its name where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: UDP only picks the way out
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def main(arguments: list[str]) -> int:
    """Serve until Ctrl+C; return the exit status."""
    given = arguments[0] if arguments else str(PORT)
    if not given.isdecimal() or not 0 < int(given) < 65_536:
        return _refused(
            f'"{given}" is no port; choose one from 1024 to 65535: make mirror PORT=9000'
        )
    try:
        wheels = wheels_here()
        server = make_server(archives_here() | wheels, int(given))
    except DataError as error:
        return _refused(str(error))
    except OSError as error:
        return _refused(f"{_no_port(error, given)}; choose another: make mirror PORT=9000")
    variable = "COURSE_MIRROR" if wheels else "COURSE_DATA_MIRROR"
    with server, contextlib.suppress(KeyboardInterrupt):
        print(f"Students start the course with:\n{variable}=http://{address()}:{given} make lab")
        if not wheels:
            print("These are the data alone; `make wheels` first serves the packages, too.")
        print("Ctrl+C ends it.", flush=True)
        server.serve_forever()
    return 0


def _no_port(error: OSError, port: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is taken by another program"
    if isinstance(error, PermissionError):
        return f"port {port} is not for ordinary users"
    return f"port {port} cannot be used ({error.strerror or error})"


def _refused(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
