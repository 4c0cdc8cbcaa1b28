"""A drawing becomes a picture like MNIST's, and the pad shows what a net reads in it."""

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils.lessons import digit_pad
from course_utils.lessons.digit_pad import BOX, EMPTY, FINE, MIDDLE, SIZE, DigitPad, drawn, examples

EXAMPLES = examples()


def ink(strokes):
    return (drawn(strokes)[0, 0] + 1) / 2


def transformed(strokes, scale, right, down):
    return [[(scale * x + right, scale * y + down) for x, y in stroke] for stroke in strokes]


def centre_of_mass(picture):
    middles = torch.arange(SIZE) + 0.5
    return (picture.sum(dim=0) @ middles) / picture.sum(), (
        picture.sum(1) @ middles
    ) / picture.sum()


def sides(picture):
    rows, columns = (picture.amax(dim=dim).nonzero().flatten() for dim in (1, 0))
    return [int(where[-1] - where[0]) + 1 for where in (rows, columns)]


@pytest.mark.parametrize("digit", EXAMPLES)
def test_a_picture_has_mnists_form(digit):
    image = drawn(EXAMPLES[digit])
    assert (image.shape, image.dtype) == ((1, 1, SIZE, SIZE), torch.float32)
    assert (image.min(), image.max()) == (-1, 1)
    picture = ink(EXAMPLES[digit])
    assert centre_of_mass(picture) == pytest.approx((MIDDLE, MIDDLE), abs=0.05)
    # One row more where the drawing begins within a pixel.
    assert max(sides(picture)) in (BOX, BOX + 1)


@pytest.mark.parametrize("digit", EXAMPLES)
def test_the_pen_is_as_thick_as_mnists(digit):
    # Means of MNIST's training images, over all pixels of a digit: 0.076 of 1 to 0.173 of 0.
    assert 0.07 < ink(EXAMPLES[digit]).mean() < 0.18


@pytest.mark.parametrize("scale", [0.15, 0.5, 1.2])
@pytest.mark.parametrize("right", [-0.3, 0.4])
def test_neither_place_nor_size_of_a_drawing_matters(scale, right):
    moved = transformed(EXAMPLES[3], scale, right, 0.1)
    # Rounding may move an edge by one pixel of the large picture.
    assert (ink(moved) - ink(EXAMPLES[3])).abs().max() < 1.1 / FINE


def test_proportions_are_kept():
    height, width = sides(ink([[(0.2, 0.4), (0.8, 0.4), (0.8, 0.6), (0.2, 0.6), (0.2, 0.4)]]))
    assert width in (BOX, BOX + 1)
    assert 7 <= height <= 10  # a third of the way that the pen's middle goes, and its thickness


def test_the_picture_stands_as_it_was_drawn():
    picture = ink([[(0.3, 0.2), (0.3, 0.8), (0.7, 0.8)]])  # an L
    left, right = picture.nonzero()[:, 1].aminmax()
    top, bottom = picture.nonzero()[:, 0].aminmax()
    assert picture[top : top + 5, left : left + 4].sum() > 5
    assert picture[top : top + 5, right - 3 :].sum() == 0
    assert picture[bottom - 3 :, right - 3 :].sum() > 5


@pytest.mark.parametrize("dot", [[[(0.9, 0.1)]], [[(0.9, 0.1), (0.9, 0.1)]], [[], [(0.901, 0.1)]]])
def test_a_dot_stays_a_dot(dot):
    picture = ink(dot)
    assert max(sides(picture)) <= 4
    assert centre_of_mass(picture) == pytest.approx((MIDDLE, MIDDLE), abs=0.05)


@pytest.mark.parametrize("strokes", [[], [[]]])
def test_without_ink_there_is_no_picture(strokes):
    with pytest.raises(ValueError, match="no ink"):
        drawn(strokes)


def test_the_examples_are_strokes_on_the_pad():
    assert EXAMPLES.keys() < set(range(10))
    for strokes in EXAMPLES.values():
        points = np.concatenate([np.array(stroke) for stroke in strokes])
        assert points.shape[1] == 2
        assert points.min() >= 0
        assert points.max() <= 1


# The widget, without a page


def certain_of(digit):
    return lambda images: torch.eye(10)[[digit]]


def test_an_empty_pad_says_what_to_do_and_asks_nobody():
    pad = DigitPad(pytest.fail)
    assert pad.reading["said"] == EMPTY
    assert pad.reading["probabilities"] == []
    assert shown(pad).max() == 0


def shown(pad):
    """Return the picture that the page gets."""
    packed = base64.b64decode(pad.reading["picture"].removeprefix("data:image/png;base64,"))
    return np.array(Image.open(io.BytesIO(packed)))


def test_the_pad_asks_the_net_and_shows_its_answer():
    asked = []

    def read(images):
        asked.append(images)
        return torch.tensor([[0, 0, 0, 0.97, 0, 0, 0, 0, 0.03, 0]], requires_grad=True)

    pad = DigitPad(read)
    pad.strokes = EXAMPLES[3]
    (image,) = asked
    assert torch.equal(image, drawn(EXAMPLES[3]))
    assert np.abs(shown(pad) / 127.5 - 1 - image[0, 0].numpy()).max() < 1e-6
    assert pad.reading["probabilities"] == pytest.approx([0, 0, 0, 0.97, 0, 0, 0, 0, 0.03, 0])
    assert pad.reading["said"] == "The net reads a 3, 97 %"
    assert pad.reading["strokes"] == len(EXAMPLES[3])


def test_clearing_it_empties_it():
    pad = DigitPad(certain_of(2))
    empty = pad.reading
    pad.strokes = EXAMPLES[2]
    assert pad.reading != empty
    pad.strokes = []
    assert pad.reading == empty


def test_an_eight_has_its_article():
    pad = DigitPad(certain_of(8))
    pad.strokes = EXAMPLES[3]
    assert pad.reading["said"] == "The net reads an 8, 100 %"


def test_a_net_may_answer_with_an_array():
    pad = DigitPad(lambda images: np.full((1, 10), 0.1))
    pad.strokes = EXAMPLES[1]
    assert pad.reading["probabilities"] == pytest.approx([0.1] * 10)


def raises(images):
    raise RuntimeError("the shapes do not fit\nand more lines")


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (raises, "RuntimeError: the shapes do not fit"),
        (lambda images: None, "RuntimeError: Could not infer dtype of NoneType"),
        (lambda images: torch.full((10,), 0.1), "ValueError: the answer must be of shape (1, 10)"),
        (lambda images: torch.arange(10.0)[None], "ValueError: these ten numbers are no prob"),
        (
            lambda images: torch.full((1, 10), torch.nan),
            "ValueError: these ten numbers are no prob",
        ),
    ],
)
def test_an_error_is_a_sentence_and_the_pad_goes_on(read, said):
    pad = DigitPad(read)
    pad.strokes = EXAMPLES[5]
    assert pad.reading["said"].startswith(f"The net cannot read it: {said}")
    assert "\n" not in pad.reading["said"]
    assert pad.reading["probabilities"] == []
    assert shown(pad).max() == 255
    pad.strokes = []
    assert pad.reading["said"] == EMPTY


def test_a_net_that_writes_into_its_images_does_not_change_the_picture():
    def read(images):
        images.zero_()
        return torch.eye(10)[[0]]

    pad = DigitPad(read)
    pad.strokes = EXAMPLES[7]
    assert np.array_equal(shown(pad), (255 * ink(EXAMPLES[7])).round().numpy())


def test_what_a_page_without_widgets_shows_is_the_same_in_every_run():
    pad = DigitPad(certain_of(1))
    assert repr(pad) == digit_pad.IN_WORDS
    data, _ = pad._repr_mimebundle_()
    assert data["text/plain"] == digit_pad.IN_WORDS


def test_the_page_part_asks_no_other_host():
    script, style = str(DigitPad._esm), str(DigitPad._css)
    assert script.endswith("export default { render };\n")
    for text in (script, style):
        assert "import" not in text
        assert "url(" not in text
        assert text.count("://") == text.count(
            "http://www.w3.org/2000/svg"
        )  # a name, not a request
