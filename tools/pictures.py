"""Take the README's pictures out of the executed notebooks: ``docs/images/*.png``.

They are the very figures a student sees, so the README cannot show what no lesson draws.
"""

import base64
import sys
from pathlib import Path

import nbformat

PROJECT = Path(__file__).resolve().parent.parent
PICTURES = {
    "01_loss_surface.png": ("01", "The loss surface as a long slanting valley."),
    "02_confident_errors.png": ("02", "The sixteen most confident mistakes"),
    "04_codes.png": ("04", "Two hundred codes in space"),
    "10_on_demand.png": ("10", "A hundred digits: the columns are the ordered digits"),
}


def picture(lesson: str, alt: str) -> bytes:
    """Return the PNG in a lesson whose alt text begins with ``alt``.

    Raises:
        LookupError: not exactly one figure of the lesson does.
    """
    (path,) = (PROJECT / "notebooks").glob(f"{lesson}_*.ipynb")
    found = [
        output.data["image/png"]
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
        if output.get("metadata", {}).get("image/png", {}).get("alt", "").startswith(alt)
    ]
    if len(found) != 1:
        raise LookupError(f"{path.name}: {len(found)} figures whose alt text begins with: {alt}")
    return base64.b64decode(found[0])


def main() -> int:
    """Write all pictures; return the exit status."""
    folder = PROJECT / "docs" / "images"
    folder.mkdir(exist_ok=True)
    for name, (lesson, alt) in PICTURES.items():
        (folder / name).write_bytes(picture(lesson, alt))
    return 0


if __name__ == "__main__":
    sys.exit(main())
