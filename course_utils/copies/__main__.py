"""``python -m course_utils.copies``: hand out; ``… renew 03``; ``… fresh 03``; ``… where``."""

# ruff: noqa: T201 - a command line tool prints

import argparse
import io
import os
import sys
import tempfile

from course_utils.copies.errors import CopyError
from course_utils.copies.handing_out import LESSONS, Mended, hand_out
from course_utils.copies.renewing import Renewed, fresh, renew
from course_utils.paths import in_words, work_folder

NEW_COPY = {"renew": renew, "fresh": fresh}


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path may hold any letter
    parser = argparse.ArgumentParser(prog="python -m course_utils.copies", description=__doc__)
    parser.add_argument("what", nargs="?", default="hand-out", choices=CHOICES)
    parser.add_argument("lessons", nargs="*", metavar="lesson", help="numbers, as in 03")
    options = parser.parse_args(arguments)
    try:
        return CHOICES[options.what](options.what, options.lessons)
    except CopyError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        print(
            f"Your copies of the lessons belong into {work_folder()}: {error.strerror or error}. "
            "Set COURSE_WORK_DIR to a folder that you may write and that has room.",
            file=sys.stderr,
        )
    return 1


def _hand_out(what: str, numbers: list[str]) -> int:
    if not LESSONS.is_dir():
        raise CopyError("There are no lessons here: course_utils was installed without them.")
    folder = work_folder()
    for mended in hand_out(folder):
        print(_news(mended))
    with tempfile.TemporaryFile(dir=folder):  # better refused now than when an answer is saved
        return 0


def _news(mended: Mended) -> str:
    number = mended.name[:2]
    if not mended.replaced:
        return (
            f"Lesson {number} is newer than your copy, which stays as it is. To have the new one, "
            f"with your answers: make renew NB={number}"
        )
    kept = f" The one that you ran lies in {in_words(mended.old)}." if mended.old else ""
    return f"Lesson {number} is newer than your copy was; you have the new one now.{kept}"


def _new_copy(what: str, numbers: list[str]) -> int:
    if not numbers:
        print(f"Which lesson? Say, for lesson 3: make {what} NB=03", file=sys.stderr)
        return 1
    for number in numbers:
        _tell(NEW_COPY[what](number, work_folder()))
    return 0


def _tell(renewed: Renewed) -> None:
    print(f"{in_words(renewed.copy)} is the lesson as it is now.")
    for title, names in (("carried over", renewed.carried), ("not carried over", renewed.left)):
        for name in names:
            print(f"  {title + ':':18}{name}")
    if renewed.old:
        print(f"Your old copy, with all that you wrote: {in_words(renewed.old)}")
        print("If JupyterLab has the lesson open: File > Reload Notebook from Disk.")


def _where(what: str, numbers: list[str]) -> int:
    # For a Makefile: the bytes of the path, whatever the console's encoding.
    sys.stdout.buffer.write(os.fsencode(work_folder()) + b"\n")
    return 0


CHOICES = {"hand-out": _hand_out, "where": _where, "renew": _new_copy, "fresh": _new_copy}

if __name__ == "__main__":
    sys.exit(main())
