"""The data sets, and the class's mirror if one is set; no data set is fetched."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from course_utils import paths
from course_utils.diagnosis.finding import Finding, note, ok, problem
from course_utils.diagnosis.places import ELSEWHERE, trouble


def data_sets() -> Iterator[Finding]:
    """Look at each data set, and ask the mirror for a small file."""
    from course_utils import data
    from course_utils.data import settings

    try:
        settings.wanted()
        states = {name: str(data.status(name)) for name in data.NAMES}
    except data.DataError as error:
        yield problem("data", error.problem, error.cure)
        return
    verified = set(states.values()) == {"verified"}
    if settings.wanted() != "standin":
        yield from _mirror(verified)
    for name, state in states.items():
        yield _data_set(name, state, settings.wanted())


def _mirror(verified: bool) -> Iterator[Finding]:
    from course_utils import data
    from course_utils.data import settings

    variable = settings.mirror_variable()
    if not variable:
        return
    try:
        base = settings.mirror()
    except data.DataError as error:
        yield problem("mirror", error.problem, error.cure)
        return
    wrong = asked(base)
    if not wrong:
        yield ok("mirror", base)
        return
    text, cure = f"{base}: {wrong}", f"correct {variable}, or unset it"
    if verified:
        yield note("mirror", f"{text}; not needed, as the data are here", cure)
    else:
        yield problem("mirror", text, cure)


def asked(base: str) -> str:
    """Fetch the smallest archive from a mirror, to nowhere; return what went wrong, or ``""``."""
    from course_utils.data import fetch, official
    from course_utils.data.errors import Unavailable

    archive = min(official.collection("MNIST").archives, key=lambda one: one.size)
    url = f"{base}/{official.MIRROR_FOLDERS['MNIST']}{archive.name}"
    with tempfile.TemporaryDirectory() as nowhere:
        try:
            fetch.download(url, Path(nowhere) / "archive", archive.size, archive.md5)
        except Unavailable as why:
            return str(why)
    return ""


def _data_set(name: str, state: str, choice: str) -> Finding:
    folder = paths.data_folder()
    if state in ("verified", "stand-in"):
        return (ok if state == "verified" else note)(name, f"{state}, in {folder}")
    wrong = trouble(folder)
    if wrong:
        return problem(name, f"{state}, and {wrong}", ELSEWHERE.format("COURSE_DATA_DIR"))
    if choice == "real":
        cure = "run `make data` with a network, or unset COURSE_DATA"
        return problem(name, f"{state}, and COURSE_DATA=real forbids the stand-in", cure)
    return note(name, f"{state}; fetched when first used, or the stand-in made without a network")
