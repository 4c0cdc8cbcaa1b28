"""Opening and reading a URL: soon given up when nobody answers, and every fault put in words."""

import http.client
import socket
import ssl
import urllib.request
from concurrent.futures import Future
from threading import Thread
from typing import Any
from urllib.error import HTTPError, URLError

CONNECT_SECONDS = 5.0  # name look-up, connection and TLS handshake, all together
STALL_SECONDS = 15.0  # the longest silence of a server once it is connected
BLOCK = 1 << 16
_PASSING_STATUS = {408, 425, 429, 500, 502, 503, 504}


class Unavailable(Exception):  # noqa: N818 - says what is the case, in a few words for a message
    """A source cannot give the file, and trying again would not help."""


class Interrupted(Unavailable):
    """A fault that may pass: the server is busy, the connection was cut or fell silent."""


def open_url(url: str) -> Any:
    """Open an ``http://``, ``https://`` or ``file://`` URL; proxies set in the environment count.

    Returns:
        The response: a context manager with ``headers``; read it with ``read_block``.

    Raises:
        Unavailable: nobody answers there, or the answer is no; ``Interrupted`` if that may pass.
    """
    opener = urllib.request.build_opener(_Http, _Https)
    try:
        return opener.open(url)
    except HTTPError as error:
        fault = Interrupted if error.code in _PASSING_STATUS else Unavailable
        raise fault(f"{error.code} {error.reason}") from None
    except http.client.InvalidURL:
        raise Unavailable("not a valid URL") from None
    except URLError as error:
        raise _unreachable(error.reason) from None
    except (OSError, http.client.HTTPException) as error:
        raise _broken(error) from None


def read_block(response: Any) -> bytes:
    """Return the next ``BLOCK`` bytes of a response, fewer at its end, none after it.

    Raises:
        Interrupted: the connection was cut, or silent for ``STALL_SECONDS``.
    """
    try:
        return response.read(BLOCK)
    except (OSError, http.client.HTTPException) as error:
        raise _broken(error) from None


def _broken(error: Exception) -> Interrupted:
    if isinstance(error, TimeoutError):
        return Interrupted(f"silent for {STALL_SECONDS:g} s")
    return Interrupted("the connection was cut")


def _unreachable(reason: Any) -> Unavailable:
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


def _settle(outcome: Future[None], work: Any) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # carried to the thread that waits for it
        outcome.set_exception(error)


class _Http(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_SoonGivenUp, req)


class _Https(urllib.request.HTTPSHandler):
    def https_open(self, req: urllib.request.Request) -> Any:
        return self.do_open(_SoonGivenUpHttps, req)
