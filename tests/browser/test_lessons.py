"""Each lesson in a real browser, as a student meets it."""

import importlib
import re
import time
from pathlib import Path

from answers import exercise, exercises
from axe_playwright_python.sync_playwright import Axe
from figure_border import is_cut_off
from lab import SECOND, drawn
from nbval.plugin import get_sanitize_patterns
from playwright.sync_api import expect

from course_utils.lessons import digit_pad

# Builds the controls of a cell once more, out of sight, and moves them by number: what the function
# draws there is what the real controls must show.
TWIN = """
from ipywidgets import FloatLogSlider, interactive

def move(control, key):
    if hasattr(control, "index"):
        control.index = len(control.options) - 1 if key == "End" else 0
    else:
        end = control.max if key == "End" else control.min
        control.value = control.base**end if isinstance(control, FloatLogSlider) else end

{cell}
twin = _
print(len(twin.children) - 1)
"""

SCREENS = (1280, 1366)  # pixels across: a projector, and last the laptop of the other tests

SANITIZE = Path(__file__).resolve().parents[2] / "tools" / "nbval_sanitize.cfg"

# JupyterLab's own parts are its makers' affair. What the course writes is the text and its outputs.
OURS = {"include": [[".jp-RenderedMarkdown"], [".jp-RenderedHTML"], [".digit-pad"]]}
RULES = ["color-contrast", "heading-order", "empty-heading", "image-alt", "link-name", "list"]
RULES += ["empty-table-header", "td-headers-attr", "th-has-data-cells"]


def test_saving_a_lesson_that_was_only_opened_changes_no_byte(lesson):
    before, after = lesson.on_disk
    assert before
    assert after == before


def test_run_all_ends_without_an_error_that_was_not_meant(lesson):
    shown = [lesson.cells().nth(i).inner_text() for i in range(len(lesson.code))]
    failed = [i for i, text in enumerate(shown) if "Traceback (most recent call last)" in text]
    assert failed == [i for i, cell in enumerate(lesson.code) if has_tag(cell, "raises-exception")]


def has_tag(cell, tag):
    return tag in cell.metadata.get("tags", [])


def test_what_cells_print_is_what_is_stored(lesson):
    for cell, shown in zip(lesson.code, lesson.texts(), strict=True):
        if not has_tag(cell, "nbval-ignore-output"):
            stored = " ".join(map(plain_text, cell.outputs))
            assert sanitized(shown) == sanitized(stored), cell.source


def plain_text(output):
    if output.output_type == "execute_result":
        text = output.data["text/plain"]
        return "" if text == digit_pad.IN_WORDS else text  # JupyterLab shows the pad itself
    return output.text if output.get("name") == "stdout" else ""


def sanitized(text):
    """Fold what may differ, by the same rules as the comparison of the notebooks."""
    for pattern, new in get_sanitize_patterns(SANITIZE.read_text()):
        text = re.sub(pattern, new, text)
    return text.split()


def test_progress_bars_are_there_and_finish(lesson):
    shown = lesson.progress_bars()
    for cell, bars in zip(lesson.code, shown, strict=True):
        stored = [output.get("data", {}).get("text/plain", "") for output in cell.outputs]
        expected = sum("[progress bar, " in text for text in stored)
        more = "load_judge(" in cell.source  # which trains a judge where none is kept yet
        assert expected <= len(bars) <= expected + more, cell.source
        assert all(done == total for done, total in bars), bars


def test_every_figure_is_wide_enough_to_read_and_says_what_it_shows(lesson):
    drawn_in_lesson = sum("image/png" in o.get("data", {}) for c in lesson.code for o in c.outputs)
    for width in SCREENS:
        lesson.resize(width)
        figures = lesson.figures()
        assert len(figures) >= drawn_in_lesson
        for scale, description in figures:
            # Text of 10 points is still of 8 pixels or more.
            assert scale > 0.6, (width, description)
            assert len(description) > 30, description


def test_code_that_only_draws_is_folded_and_one_click_away(lesson):
    folded = [i for i, cell in enumerate(lesson.code) if has_tag(cell, "figure")]
    assert folded
    for i in range(len(lesson.code)):
        assert lesson.cells().nth(i).locator(".cm-content").count() == int(i not in folded)
    cell = lesson.cells().nth(folded[0])
    cell.locator(".jp-InputPlaceholder").click()
    expect(cell.locator(".cm-content")).to_contain_text(
        lesson.code[folded[0]].source.splitlines()[0]
    )


def test_no_figure_is_cut_off(lesson):
    in_cells = lesson.cells().evaluate_all(
        """cells => cells.map(
            cell => [...cell.querySelectorAll('.jp-RenderedImage img')].map(e => e.src)
        )"""
    )
    assert any(in_cells)
    for cell, figures in zip(lesson.code, in_cells, strict=True):
        assert not [src for src in figures if is_cut_off(src.partition("base64,")[2])], cell.source


def test_every_table_has_a_header_over_each_column(lesson):
    tables = lesson.page.locator(".jp-RenderedMarkdown table, .jp-RenderedHTML table").evaluate_all(
        "all => all.map(table => [...table.rows[0].cells].map(cell => cell.tagName))"
    )
    assert tables
    assert all(set(first_row) == {"TH"} for first_row in tables), tables


def test_text_can_be_read_in_the_light_and_in_the_dark_theme(lesson):
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lesson.choose_theme(theme)
        found = Axe().run(lesson.page, OURS, {"runOnly": RULES}).response["violations"]
        assert not found, (theme, [(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found])


def test_every_control_changes_its_output_to_what_the_setting_gives(lesson):
    for index, cell in enumerate(lesson.code):
        if re.search(r"^_ = interact\(", cell.source, re.MULTILINE):
            source = cell.source.replace("interact(", "interactive(")
            number = int(lesson.scratch(TWIN.format(cell=source)))
            handles = lesson.cells().nth(index).locator(".widget-interact .noUi-handle")
            # A slider each: other controls need the keys up and down, and JupyterLab takes those.
            expect(handles).to_have_count(number)
            words = lesson.cells().nth(index).locator(".widget-label, .widget-readout")
            cut = "all => all.filter(e => e.scrollWidth > e.clientWidth).map(e => e.textContent)"
            assert words.evaluate_all(cut) == []
            for k in range(number):
                move_and_compare(lesson, index, k)


def move_and_compare(lesson, index, k):
    """Move one control by keyboard; its output must become what its function gives there."""
    area = lesson.cells().nth(index).locator(".widget-interact")
    output, handle = area.locator(".widget-output"), area.locator(".noUi-handle").nth(k)
    at, end = (float(handle.get_attribute(f"aria-value{name}")) for name in ("now", "max"))
    key = "End" if at < end else "Home"  # arrow keys would go by the slider's own grid
    before = drawn(output)
    lesson.scratch(f"move(twin.children[{k}], {key!r}); twin.f(**twin.kwargs)")
    wanted = drawn(lesson.scratch_output())
    assert wanted[0], f"control {k} of cell {index} draws no figure: {wanted[1][-300:]}"
    assert wanted[0] != before[0], f"control {k} of cell {index} does not change the figure"
    assert len(wanted[1]) > 30, f"the figure of cell {index} does not say what it shows"
    handle.focus()
    lesson.page.keyboard.press(key)
    deadline = time.monotonic() + 30
    while drawn(output) != wanted:
        assert time.monotonic() < deadline, (index, k, drawn(output)[1][-300:], wanted[1][-300:])
        lesson.page.wait_for_timeout(0.1 * SECOND)


def test_a_digit_drawn_with_the_mouse_is_read(lesson):
    pads = lesson.page.locator(".digit-pad")
    expect(pads).to_have_count(sum("DigitPad(" in cell.source for cell in lesson.code))
    for pad in pads.all():
        paper, said = pad.get_by_role("img", name="Pad:"), pad.get_by_role("status")
        size = pad.bounding_box()
        for digit in (5, 3):
            pad.get_by_role("button", name="Clear").click()
            expect(said).to_have_text(digit_pad.EMPTY)
            lesson.draw(paper, digit_pad.examples()[digit])
            expect(said).to_have_text(re.compile(rf"^The net reads a {digit}, \d+ %$"))
            answer = pad.locator(".digit-pad-answer")
            percent = re.search(r"\d+ %", said.inner_text())[0]
            assert answer.inner_text().split("\n") == [str(digit), percent]
        after = pad.bounding_box()
        assert (after["width"], after["height"]) == (size["width"], size["height"])
        for theme in ("Dark", "Light"):
            lesson.choose_theme(f"JupyterLab {theme}")
            pad.screenshot(path=lesson.artefacts / f"digit_pad_{theme.lower()}.png")


def test_exercises_as_played(lesson):
    wrong = []
    for number in exercises(lesson.number):
        item = exercise(number)
        index = lesson.index_of(f"{item.stub}\n{item.check}")
        for code, beginning, fragment in plays(item):
            said = lesson.type_and_run(index, f"{code}\n{item.check}").splitlines()[-1]
            if not (said.startswith(f"Exercise {number} {beginning}") and fragment in said):
                wrong.append((number, fragment, said, code))
    assert not wrong


def plays(item):
    """Return (code, how the message begins, a part of it): the stub, two mistakes, the solution."""
    every = importlib.import_module(f"lesson_{item.lesson}").answers.all
    wrong = [one for one in every if one.number == item.number and one.fragment]
    typed = [(one.text(), "✗ ", one.fragment) for one in wrong if one.text()]
    return [(item.stub, "· not attempted yet", ""), *typed[:2], (item.solution, "✓ ", "")]


def test_no_error_of_the_page_and_nothing_from_another_host(lesson):
    assert lesson.page_errors == []
    assert lesson.foreign_requests == []
