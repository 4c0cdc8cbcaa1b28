"""What must hold of the project as a whole: dependencies, files, what importing does."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
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


# First the packages that helpers import. Then what Python has on Linux and macOS alone is gone.
# Then the helpers.
IMPORT = """
import contextlib, importlib, io, os, random, signal, sys
import anywidget, filelock, matplotlib.pyplot as plt, numpy as np, psutil, scipy.stats
import sklearn.mixture, torch, tqdm
from IPython.core import interactiveshell

for module in ("fcntl", "grp", "posix", "pwd", "resource", "termios"):
    sys.modules[module] = None
for where, names in (
    (os, "chown fork forkpty geteuid getuid killpg setgid setgroups setsid setuid uname"),
    (signal, "ITIMER_REAL SIGALRM SIGHUP SIGKILL alarm setitimer"),
):
    for name in names.split():
        vars(where).pop(name, None)

def state():
    shape, keys, *rest = np.random.get_state()
    return (random.getstate(), keys.tolist(), rest, torch.initial_seed(),
            torch.get_rng_state().tolist(), torch.get_num_threads(), torch.get_default_dtype(),
            torch.is_grad_enabled(), dict(plt.rcParams), plt.get_fignums())

for module in sys.argv[1:]:
    before, said = state(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        importlib.import_module(module)
    assert not said.getvalue(), f"{module} prints when it is imported"
    assert state() == before, f"{module} changes something when it is imported"
print("quiet", len(sys.argv) - 1)
"""


def test_importing_the_helpers_does_nothing_and_needs_nothing_that_windows_lacks(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", IMPORT, *MODULES],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"quiet {len(MODULES)}\n", done.stderr
    assert not list(tmp_path.iterdir())


def test_what_is_loaded_can_hold_no_code():
    for path in [*(ROOT / "notebooks" / "sources").glob("*.py"), *HELPERS]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                keywords = [ast.unparse(keyword) for keyword in node.keywords]
                assert "weights_only=True" in keywords, f"{relative(path)}: {ast.unparse(node)}"
