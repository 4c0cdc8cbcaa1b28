"""Hand out the lessons, then become the student's server. JupyterHub runs this as the student."""

import os
import sys
from pathlib import Path

from course_utils.copies.errors import CopyError
from course_utils.copies.handing_out import hand_out
from course_utils.paths import work_folder

NOTE = "newer lessons.md"
HOW = """\
These lessons were mended after you had begun them. Your copies stay as they are. To have a new one
with your answers to the exercises, while your old copy is kept in the folder `old`, run its line in
a cell of any notebook:
"""


def prepare(folder: Path) -> None:
    """Bring a student's copies up to date; tell him in a file of those that he has edited.

    The file, because no student reads what a hub prints.
    """
    edited = [mended.name[:2] for mended in hand_out(folder) if not mended.replaced]
    note = folder / NOTE
    if edited:
        lines = "\n".join(f"    %run -m course_utils.copies renew {number}" for number in edited)
        note.write_text(f"{HOW}\n{lines}\n", encoding="utf-8")
    else:
        note.unlink(missing_ok=True)


def keep_private(home: Path) -> None:
    """Let no other student read what this one writes."""
    os.umask(0o077)
    home.chmod(0o700)


def limit_memory(gigabytes: float) -> None:
    """Give each process of the student so much memory at most; beyond, an allocation fails."""
    import resource  # there is none on Windows, where nothing but this needs it

    size = int(gigabytes * 1e9)
    resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def main() -> None:
    """Do all of it; a home that is full or broken must still open, so that it can be mended."""
    try:
        keep_private(Path.home())
        prepare(work_folder())
    except (CopyError, OSError) as error:
        print(error, file=sys.stderr)  # noqa: T201
    gigabytes = float(os.environ.get("COURSE_MEMORY_GB") or 0)
    if gigabytes:
        limit_memory(gigabytes)
    server = Path(sys.executable).with_name("jupyterhub-singleuser")
    os.execv(server, [str(server), *sys.argv[1:]])


if __name__ == "__main__":
    main()
