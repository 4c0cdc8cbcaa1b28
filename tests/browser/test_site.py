"""The reading site in Chromium: wide and narrow, light and dark, with nothing from elsewhere."""

import threading
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urldefrag

import build_site
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import ARTEFACTS

WIDTHS, SCHEMES = (1366, 390), ("light", "dark")
COMBINATIONS = [(width, scheme) for width in WIDTHS for scheme in SCHEMES]
# What is looked at closely: by axe, and by people, who find the pictures in test-artefacts/.
LESSONS = ("01_", "05_", "08_", "10_")
# Long pages take axe a while: each width and each scheme once.
FOR_LESSONS = [(1366, "light"), (390, "dark")]
OTHERS = ("index.html", "search.html?q=gradient", "docs/instructors/01.html")
VIOLATIONS = {"resultTypes": ["violations"]}  # what passed need not be described
PICTURE = 4000  # pixels of height


class Quiet(SimpleHTTPRequestHandler):
    """Serves the site without a line for each request."""

    def log_message(self, *words):
        """Say nothing."""


@pytest.fixture(scope="module")
def site():
    """Build the site, serve it, and return its address."""
    assert build_site.main() == 0
    handler = partial(Quiet, directory=str(build_site.SITE))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Reader:
    """A browser's page that notes what it should not have to say."""

    def __init__(self, chromium, site, width, scheme):
        self.page = chromium.new_page(
            viewport={"width": width, "height": 1000}, color_scheme=scheme
        )
        self.page.set_default_timeout(120_000)  # milliseconds: a busy machine takes its time
        self.site, self.trouble = site, []
        self.page.on("pageerror", lambda error: self.trouble.append(str(error)))
        self.page.on("console", lambda said: self._note(said.type == "error", said.text))
        self.page.on("request", lambda one: self._note(self._is_foreign(one.url), one.url))

    def _is_foreign(self, url):
        return not url.startswith((self.site, "data:"))

    def _note(self, is_trouble, text):
        if is_trouble:
            self.trouble.append(f"{self.page.url}: {text}")

    def open(self, name):
        """Open a page and wait until its formulas are set."""
        self.page.goto(self.site + name)
        self.page.evaluate("() => window.MathJax?.startup.promise")

    def overhang(self):
        """Return by how many pixels the page is wider than the screen."""
        return self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )


@pytest.fixture
def reader(request, chromium, site):
    opened = Reader(chromium, site, *request.param)
    yield opened
    opened.page.close()


def names():
    return sorted(path.relative_to(build_site.SITE) for path in build_site.SITE.rglob("*.html"))


@pytest.mark.parametrize("reader", [(1366, "light")], indirect=True)
def test_no_page_is_wider_than_the_screen_and_none_has_an_error(reader):
    wide = []
    for name in names():
        reader.page.set_viewport_size({"width": WIDTHS[0], "height": 1000})
        reader.open(name.as_posix())
        assert reader.page.locator("mjx-merror").count() == 0, f"{name}: a formula is wrong"
        for width in WIDTHS:
            reader.page.set_viewport_size({"width": width, "height": 1000})
            if reader.overhang() > 0:
                wide.append((name.as_posix(), width, reader.overhang()))
    assert not wide
    assert not reader.trouble


@pytest.mark.parametrize("reader", COMBINATIONS, ids=str, indirect=True)
def test_axe_finds_nothing_serious(reader, request):
    combination = request.node.callspec.params["reader"]
    lessons = [f"notebooks/{name.name}" for name in names() if name.name.startswith(LESSONS)]
    found = []
    for name in [*OTHERS, *lessons]:
        reader.open(name)
        if name in lessons:
            photograph(reader.page, f"{name[10:12]}_{combination[0]}_{combination[1]}")
        if name in OTHERS or combination in FOR_LESSONS:
            found += [(name, *one) for one in axe(reader.page)]
    assert not found
    assert not reader.trouble


def photograph(page, name):
    """Leave a picture of a page's upper part in test-artefacts/site."""
    folder = ARTEFACTS / "site"
    folder.mkdir(parents=True, exist_ok=True)
    clip = {"x": 0, "y": 0, "width": page.viewport_size["width"], "height": PICTURE}
    page.screenshot(path=folder / f"{name}.png", full_page=True, clip=clip)


def axe(page):
    """Return (rule, how often, where first) of what axe finds serious or critical."""
    found = Axe().run(page, options=VIOLATIONS).response["violations"]
    grave = [one for one in found if one["impact"] in ("serious", "critical")]
    return [(one["id"], len(one["nodes"]), one["nodes"][0]["html"][:300]) for one in grave]


@pytest.mark.parametrize("reader", [(390, "dark")], indirect=True)
def test_what_is_folded_unfolds_and_the_search_finds(reader):
    reader.open("notebooks/01_pytorch_workflow.html")
    for name in ("Code of the figure", "Description", "Hint", "Solution"):
        folded = reader.page.locator("details", has=reader.page.get_by_text(name, exact=True)).first
        assert folded.get_attribute("open") is None
        folded.locator("summary").click()
        assert folded.get_attribute("open") is not None
        assert folded.inner_text().strip() != name
    reader.open("search.html?q=gradient")
    found = reader.page.locator("ul.search a")
    found.first.wait_for()
    links = found.evaluate_all("all => all.map(link => link.getAttribute('href'))")
    assert any("01_pytorch_workflow" in link for link in links)
    assert not any("instructors" in link for link in links)


class Links(HTMLParser):
    """Collects what a page links to or loads, and the places in it that can be linked to."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.places = set(), {""}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name in ("href", "src") and value is not None:
                self.targets.add(value)
            elif name == "id":
                self.places.add(value)


def test_links_within_the_site_lead_somewhere(site):
    pages = {path: Links(path.read_text()) for path in build_site.SITE.rglob("*.html")}
    broken = []
    for path, page in pages.items():
        for target in page.targets:
            if target.startswith(("http:", "https:", "mailto:", "data:")):
                continue
            name, place = urldefrag(unquote(target.split("?")[0]))
            file = (path.parent / name).resolve() if name else path
            there = file.exists() and (file not in pages or place in pages[file].places)
            if not there:
                broken.append((path.relative_to(build_site.SITE).as_posix(), target))
    assert not broken
