"""The mirror for a class, fetched from over loopback as a student's machine does."""

import threading
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from http_mirror import tiny_collection, tiny_files, write_mirror

from course_utils import data
from course_utils.data import mirror
from course_utils.data.fetch import obtain


@pytest.fixture
def served(tmp_path):
    """Serve four tiny archives; yield the server's URL and the archives by name."""
    files = tiny_files()
    write_mirror(tmp_path / "raw", files)
    (tmp_path / "raw" / "diary.txt").write_text("private")
    places = {f"/mnist/{name}": tmp_path / "raw" / name for name in files}
    with mirror.make_server(places, port=0, host="127.0.0.1") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", files
        server.shutdown()
        thread.join()


def test_a_student_gets_the_archives_whole(served, tmp_path):
    url, files = served
    base = f"{url}/mnist/"
    assert obtain(tiny_collection(files), tmp_path / "student", [base]) == base
    for name, packed in files.items():
        assert (tmp_path / "student" / name).read_bytes() == packed


@pytest.mark.parametrize(
    "path",
    ["/", "/mnist/", "/mnist/diary.txt", "/mnist/../diary.txt", "/diary.txt", "//etc/passwd"],
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
    source = data.Source("any", tmp_path, False, "for a test")
    monkeypatch.setattr(data, "prepare", lambda name: source)
    found = mirror.archives_here()
    assert len(found) == 8
    assert found["/mnist/t10k-labels-idx1-ubyte.gz"] == tmp_path / "t10k-labels-idx1-ubyte.gz"
    assert "/fashion-mnist/train-images-idx3-ubyte.gz" in found
