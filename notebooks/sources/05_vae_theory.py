# %% [markdown]
# # 5 · Why a VAE works: theory you can run
#
# A variational autoencoder is a pair of small networks and two pages of mathematics. Here every line of the mathematics runs, and every equation is held against numbers.
#
# **You will**
#
# - see what noise in the code does to the space between two pictures, and why the noise needs a guard,
# - build a distribution out of infinitely many Gaussians with a network,
# - derive the bound that a VAE climbs, and close its gap with two sliders,
# - compare two ways to send a gradient through a random number, and meet the classic scaling mistake,
# - see what a label changes (the conditional VAE), where every loss that compares pixels fails, and how two networks that play against each other get around it.
#
# **You need** Lessons 1 to 4, and from school: the logarithm, the integral as an area, mean and variance, and the bell curve.
#
# **Time** About 130 minutes to read, with the exercises. All cells together run in about 35 seconds on two slow cores without a graphics card.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, interact
from torch import nn
from tqdm.auto import tqdm

from course_utils import data, plotting
from course_utils.device import seed_everything
from course_utils.lessons.checks import lesson_05 as checks
from course_utils.lessons.classifier import load_judge

plt.style.use(["default", "course_utils.course"])
SEED = 0
BLUE, RED, GREEN = "#0072B2", "#D55E00", "#009E73"

# %% tags=["nbval-ignore-output"]
# About this machine
_ = data.prepare("MNIST")
judge = load_judge(torch.device("cpu"))

# %% [markdown]
# The nets of this lesson are so small that a graphics card would only slow them down. Everything here runs on the CPU. The judge is the classifier of lesson 2. It has its say in section 9.

# %% [markdown]
# ## 1 · Two moons and the space between
#
# Lesson 4 ended with a disappointment. An autoencoder puts every picture back together, but codes drawn at random gave the same few shapes again and again, and between two codes the picture was often unclear. The smallest experiment that shows why has two pictures: a full moon and a half moon. We draw them ourselves, a disc of 16 by 16 pixels and the edge of a shadow.


# %%
def moon(edge, size=16):
    """Picture (size, size) in [-1, 1]. The shadow's edge: -2 full, 0 half, 1 new moon."""
    t = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(t, t, indexing="ij")
    width = (0.8**2 - y**2).clamp(min=0).sqrt()  # of the disc at height y
    disc = torch.sigmoid(30 * (0.8 - (x**2 + y**2).sqrt()))  # 1 inside, 0 outside, a soft edge
    light = torch.sigmoid(30 * (x - edge * width))
    return 2 * disc * light - 1


# %%
moons = torch.stack([moon(-2), moon(0)]).flatten(1)  # (2, 256)

# %% tags=["figure"]
fig = plotting.image_grid(
    torch.stack([moon(-2), moon(-0.5), moon(0)]), ["full", "?", "half"], columns=3
)
fig.set_size_inches(5, 2)
plotting.show(
    fig,
    alt="A full moon, a half moon, and between them, with a question mark, a moon that is three "
    "quarters full.",
)

# %% [markdown]
# The code shall be a single number $z$. The encoder sends the full moon to one place on the number line and the half moon to another. What does the decoder draw at the point halfway between? You may hope for the picture in the middle. But nobody has told the decoder anything about that point. It is a network with bends in it, and was trained at two places only.
#
# A **variational autoencoder** (VAE) changes one thing: it blurs the code. Its encoder gives two numbers for a picture, the mean $\mu$ and the **log-variance** $s = \log \sigma^2$ (in code `mu` and `logvar`). The decoder does not get $\mu$, but
#
# $$z = \mu + \sigma\,\varepsilon, \qquad \sigma = e^{s/2}, \qquad \varepsilon \sim \mathcal N(0, 1).$$
#
# $\mathcal N(0, 1)$ is the normal distribution with mean 0 and variance 1, the bell curve, also called a **Gaussian**, and $\sim$ reads "drawn from". Every time the picture comes by, its code lands somewhere else around $\mu$, and every time the decoder must draw the full moon. So a whole stretch of the number line comes to mean *full moon*, and another stretch *half moon*. (The network gives $s$ and not $\sigma$, because $s$ may be any number, and $e^{s/2}$ is then positive by itself.)


# %%
class MoonNet(nn.Module):
    """Pictures (batch, 256) -> pictures, by way of one number; with noise in it or without."""

    def __init__(self, noisy):
        super().__init__()
        self.noisy = noisy
        self.encoder = nn.Sequential(nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 2))
        hidden = [nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU()]
        self.decoder = nn.Sequential(*hidden, nn.Linear(64, 256), nn.Tanh())

    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=1)  # two columns, (batch, 1) each
        z = mu
        if self.noisy:
            z = mu + torch.exp(logvar / 2) * torch.randn_like(mu)
        return self.decoder(z), mu, logvar


# %% [markdown]
# The loss has two terms: the squared error of the picture, and a **guard** for the code,
#
# $$\text{loss} = 0.05\,\lVert x - \hat x\rVert^2 + \tfrac12\left(e^{s} - 1 - s + \mu^2\right).$$
#
# Take the guard on trust for a moment. Section 2 shows what it is for, and section 5 where it comes from. The factor 0.05 says how much the error counts against it. Section 5 explains that as well.


# %%
def guard(mu, logvar):  # (batch, codes) -> (batch,)
    return 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)


# %%
def train_moons(seed, noisy, guard_weight, num_steps=500, lr=3e-3):
    """Return a net, and the mean and log-variance of both moons at every step."""
    seed_everything(seed)
    net, history = MoonNet(noisy), []
    x = moons.repeat(32, 1) if noisy else moons  # each picture 32 times: 32 different noises
    optimizer = torch.optim.Adam(net.parameters(), lr=lr, fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, num_steps)
    for _ in range(num_steps):
        recon, mu, logvar = net(x)
        error = ((recon - x) ** 2).sum(dim=1)
        loss = (0.05 * error + guard_weight * guard(mu, logvar)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        history.append(torch.cat([mu[:2], logvar[:2]], dim=1).detach())
    return net, torch.stack(history)  # (steps, 2 moons, 2)


# %% [markdown]
# One run proves nothing where luck is involved. So train five of each kind, from five seeds.

# %%
plain, noisy = [], []
for seed in (progress := tqdm(range(SEED, SEED + 5))):
    plain.append(train_moons(seed, noisy=False, guard_weight=0)[0])
    noisy.append(train_moons(seed, noisy=True, guard_weight=1)[0])
    with torch.inference_mode():
        errors = [((net(moons)[0] - moons) ** 2).sum().item() for net in (plain[-1], noisy[-1])]
    progress.set_postfix(error=f"{errors[0]:.2f} and {errors[1]:.2f}")

# %% [markdown]
# Now walk from the code of the half moon to the code of the full moon (in the VAE: from mean to mean), and decode on the way. Compare the pictures in the middle.


# %%
def walk(net, steps):
    """Decode codes from the half moon (step 0) to the full moon (step 1): (len(steps), 256)."""
    with torch.inference_mode():
        full, half = net.encoder(moons)[:, :1]
        return net.decoder(half + steps[:, None] * (full - half))


# %% tags=["figure"]
steps = torch.linspace(0, 1, 9)
fig, axes = plt.subplots(5, 2, figsize=(11, 3.7))
for row, pair in zip(axes, zip(plain, noisy, strict=True), strict=True):
    for ax, net in zip(row, pair, strict=True):
        plotting.mosaic(walk(net, steps).reshape(-1, 16, 16), columns=9, ax=ax)
        ax.axvline(79.5 - 16 * 0.5, ymin=-0.06, ymax=1.06, color="#E69F00", linewidth=1)
axes[0, 0].set_title("autoencoder: five runs")
axes[0, 1].set_title("VAE: five runs")
plotting.show(
    fig,
    alt="Ten walks from half moon to full moon; a line marks the middle. The autoencoders turn "
    "over at different places, some early, some late. In the VAEs the right "
    "picture stands on a wide stretch at both ends, and the middle is half grey in all five.",
)

# %% [markdown]
# The two pictures differ only in the dark half. So measure there: 0 stands for the half moon, 1 for the full moon, and we take the share of the way between them for every picture of the walk.


# %%
def share_of_full(pictures):
    """How far each picture has come from the half moon (0) to the full moon (1)."""
    difference = moons[0] - moons[1]
    return (pictures - moons[1]) @ difference / (difference @ difference)


# %% tags=["figure"]
steps = torch.linspace(-0.3, 1.3, 161)
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True)
for ax, name, nets in zip(axes, ("autoencoder", "VAE"), (plain, noisy), strict=True):
    for net, dash in zip(nets, ("-", "--", "-.", ":", (0, (5, 1))), strict=True):
        ax.plot(steps, share_of_full(walk(net, steps)), linestyle=dash, linewidth=1.5)
    ax.plot([0, 1], [0, 1], "ks", markersize=7)
    ax.axvline(0.5, color="#B87A00", linewidth=1)
    ax.set(xlabel="place between the two codes", title=name)
axes[0].set_ylabel("share of the full moon")
plotting.show(
    fig,
    alt="Share of the full moon along the walk, five runs each. The autoencoders' curves lie far "
    "apart between the two squares that were trained. The VAEs' curves form one bundle: flat at "
    "both codes, and rising through one half in the middle.",
)

# %%
middle = {}
for name, nets in (("autoencoder", plain), ("VAE", noisy)):
    middle[name] = torch.cat([share_of_full(walk(net, torch.tensor([0.5]))) for net in nets])
for name, values in middle.items():
    print(f"{name:11} in the middle: from ≈ {values.min():.2f} to ≈ {values.max():.2f}")

# %% tags=["claim"]
# "The autoencoder's middle is a matter of luck. The VAE's is in between, in every run."
gaps = {name: (values - 0.5).abs() for name, values in middle.items()}
assert gaps["VAE"].max() < 0.25
assert gaps["autoencoder"].max() > gaps["VAE"].max()

# %% [markdown]
# The autoencoder's middle is a matter of luck. The VAE's is in between, in every run. And we can say exactly what it must be.
#
# A **density** says how thickly codes lie at a point $z$; the area under it is 1. Let $q_1(z)$ and $q_2(z)$ be the densities of the full and of the half moon's codes. Near $z$ a share $r(z) = q_1/(q_1 + q_2)$ of the codes belongs to the full moon, and the best decoder draws the weighted mean $r\,x_1 + (1 - r)\,x_2$ of the two pictures.
#
# <details><summary>Derivation: what the best decoder draws at a code that two pictures share</summary>
#
# Both pictures come by equally often. Look at the codes that fall near one point $z$. A share
#
# $$r(z) = \frac{q_1(z)}{q_1(z) + q_2(z)}$$
#
# of them belongs to the full moon $x_1$, the rest to the half moon $x_2$. The decoder must draw one picture $d$ for all of them. Its mean squared error there is
#
# $$r\,\lVert d - x_1\rVert^2 + (1 - r)\,\lVert d - x_2\rVert^2 .$$
#
# Take the derivative with respect to $d$ and set it to 0: $2r(d - x_1) + 2(1 - r)(d - x_2) = 0$. So
#
# $$d = r\,x_1 + (1 - r)\,x_2 .$$
#
# The best answer to a question with two right answers is their weighted mean. With a squared error it always is.
#
# </details>
#
# Here both densities are bell curves, so $r(z)$ is known from the encoder alone. (Divide top and bottom by $q_1$: $r = 1/(1 + q_2/q_1)$, which is the sigmoid of $\log q_1 - \log q_2$.) Here it is beside the decoder's own curve, for the first run:


# %%
def log_normal(x, mean, variance):
    """Logarithm of the density of a normal distribution at x."""
    return -0.5 * (torch.log(2 * torch.pi * variance) + (x - mean) ** 2 / variance)


# %%
def weighted_mean(net, steps):
    """The share r of the full moon at places between the two codes: (len(steps),)."""
    with torch.inference_mode():
        mu, logvar = net.encoder(moons).chunk(2, dim=1)  # (2, 1) each
    z = mu[1] + steps * (mu[0] - mu[1])
    full, half = log_normal(z, mu, logvar.exp())
    return torch.sigmoid(full - half)


# %%
steps = torch.linspace(0, 1, 101)
mismatch = [(weighted_mean(net, steps) - share_of_full(walk(net, steps))).abs() for net in noisy]
worst_mismatch = max(distance.max().item() for distance in mismatch)
print(f"largest distance from the theory, five runs ≈ {worst_mismatch:.2f}")

# %% tags=["figure"]
fig, ax = plt.subplots()
ax.plot(steps, share_of_full(walk(noisy[0], steps)), label="the VAE's decoder")
ax.plot(steps, weighted_mean(noisy[0], steps), "--", label="the weighted mean, from its encoder")
ax.set(xlabel="place between the two codes", ylabel="share of the full moon")
ax.legend()
plotting.show(
    fig,
    alt="The share of the full moon that the decoder draws, and the weighted mean that theory "
    "demands: two curves that rise together from zero to one.",
)

# %% tags=["claim"]
# "The decoder follows it roughly."
assert worst_mismatch < 0.35

# %% [markdown]
# The decoder follows it roughly. It is a smooth net after 500 steps and not the best possible decoder, so here its curve is less steep.
#
# Be honest about the picture in the middle. It is not the three-quarter moon that we hoped for. It is a half moon with a grey half added, the mean of the two. Noise fills the space between pictures with something sensible. It does not invent: with two pictures there is nothing else to draw. (With 60,000 the neighbours in the code are alike, and the mean of likes is again nearly a digit. Lesson 6 shows it.) Keep that in mind for section 9.

# %% [markdown]
# ## 2 · The net chooses its own noise
#
# The encoder learns its own noise: $s$ comes out of a network, and training moves it where the loss is smaller. Think before you look at the next picture.

# %% [markdown]
# ### Exercise 5.1 · predict: Noise without a guard
#
# Train the same VAE with the squared error alone, without the guard. What becomes of the learned variance $\sigma^2 = e^s$? `"a"`: it stays near 1. `"b"`: it grows. `"c"`: it shrinks towards 0.
#
# <details><summary>Hint</summary>
#
# The noise moves the code away from the place where the picture is drawn best. Does that ever lower the squared error?
#
# </details>

# %%
prediction = None  # your answer
checks.without_guard(prediction)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# prediction = "c"
# ```
#
# Once the decoder draws its picture well, noise only does harm. A student who may choose his own marks chooses the best. A net that may choose its own noise chooses none, and what is left is the autoencoder.
#
# </details>

# %%
_, unguarded = train_moons(SEED, noisy=True, guard_weight=0)
_, guarded = train_moons(SEED, noisy=True, guard_weight=1)

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8))
for name, run, dash in (("without guard", unguarded, "--"), ("with guard", guarded, "-")):
    axes[0].plot(run[:, :, 1].exp().mean(dim=1), dash, label=name)
    axes[1].plot((run[:, 0, 0] - run[:, 1, 0]).abs(), dash, label=name)
axes[0].set(xlabel="step", title="learned variance", yscale="log")
axes[1].set(xlabel="step", title="distance of the two means")
_ = [ax.legend() for ax in axes]
plotting.show(
    fig,
    alt="Left, on a logarithmic scale: both learned variances first go up and down; then the "
    "unguarded one sinks far below the guarded one. Right: without the guard the two means move "
    "far apart, with it they stay close.",
)

# %%
first, last = unguarded[0, :, 1].exp().mean().item(), unguarded[-1, :, 1].exp().mean().item()
print(f"variance without guard: ≈ {first:.3f} at first, ≈ {last:.3f} at the end")
print(f"variance with guard:    ≈ {guarded[-1, :, 1].exp().mean():.3f} at the end")

# %% tags=["claim"]
# "It shrinks the noise, and it moves the codes apart until the noise that is left no longer matters"
spread = [(run[-1, 0, 0] - run[-1, 1, 0]).abs().item() for run in (unguarded, guarded)]
assert last < 0.5 * first
assert last < 0.5 * guarded[-1, :, 1].exp().mean().item()
assert spread[0] > 1.5 * spread[1]
assert spread[0] > 20 * last**0.5

# %% [markdown]
# Without the guard the net escapes in two ways at once. It shrinks the noise, and it moves the codes apart until the noise that is left no longer matters: at the end their distance is tens of standard deviations. (While the decoder cannot draw yet, the noise may still grow. And it stops short of 0 only because the one-cycle rate comes to its end.)
#
# <details><summary>Derivation: why noise harms a decoder that has learned its picture</summary>
#
# Let $g(z)$ be what the decoder draws. Say training has come so far that $g(\mu) \approx x$, and treat $g$ as straight near $\mu$: $g(\mu + \sigma\varepsilon) \approx g(\mu) + \sigma\varepsilon\,g'(\mu)$. Put that into the squared error and take the mean over $\varepsilon$, which has mean 0 and variance 1. The mixed term vanishes, and
#
# $$\text{mean of } \lVert g(\mu + \sigma\varepsilon) - x\rVert^2 \;\approx\; \lVert g(\mu) - x\rVert^2 + \sigma^2\,\lVert g'(\mu)\rVert^2 .$$
#
# The second term is never negative, and grows with $\sigma^2$. Two things make it small: $\sigma \to 0$, or $g' \to 0$, a decoder that is flat around the code. The flatness is what we want. But nothing keeps $\sigma$ up, and moving the codes far apart buys flatness as well, without any overlap between the two pictures.
#
# </details>
#
# Now look at the guard, $\tfrac12(e^s - 1 - s + \mu^2)$, part by part.

# %% tags=["figure"]
s = torch.linspace(-3, 2, 201)
fig, ax = plt.subplots()
ax.plot(s, s.exp(), label="exp(s)")
ax.plot(s, 1 + s, "--", label="1 + s")
ax.plot(s, s.exp() - (1 + s), "-.", label="exp(s) − (1 + s)")
ax.plot(0, 0, "ko")
ax.annotate("minimum 0 at s = 0:\nvariance 1", (0, 0), (0.25, -1.4))
ax.set(xlabel="log-variance s", ylim=(-2.2, 5))
ax.legend(loc="upper left")
plotting.show(
    fig,
    alt="The curve exp(s), the straight line 1 + s that touches it at s = 0, and their difference, "
    "which is never negative and has its minimum, zero, at s = 0.",
)

# %% [markdown]
# - $e^s - (1 + s)$ has the slope $e^s - 1$. It is 0 at $s = 0$ only, negative to the left of it and positive to the right. So the minimum is at $s = 0$, its value is $1 - 1 - 0 = 0$, and there $\sigma^2 = e^0 = 1$. Small variances are expensive: the term grows like $-s$, without limit. Large ones are even more expensive.
# - $\mu^2$ is the L2 penalty that is often put on codes. It keeps them near 0, so that they cannot run away from the noise.
#
# ($s$ is the logarithm of the variance. You will find texts that call it $\sigma$. Then the formula looks wrong, and is not.)

# %% [markdown]
# So the guard has its minimum where $\mu = 0$ and $\sigma^2 = 1$, and asks every picture's code to look like $\mathcal N(0, 1)$. The squared error asks for the opposite. The VAE lives on the compromise.
#
# That is the intuition. But why this formula, and why added to a squared error? Both follow from one question: how probable does the model make the data? The rest of the lesson answers it.

# %% [markdown]
# ## 3 · A distribution out of Gaussians
#
# Every picture of 28 by 28 pixels is a point in a space of 784 dimensions. Digits are common in some places there and never seen in most others. A model of digits is a density $p(x)$: high where digits are. Draw points from it, and you have new digits.
#
# To see everything, let $x$ be a single number for now. One bell curve is too simple a density. But several can be stacked. In a **mixture of Gaussians** component $m$ is a normal distribution with mean $\mu_m$ and variance $\sigma_m^2$, and is used with probability $P(m)$:
#
# $$p(x) = \sum_m P(m)\,p(x\,|\,m), \qquad p(x\,|\,m) = \mathcal N(x;\ \mu_m, \sigma_m^2) = \frac{1}{\sqrt{2\pi\sigma_m^2}}\,e^{-\frac{(x - \mu_m)^2}{2\sigma_m^2}}$$
#
# Read $p(x\,|\,m)$ as "the density of $x$, given $m$". To draw an $x$ takes two steps: first draw the number $m$ of a component, then draw $x$ from that component.

# %%
WEIGHTS = torch.tensor([0.5, 0.2, 0.3])
MEANS = torch.tensor([-2.0, 0.5, 3.0])
SPREADS = torch.tensor([0.6, 0.4, 0.8])


# %%
def draw_mixture(n, generator):
    m = torch.multinomial(WEIGHTS, n, replacement=True, generator=generator)  # which Gaussian
    return MEANS[m] + SPREADS[m] * torch.randn(n, generator=generator)  # a point from it


# %%
def mixture_density(x):  # (n,) -> (n,)
    components = log_normal(x[:, None], MEANS, SPREADS**2).exp()  # (n, 3)
    return components @ WEIGHTS


# %%
generator = torch.Generator().manual_seed(SEED)
samples = draw_mixture(100_000, generator)
x_line = torch.linspace(-6, 8, 701)

# %% tags=["figure"]
fig, ax = plt.subplots()
grey = {"histtype": "stepfilled", "color": "lightgrey", "edgecolor": "grey"}
ax.hist(samples, bins=120, range=(-6, 8), density=True, label="two steps", **grey)
ax.plot(x_line, mixture_density(x_line), color="black", label="p(x)")
for weight, mean, spread, dash in zip(WEIGHTS, MEANS, SPREADS, ("--", "-.", ":"), strict=True):
    ax.plot(x_line, weight * log_normal(x_line, mean, spread**2).exp(), linestyle=dash)
ax.set(xlabel="x", ylabel="density")
ax.legend()
plotting.show(
    fig,
    alt="Three weighted bell curves, their sum with three peaks, and behind it the histogram of "
    "samples drawn in two steps, which follows the sum.",
)


# %% tags=["claim"]
# Samples drawn in two steps follow p(x): below every x lies the share that is the area, to 2 %.
density = mixture_density(x_line)
area = torch.cumulative_trapezoid(density, x_line)
below = torch.searchsorted(samples.sort().values, x_line[1:]) / len(samples)
assert (area - below).abs().max() < 0.02

# %% [markdown]
# A component is a drawer: every $x$ belongs to one of three. Handwriting does not come in drawers. It has a slant, a width, a boldness, all of them by degrees. So replace the number $m$ by a **latent** variable $z$ that may be any number (latent means hidden: the data shows $x$ only). Draw $z$ from $\mathcal N(0, 1)$, most of them ordinary, few of them extreme. Every $z$ has a Gaussian of its own, with mean $\mu(z)$ and standard deviation $\sigma(z)$. There are infinitely many of them, so nobody can write down a list. A network computes them:
#
# $$z \sim \mathcal N(0, 1), \qquad x\,|\,z \sim \mathcal N\!\left(\mu(z), \sigma(z)^2\right), \qquad p(x) = \int p(z)\,p(x\,|\,z)\,dz$$
#
# The sum has become an integral, the weights $P(m)$ the density $p(z)$. This network is the VAE's **decoder**.


# %%
class Decoder1D(nn.Module):
    """z of shape (n,) -> mean and standard deviation of x, (n,) each."""

    def __init__(self):
        super().__init__()
        hidden = [nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh()]
        self.layers = nn.Sequential(*hidden, nn.Linear(32, 2))

    def forward(self, z):
        mean, log_std = self.layers(3 * z[:, None]).unbind(dim=1)  # 3: steeper from the start
        return mean, log_std.exp()


# %% [markdown]
# With one dimension the integral is no problem: cut the $z$-axis into small steps, and add up. (In code we add up logarithms with the `logsumexp` of lesson 2, so that nothing is rounded to 0.)

# %%
z_line = torch.linspace(-4, 4, 201)
log_weights = log_normal(z_line, 0, torch.tensor(1.0)) + np.log(8 / 200)  # p(z) times the step


# %%
def log_density(decoder, x):
    """log p(x) for x of shape (n,), by numerical integration over z."""
    mean, std = decoder(z_line)
    return torch.logsumexp(log_weights + log_normal(x[:, None], mean, std**2), dim=1)


# %% [markdown]
# And with the integral at hand we can train: find the network that makes the data most probable, the largest mean of $\log p(x)$. This is called **maximum likelihood**. Lesson 2 did the same with the probabilities of labels: cross-entropy is minus the mean of their logarithms. Here a density takes the place of the probability. The data are 1,000 points from the mixture above, of which the network knows nothing.

# %%
seed_everything(SEED)
decoder = Decoder1D()
untrained = log_density(decoder, x_line).exp().detach()
points = draw_mixture(1000, generator)

# %%
optimizer = torch.optim.Adam(decoder.parameters(), lr=0.03, fused=True)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.03, 400)
for _ in (progress := tqdm(range(400))):
    loss = -log_density(decoder, points).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    progress.set_postfix(loss=f"{loss.item():.3f}", refresh=False)

# %%
with torch.inference_mode():
    density = log_density(decoder, x_line).exp()
    mean, std = decoder(z_line)
    at_random = decoder(torch.randn(100_000, generator=generator))
samples = at_random[0] + at_random[1] * torch.randn(100_000, generator=generator)

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(12, 4.4), sharey=True)
axes[0].plot(z_line, mean, label="μ(z)")
axes[0].fill_between(z_line, mean - std, mean + std, alpha=0.25, label="μ(z) ± σ(z)")
axes[0].plot(
    z_line, 4 * log_normal(z_line, 0, torch.tensor(1.0)).exp() - 6, "k:", label="p(z), not to scale"
)
axes[0].set(xlabel="z", ylabel="x", ylim=(-6, 8), title="One Gaussian for every z")
axes[1].hist(
    samples,
    120,
    range=(-6, 8),
    density=True,
    orientation="horizontal",
    label="drawn",
    **grey,
)
axes[1].plot(density, x_line, color=BLUE, label="p(x), trained")
axes[1].plot(untrained, x_line, "-.", color=RED, linewidth=1.5, label="p(x), untrained")
axes[1].plot(mixture_density(x_line), x_line, "k--", linewidth=1, label="where the data came from")
axes[1].set(xlabel="density", title="All of them together")
_ = [ax.legend() for ax in axes]
plotting.show(
    fig,
    alt="Left: mean and spread of x against z, with steps where one peak gives way to the next, "
    "and the bell curve of z below. Right, turned on its side: the trained density with its peaks, "
    "the histogram of drawn samples on it, the true density close by, the untrained one a lump.",
)

# %% tags=["claim"]
# "A single small network bends one bell curve into three peaks": trained, p(x) is near the truth
truth = mixture_density(x_line)
apart = [0.5 * torch.trapezoid((p - truth).abs(), x_line).item() for p in (density, untrained)]
assert apart[0] < 0.5 * apart[1]

# %% [markdown]
# A single small network bends one bell curve into three peaks. It lets $\mu(z)$ rest where $x$ is frequent and hurry where it is rare. (Not perfectly: 1,000 points and 400 steps leave a bump too many, and valleys that are too shallow.) So the Gaussians are no restriction: with a network behind them, $p(x)$ can take nearly any shape.
#
# Why not train a model of digits this way? The integral. Here 201 values of $z$ were enough. With 20 latent numbers the same grid has $201^{20}$ points. And nearly all of them are wasted: for a given picture $x$, hardly any $z$ makes $p(x\,|\,z)$ different from 0. We need to know which $z$ matter for this $x$.

# %% [markdown]
# ## 4 · The bound, and the gap
#
# Which $z$ may have produced this $x$? The answer is a density over $z$, the **posterior** (what one knows afterwards):
#
# $$p(z\,|\,x) = \frac{p(z)\,p(x\,|\,z)}{p(x)}$$
#
# Why this quotient? Draw many pairs in two steps. Pairs near $(z, x)$ come with density $p(z)\,p(x\,|\,z)$. All pairs near this $x$, whatever their $z$, come with density $\int p(z)\,p(x\,|\,z)\,dz = p(x)$. The share of $z$ among them is the quotient. This is **Bayes' rule**, and the $r(z)$ of section 1 was such a share.
#
# It needs $p(x)$, the very thing that we cannot compute. So let a second network guess it: given $x$, it names a mean and a log-variance for $z$. Call its guess $q(z\,|\,x)$. This is the VAE's **encoder**.
#
# How far off is the guess? The **Kullback-Leibler divergence** measures how different two densities are:
#
# $$\mathrm{KL}\bigl(q \,\Vert\, p\bigr) = \int q(z) \log \frac{q(z)}{p(z)}\,dz$$
#
# It is 0 if the two are the same, and positive otherwise. But it is no distance: swap the two, and the number changes. $q$ stands first because $q$ is what we can draw from.
#
# <details><summary>Derivation: the divergence is never negative</summary>
#
# Section 2 showed $e^s \ge 1 + s$, for every $s$. Put $s = \log u$: then $u \ge 1 + \log u$, that is $\log u \le u - 1$, with equality for $u = 1$ only. Now
#
# $$-\mathrm{KL}(q\,\Vert\,p) = \int q \log\frac{p}{q}\,dz \;\le\; \int q\left(\frac{p}{q} - 1\right)dz = \int p\,dz - \int q\,dz = 1 - 1 = 0 .$$
#
# So $\mathrm{KL} \ge 0$, and it is 0 only if $p/q = 1$ wherever $q$ is. The curve of the guard and this inequality are the same fact.
#
# </details>
#
# Now the equation on which everything rests. For **any** density $q$ over $z$, whether it depends on $x$ or not,
#
# $$\boxed{\;\log p(x) = L_b + \mathrm{KL}\bigl(q(z\,|\,x)\,\Vert\,p(z\,|\,x)\bigr), \qquad L_b = \int q(z\,|\,x)\,\log\frac{p(x\,|\,z)\,p(z)}{q(z\,|\,x)}\,dz\;}$$
#
# <details><summary>Derivation: five lines</summary>
#
# Write $q$ for $q(z\,|\,x)$. The number $\log p(x)$ does not depend on $z$, and the area under $q$ is 1. So
#
# $$\log p(x) = \log p(x) \int q\,dz = \int q\,\log p(x)\,dz .$$
#
# By the definition of the posterior, $p(x) = p(x\,|\,z)\,p(z)\,/\,p(z\,|\,x)$, for every $z$:
#
# $$= \int q\,\log\frac{p(x\,|\,z)\,p(z)}{p(z\,|\,x)}\,dz .$$
#
# Multiply and divide by $q$, and split the logarithm of the product:
#
# $$= \int q\,\log\left(\frac{p(x\,|\,z)\,p(z)}{q}\cdot\frac{q}{p(z\,|\,x)}\right)dz = \underbrace{\int q\,\log\frac{p(x\,|\,z)\,p(z)}{q}\,dz}_{L_b} + \underbrace{\int q\,\log\frac{q}{p(z\,|\,x)}\,dz}_{\mathrm{KL}(q\,\Vert\,p(z|x))} .$$
#
# Nothing was assumed about $q$, and nothing was approximated.
#
# </details>
#
# The divergence is never negative, so $L_b \le \log p(x)$: $L_b$ is a **lower bound**, and the divergence is the gap between the two. It is also called the **ELBO**, the evidence lower bound ($p(x)$ is the *evidence* for the model). And it contains only things that we have: the decoder $p(x\,|\,z)$, the bell curve $p(z)$, and our own guess $q$.

# %% [markdown]
# ### A model in which everything is known
#
# From here on $\mathbb E_q[\dots]$ stands for the mean over $z$ drawn from $q$, the **expected value**: $\mathbb E_q[f(z)] = \int q(z)\,f(z)\,dz$. In the same way $\mathbb E_\varepsilon$ is the mean over $\varepsilon$.
#
# To check the equation to the last digit we need a model whose integral can be done by hand. Take a decoder that is a straight line:
#
# $$z \sim \mathcal N(0, 1), \qquad x\,|\,z \sim \mathcal N(w z + b,\ \sigma_x^2)$$
#
# So $x = wz + b + \text{noise}$ adds two independent, normally distributed **numbers** and a constant. Such a sum is normally distributed again (a theorem that we borrow), and means and variances add up: $p(x) = \mathcal N(x;\ b,\ w^2 + \sigma_x^2)$. (This is not the mixture of section 3, where the *curves* were added.) The posterior is a bell curve too, with
#
# $$\text{variance } v^* = \frac{1}{1 + w^2/\sigma_x^2}, \qquad \text{mean } m^* = v^*\,\frac{w\,(x - b)}{\sigma_x^2} .$$
#
# <details><summary>Derivation: the posterior, and L_b for any Gaussian q</summary>
#
# **Posterior.** $p(z\,|\,x)$ is proportional to $p(z)\,p(x\,|\,z)$, as a function of $z$. The logarithm of that product is
#
# $$-\frac{z^2}{2} - \frac{(x - wz - b)^2}{2\sigma_x^2} + \text{const} = -\frac12\left(1 + \frac{w^2}{\sigma_x^2}\right)z^2 + \frac{w\,(x - b)}{\sigma_x^2}\,z + \text{const} .$$
#
# For a bell curve with mean $m^*$ and variance $v^*$ it would be $-\frac{1}{2v^*}z^2 + \frac{m^*}{v^*}z + \text{const}$. Compare the numbers before $z^2$ and before $z$.
#
# **Bound.** Let $q = \mathcal N(m, v)$. Then $\mathbb E_q[z] = m$ and $\mathbb E_q[z^2] = m^2 + v$. Split $L_b$ into three means:
#
# $$\mathbb E_q \log p(x\,|\,z) = -\tfrac12\log(2\pi\sigma_x^2) - \frac{\mathbb E_q (x - b - wz)^2}{2\sigma_x^2} = -\tfrac12\log(2\pi\sigma_x^2) - \frac{(x - b - wm)^2 + w^2 v}{2\sigma_x^2}$$
#
# $$\mathbb E_q \log p(z) = -\tfrac12\log(2\pi) - \tfrac12(m^2 + v), \qquad \mathbb E_q \log q(z) = -\tfrac12\log(2\pi v) - \tfrac12$$
#
# $L_b$ is the first, plus the second, minus the third.
#
# </details>

# %%
W, B, VAR_X = (torch.tensor(value, dtype=torch.float64) for value in (2.0, 0.5, 1.0))


# %%
def log_evidence(x, w=W):
    return log_normal(x, B, w**2 + VAR_X)


def posterior(x, w=W):
    v = 1 / (1 + w**2 / VAR_X)
    return v * w * (x - B) / VAR_X, v  # mean, variance


# %%
def elbo(x, m, v, w=W):
    error = (x - B - w * m) ** 2 + w**2 * v
    likelihood = -0.5 * torch.log(2 * torch.pi * VAR_X) - error / (2 * VAR_X)
    log_prior = -0.5 * torch.log(2 * torch.pi * torch.ones_like(v)) - 0.5 * (m**2 + v)
    log_q = -0.5 * torch.log(2 * torch.pi * v) - 0.5
    return likelihood + log_prior - log_q  # three means over q


# %% [markdown]
# The gap has a formula of its own. For two bell curves
#
# $$\mathrm{KL}\bigl(\mathcal N(m, v)\,\Vert\,\mathcal N(m^*, v^*)\bigr) = \frac12\left(\log\frac{v^*}{v} + \frac{v + (m - m^*)^2}{v^*} - 1\right),$$
#
# for it is $\mathbb E_q \log q - \mathbb E_q \log p$. The first is $-\tfrac12\log(2\pi v) - \tfrac12$, as above. For the second, $\mathbb E_q (z - m^*)^2 = v + (m - m^*)^2$, so it is $-\tfrac12\log(2\pi v^*) - \frac{v + (m - m^*)^2}{2v^*}$. Note what the next cells compare. $\log p(x)$ comes from the theorem about sums, $L_b$ from three means, the gap from the divergence. And a fourth witness knows no formula at all: it adds up the definition of $L_b$ in small steps.


# %%
def gaussian_kl(m, v, m_other, v_other):
    return 0.5 * (torch.log(v_other / v) + (v + (m - m_other) ** 2) / v_other - 1)


# %%
def elbo_by_definition(x, m, v):
    z = m + v.sqrt() * torch.linspace(-12, 12, 4001, dtype=torch.float64)
    log_q = log_normal(z, m, v)
    log_joint = log_normal(x, W * z + B, VAR_X) + log_normal(z, 0, torch.ones_like(v))
    return torch.trapezoid(log_q.exp() * (log_joint - log_q), z)


# %%
x = torch.tensor(2.5, dtype=torch.float64)
GUESSES = torch.tensor(  # mean and variance of q
    [[0.0, 1.0], [2.0, 0.5], [-1.0, 3.0], [0.8, 0.05], [0.8, 0.2]], dtype=torch.float64
)

# %%
print("  q: mean, variance  L_b by adding up     L_b         gap         L_b + gap")
for m, v in GUESSES:
    bound, gap = elbo(x, m, v), gaussian_kl(m, v, *posterior(x))
    print(f"  {m:9.2f}  {v:6.2f}  {elbo_by_definition(x, m, v):16.6f}", end="")
    print(f"  {bound:11.6f} {gap:11.6f} {bound + gap:11.6f}")
print(f"  {'log p(x)':60} {log_evidence(x):11.6f}")

# %% tags=["claim"]
# "The last column does not move, whatever q is": to rounding.
for m, v in GUESSES:
    gap = gaussian_kl(m, v, *posterior(x))
    assert abs(elbo(x, m, v) + gap - log_evidence(x)) < 1e-12
    assert abs(elbo_by_definition(x, m, v) - elbo(x, m, v)) < 1e-6

# %% [markdown]
# The last column does not move, whatever $q$ is. The last guess is the posterior itself: there the gap is 0.
#
# ### Close the gap
#
# Move the two sliders, $q$'s mean and its log-variance. On the left you see $q$ and the posterior, on the right $\log p(x)$ as a sum. The blue bar ends at $L_b$ (it begins at $-10$ only because a bar must begin somewhere), the hatched piece is the gap, and the black line is $\log p(x)$. Get the gap below 0.001. Watch the line: it does not move.


# %% tags=["figure"]
def draw_gap(axes, m, logvar):
    m, v = (torch.tensor(value, dtype=torch.float64) for value in (m, np.exp(logvar)))
    z = torch.linspace(-3, 4, 400, dtype=torch.float64)
    axes[0].plot(z, log_normal(z, *posterior(x)).exp(), label="posterior")
    axes[0].plot(z, log_normal(z, m, v).exp(), "--", label="q")
    axes[0].set(xlabel="z", ylim=(0, 2), ylabel="density")
    axes[0].legend()
    bound, total = elbo(x, m, v).item(), log_evidence(x).item()
    level = max(bound, -10)  # the picture begins at -10
    axes[1].barh(0, level + 10, left=-10, color=BLUE)
    axes[1].barh(0, total - level, left=level, color="white", edgecolor=RED, hatch="//")
    axes[1].axvline(total, color="black")
    axes[1].text(total + 0.1, 0.65, f"log p(x) {total:.3f}", va="top")
    axes[1].set(xlim=(-10, 1.5), ylim=(-0.6, 0.7), yticks=[])
    axes[1].set(title=f"L_b {bound:.3f} · gap {total - bound:.4f}")


# %% tags=["figure", "nbval-ignore-output"]
def close_the_gap(mean, logvar):
    fig, axes = plt.subplots(1, 2, figsize=(11, 3))
    draw_gap(axes, mean, logvar)
    plotting.show(fig, alt=f"q with mean {mean:.2f} and log-variance {logvar:.2f}; bound and gap.")


_ = interact(
    close_the_gap,
    mean=FloatSlider(0, min=-1, max=2, step=0.01, continuous_update=False),
    logvar=FloatSlider(0, min=-4, max=1, step=0.01, continuous_update=False),
)

# %% [markdown]
# The same in a picture that stands still: each slider alone, with the other one at its best place.

# %%
m_best, v_best = posterior(x)
m_line = torch.linspace(-1, 2, 301, dtype=torch.float64)
s_line = torch.linspace(-4, 1, 501, dtype=torch.float64)
over_mean, over_logvar = elbo(x, m_line, v_best), elbo(x, m_best, s_line.exp())

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8))
for ax, line, bound, name in (
    (axes[0], m_line, over_mean, "q's mean"),
    (axes[1], s_line, over_logvar, "q's log-variance"),
):
    ax.axhline(log_evidence(x), color="black", linestyle="--", label="log p(x)")
    ax.plot(line, bound, color=BLUE, label="L_b")
    ax.fill_between(line, bound, log_evidence(x), color=RED, alpha=0.2, label="gap")
    ax.set(xlabel=name, ylim=(-4.5, -1.8))
    ax.legend(loc="lower center")
plotting.show(
    fig,
    alt="The bound against the mean of q and against its log-variance: two hills below the "
    "constant line log p(x), each touching it at one point, the posterior's value.",
)

# %% tags=["claim"]
# Each hill touches the line at one point, "the posterior's value".
assert abs(m_line[over_mean.argmax()] - m_best) < 0.006
assert abs(s_line[over_logvar.argmax()] - v_best.log()) < 0.006
assert (torch.cat([over_mean, over_logvar]) < log_evidence(x) + 1e-12).all()

# %% [markdown]
# ### Exercise 5.2 · experiment: Another point
#
# The same model ($w = 2$, $b = 0.5$, $\sigma_x^2 = 1$), but now $x = -1$. Find a mean and a log-variance for $q$ with which the gap is below 0.005.
#
# <details><summary>Hint</summary>
#
# Try values in a cell of your own: `elbo(torch.tensor(-1.0), torch.tensor(mean), torch.tensor(logvar).exp())` against `log_evidence(torch.tensor(-1.0))`. Or compute the posterior by its formula. Does its variance depend on $x$?
#
# </details>

# %%
mean, logvar = None, None  # your numbers
checks.another_point(mean, logvar)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# mean, logvar = -0.6, -1.6
# ```
#
# The posterior's variance is $1/(1 + 4) = 0.2$ for every $x$, and its logarithm is $-1.609$. The mean is $0.2 \cdot 2 \cdot (-1.5) = -0.6$. The decoder alone would say $-0.75$, for that is the $z$ with $wz + b = x$. The bell curve $p(z)$ pulls it towards 0.
#
# </details>

# %% [markdown]
# ### What raising the bound does
#
# $\log p(x)$ depends on the decoder, and not on $q$. So there are two ways to raise $L_b$, and they do different things:
#
# - over $q$, with the decoder fixed: the sum stays, so the gap shrinks by just what $L_b$ gains;
# - over the decoder, with $q$ fixed: $L_b$ rises, and if the gap was 0 before, $\log p(x)$ must rise at least as much, because $L_b$ can never get above it.
#
# Take the two in turns. The data are 500 numbers from the model with $w = 2$, and we start at $w = 0.5$. Let $m_i$ be the posterior's mean for the point $x_i$. For fixed $q$ the bound is a parabola in $w$, with its top at $w = \sum_i (x_i - b)\,m_i \big/ \sum_i (m_i^2 + v)$. (Set the derivative of $\sum_i (x_i - b - wm_i)^2 + w^2v$ to 0.)

# %%
generator = torch.Generator().manual_seed(SEED)
xs = B + W * torch.randn(500, generator=generator, dtype=torch.float64)
xs = xs + VAR_X.sqrt() * torch.randn(500, generator=generator, dtype=torch.float64)


# %%
def mean_bound(w, m, v):
    return elbo(xs, m, v, w=w).mean().item()


# %%
w, climb = torch.tensor(0.5, dtype=torch.float64), []
for _ in range(30):
    m, v = posterior(xs, w)  # raise the bound over q: the gap closes
    w_next = ((xs - B) * m).sum() / (m**2 + v).sum()  # raise it over the decoder
    climb.append((w, m, v, log_evidence(xs, w).mean().item()))
    w = w_next
print("log p(x), mean over the data: " + ", ".join(f"≈ {step[3]:.3f}" for step in climb[:4]))

# %%
w_line = torch.linspace(0, 3.2, 161, dtype=torch.float64)
likelihood = torch.stack([log_evidence(xs, w).mean() for w in w_line])

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 4.4))
ax.plot(w_line, likelihood, color="black", label="mean of log p(x)")
for (w, m, v, value), dash in zip(climb[:3], ("--", "-.", ":"), strict=False):
    ax.plot(w_line, [mean_bound(w_other, m, v) for w_other in w_line], dash, color=BLUE)
    ax.plot(w, value, "o", color=RED)
ax.plot([], [], "--", color=BLUE, label="L_b, q fixed where it touches")
ax.set(xlabel="the decoder's w", ylim=(-3.6, -1.9))
ax.legend(loc="upper left")
plotting.show(
    fig,
    alt="The mean of log p(x) against the decoder's w, and three bounds below it. Each touches it "
    "at one dot and has its top further right; the next dot stands above that top.",
)

# %% tags=["claim"]
# "he walks to the top of the bound, and is certain to stand higher on the true curve"
for w, m, v, value in climb[:3]:
    bounds = np.array([mean_bound(w_other, m, v) for w_other in w_line])
    assert abs(mean_bound(w, m, v) - value) < 1e-9
    assert (bounds <= likelihood.numpy() + 1e-9).all()
assert (np.diff([step[3] for step in climb]) > -1e-12).all()

# %% [markdown]
# Read it as a climber in fog. The curve is $\log p(x)$, which he cannot see. He sees only the bound. Standing at a dot, where the two touch, he walks to the top of the bound, and is certain to stand higher on the true curve.
#
# The condition matters. If $q$ is bad, a higher bound may come with a **lower** likelihood. Take the laziest guess, $q = \mathcal N(0, 1)$ for every $x$, and improve the decoder as far as this bound allows:

# %%
lazy = torch.zeros_like(xs), torch.tensor(1.0, dtype=torch.float64)
start, end = torch.tensor([0.5, 0.0], dtype=torch.float64)  # all m are 0: the top is at w = 0
print(f"L_b:      ≈ {mean_bound(start, *lazy):.3f} -> ≈ {mean_bound(end, *lazy):.3f}")
before, after = log_evidence(xs, start).mean().item(), log_evidence(xs, end).mean().item()
print(f"log p(x): ≈ {before:.3f} -> ≈ {after:.3f}")

# %% tags=["claim"]
# "If q is bad, a higher bound may come with a lower likelihood."
assert mean_bound(end, *lazy) > mean_bound(start, *lazy)
assert after < before

# %% [markdown]
# The decoder has learned $w = 0$, to ignore $z$, because $z$ told it nothing. This is **posterior collapse**. You will meet it again in section 7.
#
# A VAE raises the bound over both at once, by gradient descent on $-L_b$, with one encoder network that has to name a good $q$ for every picture.

# %% [markdown]
# ## 5 · The two terms of the loss
#
# The bound still looks unlike a loss. Split its logarithm:
#
# $$L_b = \int q(z\,|\,x)\,\log\frac{p(x\,|\,z)\,p(z)}{q(z\,|\,x)}\,dz = \underbrace{\int q(z\,|\,x)\,\log\frac{p(z)}{q(z\,|\,x)}\,dz}_{-\mathrm{KL}(q(z|x)\,\Vert\,p(z))} + \underbrace{\int q(z\,|\,x)\,\log p(x\,|\,z)\,dz}_{\mathbb E_q \log p(x|z)}$$
#
# The loss of a VAE is the bound with its sign turned round:
#
# $$-L_b = \mathrm{KL}\bigl(q(z\,|\,x)\,\Vert\,p(z)\bigr) + \mathbb E_q\bigl[-\log p(x\,|\,z)\bigr].$$
#
# Mind the two divergences. The **gap** is measured against the posterior $p(z\,|\,x)$, which is known in our straight-line model, but not for a decoder that is a network. This **term of the loss** is measured against the bell curve $p(z)$, called the **prior** (what one knows before), and has a formula.
#
# ### First term: the guard
#
# $$\mathrm{KL}\bigl(\mathcal N(\mu, \sigma^2)\,\Vert\,\mathcal N(0, 1)\bigr) = \tfrac12\left(\sigma^2 - 1 - \log\sigma^2 + \mu^2\right) = \tfrac12\left(e^s - 1 - s + \mu^2\right)$$
#
# That is the guard of section 1. With several latent numbers, independent of each other, it is summed over them.
#
# <details><summary>Derivation: the closed form</summary>
#
# $$\mathrm{KL}(q\,\Vert\,p) = \mathbb E_q\bigl[\log q(z) - \log p(z)\bigr]$$
#
# The logarithms of the two bell curves are
#
# $$\log q(z) = -\tfrac12\log(2\pi) - \tfrac12\log\sigma^2 - \frac{(z - \mu)^2}{2\sigma^2}, \qquad \log p(z) = -\tfrac12\log(2\pi) - \frac{z^2}{2} .$$
#
# In the difference the first terms cancel. Take the mean over $q$. By the definition of the variance $\mathbb E_q(z - \mu)^2 = \sigma^2$, and $\mathbb E_q z^2 = \mu^2 + \sigma^2$:
#
# $$\mathrm{KL} = -\tfrac12\log\sigma^2 - \tfrac12 + \tfrac12\left(\mu^2 + \sigma^2\right) = \tfrac12\left(\sigma^2 - 1 - \log\sigma^2 + \mu^2\right).$$
#
# For independent latent numbers $q$ and $p$ are products, their logarithms are sums, and so is the divergence.
#
# </details>
#
# Check it by the definition: draw many $z$ from $q$, and take the mean of $\log q(z) - \log p(z)$. Such a mean by drawing is called a **Monte Carlo** estimate. It has an error, and we can say how large: the standard deviation of the terms divided by $\sqrt n$, the **standard error**. The truth lies within three of them nearly always.


# %%
def monte_carlo_kl(mu, logvar, generator, n=200_000):
    """An estimate of KL(N(mu, exp(logvar)) || N(0, 1)), and its standard error."""
    variance = logvar.exp()
    z = mu + variance.sqrt() * torch.randn(n, generator=generator)
    terms = log_normal(z, mu, variance) - log_normal(z, 0, torch.tensor(1.0))
    return terms.mean().item(), terms.std().item() / n**0.5


# %%
generator = torch.Generator().manual_seed(SEED)
kl_errors = []
for mu, logvar in torch.tensor([[0.0, 0.0], [1.5, 0.0], [0.0, -3.0], [-1.0, 1.0]]):
    estimate, error = monte_carlo_kl(mu, logvar, generator)
    formula = guard(mu[None, None], logvar[None, None]).item()
    kl_errors.append((estimate - formula, error))
    print(f"mu {mu:4.1f}, logvar {logvar:4.1f}: formula {formula:.4f}", end="")
    print(f", Monte Carlo ≈ {estimate:.4f} ± ≈ {error:.4f}")

# %% tags=["claim"]
# "The truth lies within three of them nearly always": formula and estimate agree within five.
for error, standard_error in kl_errors:
    assert abs(error) <= 5 * standard_error + 1e-6

# %% [markdown]
# (± is one standard error. In the first row $q$ is the prior itself, so every single term is 0.)

# %% [markdown]
# ### Exercise 5.3 · code: The divergence of a batch
#
# Write the first term for a batch: `mu` and `logvar` have shape `(batch, latent)`, and the result has one number per picture, summed over its latent numbers. (You have read this line once, as `guard`. Write it from the formula, without looking back.)
#
# <details><summary>Hint</summary>
#
# The formula stands above. `logvar` is $s$. Which dimension holds the latent numbers?
#
# </details>


# %%
def kl_to_standard_normal(mu, logvar):
    """(batch, latent) twice -> (batch,)."""
    ...


checks.kl_to_standard_normal(kl_to_standard_normal)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def kl_to_standard_normal(mu, logvar):
#     """(batch, latent) twice -> (batch,)."""
#     return 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)
# ```
#
# The sum runs over the latent numbers, never the mean: the divergence of independent numbers adds up.
#
# </details>

# %% [markdown]
# ### Second term: the squared error
#
# $-\log p(x\,|\,z)$ asks how probable the picture $x$ is for a decoder that got $z$. Let the decoder name one mean per pixel, the picture $\hat x$ (in code `recon`), and let every one of the $D$ pixels have the same fixed variance $\sigma_x^2$. The pixels are independent given $z$, so the densities multiply and the logarithms add:
#
# $$-\log p(x\,|\,z) = \sum_{j=1}^{D}\left[\frac{(x_j - \hat x_j)^2}{2\sigma_x^2} + \tfrac12\log(2\pi\sigma_x^2)\right] = \frac{1}{2\sigma_x^2}\,\lVert x - \hat x\rVert^2 + \frac D2\log(2\pi\sigma_x^2)$$
#
# A squared error, times a number, plus a constant that no network can change. So the plain sum of squares is the case $2\sigma_x^2 = 1$: **whoever writes "summed squared error plus KL" has chosen a pixel variance of 1/2.** The constant is then $\frac D2\log\pi$. And the factor 0.05 of section 1 was $1/(2\sigma_x^2)$ with $\sigma_x^2 = 10$: there we declared the pixels to be very noisy, so that the two moons' codes would overlap.

# %%
generator = torch.Generator().manual_seed(SEED)
pictures, recon = torch.rand(2, 5, 784, generator=generator, dtype=torch.float64) * 2 - 1
squared_error = ((pictures - recon) ** 2).sum(dim=1)  # (5,)

# %%
for variance in torch.tensor([0.5, 1.0, 10.0], dtype=torch.float64):
    exact = -log_normal(pictures, recon, variance).sum(dim=1)
    constant = 784 / 2 * torch.log(2 * torch.pi * variance)
    ratio = ((exact - constant) / squared_error).mean()
    print(f"pixel variance {variance:4.1f}: the squared error counts {ratio:.4f} times", end="")
    print(f", and the constant is {constant:.2f}")
print(f"784/2 log pi = {784 / 2 * np.log(np.pi):.2f}")

# %% [markdown]
# Put together: an encoder names $\mu$ and $s$, a code is drawn, the decoder draws a picture, and the loss is the squared error plus the guard. That is the VAE of section 1. The intuition and the theory have arrived at the same formula.
#
# (The mean $\mathbb E_q$ is estimated by a single draw per picture and step, a Monte Carlo estimate with $n = 1$. It is right on average, and over many pictures and steps its errors cancel. Whether its *gradient* is right too is the question of section 6.)
#
# And the split itself, in the model where everything is known, for three of the guesses:

# %%
print("  KL to the prior   E_q log p(x|z)   second - first      L_b")
for m, v in GUESSES[:3]:
    first = gaussian_kl(m, v, torch.zeros_like(m), torch.ones_like(v))
    second = log_normal(x, W * m + B, VAR_X) - W**2 * v / (2 * VAR_X)
    print(f"  {first:15.6f} {second:16.6f} {second - first:16.6f} {elbo(x, m, v):11.6f}")

# %% [markdown]
# ## 6 · A gradient through a random number
#
# The second term is a mean over $z$ drawn from $q$, and $q$ depends on the numbers $\mu$ and $s$ that we want to learn. How does one take the derivative of a draw? Write $f(z) = \log p(x\,|\,z)$. There are two ways.
#
# **Score function.** Move the density, and keep the points where they fell. Since $\partial q/\partial\mu = q\,\partial\log q/\partial\mu$,
#
# $$\frac{\partial}{\partial\mu}\int q(z)\,f(z)\,dz = \int q(z)\,f(z)\,\frac{\partial \log q(z)}{\partial\mu}\,dz = \mathbb E_q\!\left[f(z)\,\frac{\partial\log q(z)}{\partial\mu}\right].$$
#
# It needs only values of $f$, no derivative. (The second factor is the **score**. For a bell curve it is $\partial\log q/\partial\mu = (z - \mu)/\sigma^2 = \varepsilon/\sigma$, and with respect to the log-variance $\partial\log q/\partial s = \tfrac12(\varepsilon^2 - 1)$.)
#
# **Reparameterisation.** Keep the noise fixed, and move the points. With $z = \mu + \sigma\varepsilon$ the randomness sits in $\varepsilon$, which depends on nothing, and the derivative goes inside:
#
# $$\frac{\partial}{\partial\mu}\,\mathbb E_\varepsilon\,f(\mu + \sigma\varepsilon) = \mathbb E_\varepsilon\left[f'(z)\right], \qquad \frac{\partial}{\partial s}\,\mathbb E_\varepsilon\,f(\mu + \sigma\varepsilon) = \mathbb E_\varepsilon\!\left[f'(z)\,\tfrac12\sigma\varepsilon\right].$$
#
# Both are **unbiased**: their mean over many draws is the true derivative. In our model the truth is known from the formula of section 4, $w(x - b - w\mu)/\sigma_x^2$ for the mean and $-w^2v/(2\sigma_x^2)$ for the log-variance, with $v = \sigma^2 = e^s$. What differs is how much a single draw scatters, and training sees one draw at a time.
#
# Autograd can deliver the estimates one by one: give every draw its own copy of `mu` and `logvar`, and look at the copies' gradients.


# %%
def estimates(kind, x, mu, logvar, n, generator):
    """n estimates of the derivatives with respect to (mu, logvar): (n, 2), two columns."""
    parameters = torch.tensor([mu, logvar], dtype=torch.float64).repeat(n, 1).requires_grad_()
    m, s = parameters.unbind(dim=1)
    z = m + torch.exp(s / 2) * torch.randn(n, generator=generator, dtype=torch.float64)
    if kind == "score function":
        z = z.detach()  # the points stay where they fell
    f = log_normal(x, W * z + B, VAR_X)
    if kind == "score function":
        f = f * log_normal(z, m, s.exp())  # its derivative is f times the score
    return torch.autograd.grad(f.sum(), parameters)[0]


# %%
x, mu, logvar = 2.5, 0.3, -1.0
exact = torch.tensor([W * (x - B - W * mu) / VAR_X, -(W**2) * np.exp(logvar) / (2 * VAR_X)])

# %%
generator = torch.Generator().manual_seed(SEED)
drawn = {
    kind: estimates(kind, x, mu, logvar, 100_000, generator)
    for kind in ("reparameterisation", "score function")
}

# %%
moments = {kind: (values.mean(dim=0), values.var(dim=0)) for kind, values in drawn.items()}
print(f"exact              {exact[0]:.3f} and {exact[1]:.3f}")
for kind, (mean, variance) in moments.items():
    print(f"{kind:18} ≈ {mean[0]:.3f} and ≈ {mean[1]:.3f}", end="")
    print(f", variances ≈ {variance[0]:.1f} and ≈ {variance[1]:.1f}")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8))
for ax, name, column in zip(axes, ("mean", "log-variance"), range(2), strict=True):
    for (kind, values), style in zip(drawn.items(), ("stepfilled", "step"), strict=True):
        limits = exact[column].item() - 20, exact[column].item() + 20
        ax.hist(
            values[:, column],
            160,
            range=limits,
            density=True,
            histtype=style,
            alpha=0.7,
            label=kind,
        )
    ax.axvline(exact[column], color="black", linestyle="--", label="exact")
    ax.set(xlabel=f"derivative with respect to the {name}", yscale="log")
axes[0].set_ylabel("density")
axes[1].legend(loc="upper right")
plotting.show(
    fig,
    alt="Histograms of single estimates of two derivatives on a logarithmic scale, cut off 20 to "
    "either side of the exact value. Left, for the mean: the reparameterised ones form a bell "
    "around it, those of the score function peak beside it. Right, for the log-variance: both are "
    "lopsided, the score function with a much heavier tail.",
)

# %% tags=["claim"]
# Both are right on average; "what differs is how much a single draw scatters"
for mean, variance in moments.values():
    assert ((mean - exact).abs() < 6 * (variance / 100_000).sqrt()).all()
assert (moments["score function"][1] > 1.5 * moments["reparameterisation"][1]).all()

# %% [markdown]
# With one latent number the score function already scatters much more. With more of them it gets worse. Let $f$ be a sum over $d$ latent numbers, and look at the derivative for the first one. The reparameterised gradient sees only its own term. The score function multiplies by the *whole* $f$, and the other terms are nothing but noise for it.

# %%
dimensions = [1, 2, 4, 8, 16, 32]
variances = {"reparameterisation": [], "score function": []}
for d in dimensions:
    epsilon = torch.randn(20_000, d, generator=generator, dtype=torch.float64)
    z = mu + np.exp(logvar / 2) * epsilon
    f = log_normal(x, W * z + B, VAR_X).sum(dim=1)
    slope = W * (x - B - W * z[:, 0]) / VAR_X
    variances["reparameterisation"].append(slope.var().item())
    variances["score function"].append((f * epsilon[:, 0] / np.exp(logvar / 2)).var().item())

# %% tags=["figure"]
fig, ax = plt.subplots()
for (name, values), style in zip(variances.items(), ("o-", "s--"), strict=True):
    ax.plot(dimensions, values, style, label=name)
ax.set(xlabel="latent numbers", ylabel="variance of one estimate", yscale="log")
ax.set_xscale("log", base=2)
ax.set_xticks(dimensions, dimensions)
ax.legend()
plotting.show(
    fig,
    alt="Variance of one estimate against the number of latent numbers, both axes logarithmic: "
    "flat for the reparameterisation, rising steeply for the score function.",
)

# %% tags=["claim"]
# "The reparameterised gradient sees only its own term. The score function multiplies by the whole f"
low, high = min(variances["reparameterisation"]), max(variances["reparameterisation"])
assert high < 1.5 * low
assert variances["score function"][-1] > 50 * variances["score function"][0]

# %% [markdown]
# This is why a VAE draws its code as $\mu + \sigma\varepsilon$ and not with a ready-made random function. (Where $f$ has no derivative, as in games, the score function is all there is. Much ingenuity then goes into calming it.)

# %% [markdown]
# ### Exercise 5.4 · code: Reparameterise
#
# Write the draw: `mu` and `logvar` of shape `(batch, latent)` become `z` of the same shape, with new noise at every call and for every number. Gradients must reach both. (It is one line of `MoonNet`. Write it from the formula, without looking back.)
#
# <details><summary>Hint</summary>
#
# The formula is the first one of section 1. $\sigma$ is the square root of the variance, and `logvar` is the variance's logarithm. `torch.randn_like` draws noise of a given shape.
#
# </details>


# %%
def reparameterise(mu, logvar):
    """(batch, latent) twice -> z, (batch, latent)."""
    ...


checks.reparameterise(reparameterise)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def reparameterise(mu, logvar):
#     """(batch, latent) twice -> z, (batch, latent)."""
#     return mu + torch.exp(logvar / 2) * torch.randn_like(mu)
# ```
#
# `exp(logvar)` is the variance, and `exp(logvar / 2)` the standard deviation. Both look plausible in a loss curve. The check draws many samples and measures their spread.
#
# </details>

# %% [markdown]
# ## 7 · The scaling mistake
#
# `nn.MSELoss()` averages. It divides the squared error by the number of pixels, and the bound knows nothing of that. Multiply the resulting loss by 784, which changes no minimum:
#
# $$\frac{1}{784}\lVert x - \hat x\rVert^2 + \mathrm{KL} \qquad\longrightarrow\qquad \lVert x - \hat x\rVert^2 + 784\,\mathrm{KL}$$
#
# The guard has become 784 times too heavy. In the language of section 5: $1/(2\sigma_x^2) = 1/784$, that is $\sigma_x^2 = 392$. We declare that a pixel scatters by $\sqrt{392} \approx 20$, on a scale from $-1$ to $1$. Seen from there all pictures are alike, and the code is not worth its price.
#
# When does a code pay? In the straight-line model we can tell. There $p(x)$ has the variance $w^2 + \sigma_x^2$, and the likelihood is largest when this equals the variance of the data. If the data's variance is below $\sigma_x^2$, no $w$ can reach it, and the best is $w = 0$: no code. With many pixels the same holds for every direction (Lucas et al., 2019): a latent number is used only if the variance of the data along some direction is above $\sigma_x^2$. The largest such variance is the largest eigenvalue of the covariance matrix (lesson 4, section 7). Here it is for MNIST.

# %%
images, _ = data.tensors(data.load("MNIST", train=True))
images = images[:10_000].flatten(1).clone()  # (10000, 784); the other 50,000 may go
centred = images - images.mean(dim=0)
largest = torch.linalg.eigvalsh(centred.T @ centred / len(images))[-1].item()
print(f"largest variance along any direction ≈ {largest:.0f}, pixel variances 0.5 and 392")

# %% [markdown]
# So we expect that the correct loss uses the code, and the averaged one does not. Train a small VAE both ways, and a third way that repairs the average: divide the KL by 784 as well.


# %%
class SmallVAE(nn.Module):
    """784 -> 8 latent numbers -> 784."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 16))
        self.decoder = nn.Sequential(nn.Linear(8, 128), nn.ReLU(), nn.Linear(128, 784), nn.Tanh())

    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=1)
        z = mu + torch.exp(logvar / 2) * torch.randn_like(mu)
        return self.decoder(z), mu, logvar


# %%
LOSSES = {
    "summed": lambda error, kl: error + kl,
    "averaged": lambda error, kl: error / 784 + kl,
    "both divided": lambda error, kl: error / 784 + kl / 784,
}


# %%
def train_small(loss_of, num_epochs=6, lr=4e-3):
    """Return a trained net, and its squared error and KL per image at every step."""
    seed_everything(SEED)
    net, history = SmallVAE(), []
    batches = data.batches(images, images, batch_size=128, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=lr, fused=True)
    total = num_epochs * len(batches)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total)
    for _ in range(num_epochs):
        for x, _ in batches:
            recon, mu, logvar = net(x)
            error, kl = ((recon - x) ** 2).sum(dim=1).mean(), guard(mu, logvar).mean()
            loss = loss_of(error, kl)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
            history.append((error.item(), kl.item()))
    return net, np.array(history)


# %%
small = {}
for name in (progress := tqdm(LOSSES)):
    small[name] = train_small(LOSSES[name])
    progress.set_postfix(loss=f"{small[name][1][-1].sum():.1f}")

# %%
mean_image_error = (centred**2).sum(dim=1).mean().item()
at_end = {name: history[-50:].mean(axis=0) for name, (_, history) in small.items()}
for name, (error, kl) in at_end.items():
    print(f"{name:13} squared error ≈ {error:.0f}, KL ≈ {kl:.2f}")
print(f"{'mean picture':13} squared error ≈ {mean_image_error:.0f}")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8))
for (name, (_, history)), dash in zip(small.items(), ("-", "--", ":"), strict=True):
    axes[0].plot(history[:, 0], dash, label=name)
    axes[1].plot(history[:, 1], dash, label=name)
axes[0].axhline(mean_image_error, color="grey", linewidth=1)
axes[0].text(470, mean_image_error + 40, "grey line: the mean picture", ha="right")
axes[0].set(xlabel="step", title="squared error per image", ylim=(0, 400))
axes[1].set(xlabel="step", title="KL per image")
axes[1].legend()
plotting.show(
    fig,
    alt="Squared error and KL per image through training. Summed and both divided, one curve on "
    "top of the other: the error falls, the KL shoots up, falls back and settles. Averaged: the "
    "KL is zero, and the error stops at a grey line, that of the mean picture.",
)

# %% tags=["figure"]
with torch.inference_mode():
    rows = [images[:8], *(net.decoder(net.encoder(images[:8])[:, :8]) for net, _ in small.values())]
fig, axes = plt.subplots(4, 1, figsize=(8, 4.6))
for ax, row, name in zip(axes, rows, ("pictures", *small), strict=True):
    plotting.mosaic(row, columns=8, ax=ax)
    ax.set_title(name, fontsize=10, fontweight="normal")
plotting.show(
    fig,
    alt="Eight digits and their reconstructions by three nets. Summed and both divided: blurred "
    "digits, some of them another digit than the original. Averaged: eight times the same grey "
    "smear.",
)

# %% tags=["claim"]
# "With the averaged error the KL is 0, and every picture comes out as the mean of all of them."
assert at_end["averaged"][1] < 0.1
assert abs(at_end["averaged"][0] / mean_image_error - 1) < 0.2
for name in ("summed", "both divided"):
    assert at_end[name][1] > 5
    assert at_end[name][0] < 0.8 * mean_image_error

# %% [markdown]
# With the averaged error the KL is 0, and every picture comes out as the mean of all of them. The encoder answers $\mathcal N(0, 1)$ whatever it sees, the decoder learns that the code is noise and ignores it: posterior collapse, as with the lazy $q$ of section 4. No error is raised, and the loss looks small and calm.
#
# Dividing both terms by 784 is harmless. The proportion is what counts. (Adam divides each gradient by its own size, so a common factor drops out, see lesson 3. Plain gradient descent would need a rate 784 times larger.) That even the correct loss turns some digits into others is no fault of its scale: the net has 8 latent numbers, and has seen 10,000 pictures six times. Lesson 6 does better, and turns this factor into a tool, under the name β.

# %% [markdown]
# ### Exercise 5.5 · find the bug: A loss that falls below zero
#
# A colleague is happy: his loss is negative and still falling. His pictures are rubbish. There are two faults in this function.
#
# ```python
# def vae_loss(recon, x, mu, logvar):
#     error = ((recon - x) ** 2).sum(dim=1)
#     kl = 0.5 * (1 + logvar - mu**2 - logvar.exp()).mean()
#     return (error + kl).mean()
# ```
#
# Mend it. It shall return one number that a gradient can flow through: the mean over the batch of (squared error summed over pixels, plus KL summed over latent numbers).
#
# <details><summary>Hint</summary>
#
# Compute `kl` for `mu = 2`, `logvar = 0`. May a divergence have this sign? Then count over what `mean()` averages.
#
# </details>


# %%
def mended_loss(recon, x, mu, logvar):
    """(batch, pixels) twice, (batch, latent) twice -> one number."""
    ...


checks.mended_loss(mended_loss)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def mended_loss(recon, x, mu, logvar):
#     """(batch, pixels) twice, (batch, latent) twice -> one number."""
#     error = ((recon - x) ** 2).sum(dim=1)
#     kl = 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)
#     return (error + kl).mean()
# ```
#
# With the wrong sign the guard becomes a reward for running away: the larger $\mu$, the lower the loss, without limit. `mean()` without a dimension averages over the latent numbers too, so with 20 of them the guard is 20 times too light.
#
# </details>

# %% [markdown]
# ### Exercise 5.6 · predict: In colour
#
# You leave MNIST for photographs of 64 by 64 pixels in three colours, and write `nn.functional.mse_loss(recon, x)` plus the KL, summed over the latent numbers and averaged over the batch. By which factor is the KL too heavy, compared with the summed squared error? (`mse_loss` averages over everything, the batch included.)
#
# <details><summary>Hint</summary>
#
# By how many numbers does the average divide the error of *one* picture? The batch is averaged in both terms.
#
# </details>

# %%
factor = None  # your number
checks.in_colour(factor)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# factor = 12288
# ```
#
# $3 \cdot 64 \cdot 64 = 12{,}288$ numbers per picture. Some recipes hide the mistake behind a small weight for the KL, found by trial on MNIST. On photographs that weight is 16 times too large again ($12{,}288 / 784 \approx 16$), for no visible reason.
#
# </details>

# %% [markdown]
# ## 8 · The conditional VAE
#
# Often we know something about the picture: which digit it is. A **conditional VAE** gives this label $y$ to both networks. The encoder need no longer store in $z$ which digit it was, and the decoder can be told which one to draw. What is left for $z$ is everything else: slant, width, boldness, the handwriting.


# %% tags=["figure"]
def box(ax, x, y, text, color="white"):
    style = {"boxstyle": "round,pad=0.4", "facecolor": color, "edgecolor": "black"}
    return ax.text(x, y, text, ha="center", va="center", fontsize=10, bbox=style)


def arrow(ax, start, end):  # from box to box
    edges = {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch()}
    style = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 1, "color": "black", **edges}
    ax.annotate("", end.get_position(), start.get_position(), arrowprops=style)


def draw_graph(ax, conditional):
    given = ", y" if conditional else ""
    x, z, recon = (box(ax, 2 * k, 1, name) for k, name in ((0, "x"), (2, "z"), (4, "recon")))
    encoder = box(ax, 2, 1, f"encoder\nq(z | x{given})", "#BFE3F5")
    decoder = box(ax, 6, 1, f"decoder\np(x | z{given})", "#BFE3F5")
    arrows = [(x, encoder), (encoder, z), (z, decoder), (decoder, recon)]
    arrows += [(box(ax, 4, 2.6, "noise ε", "#EEEEEE"), z)]
    ax.text(3.1, 1.15, "μ, s", ha="center", fontsize=10)
    if conditional:
        label = box(ax, 4, -0.2, "label y", "#F5D9A8")
        arrows += [(label, encoder), (label, decoder)]
    for start, end in arrows:
        arrow(ax, start, end)
    ax.set(xlim=(-0.8, 8.8), ylim=(-0.7, 3.1))
    ax.axis("off")


fig, axes = plt.subplots(1, 2, figsize=(13, 3))
for ax, conditional, title in zip(axes, (False, True), ("VAE", "conditional VAE"), strict=True):
    draw_graph(ax, conditional)
    ax.set_title(title)
plotting.show(
    fig,
    alt="Two graphs. VAE: x, encoder, z with noise, decoder, reconstruction in a row. Conditional "
    "VAE: the same row, and a label y with arrows to the encoder and to the decoder.",
)

# %% [markdown]
# In every formula a $y$ joins the given things. Nothing else changes:
#
# | part | VAE | conditional VAE |
# |---|---|---|
# | prior | $p(z)$ | $p(z)$, the same for every label |
# | decoder | $p(x\,\vert\,z)$ | $p(x\,\vert\,z, y)$ |
# | encoder | $q(z\,\vert\,x)$ | $q(z\,\vert\,x, y)$ |
# | likelihood | $p(x) = \int p(z)\,p(x\,\vert\,z)\,dz$ | $p(x\,\vert\,y) = \int p(z)\,p(x\,\vert\,z, y)\,dz$ |
# | the equation | $\log p(x) = L_b + \mathrm{KL}(q\,\Vert\,p(z\,\vert\,x))$ | $\log p(x\,\vert\,y) = L_b + \mathrm{KL}(q\,\Vert\,p(z\,\vert\,x, y))$ |
# | the bound | $-\mathrm{KL}(q(z\,\vert\,x)\,\Vert\,p(z)) + \mathbb E_q\log p(x\,\vert\,z)$ | $-\mathrm{KL}(q(z\,\vert\,x, y)\,\Vert\,p(z)) + \mathbb E_q\log p(x\,\vert\,z, y)$ |
# | to draw | $z \sim p(z)$, then decode | $z \sim p(z)$, choose $y$, then decode |
#
# The derivation of section 4 goes through with a $y$ behind every bar, because it never asked where the densities came from. The prior does not get the label: $z$ is to mean the same handwriting for every digit. (It could get it. Sohn et al. (2015) train a network for that too.)
#
# Check it in the straight model: the label chooses the decoder's constant, $b_y$, and leaves $w$ as it is. On the right stands the definition of $p(x\,|\,y)$, added up in small steps.

# %%
z, (m, v) = torch.linspace(-12, 12, 8001, dtype=torch.float64), GUESSES[1]
for label, constant in enumerate((-3.0, 0.5, 4.0)):  # b_y for y = 0, 1, 2
    same = x - constant + B  # a shift of b is a shift of x the other way
    total = elbo(same, m, v) + gaussian_kl(m, v, *posterior(same))
    joint = log_normal(z, 0, torch.ones_like(z)) + log_normal(x, W * z + constant, VAR_X)
    log_p = torch.trapezoid(joint.exp(), z).log()
    print(f"y = {label}: L_b + KL = {total:.6f}, log p(x|y) = {log_p:.6f}")

# %% [markdown]
# In lesson 6 a conditional VAE draws ten digits in one handwriting.

# %% [markdown]
# ## 9 · What is wrong with comparing pixels
#
# The squared error treats every pixel alike, and no pixel knows its neighbours. Take a real 7 and make two changes. The first makes its stroke a little bolder. The second keeps the stroke as thin as it was and lays a grey bar across its foot, just bright enough that the squared error comes out **equal**.

# %%
test_images, test_labels = data.tensors(data.load("MNIST", train=False))
sevens = test_images[test_labels == 7]  # (n, 1, 28, 28)


# %%
def bolder(x, amount=0.5):
    """Move every pixel towards its brightest neighbour."""
    brightest = nn.functional.max_pool2d(x, kernel_size=3, stride=1, padding=1)
    return x + amount * (brightest - x)


# %%
def with_bar(x, squared_error):
    """Brighten a bar at the foot by just this squared error for each picture, (n,)."""
    room = torch.zeros_like(x)
    room[:, :, 22:25, 4:24] = 1 - x[:, :, 22:25, 4:24]  # what is missing to white
    share = (squared_error / (room**2).flatten(1).sum(dim=1)).sqrt()
    return x + share[:, None, None, None] * room


# %%
bold = bolder(sevens)
errors = ((bold - sevens) ** 2).flatten(1).sum(dim=1)
barred = with_bar(sevens, errors)

# %% tags=["figure"]
fig = plotting.image_grid(
    torch.cat([sevens[:1], bold[:1], barred[:1]]), ["a 7", "bolder", "with a bar"], columns=3
)
fig.set_size_inches(6, 2.4)
plotting.show(
    fig,
    alt="A handwritten 7 three times: as it is, with a bolder stroke, and with a grey bar across "
    "its foot that no writer would make.",
)

# %%
same = ((barred - sevens) ** 2).flatten(1).sum(dim=1)
print(f"first 7: squared error ≈ {errors[0]:.1f} and ≈ {same[0]:.1f}")
print(f"no pixel leaves the range: {bool(barred.abs().max() <= 1.0001)}")

# %% [markdown]
# For the squared error the two are equally good. You see at once that one is a 7 from another pen, and the other a 7 that something happened to. The judge can only say which digit it reads. Here is how often it still reads a 7:

# %%
with torch.inference_mode():
    read = {
        name: (judge(x).argmax(dim=1) == 7).float().mean().item()
        for name, x in (("as they are", sevens), ("bolder", bold), ("with a bar", barred))
    }
for name, share in read.items():
    print(f"{name:11} ≈ {100 * share:.0f} % are read as a 7")

# %% tags=["claim"]
# "The judge reads nearly all of the bolder sevens, and loses more of the barred ones."
assert read["bolder"] > 0.85
assert 1 - read["with a bar"] > 1.5 * (1 - read["bolder"])

# %% [markdown]
# The judge reads nearly all of the bolder sevens, and loses more of the barred ones. A loss that compares pixels cannot tell a possible picture from an impossible one, as long as both are equally far from the one in the data. And where it is in doubt between several pictures it orders the mean of them, as with the two moons. The mean of many sharp sevens is a blurred one, and there is no blurred seven in the data. That is why the pictures of a VAE are soft: it was never asked to draw a picture that looks real, only to be near.

# %% [markdown]
# ## 10 · Hence adversaries
#
# What if the loss were not a formula, but somebody who looks?
#
# Think of a butterfly in a wood, and of a bird that eats it. The bird has learned one thing: leaves are brown, so what is colourful is food. Butterflies with a brown tint live longer, and after many generations they are all brown. Now the birds go hungry, except for those with sharper eyes, who notice that leaves have veins and butterflies have none. Then butterflies with lines on their wings survive. No butterfly has ever studied a leaf. All it knows about leaves it knows from being eaten. In the end there is an animal that folds its wings and is a leaf, down to the stalk, and a bird with excellent eyes.
#
# A **generative adversarial network** (GAN; Goodfellow et al., 2014) plays this game with two networks:
#
# - The **generator** is the butterfly. It has the form of a VAE's decoder: a random code goes in, a picture comes out. It never sees a real picture.
# - The **discriminator**, $D$ for short, is the bird. It gets a picture, real or generated, and answers with the probability that it is real. It is a classifier with two classes, and lesson 2 has shown how to train one.
#
# They take turns. The discriminator learns to tell the two kinds apart, with the generator held still. Then the generator learns to be taken for real, with the discriminator held still: generator and discriminator form one deep network, and the gradient runs back through the second into the first.
#
# ### Why one is frozen while the other learns
#
# Try both on the smallest pair there is. Real numbers lie around 2. The generator adds one learned number, `shift`, to its noise, and starts around $-1$. The discriminator is a sigmoid of a straight line that has just learned its part. Now it is the generator's turn, until the discriminator takes its numbers for real, with a mean probability of 0.9. We play this turn twice: first with the discriminator frozen, then with a discriminator that is trained along, for the generator's goal.


# %%
def trained_pair():
    """Return a generator's shift and a discriminator that tells its numbers from real ones."""
    seed_everything(SEED)
    shift, discriminator = nn.Parameter(torch.tensor(-1.0)), nn.Linear(1, 1)
    optimizer = torch.optim.Adam(discriminator.parameters(), lr=0.05)
    for _ in range(200):
        real, fake = 2 + 0.5 * torch.randn(64, 1), -1 + 0.5 * torch.randn(64, 1)
        logits = discriminator(torch.cat([real, fake]))
        labels = torch.cat([torch.ones_like(real), torch.zeros_like(fake)])
        loss = nn.functional.binary_cross_entropy_with_logits(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return shift, discriminator


# %%
def generators_turn(frozen):
    """Learn until the generated numbers pass for real; return where they lie then, and D."""
    shift, discriminator = trained_pair()
    learners = [shift] if frozen else [shift, *discriminator.parameters()]
    optimizer = torch.optim.Adam(learners, lr=0.05)
    for _ in range(500):
        logits = discriminator(shift + 0.5 * torch.randn(64, 1))
        if torch.sigmoid(logits).mean() > 0.9:
            break
        loss = nn.functional.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return shift.item(), discriminator


# %%
ends, players = {}, {}
for frozen in (True, False):
    ends[frozen], players[frozen] = generators_turn(frozen)

# %% tags=["figure"]
line = torch.linspace(-3, 4, 141)[:, None]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True)
for ax, frozen in zip(axes, (True, False), strict=True):
    with torch.inference_mode():
        ax.plot(line, torch.sigmoid(players[frozen](line)), color="black", label="D says: real")
    for center, name, style in ((2, "real", "--"), (ends[frozen], "generated", "-")):
        bell = log_normal(line, center, torch.tensor(0.25)).exp()
        ax.plot(line, bell, style, label=name)
    ax.set(xlabel="x", title="frozen" if frozen else "not frozen")
axes[0].set_ylabel("probability (D), density (the others)")
axes[1].legend(loc="upper left")
plotting.show(
    fig,
    alt="Left, discriminator frozen: the generated numbers have moved right to where it says real. "
    "Right, not frozen: they have moved less, because the "
    "curve of the discriminator has come to meet them.",
)

# %%
with torch.inference_mode():
    old = {name: torch.sigmoid(D(torch.tensor([-1.0]))).item() for name, D in players.items()}
for frozen, name in ((True, "frozen"), (False, "not frozen")):
    print(f"{name:10} the numbers lie around ≈ {ends[frozen]:.2f}", end="")
    print(f", and D takes a number at -1 for real with ≈ {100 * old[frozen]:.1f} %")

# %% tags=["claim"]
# "Frozen, the generator has to walk"; "not frozen, it stops earlier", D "has become mild"
assert ends[False] < ends[True]
assert old[False] > 2 * old[True]

# %% [markdown]
# Frozen, the discriminator's line is a map of what is real. The generator has to walk, up to where its numbers pass with 0.9 and its turn ends. Not frozen, it stops earlier. The rest was done by the discriminator, which has become mild: it now takes even the old numbers at $-1$ for real many times more often. Taken to its end, weights of 0 and a large bias call everything real, and the generator has learned nothing.
#
# ### Why no loss tells you how good a GAN is
#
# Lesson 1's loss said how far the line was from the points, and lesson 2's how wrong the digits. A GAN's loss says how the two players stand **to each other**. In the best of all cases the generated pictures cannot be told from real ones. The discriminator then answers 1/2, whatever it sees, and its loss, $-\log D(\text{real}) - \log\bigl(1 - D(\text{fake})\bigr)$, is $2\log 2$. (So the best discriminator against a perfect generator is one that cannot tell: 1/2 everywhere.) In the worst case the generator draws rubbish, but the discriminator is blind and answers 1/2 all the same:

# %%
blind = nn.Linear(1, 1)
_ = [nn.init.zeros_(parameter) for parameter in blind.parameters()]
real, rubbish = torch.full((8, 1), 2.0), torch.full((8, 1), -100.0)
for name, fake in (("perfect generator, best possible D", real), ("rubbish, blind D", rubbish)):
    logits = blind(real), blind(fake)
    ones, zeros = torch.ones(8, 1), torch.zeros(8, 1)
    loss = sum(map(nn.functional.binary_cross_entropy_with_logits, logits, (ones, zeros)))
    print(f"{name:34} loss {loss.item():.4f}")

# %% [markdown]
# Of course: both discriminators are the same function. The loss sees only their answers, and cannot know why they are 1/2. A falling loss of one player may mean that it got better, or that the other got worse. So whoever trains a GAN looks at pictures all the time, and keeps both players well matched. Lesson 7 plays the game in one dimension, where everything can be watched. Lessons 8 and 9 play it with digits, and lesson 9 ends with a score that does tell.

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | squared error averaged over pixels, KL summed | the KL sinks to 0, and all pictures come out as one grey smear (section 7) | sum both, or divide both by the same number |
# | KL with the wrong sign | a loss that falls below 0 and never stops | try it on `mu = 2`, `logvar = 0`: it must be positive |
# | KL averaged over the latent numbers | sharp reconstructions, poor samples: the guard is too light | `sum(dim=1)`, then the mean over the batch |
# | `exp(logvar)` as the standard deviation | training runs, with noise of the wrong size | `exp(logvar / 2)`; measure the spread of many samples |
# | noise forgotten | an autoencoder with a penalty; samples from the prior are rubbish | draw `z`, and look at its spread |
# | `torch.normal(mu, sigma)` for the draw | the encoder gets no gradient from the reconstruction | $\mu + \sigma\varepsilon$ |
# | the bound taken for the likelihood | two models compared by numbers whose gaps differ | say "at least"; a tighter $q$ raises the bound and changes no model |
# | the gap taken for the KL of the loss | "the KL must go to 0", and the code dies | the gap is measured against the posterior, the loss against the prior |
# | a GAN judged by its loss | a calm curve and bad pictures | look at the pictures; measure them (lesson 9) |

# %% [markdown]
# ## What you can now do
#
# - Say what noise in the code is good for, and why it needs a guard.
# - Write $p(x)$ as infinitely many Gaussians, and say which integral stands in the way.
# - Derive the bound and its gap, and read both terms of a VAE's loss out of it.
# - Name the pixel variance behind a squared error, and spot a loss whose terms are out of proportion.
# - Explain why a VAE draws $\mu + \sigma\varepsilon$, what a label changes in it, and why its pictures are soft.
# - Say how two adversaries train each other, and why their losses do not tell how good the pictures are.
#
# Lesson 6 builds the VAE for digits, with the loss that you have derived here.

# %% [markdown]
# ## References
#
# - D. P. Kingma, M. Welling (2013). *Auto-Encoding Variational Bayes.* [arXiv:1312.6114](https://arxiv.org/abs/1312.6114)
# - D. J. Rezende, S. Mohamed, D. Wierstra (2014). *Stochastic Backpropagation and Approximate Inference in Deep Generative Models.* [arXiv:1401.4082](https://arxiv.org/abs/1401.4082)
# - C. Doersch (2016). *Tutorial on Variational Autoencoders.* [arXiv:1606.05908](https://arxiv.org/abs/1606.05908)
# - D. P. Kingma, D. J. Rezende, S. Mohamed, M. Welling (2014). *Semi-supervised Learning with Deep Generative Models.* [arXiv:1406.5298](https://arxiv.org/abs/1406.5298). A VAE with labels.
# - K. Sohn, H. Lee, X. Yan (2015). *Learning Structured Output Representation using Deep Conditional Generative Models.* NIPS 28. The conditional VAE.
# - R. J. Williams (1992). *Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning.* Machine Learning 8. [doi:10.1007/BF00992696](https://doi.org/10.1007/BF00992696). The score function.
# - J. Lucas, G. Tucker, R. Grosse, M. Norouzi (2019). *Don't Blame the ELBO! A Linear VAE Perspective on Posterior Collapse.* [arXiv:1911.02469](https://arxiv.org/abs/1911.02469)
# - I. J. Goodfellow et al. (2014). *Generative Adversarial Networks.* [arXiv:1406.2661](https://arxiv.org/abs/1406.2661)
