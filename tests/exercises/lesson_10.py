"""Answers to the exercises of lesson 10."""

import numpy as np
import torch
from answers import Answers

answers = Answers("10")
lesson = answers.lesson

# ------------------------------------------------------------------------------------------ 10.1


@answers.right("10.1", kind="extreme", name="a softmax")
def responsibilities(log_joint):
    return log_joint.softmax(dim=1)


@answers.right("10.1", kind="extreme", name="the largest subtracted")
def responsibilities(log_joint):
    weights = (log_joint - log_joint.max(dim=1, keepdim=True).values).exp()
    return weights / weights.sum(dim=1, keepdim=True)


@answers.right("10.1", kind="numbers", name="NumPy, row by row")
def responsibilities(log_joint):
    rows = []
    for row in log_joint.numpy():
        weights = np.exp(row - row.max())
        rows.append(weights / weights.sum())
    return np.array(rows)


@answers.wrong("10.1", "a whole row was 0 / 0", kind="nan extreme")
def responsibilities(log_joint):
    joint = log_joint.exp()
    return joint / joint.sum(dim=1, keepdim=True)


@answers.wrong("10.1", "each column has sum 1")
def responsibilities(log_joint):
    return log_joint.softmax(dim=0)


@answers.wrong("10.1", "still logarithms")
def responsibilities(log_joint):
    return log_joint - log_joint.logsumexp(dim=1, keepdim=True)


@answers.wrong("10.1", "not yet divided")
def responsibilities(log_joint):
    return log_joint.exp()


@answers.wrong("10.1", "hides 0 / 0", kind="extreme")
def responsibilities(log_joint):
    joint = log_joint.exp()
    return joint / (joint.sum(dim=1, keepdim=True) + 1e-12)


@answers.wrong("10.1", "a quotient of logarithms")
def responsibilities(log_joint):
    return log_joint / log_joint.logsumexp(dim=1, keepdim=True)


@answers.wrong("10.1", "returned nothing", kind="return")
def responsibilities(log_joint):
    log_joint.softmax(dim=1)


@answers.wrong("10.1", "log_joint was changed", kind="state")
def responsibilities(log_joint):
    log_joint -= log_joint.logsumexp(dim=1, keepdim=True)
    return log_joint.exp()


# ------------------------------------------------------------------------------------------ 10.2


@answers.right("10.2", name="times by linspace")
def my_euler(velocity, x, steps):
    for t in torch.linspace(0, 1, steps + 1)[:-1]:
        x = x + velocity(x, t.expand(len(x), 1)) / steps
    return x


@answers.right("10.2", name="a while loop")
def my_euler(velocity, x, steps):
    t = torch.zeros(len(x), 1)
    while t[0, 0] < 1 - 0.5 / steps:
        x = x + velocity(x, t) * (1 / steps)
        t = t + 1 / steps
    return x


@answers.right("10.2", name="the lesson's, its end")
def my_euler(velocity, x, steps):
    return lesson.euler(velocity, x, steps)[-1]


@answers.wrong("10.2", "at the end of each step")
def my_euler(velocity, x, steps):
    for i in range(steps):
        x = x + velocity(x, torch.full((len(x), 1), (i + 1) / steps)) / steps
    return x


@answers.wrong("10.2", "(n, 1)", kind="line")
def my_euler(velocity, x, steps):
    for i in range(steps):
        x = x + velocity(x, i / steps) / steps
    return x


@answers.wrong("10.2", "and not 1 / steps")
def my_euler(velocity, x, steps):
    for i in range(steps):
        x = x + velocity(x, torch.full((len(x), 1), i / steps))
    return x


@answers.wrong("10.2", "and not at 1")
def my_euler(velocity, x, steps):
    for t in torch.linspace(0, 1, steps):
        x = x + velocity(x, t.expand(len(x), 1)) / steps
    return x


@answers.wrong("10.2", "not i / steps")
def my_euler(velocity, x, steps):
    for i in range(steps):
        x = x + velocity(x, torch.full((len(x), 1), float(i))) / steps
    return x


@answers.wrong("10.2", "inside the loop")
def my_euler(velocity, x, steps):
    for i in range(steps):
        x = x + velocity(x, torch.full((len(x), 1), i / steps)) / steps
        break
    return x


@answers.wrong("10.2", "at the start each time")
def my_euler(velocity, x, steps):
    end = x
    for i in range(steps):
        end = end + velocity(x, torch.full((len(x), 1), i / steps)) / steps
    return end


@answers.wrong("10.2", "one step is missing")
def my_euler(velocity, x, steps):
    for i in range(steps - 1):
        x = x + velocity(x, torch.full((len(x), 1), i / steps)) / steps
    return x


@answers.wrong("10.2", "ten times 0.1 is not exactly 1", kind="extreme")
def my_euler(velocity, x, steps):
    t = 0.0
    while t < 1:
        x = x + velocity(x, torch.full((len(x), 1), t)) / steps
        t += 1 / steps
    return x


@answers.wrong("10.2", "x was changed", kind="state")
def my_euler(velocity, x, steps):
    for i in range(steps):
        x += velocity(x, torch.full((len(x), 1), i / steps)) / steps
    return x


@answers.wrong("10.2", "the end only")
def my_euler(velocity, x, steps):
    path = [x]
    for i in range(steps):
        t = torch.full((len(x), 1), i / steps)
        path.append(path[-1] + velocity(path[-1], t) / steps)
    return torch.stack(path)


# ------------------------------------------------------------------------------------------ 10.3

answers.right("10.3", place_and_velocity=(0.0, 4.0), name="floats")
answers.right("10.3", place_and_velocity=torch.tensor([0, 4]), kind="numbers", name="a tensor")
answers.right("10.3", place_and_velocity=[0, np.float64(4)], kind="numbers", name="a list")
answers.wrong("10.3", "the noise's", place_and_velocity=(2, 4))
answers.wrong("10.3", "other sign", place_and_velocity=(0, -4))
answers.wrong("10.3", "the quarter gone", place_and_velocity=(0, 1))
answers.wrong("10.3", "how far is it", place_and_velocity=(0, 3))
answers.wrong("10.3", "a quarter of the way", place_and_velocity=(1, 4))
answers.wrong("10.3", "give two numbers", place_and_velocity=4, kind="line")

# ------------------------------------------------------------------------------------------ 10.4

answers.right("10.4", turned_up="C", kind="numbers", name="a capital")
answers.right("10.4", turned_up=" c ", name="spaces")
answers.right("10.4", turned_up='"c"', name="quoted twice")
answers.wrong("10.4", "a longer way", turned_up="a")
answers.wrong("10.4", "something must change", turned_up="b")
answers.wrong("10.4", "fewer obey", turned_up="d")
answers.wrong("10.4", "answer with", turned_up="e")
answers.wrong("10.4", "answer with", turned_up=0.1, kind="line")

# ------------------------------------------------------------------------------------------ 10.5


@answers.right("10.5", name="a loop")
def choose(tried):
    best = max(tried.values(), key=lambda pair: pair[1])[1]
    for k in sorted(tried):
        if tried[k][1] >= best - 0.05:
            return k
    return None


@answers.right("10.5", name="rounded keys")
def choose(tried):
    held_out = {k: pair[1] for k, pair in tried.items()}
    good = [k for k in held_out if max(held_out.values()) - held_out[k] <= 0.05]
    return min(good)


@answers.right("10.5", kind="numbers", name="as a tensor")
def choose(tried):
    keys = sorted(tried)
    held_out = torch.tensor([tried[k][1] for k in keys])
    return torch.tensor(keys)[held_out > held_out.max() - 0.05][0]


@answers.wrong("10.5", "training codes best")
def choose(tried):
    return max(tried, key=lambda k: tried[k][0])


@answers.wrong("10.5", "by 0.03 only")
def choose(tried):
    return max(tried, key=lambda k: tried[k][1])


@answers.wrong("10.5", "far from the best")
def choose(tried):
    return min(tried)


@answers.wrong("10.5", "not a tuple of 2", kind="line")
def choose(tried):
    best = max(held_out for _, held_out in tried.values())
    return min((k, pair[1]) for k, pair in tried.items() if pair[1] > best - 0.05)


@answers.wrong("10.5", "3 is chosen, not 2", kind="numbers")
def choose(tried):
    return max(sorted(tried), key=lambda k: round(tried[k][1], 1))


@answers.wrong("10.5", "3 is chosen, not 2")
def choose(tried):
    best, *larger = sorted(tried)
    for k in larger:
        if tried[k][1] > tried[best][1] + 0.05:
            best = k
    return best


# ------------------------------------------------------------------------------------------ 10.6


@answers.right("10.6", kind="device", name="written out")
def mended_loss(net, x1):
    noise = torch.randn(x1.shape, device=x1.device)
    t = torch.rand(x1.shape[0], 1, device=x1.device)
    error = net(noise + t * (x1 - noise), t) - (x1 - noise)
    return (error**2).sum() / len(x1)


@answers.right("10.6", kind="numbers", name="an even grid of times")
def mended_loss(net, x1):
    x0 = torch.randn_like(x1)
    n = torch.arange(len(x1), device=x1.device)
    t = ((n + torch.rand(len(x1), device=x1.device)) / len(x1))[:, None]
    return (net((1 - t) * x0 + t * x1, t) - x1 + x0).pow(2).sum(1).mean(dim=0)


@answers.right("10.6", kind="device", name="by mse_loss")
def mended_loss(net, x1):
    x0, t = torch.randn_like(x1), torch.rand_like(x1[:, :1])
    given = net((1 - t) * x0 + t * x1, t)
    return x1.shape[1] * torch.nn.functional.mse_loss(given, x1 - x0)


@answers.wrong("10.6", "device=x1.device", kind="device")
def mended_loss(net, x1):
    x0, t = torch.randn_like(x1), torch.rand(len(x1), 1)
    return (net((1 - t) * x0 + t * x1, t) - (x1 - x0)).square().sum(dim=1).mean()


@answers.wrong("10.6", "device=x1.device", kind="device")
def mended_loss(net, x1):
    x0, t = torch.randn(x1.shape), torch.rand(len(x1), 1)
    return (net((1 - t) * x0 + t * x1, t) - (x1 - x0)).square().sum(dim=1).mean()


@answers.wrong("10.6", "share one time")
def mended_loss(net, x1):
    x0, t = torch.randn_like(x1), torch.rand(1, 1).expand(len(x1), 1)
    return (net((1 - t) * x0 + t * x1, t) - (x1 - x0)).square().sum(dim=1).mean()


@answers.wrong("10.6", "there the noise should be")
def mended_loss(net, x1):
    x0, t = torch.randn_like(x1), torch.rand(len(x1), 1)
    return (net(t * x0 + (1 - t) * x1, t) - (x1 - x0)).square().sum(dim=1).mean()


@answers.wrong("10.6", "sum them")
def mended_loss(net, x1):
    x0, t = torch.randn_like(x1), torch.rand(len(x1), 1)
    return (net((1 - t) * x0 + t * x1, t) - (x1 - x0)).square().mean()


@answers.wrong("10.6", "dim=0 adds up the examples")
def mended_loss(net, x1):
    x0, t = torch.randn_like(x1), torch.rand(len(x1), 1)
    return (net((1 - t) * x0 + t * x1, t) - (x1 - x0)).square().sum(dim=0).mean()


@answers.wrong("10.6", "x1 - x0")
def mended_loss(net, x1):
    x0, t = torch.randn_like(x1), torch.rand(len(x1), 1)
    return (net((1 - t) * x0 + t * x1, t) - (x0 - x1)).square().sum(dim=1).mean()


@answers.wrong("10.6", "(n, 1)", kind="line")
def mended_loss(net, x1):
    x0, t = torch.randn_like(x1), torch.rand(len(x1))
    xt = (1 - t[:, None]) * x0 + t[:, None] * x1
    return (net(xt, t) - (x1 - x0)).square().sum(dim=1).mean()


@answers.wrong("10.6", "standard normal noise")
def mended_loss(net, x1):
    x0, t = torch.rand_like(x1), torch.rand(len(x1), 1)
    return (net((1 - t) * x0 + t * x1, t) - (x1 - x0)).square().sum(dim=1).mean()


# ------------------------------------------------------------------------------------------ 10.7


@answers.right("10.7", name="one velocity for both")
def check_sampler(sampler):
    end = sampler(lambda x, t: 1 + t + 0 * x, torch.zeros(1, 1), 2000)
    assert abs(end.item() - 1.5) < 0.001 + 0.5 / 2000
    end = sampler(lambda x, t: 1 + 0 * x, torch.zeros(1, 1), 3)
    assert abs(end.item() - 1) < 1e-4


@answers.right("10.7", name="listens to the times")
def check_sampler(sampler):
    heard = []

    def velocity(x, t):
        heard.append(t.max().item())
        return torch.ones_like(x)

    end = sampler(velocity, torch.zeros(2, 1), 5)
    if (end - 1).abs().max() > 1e-4 or max(heard) < 0.5:
        raise AssertionError("wrong end, or a time that stands still")


@answers.right("10.7", kind="quiet", name="it prints as well")
def check_sampler(sampler):
    for steps in (2, 50):
        end = sampler(lambda x, t: torch.ones_like(x), torch.zeros(1, 2), steps)
        print(steps, end)  # noqa: T201
        assert torch.allclose(end, torch.ones(1, 2), atol=1e-3)
    late = sampler(lambda x, t: (t > 0.5) + 0 * x, torch.zeros(1, 1), 100)
    assert late.item() > 0.3


@answers.wrong("10.7", "whose time stays at 0")
def check_sampler(sampler):
    end = sampler(lambda x, t: torch.ones_like(x), torch.zeros(3, 2), 10)
    assert torch.allclose(end, torch.ones(3, 2), atol=1e-4)


@answers.wrong("10.7", "a step too few")
def check_sampler(sampler):
    end = sampler(lambda x, t: t + 0 * x, torch.zeros(3, 2), 1000)
    assert (end - 0.5).abs().max() < 0.01


@answers.wrong("10.7", "a right sampler must pass")
def check_sampler(sampler):
    end = sampler(lambda x, t: t + 0 * x, torch.zeros(3, 2), 4)
    assert (end - 0.5).abs().max() < 0.01


@answers.wrong("10.7", "let it fail by an assert")
def check_sampler(sampler):
    end = sampler(lambda x, t: torch.ones_like(x), torch.zeros(3, 2), 10)
    return torch.allclose(end, torch.ones(3, 2), atol=1e-4)


@answers.wrong("10.7", "walks backwards")
def check_sampler(sampler):
    heard = []

    def velocity(x, t):
        heard.append(t.max().item())
        return torch.ones_like(x)

    sampler(velocity, torch.zeros(2, 1), 5)
    assert max(heard) > 0.7


@answers.wrong("10.7", "Heun's too")
def check_sampler(sampler):
    end = sampler(lambda x, t: t + 0 * x, torch.zeros(1, 1), 10)
    assert abs(end.item() - 0.45) < 1e-4
