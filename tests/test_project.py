"""What must hold of the project as a whole: dependencies, files, what importing does."""

import ast
import importlib
import os
import random
import re
import signal
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
# What students install, and what authors install besides.
LOCKS = ["requirements.txt", "requirements-dev.txt"]
CONDA_NAMES = {
    "jupyter-client": "jupyter_client",
    "matplotlib": "matplotlib-base",
    "torch": "pytorch",
}

# In two halves, so that this file does not name what it looks for.
REGISTRIES = [
    "py" + "pi.org",
    "files.python" + "hosted.org",
    "conda." + "anaconda.org",
    "registry." + "npmjs.org",
    "deb." + "debian.org",
]
MACHINE_PATHS = [
    "/wo" + "rk/main",
    "/wo" + "rk/shared",
    "/ro" + "ot/",
    "/tmp/ba" + "sh",
    "/ho" + "me/",
]

HELPERS = sorted((ROOT / "course_utils").rglob("*.py"))
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in HELPERS
]


def relative(path):
    return path.relative_to(ROOT).as_posix()


@cache
def lock(name):
    """Return a lock file's requirements, each with its hashes."""
    text = (ROOT / name).read_text(encoding="ascii").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    parts = [re.split(r"\s+--hash=", line) for line in lines]
    return [(Requirement(first.strip()), hashes) for first, *hashes in parts]


def pins(need, *names):
    locked = [pin for name in names for pin, _ in lock(name)]
    return [pin for pin in locked if canonicalize_name(pin.name) == canonicalize_name(need.name)]


def assert_locked(need, *names):
    found = pins(need, *names)
    assert found, f"{need.name} is not locked: make lock"
    for pin in found:
        (version,) = [spec.version for spec in pin.specifier if spec.operator == "=="]
        assert need.specifier.contains(version), f"{pin} against {need}: make lock"


@pytest.mark.parametrize("line", [*PROJECT["dependencies"], *EXTRAS["install"]])
def test_the_students_lock_file_satisfies_every_dependency(line):
    assert_locked(Requirement(line), "requirements.txt")


@pytest.mark.parametrize("line", EXTRAS["dev"])
def test_the_two_lock_files_satisfy_what_authors_need(line):
    assert_locked(Requirement(line), *LOCKS)


@pytest.mark.parametrize("name", LOCKS)
def test_everything_locked_has_hashes(name):
    for pin, hashes in lock(name):
        assert hashes, pin
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value.strip()) for value in hashes), pin


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_holds_no_url_host_path_or_option(name):
    text = (ROOT / name).read_text(encoding="ascii")
    assert "://" not in text
    assert " @ " not in text
    assert not re.search(r"(^|\s)[.~]?/", text)
    assert set(re.findall(r"(?<!\S)--?[a-z-]+", text)) == {"--hash"}


@cache
def environment():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def test_environment_holds_the_same_packages_and_bounds():
    listed = {line for line in environment()["dependencies"] if isinstance(line, str)}
    needs = [Requirement(line) for line in PROJECT["dependencies"]]
    same = {f"{CONDA_NAMES.get(need.name, need.name)}{need.specifier}" for need in needs}
    (python,) = [line for line in listed if re.fullmatch(r"python=3\.\d+", line)]
    assert listed == same | {*EXTRAS["install"], python, "pip"}
    assert SpecifierSet(PROJECT["requires-python"]).contains(python.removeprefix("python="))


def test_environment_is_conda_forge_and_installs_the_course():
    assert environment()["channels"] == ["conda-forge"]
    assert environment()["dependencies"][-1] == {"pip": ["-e ."]}


@cache
def project_files():
    """Return the files that git holds or would hold."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others"]
    try:
        done = subprocess.run(
            [*command, "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git repository: which files belong to the project is not known")
    paths = [ROOT / name for name in os.fsdecode(done.stdout).split("\0") if name]
    return [path for path in paths if path.is_file()]


@pytest.mark.parametrize("needle", REGISTRIES + MACHINE_PATHS)
def test_no_file_names_a_registry_or_a_path_of_a_machine(needle):
    found = [relative(path) for path in project_files() if needle.encode() in path.read_bytes()]
    assert not found


def test_every_notebook_has_a_source_and_the_reverse():
    notebooks = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert notebooks == {path.stem for path in (ROOT / "notebooks" / "sources").glob("*.py")}


def test_nothing_that_is_made_is_held():
    for path in project_files():
        assert path.relative_to(ROOT).parts[0] not in {"data", "results", ".venv"}, relative(path)
        assert path.stat().st_size < 2_000_000, relative(path)


DOCUMENTS = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")], key=relative
)


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_a_document_names_only_commands_that_exist(path):
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    text = path.read_text(encoding="utf-8")
    assert set(re.findall(r"(?:`|^|\$ )make ([a-z][a-z-]*)", text, re.MULTILINE)) <= targets
    for module in re.findall(r"python3? -m (course_utils[.\w]*)", text):
        assert module.removesuffix(".__main__") in MODULES


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_links_to_files_lead_somewhere(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", text):
        assert (path.parent / target).exists(), target


# What the helpers import of others: off Windows, those may use what Windows lacks.
THEIRS = ["IPython.core.interactiveshell", "anywidget", "filelock", "psutil", "scipy.stats"]
THEIRS += ["sklearn.mixture", "tqdm.auto"]
# What Python has on Linux and macOS alone.
UNIX_MODULES = ["fcntl", "grp", "posix", "pwd", "resource", "termios"]
UNIX_NAMES = {
    os: "chown fork forkpty geteuid getuid killpg setgid setgroups setsid setuid uname",
    signal: "ITIMER_REAL SIGALRM SIGHUP SIGKILL alarm setitimer",
}


def state():
    _, keys, *rest = np.random.get_state()  # noqa: NPY002
    drawing = dict(plt.rcParams), plt.get_fignums()
    random_numbers = random.getstate(), keys.tolist(), rest, torch.get_rng_state().tolist()
    switches = torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled()
    return drawing, random_numbers, switches


@pytest.fixture
def not_imported():
    """The helpers as they are before anything imported them; afterwards as they were."""

    def taken_out():
        names = [name for name in sys.modules if name.partition(".")[0] == "course_utils"]
        return {name: sys.modules.pop(name) for name in names}

    before = taken_out()
    yield
    taken_out()
    sys.modules.update(before)


@pytest.mark.usefixtures("not_imported")
@pytest.mark.filterwarnings("error::UserWarning")
def test_importing_the_helpers_does_nothing_and_needs_nothing_that_windows_lacks(
    tmp_path, monkeypatch, capsys
):
    for module in THEIRS:
        importlib.import_module(module)
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as windows:
        for name in UNIX_MODULES:
            windows.setitem(sys.modules, name, None)
        for module, names in UNIX_NAMES.items():
            for name in names.split():
                windows.delattr(module, name, raising=False)
        for module in MODULES:
            before = state()
            importlib.import_module(module)
            assert capsys.readouterr() == ("", ""), f"{module} prints when it is imported"
            assert state() == before, f"{module} changes something when it is imported"
    assert not list(tmp_path.iterdir())


def test_what_is_loaded_can_hold_no_code():
    for path in [*(ROOT / "notebooks" / "sources").glob("*.py"), *HELPERS]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                keywords = [ast.unparse(keyword) for keyword in node.keywords]
                assert "weights_only=True" in keywords, f"{relative(path)}: {ast.unparse(node)}"
