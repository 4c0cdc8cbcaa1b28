# %% [markdown]
# # 7 · The adversarial game in one dimension
#
# Two networks play against each other, and one of them learns to imitate what it has never seen. Here it imitates single numbers, so that everything in the game can be drawn.
#
# **You will**
#
# - play the game and watch every round of it,
# - find the best possible discriminator, and hold a trained one against it,
# - say why one player stands still while the other learns, and why neither loss tells how good the generator is,
# - recognise failures by their curves, mode collapse among them.
#
# **You need** Lessons 2 (binary cross-entropy, logits), 3 (Adam) and 5 (the KL divergence). From school: mean, derivative, and the bell curve.
#
# **Time** About 90 minutes for the core, with exercises 7.1 to 7.4. *Going further* has seven sections, each for itself: 60 minutes for A to F with their exercises, and as long as you like for G. All cells together run in about 75 seconds on two slow cores without a graphics card.

# %%
# %matplotlib inline
import copy
import math
import random

import matplotlib.pyplot as plt
import torch
from ipywidgets import IntSlider, interact
from torch import nn
from torch.distributions import Normal
from tqdm.auto import tqdm

from course_utils import plotting
from course_utils.device import seed_everything
from course_utils.lessons.checks import lesson_07 as checks

plt.style.use(["default", "course_utils.course"])
SEED = 0

# %% tags=["nbval-ignore-output"]
# About this machine
print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads (the nets are tiny: CPU)")

# %% [markdown]
# ## 1 · A butterfly, a bird, and a line
#
# What if a loss were not a formula, but somebody who looks?
#
# Think of a butterfly in a wood, and of a bird that eats it. The bird has learned that leaves are brown, so what is colourful is food. Butterflies with a brown tint live longer, and after many generations they are all brown. Now the birds go hungry, except for those with sharper eyes, who notice that leaves have veins. Then butterflies with lines on their wings survive. No butterfly has ever studied a leaf: all it knows about leaves it knows from being eaten. In the end it folds its wings and is a leaf, and the bird has excellent eyes. (The story follows Hung-yi Lee's lecture on deep generative models.)
#
# A **generative adversarial network** (GAN; Goodfellow et al., 2014) plays this game with two networks:
#
# - The **generator** $G$ is the butterfly. It turns random noise into something that should look real, and never sees anything real.
# - The **discriminator** $D$ is the bird. It gets real and generated things, and says how probable it is that one is real.
#
# Here a "thing" is a single number $x$. The real ones come from a bell curve with mean 2, standard deviation 0.5 and density $p(x)$. The noise $z$ is **uniform**: every number from $-1$ to $1$ is as likely as any other.
#
# The generator is a curve with four numbers that it can learn:
#
# $$G(z) = b + w_1 z + w_3 z^3 + w_9 z^9$$
#
# The bias $b$ shifts everything, and $w_1$ spreads the numbers evenly. The power $z^9$ is almost 0 in the middle and steep at the ends, so $w_9$ pulls out the two tails; $z^3$ lies between the two. The curve starts far from the data, around $-1$.
#
# The discriminator is a small multilayer perceptron that answers with a logit. Its probability for "real" is $D(x) = \sigma(\text{logit})$, with $\sigma$ for the sigmoid.

# %%
REAL = Normal(2.0, 0.5)


def draw_real(batch_size):  # -> (batch, 1)
    return REAL.sample((batch_size, 1))


def draw_noise(batch_size):  # -> (batch, 1), uniform in [-1, 1]
    return 2 * torch.rand(batch_size, 1) - 1


class Generator(nn.Module):
    """Noise (batch, 1) -> generated numbers (batch, 1)."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(3, 1)
        with torch.no_grad():
            self.linear.weight.copy_(torch.tensor([[0.3, 0.1, 0.1]]))
            self.linear.bias.fill_(-1.0)

    def forward(self, z):
        return self.linear(torch.cat([z, z**3, z**9], dim=1))


def make_discriminator():
    """Return a net: numbers (batch, 1) -> logits (batch, 1)."""
    return nn.Sequential(
        nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)
    )


# %% [markdown]
# Which density $q(x)$ do the generated numbers have? Send 4,000 evenly spaced values of $z$ through the curve, and count how many land in each of 200 bins.
#
# Beside the curve of $G$ we draw `IDEAL`, the curve that turns uniform noise into exactly our bell: of the noise a share of $(z + 1)/2$ lies below $z$, and `icdf` gives the number below which the same share of the bell lies. The generator never sees it.
#
# Read the figure from the noise at the bottom, forty evenly spaced values, up to a curve, and from there to the right, to its density. Where would each curve send many of them close together, where few?

# %%
LOW, HIGH, BINS, WIDTH = -4.0, 6.0, 200, 0.05
CENTERS = LOW + WIDTH * (torch.arange(BINS) + 0.5)  # (200,)
EVEN_NOISE = ((torch.arange(4000) + 0.5) / 2000 - 1)[:, None]  # (4000, 1), from -1 to 1
IDEAL = REAL.icdf((EVEN_NOISE + 1) / 2)  # (4000, 1), the curve that we would like G to be
P = REAL.log_prob(CENTERS).exp()  # (200,)


@torch.inference_mode()
def density(G):
    """Return the density of the generated numbers in each bin, (200,)."""
    x = G(EVEN_NOISE)[:, 0].clamp(LOW, HIGH)  # what lies outside is counted at the edge
    return torch.histc(x, BINS, LOW, HIGH) / len(x) / WIDTH


# %% tags=["figure"]
def draw_curve(ax, x, ideal=IDEAL):
    """Draw the curve z -> G(z), from its values at EVEN_NOISE, beside the one we would like."""
    ax.plot(EVEN_NOISE, ideal, "--", color="C0", label="the curve that makes p")
    ax.plot(EVEN_NOISE, x, "-", color="C1", label="the curve G(z)")
    ax.set(xlabel="noise z", ylim=(LOW, HIGH))


with torch.inference_mode():
    x = Generator()(EVEN_NOISE)
fig, axes = plt.subplots(1, 2, figsize=(10, 4), sharey=True, width_ratios=(3, 2))
draw_curve(axes[0], x)
dots = slice(50, None, 100)  # 40 of the 4,000
axes[0].plot(EVEN_NOISE[dots], torch.full((40,), LOW), "k|", clip_on=False)
axes[0].plot(EVEN_NOISE[dots], x[dots], "o", color="C1", markersize=4)
axes[0].set_ylabel("x")
axes[0].legend(loc="upper left", fontsize=9)
axes[1].plot(P, CENTERS, "--", color="C0", label="real, p(x)")
axes[1].plot(density(Generator()), CENTERS, color="C1", label="generated, q(x)")
axes[1].set(xlabel="density", xlim=(0, 1.75))
axes[1].legend(loc="upper right", fontsize=9)
plotting.show(
    fig,
    alt="Left: the curve of the generator, almost flat around -1, and above it, around 2, the "
    "curve that would make the real density. Right: a narrow generated density around -1, and the "
    "real bell around 2.",
)

# %% tags=["claim"]
# The derivation's formula gives the density that counting gives.
with torch.inference_mode():
    z = torch.linspace(-0.7, 0.7, 15)
    bins = ((Generator()(z[:, None])[:, 0] - LOW) / WIDTH).long()
formula = 0.5 / (0.3 + 0.3 * z**2 + 0.9 * z**8)
assert (density(Generator())[bins] / formula - 1).abs().max() < 0.2

# %% [markdown]
# Where a curve is flat, many dots land close together and the density is high. Where it is steep, few land. To draw the bell, $G$ has to lie on the dashed curve.
#
# <details><summary>Derivation: the density as a formula</summary>
#
# Let $G$ only rise. From $z$ to $z + dz$ it moves from $x$ to $x + G'(z)\,dz$. The probability in the first interval is $\tfrac12 dz$, since the noise has the density $\tfrac12$ on $[-1, 1]$. In the second it is $q(x)\,G'(z)\,dz$. It is the same probability, so
#
# $$q\bigl(G(z)\bigr) = \frac{1}{2\,G'(z)}, \qquad G'(z) = w_1 + 3 w_3 z^2 + 9 w_9 z^8 .$$
#
# This is called a **change of variables**. If the curve goes up and down, several $z$ give the same $x$ and their terms add up. Counting does this by itself, and so we count.
#
# </details>
#
# ## 2 · Play
#
# $D$ wants to say 1 (real) to real numbers and 0 (fake) to generated ones: lesson 2's binary cross-entropy, twice. $G$ wants $D$ to say 1 to *its* numbers: the same cross-entropy, with label 1 on the fakes.

# %% [markdown]
# ### Exercise 7.1 · code: Both losses from logits
#
# Write both losses. The arguments are the logits of $D$ on real and on fake numbers, both `(batch, 1)`. Return the loss of $D$ (the one on real numbers plus the one on fakes) and that of $G$ as a pair, each a mean over the batch through which a gradient can flow, and finite for logits such as $\pm 200$ too.
#
# <details><summary>Hint</summary>
#
# `nn.functional.binary_cross_entropy_with_logits(logits, labels)` takes logits, and `torch.ones_like(logits)` makes labels of the right shape on the right device.
#
# </details>


# %%
def my_losses(d_real, d_fake):
    """Return (loss of D, loss of G), two numbers."""
    ...


checks.my_losses(my_losses)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def my_losses(d_real, d_fake):
#     """Return (loss of D, loss of G), two numbers."""
#     bce = nn.functional.binary_cross_entropy_with_logits
#     on_real = bce(d_real, torch.ones_like(d_real))
#     on_fake = bce(d_fake, torch.zeros_like(d_fake))
#     return on_real + on_fake, bce(d_fake, torch.ones_like(d_fake))
# ```
#
# The fake numbers carry label 0 in one loss and label 1 in the other. That is the whole quarrel.
#
# </details>

# %% [markdown]
# A round of the game has two steps. In the step of $D$ the generated numbers are just numbers: `detach` cuts the thread that leads from them back into $G$. In the step of $G$ the gradient runs through $D$ into $G$, and $D$ is **frozen**: it stands still. Section 4 asks why.


# %%
def bce(logits, label):
    return nn.functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def d_loss(d_real, d_fake):
    return bce(d_real, 1.0) + bce(d_fake, 0.0)


def g_loss(d_fake):
    return bce(d_fake, 1.0)


def d_step(D, d_optimizer, real, fake):
    loss = d_loss(D(real), D(fake.detach()))
    d_optimizer.zero_grad()
    loss.backward()
    d_optimizer.step()
    return loss.item()


def g_step(D, g_optimizer, fake, loss_of_g=g_loss):
    D.requires_grad_(False)
    loss = loss_of_g(D(fake))
    g_optimizer.zero_grad()
    loss.backward()
    g_optimizer.step()
    D.requires_grad_(True)
    return loss.item()


# %% [markdown]
# Rounds in a loop. (`d_steps`, `slope`, and other steps than these two are for later sections.) Each player has an Adam of its own (lesson 3) with $\beta_1 = 0$, no memory of the direction: the opponent keeps changing the slope. $\beta_2 = 0.99$ remembers the size of about 100 gradients; the usual 1,000 would be the whole game. (`fused=True` only makes Adam faster.) The rates stay for half of the game and then sink to 0 in a straight line.

# %%
BATCH, LR = 512, 1e-2


def adam(*nets, lr=LR):
    parameters = [parameter for net in nets for parameter in net.parameters()]
    return torch.optim.Adam(parameters, lr=lr, betas=(0.0, 0.99), fused=True)


def late_decay(optimizer, rounds):
    """Keep the rate for half of the game, then let it sink to 0."""
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda i: min(1.0, 2 * (1 - i / rounds)))


def play(G, D, d_optimizer, g_optimizer, rounds, *, draw=draw_real, d_steps=1,
         d_step=d_step, g_step=g_step, on_round=None, bar=True):  # fmt: skip
    """Play, and return both losses and the slope (section 6) of each round."""
    history = {"d_loss": [], "g_loss": [], "slope": []}
    schedules = [late_decay(optimizer, rounds) for optimizer in (d_optimizer, g_optimizer)]
    for _ in tqdm(range(rounds), disable=not bar):
        for _ in range(d_steps):
            fake = G(draw_noise(BATCH))
            fake.retain_grad()  # keeps the gradient that arrives here
            loss_d = d_step(D, d_optimizer, draw(BATCH), fake)
        loss_g = g_step(D, g_optimizer, fake)
        for schedule in schedules:
            schedule.step()
        history["d_loss"].append(loss_d)
        history["g_loss"].append(loss_g)
        history["slope"].append(fake.grad.abs().sum().item())
        if on_round:
            on_round(G, D)
    return history


# %% [markdown]
# Now play 1,000 rounds, and keep a film: after each round the density, the curve of $D$ and the curve of $G$.
#
# Of these five moments, follow the solid density in the upper row: where would the curve of $D$ send it? In the lower row, follow the curve of $G$ on its way to the dashed one.

# %%
ROUNDS = 1000
film = []  # (q, D, x): density and D's opinion in each bin, and G at EVEN_NOISE, after each round


@torch.inference_mode()
def opinion(D):
    """Return D's probability for real at the centre of each bin, (200,)."""
    return D(CENTERS[:, None])[:, 0].sigmoid()


@torch.inference_mode()
def keep(G, D):
    film.append((density(G), opinion(D), G(EVEN_NOISE)))


seed_everything(SEED)
G, D = Generator(), make_discriminator()
history = play(G, D, adam(D, lr=2 * LR), adam(G), ROUNDS, on_round=keep)


# %% tags=["figure"]
def draw_game(ax, q, d=None, p=P, best=False):
    """Draw both densities, a learned D, and if asked the best D."""
    ax.plot(CENTERS, p, "--", color="C0", label="real, p")
    ax.plot(CENTERS, q, "-", color="C1", label="generated, q")
    if d is not None:
        ax.plot(CENTERS, d, "-.", color="C2", label="D says: real")
    if best:  # no line where both densities are almost 0, for nobody knows there
        known = best_d(q, p).where(p + q > 1e-3, math.nan)
        ax.plot(CENTERS, known, ":", color="black", label="best D")
    ax.set(xlabel="x", ylabel="density; D", ylim=(-0.05, 1.6), xlim=(-3, 5))


fig, axes = plt.subplots(2, 5, figsize=(15, 6.2), sharey="row")
for column, number in zip(axes.T, (1, 50, 150, 300, ROUNDS), strict=True):
    q, d, x = film[number - 1]
    draw_game(column[0], q, d)
    column[0].set_title(f"round {number}")
    draw_curve(column[1], x)
    column[1].set_ylabel("x")
for ax in axes[:, 1:].flat:
    ax.set_ylabel("")
names = [ax.get_legend_handles_labels() for ax in axes[:, 0]]
fig.legend(
    names[0][0] + names[1][0], names[0][1] + names[1][1], loc="outside lower center", ncols=5
)
plotting.show(
    fig,
    alt="Five moments of the game. Above, the densities and D: they lie apart, D becomes a step, "
    "the generated density moves to the right and widens, and at the end lies on the real one. "
    "Below, the curve of the generator: it rises and becomes too steep, then turns flat, and at "
    "the end lies on the dashed curve.",
)

# %% [markdown]
# It works: $G$ draws the bell. The generated density moves uphill on the curve of $D$, and $D$ follows. (Near 0 that curve looks flat. But $D$ is the sigmoid of a logit, and this loss of $G$ follows the slope of the logit: *Going further* C.) Mind the left end of the curve of $G$: it first runs further **away** from the data, since all powers of $z$ are odd, and what lifts the right end lowers the left one. In round 300 it has not settled yet: its ends have become too flat, which makes two spikes, and most of it still lies a little too low.
#
# Drag through the film, slowly over the first 400 rounds:


# %% tags=["figure", "nbval-ignore-output"]
def show_round(number):
    q, d, x = film[number - 1]
    fig, axes = plt.subplots(1, 2, figsize=(11, 3.6))
    draw_game(axes[0], q, d)
    draw_curve(axes[1], x)
    axes[0].legend(loc="upper right", fontsize=9)
    axes[1].legend(loc="upper left", fontsize=9)
    axes[0].set_title(f"after round {number}")
    plotting.show(fig, alt=f"Both densities, D, and the curve of G after round {number}.")


_ = interact(show_round, number=IntSlider(1, min=1, max=ROUNDS, continuous_update=False))

# %% tags=["claim"]
# "It first runs further away from the data", and "draws the bell"
ends = [film[number - 1][2] for number in (1, 50, ROUNDS)]
assert ends[1].min() < ends[0].min() - 0.5
assert abs(ends[2].mean() - 2) < 0.2
assert abs(ends[2].std() - 0.5) < 0.2
assert (ends[2] - IDEAL).abs().mean() < (ends[0] - IDEAL).abs().mean() / 10

# %% [markdown]
# ## 3 · The best possible discriminator
#
# What does $D$ aim at? Hold the generator still. At each $x$, real and generated numbers turn up in the proportion $p(x) : q(x)$, and the best answer is the share of the real ones:
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)}$$
#
# It takes both players' wishes in one formula, the **value** of the game ($\log$ is the natural logarithm, $\mathbb{E}$ a mean):
#
# $$V(D, G) = \mathbb{E}_{x \sim p}\,\log D(x) \;+\; \mathbb{E}_{z}\,\log\bigl(1 - D(G(z))\bigr)$$
#
# $D$ wants $V$ large, and $-V$ is just its loss: the cross-entropy with label 1 is $-\log D$, and with label 0 it is $-\log(1 - D)$. $G$ wants $V$ small. What one wins the other loses: a **zero-sum game**, and $\min_G \max_D V$ is a **minimax** problem.
#
# <details><summary>Derivation: the optimal D</summary>
#
# Write both means as integrals over $x$. The mean over $z$ becomes one over $x$ with density $q$:
#
# $$V = \int \Bigl( p(x) \log D(x) + q(x) \log\bigl(1 - D(x)\bigr) \Bigr)\,dx$$
#
# If $D$ may be any curve at all, $D(x)$ may be chosen for each $x$ on its own. So maximise $f(d) = p \log d + q \log(1 - d)$ over $d$ between 0 and 1, with $p, q > 0$:
#
# $$f'(d) = \frac{p}{d} - \frac{q}{1 - d} = 0 \iff p\,(1 - d) = q\,d \iff d = \frac{p}{p + q}.$$
#
# The second derivative, $-p/d^2 - q/(1-d)^2$, is negative everywhere, so this is the only maximum. If $p = 0 < q$, then $f$ is largest at $d = 0$, and if $q = 0 < p$ at $d = 1$: the formula holds as well. Where both are 0 no number ever turns up, and $D$ may say anything.
#
# </details>

# %% [markdown]
# **Does a trained $D$ find it?** It never sees $p$ or $q$, only samples with labels. Let the generated numbers stand still, as a bell around 1.2, and train a fresh $D$ for 500 steps with rates that sink. Does its curve lie on that of the best $D$ (dotted, and drawn only where there is data)?


# %%
def best_d(q, p=P):
    return torch.where(p + q > 0, p / (p + q), 0.5)  # 0.5 where nobody ever comes


def train_d(D, draw, draw_fake, steps=500):
    """Train D alone, while the generated numbers stand still."""
    optimizer = adam(D)
    schedule = late_decay(optimizer, steps)
    for _ in range(steps):
        d_step(D, optimizer, draw(BATCH), draw_fake(BATCH))
        schedule.step()
    return D


STILL = Normal(1.2, 0.5)
seed_everything(SEED)
learner = train_d(make_discriminator(), draw_real, lambda n: STILL.sample((n, 1)))

# %% tags=["figure"]
q = STILL.log_prob(CENTERS).exp()
fig, ax = plt.subplots(figsize=(8, 3.4))
draw_game(ax, q, opinion(learner), best=True)
ax.legend(loc="upper left", ncols=2, fontsize=9)
plotting.show(
    fig,
    alt="The generated density left of the real one. The learned D lies on the dotted curve "
    "of the best D: low on the left, high on the right, one half where the densities cross.",
)

# %% tags=["claim"]
# "The learned curve follows the formula."
seen = (0.1 * P.max() < P) | (0.1 * q.max() < q)  # bins where there is data
assert (opinion(learner) - best_d(q))[seen].abs().max() < 0.2
assert best_d(q)[seen].max() - best_d(q)[seen].min() > 0.5

# %% [markdown]
# The learned curve follows the formula. Since $D^*/(1 - D^*) = p/q$, the best logit is $\log(p/q)$: telling two kinds apart **is** learning a ratio of densities.
#
# ### At the best D, the game measures a divergence
#
# Put $D^*$ into $V$, and out comes a number that depends on the two densities alone:
#
# $$V(D^*, G) = 2\,\mathrm{JS}(p, q) - 2\log 2$$
#
# $\mathrm{JS}$ is the **Jensen-Shannon divergence**: the mean of two KL divergences (lesson 5), each from one density to the mean of both. It is 0 if they are equal and $\log 2 = 0.693$ if they do not overlap. So against the best $D$, the best $G$ has $q = p$. Then $D^* = \tfrac12$ everywhere, the loss of $D$ is $2\log 2 = 1.386$, and the loss that we gave $G$ is $-\log\tfrac12 = \log 2 = 0.693$.
#
# <details><summary>Derivation: where JS comes from</summary>
#
# Let $m = \frac12(p + q)$ be the density of the mixture. Then $D^* = p/(2m)$ and $1 - D^* = q/(2m)$. Put them in:
#
# $$V(D^*, G) = \int p \log\frac{p}{2m}\,dx + \int q \log\frac{q}{2m}\,dx = -2\log 2 + \mathrm{KL}(p\,\Vert\,m) + \mathrm{KL}(q\,\Vert\,m)$$
#
# Half of the last two terms is $\mathrm{JS}(p, q) = \frac12\mathrm{KL}(p\,\Vert\,m) + \frac12\mathrm{KL}(q\,\Vert\,m)$. A KL divergence is 0 for equal densities and positive otherwise, hence so is JS. For densities that do not overlap, $m = \frac12 p$ wherever $p$ lives, so $\mathrm{KL}(p\,\Vert\,m) = \log 2$, and the same for $q$: JS is $\log 2$.
#
# </details>


# %%
def value_of(d, q, p=P):
    """Return V for a curve d on the bins."""
    d = d.clamp(1e-7, 1 - 1e-7)  # a float near 1 is rounded to 1, and log 0 would be infinite
    return WIDTH * (p * d.log() + q * (1 - d).log()).sum().item()


def js(q, p=P):
    m = (p + q) / 2
    # xlogy(a, b) is a log b, and 0 where a is 0
    kls = [torch.xlogy(a, a / m).sum() for a in (p, q)]
    return WIDTH * sum(kls).item() / 2


# %% [markdown]
# Move a generated bell from the left onto the real one. In the titles: is $V(D^*)$ what the formula says? In the panels: what becomes of the best $D$?

# %% tags=["figure"]
fig, axes = plt.subplots(1, 4, figsize=(15, 3.2), sharey=True)
for ax, shift in zip(axes, (-1.0, 0.0, 1.4, 2.0), strict=True):
    q = Normal(shift, 0.5).log_prob(CENTERS).exp()
    draw_game(ax, q, best=True)
    formula = 2 * js(q) - 2 * math.log(2)
    ax.set_title(f"JS {js(q):.2f} · V {value_of(best_d(q), q):.2f} · formula {formula:.2f}")
    ax.label_outer()
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
plotting.show(
    fig,
    alt="Four positions of the generated density. Far from the real one, at -1 and at 0, the "
    "best D is a steep step between them. Nearer, a gentle slope. On top of it, one half.",
)

# %% [markdown]
# On top of each other, $D^*$ is $\frac12$ wherever there is data, and $V$ is at its lowest. Far apart, JS hardly changes any more (0.69 and 0.63 in the first two panels), and $\log 2$ is its end. *Going further* takes this up.

# %% [markdown]
# **Two losses for G.** As the formula has it, $G$ makes $\mathbb{E}_z \log(1 - D(G(z)))$ small. This is the **saturating** loss. We have used the **non-saturating** one, $L_G = -\mathbb{E}_z \log D(G(z))$. Both want $D(G(z))$ near 1. But while $D$ sees through the generator, the first pushes hardly at all and the second pushes hardest: *Going further* C.

# %% [markdown]
# ## 4 · One round, line by line
#
# Three lines of section 2 keep the two players apart:
#
# - **Each optimiser holds one player.** It can only move what it was given.
# - **`fake.detach()`** in $D$'s step. Without it, the backward pass runs on into $G$ and leaves a gradient there.
# - **`D.requires_grad_(False)`** in $G$'s step. The parameters of $D$ get no gradient; the slope still runs *through* $D$ to its input.
#
# What if $D$ is trained along in $G$'s turn, for $G$'s goal? Try it in a single long turn, with a sigmoid of a straight line as $D$. First $D$ learns its part. Then $G$ learns until $D$ takes its numbers for real, with a mean probability of 0.9. Watch where the numbers lie at the end, and what $D$ has come to think of a number at $-1$.


# %%
def unfrozen_g_step(D, g_optimizer, fake):
    loss = g_loss(D(fake))
    g_optimizer.zero_grad()
    loss.backward()
    g_optimizer.step()
    return loss.item()


def generators_turn(step, holds_both):
    """Let G learn until its numbers pass for real; return where they lie then, and D."""
    seed_everything(SEED)
    G, D = Generator(), nn.Linear(1, 1)
    d_optimizer = adam(D, lr=0.05)
    for _ in range(200):
        d_step(D, d_optimizer, draw_real(BATCH), G(draw_noise(BATCH)))
    g_optimizer = adam(G, D) if holds_both else adam(G)
    for _ in range(500):
        fake = G(draw_noise(BATCH))
        if D(fake).sigmoid().mean() > 0.9:
            break
        step(D, g_optimizer, fake)
    return fake.mean().item(), D


# %%
turns = {}
for frozen, step in (("frozen", g_step), ("not frozen", unfrozen_g_step)):
    for holds, both in (("G", False), ("G and D", True)):
        mean, opponent = turns[frozen, holds] = generators_turn(step, both)
        trust = opponent(torch.tensor([-1.0])).sigmoid().item()
        print(f"D {frozen:10} · optimiser holds {holds:7} · ", end="")
        print(f"numbers around ≈ {mean:.2f}, a number at -1 is real with ≈ {100 * trust:.1f} %")

# %% tags=["claim"]
# "makes the generator walk"; it "stops earlier", D "becomes mild"; "It takes both mistakes"
trust = {key: one(torch.tensor([-1.0])).sigmoid().item() for key, (_, one) in turns.items()}
bribed = turns["not frozen", "G and D"][0]
assert all(mean > bribed + 0.3 for key, (mean, _) in turns.items() if key[1] == "G")
assert turns["frozen", "G and D"][0] > bribed + 0.3
assert trust["not frozen", "G and D"] > 2 * trust["frozen", "G"]

# %% [markdown]
# Held still, $D$ makes the generator walk to where its numbers pass. Trained along, $D$ becomes mild: the generator stops earlier, and even a number at $-1$ is taken for real several times more often. At the far end of this road $D$ calls everything real, and the generator has learned nothing.
#
# It takes both mistakes to get there. With an optimiser that holds $G$ only, freezing saves work, and leaves no stray gradients in $D$.

# %% [markdown]
# ## 5 · Why the losses do not tell
#
# Here are the losses of the game of section 2, and the JS of the two densities, which nobody who plays with images can compute. The dotted lines are $2\log 2$ and $\log 2$, where section 3 wants the losses to end.

# %%
distances = [js(q) for q, _, _ in film]
levels = {"D": 2 * math.log(2), "G": math.log(2)}


# %% tags=["figure"]
def draw_losses(ax, history, window=10):
    """Draw the losses of both players, means of so many rounds, and where they should end."""
    ax.set_prop_cycle(color=["#009E73", "#D55E00"])  # C2 and C1, as in the panels of densities
    losses = {"D": history["d_loss"], "G": history["g_loss"]}
    plotting.curves(losses, ax=ax, xlabel="round", title="losses", window=window)
    for level, color in zip(levels.values(), ("C2", "C1"), strict=True):
        ax.axhline(level, color=color, linewidth=1, linestyle=":")


fig, axes = plt.subplots(1, 2, figsize=(12, 3.6))
draw_losses(axes[0], history, window=20)
axes[0].set_ylim(0, 4)
axes[1].plot(distances, color="black")
axes[1].set(xlabel="round", ylabel="JS(p, q)", title="distance of the densities")
plotting.show(
    fig,
    alt="Left: the losses of both players, averaged over 20 rounds. G's starts high and falls, "
    "D's climbs, and both settle on their dotted lines, D's on 2 log 2 = {:.2f}, G's on log 2 = "
    "{:.2f}. Right: the Jensen-Shannon divergence falls from log 2 to near 0, with a small rise "
    "on the way.".format(*levels.values()),
)

# %% tags=["claim"]
# "Both losses come to rest where the theory wants them", "JS rises again for a while"
for key, level in zip(("d_loss", "g_loss"), levels.values(), strict=True):
    assert abs(sum(history[key][-100:]) / 100 - level) < 0.05
record = torch.tensor(distances)
rise = record - record.cummin(dim=0).values  # above the lowest so far
assert rise.max() > 3 * rise[800:].max()
assert distances[-1] < 0.05 * distances[0]

# %% [markdown]
# Both losses come to rest where the theory wants them. On its way JS rises again for a while, as you saw in round 300. (Near round 500 both losses jump for a few rounds while JS does not move: there it is $D$ that stumbles.) This rest is what game theory calls a **Nash equilibrium**: neither player gains by moving alone. Games of this kind tend to **circle** (Mescheder et al., 2018): $G$ overshoots, $D$ turns, $G$ comes back. Four choices are meant to help here: no momentum ($\beta_1 = 0$), large batches, a $D$ that learns twice as fast as $G$ (Heusel et al., 2017), and rates that sink to 0. What each of them is worth is not shown here.
#
# So are losses at $2\log 2$ and $\log 2$ a sign of success? Play again with a lazy $D$: its last layer begins with zeros, so that it answers $\frac12$ to everything, and it hardly learns. We also slow $G$ down and stop after 200 rounds: we want a game in which nothing happens, and its losses.

# %%
seed_everything(SEED)
G_lazy, D_lazy = Generator(), make_discriminator()
for parameter in D_lazy[-1].parameters():
    nn.init.zeros_(parameter)
lazy = play(G_lazy, D_lazy, adam(D_lazy, lr=1e-6), adam(G_lazy, lr=1e-3), 200)
for name, run, net in (("good", history, G), ("lazy", lazy, G_lazy)):
    ends = [sum(run[key][-100:]) / 100 for key in ("d_loss", "g_loss")]
    print(f"{name} D: losses ≈ {ends[0]:.2f} and ≈ {ends[1]:.2f}, JS ≈ {js(density(net)):.2f}")

# %% tags=["claim"]
# "The losses look much the same, the generators do not."
for key in ("d_loss", "g_loss"):
    assert abs(sum(lazy[key][-100:]) - sum(history[key][-100:])) / 100 < 0.1
assert js(density(G_lazy)) > 10 * js(density(G))

# %% [markdown]
# The losses look much the same, the generators do not. Lesson 1's loss said how far the line was from the points. A GAN's loss says how the two players stand **to each other**: each is measured by the other, and the other is a net that learns. Against the *best* $D$ the loss of $D$ would tell, for it is $2\log 2 - 2\,\mathrm{JS}$. But nobody tells you whether your $D$ is the best: the lazy one has 1.39 as well. So whoever trains a GAN looks at what it draws, and lesson 9 builds a score. (There are losses that do tell; *Going further* trains one.)

# %% [markdown]
# ## 6 · Which bug made this curve?
#
# Some games fail. Here are four illnesses:
#
# - `"saturating"`: $G$ uses the saturating loss and plain gradient descent, against a $D$ that makes two steps in each round.
# - `"not frozen"`: the optimiser of $G$ holds both players, and $D$ is not frozen. So the step of $G$ trains $D$ too, for $G$'s goal.
# - `"not cleared"`: `detach` is missing in the step of $D$, and the gradients that it leaves in $G$ are not cleared before the step of $G$.
# - `"collapse"`: the real numbers are of two kinds, and $G$ draws one of them only. There is no bug in the code.
#
# And a fifth answer: `"healthy"`. All five play 600 rounds, and $D$ has half the rate of section 2. The three cells below only put them into code: you need not read them.
#
# The pictures show the losses, and on the right the *slope felt by a generated number*: by how much its part of the loss of $G$ changes if the number moves a little, a mean over the batch. The smaller it is, the less the numbers are told where to go.

# %%
TWO_KINDS = (Normal(-2.5, 0.3), Normal(2.5, 0.3))
P_TWO = sum(kind.log_prob(CENTERS).exp() for kind in TWO_KINDS) / 2


def draw_two_kinds(batch_size):  # -> (batch, 1), half of them around -2.5, half around 2.5
    left, right = (kind.sample((batch_size, 1)) for kind in TWO_KINDS)
    return torch.where(torch.rand(batch_size, 1) < 0.5, left, right)


def make_network_generator():  # two kinds need a steep jump: no job for our polynomial
    G = make_discriminator()  # from one number to one number, so the same layers will do
    nn.init.constant_(G[-1].bias, -2.5)  # it begins at the left kind
    return G


# %%
def saturating_g_loss(d_fake):
    return -bce(d_fake, 0.0)  # mean of log(1 - D)


def saturating_g_step(D, g_optimizer, fake):
    return g_step(D, g_optimizer, fake, saturating_g_loss)


def leaky_d_step(D, d_optimizer, real, fake):
    loss = d_loss(D(real), D(fake))  # no detach: fake gets a gradient, and G too
    d_optimizer.zero_grad()
    loss.backward(retain_graph=True)
    d_optimizer.step()
    return loss.item()


def uncleared_g_step(D, g_optimizer, fake):
    D.requires_grad_(False)
    loss = g_loss(D(fake))
    loss.backward()  # adds to what is there
    g_optimizer.step()
    g_optimizer.zero_grad()  # too late for this step
    D.requires_grad_(True)
    return loss.item()


def plain_descent(net, lr=0.05):
    return torch.optim.SGD(net.parameters(), lr=lr)


# %%
def treat(bug):
    """Play with one of the bugs, or with none; return the generator, D and the history."""
    seed_everything(SEED)
    G, D = make_network_generator() if bug == "collapse" else Generator(), make_discriminator()
    optimizer, more = adam(G), {}
    if bug == "saturating":
        optimizer, more = plain_descent(G), {"d_steps": 2, "g_step": saturating_g_step}
    elif bug == "not frozen":
        optimizer, more = adam(G, D), {"g_step": unfrozen_g_step}
    elif bug == "not cleared":
        more = {"d_step": leaky_d_step, "g_step": uncleared_g_step}
    elif bug == "collapse":
        more = {"draw": draw_two_kinds, "d_steps": 3}
    return G, D, play(G, D, adam(D), optimizer, 600, **more)


# %% [markdown]
# The computer deals out three patients, each answer once at most. (The third waits in *Going further*.) Of A and B you see the curves alone, as in a game with images, until you have answered.

# %%
BUGS = ["collapse", "healthy", "not cleared", "not frozen", "saturating"]
dealt = random.Random(61).sample(BUGS, 3)
patients = {letter: treat(bug) for letter, bug in zip("AB", dealt[:2], strict=True)}


# %% tags=["figure"]
def draw_slope(ax, history):
    """Draw the mean slope that a generated number feels in the step of G."""
    ax.plot(history["slope"], color="black", linewidth=1)
    ax.set(xlabel="round", yscale="log", ylim=(1e-3, 10), title="slope felt by a generated number")


fig, axes = plt.subplots(2, 2, figsize=(11, 6))
for row, letter in zip(axes, "AB", strict=True):
    draw_losses(row[0], patients[letter][2])
    row[0].set(ylim=(0, 4), title=f"patient {letter}: losses")
    draw_slope(row[1], patients[letter][2])
plotting.show(
    fig,
    alt="Losses and slopes of two patients. A: the loss of G sinks well below its dotted line "
    "while that of D ends above its own. B: both losses end on their dotted lines; the slope "
    "is large for the first half and more, and then falls.",
)

# %% [markdown]
# Healthy losses end on the dotted lines. (With the saturating loss $\log(1 - D)$ a healthy $G$ would end at $-\log 2$, below this panel.)

# %% [markdown]
# ### Exercise 7.2 · find the bug: Which bug made the curves of patient A?
#
# Answer `"saturating"`, `"not frozen"`, `"not cleared"`, `"collapse"` or `"healthy"`.
#
# <details><summary>Hint</summary>
#
# A $D$ that always answers $\tfrac12$ has a loss of $2\log 2$. To do worse than that, it must be made wrong by somebody.
#
# </details>

# %%
patient_a = None  # your answer
checks.patient_a(patient_a)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# patient_a = "not frozen"
# ```
#
# $D$ is being bribed: each step of $G$ also pushes $D$ to call the generated numbers real. So the loss of $G$ is better than even the best generator could have it, and $D$ is worse than a coin. If the loss of your $G$ stays below $\log 2$, ask who trains $D$.
#
# **Why not below log 2?** Against the best $D$, the mean of $D$ over generated numbers is
#
# $$\mathbb{E}_q D^* = \int \frac{p\,q}{p + q}\,dx \le \int \frac{p + q}{4}\,dx = \frac12,$$
#
# because $4pq \le (p + q)^2$. And $-\log$ is convex, so the mean of $-\log D^*$ is at least $-\log$ of the mean (Jensen's inequality): $L_G \ge -\log\frac12 = \log 2$.
#
# </details>

# %% [markdown]
# ### Exercise 7.3 · find the bug: Which bug made the curves of patient B?
#
# Answer with one of the same five words.
#
# <details><summary>Hint</summary>
#
# Where do the losses end? Did a generated number feel a slope, and when did that become small?
#
# </details>

# %%
patient_b = None  # your answer
checks.patient_b(patient_b)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# patient_b = "healthy"
# ```
#
# Both losses end on their lines, and the numbers felt a strong slope until they had arrived. The second half matters: the lazy game of section 5 has its losses on the lines too, with hardly any slope from the start.
#
# </details>

# %% [markdown]
# Now unveil both, with the curves of their generators. The best $D$ is drawn too. Where the generated numbers are, whose $D$ agrees with it? For patient A, magnified, look inside the needle.

# %% tags=["figure"]
fig, axes = plt.subplots(1, 4, figsize=(15, 3.6), width_ratios=(3, 2, 3, 2))
for pair, letter in zip((axes[:2], axes[2:]), "AB", strict=True):
    G_patient, D_patient, _ = patients[letter]
    draw_game(pair[0], density(G_patient), opinion(D_patient), best=True)
    pair[0].set(title=f"patient {letter}", ylim=(-0.05, 3), xlim=(0.5, 3.5))
    with torch.inference_mode():
        draw_curve(pair[1], G_patient(EVEN_NOISE))
    pair[1].set(title="as a curve", ylabel="x")
axes[0].set(title="patient A, magnified", xlim=(1.5, 2.5))
axes[0].legend(loc="upper right", fontsize=9)
axes[1].legend(loc="lower right", fontsize=9)
plotting.show(
    fig,
    alt="Left, patient A, magnified: the generated density is a narrow needle, where the best D is near 0 "
    "and the learned one clearly above one half; the curve of the generator is almost flat. "
    "Right, patient B: the generated density and its curve lie on the real ones, and both D "
    "near one half in the middle of the data.",
)

# %% [markdown]
# Patient B has learned the bell, and its $D$ is near $\frac12$ in the middle, as the best one. Patient A draws a needle. Its curve says what that is: the generator gives nearly the same number for every noise. The best $D$ would refuse it, for hardly any of the numbers found there are real. The bribed one still says about 0.7. (Why so narrow, we do not know. It is not the collapse of the next section: no kind of data is missing.)

# %% tags=["claim"]
# A: "the loss of G is better than even the best generator could have it, and D is worse than a
# coin"; B: "both losses end on their lines".
ends = {
    letter: [sum(patients[letter][2][key][-100:]) / 100 for key in ("d_loss", "g_loss")]
    for letter in "AB"
}
assert ends["A"][0] > 2 * math.log(2) > math.log(2) > ends["A"][1] + 0.1
assert abs(ends["B"][0] - 2 * math.log(2)) < 0.1
assert abs(ends["B"][1] - math.log(2)) < 0.1
assert js(density(patients["A"][0])) > 5 * js(density(patients["B"][0]))
# "nearly the same number for every noise", "the best D would refuse it", "the bribed one" does not
G_bribed, D_bribed, _ = patients["A"]
q = density(G_bribed)
needle = q.argmax()
assert G_bribed(EVEN_NOISE).std() < 0.25
assert best_d(q)[needle] < 0.35 < 0.5 < opinion(D_bribed)[needle]

# %% [markdown]
# ## 7 · Mode collapse
#
# One of the illnesses has no bug. Half of the real numbers lie around $-2.5$, the other half around $2.5$: two **modes**. The generator is an ordinary network that begins at the left one. In the end it draws the left kind only. (It did with six seeds of six; with the modes at $-2$ and $2$ it did with three of six.) This is **mode collapse**, the most famous failure of GANs. $D$ sees that one kind is missing. Why does it not drive the generator there?

# %% [markdown]
# ### Exercise 7.4 · predict: In the crowd
#
# A collapsed generator draws the left hump to perfection, and nothing else. What does the best $D$ say about a number at $-2.5$? Give a number between 0 and 1.
#
# <details><summary>Hint</summary>
#
# At $-2.5$, the real density is only half of that of the generated numbers. Put that into $p/(p + q)$.
#
# </details>

# %%
answer = None  # your number
checks.in_the_crowd(answer)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# answer = 1 / 3
# ```
#
# $q = 2p$ there, so $D^* = p/(p + 2p) = \frac13$. At $2.5$, where nothing is generated, $D^* = 1$.
#
# </details>

# %% [markdown]
# For this perfect copy $q = 2p$ on the whole left hump, so $D^*$ is **flat** there, $\frac13$ everywhere, and its logit too. All generated numbers are there, and not one of them feels a slope. The right hump, where $D^* = 1$, is far away, and a slope is a local thing.
#
# The losses of such a state can be computed: 0.955 for $D$, and $\log 3 = 1.099$ for $G$. Do they come out?
#
# <details><summary>Derivation: the losses of this state</summary>
#
# Half of the real numbers get $D^* = \frac13$, the other half $D^* = 1$. All generated numbers get $\frac13$. So
#
# $$L_D = -\tfrac12\log\tfrac13 - \tfrac12\log 1 - \log\left(1 - \tfrac13\right) = \tfrac12\log 3 + \log\tfrac32 = 0.955, \qquad L_G = -\log\tfrac13 = \log 3 = 1.099.$$
#
# </details>

# %%
G_ill, D_ill, ill = treat("collapse")
ill_d, ill_g = (sum(ill[key][-100:]) / 100 for key in ("d_loss", "g_loss"))
print(f"losses: computed 0.955 and 1.099 · measured ≈ {ill_d:.2f} and ≈ {ill_g:.2f}")

# %% tags=["claim"]
# "The losses of such a state can be computed: 0.955 and 1.099", and D is 1/3 and almost flat there
assert abs(ill_d - (math.log(3) / 2 + math.log(1.5))) < 0.15
assert abs(ill_g - math.log(3)) < 0.15
on_hump = opinion(D_ill)[(CENTERS + 2.5).abs() < 0.3]  # from -2.8 to -2.2
assert (on_hump - 1 / 3).abs().max() < 0.1

# %% tags=["figure"]
ideal_two = torch.cat(  # the left half of the noise makes the left kind, the right half the right
    [kind.icdf(torch.linspace(0.00025, 0.99975, 2000)) for kind in TWO_KINDS]
)[:, None]


def draw_modes(net, title, history, d=None):
    """Draw losses, the densities of two kinds and a generator as a curve; return the figure."""
    fig, axes = plt.subplots(1, 3, figsize=(14, 3.6), width_ratios=(3, 4, 2))
    draw_losses(axes[0], history)
    axes[0].set(title=f"{title}: losses", ylim=(0, 4))
    draw_game(axes[1], density(net), d, p=P_TWO, best=d is not None)
    axes[1].set(title="at the end", xlim=(-4, 4))
    axes[1].legend(loc="upper center", fontsize=9)
    with torch.inference_mode():
        draw_curve(axes[2], net(EVEN_NOISE), ideal_two)
    axes[2].set(title="as a curve", ylabel="x")
    axes[2].legend(loc="upper left", fontsize=9)
    return fig


plotting.show(
    draw_modes(G_ill, "collapsed", ill, opinion(D_ill)),
    alt="Left: the losses are flat and rest off their dotted lines, D's below and G's above. "
    "Middle: all generated numbers lie on the left of two real humps, where D is flat at one third "
    "and the best D is not. Right: the curve of the generator is low and nearly flat; the ideal "
    "one jumps in the middle.",
)

# %% [markdown]
# The losses come out, but mind why. Our generator draws no perfect bell (it has spikes where its curve is flat), so the *best* $D$ (dotted) is not flat. The learned $D$ has found the share of each kind, one real number among three, and not the shape of the hump. Would it find that too, if $G$ stood still?

# %%
still = train_d(copy.deepcopy(D_ill), draw_two_kinds, lambda n: G_ill(draw_noise(n)))
q = density(G_ill)
curves = {"game": opinion(D_ill), "G still": opinion(still), "best D": best_d(q, P_TWO)}
values = [f"{name} ≈ {-value_of(d, q, P_TWO):.2f}" for name, d in curves.items()]
print("loss of D on this G · " + " · ".join(values))

# %% tags=["claim"]
# "It begins to": the loss of D falls when G stands still.
in_game, at_rest, best = (value_of(d, q, P_TWO) for d in curves.values())
assert in_game < at_rest <= best

# %% [markdown]
# It begins to. In the game $G$ does not stand still: Adam divides each slope by its usual size (lesson 3), so the smallest slopes make steps of full length too. (That this keeps $D$ from the shape of the hump is a guess.)
#
# No single number looks wrong. They are all alike, and this $D$ judges each one alone. *Going further* A lets it see them together.

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | labels swapped in one of the two steps, say $G$ trained on label 0 | $G$ flees from the data, and the loss of $D$ goes to 0 | real is 1, fake is 0; $G$ wants 1 |
# | $D$ hardly updated | losses at $2\log 2$ and $\log 2$ from the start, a tiny slope (section 5) | look at the samples, compare the parameters before and after |
# | $D$ in the optimiser of $G$, and not frozen | loss of $G$ below $\log 2$, of $D$ above $2\log 2$ (sections 4 and 6) | `requires_grad_(False)`, one optimiser for each player |
# | `detach` missing | an error, "backward through the graph a second time", if both steps share `fake`; with a fresh `fake`, lost time only | `D(fake.detach())` |
# | $D$ judges each number alone | one mode only, losses 0.955 and 1.099 for one of two (section 7) | show $D$ a statistic of the batch (*Going further* A) |
# | trusting the losses | a calm curve and rubbish | look, and measure (lesson 9) |

# %% [markdown]
# ## What you can now do
#
# - Write both losses, and say what `detach` and freezing keep apart in a round.
# - Say what the best $D$ answers, and which divergence the game measures against it.
# - Draw a generator as a curve, and read spikes and gaps of a density off it.
# - Read failures from their curves, and say why a generator can stay at one mode.
# - Explain why a GAN is not judged by its losses.
#
# Lesson 8 plays the same game with digits.

# %% [markdown]
# ## Going further
#
# Each section stands for itself. Lesson 9 meets the sorting of E again.

# %% [markdown]
# ### A · A cure of the collapse
#
# What is wrong in section 7 is that the generated numbers are all alike. So let $D$ see that: beside each number it gets the standard deviation of the whole batch that the number came with (the idea is from Salimans et al., 2016, this simple form from Karras et al., 2017). In real batches it is about 2.5, in collapsed ones well below 1. And now there is a slope: each number changes the standard deviation a little, and moving apart makes the batch look more real.


# %%
class BatchAware(nn.Module):
    """Numbers (batch, 1) -> logits (batch, 1), from each number and the spread of all."""

    def __init__(self):
        super().__init__()
        self.net = make_discriminator()
        self.net[0] = nn.Linear(2, 32)

    def forward(self, x):
        return self.net(torch.cat([x, x.std().expand_as(x)], dim=1))


def share_on_the_right(G):
    """Return the share of generated numbers above 0. Real: one half."""
    with torch.inference_mode():
        return (G(EVEN_NOISE) > 0).float().mean().item()


seed_everything(SEED)
G_cured, D = make_network_generator(), BatchAware()
cured = play(G_cured, D, adam(D), adam(G_cured), 600, draw=draw_two_kinds, d_steps=3)
for name, net in {"collapsed": G_ill, "cured": G_cured}.items():
    print(f"{name:9} share of the right kind ≈ {share_on_the_right(net):.2f}")

# %% tags=["figure"]
plotting.show(
    draw_modes(G_cured, "cured", cured),
    alt="Left: the losses come near their dotted lines. Middle: the generated numbers lie on both "
    "humps. Right: the curve of the generator jumps from the lower to the upper kind.",
)

# %% tags=["claim"]
# "Both kinds are there."
assert share_on_the_right(G_ill) < 0.05
assert 0.2 < share_on_the_right(G_cured) < 0.8

# %% [markdown]
# Both kinds are there, the losses come near their lines, and the curve has learned to jump. It is a cure of the collapse and not of everything: compare the shapes of the humps.
#
# A flat $D$ and a start at one mode is one way into a collapse. There are others. A generator that is trained to its end against one fixed $D$ sends all its numbers to the point where that $D$ is highest (Goodfellow, 2016). Then $D$ learns to refuse that point, and the generator moves on to the next: modes that are visited in turn.

# %% [markdown]
# ### B · The third patient
#
# Section 6 has dealt out a third patient. Of this one everything is shown, the generator as a curve too.

# %%
patients["C"] = treat(dealt[2])

# %% tags=["figure"]
G_patient, D_patient, ill = patients["C"]
fig, axes = plt.subplots(1, 3, figsize=(15, 3.6))
draw_losses(axes[0], ill)
axes[0].set_ylim(0, 4)
draw_game(axes[1], density(G_patient), opinion(D_patient))
axes[1].set(title="at the end", ylim=(-0.05, 3))
with torch.inference_mode():
    draw_curve(axes[2], G_patient(EVEN_NOISE))
axes[2].set(title="the generator", ylabel="x")
for ax in axes[1:]:
    ax.legend(loc="upper left", fontsize=9)
plotting.show(
    fig,
    alt="Patient C. The losses are calm, away from their dotted lines, D's below and G's above. "
    "The generated density covers only the left half of the data, with a spike at each of its "
    "ends. The curve of the generator is bent back at both ends, so it turns twice.",
)

# %% [markdown]
# ### Exercise 7.5 · find the bug: Which bug made the curves of patient C?
#
# The generator comes near the data, and then rests at a wrong place. Answer with one of the five words.
#
# <details><summary>Hint</summary>
#
# Something holds the generator back, as if two wishes were added up.
#
# </details>

# %%
patient_c = None  # your answer
checks.patient_c(patient_c)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# patient_c = "not cleared"
# ```
#
# The first gradient helps $D$, the second one fools it. Summed over the batch they cancel before the goal is reached: many numbers where $D$ is flat pull a little one way, few where it is steep pull hard the other way.
#
# </details>

# %% [markdown]
# **What happens there.** With respect to the logit of a generated number, $D$'s loss has the slope $D$ (it wants the logit down), and $G$'s loss the slope $-(1 - D)$. The sum:
#
# $$D - (1 - D) = 2D - 1$$

# %%
logit = torch.tensor([-2.0, 0.0, 2.0], requires_grad=True)
both = d_loss(torch.zeros(3), logit) + g_loss(logit)
(slope,) = torch.autograd.grad(3 * both, logit)  # times 3: no mean
for one, at in zip(slope.tolist(), logit.sigmoid().tolist(), strict=True):
    print(f"D = {at:.2f}: slope {one:5.2f} · 2D - 1 = {2 * at - 1:5.2f}")

# %% [markdown]
# Where $D$ is below $\frac12$ the slope is negative, so descent raises the logit: the number moves towards the data. Where $D$ is above $\frac12$ it is pushed back. So the border, where $D$ is undecided, is a wall. Look at the curve: its highest numbers are held below the wall, so its right end is bent down. And since all powers of $z$ are odd, what bends the right end down bends the left end up. Where a curve turns it is flat, and many numbers land in one place: those are the two spikes.
#
# The cure is `detach` in $D$'s step, and `zero_grad()` right before $G$'s `backward()`. One of the two is enough: if the gradients are cleared in time, the missing `detach` costs nothing but time, for a backward pass through $G$ whose result is thrown away.

# %% tags=["claim"]
# "Its right end is bent down", and "the border, where D is undecided, is a wall"
with torch.inference_mode():
    x = patients["C"][0](EVEN_NOISE)
    answers = patients["C"][1](x).sigmoid()
assert (x.diff(dim=0) < 0).float().mean() > 0.1
assert (answers > 0.6).float().mean() < 0.05
assert js(density(patients["C"][0])) > 5 * js(density(patients["B"][0]))

# %% [markdown]
# ### C · A small slope
#
# The first illness of section 6: the saturating loss with plain gradient descent, against a $D$ that makes two steps in each round. How much slope is left, if $D$ is sure? Two factors meet in a number that was generated. One says how steeply the logit climbs with $x$; it is the same for both losses of section 3. The other is the slope of the loss at the logit: $-D$ for the saturating loss, and $-(1 - D)$ for the non-saturating one. First by autograd, for four logits, then in a game:
#
# <details><summary>Derivation: the two slopes</summary>
#
# Let $\ell$ be the logit for a generated number, $D = \sigma(\ell)$. With $\sigma' = \sigma(1-\sigma)$:
#
# $$\frac{d}{d\ell}\log\bigl(1 - \sigma(\ell)\bigr) = -\frac{\sigma(1-\sigma)}{1-\sigma} = -\sigma(\ell) = -D, \qquad \frac{d}{d\ell}\bigl(-\log \sigma(\ell)\bigr) = -\frac{\sigma(1-\sigma)}{\sigma} = -\bigl(1 - \sigma(\ell)\bigr) = -(1 - D).$$
#
# </details>

# %%
logit = torch.tensor([-6.0, -2.0, 0.0, 2.0], requires_grad=True)
for loss in (saturating_g_loss, g_loss):
    (slope,) = torch.autograd.grad(4 * loss(logit), logit)  # times 4: no mean
    print(f"{loss.__name__:18} slope", " ".join(f"{one:6.3f}" for one in slope.tolist()))
print("D" + " " * 23, " ".join(f"{one:6.3f}" for one in logit.sigmoid().tolist()))

# %%
G_ill, _, ill = treat("saturating")
print(f"slope in rounds 11 to 60: ≈ {sum(ill['slope'][10:60]) / 50:.4f}", end="")
print(f", JS at the end ≈ {js(density(G_ill)):.3f}")

# %% [markdown]
# The saturating loss pushes least where the generator is worst. Here $D$ is sure, so $D(G(z))$ is near 0, and the generator hears a whisper. It is as bad as can be (JS is $\log 2$).

# %% [markdown]
# ### Exercise 7.6 · predict: Another optimiser
#
# Change one thing: $G$ gets Adam in place of plain gradient descent. The loss, $D$, its two steps and the 600 rounds stay. Does the generator arrive at the data, or does it stay where it began? Answer `"arrives"` or `"stays"`.
#
# <details><summary>Hint</summary>
#
# Is the slope wrong, or is it small? What does Adam divide a gradient by (lesson 3)?
#
# </details>

# %%
with_adam = None  # your answer
checks.with_adam(with_adam)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# with_adam = "arrives"
# ```
#
# The slope is small but points the right way. Adam divides it by its own recent size, so it makes steps of the usual length. The runs below show it for three seeds.
#
# </details>

# %% [markdown]
# Three seeds for each way to train, all else equal:

# %%
cures = {
    "saturating, SGD 0.05": (saturating_g_step, plain_descent),
    "saturating, SGD 0.5": (saturating_g_step, lambda net: plain_descent(net, lr=0.5)),
    "saturating, Adam": (saturating_g_step, adam),
    "non-saturating, SGD 0.05": (g_step, plain_descent),
}
ends, slopes = {name: [] for name in cures}, {}
for name, seed in tqdm([(name, seed) for name in cures for seed in range(3)]):
    step, optimizer = cures[name]
    seed_everything(seed)
    G, D = Generator(), make_discriminator()
    run = play(G, D, adam(D), optimizer(G), 600, d_steps=2, g_step=step, bar=False)
    ends[name].append(js(density(G)))
    slopes.setdefault(name, run["slope"])  # of seed 0
for name, values in ends.items():
    print(f"{name:24} · JS " + ", ".join(f"≈ {value:.3f}" for value in values))

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 3.6))
plotting.curves(slopes, ax=ax, xlabel="round", ylabel="slope felt by a number", window=5)
ax.set(yscale="log", ylim=(1e-5, 10))
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), fontsize=9, ncols=2)
plotting.show(
    fig,
    alt="The slope that a generated number feels, on a logarithmic scale. With the saturating "
    "loss it begins by sinking far below that of the non-saturating one. With SGD at 0.05 it "
    "stays there; with SGD at 0.5 it climbs at once, dips, and recovers; with Adam it climbs out "
    "within some 40 rounds.",
)

# %% tags=["claim"]
# "Adam cures this patient, and so do a rate ten times larger and the other loss": three seeds each
assert min(ends["saturating, SGD 0.05"]) > 0.5
assert max(ends["saturating, Adam"]) < 0.1
assert max(ends["saturating, SGD 0.5"]) < 0.1
assert max(ends["non-saturating, SGD 0.05"]) < 0.1

# %% [markdown]
# Adam cures this patient, and so do a rate ten times larger and the other loss. What had failed was the **size of the step**, not its direction. Adam finds the size by itself; with SGD somebody has to guess it, and the slope changes by orders of magnitude once the generator sets off (the jumps of the curve with 0.5).
#
# So may one use the saturating loss with Adam? It is a gamble. Arjovsky & Bottou (2017) show that for data that do not overlap, its gradient dies away as $D$ comes nearer to the best one, and what is lost in rounding no optimiser can enlarge. The non-saturating loss has its steepest slope at the logit just when $D$ is sure, and it is the usual choice. The best $D$ is the same for both, and both come to rest at $q = p$; only the way there differs. (The price: the game is no longer zero-sum.)

# %% [markdown]
# ### D · A round to mend
#
# Sections 2 and 4 have shown how a round should go. Here is one that goes wrong.

# %% [markdown]
# ### Exercise 7.7 · find the bug: Mend a round
#
# This round has four faults: one in the labels, and three elsewhere.
#
# ```python
# def one_round(G, D, real, z, d_optimizer, g_optimizer):
#     fake = G(z)
#     loss = bce(D(real), 0.0) + bce(D(fake), 1.0)
#     d_optimizer.zero_grad()
#     loss.backward(retain_graph=True)
#     d_optimizer.step()
#     loss = bce(D(fake), 0.0)
#     loss.backward()
#     g_optimizer.step()
# ```
#
# Mend it, with our labels: real is 1. Afterwards $D$ must be trainable again, and no parameter of $D$ may hold a gradient from the generator's step. The round will be called several times, and it must not be disturbed by gradients that an earlier round has left. (`retain_graph=True` allows a second backward pass over the same numbers. Ask yourself why it is needed here.)
#
# <details><summary>Hint</summary>
#
# Which label is real? Which label does $G$ want? What would `detach` do here? Which gradients are still in $G$ when its own step begins? Who else collects gradients in the step of $G$?
#
# </details>


# %%
def mended_round(G, D, real, z, d_optimizer, g_optimizer):
    """One step of D, then one step of G (non-saturating), on these numbers and this noise."""
    ...


checks.mended_round(mended_round)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def mended_round(G, D, real, z, d_optimizer, g_optimizer):
#     """One step of D, then one step of G (non-saturating), on these numbers and this noise."""
#     fake = G(z)
#     loss = bce(D(real), 1.0) + bce(D(fake.detach()), 0.0)
#     d_optimizer.zero_grad()
#     loss.backward()
#     d_optimizer.step()
#     D.requires_grad_(False)
#     loss = bce(D(fake), 1.0)
#     g_optimizer.zero_grad()
#     loss.backward()
#     g_optimizer.step()
#     D.requires_grad_(True)
# ```
#
# The labels were swapped in both steps, `detach` and the freezing were missing, and nobody cleared the gradients of $G$. With `detach`, the two backward passes share nothing, and `retain_graph` can go. Swapped labels in both steps cancel out, by the way: if $D$ calls real things 0 and $G$ wants to be called 0, the game is the same under other names. Swapped in one step only, $G$ flees from the data.
#
# </details>

# %% [markdown]
# ### E · A distance that knows how far
#
# JS is $\log 2$ for all densities that do not overlap: it can say *apart*, but not *how far*. The **Wasserstein distance** can. Think of a density as a heap of sand, and of the cheapest way to carry one heap onto the other: the distance is how far a grain travels on average. In one dimension the cheapest way is to keep the order: the leftmost grain goes to the leftmost place. So sort both and compare:
#
# $$W_1 = \frac1n \sum_i \bigl|x_{(i)} - y_{(i)}\bigr|$$
#
# where $x_{(i)}$ is the $i$-th smallest number of one sample, and $y_{(i)}$ that of the other. A curve $z \to G(z)$ that only rises *is* its sorted sample. So $W_1$ is the mean gap between the curve of $G$ and the dashed one in every figure where the curve of $G$ only rises.


# %%
def wasserstein(x, y):
    """Return how far a number has to travel on average, for two samples (n, 1) of one size."""
    return (x.sort(dim=0).values - y.sort(dim=0).values).abs().mean().item()


for shift in (2.0, 1.5, 1.0, 0.0, -1.0, -2.0):
    moved = IDEAL - 2 + shift  # the same bell around another middle
    q = Normal(shift, 0.5).log_prob(CENTERS).exp()
    print(f"bell around {shift:4.1f}: JS {js(q):.3f} · W1 {wasserstein(moved, IDEAL):.3f}")

# %% [markdown]
# From $-1$ on JS has next to nothing left to say, and $W_1$ goes on counting. A loss that knows how far can be walked down from anywhere.

# %% [markdown]
# ### F · A critic whose verdict tells
#
# Sorting needs both samples on a line. A net can find $W_1$ in any dimension, by a theorem of Kantorovich and Rubinstein: among all functions $f$ that are nowhere steeper than 1, the largest possible difference of means is just $W_1$.
#
# $$W_1 = \max_{|f'| \le 1}\; \mathbb{E}_{x \sim p} f(x) - \mathbb{E}_z f(G(z))$$
#
# Such an $f$ is called a **critic** (Arjovsky et al., 2017). It gives marks and no probabilities: no sigmoid, no logarithm. The limit on its slope is kept by a penalty at random points between real and fake (after Gulrajani et al., 2017; ours punishes only slopes above 1). $G$ makes the marks of its numbers larger.


# %%
def steepness_penalty(critic, real, fake):
    """Return the mean square of what the critic's slope exceeds 1 by, between real and fake."""
    share = torch.rand_like(real)
    between = (share * real + (1 - share) * fake).requires_grad_()
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (slope.abs() - 1).clamp(min=0).square().mean()


def critic_step(critic, optimizer, real, fake):
    """Take a step of the critic; return the difference of means before it."""
    fake = fake.detach()
    gap = critic(real).mean() - critic(fake).mean()
    loss = 10 * steepness_penalty(critic, real, fake) - gap
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return gap.item()


def step_for_marks(critic, optimizer, fake):
    return g_step(critic, optimizer, fake, lambda marks: -marks.mean())


# %% [markdown]
# `play` takes these two steps as it took the others. Three steps of the critic in each round keep it near its best. Does its difference of means follow the true $W_1$, which we can compute by sorting?

# %%
true_w1 = []


@torch.inference_mode()
def measure(G, _):
    true_w1.append(wasserstein(G(EVEN_NOISE), IDEAL))


seed_everything(SEED)
G, critic = Generator(), make_discriminator()
steps = {"d_steps": 3, "d_step": critic_step, "g_step": step_for_marks}
run = play(G, critic, adam(critic), adam(G, lr=2 * LR), 300, on_round=measure, **steps)

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(12, 3.6))
axes[0].plot(run["d_loss"], color="C2", label="what the critic says")
axes[0].plot(true_w1, "--", color="black", label="W1, by sorting")
axes[0].set(xlabel="round", title="Wasserstein: critic and truth")
axes[0].legend()
axes[1].plot(history["d_loss"][:300], color="C2", label="loss of D, section 2")
axes[1].plot(distances[:300], "--", color="black", label="JS")
axes[1].set(xlabel="round", title="the GAN of section 2")
axes[1].legend()
plotting.show(
    fig,
    alt="Left: the critic's difference of means follows the Wasserstein distance, from about 3 "
    "down to near 0. Right, for comparison: the loss of the discriminator in section 2 rises "
    "while the Jensen-Shannon divergence falls.",
)

# %%
both = torch.tensor([run["d_loss"], true_w1])[:, 20:]  # after the critic has learned its part
print(f"critic against sorting, rounds 21 to 300: correlation ≈ {torch.corrcoef(both)[0, 1]:.2f}")
print(f"W1 at the start ≈ {true_w1[0]:.2f}, at the end ≈ {true_w1[-1]:.2f}")

# %% tags=["claim"]
# "What the critic says does tell"
assert torch.corrcoef(both)[0, 1] > 0.9
assert true_w1[-1] < true_w1[0] / 10

# %% [markdown]
# (On the right the GAN, for comparison. At the start its $D$ learns; near the best one, its loss is not far from $2\log 2 - 2\,\mathrm{JS}$: it rises as JS falls. But for the first 20 rounds, as long as the densities lie apart, JS stands still. $W_1$ falls from the start.)
#
# What the critic says does tell: the difference of its two means falls as the generator comes nearer, and its size is a distance. (Near the goal, where $W_1$ is below about 0.2, it no longer sees the rest, and may even say a little less than 0.) It does so with conditions. The critic must keep up (a lazy one says 0 as well), and its slope must really be held at 1 or below: a penalty that is too weak makes all distances too long. On images, where nobody can sort, both can only be hoped for.

# %% [markdown]
# ### G · A game of your own

# %% [markdown]
# ### Exercise 7.8 · open: Data of your own
#
# Choose another density of real numbers: three humps, all numbers from 1 to 3 equally likely, a bell with a long tail on one side. Write its `draw`, sketch the curve $z \to G(z)$ that would make it, and play. Then change one thing: the generator, the number of steps of $D$, the rates, $\beta_1 = 0.9$. Predict before each run what the losses and the curve will do. Which of your predictions fail?
#
# <details><summary>What to look for</summary>
#
# The ideal curve comes from sorting: `draw(4000).sort(dim=0).values` lies beside `EVEN_NOISE` point by point, and `draw_curve` takes it as `ideal`. `torch.histc` with our bins makes the density. A jump in the curve asks for a network as generator, and where it jumps a few numbers always land between the kinds. Play every setting with three seeds before you believe a difference. There is no check: it is your experiment.
#
# </details>

# %% [markdown]
# ## References
#
# - I. J. Goodfellow, J. Pouget-Abadie, M. Mirza, B. Xu, D. Warde-Farley, S. Ozair, A. Courville, Y. Bengio (2014). *Generative Adversarial Networks.* [arXiv:1406.2661](https://arxiv.org/abs/1406.2661). Its first figure sketches the game in one dimension.
# - I. Goodfellow (2016). *NIPS 2016 Tutorial: Generative Adversarial Networks.* [arXiv:1701.00160](https://arxiv.org/abs/1701.00160). Minimax and maximin.
# - T. Salimans, I. Goodfellow, W. Zaremba, V. Cheung, A. Radford, X. Chen (2016). *Improved Techniques for Training GANs.* [arXiv:1606.03498](https://arxiv.org/abs/1606.03498). Statistics of a batch against mode collapse.
# - T. Karras, T. Aila, S. Laine, J. Lehtinen (2017). *Progressive Growing of GANs for Improved Quality, Stability, and Variation.* [arXiv:1710.10196](https://arxiv.org/abs/1710.10196). The standard deviation of the batch.
# - M. Arjovsky, L. Bottou (2017). *Towards Principled Methods for Training Generative Adversarial Networks.* [arXiv:1701.04862](https://arxiv.org/abs/1701.04862). What a perfect discriminator leaves of the gradient.
# - M. Heusel, H. Ramsauer, T. Unterthiner, B. Nessler, S. Hochreiter (2017). *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium.* [arXiv:1706.08500](https://arxiv.org/abs/1706.08500). A learning rate for each player.
# - L. Mescheder, A. Geiger, S. Nowozin (2018). *Which Training Methods for GANs do actually Converge?* [arXiv:1801.04406](https://arxiv.org/abs/1801.04406). Why the game circles.
# - M. Arjovsky, S. Chintala, L. Bottou (2017). *Wasserstein GAN.* [arXiv:1701.07875](https://arxiv.org/abs/1701.07875)
# - I. Gulrajani, F. Ahmed, M. Arjovsky, V. Dumoulin, A. Courville (2017). *Improved Training of Wasserstein GANs.* [arXiv:1704.00028](https://arxiv.org/abs/1704.00028). The penalty on the slope.
