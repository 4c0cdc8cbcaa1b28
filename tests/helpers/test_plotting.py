"""Pictures are tested on what they draw."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from figure_border import is_cut_off
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.colors import to_rgb
from PIL import Image

from course_utils import data, paths, plotting

SOURCES = paths.PROJECT / "notebooks" / "sources"


STYLE = ["default", "course_utils.course"]  # what a lesson's first cell sets


@pytest.fixture(autouse=True)
def _fresh_figures():
    plt.close("all")
    with plt.style.context("default"):  # whatever the user's matplotlibrc says
        yield
    plt.close("all")


def shown(fig, alt):
    InteractiveShell.instance()  # without a shell, display() only prints
    with capture_output() as captured:
        plotting.show(fig, alt)
    return captured.outputs


def pixels(fig):
    picture = shown(fig, "a picture")[0].data["image/png"]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))).convert("L"))


def test_show_carries_the_alt_text_in_the_image_as_text_and_as_caption():
    picture, caption = shown(plt.figure(), "A line & a <dot>")
    assert picture.metadata["image/png"]["alt"] == "A line & a <dot>"
    assert picture.data["text/plain"] == "A line & a <dot>"
    assert "A line &amp; a &lt;dot&gt;" in caption.data["text/html"]


def test_show_draws_at_twice_the_size_it_is_displayed_and_closes_the_figure():
    fig = plt.figure(figsize=(3, 2), dpi=100)
    (picture, _) = shown(fig, "an empty figure")
    size = Image.open(io.BytesIO(base64.b64decode(picture.data["image/png"]))).size
    metadata = picture.metadata["image/png"]
    assert size == (600, 400)
    assert (metadata["width"], metadata["height"]) == (300, 200)
    assert not plt.get_fignums()


def test_show_gives_the_same_bytes_twice():
    def draw():
        fig, ax = plt.subplots()
        ax.plot([1, 2, 3])
        return shown(fig, "a line")[0].data["image/png"]

    assert draw() == draw()


@pytest.mark.parametrize("alt", ["", "   "])
def test_show_refuses_a_figure_without_alt_text(alt):
    with pytest.raises(ValueError, match="alt text"):
        plotting.show(plt.figure(), alt)


def test_no_title_over_an_image_is_cut_off():
    fig, axes = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
    for ax in axes:
        ax.imshow(np.zeros((2, 2)))
        ax.axis("off")
        ax.set_title("a title")
    assert not is_cut_off(shown(fig, "three images")[0].data["image/png"])


def test_a_figure_on_stand_in_data_says_so(monkeypatch):
    monkeypatch.setattr(data, "standin_in_use", lambda: False)
    assert pixels(plt.figure()).min() == 255, "an empty figure is white"
    monkeypatch.setattr(data, "standin_in_use", lambda: True)
    fig = plt.figure()
    assert pixels(fig).min() < 100
    assert [text.get_text() for text in fig.texts] == ["offline stand-in data"]


@pytest.mark.parametrize("size", [(10, 2.2), (4, 3), (6, 6)])
def test_that_line_covers_no_label_and_pushes_nothing_out(monkeypatch, size):
    monkeypatch.setattr(data, "standin_in_use", lambda: True)
    fig, axes = plt.subplots(1, 3, figsize=size, layout="constrained")
    for ax in axes:
        ax.set(xlabel="a label as long as its panel", title="panel")
    shown(fig, "three panels")
    fig.draw_without_rendering()  # saving left the positions at its own resolution
    stamp = fig.texts[0].get_window_extent()
    titles = [ax.title.get_window_extent() for ax in axes]
    assert not any(ax.xaxis.label.get_window_extent().overlaps(stamp) for ax in axes)
    assert fig.bbox.count_contains([stamp.min, stamp.max]) == 2
    assert fig.bbox.count_contains([title.max for title in titles]) == 3


def test_that_line_can_be_read_on_a_black_image_too(monkeypatch):
    monkeypatch.setattr(data, "standin_in_use", lambda: True)
    fig = plt.figure()
    ax = fig.add_axes((0, 0, 1, 1))
    ax.imshow(np.zeros((2, 2)), cmap="gray", vmin=0, vmax=1, aspect="auto")
    ax.axis("off")
    assert pixels(fig).max() == 255


@pytest.mark.parametrize("shape", [(5, 784), (5, 28, 28), (5, 1, 28, 28)])
@pytest.mark.parametrize("kind", [torch.tensor, np.asarray])
def test_an_image_grid_holds_every_image_the_right_way_up(shape, kind):
    images = np.arange(5 * 784).reshape(shape) / (5 * 784) * 2 - 1
    fig = plotting.image_grid(kind(images), columns=3)
    drawn = [ax.images[0] for ax in fig.axes if ax.images]
    assert len(drawn) == 5
    assert len(fig.axes) == 6
    for image, expected in zip(drawn, images.reshape(5, 28, 28), strict=True):
        np.testing.assert_allclose(image.get_array(), expected)
        assert image.get_clim() == (-1, 1)
        assert image.origin == "upper"
    assert not any(ax.axison for ax in fig.axes)


def test_an_image_grid_writes_titles_in_their_colours():
    images = np.zeros((2, 28, 28))
    fig = plotting.image_grid(
        images, titles=["one", "two"], title_colors=["red", "blue"], columns=2
    )
    assert [ax.get_title() for ax in fig.axes] == ["one", "two"]
    assert [ax.title.get_color() for ax in fig.axes] == ["red", "blue"]


def test_an_image_grid_leaves_the_images_alone():
    images = torch.zeros(2, 1, 28, 28, requires_grad=True)
    plotting.image_grid(images)
    assert images.shape == (2, 1, 28, 28)
    assert images.requires_grad


def test_an_image_grid_refuses_what_it_cannot_draw():
    with pytest.raises(ValueError, match=r"shape \(3, 5\)"):
        plotting.image_grid(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="1 titles for 2 images"):
        plotting.image_grid(np.zeros((2, 28, 28)), titles=["one"])


def test_curves_draws_one_named_line_for_each_series_from_zero():
    _, given = plt.subplots()
    ax = plotting.curves(
        {"training": [3, 2, 1], "test": [4, 3]}, ax=given, ylabel="MAE", title="both"
    )
    assert ax is given
    assert [line.get_label() for line in ax.lines] == ["training", "test"]
    assert [list(line.get_ydata()) for line in ax.lines] == [[3, 2, 1], [4, 3]]
    assert list(ax.lines[1].get_xdata()) == [0, 1]
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_title()) == ("epoch", "MAE", "both")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["training", "test"]


def test_curves_with_a_window_draws_means_in_the_middle_of_their_window():
    ax = plotting.curves({"loss": [1, 2, 6, 4, 5]}, window=3)
    assert list(ax.lines[0].get_ydata()) == pytest.approx([3, 4, 5])
    assert list(ax.lines[0].get_xdata()) == [1, 2, 3]


def test_curves_refuses_a_window_longer_than_a_series():
    with pytest.raises(ValueError, match="window"):
        plotting.curves({"loss": [1, 2]}, window=3)


def test_curves_can_be_told_apart_without_colour():
    ax = plotting.curves({name: [1, 2] for name in "abcd"})
    assert len({line.get_linestyle() for line in ax.lines}) == 4


def points(collection):
    return collection.get_offsets().tolist()


def test_plot_predictions_draws_training_blue_test_green_predictions_red():
    train, test = torch.tensor([[0.0], [1.0]]), torch.tensor([[2.0]])
    ax = plotting.plot_predictions(train, 2 * train, test, 2 * test, 3 * test)
    assert [c.get_label() for c in ax.collections] == ["training data", "test data", "predictions"]
    assert [points(c) for c in ax.collections] == [[[0, 0], [1, 2]], [[2, 4]], [[2, 6]]]
    red, green, blue = range(3)
    channels = [c.get_facecolor()[0][:3].argmax() for c in ax.collections]
    assert channels == [blue, green, red]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("x", "y")


def test_plot_predictions_without_predictions_draws_two_sets():
    assert len(plotting.plot_predictions([0], [0], [1], [1]).collections) == 2


def test_a_confusion_matrix_writes_every_count_true_classes_down_the_side():
    counts = np.array([[5, 1], [0, 7]])
    ax = plotting.confusion_matrix(counts, ["cat", "dog"])
    written = {tuple(map(int, text.get_position()[::-1])): text.get_text() for text in ax.texts}
    assert written == {(0, 0): "5", (0, 1): "1", (1, 0): "0", (1, 1): "7"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cat", "dog"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["cat", "dog"]


def test_a_confusion_matrix_shades_mistakes_and_not_the_diagonal():
    ax = plotting.confusion_matrix(torch.tensor([[5, 1], [0, 7]]), ["0", "1"])
    np.testing.assert_array_equal(ax.images[0].get_array(), [[0, 1], [0, 0]])


def test_a_confusion_matrix_of_the_wrong_size_is_refused():
    with pytest.raises(ValueError, match=r"\(2, 2\) for 3 class names"):
        plotting.confusion_matrix(np.zeros((2, 2)), ["a", "b", "c"])


def test_probability_bars_have_the_right_heights_on_a_scale_from_0_to_1():
    ax = plotting.probability_bars(torch.tensor([0.25, 0.75]), ["cat", "dog"], title="soft")
    assert [bar.get_height() for bar in ax.patches] == [0.25, 0.75]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["cat", "dog"]
    assert ax.get_ylim() == (0, 1)
    assert (ax.get_title(), ax.get_ylabel()) == ("soft", "probability")


USERS = {"text.usetex": True, "savefig.dpi": 1, "savefig.bbox": "tight", "axes.facecolor": "k"}


def test_the_course_s_look_does_not_inherit_the_users():
    """Somebody's matplotlibrc may ask for LaTeX, which is not there, or for black axes."""
    with plt.style.context(STYLE):
        clean = dict(plt.rcParams)
    with plt.rc_context(USERS):
        plt.style.use(STYLE)
        assert dict(plt.rcParams) == clean
        shown(plt.subplots()[0], "a figure")


@pytest.mark.parametrize("source", sorted(SOURCES.glob("*.py")), ids=lambda path: path.name[:2])
def test_every_lesson_sets_the_course_s_look_before_it_draws(source):
    lines = [
        line for line in source.read_text(encoding="utf-8").splitlines() if "style.use" in line
    ]
    assert lines == ['plt.style.use(["default", "course_utils.course"])']


def test_the_style_is_found_by_its_name_and_loads():
    with plt.style.context("course_utils.course"):
        assert plt.rcParams["axes.prop_cycle"].by_key()["color"][0].lower().lstrip("#") == "0072b2"


def contrast_on_white(color):
    """Contrast ratio as WCAG 2.2 (2023) defines it."""
    parts = np.array(to_rgb(color))
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05)


def test_every_colour_of_the_style_stands_out_from_white():
    assert contrast_on_white("white") == pytest.approx(1)
    assert contrast_on_white("black") == pytest.approx(21)
    with plt.style.context("course_utils.course"):
        for color in plt.rcParams["axes.prop_cycle"].by_key()["color"]:
            assert contrast_on_white(color) >= 3, color


@pytest.mark.parametrize("shape", [(6, 784), (6, 28, 28), (6, 1, 28, 28)])
def test_a_mosaic_lays_images_edge_to_edge_row_by_row(shape):
    images = torch.randn(shape)
    ax = plotting.mosaic(images, columns=3, title="six")
    sheet = np.asarray(ax.images[0].get_array())
    assert sheet.shape == (56, 84)
    np.testing.assert_array_equal(sheet[28:, 56:], images[5].reshape(28, 28).numpy())
    np.testing.assert_array_equal(sheet[:28, 28:56], images[1].reshape(28, 28).numpy())
    assert ax.images[0].get_clim() == (-1, 1)
    assert (ax.get_title(), ax.axison) == ("six", False)


def test_a_mosaic_draws_where_it_is_told_and_refuses_a_row_with_gaps():
    _, given = plt.subplots()
    assert plotting.mosaic(torch.zeros(4, 784), columns=2, ax=given) is given
    with pytest.raises(ValueError, match="5 images do not fill rows of 2"):
        plotting.mosaic(torch.zeros(5, 784), columns=2)


def test_a_live_sheet_is_the_images_edge_to_edge(monkeypatch):
    displayed = []
    monkeypatch.setattr("course_utils.plotting.images.display", displayed.append)
    live = plotting.LiveSheet("They come.")
    (view,) = displayed
    assert view.value == "<em>They come.</em>"
    images = torch.stack([torch.full((28, 28), value) for value in (-1.0, 0.0, 1.0, -1.0)])
    live.show(images, "After 3", columns=2)
    html = view.value
    assert html.startswith('<p>After 3</p><img alt="After 3" src="data:image/png;base64,')
    letters = html.split("base64,")[1].split('"')[0]
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(letters))))
    assert picture.shape == (2 * 28 * 4, 2 * 28 * 4)
    assert picture[0, 0] == 0
    assert picture[0, -1] in (127, 128)
    assert picture[-1, 0] == 255
    assert picture[-1, -1] == 0
    live.show(torch.zeros(32, 784), "wide", columns=16)
    letters = view.value.split("base64,")[1].split('"')[0]
    assert Image.open(io.BytesIO(base64.b64decode(letters))).width < 1000  # a cell's width
    with pytest.raises(ValueError, match="do not fill rows of 3"):
        live.show(images, "three", columns=3)
