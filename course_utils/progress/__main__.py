"""``python -m course_utils.progress 02 03``: your copies; ``… --class FOLDER``: a class's."""

# ruff: noqa: T201 - a command line tool prints

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tqdm.auto import tqdm

from course_utils.copies.errors import CopyError
from course_utils.copies.handing_out import LESSONS, find, read_lesson
from course_utils.paths import PROJECT, base, in_words, work_folder
from course_utils.progress.folder import Found, look_through
from course_utils.progress.outcome import Row
from course_utils.progress.rows import Lesson, todo
from course_utils.progress.showing import LEGEND, class_lines, own_lines, write_csv
from course_utils.progress.watching import play_all, printable

TABLES = base() / "build" / "progress"
NOBODY = 65534


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; return the exit status."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a name may hold any letter
    parser = argparse.ArgumentParser(prog="python -m course_utils.progress", description=__doc__)
    parser.add_argument("lessons", nargs="*", metavar="lesson", help="numbers, as in 03")
    parser.add_argument("--class", dest="folder", type=Path, help="a folder of students' copies")
    parser.add_argument("--as-root", action="store_true", help="play them with root's own rights")
    options = parser.parse_args(arguments)
    try:
        lessons = _lessons(options.lessons)
        if options.folder is None:
            return _own(lessons)
        return _class(lessons, options.folder.expanduser(), _user(options.as_root))
    except CopyError as error:
        print(error, file=sys.stderr)
        return 1


def _lessons(numbers: list[str]) -> list[Lesson]:
    wanted = {number.zfill(2) for number in numbers}
    paths = [path for path in find(LESSONS) if not wanted or path.name[:2] in wanted]
    return [Lesson(path.stem, read_lesson(path)) for path in paths]


def _own(lessons: list[Lesson]) -> int:
    folder = work_folder()
    there = [lesson for lesson in lessons if (folder / f"{lesson.name}.ipynb").is_file()]
    if not there:
        print(f"There are no copies of lessons in {in_words(folder)}; make lab hands them out.")
        return 1
    copies = {"": {lesson.name: folder / f"{lesson.name}.ipynb" for lesson in there}}
    rows = rows_of(Found(copies), there)
    print(*own_lines(rows), LEGEND, sep="\n")
    return 0


def _class(lessons: list[Lesson], folder: Path, user: int | None) -> int:
    if not folder.is_dir():
        raise CopyError(f"{folder} is no folder.")
    found = look_through(folder, [lesson.name for lesson in lessons])
    for path in found.closed:
        print(f"may not be read: {printable(str(path))}")
    for path in found.unknown:
        print(f"no lesson's name in it, so left out: {printable(str(path))}")
    if not found.copies:
        raise CopyError(f"There are no copies of lessons in {folder}.")
    handed_in = {name for copies in found.copies.values() for name in copies}
    rows = rows_of(found, [lesson for lesson in lessons if lesson.name in handed_in], user)
    print(*class_lines(rows), sep="\n")
    for path in _write(rows):
        print(f"Written: {in_words(path)}")
    return 0


def rows_of(found: Found, lessons: Iterable[Lesson], user: int | None = None) -> list[Row]:
    """Play what students have written, and return a row for each exercise of each of them."""
    lessons = list(lessons)
    todos = [
        one
        for student, copies in found.copies.items()
        for lesson in lessons
        for one in todo(lesson, student, copies.get(lesson.name))
    ]
    answers = {id(answer): place for place, (_, answer) in enumerate(todos) if answer}
    imports = dict.fromkeys(module for lesson in lessons for module in lesson.imports)
    rows = [row for row, _ in todos]
    played = play_all([answer for _, answer in todos if answer], imports, user=user)
    for answer, outcome in tqdm(played, total=len(answers), unit=" answers", leave=False):
        place = answers[id(answer)]
        rows[place] = replace(rows[place], outcome=outcome)
    return rows


def _user(as_root: bool) -> int | None:
    """Return whose rights a class's code is given: those of nobody, where root asks.

    Raises:
        CopyError: nobody could not read what the code needs.
    """
    if as_root or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return None
    python = (Path(sys.prefix), Path(sys.base_prefix).resolve())
    for place in (PROJECT, *python, Path(tempfile.gettempdir())):
        for folder in (place, *place.parents):
            if folder.stat().st_mode & 0o001 == 0:
                raise CopyError(
                    f"You are root, and students' code is not run as root. It would be run as the "
                    f"user nobody, who may not enter {folder}. Call this as another user, or, on "
                    "a machine on which nothing can be lost, with AS_ROOT=1."
                )
    return NOBODY


def _write(rows: list[Row]) -> list[Path]:
    """Write the table and the picture, for the eyes of the one who called alone."""
    from course_utils.progress.picture import draw  # it imports matplotlib

    table, picture = TABLES / "class.csv", TABLES / "class.png"
    TABLES.mkdir(parents=True, exist_ok=True)
    TABLES.chmod(0o700)
    write_csv(rows, table)
    draw(rows, picture)
    if os.environ.get("SUDO_UID") and hasattr(os, "chown"):
        for path in (TABLES, table, picture):
            os.chown(path, int(os.environ["SUDO_UID"]), -1)
    return [table, picture]


if __name__ == "__main__":
    sys.exit(main())
