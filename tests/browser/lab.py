"""What the tests do in JupyterLab, in a student's words: open, run all, type, move a slider."""

import json
import re
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Locator, Page, expect

SECOND = 1000  # in milliseconds
PLAIN_TEXT = "[data-mime-type$=stdout], .jp-OutputArea-executeResult [data-mime-type='text/plain']"
LONGEST_LESSON, LONGEST_CELL_WITHOUT_STAR = 600, 60  # in seconds


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    address: str
    token: str
    work: Path  # the folder of the copies that it opens

    def api(self, path: str, method: str = "GET"):
        """Ask the server's REST interface."""
        headers = {"Authorization": f"token {self.token}"}
        request = urllib.request.Request(
            f"{self.address}/api/{path}", headers=headers, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read() or "null")

    def shut_down_kernels(self) -> None:
        """End every session, so that the next lesson has the memory."""
        for session in self.api("sessions"):
            self.api(f"sessions/{session['id']}", method="DELETE")


class Lesson:
    """A lesson's notebook in the browser."""

    def __init__(self, lab: Lab, page: Page, path: Path, artefacts: Path):
        self.lab, self.page, self.path = lab, page, path
        self.artefacts = artefacts  # the folder of this lesson's pictures
        self.number = path.name[:2]
        self.notebook = nbformat.read(path, as_version=4)
        self.code = [cell for cell in self.notebook.cells if cell.cell_type == "code"]
        self.executed = 0
        self.on_disk = (b"", b"")  # before it was saved, and after
        self.page_errors: list[str] = []
        self.foreign_requests: list[str] = []
        page.on("pageerror", lambda error: self.page_errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url))
        page.on("websocket", lambda socket: self._note(socket.url))

    def _note(self, url: str) -> None:
        host = self.lab.address.removeprefix("http://")
        own = (f"http://{host}/", f"ws://{host}/", "data:", "blob:")
        if not url.startswith(own):
            self.foreign_requests.append(url)

    def open(self) -> None:
        """Open the notebook and wait until its kernel listens."""
        name = f"{self.lab.address}/lab/tree/{self.path.name}"
        self.page.goto(f"{name}?token={self.lab.token}&reset")
        expect(self.cells()).to_have_count(len(self.code), timeout=120 * SECOND)
        # A cell that is run before the kernel is connected is dropped without a word.
        idle = self.page.get_by_text(re.compile(r"\| Idle$")).first
        idle.wait_for(timeout=120 * SECOND)
        self.page.keyboard.press("Control+b")  # the file browser away: the width of a lesson

    def save(self) -> None:
        """Save the notebook as it was opened; note what lay on the disk before and after."""
        copy = self.lab.work / self.path.name
        before, written = copy.read_bytes(), copy.stat().st_mtime_ns
        self.page.keyboard.press("Control+s")
        end = time.monotonic() + 60
        while copy.stat().st_mtime_ns == written:
            assert time.monotonic() < end, f"{self.path.name} was not saved"
            self.page.wait_for_timeout(0.2 * SECOND)
        self.on_disk = before, copy.read_bytes()

    def cells(self) -> Locator:
        """Return the code cells."""
        return self.page.locator(".jp-Notebook .jp-CodeCell")

    def last_open(self) -> int:
        """Return which is the last code cell that is not folded: a folded one shows no number."""
        folded = ["figure" in cell.metadata.get("tags", []) for cell in self.code]
        return len(folded) - 1 - folded[::-1].index(False)

    def last(self) -> Locator:
        """Return the last code cell that is not folded."""
        return self.cells().nth(self.last_open())

    def run_all(self) -> None:
        """Choose Run All Cells from the menu and wait for the last cell's number."""
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        # The stored notebook already shows the number that the last cell will have.
        expect(prompt_of(self.last())).to_have_text("[*]:", timeout=60 * SECOND)
        self.executed = len(self.code)
        number = f"[{self.last_open() + 1}]:"
        shown, still = [], 0
        for _ in range(LONGEST_LESSON):
            before, shown = shown, self._prompts()
            if (prompt_of(self.last()).text_content() or "").strip() == number:
                return
            # An error takes the stars off the cells that wait. One that is meant does so as well,
            # but they run all the same.
            still = still + 1 if shown == before and "[*]:" not in shown else 0
            if still > LONGEST_CELL_WITHOUT_STAR:
                break
            self.page.wait_for_timeout(SECOND)
        stop = next(i for i, prompt in enumerate(shown) if not re.search(r"\d", prompt)) - 1
        pytest.fail(f"Run All stopped at cell {stop + 1}: {self.output_of(stop)[-800:]}")

    def _prompts(self) -> list[str]:
        # Not the texts as they are laid out: that would take time from the lesson that runs.
        prompts = self.page.locator(".jp-Notebook .jp-CodeCell .jp-InputPrompt")
        return [text.strip() for text in prompts.all_text_contents()]

    def _wait_for(self, cell: Locator, milliseconds: int) -> None:
        # At every frame: Playwright's own expectations look only once a second, after a while.
        self.page.wait_for_function(
            "([prompt, text]) => prompt.textContent.trim() === text",
            arg=[prompt_of(cell).element_handle(), f"[{self.executed}]:"],
            timeout=milliseconds,
        )

    def type_and_run(self, index: int, code: str) -> str:
        """Replace the code of one cell, run it, and return what it printed."""
        cell = self.cells().nth(index)
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Control+Enter")
        self.executed += 1
        self._wait_for(cell, 120 * SECOND)
        return self.output_of(index)

    def output_of(self, index: int) -> str:
        """Return what one cell shows."""
        return self.cells().nth(index).locator(".jp-OutputArea").first.inner_text()

    def texts(self) -> list[str]:
        """Return what each code cell printed and what it ended with, where that is plain text."""
        return self.cells().evaluate_all(
            """(cells, outputs) => cells.map(
                cell => [...cell.querySelectorAll(outputs)].map(e => e.textContent).join(' ')
            )""",
            PLAIN_TEXT,
        )

    def progress_bars(self) -> list[list[tuple[str, str]]]:
        """Return for each code cell how far its progress bars are, as (done, total)."""
        labels = self.cells().evaluate_all(
            """cells => cells.map(
                cell => [...cell.querySelectorAll('.widget-html')].map(e => e.textContent)
            )"""
        )
        done = [[re.search(r"(\d+)/(\d+)\s\[", text) for text in texts] for texts in labels]
        return [[found.groups() for found in bars if found] for bars in done]

    def resize(self, width: int) -> None:
        """Give the window another width, and wait until JupyterLab has followed."""
        self.page.set_viewport_size({"width": width, "height": 1000})
        self.page.wait_for_function(
            "width => document.getElementById('main').clientWidth === width", arg=width
        )

    def figures(self) -> list[tuple[float, str]]:
        """Return each figure's size on the screen in nominal sizes, and the folded description."""
        return self.page.locator(".jp-RenderedImage:not(.widget-output *) img").evaluate_all(
            """all => all.map(image => {
                const next = image.closest('.jp-OutputArea-child').nextElementSibling;
                const folded = next ? next.querySelector('details:not([open])') : null;
                const text = folded ? folded.textContent.replace(/^Description/, '') : '';
                return [2 * image.clientWidth / image.naturalWidth, text.trim()];
            })"""
        )

    def scratch(self, code: str) -> str:
        """Run code in the lesson's last open cell, which is not needed any more."""
        return self.type_and_run(self.last_open(), code)

    def scratch_output(self) -> Locator:
        """Return where the last cell shows what it gives."""
        return self.last().locator(".jp-OutputArea").first

    def choose_theme(self, name: str) -> None:
        """Choose a theme from the menu."""
        self.page.get_by_role("menuitem", name="Settings", exact=True).click()
        for item in ("Theme", name):
            self.page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()
        is_light = "true" if name.endswith("Light") else "false"
        expect(self.page.locator(f"body[data-jp-theme-light={is_light}]")).to_have_count(1)

    def index_of(self, source: str) -> int:
        """Return which code cell has this source."""
        (index,) = (i for i, cell in enumerate(self.code) if cell.source.strip() == source.strip())
        return index

    def draw(self, paper: Locator, strokes: list[list[tuple[float, float]]]) -> None:
        """Draw strokes with the mouse, from (0, 0) at the top left to (1, 1)."""
        paper.scroll_into_view_if_needed()
        left, top, width, height = paper.evaluate(
            "e => { const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height]; }"
        )
        for stroke in strokes:
            (x, y), *others = [(left + x * width, top + y * height) for x, y in stroke]
            self.page.mouse.move(x, y)
            self.page.mouse.down()
            for x, y in others:
                self.page.mouse.move(x, y)
            self.page.mouse.up()

    def photograph(self) -> None:
        """Keep the whole lesson as pictures, in both themes, one screen after the other."""
        for theme in ("Dark", "Light"):
            self.choose_theme(f"JupyterLab {theme}")
            self._photograph(self.artefacts / theme.lower())

    def _photograph(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        panel = self.page.locator(".jp-WindowedPanel-outer").first
        height, step = (
            panel.evaluate(f"e => e.{name}") for name in ("scrollHeight", "clientHeight")
        )
        for i in range(-(-height // step)):
            panel.evaluate("(e, y) => e.scrollTop = y", i * step)
            self.page.screenshot(path=folder / f"{i:02d}.png")
        panel.evaluate("e => e.scrollTop = 0")


def prompt_of(cell: Locator) -> Locator:
    """Return where a code cell shows its number."""
    return cell.locator(".jp-InputPrompt").first


def drawn(area: Locator) -> tuple[list[str], str]:
    """Return what an output area shows: its pictures, and its text."""
    pictures = area.locator("img").evaluate_all("all => all.map(image => image.src)")
    return pictures, re.sub(r"\s+", " ", area.text_content() or "").strip()  # folded text too
