"""One archive from a server or a disk: checked as it comes in, tried again where that may help."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tenacity
from tqdm.auto import tqdm

from course_utils.connection import Interrupted, Unavailable, open_url, read_block

ATTEMPTS = 4
BACKOFF_SECONDS = 0.5  # before the second attempt; doubled before each further one
_GZIP_MAGIC = b"\x1f\x8b"


def fetch(url: str, target: Path, size: int, md5: str) -> None:
    """Copy what lies at ``url`` to ``target`` and check that it is the gzip archive meant.

    Args:
        url: ``http://``, ``https://`` or ``file://``.
        target: a temporary name; after an error, what it holds is worthless.
        size: the length of the archive in bytes.
        md5: its MD5 sum, in hexadecimal digits.

    Raises:
        Unavailable: the source does not have the archive, or ``Interrupted`` one time too often.
        OSError: ``target`` cannot be written.
    """
    tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(Interrupted),
        stop=tenacity.stop_after_attempt(ATTEMPTS),
        wait=tenacity.wait_exponential(multiplier=BACKOFF_SECONDS),
        reraise=True,
    )(_attempt, url, target, size, md5)


def _attempt(url: str, target: Path, size: int, md5: str) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    label = "/".join(url.split("/")[-2:])
    with (
        open_url(url) as response,
        target.open("wb") as file,
        tqdm(total=size, unit="B", unit_scale=True, desc=label, leave=False) as bar,
    ):
        for block in _blocks(response, size):
            file.write(block)
            digest.update(block)
            bar.update(len(block))
    if digest.hexdigest() != md5:
        raise Unavailable("wrong checksum, so not the official archive")


def _blocks(response: Any, size: int) -> Iterator[bytes]:
    received = 0
    while block := read_block(response):
        if not received and not block.startswith(_GZIP_MAGIC):
            raise Unavailable("no archive but another file, perhaps a network's log-in page")
        received += len(block)
        if received > size:
            raise Unavailable(f"too long: more than {size} bytes")
        yield block
    if received < size:
        promised = int(response.headers.get("Content-Length") or size)
        if received < promised:
            raise Interrupted("the connection was cut")
        raise Unavailable(f"truncated: {received} of {size} bytes")
