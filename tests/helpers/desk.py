"""A student's desk: tiny lessons, his folder of copies, and what he does with them."""

import hashlib

import nbformat

from course_utils.copies.handing_out import hand_out
from course_utils.copies.renewing import renew

NAME = "03_backprop.ipynb"
INTRO, LOOP = "# Backprop\n\nFrom scratch.", "for epoch in range(3):\n    step()"
STUBS = {
    title: f"def {name}(z):\n    ...  # your code\n\nchecks.{name}({name})"
    for title, name in (("Softmax", "softmax"), ("Leaky", "leaky"), ("Adam", "adam"))
}
SOLVED = {title: stub.replace("...", "return z + 1") for title, stub in STUBS.items()}


def cell(source, kind="code", tags=()):
    """Return a cell with an id of its text, as the build gives it."""
    make = nbformat.v4.new_code_cell if kind == "code" else nbformat.v4.new_markdown_cell
    name = hashlib.sha256(source.encode()).hexdigest()[:12]
    return make(source, id=name, metadata={"tags": list(tags)} if tags else {})


def task(number, title, stubs=STUBS):
    """Return the three cells of one exercise."""
    solution = f"<details><summary>Solution</summary>\n\n{title}\n\n</details>"
    heading = f"### Exercise {number} · code: {title}\n\nDo it."
    return [cell(heading, "markdown"), cell(stubs[title]), cell(solution, "markdown")]


def first_version():
    section = cell("## 2. Optimisers", "markdown")
    tasks = (task(f"3.{number}", title) for number, title in enumerate(STUBS, 1))
    softmax, leaky, adam = tasks
    return [cell(INTRO, "markdown"), cell(LOOP), *softmax, *leaky, section, *adam]


def second_version():
    """Return the lesson with one exercise changed, one added, and a section moved to the top."""
    stubs = STUBS | {"Leaky": STUBS["Leaky"].replace("(z)", "(z, slope)"), "Momentum": "momentum"}
    section = cell("## 1. Optimisers", "markdown")
    adam, added = task("3.1", "Adam"), task("3.2", "Momentum", stubs)
    softmax, leaky = task("3.3", "Softmax"), task("3.4", "Leaky", stubs)
    return [cell(INTRO, "markdown"), section, *adam, *added, cell(LOOP), *softmax, *leaky]


class Desk:
    """The first version of the lesson, and one student's folder with his copy."""

    def __init__(self, folder):
        self.lessons, self.work = folder / "lessons", folder / "my wörk"
        self.lessons.mkdir()
        self.copy = self.work / NAME
        self.publish(first_version())
        self.hand_out()

    def publish(self, cells, name=NAME):
        kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
        info = {"kernelspec": kernel, "language_info": {"name": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=info), self.lessons / name)

    def hand_out(self):
        return hand_out(self.work, self.lessons)

    def renew(self):
        return renew("3", self.work, self.lessons)

    def sources(self, path=None):
        return [c.source for c in nbformat.read(path or self.copy, as_version=4).cells]

    def change(self, change):
        notebook = nbformat.read(self.copy, as_version=4)
        change(notebook.cells)
        nbformat.write(notebook, self.copy)

    def type(self, old, new):
        """Replace the text of one cell, as JupyterLab does: its id stays."""

        def typed(cells):
            (one,) = (c for c in cells if c.source == old)
            one.source = new

        self.change(typed)

    def run(self):
        def ran(cells):
            output = nbformat.v4.new_output("stream", text="✓ right\n")
            for count, one in enumerate((c for c in cells if c.cell_type == "code"), 1):
                one.execution_count, one.outputs = count, [output]
            cells.append(nbformat.v4.new_code_cell())  # JupyterLab does, after the last cell

        self.change(ran)

    def old(self):
        return sorted((self.work / "old").glob("*"))

    def snapshot(self):
        files = (path for path in self.work.rglob("*") if path.is_file())
        return {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in files}
