# %% [markdown]
# # 7 · The adversarial game in one dimension
#
# Two networks play against each other, and one of them learns to draw. Here they draw single numbers, so that every density, every answer and every mistake of the game can be seen.
#
# **You will**
#
# - derive the loss of each player from one formula,
# - derive the best possible discriminator, and hold a trained one against it,
# - play the game line by line, then train it and go through every step of it,
# - recognise four classic failures by their curves, and cure each of them,
# - say why the two losses do not tell how good the generator is.
#
# **You need** Lessons 2 (binary cross-entropy, logits), 3 (Adam) and 5 (the KL divergence, section 10). From school: mean, derivative, and the bell curve.
#
# **Time** About 120 minutes to read, with the exercises. All cells together run in about 40 seconds on two slow cores without a graphics card.

# %%
# %matplotlib inline
import math
import random

import matplotlib.pyplot as plt
import torch
from ipywidgets import FloatSlider, IntSlider, interact
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
print(f"PyTorch {torch.__version__}, {torch.get_num_threads()} threads")

# %% [markdown]
# Everything in this lesson runs on the CPU. The nets are so small that a graphics card would spend its time waiting.

# %% [markdown]
# ## 1 · The toy
#
# The game comes from lesson 5. The **generator** $G$ turns noise into something that should look real. The **discriminator** $D$ gets real and generated things, and says how probable it is that one is real. Here a "thing" is a single number $x$.
#
# The real numbers come from a bell curve with mean 2 and standard deviation 0.5. Call its density $p(x)$. The generator must never look at this formula. All it will ever hear is the opinion of $D$.

# %%
REAL = Normal(2.0, 0.5)


def draw_real(batch_size):  # -> (batch, 1)
    return REAL.sample((batch_size, 1))


def draw_noise(batch_size):  # -> (batch, 1), uniform in [-1, 1]
    return 2 * torch.rand(batch_size, 1) - 1


# %% [markdown]
# The noise $z$ is **uniform**: every number between $-1$ and $1$ is as likely as any other. This is the toy of the paper in which the idea was published (Goodfellow et al., 2014).
#
# The generator is a curve through four numbers that it can learn:
#
# $$G(z) = b + w_1 z + w_3 z^3 + w_9 z^9$$
#
# The bias $b$ shifts everything. The weight $w_1$ spreads the numbers evenly. The power $z^9$ is almost 0 in the middle and steep at the ends, so $w_9$ pulls out the two tails, and $z^3$ lies between the two. Such a curve can come very close to a bell. (For one patient of section 8 the generator will be an ordinary network.) It starts far to the left, around $-1$.


# %%
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


# %% [markdown]
# The discriminator is a small multilayer perceptron. It answers with a logit, the number before the sigmoid. Its probability for "real" is $D(x) = \sigma(\text{logit})$. The activation is the hyperbolic tangent, because we want a smooth curve to look at.


# %%
def make_discriminator():
    """Return a net: numbers (batch, 1) -> logits (batch, 1)."""
    return nn.Sequential(
        nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1)
    )


# %% [markdown]
# ### The density of what is generated
#
# For a generator that draws images nobody can write down the density of its images. For one number we can, and we shall need it: call it $q(x)$.
#
# Take 4,000 values of $z$, evenly spaced from $-1$ to $1$. Because the noise is uniform, each stands for the same share of all noise, $1/4000$. Send them through $G$, count how many land in each of 200 bins between $-4$ and $6$, and divide by 4,000 and by the width of a bin. Nothing here is random. The only errors are the width of the bins and the counting in whole points. What falls outside is counted in the two edge bins. It works for every generator of one number from one number.

# %%
LOW, HIGH, BINS, WIDTH = -4.0, 6.0, 200, 0.05
CENTERS = LOW + WIDTH * (torch.arange(BINS) + 0.5)  # (200,)
EVEN_NOISE = ((torch.arange(4000) + 0.5) / 2000 - 1)[:, None]  # (4000, 1)


@torch.inference_mode()
def density(G):
    """Return the density of the generated numbers in each bin, (200,)."""
    x = G(EVEN_NOISE)[:, 0].clamp(LOW, HIGH)
    return torch.histc(x, BINS, LOW, HIGH) / len(x) / WIDTH


# %%
P = REAL.log_prob(CENTERS).exp()
G = Generator()

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 3.2))
ax.plot(CENTERS, P, "--", label="real, p(x)")
ax.plot(CENTERS, density(G), label="generated, q(x)")
ax.set(xlabel="x", ylabel="density", title="Before the game")
ax.legend(loc="upper right")
plotting.show(
    fig,
    alt="Two densities. The real one, dashed, is a bell around 2. The generated one is a narrow "
    "hump around -1. They do not overlap.",
)

# %% [markdown]
# <details><summary>Derivation: the same density as a formula</summary>
#
# Let all three weights be positive. Then $G$ only rises: from $z$ to $z + dz$ it moves from $x$ to $x + G'(z)\,dz$. The probability in the first interval is $\tfrac12 dz$, since the noise has the density $\tfrac12$ on $[-1, 1]$. In the second it is $q(x)\,G'(z)\,dz$. It is the same probability, so
#
# $$q\bigl(G(z)\bigr) = \frac{1}{2\,G'(z)}, \qquad G'(z) = w_1 + 3 w_3 z^2 + 9 w_9 z^8 .$$
#
# Where the curve is steep, few numbers land. This is called a **change of variables**. If the curve goes up and down, several $z$ give the same $x$ and their terms add up. Counting does this by itself, and so we count.
#
# </details>

# %% tags=["claim"]
# The derivation's formula gives the density that counting gives.
with torch.inference_mode():
    z = torch.linspace(-0.7, 0.7, 15)
    bins = ((G(z[:, None])[:, 0] - LOW) / WIDTH).long()
formula = 0.5 / (0.3 + 0.3 * z**2 + 0.9 * z**8)
assert (density(G)[bins] / formula - 1).abs().max() < 0.2

# %% [markdown]
# ## 2 · One formula, two players
#
# Lesson 5 ended with two networks that want opposite things. Here is what they want in one formula. ($\log$ is the natural logarithm, as in all lessons.) The **value** of the game is
#
# $$V(D, G) = \mathbb{E}_{x \sim p}\,\log D(x) \;+\; \mathbb{E}_{z}\,\log\bigl(1 - D(G(z))\bigr).$$
#
# $\mathbb{E}_{x \sim p}$ is the mean over real numbers, $\mathbb{E}_z$ the mean over noise. The first term is large (near 0) if $D$ calls real numbers real, the second if it calls generated ones generated. $D$ wants $V$ large. $G$ wants it small. It can reach only the second term.
#
# **D's loss.** To make $V$ large is to make $-V$ small:
#
# $$L_D = -\,\mathbb{E}_{x \sim p} \log D(x) - \mathbb{E}_z \log\bigl(1 - D(G(z))\bigr)$$
#
# This is lesson 2's binary cross-entropy twice: once with label **1 for real**, once with label **0 for fake**.
#
# **G's loss, as the formula has it.** $G$ makes $\mathbb{E}_z \log(1 - D(G(z)))$ small. This is the **saturating** loss. Section 9 shows what is wrong with it.
#
# **G's loss, as it is used.** $G$ makes $D(G(z))$ large in another way, with label 1 on its own products:
#
# $$L_G = -\,\mathbb{E}_z \log D(G(z))$$
#
# This is the **non-saturating** loss. It wants the same thing, $D(G(z))$ near 1, but has another slope on the way there. With respect to the logit of a generated number, the saturating loss has the slope $-D$, the non-saturating one $-(1 - D)$.
#
# <details><summary>Derivation: the two slopes</summary>
#
# Let $\ell$ be the logit for a generated number, $D = \sigma(\ell)$. With $\sigma' = \sigma(1-\sigma)$:
#
# $$\frac{d}{d\ell}\log\bigl(1 - \sigma(\ell)\bigr) = -\frac{\sigma(1-\sigma)}{1-\sigma} = -\sigma(\ell) = -D, \qquad \frac{d}{d\ell}\bigl(-\log \sigma(\ell)\bigr) = -\frac{\sigma(1-\sigma)}{\sigma} = -\bigl(1 - \sigma(\ell)\bigr) = -(1 - D).$$
#
# Both are negative: both losses push the logit up. But while $D$ sees through the generator, $D$ is near 0. Then the first slope is near 0, and the second near $-1$. The saturating loss pushes least when the generator is worst.
#
# </details>

# %% [markdown]
# ### Exercise 7.1 · code: Both losses from logits
#
# Write $L_D$ and the non-saturating $L_G$. The arguments are the logits of $D$ on real and on fake numbers, both `(batch, 1)`. Return the two losses as a pair, each a mean over the batch through which a gradient can flow. They must stay finite for logits such as 200 or $-200$ too.
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
# The lesson's own version:


# %%
def bce(logits, label):
    return nn.functional.binary_cross_entropy_with_logits(logits, torch.full_like(logits, label))


def d_loss(d_real, d_fake):
    return bce(d_real, 1.0) + bce(d_fake, 0.0)


def g_loss(d_fake):
    return bce(d_fake, 1.0)


def saturating_g_loss(d_fake):
    return -bce(d_fake, 0.0)  # mean of log(1 - D)


# %% tags=["claim"]
# Both losses from logits are the formulas of section 2.
logits = torch.linspace(-3, 3, 7)[:, None]
real_logits, D_real, D_fake = logits + 1, (logits + 1).sigmoid(), logits.sigmoid()
value = D_real.log().mean() + (1 - D_fake).log().mean()
torch.testing.assert_close(d_loss(real_logits, logits), -value)
torch.testing.assert_close(g_loss(logits), -D_fake.log().mean())
torch.testing.assert_close(saturating_g_loss(logits), (1 - D_fake).log().mean())

# %% [markdown]
# ## 3 · The best possible discriminator
#
# Hold the generator still. Which $D$ makes $V$ as large as possible? If $D$ may be any curve at all, the answer can be written down:
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)}$$
#
# Read it as a share: of all numbers that turn up at $x$, which part is real? Where only real numbers are it is 1, where only generated ones are it is 0, and where both are equally dense it is $\tfrac12$.
#
# <details><summary>Derivation: the optimal D</summary>
#
# Write both means as integrals over $x$. The mean over $z$ becomes one over $x$ with density $q$:
#
# $$V = \int \Bigl( p(x) \log D(x) + q(x) \log\bigl(1 - D(x)\bigr) \Bigr)\,dx$$
#
# $D(x)$ may be chosen for each $x$ on its own. So maximise $f(d) = p \log d + q \log(1 - d)$ over $d$ between 0 and 1, with $p, q > 0$:
#
# $$f'(d) = \frac{p}{d} - \frac{q}{1 - d} = 0 \iff p\,(1 - d) = q\,d \iff d = \frac{p}{p + q}.$$
#
# The second derivative, $-p/d^2 - q/(1-d)^2$, is negative everywhere, so this is the only maximum. If $p = 0 < q$, then $f$ is largest at $d = 0$, and if $q = 0 < p$ at $d = 1$: the formula holds as well. Where both are 0 no number ever turns up, and $D$ may say anything.
#
# </details>
#
# <details><summary>Derivation: at the best D the game measures a distance</summary>
#
# Let $m = \frac12(p + q)$ be the density of the mixture. Then $D^* = p/(2m)$ and $1 - D^* = q/(2m)$. Put them in:
#
# $$V(D^*, G) = \int p \log\frac{p}{2m}\,dx + \int q \log\frac{q}{2m}\,dx = -2\log 2 + \mathrm{KL}(p\,\Vert\,m) + \mathrm{KL}(q\,\Vert\,m)$$
#
# Half of the last two terms is the **Jensen-Shannon divergence**, $\mathrm{JS}(p, q) = \frac12\mathrm{KL}(p\,\Vert\,m) + \frac12\mathrm{KL}(q\,\Vert\,m)$, so
#
# $$V(D^*, G) = 2\,\mathrm{JS}(p, q) - 2\log 2 .$$
#
# A KL divergence is 0 for equal densities and positive otherwise (lesson 5), hence so is JS. Its largest value is $\log 2$, for densities that do not overlap: there $m = \frac12 p$ wherever $p$ lives, so $\mathrm{KL}(p\,\Vert\,m) = \log 2$, and the same for $q$.
#
# So against the best $D$, the best $G$ has $q = p$. Then $D^* = \frac12$ everywhere and $V = -2 \log 2$. The loss of $D$ is $2 \log 2 = 1.386$, and that of $G$ is $-\log\frac12 = \log 2 = 0.693$.
#
# </details>
#
# In short: against the best $D$ the value is $2\,\mathrm{JS}(p, q) - 2\log 2$, where $\mathrm{JS}$, the **Jensen-Shannon divergence**, is a distance between densities, 0 if they are equal and $\log 2$ if they do not overlap. So the best $G$ has $q = p$. Then $D^* = \frac12$ everywhere, the loss of $D$ is $2\log 2 = 1.386$, and that of $G$ is $\log 2 = 0.693$.
#
# This was derived for the value $V$, and $G$ will be trained with the non-saturating loss. The place of rest is the same, $q = p$. Only the way there is another, and along it $G$ does not follow the slope of JS exactly.

# %% [markdown]
# ### Exercise 7.2 · code: The optimal discriminator
#
# Write $D^*$ for two tensors of densities, `p` and `q`, of the same shape. Where both are 0, answer $\tfrac12$.
#
# <details><summary>Hint</summary>
#
# `torch.where(condition, a, b)` takes `a` where the condition holds, `b` elsewhere.
#
# </details>


# %%
def optimal_d(p, q):
    """Return p / (p + q), and 1/2 where both are 0."""
    ...


checks.optimal_d(optimal_d)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def optimal_d(p, q):
#     """Return p / (p + q), and 1/2 where both are 0."""
#     total = p + q
#     return torch.where(total > 0, p / total, 0.5)
# ```
#
# At 0/0 the division gives `nan`, and `torch.where` does not take it.
#
# </details>


# %%
def best_d(q, p=P):
    total = p + q
    return torch.where(total > 0, p / total, 0.5)


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
# Try it for three bells in the place of $q$. Is $V(D^*)$ what was derived, and does a $D$ that answers a little more or a little less do worse?

# %%
for shift in (2.0, 1.0, -1.5):
    q = Normal(shift, 0.5).log_prob(CENTERS).exp()
    top = value_of(best_d(q), q)
    more, less = (value_of((best_d(q) + bump).clamp(0, 1), q) for bump in (0.02, -0.02))
    print(f"V of the best D {top:.3f} · 2 JS - 2 log 2 {2 * js(q) - 2 * math.log(2):.3f}", end="")
    print(f" · D higher {more:.3f}, lower {less:.3f}")

# %% [markdown]
# ### Play the generator by hand
#
# How near can our generator come? Let the curve $b + w_1 z + w_3 z^3 + w_9 z^9$ follow the one that turns uniform noise into exactly a bell. That one is called `icdf`: `icdf(0.3)` is the number below which 30 % of the bell lie. Evenly spread shares go in, and a bell comes out. `lstsq` finds the weights for which the squared differences add up to the least. We may do that: we know $p$. The generator may not.


# %%
def fit_the_bell():
    """Return the three weights that turn uniform noise into nearly a standard bell."""
    powers = torch.cat([EVEN_NOISE, EVEN_NOISE**3, EVEN_NOISE**9], dim=1)
    target = Normal(0.0, 1.0).icdf((EVEN_NOISE + 1) / 2)
    return torch.linalg.lstsq(powers, target).solution[:, 0]


SHAPE = fit_the_bell()  # (3,)


def by_hand(shift, scale):
    """Return a generator with this shift, and a spread of about scale."""
    G = Generator()
    with torch.no_grad():
        G.linear.weight.copy_(scale * SHAPE[None])
        G.linear.bias.fill_(shift)
    return G


# %% tags=["figure"]
def known_d(q, p=P):
    """Return the best D; no number where both densities are almost 0, for nobody knows there."""
    return best_d(q, p).where(p + q > 1e-3, math.nan)


def draw_game(ax, q, d=None, p=P):
    """Draw both densities, the best D, and a learned D if there is one."""
    ax.plot(CENTERS, p, "--", label="real, p")
    ax.plot(CENTERS, q, "-", label="generated, q")
    ax.plot(CENTERS, known_d(q, p), ":", color="black", label="best D")
    if d is not None:
        ax.plot(CENTERS, d, "-.", color="C2", label="learned D")
    ax.set(xlabel="x", ylabel="density; D", ylim=(-0.05, 1.75), xlim=(-3, 5))


# %%
by_hand_js = js(density(by_hand(2.0, 0.5)))
print(f"JS of the best generator made by hand ≈ {by_hand_js:.4f}")

# %% [markdown]
# Be the generator. Move shift and scale until the value is as low as it gets. What does the best $D$ look like then?


# %% tags=["figure", "nbval-ignore-output"]
def play_by_hand(shift, scale):
    q = density(by_hand(shift, scale))
    value = value_of(best_d(q), q)
    fig, ax = plt.subplots(figsize=(8, 3.4))
    draw_game(ax, q)
    ax.legend(loc="upper left")
    ax.set_title(f"V = {value:.3f}, JS = {js(q):.3f}, loss of the best D = {-value:.3f}")
    plotting.show(fig, alt=f"Densities and the best D for shift {shift:.1f}, scale {scale:.2f}.")


_ = interact(
    play_by_hand,
    shift=FloatSlider(0.0, min=-2, max=4, step=0.1, continuous_update=False),
    scale=FloatSlider(0.3, min=0.1, max=1.5, step=0.05, continuous_update=False),
)

# %% [markdown]
# The same without sliders, at three settings:

# %% tags=["figure"]
fig, axes = plt.subplots(1, 3, figsize=(13, 3.3), sharey=True)
for ax, (shift, scale) in zip(axes, ((0.0, 0.5), (1.4, 0.5), (2.0, 0.5)), strict=True):
    q = density(by_hand(shift, scale))
    draw_game(ax, q)
    ax.set_title(f"shift {shift}, V = {value_of(best_d(q), q):.2f}")
    ax.label_outer()
axes[0].legend(loc="upper left", fontsize=9)
plotting.show(
    fig,
    alt="Three positions of the generated density. Far from the real one, the best D is a steep "
    "step between them. Nearer, a gentle slope. On top of it, D is close to one half.",
)

# %% [markdown]
# The further apart the two densities, the steeper the step. On top of each other, $D^*$ is about $\frac12$ wherever the data is, and $V$ is near $-2\log 2 = -1.386$. (Far out in the tails, where there is hardly any data, our curve cannot follow the bell and $D^*$ leaves $\frac12$.)

# %% tags=["claim"]
# "On top of each other, D* is about 1/2 wherever the data is, and V is near -2 log 2"
values = [value_of(best_d(q), q) for q in (density(by_hand(s, 0.5)) for s in (0.0, 1.4, 2.0))]
assert values[0] > values[1] > values[2]
assert abs(values[2] + 2 * math.log(2)) < 0.05
middle = best_d(density(by_hand(2.0, 0.5)))[(CENTERS - 2).abs() < 1]
assert (middle - 0.5).abs().max() < 0.1

# %% [markdown]
# ### Does a trained D find it?
#
# $D$ never sees $p$ or $q$. It sees samples with labels. Train it for 500 steps against a generator that stands still at shift 1.2.
#
# Both players use Adam (lesson 3), here with $\beta_1 = 0$: no memory of the direction. In a game the other player keeps changing the slope, and a memory of old slopes carries a player past its goal. The rate sinks in a straight line (`LinearLR`), so that $D$ comes to rest. `fused=True` makes Adam faster and changes nothing else.

# %%
BATCH, LR = 512, 1e-2


def adam(*nets, lr=LR, betas=(0.0, 0.99)):
    parameters = [parameter for net in nets for parameter in net.parameters()]
    return torch.optim.Adam(parameters, lr=lr, betas=betas, fused=True)


@torch.inference_mode()
def opinion(D):
    """Return D's probability for real at the centre of each bin, (200,)."""
    return D(CENTERS[:, None])[:, 0].sigmoid()


# %%
seed_everything(SEED)
still, D = by_hand(1.2, 0.5), make_discriminator()
d_optimizer = adam(D)
schedule = torch.optim.lr_scheduler.LinearLR(d_optimizer, 1.0, 0.01, total_iters=500)
for _ in (progress := tqdm(range(500))):
    fake = still(draw_noise(BATCH)).detach()
    loss = d_loss(D(draw_real(BATCH)), D(fake))
    d_optimizer.zero_grad()
    loss.backward()
    d_optimizer.step()
    schedule.step()
progress.set_postfix(loss=f"{loss.item():.3f}")

# %%
DATA = 0.1 * P.max() < P
q = density(still)
difference = (opinion(D) - best_d(q))[DATA]
off = difference.abs().max().item()
print(f"largest difference where the data is ≈ {off:.2f}")

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 3.4))
draw_game(ax, q, opinion(D))
ax.legend(loc="upper left")
plotting.show(
    fig,
    alt="The generated density left of the real one. The learned D lies on the dotted curve "
    "of the best D: low on the left, high on the right, one half where the densities cross.",
)

# %% tags=["claim"]
# "The learned curve follows the formula."
assert off < 0.2
assert best_d(q)[DATA].max() - best_d(q)[DATA].min() > 0.5

# %% [markdown]
# "Where the data is" means here: where $p$ is larger than a tenth of its maximum, about from 0.9 to 3.1. Elsewhere $D$ sees few real numbers, and where it sees nothing its curve is a guess.
#
# The learned curve follows the formula. Nobody told $D$ a density. But $D^*/(1 - D^*) = p/q$, so the logit is $\log(p/q)$. Telling two kinds apart **is** learning a ratio of densities.

# %% [markdown]
# ## 4 · One round, line by line
#
# Now both play. A round has two steps: one of $D$, one of $G$. Here is the first round, a line at a time.


# %%
def numbers_of(net):
    """Return a copy of all parameters of a net in one row."""
    return nn.utils.parameters_to_vector(net.parameters()).detach().clone()


# %%
seed_everything(SEED)
G, D = Generator(), make_discriminator()
g_optimizer, d_optimizer = adam(G), adam(D)
G_before, D_before = numbers_of(G), numbers_of(D)

# %% [markdown]
# **The step of $D$.** Draw real numbers and generate as many:

# %%
real = draw_real(BATCH)  # (512, 1)
z = draw_noise(BATCH)  # (512, 1)
fake = G(z)  # (512, 1)

# %% [markdown]
# `detach` cuts the thread that leads from `fake` back into $G$. For $D$ the fake numbers are just numbers.

# %%
loss = d_loss(D(real), D(fake.detach()))
d_optimizer.zero_grad()
loss.backward()
d_optimizer.step()

# %%
after = d_loss(D(real), D(fake.detach()))
fell_d = (loss - after).item()
print(f"loss of D on these numbers: ≈ {loss.item():.3f} before, ≈ {after.item():.3f} after")
print("D has changed:", not torch.equal(D_before, numbers_of(D)))
print("G has changed:", not torch.equal(G_before, numbers_of(G)))
print("gradients in G:", sum(parameter.grad is not None for parameter in G.parameters()))

# %% [markdown]
# **Freeze $D$.** It will be the judge in the next step. A parameter with `requires_grad` off gets no gradient. The slope still runs **through** $D$ to its input. The optimiser of $G$ does not hold $D$, so here freezing only saves work, and no stray gradients are left in $D$. It becomes vital when the optimiser is wrong (section 10).

# %%
_ = D.requires_grad_(False)

# %% [markdown]
# **The step of $G$.** The same `fake` goes through $D$ once more, this time with the thread to $G$ intact. Why once more? Because $D$ has changed since.

# %%
D_before = numbers_of(D)
loss = g_loss(D(fake))
g_optimizer.zero_grad()
loss.backward()
g_optimizer.step()
_ = D.requires_grad_(True)

# %%
after = g_loss(D(G(z)))
fell_g = (loss - after).item()
print(f"loss of G on this noise: ≈ {loss.item():.3f} before, ≈ {after.item():.3f} after")
print("G has changed:", not torch.equal(G_before, numbers_of(G)))
print("D has changed:", not torch.equal(D_before, numbers_of(D)))

# %% [markdown]
# $D$'s loss has fallen by much, $G$'s by little. In this first step of Adam each parameter moves by 0.01 at most, and $D$ has more than a thousand of them, $G$ four.

# %% tags=["claim"]
# "D's loss has fallen by much, G's by little."
assert fell_d > 5 * fell_g > 0

# %% [markdown]
# That is one round. Each optimiser holds the parameters of one player and no others. That matters: an optimiser can only move what it was given.

# %% [markdown]
# ### Exercise 7.3 · find the bug: Mend a round
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
# Mend it, with our labels: real is 1. Afterwards $D$ must be trainable again, and no parameter of $D$ may hold a gradient from the generator's step. (`retain_graph=True` allows a second backward pass over the same numbers. Ask yourself why it is needed here.)
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
# ## 5 · The whole training in one function
#
# The same lines in a loop, with switches for what section 8 wants to break. Two things are new. The learning rates stay constant for half of the game and then sink to 0 in a straight line: near the end the players circle around the goal, and smaller steps make smaller circles. And the function notes the size of the gradient that reaches $G$.


# %%
def late_decay(optimizer, num_iterations):
    """Keep the rate for half of the game, then let it sink to 0."""
    return torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda i: min(1.0, 2 * (1 - i / num_iterations))
    )


def gradient_size(net):
    return math.sqrt(sum(p.grad.square().sum().item() for p in net.parameters()))


# %%
def play(G, D, d_optimizer, g_optimizer, num_iterations, *, g_loss=g_loss, draw=draw_real,
         d_steps=1, freeze=True, detach=True, clear=True, on_step=None):  # fmt: skip
    history = {"d_loss": [], "g_loss": [], "gradient": []}
    schedules = [late_decay(o, num_iterations) for o in (d_optimizer, g_optimizer)]
    for i in (progress := tqdm(range(num_iterations))):
        for _ in range(d_steps):
            fake = G(draw_noise(BATCH))
            loss_d = d_loss(D(draw(BATCH)), D(fake.detach() if detach else fake))
            d_optimizer.zero_grad()
            loss_d.backward(retain_graph=not detach)
            d_optimizer.step()
        D.requires_grad_(not freeze)
        loss_g = g_loss(D(fake))
        if clear:
            g_optimizer.zero_grad()
        loss_g.backward()
        history["gradient"].append(gradient_size(G))
        g_optimizer.step()
        g_optimizer.zero_grad()  # so that the next round starts clean in any case
        D.requires_grad_(True)
        for schedule in schedules:
            schedule.step()
        history["d_loss"].append(loss_d.item())
        history["g_loss"].append(loss_g.item())
        if on_step:
            on_step(G, D)
        if i % 50 == 0:
            progress.set_postfix(d=f"{loss_d.item():.3f}", g=f"{loss_g.item():.3f}")
    return history


# %% [markdown]
# ## 6 · A game, recorded
#
# Play 1,000 rounds and keep, after each, the generated density and the curve of $D$. That is 400 small numbers a round, a megabyte in all. The slider below then only has to draw.

# %%
ROUNDS = 1000
film = []  # (q, D) after each round, in half precision


def keep(G, D):
    film.append((density(G).half(), opinion(D).half()))


# %%
seed_everything(SEED)
G, D = Generator(), make_discriminator()
history = play(G, D, adam(D, lr=2 * LR), adam(G), ROUNDS, on_step=keep)


# %% tags=["figure", "nbval-ignore-output"]
def show_round(number):
    q, d = (values.float() for values in film[number - 1])
    fig, ax = plt.subplots(figsize=(8, 3.6))
    draw_game(ax, q, d)
    ax.legend(loc="upper left")
    ax.set_title(f"after round {number}: JS = {js(q):.3f}")
    plotting.show(fig, alt=f"Both densities, the best D and the learned D after round {number}.")


_ = interact(show_round, number=IntSlider(1, min=1, max=ROUNDS, continuous_update=False))

# %% [markdown]
# Drag it slowly over the first 300 rounds. First $D$ learns where the two densities lie. Then the generated density moves uphill on the curve of $D$, and $D$ follows. Mind the left end: it first runs further **away** from the data. All powers of $z$ are odd, so what pulls the right end to the right pushes the left end to the left, and $q$ gets far too wide before it gets narrower. Here are five moments:

# %% tags=["figure"]
fig, axes = plt.subplots(1, 5, figsize=(15, 3), sharey=True)
for ax, number in zip(axes, (1, 50, 150, 400, ROUNDS), strict=True):
    q, d = (values.float() for values in film[number - 1])
    draw_game(ax, q, d)
    ax.set_title(f"round {number}")
    ax.label_outer()
fig.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4)
plotting.show(
    fig,
    alt="Five moments of the game. At first the densities lie apart and D is a gentle slope. Then "
    "D becomes a step, the generated density moves to the right and widens. At the end the two "
    "densities lie on top of each other, and D is near one half where the data is.",
)

# %% tags=["claim"]
# "it first runs further away from the data", and "q gets far too wide"
reached = [CENTERS[film[number - 1][0] > 0] for number in (1, 50)]
assert reached[1].min() < reached[0].min() - 0.5
assert reached[1].max() > reached[0].max() + 0.5

# %%
distances = [js(q.float()) for q, _ in film]
levels = {"2 log 2": 2 * math.log(2), "log 2": math.log(2)}

# %% tags=["figure"]
losses = {"D": history["d_loss"], "G": history["g_loss"]}
fig, axes = plt.subplots(1, 2, figsize=(12, 3.6))
plotting.curves(losses, ax=axes[0], xlabel="round", title="Losses", window=20)
for name, level in levels.items():
    axes[0].axhline(level, color="black", linewidth=0.8)
    axes[0].text(ROUNDS, level, name, va="bottom", ha="right")
axes[1].plot(distances)
axes[1].set(xlabel="round", ylabel="JS(p, q)", title="Distance of the densities")
plotting.show(
    fig,
    alt="Left: the losses of both players, averaged over 20 rounds. G's shoots up and then falls, "
    "D's climbs slowly, and both settle on lines, D's on 2 log 2 = {:.2f}, G's on log 2 = {:.2f}. "
    "Right: the Jensen-Shannon divergence falls from log 2 to near 0.".format(*levels.values()),
)

# %% [markdown]
# Each point of the curves is the mean of 20 rounds. Two things to see. On its way JS rises again for a while: $G$ has overshot. And in the middle of the game the loss of $D$ has a bump: for a few rounds $D$ overshoots. From round 500 on the rates sink, and the curve comes to rest.

# %% tags=["claim"]
# "On its way JS rises again for a while", "the loss of D has a bump", "the curve comes to rest"
record = torch.tensor(distances)
rise = record - record.cummin(dim=0).values  # above the lowest so far
bump = torch.tensor(history["d_loss"]).unfold(0, 20, 1).mean(dim=1) - 2 * math.log(2)
assert rise.max() > 3 * rise[800:].max()
assert bump[350:600].max() > 1.5 * bump[800:].abs().max()

# %% [markdown]
# A batch is random, and so is its loss. For the end state take the mean over the last 100 rounds:

# %%
q, D_curve = density(G), opinion(D)
end_d, end_g = (sum(history[key][-100:]) / 100 for key in ("d_loss", "g_loss"))
off_half = (D_curve - 0.5)[DATA].abs().max().item()
off_best = (D_curve - best_d(q))[DATA].abs().max().item()
with torch.inference_mode():
    x = G(EVEN_NOISE)
print(f"loss of D ≈ {end_d:.3f}, loss of G ≈ {end_g:.3f}, JS ≈ {js(q):.4f}")
print(f"generated: mean ≈ {x.mean():.2f}, standard deviation ≈ {x.std():.2f}")
print(f"where the data is: D within ≈ {off_half:.2f} of 1/2 and ≈ {off_best:.2f} of the best D")

# %% tags=["claim"]
# "The losses ended at 2 log 2 and log 2", and the generator "draws the bell"
assert abs(end_d - 2 * math.log(2)) < 0.05
assert abs(end_g - math.log(2)) < 0.05
assert abs(x.mean() - 2) < 0.2
assert abs(x.std() - 0.5) < 0.2
assert js(q) < 0.05 * distances[0]

# %% [markdown]
# The generator has never seen a real number, and it draws the bell, as near to it as the one that we made by hand.
#
# An honest word on how this came about. Games of this kind tend to **circle** (Mescheder et al., 2018): $G$ overshoots, $D$ turns, $G$ comes back. The calm end is the work of four choices: no momentum ($\beta_1 = 0$), large batches (512, for things that are a single number), a $D$ that learns twice as fast as $G$ and so stays near its best (Heusel et al., 2017), and rates that sink to 0. With images one cannot afford all of this, and the curves of lesson 8 will be restless to the end.

# %% [markdown]
# ## 7 · Why the losses do not tell
#
# The losses ended at $2\log 2$ and $\log 2$. Is that a sign of success? Play again with a discriminator that hardly learns. Its last layer begins with zeros, so that it answers $\frac12$ to everything, and its rate is 20,000 times smaller. We also slow $G$ down tenfold and stop after 200 rounds: we want the losses of a game in which nothing happens.

# %%
seed_everything(SEED)
G_lazy, D_lazy = Generator(), make_discriminator()
_ = [nn.init.zeros_(parameter) for parameter in D_lazy[-1].parameters()]
lazy = play(G_lazy, D_lazy, adam(D_lazy, lr=1e-6), adam(G_lazy, lr=1e-3), 200)
lazy_d, lazy_g = (sum(lazy[key][-100:]) / 100 for key in ("d_loss", "g_loss"))
for name, d, g, net in (("good", end_d, end_g, G), ("lazy", lazy_d, lazy_g, G_lazy)):
    print(f"{name} D: losses ≈ {d:.2f} and ≈ {g:.2f}, JS ≈ {js(density(net)):.2f}")

# %% tags=["claim"]
# "The losses look much the same, the generators do not."
assert abs(lazy_d - end_d) < 0.1
assert abs(lazy_g - end_g) < 0.1
assert js(density(G_lazy)) > 10 * js(density(G))

# %% [markdown]
# The losses look much the same, the generators do not. The loss of one player is measured by the other, and the other is a net that learns. Only against the **best** $D$ would the loss be a distance, and nobody has that. In one dimension we can compute JS. With images we shall look at samples, and lesson 9 builds a score.

# %% [markdown]
# ## 8 · Which bug made this curve?
#
# Four patients, each with one illness:
#
# - `"saturating"`: $G$ uses the saturating loss and plain gradient descent. $D$ is strong: it makes five steps with Adam for each step of $G$.
# - `"not frozen"`: the step of $G$ also updates $D$, with the generator's loss. (Its optimiser holds both players, and $D$ is not frozen.)
# - `"not cleared"`: `detach` is missing in the step of $D$, and the gradients it leaves in $G$ are not cleared before the step of $G$.
# - `"collapse"`: half of the real numbers lie around $-2$, the other half around $2$ (two **modes**). $G$ is an ordinary network here, and it begins at the left one. $D$ makes three steps for each step of $G$. There is no bug in its code at all.
#
# All use `play`, with fewer rounds than in section 6.
#
# The computer deals the letters, so that you can guess. Look at the curves first. The diagnoses come afterwards.

# %%
TWO_MODES = (Normal(-2.0, 0.3), Normal(2.0, 0.3))
P_TWO = sum(mode.log_prob(CENTERS).exp() for mode in TWO_MODES) / 2


def draw_two_modes(batch_size):  # -> (batch, 1), half of them around -2, half around 2
    left, right = (mode.sample((batch_size, 1)) for mode in TWO_MODES)
    return torch.where(torch.rand(batch_size, 1) < 0.5, left, right)


def make_network_generator():  # two modes need a steep jump: no job for our polynomial
    G = make_discriminator()  # from one number to one number, so the same layers will do
    nn.init.constant_(G[-1].bias, -2.0)  # it begins on the left mode
    return G


# %%
def plain_descent(net):
    return torch.optim.SGD(net.parameters(), lr=0.05)


def treat(bug):
    """Train with one of the bugs; return the generator, the discriminator and the history."""
    seed_everything(SEED)
    G, D = Generator(), make_discriminator()
    if bug == "saturating":
        sgd = plain_descent(G)
        history = play(G, D, adam(D), sgd, 300, g_loss=saturating_g_loss, d_steps=5)
    elif bug == "not frozen":
        history = play(G, D, adam(D), adam(G, D), 600, freeze=False)
    elif bug == "not cleared":
        history = play(G, D, adam(D), adam(G), 600, detach=False, clear=False)
    else:
        G = make_network_generator()
        history = play(G, D, adam(D), adam(G), 300, draw=draw_two_modes, d_steps=3)
    return G, D, history


# %%
names = random.Random(5).sample(["collapse", "not cleared", "not frozen", "saturating"], 4)
patients = {letter: treat(bug) for letter, bug in zip("ABCD", names, strict=True)}
chart = {bug: patients[letter] for letter, bug in zip("ABCD", names, strict=True)}


# %% tags=["figure"]
def draw_patient(G, D, history, p=P):
    """Draw losses, the size of the gradient in G, and both densities with the learned D."""
    fig, axes = plt.subplots(1, 3, figsize=(14, 3.2))
    losses = {"D": history["d_loss"], "G": history["g_loss"]}
    plotting.curves(losses, ax=axes[0], xlabel="round", title="losses", window=10)
    for level in levels.values():
        axes[0].axhline(level, color="black", linewidth=0.8, linestyle=":")
    axes[1].plot(history["gradient"], linewidth=1)
    axes[1].set(xlabel="round", yscale="log", title="size of the gradient in G", ylim=(1e-6, 10))
    draw_game(axes[2], density(G), opinion(D), p)
    axes[2].set(xlim=(-4, 5), title="at the end")
    fig.legend(*axes[2].get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return fig


# %% [markdown]
# The dotted lines in the left panels are $2 \log 2$ and $\log 2$, where healthy losses end. (With the saturating loss, $\log(1 - D)$, a healthy loss of $G$ would end at $-\log 2$, and 0 is its worst.) Each point is the mean of 10 rounds. The right panels end at 1.75; a density may be higher. Here is a healthy patient for comparison, the game of section 6.

# %% tags=["figure"]
plotting.show(
    draw_patient(G, D, history),
    alt="A healthy game. The losses end at the dotted lines, the gradient falls when the "
    "generator has arrived, and the densities lie on top of each other.",
)

# %% [markdown]
# ### Patient A

# %% tags=["figure"]
plotting.show(
    draw_patient(*patients["A"]),
    alt="Patient A. The loss of G sinks well below its dotted line, log 2, while the loss of D "
    "ends above its own line, 2 log 2.",
)

# %% [markdown]
# ### Exercise 7.4 · find the bug: Which bug made the curves of patient A?
#
# Mind the dotted lines in the panel of the losses. Answer `"saturating"`, `"not frozen"`, `"not cleared"` or `"collapse"`.
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
# The judge is being bribed: each step of $G$ also pushes $D$ to call the generated numbers real. So the loss of $G$ is better than even the best generator could have it, and $D$ is worse than a coin. The generated density is a needle, higher than the panel: $D$ no longer punishes crowding, so all numbers go to one spot.
#
# </details>

# %% [markdown]
# ### Patient B

# %% tags=["figure"]
plotting.show(
    draw_patient(*patients["B"]),
    alt="Patient B. The loss of D falls to 0 within a few rounds, the gradient in G is small from "
    "then on, and the generated density stays where it began.",
)

# %% [markdown]
# ### Exercise 7.5 · find the bug: Which bug made the curves of patient B?
#
# What happens to the gradient, and what does the loss of $D$ do meanwhile? Answer `"saturating"`, `"not frozen"`, `"not cleared"` or `"collapse"`.
#
# <details><summary>Hint</summary>
#
# One of the losses has the slope $-D$. How large is it when $D$ is sure?
#
# </details>

# %%
patient_b = None  # your answer
checks.patient_b(patient_b)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# patient_b = "saturating"
# ```
#
# $D$ is sure, so $D(G(z))$ is near 0, and the slope of the saturating loss is exactly that. The generator is as bad as can be and hears nothing.
#
# </details>

# %% [markdown]
# ### Patient C

# %% tags=["figure"]
plotting.show(
    draw_patient(*patients["C"]),
    alt="Patient C. The generated density covers only the left half of the data, with a spike at "
    "each of its ends. The losses settle away from the dotted lines, D's below and G's above.",
)

# %% [markdown]
# ### Exercise 7.6 · find the bug: Which bug made the curves of patient C?
#
# The generator comes near the data, and then rests at a wrong place. Both losses are calm. Answer `"saturating"`, `"not frozen"`, `"not cleared"` or `"collapse"`.
#
# <details><summary>Hint</summary>
#
# Two gradients with opposite wishes are added up. Must their sum be 0 only at the goal?
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
# The first gradient helps $D$, the second one fools it. Together they come to rest where they cancel, and that is before the goal. Section 11 explains the two spikes.
#
# </details>

# %% [markdown]
# ### Patient D

# %% tags=["figure"]
plotting.show(
    draw_patient(*patients["D"], P_TWO),
    alt="Patient D. The real density has two humps. The generated numbers sit on one of "
    "them, and the other hump stays empty.",
)

# %% [markdown]
# ### Exercise 7.7 · find the bug: Which bug made the curves of patient D?
#
# Compare the dashed and the solid density. Answer `"saturating"`, `"not frozen"`, `"not cleared"` or `"collapse"`.
#
# <details><summary>Hint</summary>
#
# How many kinds of real numbers are there, and how many does the generator draw?
#
# </details>

# %%
patient_d = None  # your answer
checks.patient_d(patient_d)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# patient_d = "collapse"
# ```
#
# The generator draws one of the two kinds. Each of its numbers, taken alone, looks quite real. The losses alone would have told you little: they rest, away from the dotted lines, as those of patient C do.
#
# </details>

# %% [markdown]
# Now the diagnoses, each with its cure.
#
# ## 9 · Saturating loss, strong discriminator
#
# Section 2 derived the two slopes with respect to the logit: $-D$ and $-(1 - D)$. Let autograd find them, and draw their sizes.

# %%
logit = torch.linspace(-8, 4, 200).requires_grad_()
slopes = {}
for name, loss in {"saturating": saturating_g_loss, "non-saturating": g_loss}.items():
    (slope,) = torch.autograd.grad(len(logit) * loss(logit), logit)  # times 200: no mean
    slopes[name] = -slope
D_left = logit[0].sigmoid().item()
print(f"at the logit -8, where D = {D_left:.4f}:")
print(
    f"saturating {slopes['saturating'][0]:.4f} · non-saturating {slopes['non-saturating'][0]:.4f}"
)

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7, 3))
for (name, slope), dash in zip(slopes.items(), ("--", "-"), strict=True):
    ax.plot(logit.detach(), slope, dash, label=name)
ax.set(xlabel="logit of D on a generated number", ylabel="size of the slope")
ax.legend()
plotting.show(
    fig,
    alt="Size of the slope against the logit. Saturating: near 0 for negative logits, rising to 1. "
    "Non-saturating: near 1 for negative logits, falling to 0.",
)

# %% [markdown]
# On the left, $D$ has seen through the generator. There the saturating loss is flat, and the other one is steep. (Arjovsky & Bottou, 2017, show that a perfect $D$ leaves no gradient at all.) The same patient with a $D$ as strong, and the other loss:

# %%
seed_everything(SEED)
G_cured, D = Generator(), make_discriminator()
cured = play(G_cured, D, adam(D), plain_descent(G_cured), 300, d_steps=5)
G_ill, _, ill = chart["saturating"]

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7, 3.2))
runs = {"saturating": ill["gradient"], "non-saturating": cured["gradient"]}
plotting.curves(runs, ax=ax, xlabel="round", ylabel="size of the gradient in G")
ax.set(yscale="log", title="Two losses against an equally strong player")
plotting.show(
    fig,
    alt="Size of the gradient in G over the rounds, on a logarithmic scale. With the saturating "
    "loss it drops early by orders of magnitude and stays there. With the other one it is large "
    "until the generator has arrived.",
)

# %%
ratio = sum(cured["gradient"][10:60]) / sum(ill["gradient"][10:60])
print(f"gradient in rounds 11 to 60: ≈ {ratio:.0f} times larger with the non-saturating loss")
print(f"JS at the end: saturating ≈ {js(density(G_ill)):.2f}, other ≈ {js(density(G_cured)):.3f}")

# %% tags=["claim"]
# "The same patient with a D as strong, and the other loss" arrives, and its gradients are larger.
assert ratio > 10
assert js(density(G_ill)) > 10 * js(density(G_cured))

# %% [markdown]
# Here $G$ used plain gradient descent, whose step is as large as the gradient. Adam divides by the size of recent gradients, so it would hide the symptom for a while. It cannot repair a slope that is all but lost in the noise.
#
# ## 10 · The opponent was not frozen
#
# The optimiser of $G$ held the parameters of both players, and $D$ was not frozen. Lesson 5 showed what that does in a single turn. Here it happens in every round: the step of $D$ teaches it the truth, and the step of $G$ teaches it to lie. The cure is the line `D.requires_grad_(False)`. It helps even if the optimiser holds the wrong parameters:

# %%
seed_everything(SEED)
G_cured, D = Generator(), make_discriminator()
cured = play(G_cured, D, adam(D), adam(G_cured, D), 600)  # frozen, in spite of the optimiser
G_ill, _, ill = chart["not frozen"]
ill_d, ill_g, well_d, well_g = (
    sum(run[key][-100:]) / 100 for run in (ill, cured) for key in ("d_loss", "g_loss")
)
print(f"not frozen: losses ≈ {ill_d:.2f} and ≈ {ill_g:.2f}; frozen: ≈ {well_d:.2f}, ≈ {well_g:.2f}")

# %% tags=["claim"]
# Not frozen, D's loss is above 2 log 2 and G's below log 2; "it helps even if the optimiser holds
# the wrong parameters": frozen, both losses are healthy.
assert ill_d > 2 * math.log(2)
assert ill_g < math.log(2) - 0.1
assert abs(well_d - 2 * math.log(2)) < 0.1
assert abs(well_g - math.log(2)) < 0.1
assert js(density(G_ill)) > 2 * js(density(G_cured))

# %% [markdown]
# No loss of $G$ below $\log 2$ can last against an honest $D$. If yours stays there, ask who trains the judge.
#
# <details><summary>Derivation: why not below log 2</summary>
#
# Against the best $D$, the mean of $D$ over generated numbers is
#
# $$\mathbb{E}_q D^* = \int \frac{p\,q}{p + q}\,dx \le \int \frac{p + q}{4}\,dx = \frac12,$$
#
# because $4pq \le (p + q)^2$. And $-\log$ is convex, so the mean of $-\log D^*$ is at least $-\log$ of the mean (Jensen's inequality): $L_G \ge -\log\frac12 = \log 2$.
#
# </details>
#
# ## 11 · `detach` was missing
#
# Without `detach`, the backward pass of $D$'s step runs on into $G$ and leaves a gradient there. Does it do harm? If it is cleared before the step of $G$, none at all. Same seed, with and without:

# %%
ends = []
for detach in (True, False):
    seed_everything(SEED)
    G, D = Generator(), make_discriminator()
    _ = play(G, D, adam(D), adam(G), 50, detach=detach)
    ends.append(torch.cat([numbers_of(G), numbers_of(D)]))
print("largest difference of all parameters:", (ends[0] - ends[1]).abs().max().item())

# %% [markdown]
# What it costs is time. The backward pass through $G$ is computed and thrown away. (And `fake` is used twice, so PyTorch demands `retain_graph=True` in the first backward pass. Without it, the second one stops with "Trying to backward through the graph a second time". Whoever silences this message by `retain_graph=True` pays for it in every round.) With our four numbers nobody would notice. With a generator of two layers of 512 units, $D$'s step took about twice as long without `detach`, measured on two cores.

# %% [markdown]
# Now the harm. If nobody clears the gradients between the two steps, $G$ follows the **sum** of two gradients. With respect to the logit of a generated number, $D$'s loss has the slope $D$ (it wants the logit down), and $G$'s loss the slope $-(1 - D)$. Together:
#
# $$D - (1 - D) = 2D - 1$$
#
# The sum, by autograd:

# %%
logit = torch.tensor([-2.0, 0.0, 2.0], requires_grad=True)
both = d_loss(torch.zeros(3), logit) + g_loss(logit)
(slope,) = torch.autograd.grad(3 * both, logit)  # times 3: no mean
for one, at in zip(slope.tolist(), logit.sigmoid().tolist(), strict=True):
    print(f"D = {at:.2f}: slope {one:5.2f} · 2D - 1 = {2 * at - 1:5.2f}")

# %% [markdown]
# Where $D$ is below $\frac12$, the sum pushes a number the right way. Where $D$ is above $\frac12$, it pushes the number back. So the border, where $D$ is undecided, is a wall. (Nearly: $D$ has moved a little between the two gradients.) The generator creeps up to it and stays on its side. With the saturating loss it is even simpler. The slopes are $D$ and $-D$. If $D$ did not change between the two, their sum would be 0 everywhere, and the generator would never move:

# %%
seed_everything(SEED)
G_stuck, D = Generator(), make_discriminator()
real, z = draw_real(BATCH), draw_noise(BATCH)
loss = d_loss(D(real), D(G_stuck(z))) + saturating_g_loss(D(G_stuck(z)))
grads = torch.autograd.grad(loss, list(G_stuck.parameters()))
print("gradient in G, both losses together, is 0:", all(g.abs().max() < 1e-6 for g in grads))

# %% tags=["claim"]
# "The generator creeps up to it and stays on its side", and "the curve of G is bent back"
G_ill, D_ill, _ = chart["not cleared"]
with torch.inference_mode():
    x = G_ill(EVEN_NOISE)
assert x.mean() < 2
assert js(density(G_ill)) > 0.05
assert (x.diff(dim=0) < 0).float().mean() > 0.1

# %% [markdown]
# Only the right end of the generated numbers touches the wall. But all of them share four weights, and its push is felt everywhere: the curve of $G$ is bent back. Where a curve turns, it is flat, and many numbers land in one place. That makes the two spikes of patient C.
#
# The cure is `detach` in $D$'s step, and `zero_grad()` right before each `backward()`. The frozen run of section 10 has the same rates and as many rounds, and both lines in place: its losses end at the dotted lines.
#
# ## 12 · Mode collapse
#
# Patient D was to draw numbers around $-2$ and around $2$, and draws one kind only. This is **mode collapse**, the most famous failure of GANs. Why does a strong $D$, which sees so well that one kind is missing, not drive the generator there?

# %% [markdown]
# ### Exercise 7.8 · predict: In the crowd
#
# Half of the real numbers lie around $-2$, the other half around $2$. A collapsed generator draws the left hump to perfection, and nothing else. What does the best $D$ say about a number at $-2$? Give a number between 0 and 1.
#
# <details><summary>Hint</summary>
#
# At $-2$, the real density is only half of that of the generated numbers. Put that into $p/(p + q)$.
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
# $q = 2p$ there, so $D^* = p/(p + 2p) = \frac13$. At $2$, where nothing is generated, $D^* = 1$.
#
# </details>

# %% [markdown]
# On the whole left hump $q = 2p$, so $D^*$ is $\frac13$ everywhere on it. It is **flat**. All generated numbers are there, and not one of them feels a slope. The right hump, where $D^* = 1$, is far away, and a slope is a local thing. The generator is stuck. (Our patient's hump is no perfect bell, so its best $D$ is not flat. But the learned $D$ follows the overall share and not each ripple: on the hump it is almost flat. What slopes are left move numbers within the hump and not away from it.)
#
# <details><summary>Derivation: the losses of this state</summary>
#
# Half of the real numbers get $D^* = \frac13$, the other half $D^* = 1$. All generated numbers get $\frac13$. So
#
# $$L_D = -\tfrac12\log\tfrac13 - \tfrac12\log 1 - \log\left(1 - \tfrac13\right) = \tfrac12\log 3 + \log\tfrac32 = 0.955, \qquad L_G = -\log\tfrac13 = \log 3 = 1.099.$$
#
# </details>
#
# The losses of such a state can be computed: 0.955 for $D$, and $\log 3 = 1.099$ for $G$. Compare them with the patient's:

# %%
G_ill, D_ill, ill = chart["collapse"]
ill_d, ill_g = (sum(ill[key][-100:]) / 100 for key in ("d_loss", "g_loss"))
on_hump = opinion(D_ill)[(CENTERS + 2).abs() < 0.3]  # from -2.3 to -1.7
print(f"losses ≈ {ill_d:.2f} and ≈ {ill_g:.2f}")
print(f"D in the middle of the hump: from ≈ {on_hump.min():.2f} to ≈ {on_hump.max():.2f}")

# %% tags=["claim"]
# "The losses of such a state can be computed: 0.955 and 1.099", and D is 1/3 and almost flat there
assert abs(ill_d - (math.log(3) / 2 + math.log(1.5))) < 0.15
assert abs(ill_g - math.log(3)) < 0.15
assert abs(on_hump.mean() - 1 / 3) < 0.1

# %% [markdown]
# **The cure.** No single number looks wrong. What is wrong is that they are all alike. So let $D$ see that: beside each number it gets the standard deviation of the whole batch that the number came with (the idea is from Salimans et al., 2016, this simple form from Karras et al., 2017). In real batches it is about 2, in collapsed ones 0.3. And now there is a slope. Each number changes the standard deviation a little, and moving apart makes the batch look more real.


# %%
class BatchAware(nn.Module):
    """Numbers (batch, 1) -> logits (batch, 1), from each number and the spread of all."""

    def __init__(self):
        super().__init__()
        self.net = make_discriminator()
        self.net[0] = nn.Linear(2, 32)

    def forward(self, x):
        return self.net(torch.cat([x, x.std().expand_as(x)], dim=1))


# %%
seed_everything(SEED)
G_cured, D = make_network_generator(), BatchAware()
cured = play(G_cured, D, adam(D), adam(G_cured), 300, draw=draw_two_modes, d_steps=3)


# %%
def smaller_share(G):
    """Return the share of generated numbers on the side that has fewer. Real: one half."""
    with torch.inference_mode():
        left = (G(EVEN_NOISE) < 0).float().mean().item()
    return min(left, 1 - left)


for name, net in {"collapsed": G_ill, "cured": G_cured}.items():
    print(f"{name:9} share of the smaller kind ≈ {smaller_share(net):.2f}")


# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(12, 3.4), sharey=True)
for ax, (name, net) in zip(axes, {"collapsed": G_ill, "cured": G_cured}.items(), strict=True):
    draw_game(ax, density(net), p=P_TWO)
    ax.set(title=name, xlim=(-4, 4))
    ax.label_outer()
axes[0].legend(loc="upper center", fontsize=9)
plotting.show(
    fig,
    alt="Left, collapsed: all generated numbers on one of the two real humps. Right, cured: "
    "generated numbers on both humps.",
)

# %% tags=["claim"]
# "Both kinds are there."
assert smaller_share(G_ill) < 0.05
assert smaller_share(G_cured) > 0.2

# %% [markdown]
# Both kinds are there. It is a cure of the collapse and not of everything: compare the shapes of the humps. (The dotted curve is the best $D$ for single numbers, not the one that sees the batch.)

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | labels swapped in one of the two steps, say $G$ trained on label 0 | $G$ flees from the data, and the loss of $D$ goes to 0 | real is 1, fake is 0; $G$ wants 1 |
# | $D$ hardly updated | losses that rest, at $2\log 2$ and $\log 2$ if $D$ begins undecided, and nothing learned (section 7) | look at the samples, compare the parameters before and after |
# | saturating loss, strong $D$ | the gradient in $G$ vanishes (section 9) | $-\log D$ in place of $\log(1 - D)$ |
# | $D$ in the optimiser of $G$, and not frozen | loss of $G$ below $\log 2$, of $D$ above $2\log 2$ (section 10) | `requires_grad_(False)`, one optimiser for each player |
# | `detach` missing | lost time, nothing else (section 11) | `D(fake.detach())` |
# | `detach` missing, and $G$'s gradients not cleared | a generator content before the goal (section 11) | `zero_grad()` right before `backward()` |
# | $D$ judges each number alone | one mode only, losses 0.955 and 1.099 for one of two (section 12) | show $D$ a statistic of the batch |
# | `sigmoid` in $D$ and a loss for logits | weak slopes, $D$ between 0.5 and 0.73 in the loss | $D$ ends with a linear layer |
# | trusting the losses | a calm curve and rubbish | look, and measure (lesson 9) |

# %% [markdown]
# ## What you can now do
#
# - Derive both losses of a GAN from one value, and write them from logits.
# - Say what the best $D$ answers, and which distance the game measures against it.
# - Write the two steps of a round, and test that each moves one player only.
# - Read four failures from their curves, and cure them.
# - Explain why a GAN is never judged by its losses.
#
# Lesson 8 plays the same game with digits.

# %% [markdown]
# ## References
#
# - I. J. Goodfellow, J. Pouget-Abadie, M. Mirza, B. Xu, D. Warde-Farley, S. Ozair, A. Courville, Y. Bengio (2014). *Generative Adversarial Networks.* [arXiv:1406.2661](https://arxiv.org/abs/1406.2661)
# - T. Salimans, I. Goodfellow, W. Zaremba, V. Cheung, A. Radford, X. Chen (2016). *Improved Techniques for Training GANs.* [arXiv:1606.03498](https://arxiv.org/abs/1606.03498). Statistics of a batch against mode collapse.
# - T. Karras, T. Aila, S. Laine, J. Lehtinen (2017). *Progressive Growing of GANs for Improved Quality, Stability, and Variation.* [arXiv:1710.10196](https://arxiv.org/abs/1710.10196). The standard deviation of the batch.
# - M. Arjovsky, L. Bottou (2017). *Towards Principled Methods for Training Generative Adversarial Networks.* [arXiv:1701.04862](https://arxiv.org/abs/1701.04862). Why a perfect discriminator leaves no gradient.
# - L. Mescheder, A. Geiger, S. Nowozin (2018). *Which Training Methods for GANs do actually Converge?* [arXiv:1801.04406](https://arxiv.org/abs/1801.04406). Why the game circles.
# - M. Heusel, H. Ramsauer, T. Unterthiner, B. Nessler, S. Hochreiter (2017). *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium.* [arXiv:1706.08500](https://arxiv.org/abs/1706.08500). A learning rate for each player.
