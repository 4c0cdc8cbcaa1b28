"""What the user asks for: ``COURSE_DATA``, and the class's mirror (``COURSE_DATA_MIRROR``)."""

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from course_utils.data.errors import DataError

MIRRORS = ("COURSE_DATA_MIRROR", "COURSE_MIRROR")  # the second serves packages, too
_SCHEMES = ("http", "https", "file")


def wanted() -> str:
    """Return ``COURSE_DATA``: ``"real"``, ``"standin"``, or ``""`` for whatever can be had.

    Raises:
        DataError: it is something else.
    """
    choice = os.environ.get("COURSE_DATA", "")
    if choice not in ("", "real", "standin"):
        raise DataError(f'COURSE_DATA is "{choice}"', "set it to real or standin, or unset it")
    return choice


def mirror() -> str:
    """Return the URL of the class's mirror, without a slash at its end, or ``""``.

    Raises:
        DataError: it cannot be an address.
    """
    variable = mirror_variable()
    return _address(variable, os.environ[variable].strip()).rstrip("/") if variable else ""


def mirror_variable() -> str:
    """Return the name of the variable that names the mirror, or ``""`` if none does."""
    return next((name for name in MIRRORS if os.environ.get(name, "").strip()), "")


def _address(variable: str, given: str) -> str:
    scheme, colon, rest = given.partition("://")
    scheme = scheme.lower()
    if not colon or scheme not in _SCHEMES:
        raise DataError(
            f'{variable} is "{given}"',
            f"it must start with http://, https:// or file://{_perhaps(given)}",
        )
    if scheme == "file":
        return _folder(variable, given, rest)
    try:
        parts = urlsplit(f"{scheme}://{rest}")
        reachable = bool(parts.hostname) and parts.port != 0  # `port` raises for what is no number
    except ValueError:
        reachable = False
    if not reachable:
        raise DataError(
            f'{variable} is "{given}"', "that is no address; one looks like http://192.0.2.10:8000"
        )
    return f"{scheme}://{rest}"


def _folder(variable: str, given: str, rest: str) -> str:
    """Return a folder's URL, whether its name was written as it is or with ``%20`` for a blank."""
    rest = rest.removeprefix("localhost")
    if not rest.startswith("/"):
        meant = os.path.expanduser(rest).removeprefix("/")
        raise DataError(f'{variable} is "{given}"', f"perhaps you mean file:///{meant}")
    places = [re.sub(r"^/+(?=[A-Za-z]:)", "", spelling) for spelling in (rest, unquote(rest))]
    found = next(filter(os.path.isdir, places), places[-1])
    return Path(found).absolute().as_uri()


def _perhaps(given: str) -> str:
    if os.path.isdir(os.path.expanduser(given)):
        return f" (perhaps {Path(given).expanduser().resolve().as_uri()})"
    if re.match(r"[A-Za-z0-9][\w.-]*:\d+", given):
        return f" (perhaps http://{given})"
    if re.match(r"file:/", given):
        return f" (perhaps file:///{given[5:].lstrip('/')})"
    return ""
