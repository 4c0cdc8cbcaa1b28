"""A copy made new: which answers go along, and that the old copy is always kept."""

import json
from itertools import zip_longest

import nbformat
import pytest
from desk import SOLVED, STUBS, Desk, cell, first_version, second_version

from course_utils.copies.errors import CopyError
from course_utils.copies.handing_out import LESSONS, find, hand_out
from course_utils.copies.renewing import fresh, renew


@pytest.fixture
def desk(tmp_path):
    return Desk(tmp_path)


def test_update_keeps_unchanged_answers_and_loses_nothing(desk):
    for title in STUBS:
        desk.type(STUBS[title], SOLVED[title])
    desk.run()
    scribble = nbformat.v4.new_code_cell("my_idea = 42")
    desk.change(lambda cells: cells.insert(1, scribble))
    before = desk.copy.read_bytes()
    desk.publish(second_version())
    assert [mended.replaced for mended in desk.hand_out()] == [False]
    assert desk.copy.read_bytes() == before
    renewed = desk.renew()
    new = [c.source for c in second_version()]
    for title in ("Softmax", "Adam"):
        new[new.index(STUBS[title])] = SOLVED[title]
    assert desk.sources() == new
    assert renewed.carried == ["3.1 Softmax (now 3.3)", "3.3 Adam (now 3.1)"]
    assert renewed.left == ["3.2 Leaky: its code has changed"]
    assert [renewed.old] == desk.old()
    assert renewed.old.read_bytes() == before
    nbformat.validate(nbformat.read(desk.copy, as_version=4))
    assert desk.hand_out() == []  # and tomorrow nothing is said any more


def test_answer_keeps_its_output_and_the_cells_that_were_added_to_it(desk):
    desk.type(STUBS["Softmax"], SOLVED["Softmax"])
    desk.run()

    def add(cells):
        at = next(i for i, c in enumerate(cells) if c.source == SOLVED["Softmax"])
        cells.insert(at + 1, nbformat.v4.new_code_cell("softmax(7)"))
        cells.insert(at, nbformat.v4.new_markdown_cell("z + 1, because …"))

    desk.change(add)
    desk.publish(second_version())
    assert desk.renew().carried == ["3.1 Softmax (now 3.3)"]
    cells = nbformat.read(desk.copy, as_version=4).cells
    at = desk.sources().index(SOLVED["Softmax"])
    assert cells[at].outputs[0].text == "✓ right\n"
    around = [c.source for c in cells[at - 2 : at + 3]]
    assert around[0].startswith("### Exercise 3.3 · code: Softmax")
    assert around[1:4] == ["z + 1, because …", SOLVED["Softmax"], "softmax(7)"]
    assert around[4].startswith("<details>")


def test_answer_is_found_by_its_heading_where_another_program_gave_new_ids(desk):
    def other_ids(cells):
        for number, one in enumerate(cells):
            one["id"] = f"other-{number}"

    desk.type(STUBS["Adam"], SOLVED["Adam"])
    desk.change(other_ids)
    assert desk.renew().carried == ["3.3 Adam"]
    assert SOLVED["Adam"] in desk.sources()


def test_deleted_stub_takes_no_cell_of_the_lesson_for_an_answer(desk):
    section = first_version()
    section.insert(5, cell("plot(losses)"))  # a code cell right after the solution
    desk.publish(section)
    desk.hand_out()

    def delete(cells):
        del cells[3:5]  # and the solution: the heading stands right above the lesson's cell

    desk.change(delete)
    assert desk.renew().carried == []
    assert desk.sources() == [c.source for c in section]


def test_exercise_that_is_gone_is_named(desk):
    desk.type(STUBS["Leaky"], SOLVED["Leaky"])
    desk.publish([c for c in first_version() if "leaky" not in c.source])
    assert desk.renew().left == ["3.2 Leaky: it is not there any more"]


def test_copy_that_cannot_be_read_counts_as_edited_and_can_be_renewed(desk):
    desk.copy.write_bytes(b"\xff{damaged")
    desk.publish(second_version())
    assert [mended.replaced for mended in desk.hand_out()] == [False]
    renewed = desk.renew()
    assert renewed.old.read_bytes() == b"\xff{damaged"
    assert renewed.left == ["the old copy cannot be read as a notebook"]
    assert desk.sources() == [c.source for c in second_version()]


def test_fresh_starts_anew_and_no_old_copy_takes_the_name_of_another(desk):
    kept = []
    for number in range(3):
        desk.type(desk.sources()[0], f"my title {number}")
        kept.append(desk.copy.read_bytes())
        result = fresh("03", desk.work, desk.lessons)
        assert result.old.read_bytes() == kept[-1]
        assert desk.sources() == [c.source for c in first_version()]
    assert sorted(path.read_bytes() for path in desk.old()) == sorted(kept)


@pytest.mark.parametrize("command", [renew, fresh])
def test_untouched_or_missing_copy_can_be_renewed_too(desk, command):
    before = desk.copy.read_bytes()
    assert command("03", desk.work, desk.lessons).old.read_bytes() == before
    desk.copy.unlink()
    assert command("03", desk.work, desk.lessons).old is None
    assert desk.copy.read_bytes() == before


def test_full_disk_leaves_the_old_copy_in_place(desk, monkeypatch):
    desk.type(STUBS["Adam"], SOLVED["Adam"])
    before = desk.copy.read_bytes()

    def full(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copy2", full)
    with pytest.raises(OSError, match="No space"):
        desk.renew()
    assert desk.copy.read_bytes() == before
    assert desk.old() == []


@pytest.mark.parametrize("command", [renew, fresh])
def test_folder_in_the_way_is_named(desk, command):
    desk.copy.unlink()
    desk.copy.mkdir()
    with pytest.raises(CopyError, match=r"03_backprop\.ipynb is a folder: rename it"):
        command("03", desk.work, desk.lessons)


def test_what_was_written_below_an_open_exercise_is_carried_over(desk):
    opened = cell("### Exercise 3.4 · open: A net of your own\n\nBuild one.", "markdown")
    end = cell("## What you can now do", "markdown")
    desk.publish([*first_version(), opened, end])
    desk.hand_out()
    assert desk.renew().carried == []
    net, note = nbformat.v4.new_code_cell("net = 1"), nbformat.v4.new_markdown_cell("It read 97 %.")
    desk.change(lambda cells: cells.__setitem__(slice(-1, -1), [net, note]))
    desk.publish([*second_version(), cell(f"{opened.source} Small.", "markdown"), end])
    renewed = desk.renew()
    assert renewed.left == ["3.4 A net of your own: its text has changed"]
    assert desk.sources(renewed.old)[-3:] == ["net = 1", "It read 97 %.", end.source]
    desk.publish([*second_version(), opened, end])
    desk.renew()
    desk.change(lambda cells: cells.__setitem__(slice(-1, -1), [net, note]))
    moved = cell(opened.source.replace("3.4", "3.5"), "markdown")
    desk.publish([*second_version(), cell("## News", "markdown"), moved, end])
    assert desk.renew().carried == ["3.4 A net of your own (now 3.5)"]
    assert desk.sources()[-4:] == [moved.source, "net = 1", "It read 97 %.", end.source]


def test_every_exercise_of_the_course_is_carried_over(tmp_path):
    hand_out(tmp_path)
    for lesson in find(LESSONS):
        path = tmp_path / lesson.name
        content = json.loads(path.read_bytes())
        titles = [c["source"][0] for c in content["cells"] if "### Exercise" in c["source"][0]]
        written = []
        for one, after in zip_longest(content["cells"], content["cells"][1:]):
            written.append(one)
            if "### Exercise" in one["source"][0]:
                if after["cell_type"] == "code":
                    after["source"] = ["mine"]
                else:  # an open one
                    mine = {"cell_type": "code", "id": f"mine-{len(written)}", "metadata": {}}
                    written.append(mine | {"source": ["mine"], "outputs": [], "execution_count": 1})
        content["cells"] = written
        path.write_text(json.dumps(content))
        carried = renew(lesson.name[:2], tmp_path).carried
        assert [line.split()[0] for line in carried] == [title.split()[2] for title in titles]
        assert json.loads(path.read_bytes())["cells"] == content["cells"]
