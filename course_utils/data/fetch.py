"""Getting archives from a server or a disk, checked as they come in.

From the outside in: ``obtain`` completes a folder, ``download`` gets one file and tries again where
that may help, ``_opened`` and ``_read`` talk to the source: soon given up, every fault in words.
"""

import gzip
import hashlib
import http.client
import ipaddress
import socket
import ssl
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import unquote, urlsplit

from course_utils.data.atomic import atomically
from course_utils.data.checksums import Archive, Collection, State
from course_utils.data.errors import Interrupted, Unavailable
from course_utils.data.lock import claimed

PAUSES = (0.5, 1.0, 2.0)  # seconds before the second, the third and the fourth attempt
CONNECT_SECONDS = 5.0  # name look-up, connection and TLS handshake, all together
STALL_SECONDS = 15.0  # the longest silence of a server once it is connected
BLOCK = 1 << 16  # bytes read at a time
_PASSING_STATUS = {408, 425, 429, 500, 502, 503, 504}
_GZIP_MAGIC = b"\x1f\x8b"


class Obtained(NamedTuple):
    """Where files came from: ``base`` (``""`` if none was needed), and who failed before it."""

    base: str
    failed: tuple[str, ...] = ()  # "source: why", each


def obtain(
    collection: Collection, folder: Path, bases: Sequence[str], *, archives: bool = False
) -> Obtained:
    """Make ``folder`` hold the verified files of a data set, unpacked.

    What is there and whole is kept, and if that is everything, nothing is written. The rest comes
    from the first base URL that has all of it; a file appears in ``folder`` only when verified.

    Args:
        collection: the data set.
        folder: where its archives and the files inside belong.
        bases: URLs with a slash at the end, in the order in which they are asked.
        archives: have the archives there, too; lessons need only what is inside.

    Raises:
        Unavailable: no base has what is missing; the message says of each base why.
        DataError: the folder cannot be written.
    """
    wanted = [one for one in collection.archives if not _is_whole(one, folder, archives)]
    if not wanted:
        return Obtained("")
    with claimed(folder, collection.name):
        # While this process waited, another one may have put them in order.
        wanted = [one for one in wanted if not _is_whole_once_unpacked(one, folder, archives)]
        return _fetch_all(wanted, folder, bases) if wanted else Obtained("")


def _is_whole(archive: Archive, folder: Path, packed: bool) -> bool:
    whole = archive.unpacked_state(folder) == State.VERIFIED
    return whole and (not packed or archive.packed_state(folder) == State.VERIFIED)


def _is_whole_once_unpacked(archive: Archive, folder: Path, packed: bool) -> bool:
    """Unpack an archive that is whole where the file inside is not; say whether all is well."""
    if _is_whole(archive, folder, packed):
        return True
    if archive.packed_state(folder) != State.VERIFIED:
        return False
    with atomically(archive.unpacked_in(folder)) as part:
        _unpack(archive, archive.packed_in(folder), part)
    return True


def _fetch_all(wanted: Sequence[Archive], folder: Path, bases: Sequence[str]) -> Obtained:
    left = list(wanted)
    reasons = []
    for base in bases:
        try:
            while left:
                _install(left[0], base, folder)
                del left[0]
        except Unavailable as why:
            reasons.append(f"{_source(base)}: {why}")
        else:
            return Obtained(base, tuple(reasons))
    raise Unavailable("; ".join(reasons))


def _source(base: str) -> str:
    """Return what a person calls a source: a server, or a folder."""
    return urlsplit(base).netloc or unquote(base)


def _install(archive: Archive, base: str, folder: Path) -> None:
    with (
        atomically(archive.packed_in(folder)) as packed,
        atomically(archive.unpacked_in(folder)) as unpacked,
    ):
        download(base + archive.name, packed, archive.size, archive.md5)
        _unpack(archive, packed, unpacked)


def _unpack(archive: Archive, packed: Path, unpacked: Path) -> None:
    digest = hashlib.sha256()
    with gzip.open(packed) as source, unpacked.open("wb") as target:
        while block := source.read(BLOCK):
            target.write(block)
            digest.update(block)
    if digest.hexdigest() != archive.unpacked_sha256:
        raise Unavailable(f"{archive.name} unpacks to something else than the official file")


def download(url: str, target: Path, size: int, md5: str) -> None:
    """Copy what lies at ``url`` to ``target`` and check that it is the gzip archive meant.

    Args:
        url: ``http://``, ``https://`` or ``file://``; proxies set in the environment count.
        target: a temporary name; after an error, what it holds is worthless.
        size: the length of the archive in bytes.
        md5: its MD5 sum, in hexadecimal digits.

    Raises:
        Unavailable: the source does not have the archive, or ``Interrupted`` one time too often.
        OSError: ``target`` cannot be written.
    """
    for pause in PAUSES:
        try:
            return _attempt(url, target, size, md5)
        except Interrupted:
            time.sleep(pause)
    return _attempt(url, target, size, md5)


def _attempt(url: str, target: Path, size: int, md5: str) -> None:
    from tqdm.auto import tqdm  # takes a while, and most processes fetch nothing

    digest = hashlib.md5(usedforsecurity=False)
    label = "/".join(url.split("/")[-2:])
    with (
        _opened(url) as response,
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
    while block := _read(response):
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


def _opened(url: str) -> Any:
    """Return the response: a context manager with ``headers``."""
    try:
        return _answer(url)
    except Unavailable as why:
        proxy = _proxy(url)
        if not proxy:
            raise
        host = urlsplit(url).hostname or ""
        way_out = f", which no_proxy={host} avoids" if _is_near(host) else ""
        raise type(why)(f"{why} (through the proxy {proxy}{way_out})") from None


def _answer(url: str) -> Any:
    opener = urllib.request.build_opener(_Http, _Https)
    try:
        return opener.open(url)
    except HTTPError as error:
        fault = Interrupted if error.code in _PASSING_STATUS else Unavailable
        raise fault(f"{error.code} {error.reason}") from None
    except URLError as error:
        raise _unreachable(error.reason) from None
    except (ValueError, http.client.InvalidURL):
        raise Unavailable("not a valid URL") from None
    except (OSError, http.client.HTTPException) as error:
        raise _broken(error) from None


def _is_near(host: str) -> bool:
    """Say whether a host lies in this machine's own network, where no proxy is needed."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.endswith(".local")


def _proxy(url: str) -> str:
    """Return host and port of the proxy that requests for ``url`` go through, or ``""``."""
    parts = urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme, "")
    if not proxy or not parts.hostname or urllib.request.proxy_bypass(parts.netloc):
        return ""
    return proxy.rpartition("://")[2].rpartition("@")[2].rstrip("/")


def _read(response: Any) -> bytes:
    """Return the next ``BLOCK`` bytes of a response, fewer at its end, none after it."""
    try:
        return response.read(BLOCK)
    except (OSError, http.client.HTTPException) as error:
        raise _broken(error) from None


def _broken(error: Exception) -> Interrupted:
    if isinstance(error, TimeoutError):
        return Interrupted(f"silent for {STALL_SECONDS:g} s")
    return Interrupted("the connection was cut")


def _unreachable(reason: str | BaseException) -> Unavailable:
    if isinstance(reason, TimeoutError):
        return Unavailable(f"no connection within {CONNECT_SECONDS:g} s")
    if isinstance(reason, socket.gaierror):
        return Unavailable("name not found (no network?)")
    if isinstance(reason, ConnectionRefusedError):
        return Unavailable("no server answers")
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Unavailable("its certificate is not trusted")
    if isinstance(reason, ConnectionError):
        return Interrupted("the connection was cut")
    return Unavailable(getattr(reason, "strerror", None) or str(reason))


class _SoonGivenUp(http.client.HTTPConnection):
    def connect(self) -> None:
        # A socket's own time-out bounds neither the name look-up nor the list of addresses behind
        # a name, each tried in turn: behind a firewall that drops packets, that is minutes.
        outcome: Future[None] = Future()
        Thread(target=_settle, args=(outcome, super().connect), daemon=True).start()
        outcome.result(timeout=CONNECT_SECONDS)
        self.sock.settimeout(STALL_SECONDS)


class _SoonGivenUpHttps(_SoonGivenUp, http.client.HTTPSConnection):
    pass


def _settle(outcome: Future[None], work: Callable[[], None]) -> None:
    try:
        work()
    except BaseException as error:  # carried to the thread that waits for it
        outcome.set_exception(error)
    else:
        outcome.set_result(None)


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_SoonGivenUp, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_SoonGivenUpHttps, req)
