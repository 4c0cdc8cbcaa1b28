"""The training loop of lesson 8: who moves, on what, by which noise; and the lesson's own copy."""

import copy

import pytest
import torch
from lesson_code import definitions
from torch import nn

from course_utils import data
from course_utils.lessons.gan import GANHistory, train_gan


def d_loss(d_real, d_fake):
    bce = nn.functional.binary_cross_entropy_with_logits
    return bce(d_real, torch.ones_like(d_real)) + bce(d_fake, torch.zeros_like(d_fake))


def g_loss(d_fake):
    return nn.functional.binary_cross_entropy_with_logits(d_fake, torch.ones_like(d_fake))


@pytest.fixture
def game():
    """Return D, G, both losses, both optimisers and the batches: 3 of 8, 8 and 4 images."""
    torch.manual_seed(0)
    D = nn.Sequential(nn.Flatten(), nn.Linear(784, 5), nn.LeakyReLU(0.2), nn.Linear(5, 1))
    G = nn.Sequential(
        nn.Linear(6, 7),
        nn.BatchNorm1d(7),
        nn.Linear(7, 784),
        nn.Tanh(),
        nn.Unflatten(1, (1, 28, 28)),
    )
    optimizers = [
        torch.optim.Adam(net.parameters(), lr=3e-4, betas=(0.5, 0.999), fused=True)
        for net in (D, G)
    ]
    images, labels = torch.rand(20, 1, 28, 28) * 2 - 1, torch.zeros(20, dtype=torch.long)
    return D, G, d_loss, g_loss, *optimizers, data.batches(images, labels, 8, shuffle=True)


def inputs_of(net):
    heard = []
    net.register_forward_pre_hook(lambda net, x: heard.append((net.training, x[0].clone())))
    return heard


def test_the_history_has_an_entry_for_every_iteration(game):
    history = train_gan(*game, 7, noise_dim=6, sheet_every=3)
    assert isinstance(history, GANHistory)
    for values in (history.d_loss, history.g_loss, history.d_real, history.d_fake):
        assert len(values) == 7
        assert all(isinstance(value, float) for value in values)
    assert history.sheet_iterations == [0, 3, 6, 7]
    assert [sheet.shape for sheet in history.sheets] == [(16, 1, 28, 28)] * 4
    assert history.seconds > 0


def test_the_last_sheet_is_not_drawn_twice(game):
    assert train_gan(*game, 6, noise_dim=6, sheet_every=3).sheet_iterations == [0, 3, 6]


def test_sheets_are_shown_as_they_come_and_drawn_in_evaluation_mode(game):
    shown, heard = [], inputs_of(game[1])
    history = train_gan(
        *game, 4, noise_dim=6, sheet_every=2, on_sheet=lambda i, sheet: shown.append((i, sheet))
    )
    assert [i for i, _ in shown] == history.sheet_iterations == [0, 2, 4]
    assert all(sheet is kept for (_, sheet), kept in zip(shown, history.sheets, strict=True))
    quiet = [x for training, x in heard if not training]
    assert len(quiet) == 3
    assert torch.equal(quiet[0], quiet[1])
    assert len([x for training, x in heard if training]) == 4
    assert game[1].training


def test_noise_is_uniform_and_new_in_every_iteration(game):
    heard = inputs_of(game[1])
    train_gan(*game, 30, noise_dim=6)
    noise = torch.cat([x for training, x in heard if training])
    assert noise.shape == (10 * 20, 6)
    assert len(noise.unique(dim=0)) == len(noise)
    assert -1 <= noise.min() < -0.9
    assert 0.9 < noise.max() <= 1
    assert noise.mean().abs() < 0.1


def test_a_label_goes_to_g_behind_the_noise_and_picks_the_answer_of_d(game):
    D, G, _, _, *rest = game
    D[-1], G[0] = nn.Linear(5, 3), nn.Linear(6 + 3, 7)
    rest[-1] = data.batches(torch.rand(20, 1, 28, 28) * 2 - 1, torch.arange(20) % 3, 8)
    judged, heard, said = [], inputs_of(G), []
    D.register_forward_hook(lambda net, x, out: said.append(out.detach().clone()))

    def d_loss_heard(d_real, d_fake):
        judged.append((d_real.detach().clone(), d_fake.detach().clone()))
        return d_loss(d_real, d_fake)

    sheets = train_gan(D, G, d_loss_heard, g_loss, *rest, 3, noise_dim=6, num_labels=3).sheets
    assert [len(sheet) for sheet in sheets] == [16, 16]
    quiet = next(x for training, x in heard if not training)
    assert quiet[:, 6:].argmax(dim=1).tolist() == [i % 3 for i in range(16)]
    orders = [x for training, x in heard if training]
    for i, (labels, order) in enumerate(
        zip((range(8), range(8, 16), range(16, 20)), orders, strict=True)
    ):
        labels = torch.tensor(labels) % 3
        assert order.shape == (len(labels), 9)
        assert torch.equal(order[:, 6:], nn.functional.one_hot(labels, 3).float())
        for given, outputs in zip(judged[i], said[3 * i :], strict=False):
            assert torch.equal(given, outputs.gather(1, labels[:, None]))


def test_all_images_are_seen_once_in_a_round(game):
    heard = inputs_of(game[0])
    train_gan(*game, 6, noise_dim=6)
    real = [x for _, x in heard][::3]
    first, second = torch.cat(real[:3]), torch.cat(real[3:])
    assert len(first.unique(dim=0)) == len(second.unique(dim=0)) == 20
    assert not torch.equal(first, second)
    for seen_by_d, seen_by_g in zip(heard[1::3], heard[2::3], strict=True):
        assert torch.equal(seen_by_d[1], seen_by_g[1])


def test_both_players_move_and_none_is_left_frozen(game):
    before = copy.deepcopy(game[:2])
    train_gan(*game, 3, noise_dim=6)
    for net, old in zip(game[:2], before, strict=True):
        moved = [not torch.equal(p, q) for p, q in zip(net.parameters(), old.parameters())]  # noqa: B905
        assert all(moved[2:]), moved
        assert all(parameter.requires_grad for parameter in net.parameters())


def test_d_is_frozen_in_g_step_and_only_there(game):
    D, seen = game[0], {"d": [], "g": []}

    def watched(name, loss):
        def watching(*outputs):
            seen[name].append([parameter.requires_grad for parameter in D.parameters()])
            return loss(*outputs)

        return watching

    train_gan(*game[:2], watched("d", d_loss), watched("g", g_loss), *game[4:], 3, noise_dim=6)
    assert seen == {"d": [[True] * 4] * 3, "g": [[False] * 4] * 3}


def test_both_nets_train_in_training_mode_even_if_they_came_in_the_other(game):
    modes = [inputs_of(net.eval()) for net in game[:2]]
    train_gan(*game, 3, noise_dim=6)
    assert [training for training, _ in modes[0]] == [True] * 9
    assert [training for training, _ in modes[1]] == [False, True, True, True, False]


def test_an_iteration_is_the_plain_one_with_two_passes(game):
    game[1][1] = nn.Identity()  # without batch statistics, two passes give the same images
    D, G, *_ = plain = copy.deepcopy(game[:2])
    optimizers = [torch.optim.Adam(net.parameters(), lr=3e-4, betas=(0.5, 0.999)) for net in plain]
    seen, noises = inputs_of(game[0]), inputs_of(game[1])
    game = (*game[:4], game[4], torch.optim.Adam(game[1].parameters(), 3e-4, (0.5, 0.999)), game[6])
    history = train_gan(*game, 2, noise_dim=6)
    for i, noise in enumerate(x for training, x in noises if training):
        loss = d_loss(D(seen[3 * i][1]), D(G(noise)))
        optimizers[0].zero_grad()
        loss.backward()
        optimizers[0].step()
        assert history.d_loss[i] == pytest.approx(loss.item(), rel=1e-5)
        loss = g_loss(D(G(noise)))
        optimizers[1].zero_grad()
        loss.backward()
        optimizers[1].step()
        assert history.g_loss[i] == pytest.approx(loss.item(), rel=1e-5)
    for net, other in zip(game[:2], plain, strict=True):
        torch.testing.assert_close([*net.parameters()], [*other.parameters()])


def test_the_lesson_shows_the_very_same_loop(game):
    lesson = definitions("08", __name__="lesson", device=torch.device("cpu"))
    histories, players = [], []
    state = copy.deepcopy(game[:2])
    for train in (train_gan, lesson.train_gan):
        nets = copy.deepcopy(state)
        optimizers = [torch.optim.Adam(net.parameters(), lr=3e-4, fused=True) for net in nets]
        torch.manual_seed(1)
        histories.append(
            train(*nets, d_loss, g_loss, *optimizers, game[6], 5, noise_dim=6, sheet_every=2)
        )
        players.append(nets)
    ours, shown = (vars(history) for history in histories)
    assert list(ours) == list(shown)
    for name in ("d_loss", "g_loss", "d_real", "d_fake", "sheet_iterations"):
        assert ours[name] == shown[name]
    torch.testing.assert_close(ours["sheets"], shown["sheets"], rtol=0, atol=0)
    for net, other in zip(*players, strict=True):
        torch.testing.assert_close(net.state_dict(), other.state_dict(), rtol=0, atol=0)
