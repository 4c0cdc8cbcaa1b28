"""More than one right answer passes: the checks test what the work does, not how it is written."""

import pytest
import torch
from exercise_player import play, solution

RIGHT = {
    "a picture by NumPy": (
        "2.1",
        "def to_picture(vector):\n"
        "    return np.rint((vector.numpy() + 1) * 127.5).astype(np.uint8).reshape(28, 28)",
    ),
    "a picture as a tensor": (
        "2.1",
        "def to_picture(vector):\n"
        "    return ((vector + 1) * 127.5 + 0.5).floor().to(torch.uint8).view(28, 28)",
    ),
    "a number for the text": ("2.2", "prediction = 2.3"),
    "cross-entropy in a loop": (
        "2.3",
        "def cross_entropy(logits, labels):\n"
        "    total = 0.0\n"
        "    for row, label in zip(logits, labels):\n"
        "        row = row - row.max()\n"
        "        total += (row.exp().sum().log() - row[label]).item()\n"
        "    return total / len(labels)",
    ),
    "cross-entropy with one-hot vectors": (
        "2.3",
        "def cross_entropy(logits, labels):\n"
        "    z = logits - logits.amax(dim=1, keepdim=True)\n"
        "    t = nn.functional.one_hot(labels, z.shape[1])\n"
        "    return (t * (z.exp().sum(dim=1, keepdim=True).log() - z)).sum(dim=1).mean()",
    ),
    "an accuracy in two lists": (
        "2.4",
        "def mended_accuracy(net, batches):\n"
        "    net = net.eval()\n"
        "    with torch.no_grad():\n"
        "        right = torch.cat([net(x).argmax(1) == y for x, y in batches])\n"
        "    return right.double().mean()",
    ),
    "another temperature": ("2.5", "temperature = 4.8"),
    "other case and spaces": ("2.6", 'prediction = " B "'),
    "log-softmax and nll_loss": (
        "2.7",
        "def mended_step(net, x, y, optimizer):\n"
        "    loss = nn.functional.nll_loss(net(x).log_softmax(dim=1), y)\n"
        "    optimizer.zero_grad()\n"
        "    loss.backward()\n"
        "    optimizer.step()\n"
        "    return loss.detach()",
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_another_right_answer_passes(name):
    assert "✓" in play("02", *RIGHT[name])


def test_a_check_leaves_the_random_numbers_as_they_were():
    torch.manual_seed(0)
    first = torch.rand(1)
    torch.manual_seed(0)
    for number in ("2.1", "2.3", "2.4", "2.7"):
        assert "✓" in play("02", number, solution("02", number))
    assert torch.equal(first, torch.rand(1))
