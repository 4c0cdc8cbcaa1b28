"""Finding data in the promised order, saying so in one line, and loading them."""

import runpy
import socket
import subprocess
import sys

import pytest
from http_mirror import serving, tiny_collection, tiny_files, write_mirror
from torchvision import transforms
from torchvision.datasets import MNIST, FashionMNIST

from course_utils import data, paths
from course_utils.data import DataError, fetch, official, standin

FILES = tiny_files()
OFFICIAL = official.collection


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    """A data folder of its own, no settings of the user's, and no way to the real network."""
    for variable in ("COURSE_DATA", "COURSE_DATA_MIRROR", "COURSE_MIRROR"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("COURSE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(fetch, "CONNECT_SECONDS", 1.0)
    monkeypatch.setattr(fetch, "PAUSES", (0.01,))
    monkeypatch.setattr(standin, "SIZES", {"train": 40, "t10k": 20})
    monkeypatch.setattr(data, "_prepared", {})
    publish(monkeypatch, nobody())
    return tmp_path / "data"


def nobody() -> str:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{unused.getsockname()[1]}/"


def publish(monkeypatch, *bases: str) -> None:
    """Make the tiny data set the official one, published under these URLs."""
    monkeypatch.setattr(
        official, "collection", lambda name: tiny_collection(FILES, *bases, name=name)
    )


def one_line(capsys) -> str:
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1, lines
    return lines[0]


def command() -> int:
    """Run ``python -m course_utils.data`` in this process; return its exit status."""
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("course_utils.data", run_name="__main__")
    return ended.value.code


def test_official_data_come_from_the_official_mirror(monkeypatch, folder, capsys):
    with serving(FILES) as official:
        publish(monkeypatch, official.url)
        source = data.prepare("MNIST")
    assert one_line(capsys) == f"MNIST: official data, from {official.url}"
    assert source == data.Source("MNIST", folder / "MNIST" / "raw", False, f"from {official.url}")
    assert data.status("MNIST") == "verified"
    assert not data.standin_in_use()


def test_the_course_mirror_is_asked_before_the_official_one(monkeypatch, capsys):
    with serving(FILES) as official, serving(FILES) as mirror:
        publish(monkeypatch, official.url)
        monkeypatch.setenv("COURSE_DATA_MIRROR", mirror.url.rstrip("/"))
        data.prepare("FashionMNIST")
    assert one_line(capsys) == f"FashionMNIST: official data, from {mirror.url}fashion-mnist/"
    assert not official.requests


def test_a_broken_mirror_is_replaced_by_the_official_one(monkeypatch, capsys):
    with serving(FILES) as official, serving(FILES, train_images=["login page"]) as mirror:
        publish(monkeypatch, official.url)
        monkeypatch.setenv("COURSE_DATA_MIRROR", mirror.url)
        data.prepare("MNIST")
    place = mirror.url.removeprefix("http://").rstrip("/")
    start = f"MNIST: official data, from {official.url} (but not from {place}: no archive but"
    assert one_line(capsys).startswith(start)


def test_a_class_s_mirror_of_packages_serves_the_data_too(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_MIRROR", nobody())
    with serving(FILES) as mirror:
        monkeypatch.setenv("COURSE_MIRROR", mirror.url)
        data.prepare("MNIST")
        assert one_line(capsys) == f"MNIST: official data, from {mirror.url}mnist/"


def test_the_mirror_of_data_comes_before_that_of_packages(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_MIRROR", "nonsense that is not looked at")
    with serving(FILES) as mirror:
        monkeypatch.setenv("COURSE_DATA_MIRROR", mirror.url)
        data.prepare("MNIST")
        assert one_line(capsys) == f"MNIST: official data, from {mirror.url}mnist/"


def test_a_mirror_that_fails_is_told_although_the_data_were_had(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA_MIRROR", nobody())
    with serving(FILES) as official:
        publish(monkeypatch, official.url)
        data.prepare("MNIST")
    line = one_line(capsys)
    assert line.startswith(f"MNIST: official data, from {official.url} (but not from 127.0.0.1:")
    assert line.endswith(": no server answers)")


@pytest.mark.parametrize(("name", "below"), [("MNIST", "mnist"), ("FashionMNIST", "fashion-mnist")])
@pytest.mark.parametrize(
    ("stick", "spelling"),
    [
        ("stick", "{uri}"),
        ("stick #1", "{uri}"),
        ("stick #1", "file://{path}"),
        ("100% mine?", " FILE://{path}// "),
        ("Übung%20eins", "file://{path}"),
        ("Übung%20eins", "{localhost}"),
    ],
)
def test_a_mirror_on_disk(monkeypatch, tmp_path, capsys, name, below, stick, spelling):
    folder = tmp_path / stick
    write_mirror(folder / below, FILES)
    uri = folder.as_uri()
    localhost = uri.replace("file:///", "file://localhost/")
    monkeypatch.setenv(
        "COURSE_DATA_MIRROR", spelling.format(uri=uri, path=folder, localhost=localhost)
    )
    assert not data.prepare(name).standin
    assert one_line(capsys) == f"{name}: official data, from file://{folder}/{below}/"


def test_the_data_folder_comes_first(monkeypatch, folder, capsys):
    write_mirror(folder / "MNIST" / "raw", FILES)
    monkeypatch.setenv("COURSE_DATA_MIRROR", nobody())
    data.prepare("MNIST")
    assert one_line(capsys) == f"MNIST: official data, from {folder}"


def test_a_data_folder_in_the_project_is_named_without_this_machines_path(
    monkeypatch, folder, capsys
):
    write_mirror(folder / "MNIST" / "raw", FILES)
    monkeypatch.setattr(paths, "PROJECT", folder.parent)
    data.prepare("MNIST")
    assert one_line(capsys) == f"MNIST: official data, from {folder.name}/"


def test_without_any_source_the_stand_in_serves_and_says_why(monkeypatch, folder, capsys):
    monkeypatch.setenv("COURSE_DATA_MIRROR", "file:///no/such/mirror")
    source = data.prepare("MNIST")
    line = one_line(capsys)
    assert line.startswith("MNIST: OFFLINE STAND-IN, not the official data, because no source has")
    assert "file:///no/such/mirror/mnist/: No such file or directory" in line
    assert "no server answers" in line
    assert source.standin
    assert source.folder == folder / "standin" / "MNIST" / "raw"
    assert data.standin_in_use()
    assert data.status("MNIST") == "stand-in"


def test_the_stand_in_on_request_asks_nobody(monkeypatch, folder, capsys):
    write_mirror(folder / "MNIST" / "raw", FILES)
    monkeypatch.setenv("COURSE_DATA", "standin")
    with serving(FILES) as official:
        publish(monkeypatch, official.url)
        assert data.prepare("MNIST").standin
    assert one_line(capsys).endswith("because COURSE_DATA=standin asks for it")
    assert not official.requests


def test_real_data_or_an_error(monkeypatch, folder):
    monkeypatch.setenv("COURSE_DATA", "real")
    with pytest.raises(DataError, match=r"COURSE_DATA=real forbids .* no server answers.*MIRROR"):
        data.prepare("MNIST")
    assert not (folder / "standin").exists()
    assert not data.standin_in_use()


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("COURSE_DATA", "fake", 'is "fake"; set it to real or standin, or unset it.'),
        (
            "COURSE_DATA_MIRROR",
            "../shared",
            'is "../shared"; it must start with http://, https:// ',
        ),
        ("COURSE_DATA_MIRROR", "ftp://host", 'is "ftp://host"; it must start with http://, https'),
        ("COURSE_DATA_MIRROR", "192.0.2.10:8000", "(perhaps http://192.0.2.10:8000)."),
        ("COURSE_DATA_MIRROR", "file:/stick", "(perhaps file:///stick)."),
        (
            "COURSE_DATA_MIRROR",
            "file://work/it",
            'is "file://work/it"; perhaps you mean file:///wo',
        ),
        ("COURSE_DATA_MIRROR", "http://[::1", 'is "http://[::1"; that is no address'),
        ("COURSE_DATA_MIRROR", "http://host:port", "that is no address; one looks like http://192"),
        ("COURSE_DATA_MIRROR", "https://", "that is no address"),
        ("COURSE_MIRROR", "class", 'COURSE_MIRROR is "class"; it must start with'),
    ],
)
def test_a_setting_that_means_nothing_is_an_error(monkeypatch, variable, value, sentence):
    monkeypatch.setenv(variable, value)
    with pytest.raises(DataError) as caught:
        data.prepare("MNIST")
    assert sentence in str(caught.value)
    assert variable in str(caught.value)


def test_a_folder_given_without_file_is_recognised(monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_DATA_MIRROR", str(tmp_path))
    with pytest.raises(DataError, match=rf"\(perhaps {tmp_path.as_uri()}\)"):
        data.prepare("MNIST")


def test_the_home_folder_in_a_url_is_understood_in_the_advice(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("COURSE_DATA_MIRROR", "file://~/stick")
    with pytest.raises(DataError, match=rf"perhaps you mean file://{tmp_path.as_posix()}/stick"):
        data.prepare("MNIST")


@pytest.mark.parametrize("before", ["HTTP://", " http://", "Http://"])
def test_blanks_and_capital_letters_do_no_harm(monkeypatch, capsys, before):
    with serving(FILES) as mirror:
        monkeypatch.setenv("COURSE_DATA_MIRROR", mirror.url.replace("http://", before) + " ")
        data.prepare("MNIST")
        assert one_line(capsys) == f"MNIST: official data, from {mirror.url}mnist/"


def test_a_local_fault_is_an_error_and_no_stand_in(monkeypatch, folder, capsys):
    folder.write_text("a file where the data folder should be")
    assert command() == 1
    said = capsys.readouterr()
    assert said.err.startswith("MNIST: cannot write in")
    assert len(said.err.splitlines()) == 1
    assert said.out == ""


def test_the_command_prepares_both(capsys):
    assert command() == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == ["MNIST", "FashionMNIST"]


def test_an_unknown_data_set_is_named():
    with pytest.raises(ValueError, match='no data set "CIFAR10" here; there are MNIST and Fash'):
        # The real one: what the fixture puts in its place takes any name.
        OFFICIAL("CIFAR10")


@pytest.mark.parametrize(("name", "kind"), [("MNIST", MNIST), ("FashionMNIST", FashionMNIST)])
def test_torchvision_knows_the_same_archives_in_the_same_places(name, kind):
    collection = OFFICIAL(name)
    assert [(archive.name, archive.md5) for archive in collection.archives] == kind.resources
    assert list(collection.bases) == kind.mirrors


def test_putting_data_in_order_imports_no_torch():
    """So that a second `make lab` opens within seconds."""
    script = (
        "import sys; from course_utils import data; data.status('MNIST'); "
        "import course_utils.data.mirror, course_utils.data.__main__; "
        "print({'torch', 'torchvision', 'matplotlib', 'IPython'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_prepare_again_looks_again_at_nothing_and_says_the_same(monkeypatch, capsys):
    first = data.prepare("MNIST")
    said = capsys.readouterr().out
    monkeypatch.setattr(standin, "make", None)
    assert data.prepare("MNIST") == first
    assert capsys.readouterr().out == said


def test_load_is_silent_after_prepare_and_speaks_without(capsys):
    data.load("MNIST", train=True)
    assert one_line(capsys).startswith("MNIST: OFFLINE STAND-IN")
    data.load("MNIST", train=False)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("name", "kind"), [("MNIST", MNIST), ("FashionMNIST", FashionMNIST)])
def test_load_gives_the_ordinary_torchvision_data_set(folder, name, kind):
    write_mirror(folder / name / "raw", FILES)
    train, test = (data.load(name, train, transforms.ToTensor()) for train in (True, False))
    assert type(train) is kind
    assert (len(train), len(test)) == (30, 10)
    image, label = train[3]
    assert image.shape == (1, 28, 28)
    assert label == 3


def test_status_needs_no_network_and_writes_nothing(monkeypatch, folder):
    monkeypatch.setattr(socket, "create_connection", None)
    assert data.status("MNIST") == "missing"
    assert not folder.exists()
    write_mirror(folder / "MNIST" / "raw", FILES)
    assert data.status("MNIST") == "missing"
    (folder / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").write_bytes(b"wrong")
    before = sorted(folder.rglob("*"))
    assert data.status("MNIST") == "damaged"
    assert sorted(folder.rglob("*")) == before


def test_status_of_the_stand_in_depends_on_what_is_wanted(monkeypatch, folder):
    monkeypatch.setenv("COURSE_DATA", "standin")
    assert data.status("MNIST") == "missing"
    standin.make("MNIST", paths.data_folder())
    assert data.status("MNIST") == "stand-in"
    monkeypatch.setenv("COURSE_DATA", "real")
    assert data.status("MNIST") == "missing"


def test_as_a_command_it_ends_with_one_sentence(monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA", "fake")
    assert command() == 1
    sentence = 'COURSE_DATA is "fake"; set it to real or standin, or unset it.'
    assert capsys.readouterr().err == f"{sentence}\n"
