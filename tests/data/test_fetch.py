"""The real fetching code against a mirror on loopback that does everything wrong.

Each case ends in verified files, or in one clear sentence and a folder left as it was.
"""

import errno
import gzip
import io
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from faulty_disk import FullDisk, Locked
from http_mirror import serving, tiny_collection, tiny_files, write_mirror

from course_utils.data import DataError, fetch, lock
from course_utils.data import held as held_files
from course_utils.data.atomic import atomically
from course_utils.data.checksums import Archive, Collection, State, state
from course_utils.data.errors import Unavailable
from course_utils.data.fetch import obtain

FILES = tiny_files()
TINY = tiny_collection(FILES)
IMAGES = "train-images-idx3-ubyte"
PAUSES = fetch.PAUSES


@pytest.fixture(autouse=True)
def _quick_and_direct(monkeypatch):
    monkeypatch.setattr(fetch, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(fetch, "STALL_SECONDS", 0.2)
    monkeypatch.setattr(fetch, "PAUSES", (0.01, 0.01))
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "MNIST" / "raw"


def contents(folder: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in folder.glob("*") if p.name != ".lock"}


def assert_complete(folder: Path) -> None:
    assert state(TINY, folder) == State.VERIFIED
    expected = set(FILES) | {name.removesuffix(".gz") for name in FILES}
    assert set(contents(folder)) == expected


def no_server() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


def test_everything_is_fetched_verified_and_unpacked(folder):
    with serving(FILES) as mirror:
        assert obtain(TINY, folder, [mirror.url]) == (mirror.url, ())
    assert_complete(folder)
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert set(mirror.requests.values()) == {1}


def test_a_bar_shows_the_progress_of_each_archive(folder, capfd):
    with serving(FILES) as mirror:
        obtain(TINY, folder, [mirror.url])
    shown = capfd.readouterr().err
    assert all(name in shown for name in FILES)


FAULTS = {
    "truncated": "truncated",
    "corrupt": "wrong checksum",
    "longer": "too long",
    "login page": "log-in page",
    404: "404 Not Found",
    403: "403 Forbidden",
    503: "503 Service Unavailable",
    "cut": "the connection was cut",
    "stalled": "silent for 0.2 s",
    "silent": "silent for 0.2 s",
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("there_before", [False, True])
def test_a_lasting_fault_is_named_and_changes_nothing(folder, fault, there_before, monkeypatch):
    monkeypatch.setattr(fetch, "PAUSES", (0.01,))
    if there_before:
        folder.mkdir(parents=True)
        (folder / IMAGES).write_bytes(b"damaged, but the only copy there is")
    before = contents(folder)
    with serving(FILES, train_images=[fault]) as mirror, pytest.raises(Unavailable) as caught:
        obtain(TINY, folder, [mirror.url])
    assert FAULTS[fault] in str(caught.value)
    assert f"127.0.0.1:{mirror.server_port}" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert contents(folder) == before


@pytest.mark.parametrize("fault", [503, 500, 429, "cut", "stalled", "silent"])
def test_a_fault_that_passes_is_waited_for(folder, fault):
    with serving(FILES, train_images=[fault, fault, "fine"]) as mirror:
        obtain(TINY, folder, [mirror.url])
    assert_complete(folder)
    assert mirror.requests[IMAGES + ".gz"] == 3


def test_the_pauses_grow_and_are_as_many_as_there_are_further_attempts(folder, monkeypatch):
    slept = []
    monkeypatch.setattr(fetch, "PAUSES", PAUSES)
    monkeypatch.setattr(fetch.time, "sleep", slept.append)
    with serving(FILES, train_images=[503]) as mirror, pytest.raises(Unavailable, match="503"):
        obtain(TINY, folder, [mirror.url])
    assert slept == sorted(slept)
    assert mirror.requests[IMAGES + ".gz"] == len(slept) + 1 == 4


@pytest.mark.parametrize("fault", [404, "truncated", "corrupt", "login page"])
def test_a_fault_that_stays_is_not_tried_again(folder, fault):
    with serving(FILES, train_images=[fault]) as mirror, pytest.raises(Unavailable):
        obtain(TINY, folder, [mirror.url])
    assert mirror.requests[IMAGES + ".gz"] == 1


def test_the_next_source_helps_out(folder):
    with serving(FILES, t10k_images=["corrupt"]) as bad, serving(FILES) as good:
        base, failed = obtain(TINY, folder, [no_server(), bad.url, good.url])
    assert base == good.url
    assert [why.partition(": ")[2] for why in failed] == [
        "no server answers",
        "wrong checksum, so not the official archive",
    ]
    assert_complete(folder)
    assert set(good.requests) == {"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"}


def test_a_slow_server_is_given_its_time(folder, monkeypatch):
    monkeypatch.setattr(fetch, "BLOCK", 512)
    with serving(FILES, train_images=["slow"]) as mirror:
        obtain(TINY, folder, [mirror.url])
    assert_complete(folder)
    assert mirror.requests[IMAGES + ".gz"] == 1


def test_without_a_server_one_attempt_is_enough(folder, monkeypatch):
    tried = []
    real = socket.create_connection

    def connect(address, *args, **more):
        tried.append(address)
        return real(address, *args, **more)

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(Unavailable, match="no server answers"):
        obtain(TINY, folder, [no_server()])
    assert len(tried) == 1
    assert contents(folder) == {}


def test_a_name_that_nobody_knows(folder, monkeypatch):
    def unknown(*args, **more):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unavailable, match=r"data\.example: name not found"):
        obtain(TINY, folder, ["http://data.example/"])


def test_a_network_that_swallows_everything_is_given_up_soon(folder, monkeypatch):
    monkeypatch.setattr(fetch, "CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **more: time.sleep(3) or [])
    with pytest.raises(Unavailable, match=r"no connection within 0\.1 s"):
        obtain(TINY, folder, ["http://data.example/"])


@pytest.mark.parametrize("address", ["http://host/a folder/", "http://host:port/"])
def test_an_address_that_is_none(folder, address):
    with pytest.raises(Unavailable, match="not a valid URL"):
        obtain(TINY, folder, [address])


@pytest.mark.parametrize("secret", ["", "user:password@"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_dead_proxy_is_called_a_proxy_and_its_password_is_not_told(
    folder, monkeypatch, scheme, secret
):
    proxy = no_server().removeprefix("http://").rstrip("/")
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv(f"{scheme}_proxy", f"http://{secret}{proxy}")
    with serving(FILES) as mirror, pytest.raises(Unavailable) as caught:
        obtain(TINY, folder, [mirror.url.replace("http", scheme)])
    said = f"no server answers (through the proxy {proxy}, which no_proxy=127.0.0.1 avoids)"
    assert str(caught.value).endswith(said)
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # the way out
    with serving(FILES) as mirror:
        obtain(TINY, folder, [mirror.url])
    assert_complete(folder)


def test_a_server_without_tls_behind_an_https_address(folder):
    with serving(FILES) as mirror, pytest.raises(Unavailable, match="SSL"):
        obtain(TINY, folder, [mirror.url.replace("http", "https")])


def test_a_mirror_on_disk(folder, tmp_path):
    base = write_mirror(tmp_path / "usb stick #1", FILES)
    assert obtain(TINY, folder, [base]).base == base
    assert_complete(folder)


def test_a_mirror_on_disk_that_is_not_plugged_in(folder, tmp_path):
    with pytest.raises(Unavailable, match=r"file:///.*/missing/: No such file"):
        obtain(TINY, folder, [(tmp_path / "missing").as_uri() + "/"])


def test_what_is_there_is_not_fetched_again(folder, tmp_path):
    obtain(TINY, folder, [write_mirror(tmp_path / "mirror", FILES)])
    assert obtain(TINY, folder, ["http://never-asked.invalid/"]).base == ""


def test_archives_alone_are_unpacked_without_any_source(folder):
    write_mirror(folder, FILES)
    assert state(TINY, folder) == State.MISSING
    assert obtain(TINY, folder, []).base == ""
    assert_complete(folder)


def damaged(whole: bytes, damage: str) -> bytes | None:
    """Return what is left of a file, ``None`` for nothing at all."""
    changed = whole[:20] + bytes([whole[20] ^ 1]) + whole[21:]
    return {"a byte changed": changed, "cut off": whole[:-1], "empty": b"", "gone": None}[damage]


DAMAGES = pytest.mark.parametrize("damage", ["a byte changed", "cut off", "empty", "gone"])


def spoil(path: Path, damage: str) -> None:
    left = damaged(path.read_bytes(), damage)
    if left is None:
        path.unlink()
    else:
        path.write_bytes(left)


@pytest.mark.parametrize("archive_too", [False, True])
@DAMAGES
def test_a_damaged_file_is_noticed_and_made_anew(folder, tmp_path, damage, archive_too):
    """From its archive if that is there, else from a source."""
    base = write_mirror(tmp_path / "mirror", FILES)
    obtain(TINY, folder, [base])
    spoil(folder / IMAGES, damage)
    if archive_too:
        spoil(folder / (IMAGES + ".gz"), damage)
    assert state(TINY, folder) == (State.MISSING if damage == "gone" else State.DAMAGED)
    assert obtain(TINY, folder, [base]).base == (base if archive_too else "")
    assert_complete(folder)


@DAMAGES
def test_lessons_do_without_the_archives_once_they_are_unpacked(folder, tmp_path, damage):
    base = write_mirror(tmp_path / "mirror", FILES)
    obtain(TINY, folder, [base])
    for name in FILES:
        spoil(folder / name, damage)
    assert state(TINY, folder) == State.VERIFIED
    assert obtain(TINY, folder, []).base == ""
    assert obtain(TINY, folder, [base], archives=True).base == base, "a mirror needs them"
    assert_complete(folder)


def refusing(monkeypatch, times: int) -> list[str]:
    """Let the system refuse to rename anything so many times, as while a scanner reads."""
    refused, real = [], os.replace

    def held(source, target):
        if len(refused) < times:
            refused.append(target)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        real(source, target)

    monkeypatch.setattr(os, "replace", held)
    monkeypatch.setattr(held_files, "PAUSE", 0.01)
    return refused


def test_a_file_that_another_program_holds_for_a_moment_is_waited_for(
    folder, tmp_path, monkeypatch
):
    base = write_mirror(tmp_path / "mirror", FILES)
    refused = refusing(monkeypatch, 5)
    obtain(TINY, folder, [base])
    assert_complete(folder)
    assert len(refused) == 5


def test_a_file_that_another_program_holds_for_good_is_called_so(folder, tmp_path, monkeypatch):
    assert held_files.SECONDS == 2
    monkeypatch.setattr(held_files, "SECONDS", 0.05)
    refusing(monkeypatch, 10**6)
    with pytest.raises(DataError, match=r"another program holds .*ubyte.*; close it .*try again"):
        obtain(TINY, folder, [write_mirror(tmp_path / "mirror", FILES)])
    assert contents(folder) == {}


def test_a_file_that_is_held_while_it_is_read_is_tried_again(folder, tmp_path, monkeypatch):
    obtain(TINY, folder, [write_mirror(tmp_path / "mirror", FILES)])
    monkeypatch.setattr(held_files, "PAUSE", 0.01)
    real, refused = io.open, []

    def refuse(path, *args, **more):
        if str(path).endswith(IMAGES) and len(refused) < 3:
            refused.append(path)
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *args, **more)

    monkeypatch.setattr(io, "open", refuse)
    assert state(TINY, folder) == State.VERIFIED
    assert len(refused) == 3


@pytest.mark.parametrize(
    ("host", "near"),
    [
        *[("127.0.0.1", True), ("192.168.1.7", True), ("::1", True), ("laptop", True)],
        *[("teacher.local", True), ("8.8.8.8", False), ("yann.lecun.com", False)],
    ],
)
def test_only_for_what_is_near_a_way_round_the_proxy_is_proposed(host, near):
    assert fetch._is_near(host) is near


def test_a_file_that_cannot_be_read_is_named(folder, tmp_path, monkeypatch):
    obtain(TINY, folder, [write_mirror(tmp_path / "mirror", FILES)])
    monkeypatch.setattr(held_files, "SECONDS", 0.05)
    real = io.open

    def refuse(path, *args, **more):
        if str(path).endswith(IMAGES):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return real(path, *args, **more)

    monkeypatch.setattr(io, "open", refuse)
    with pytest.raises(DataError, match=rf"{IMAGES} cannot be read \(Permission denied\); close"):
        state(TINY, folder)


def test_an_archive_that_unpacks_to_something_else_is_refused(folder, tmp_path):
    lie = {**asdict(TINY.archives[0]), "unpacked_sha256": "0" * 64}
    wrong = Collection("MNIST", (Archive(**lie),), ())
    with pytest.raises(Unavailable, match="unpacks to something else"):
        obtain(wrong, folder, [write_mirror(tmp_path / "mirror", FILES)])
    assert contents(folder) == {}


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("there", ["nothing", "damaged"])
def test_a_read_only_folder_without_the_data_is_an_error(
    tmp_path, folder, monkeypatch, code, there
):
    base = write_mirror(tmp_path / "mirror", FILES)
    if there == "damaged":
        obtain(TINY, folder, [base])
        (folder / IMAGES).write_bytes(b"damaged")
    before = contents(folder)
    Locked(monkeypatch, tmp_path / "MNIST", code)
    with pytest.raises(DataError, match=r"read-only; set COURSE_DATA_DIR to a folder that you may"):
        obtain(TINY, folder, [base])
    assert contents(folder) == before


def test_a_read_only_folder_with_good_data_is_never_written(tmp_path, folder, monkeypatch):
    obtain(TINY, folder, [write_mirror(tmp_path / "mirror", FILES)])
    locked = Locked(monkeypatch, tmp_path / "MNIST", errno.EROFS)
    assert obtain(TINY, folder, []).base == ""
    assert locked.refused == 0


def test_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "MNIST").write_text("not a folder")
    with pytest.raises(
        DataError, match=r"cannot write in .* set COURSE_DATA_DIR to another folder"
    ):
        obtain(TINY, tmp_path / "MNIST" / "raw", [])


@pytest.mark.parametrize("stage", [".gz.", "ubyte."])
def test_a_full_disk_is_said_and_leaves_nothing(folder, tmp_path, monkeypatch, stage):
    base, real = write_mirror(tmp_path / "mirror", FILES), io.open

    def on_full_disk(path, mode="r", *args, **more):
        name = Path(path).name if isinstance(path, str | Path) else ""
        if "w" in mode and name.startswith(IMAGES) and name.count(stage) and name.endswith(".part"):
            return FullDisk(path, mode)
        return real(path, mode, *args, **more)

    monkeypatch.setattr(io, "open", on_full_disk)
    with pytest.raises(DataError, match=r"the disk is full; free about .* or set COURSE_DATA_DIR"):
        obtain(TINY, folder, [base])
    assert contents(folder) == {}


def test_stopping_by_hand_leaves_nothing(folder, tmp_path, monkeypatch):
    def stopped(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(gzip, "open", stopped)
    with pytest.raises(KeyboardInterrupt):
        obtain(TINY, folder, [write_mirror(tmp_path / "mirror", FILES)])
    assert contents(folder) == {}


CHILD = """
import json, sys
from pathlib import Path
from course_utils.data.checksums import Archive, Collection, state
from course_utils.data.fetch import obtain
archives, folder, base = json.loads(sys.argv[1])
tiny = Collection("MNIST", tuple(Archive(**a) for a in archives), ())
obtain(tiny, Path(folder), [base])
print(state(tiny, Path(folder)))
"""


def child(folder: Path, base: str) -> subprocess.Popen:
    wanted = json.dumps([[asdict(a) for a in TINY.archives], str(folder), base])
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, wanted],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_four_processes_at_once_fetch_once(folder):
    with serving(FILES, train=["slow"], t10k=["slow"]) as mirror:
        children = [child(folder, mirror.url) for _ in range(4)]
        answers = [process.communicate(timeout=60) for process in children]
    assert [out.strip().splitlines()[-1:] for out, _ in answers] == [["verified"]] * 4, answers
    assert set(mirror.requests.values()) == {1}
    assert_complete(folder)


def test_what_a_killed_download_left_is_cleared_away(folder):
    with serving(FILES, train_images=["stalled", "fine"]) as mirror:
        killed = child(folder, mirror.url)
        while not list(folder.glob("*.part")):
            assert killed.poll() is None, killed.communicate()
            time.sleep(0.02)
        killed.kill()
        killed.communicate()
        assert list(folder.glob("*.part"))
        obtain(TINY, folder, [mirror.url])
    assert_complete(folder)


def test_waiting_for_another_process_is_said_and_ends(folder, monkeypatch, capsys):
    monkeypatch.setattr(lock, "NOTICE_SECONDS", 0.05)
    monkeypatch.setattr(lock, "WAIT_SECONDS", 0.1)
    with (
        lock.claimed(folder, "MNIST"),
        pytest.raises(DataError, match="another program has been writing"),
    ):
        obtain(TINY, folder, [])
    assert "MNIST: another notebook is preparing it; waiting." in capsys.readouterr().out


def test_a_file_gets_its_name_only_when_it_is_whole(tmp_path):
    (tmp_path / "file").write_text("old")
    with atomically(tmp_path / "file") as part:
        part.write_text("new")
        assert (tmp_path / "file").read_text() == "old"
        written = part.stat().st_ino
    # The same file under another name: at no time was there half of it.
    assert (tmp_path / "file").stat().st_ino == written
