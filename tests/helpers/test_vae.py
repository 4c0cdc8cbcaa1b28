"""The VAE that lesson 10 starts from is that of lesson 6, wherever it comes from."""

import pytest
import torch
from lesson_code import definitions

from course_utils import data
from course_utils.lessons import runs
from course_utils.lessons import vae as vae_module
from course_utils.lessons.vae import VAE, load_vae

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _own_folder_and_few_images(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RESULTS_DIR", str(tmp_path))
    images, labels = 2 * torch.rand(600, 1, 28, 28) - 1, torch.zeros(600, dtype=torch.long)
    monkeypatch.setattr(data, "load", lambda name, train: None)
    monkeypatch.setattr(data, "tensors", lambda dataset: (images, labels))
    monkeypatch.setattr(vae_module, "NUM_EPOCHS", 1)


def test_it_is_the_net_that_lesson_6_builds():
    theirs, ours = definitions("06", device=CPU).VAE(), VAE()
    ours.load_state_dict(theirs.state_dict())
    x = 2 * torch.rand(3, 784) - 1
    assert torch.equal(theirs.encode(x)[0], ours.encode(x)[0])
    assert torch.equal(theirs.encode(x)[1], ours.encode(x)[1])
    z = torch.randn(3, 20)
    assert torch.equal(theirs.decode(z), ours.decode(z))


def test_lesson_6s_own_is_taken_if_it_is_there(capsys):
    saved = VAE()
    runs.run(vae_module.RUN, lambda: {"net": saved.state_dict()}, load=False)
    vae = load_vae(CPU)
    assert torch.equal(vae.to_mu.weight, saved.to_mu.weight)
    assert not vae.training
    assert "your net of lesson 6" in capsys.readouterr().out


@pytest.mark.parametrize("left", [None, {"net": {"another": torch.zeros(1)}}, {"other": 1}])
def test_without_it_one_is_trained_kept_and_said(left, capsys):
    if left is not None:
        runs.run(vae_module.RUN, lambda: left, load=False)
    before = torch.get_rng_state()
    vae = load_vae(CPU)
    assert "lesson 6 has not run here" in capsys.readouterr().out
    assert torch.equal(torch.get_rng_state(), before)
    again = load_vae(CPU)
    assert "trained here before" in capsys.readouterr().out
    assert torch.equal(vae.to_mu.weight, again.to_mu.weight)
    assert runs.kept(vae_module.RUN) == left  # lesson 6 finds what it left, or nothing
