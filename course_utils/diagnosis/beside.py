"""Files of the student's own that hide a package: ``torch.py`` beside a lesson."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from course_utils import paths
from course_utils.diagnosis import first_cell
from course_utils.diagnosis.finding import Finding, problem


def hiding(folder: Path | None = None) -> Iterator[Finding]:
    """Look for such files where lessons run; Python takes them before what is installed."""
    hidden = set(sys.stdlib_module_names) | {name.partition(".")[0] for name in first_cell.IMPORTS}
    folder = folder or paths.work_folder()
    for path in sorted(folder.glob("*")):
        name = path.stem if path.suffix == ".py" else path.name
        is_package = path.suffix == ".py" or (path / "__init__.py").is_file()
        if is_package and name in hidden:
            text = f"{path} hides the package of that name from the lessons"
            yield problem(name, text, f"rename or remove {path}")
