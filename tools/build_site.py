"""Build the reading site from the stored notebooks and ``docs/``; nothing is executed.

``make site`` lays the pages out in a folder of its own, with a ``README.md`` as its folder's
``index.md``, and lets Sphinx make ``build/site`` of them. Any web server serves that folder. After
a build that fails the old site is still there.
"""

# ruff: noqa: T201 - a command line tool prints

import re
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nbformat
from sphinx.cmd.build import build_main

PROJECT = Path(__file__).resolve().parent.parent
CONFIGURATION = PROJECT / "docs" / "site"
SITE = PROJECT / "build" / "site"
# What a page links to or shows, as far as it is a file of the project.
LINKED = re.compile(r"\]\((?![a-z]+:|#)([^)#\s]+)")
# The page on which the contents of the site, or of a part of it, stand.
CONTENTS = {"README.md": "contents.md", "docs/instructors/README.md": "contents_instructors.md"}
# A student's search does not lead to the answers.
UNSEARCHED = "---\nno-search: true\n---\n"
BRANCH = "main"  # which Colab and Binder open


def main() -> int:
    """Build the site; return the exit status. A warning of Sphinx's is an error."""
    SITE.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SITE.parent) as scratch:
        pages, site, cache = (Path(scratch) / name for name in ("pages", "site", "cache"))
        lay_out(pages, repository())
        folders = [str(pages), str(site), "-d", str(cache), "-c", str(CONFIGURATION)]
        status = build_main(["-W", "--keep-going", "-q", *folders])
        if status:
            return status
        shutil.rmtree(SITE, ignore_errors=True)
        site.rename(SITE)
    size = sum(path.stat().st_size for path in SITE.rglob("*") if path.is_file())
    print(f"build/site: {size / 1e6:.0f} MB. To read it: python -m http.server -d build/site")
    return 0


def repository() -> str:
    """Return the repository's address from ``pyproject.toml``, or nothing."""
    text = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"].get("urls", {}).get("Repository", "")


def pages() -> list[Path]:
    """Return what becomes a page of the site."""
    patterns = ("*.md", "docs/*.md", "docs/instructors/*.md", "notebooks/*.ipynb")
    return sorted(path for pattern in patterns for path in PROJECT.glob(pattern))


def lay_out(folder: Path, address: str) -> None:
    """Put the pages and the files that they link to into ``folder``."""
    for page in pages():
        if page.suffix == ".ipynb":
            notebook = nbformat.read(page, as_version=4)
            text = nbformat.writes(for_reading(notebook, launch_line(address, page.name)))
        else:
            text = page.read_text(encoding="utf-8")
            for linked in linked_files(page, text):
                target = folder / linked.relative_to(PROJECT)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(linked, target)
            text = text.replace("README.md", "index.md") + contents(page)
            if page.parent.name == "instructors":
                text = UNSEARCHED + text
        target = folder / str(page.relative_to(PROJECT)).replace("README.md", "index.md")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def linked_files(page: Path, text: str) -> Iterator[Path]:
    """Yield the files of the project that a page links to and that are no pages themselves."""
    for target in LINKED.findall(text):
        path = (page.parent / target).resolve()
        if path.is_file() and path not in pages():
            yield path


def contents(page: Path) -> str:
    """Return the lists of pages that stand at the end of this page."""
    name = CONTENTS.get(page.relative_to(PROJECT).as_posix())
    return "\n" + (CONFIGURATION / name).read_text(encoding="utf-8") if name else ""


def launch_line(address: str, notebook: str) -> str:
    """Return links that open a notebook elsewhere, as HTML; nothing unless it is on GitHub."""
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", address)
    if not found:
        return ""
    path = f"notebooks/{notebook}"
    places = {
        "Colab": f"https://colab.research.google.com/github/{found[1]}/blob/{BRANCH}/{path}",
        "Binder": f"https://mybinder.org/v2/gh/{found[1]}/{BRANCH}?urlpath=lab/tree/{path}",
        "Codespaces": f"https://codespaces.new/{found[1]}",
    }
    links = [f'<a href="{link}">{place}</a>' for place, link in places.items()]
    return f'<p class="launch">Run this lesson in {" ".join(links)}</p>'


def for_reading(notebook: nbformat.NotebookNode, launch: str = "") -> nbformat.NotebookNode:
    """Return a stored notebook as it is read on a page, where nothing runs.

    Code that only draws is folded, figures carry their description, progress bars
    are left out, and what stands in the place of a live widget is set as text.
    """
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        if cell.metadata.get("jupyter", {}).get("source_hidden"):
            cell.metadata.tags = [*cell.metadata.get("tags", []), "hide-input"]
        cell.outputs = [output for output in cell.outputs if not is_progress_bar(output)]
        for output in cell.outputs:
            data = output.get("data", {})
            if "image/png" in data:
                image = output.metadata.get("image/png", {})
                cell.metadata.mystnb = {"image": {"alt": image.get("alt", "")}}
            elif text := widget_text(data):
                output.data = {"text/html": text}
    if launch:
        notebook.cells.insert(1, nbformat.v4.new_markdown_cell(launch, id="launch"))
    return notebook


def is_progress_bar(output: nbformat.NotebookNode) -> bool:
    """Say whether an output is the text of tqdm's bar."""
    text = output.get("data", {}).get("text/plain", "")
    return bool(re.search(r"\[progress bar, \d+ steps\]$", text))


def widget_text(data: dict[str, str]) -> str:
    """Return the words that stand in a widget's place, which was stored without its state."""
    text = data.get("text/plain", "")
    words = r"[A-Z].*\b(run this cell|while the cell runs|after each epoch)\b.*\."
    return f"<p><em>{text}</em></p>" if re.fullmatch(words, text, re.IGNORECASE) else ""


if __name__ == "__main__":
    sys.exit(main())
