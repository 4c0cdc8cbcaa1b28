"""What must hold where the project meets other places: releases, hosts, workflows, installs."""

import json
import os
import re
import tomllib
from pathlib import Path

import install
import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSION = PYPROJECT["project"]["version"]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def test_one_version_and_one_day_everywhere():
    citation = yaml.safe_load(text("CITATION.cff"))
    newest = re.search(r"^## (.+)$", text("CHANGELOG.md"), re.MULTILINE)[1]
    assert citation["version"] == VERSION
    assert newest == f"{VERSION} · {citation['date-released']}"


WORKFLOW = yaml.safe_load(text(".github/workflows/course.yml"))


def python_versions(job):
    return job["strategy"]["matrix"].get("python", [])


@pytest.mark.parametrize("name", ["linux", "elsewhere"])
def test_the_workflow_takes_the_oldest_and_the_newest_python(name):
    ends = [".".join(map(str, version)) for version in (install.OLDEST, install.NEWEST)]
    assert python_versions(WORKFLOW["jobs"][name]) == ends


def test_codespaces_start_from_a_python_that_the_course_runs_on():
    image = json.loads(text(".devcontainer/devcontainer.json"))["image"]
    version = re.match(r"python:(3\.\d+)-", image)[1]
    assert SpecifierSet(PYPROJECT["project"]["requires-python"]).contains(version)
    assert tuple(map(int, version.split("."))) <= install.NEWEST


CALLS = [
    ".github/workflows/course.yml",
    ".pre-commit-config.yaml",
    ".devcontainer/devcontainer.json",
    "postBuild",
]


@pytest.mark.parametrize("name", CALLS)
def test_what_a_host_calls_is_there(name):
    called = text(name)
    targets = re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE)
    assert set(re.findall(r"\bmake ([a-z-]+) ?(?:&&|$)", called, re.MULTILINE)) <= {*targets}
    for module in re.findall(r"-m (course_utils[.\w]*)", called):
        place = ROOT.joinpath(*module.split("."))
        assert place.with_suffix(".py").exists() or (place / "__main__.py").exists(), module
    for path in re.findall(r"(?<![\w/])(?:tools|tests)/[\w/]+\.py", called):
        assert (ROOT / path).exists(), path


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such mark")
def test_binder_can_run_what_it_is_given():
    assert os.access(ROOT / "postBuild", os.X_OK)


def test_an_install_brings_every_file_of_the_helpers():
    brought = {
        path
        for package, patterns in PYPROJECT["tool"]["setuptools"]["package-data"].items()
        for pattern in patterns
        for path in ROOT.joinpath(*package.split(".")).glob(pattern)
    }
    helpers = (ROOT / "course_utils").rglob("*")
    other = {path for path in helpers if path.is_file() and path.suffix not in {".py", ".pyc"}}
    assert other
    assert other == brought
    for folder in {path.parent for path in (ROOT / "course_utils").rglob("*.py")}:
        assert (folder / "__init__.py").exists(), f"{folder} is left out of an install"
