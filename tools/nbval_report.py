"""A pytest plugin for nbval: the seconds and the peak memory of each notebook, at the end.

A notebook that takes more memory than ``--most-megabytes`` fails the run. An output may be late on
a busy machine, so nbval waits longer than its 5 seconds. Loaded by ``tools/check_notebooks.py``.
"""

import re
from collections import defaultdict
from pathlib import Path

import psutil
import pytest

seconds: dict[str, float] = defaultdict(float)
megabytes: dict[str, int] = defaultdict(int)


def pytest_addoption(parser):
    parser.addoption("--most-megabytes", type=int, default=2048, help="of 2^20 bytes; 2 GB")


def pytest_itemcollected(item):
    if hasattr(item, "output_timeout"):
        item.output_timeout = 60


def pytest_runtest_teardown(item):
    if ".ipynb::" in item.nodeid:  # the report takes it along, from a worker too
        peaks = (peak_megabytes(child.pid) for child in psutil.Process().children())
        item.user_properties.append(("megabytes", max(peaks, default=0)))


def pytest_runtest_logreport(report):
    if ".ipynb::" in report.nodeid:
        notebook = report.nodeid.split("::")[0]
        seconds[notebook] += report.duration
        peaks = (peak for name, peak in report.user_properties if name == "megabytes")
        megabytes[notebook] = max([megabytes[notebook], *peaks])


def peak_megabytes(pid: int) -> int:
    """Return the most memory that a process ever held; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(peak[1]) // 1024 if peak else 0


def pytest_sessionfinish(session):
    if max(megabytes.values(), default=0) > session.config.option.most_megabytes:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter, config):
    most = config.option.most_megabytes
    terminalreporter.section("notebooks: seconds and peak memory")
    for notebook, taken in sorted(seconds.items()):
        mark = f" FAILED: more than {most} MB" if megabytes[notebook] > most else ""
        terminalreporter.line(f"{notebook:44}{taken:7.1f} s {megabytes[notebook]:6d} MB{mark}")
    terminalreporter.line(f"{'together':44}{sum(seconds.values()):7.1f} s")
