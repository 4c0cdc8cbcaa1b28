"""Serve the data sets of this machine to a class: ``python -m course_utils.mirror``."""

import contextlib
import socket
import sys
from collections.abc import Mapping
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from course_utils import catalogue, data

PORT = 8000


def archives_here() -> dict[str, Path]:
    """Put both data sets in order; return each archive's place on a mirror and its file.

    Raises:
        DataError: there is only the stand-in, which every machine makes for itself.
    """
    files = {}
    for name, place in catalogue.MIRROR_FOLDERS.items():
        source = data.prepare(name)
        if source.standin:
            raise data.DataError(f"{name}: a mirror needs the official data, not the stand-in.")
        for archive in catalogue.official(name).archives:
            files[f"/{place}{archive.name}"] = archive.packed_in(source.folder)
    return files


def make_server(files: Mapping[str, Path], port: int = PORT, host: str = "") -> ThreadingHTTPServer:
    """Return a server of these files and nothing else; its ``serve_forever`` starts it.

    Args:
        files: the path in a URL, as in ``"/mnist/t10k-labels-idx1-ubyte.gz"``, to a file.
        port: 0 takes a free one.
        host: the address to listen on; by default all of this machine's.

    Raises:
        OSError: the port is taken.
    """

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            # What is no archive becomes a path that does not exist, and so an error 404.
            return str(files.get(urlsplit(path).path, "/dev/null/none"))

    return ThreadingHTTPServer((host, port), Handler)


def address() -> str:
    """Return this machine's address in its network, or its name where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: UDP only picks the way out
        except OSError:
            return socket.gethostname()
        return str(probe.getsockname()[0])


def main(port: int) -> None:
    """Serve until Ctrl+C."""
    with make_server(archives_here(), port) as server:
        print("Students start the course with:")  # noqa: T201
        print(f"COURSE_DATA_MIRROR=http://{address()}:{port} make lab")  # noqa: T201
        print("Ctrl+C ends it.", flush=True)  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            server.serve_forever()


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else PORT)
    except (data.DataError, OSError) as error:
        sys.exit(str(error))
