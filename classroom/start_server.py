"""Hand out the lessons, then become the student's server. JupyterHub runs this as the student."""

import os
import shutil
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


def hand_out(folder: Path) -> None:
    """Copy the lessons into a folder, except for those that are there already."""
    folder.mkdir(exist_ok=True)
    for source in sorted((PROJECT / "notebooks").glob("*.ipynb")):
        if not (folder / source.name).exists():
            shutil.copyfile(source, folder / source.name)


if __name__ == "__main__":
    hand_out(Path.home() / os.environ["COURSE_LESSONS"])
    server = Path(sys.executable).with_name("jupyterhub-singleuser")
    os.execv(server, [str(server), *sys.argv[1:]])
