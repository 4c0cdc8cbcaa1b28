"""What must hold of every lesson, as it is written and as it is stored, without running it."""

import re
import statistics
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from build_notebooks import MACHINE_COMMENT, convert, find_sources, notebook_for
from figure_border import is_cut_off

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
SOURCES = {source.name[:2]: source for source in find_sources(NOTEBOOKS / "sources", [])}
TAGS = {"nbval-ignore-output", "raises-exception"}
FRAME = ["**You will**", "**You need**", "**Time**"]
LAST_SECTIONS = ["Common mistakes", "What you can now do", "References"]
TIMESTAMP = re.compile(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d")
MACHINE_PATH = re.compile(r"/(home|root|tmp|Users|site-packages|var/folders)/|\b[A-Z]:\\")
MEDIAN_LINES, MOST_LINES, MOST_BYTES, SHORTEST_ALT = 6, 30, 2_000_000, 25
MOST_COLUMNS = 105  # what a cell shows on a laptop without scrolling sideways

pytestmark = pytest.mark.parametrize("lesson", SOURCES)


@pytest.fixture
def notebook(lesson):
    path = notebook_for(SOURCES[lesson])
    assert path.exists(), f"{path.name} was never built: make notebooks NB={lesson}"
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


@pytest.fixture
def code(notebook):
    """Return the code cells as they are stored, with their outputs."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture
def written(lesson):
    """Return the code cells as the source has them: what a test of the text looks at."""
    return [cell for cell in convert(SOURCES[lesson]).cells if cell.cell_type == "code"]


@pytest.fixture
def text(lesson):
    cells = convert(SOURCES[lesson]).cells
    return "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")


def outputs(cells):
    return [output for cell in cells for output in cell.outputs]


def headings(text):
    """Return (level, title) of the headings outside code blocks."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [(len(marks), title) for marks, title in re.findall(r"^(#+) (.+)$", prose, re.MULTILINE)]


def test_source_and_notebook_have_not_drifted(lesson, notebook):
    fresh = convert(SOURCES[lesson])
    stored = [(cell.cell_type, cell.source, cell.metadata, cell["id"]) for cell in notebook.cells]
    wanted = [(cell.cell_type, cell.source, cell.metadata, cell["id"]) for cell in fresh.cells]
    pairs = zip(stored, wanted, strict=False)
    first = next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(stored), len(wanted)))
    assert stored == wanted, f"cell {first + 1} differs: make notebooks NB={lesson}"
    assert notebook.metadata == fresh.metadata


def test_it_was_executed_from_top_to_bottom(code):
    counts = [cell.execution_count for cell in code]
    assert counts == list(range(1, len(code) + 1))


def test_errors_are_stored_only_where_they_are_meant(code):
    for cell in code:
        failed = any(output.output_type == "error" for output in outputs([cell]))
        assert failed == ("raises-exception" in cell.metadata.get("tags", [])), cell.source


def test_tags(written):
    for cell in written:
        assert set(cell.metadata.get("tags", [])) <= TAGS, cell.source


def test_outputs_are_ignored_only_for_widgets_and_for_this_machine(written):
    for cell in written:
        if "nbval-ignore-output" in cell.metadata.get("tags", []):
            # The one form in which the browser test finds the sliders and moves them.
            widget = re.search(r"^_ = interact\(", cell.source, re.MULTILINE)
            assert widget or cell.source.startswith(MACHINE_COMMENT), (
                f"a cell whose output is not compared draws a widget or begins with "
                f"'{MACHINE_COMMENT}':\n{cell.source}"
            )


def test_a_cell_about_this_machine_is_not_compared(written):
    for cell in written:
        if cell.source.startswith(MACHINE_COMMENT):
            assert "nbval-ignore-output" in cell.metadata.get("tags", []), cell.source


def test_outputs_hold_no_widget_state_no_time_and_no_path_of_a_machine(notebook, code):
    assert "widgets" not in notebook.metadata
    for output in outputs(code):
        data = output.get("data", {})
        assert not [kind for kind in data if "widget" in kind]
        plain = {kind: value for kind, value in data.items() if not kind.startswith("image/")}
        shown = re.sub(r"base64,[A-Za-z0-9+/=]+", "", repr({**output, "data": plain}))
        assert not TIMESTAMP.search(shown), shown
        assert not MACHINE_PATH.search(shown), shown


def test_every_figure_can_be_read_aloud(code):
    for output in outputs(code):
        if "image/png" in output.get("data", {}):
            alt = output.metadata.get("image/png", {}).get("alt", "")
            assert len(alt) >= SHORTEST_ALT, f"alt text is missing or too short: {alt!r}"
            assert not re.match(r"(figure|plot|image|picture|graph)\s*\d*\.?$", alt, re.IGNORECASE)
            assert output.data["text/plain"] == alt


def test_no_figure_is_cut_off(code):
    for output in outputs(code):
        if "image/png" in output.get("data", {}):
            assert not is_cut_off(output.data["image/png"]), output.data["text/plain"]


def test_frame(text):
    assert text.startswith("# ")
    places = [text.find(part) for part in FRAME]
    assert -1 not in places, f"one of {FRAME} is missing"
    assert places == sorted(places)
    assert 3 <= len(re.findall(r"^- ", text[places[0] : places[1]], re.MULTILINE)) <= 5
    assert [title for level, title in headings(text) if level == 2][-3:] == LAST_SECTIONS


def test_headings_are_in_order(text):
    found = headings(text)
    assert [level for level, _ in found].count(1) == 1
    for (above, _), (level, title) in pairwise(found):
        assert level <= above + 1, f"'{title}' skips a level"
    sections = [title for level, title in found if level == 2][: -len(LAST_SECTIONS)]
    numbers = [title.split(" · ")[0] for title in sections]
    assert numbers == [str(i + 1) for i in range(len(sections))]


def test_references_have_a_year_and_a_place_to_find_them(text):
    references = re.findall(r"^(?:- |\d+\. )(.+)$", text.split("## References")[1], re.MULTILINE)
    assert references
    for line in references:
        assert re.search(r"\b(1[89]|20)\d\d\b", line), line


def test_common_mistakes_is_a_table(text):
    section = text.split("## Common mistakes")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("|")]
    assert len(rows) >= 2 + 3
    assert {row.count("|") for row in (re.sub(r"\\\||`[^`]*`", "", row) for row in rows)} == {4}


def test_cells_are_short(written):
    lengths = [len(cell.source.splitlines()) for cell in written]
    assert max(lengths) <= MOST_LINES
    assert statistics.median(lengths) <= MEDIAN_LINES
    assert max(len(line) for cell in written for line in cell.source.splitlines()) <= MOST_COLUMNS


def test_the_first_cell_says_where_figures_go(written):
    assert written[0].source.startswith("%matplotlib inline")


def test_nothing_in_the_code_that_nbval_does_not_understand(written):
    for cell in written:
        assert not re.search(r";\s*$", cell.source, re.MULTILINE), cell.source
        assert "clear_output" not in cell.source, cell.source
        assert "nbval" not in cell.source.lower(), "use a tag, not a comment"


def test_checkpoints_assert(written):
    checkpoints = [cell.source for cell in written if cell.source.startswith("# Checkpoint")]
    assert checkpoints
    for source in checkpoints:
        assert re.search(r"^\s*assert |assert_close\(", source, re.MULTILINE), source


def test_folded_blocks_are_closed_and_render(text):
    assert text.count("<details>") == text.count("</details>")
    assert not re.search(r"</summary>(?!\n\n)", text), "a blank line must follow a summary"


def test_size(lesson, notebook):
    assert notebook_for(SOURCES[lesson]).stat().st_size <= MOST_BYTES


def test_stored_exercises_are_not_attempted(code):
    for cell in code:
        last = cell.source.splitlines()[-1]
        if last.startswith("checks."):
            shown = "".join(output.get("text", "") for output in cell.outputs)
            assert "not attempted yet" in shown, cell.source
