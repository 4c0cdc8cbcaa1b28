"""The mirror for a class, fetched from over loopback as a student's machine does."""

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen
from zipfile import ZipFile

import pytest
from http_mirror import tiny_collection, tiny_files, write_mirror

from course_utils import data
from course_utils.data import mirror, official
from course_utils.data.fetch import obtain


@contextmanager
def running(files: dict[str, Path]) -> Iterator[str]:
    with mirror.make_server(files, port=0, host="127.0.0.1") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def served(tmp_path):
    """Serve four tiny archives; yield the server's URL and the archives by name."""
    files = tiny_files()
    write_mirror(tmp_path / "raw", files)
    (tmp_path / "raw" / "diary.txt").write_text("private")
    with running({f"/mnist/{name}": tmp_path / "raw" / name for name in files}) as url:
        yield url, files


def write_wheel(folder: Path, name: str) -> Path:
    """Write the smallest package that pip takes for one."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}-1.0-py3-none-any.whl"
    about = f"{name}-1.0.dist-info"
    with ZipFile(path, "w") as wheel:
        wheel.writestr(f"{name}.py", "")
        wheel.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{about}/RECORD", "")
    return path


def test_pip_finds_the_packages_and_nothing_else_in_their_folder_is_served(tmp_path):
    wheel = write_wheel(tmp_path / "wheels", "tiny_course_package")
    (tmp_path / "wheels" / "diary.txt").write_text("private")
    (tmp_path / "wheels" / "odd & <name>-1.tar.gz").write_bytes(b"")
    with running(mirror.wheels_here(tmp_path / "wheels")) as url:
        command = [sys.executable, "-m", "pip", "--isolated", "download", "--no-index"]
        more = ["--find-links", f"{url}/wheels/", "tiny-course-package", "-d", tmp_path / "got"]
        done = subprocess.run([*command, *more], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        page = urlopen(f"{url}/wheels/", timeout=10).read().decode()
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{url}/wheels/diary.txt", timeout=10)
        with urlopen(f"{url}/wheels/odd%20%26%20%3Cname%3E-1.tar.gz", timeout=10) as odd:
            assert odd.status == 200
    assert (tmp_path / "got" / wheel.name).read_bytes() == wheel.read_bytes()
    assert "odd &amp; &lt;name&gt;" in page
    assert "diary" not in page


def test_without_a_folder_of_packages_there_are_none(tmp_path):
    assert mirror.wheels_here(tmp_path / "none") == {}


@pytest.mark.parametrize("wheels", [False, True])
def test_the_line_that_students_type(monkeypatch, tmp_path, capsys, wheels):
    def stop(self):
        raise KeyboardInterrupt

    if wheels:
        write_wheel(tmp_path, "tiny")
    here = mirror.wheels_here(tmp_path)
    monkeypatch.setattr(mirror, "archives_here", lambda: {})
    monkeypatch.setattr(mirror, "wheels_here", lambda: here)
    monkeypatch.setattr(mirror, "address", lambda: "192.0.2.10")
    monkeypatch.setattr(mirror.ThreadingHTTPServer, "serve_forever", stop)
    assert mirror.main([free := str(free_port())]) == 0
    variable = "COURSE_MIRROR" if wheels else "COURSE_DATA_MIRROR"
    said = capsys.readouterr().out
    assert f"\n{variable}=http://192.0.2.10:{free} make lab\n" in said
    assert ("make wheels" in said) is not wheels


def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]


def test_a_port_that_is_taken_says_how_to_take_another(monkeypatch, capsys):
    monkeypatch.setattr(mirror, "archives_here", lambda: {})
    with socket.socket() as other:
        other.bind(("", 0))
        other.listen()
        port = other.getsockname()[1]
        assert mirror.main([str(port)]) == 1
    sentence = f"port {port} is taken by another program; choose another: make mirror PORT=9000\n"
    assert capsys.readouterr().err == sentence


@pytest.mark.parametrize("port", ["abc", "0", "99999", "-1", "8000.5", ""])
def test_what_is_no_port_says_what_is_one(capsys, port):
    assert mirror.main([port]) == 1
    assert "make mirror PORT=9000" in capsys.readouterr().err


def test_archives_that_are_gone_are_had_again_or_missed_in_words(monkeypatch, tmp_path):
    files = tiny_files()
    bases = []
    monkeypatch.setattr(official, "collection", lambda name: tiny_collection(files, *bases))
    monkeypatch.setattr(official, "MIRROR_FOLDERS", {"MNIST": "mnist/"})
    monkeypatch.setattr(
        data, "prepare", lambda name: data.Source(name, tmp_path / "raw", False, "for a test")
    )
    monkeypatch.delenv("COURSE_DATA_MIRROR", raising=False)
    monkeypatch.delenv("COURSE_MIRROR", raising=False)
    source = write_mirror(tmp_path / "source", files)
    obtain(tiny_collection(files), tmp_path / "raw", [source])
    for archive in (tmp_path / "raw").glob("*.gz"):
        archive.unlink()
    with pytest.raises(data.DataError, match=r"a mirror needs the \.gz archives"):
        mirror.archives_here()
    bases.append(source)
    assert all(path.exists() for path in mirror.archives_here().values())


def test_a_student_gets_the_archives_whole(served, tmp_path):
    url, files = served
    base = f"{url}/mnist/"
    assert obtain(tiny_collection(files), tmp_path / "student", [base]).base == base
    for name, packed in files.items():
        assert (tmp_path / "student" / name).read_bytes() == packed


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/mnist", "/mnist/", "/mnist/diary.txt", "/mnist/../diary.txt", "/diary.txt"),
        *("//etc/passwd", "//[", "/wheels", "/wheels/", "/wheels/../mnist/", "/mnist/%2e%2e/"),
    ],
)
def test_nothing_else_is_served(served, path):
    with pytest.raises(HTTPError, match="404"):
        urlopen(served[0] + path, timeout=10)


def test_a_stand_in_is_not_served(monkeypatch, tmp_path):
    source = data.Source("MNIST", tmp_path, True, "for a test")
    monkeypatch.setattr(data, "prepare", lambda name: source)
    with pytest.raises(data.DataError, match="official data"):
        mirror.archives_here()


def test_the_archives_are_where_a_mirror_has_them(monkeypatch, tmp_path):
    monkeypatch.setattr(mirror, "_complete", lambda name, folder: None)
    source = data.Source("any", tmp_path, False, "for a test")
    monkeypatch.setattr(data, "prepare", lambda name: source)
    found = mirror.archives_here()
    assert len(found) == 8
    assert found["/mnist/t10k-labels-idx1-ubyte.gz"] == tmp_path / "t10k-labels-idx1-ubyte.gz"
    assert "/fashion-mnist/train-images-idx3-ubyte.gz" in found
