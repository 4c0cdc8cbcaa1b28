"""A pytest plugin for nbval: the seconds and the peak memory of each notebook, at the end.

Loaded by ``make test`` with ``-p tests.nbval_report``.
"""

import re
from collections import defaultdict
from pathlib import Path

import psutil

seconds: dict[str, float] = defaultdict(float)
megabytes: dict[str, int] = defaultdict(int)


def pytest_runtest_logreport(report):
    if ".ipynb::" in report.nodeid:
        seconds[report.nodeid.split("::")[0]] += report.duration


def pytest_runtest_teardown(item):
    if ".ipynb::" in item.nodeid:
        notebook = item.nodeid.split("::")[0]
        peaks = (peak_megabytes(child.pid) for child in psutil.Process().children())
        megabytes[notebook] = max([megabytes[notebook], *peaks])


def peak_megabytes(pid: int) -> int:
    """Return the most memory that a process ever held; 0 where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(peak[1]) // 1024 if peak else 0


def pytest_terminal_summary(terminalreporter):
    terminalreporter.section("notebooks: seconds and peak memory")
    for notebook, taken in sorted(seconds.items()):
        terminalreporter.line(f"{notebook:44}{taken:7.1f} s {megabytes[notebook]:6d} MB")
    terminalreporter.line(f"{'together':44}{sum(seconds.values()):7.1f} s")
