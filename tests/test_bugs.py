"""The catalogue of bugs: what it plants, where, and what it leaves alone."""

import nbformat
import pytest
from bugs import bugs
from build_notebooks import notebook_for
from lesson_code import lessons, source_of
from mutate import draw, in_helpers, in_lesson, reasons

PLANTED = [
    ("z = a + b", "sign", "z = a - b"),
    ("z = (a) * (b)", "operator", "z = (a) / (b)"),
    ("z = -w", "sign", "z = w"),
    ("z = x**2", "operator", "z = x*2"),
    ("if a < b:\n    pass", "comparison", "if a >= b:\n    pass"),
    ("z = x.sum(dim=1)", "axis", "z = x.sum(dim=0)"),
    ("z = x.mean(1)", "axis", "z = x.mean(0)"),
    ("z = x.sum(dim=1)", "reduction", "z = x.mean(dim=1)"),
    ("optimizer.zero_grad()", "forgotten call", "pass"),
    ("seed_everything(SEED)", "seed", "pass"),
    ("net.eval()", "mode", "net.train()"),
    ("y = fake.detach()", "dropped call", "y = fake"),
    ("y = (a - b).abs()", "dropped call", "y = (a - b)"),
    ("y = torch.sigmoid(z)", "dropped call", "y = z"),
    ("y = torch.ones_like(z)", "labels", "y = torch.zeros_like(z)"),
    ("o = torch.optim.Adam(p)", "optimiser", "o = torch.optim.SGD(p)"),
    ("adam(G)", "wrong variable", "adam(D)"),
    ("sgd(p, lr=0.1)", "learning rate", "sgd(p, lr=10 * 0.1)"),
    ("LR = 0.1", "learning rate", "LR = 0.1 * 0.1"),
    ("layers = [nn.Tanh()]", "dropped layer", "layers = [nn.Identity()]"),
    ("x = images[:64]", "off by one", "x = images[:65]"),
    ("for i in range(n):\n    pass", "off by one", "for i in range(n - 1):\n    pass"),
    ("z = loss(recon, x)", "arguments swapped", "z = loss(x, recon)"),
    ("x = grey / 127.5", "constant", "x = grey / (2 * 127.5)"),
    ("load(train=True)", "flag", "load(train=False)"),
    ("total += loss", "sign", "total -= loss"),
    ("%matplotlib inline\nz = a + b", "sign", "#matplotlib inline\nz = a - b"),
    ("s = 'α ≈'; z = a + b", "sign", "s = 'α ≈'; z = a - b"),
]
LEFT_ALONE = ["ax.plot(x + 1)", "fig, ax = plt.subplots(figsize=(3.5, 2))", "print(f'{a + b}')"]


@pytest.mark.parametrize(("source", "kind", "planted"), PLANTED)
def test_the_catalogue_plants(source, kind, planted):
    assert planted in [
        bug.plant(source.replace("%", "#")) for bug in bugs(source) if bug.kind == kind
    ]


@pytest.mark.parametrize("source", LEFT_ALONE)
def test_drawing_is_left_alone(source):
    assert bugs(source) == []


def test_every_bug_changes_the_program_and_is_still_python():
    for mutant in in_helpers():
        planted = mutant.bug.plant(mutant.source)
        assert planted != mutant.source
        compile(planted, mutant.place, "exec")


@pytest.mark.parametrize("lesson", lessons())
def test_a_lesson_has_places_enough_and_its_checkpoints_are_spared(lesson):
    path = notebook_for(source_of(lesson))
    cells = nbformat.read(path, as_version=4).cells
    mutants = in_lesson(path)
    assert len(draw(mutants, 15, seed=1)) == 15
    assert not [m for m in mutants if cells[m.index].source.startswith("# Checkpoint")]
    assert not [m for m in mutants if cells[m.index].metadata.get("tags")]


def test_a_seed_draws_the_same_bugs_another_one_others():
    mutants = in_helpers()
    assert draw(mutants, 60, seed=1) == draw(mutants, 60, seed=1) != draw(mutants, 60, seed=2)


def test_no_kind_of_bug_crowds_out_the_others():
    mutants = in_helpers()
    kinds = {mutant.bug.kind for mutant in mutants}
    assert {mutant.bug.kind for mutant in draw(mutants, len(kinds), seed=1)} == kinds


def test_every_equivalent_mutant_exists_and_has_a_reason():
    paths = [notebook_for(source_of(lesson)) for lesson in lessons()]
    every = [mutant for path in paths for mutant in in_lesson(path)] + in_helpers()
    there = {(mutant.place, *mutant.diff()) for mutant in every}
    for known, reason in reasons().items():
        assert known in there, known
        assert len(reason) > 20
