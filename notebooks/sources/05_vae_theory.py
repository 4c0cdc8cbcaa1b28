# %% [markdown]
# # 5 · Why a VAE works: theory you can run
#
# A variational autoencoder is a pair of small networks and two pages of mathematics. Here every line of the mathematics runs, and every equation is held against numbers.
#
# **You will**
#
# - see what noise in the code does to the space between two images, and what keeps the noise alive,
# - see Bayes' rule as dots in a stripe, and the KL divergence as an area,
# - derive the bound that a VAE climbs, say why it can be computed, and close its gap with two sliders,
# - read both terms of the VAE's loss out of that bound, and recognise the classic scaling mistake,
# - say what a squared error over pixels does to an image, and what it does not do.
#
# **You need** Lesson 4, the loop and Adam of lessons 1 to 3, and from school: the logarithm, the integral as an area, mean and variance, and the bell curve.
#
# **Time** Two evenings: about an hour for sections 1 to 4, and 90 minutes for sections 5 to 10, with the exercises. The derivations are folded, and not counted: you can follow the lesson by its numbers first, and come back with a pencil. *Going further* takes another 30 minutes. All cells together run in about 30 seconds on two slow cores without a graphics card.
#
# The line of thought, from the two moons over the mixtures to the bound, follows a lecture of Hung-yi Lee (see *References*).

# %%
# %matplotlib inline
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatSlider, interact
from matplotlib.patches import Circle
from torch import nn
from tqdm.auto import tqdm

from course_utils import data, plotting
from course_utils.device import seed_everything
from course_utils.lessons.checks import lesson_05 as checks

plt.style.use(["default", "course_utils.course"])
SEED = 0
BLUE, RED, GREEN = "#0072B2", "#D55E00", "#009E73"
GREY = {"histtype": "stepfilled", "color": "lightgrey", "edgecolor": "grey"}  # a histogram

# %% tags=["nbval-ignore-output"]
# About this machine
_ = data.prepare("MNIST")

# %% [markdown]
# The nets of this lesson are so small that a graphics card would only slow them down. Everything runs on the CPU.

# %% [markdown]
# ## 1 · What the theory is for
#
# Lesson 4 ended with an open question. An autoencoder gives every image a code, but it does not say how codes are distributed. Whoever wants to invent a digit must find that out afterwards. A **variational autoencoder** (VAE) turns the order round. It says first what codes are to be drawn from, a bell curve, and learns a decoder that makes digits out of just that.
#
# This is the whole of it in one drawing:


# %% tags=["figure"]
def box(ax, x, y, text, color="white"):
    style = {"boxstyle": "round,pad=0.45", "facecolor": color, "edgecolor": "black"}
    return ax.text(x, y, text, ha="center", va="center", fontsize=11, bbox=style)


def arrow(ax, start, end, **changes):  # from box to box
    edges = {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch()}
    style = {"arrowstyle": "-|>", "shrinkA": 0, "shrinkB": 1, "color": "black", **edges, **changes}
    ax.annotate("", end.get_position(), start.get_position(), arrowprops=style)


fig, ax = plt.subplots(figsize=(11, 3.4))
x = box(ax, 0, 1, "image\nx")
encoder = box(ax, 2, 1, "encoder\nq(z | x)", "#BFE3F5")
says = box(ax, 4, 1, "mean μ\nlog-variance s")
code = box(ax, 6, 1, "code\nz = μ + σ ε")
decoder = box(ax, 8, 1, "decoder\np(x | z)", "#BFE3F5")
drawn = box(ax, 10, 1, "image\nx̂")
noise = box(ax, 6, 2.3, "noise ε ~ N(0, 1)", "#EEEEEE")
row = [x, encoder, says, code, decoder, drawn]
for start, end in [*pairwise(row), (noise, code)]:
    arrow(ax, start, end)
kl_term = box(ax, 4, -0.5, "KL term: stay near N(0, 1)", "#F5D9A8")
error_term = box(ax, 8.4, -0.5, "squared error: x̂ like x", "#F5D9A8")
arrow(ax, says, kl_term, linestyle=":")
arrow(ax, drawn, error_term, linestyle=":")
ax.set(xlim=(-0.9, 10.9), ylim=(-0.9, 2.7))
ax.axis("off")
plotting.show(
    fig,
    alt="From left to right: an image x, the encoder, mean and log-variance, a code z with noise "
    "from above, the decoder, an image x-hat. Below, in orange, the two terms of the loss: the KL "
    "term at mean and log-variance, the squared error at x-hat.",
)

# %% [markdown]
# The encoder does not name one code. It names a mean $\mu$ and a **log-variance** $s = \log\sigma^2$ for each code number, and the decoder gets
#
# $$z = \mu + \sigma\,\varepsilon, \qquad \sigma = e^{s/2}, \qquad \varepsilon \sim \mathcal N(0, 1).$$
#
# $\mathcal N(0, 1)$ is the normal distribution with mean 0 and variance 1, the bell curve, also called a **Gaussian**, and $\sim$ reads "drawn from". (The network gives $s$ and not $\sigma$, because $s$ may be any number, and $e^{s/2}$ is then positive by itself.)


# %%
class VAE(nn.Module):
    """Images (batch, pixels) -> images, by way of a code; with noise in it or without."""

    def __init__(self, pixels, latent, noisy=True, hidden=128):
        super().__init__()
        self.noisy = noisy
        self.encoder = nn.Sequential(
            nn.Linear(pixels, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent)
        )
        layers = [nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU()]
        self.decoder = nn.Sequential(*layers, nn.Linear(hidden, pixels), nn.Tanh())

    def forward(self, x):
        mu, logvar = self.encoder(x).chunk(2, dim=1)  # (batch, latent) each
        z = mu + torch.exp(logvar / 2) * torch.randn_like(mu) if self.noisy else mu
        return self.decoder(z), mu, logvar


# %% [markdown]
# The loss has two terms: the squared error of the image, as in lesson 4, and a **KL term** for the code (the name will be explained in section 5),
#
# $$\text{loss} = \lVert x - \hat x\rVert^2 + \tfrac12\sum\left(e^{s} - 1 - s + \mu^2\right),$$
#
# with a sum over the code numbers. Where this formula comes from, and why just these two terms in just this proportion, is the subject of the lesson. For now take it on trust, and see what it does.


# %%
def kl_to_prior(mu, logvar):  # (batch, latent) -> (batch,)
    return 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)


# %%
def fit(net, images, error_weight=1.0, kl_weight=1.0, num_steps=800, lr=4e-3):
    """Train with random batches; return what was measured at every step."""
    names = ("error", "KL", "spread of the means", "noise")
    history = {name: [] for name in names}
    optimizer = torch.optim.Adam(net.parameters(), lr=lr, fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, num_steps, cycle_momentum=False)
    for _ in range(num_steps):
        x = images[torch.randint(len(images), (128,))]
        recon, mu, logvar = net(x)
        error = ((recon - x) ** 2).sum(dim=1).mean()
        kl = kl_to_prior(mu, logvar).mean()
        loss = error_weight * error + kl_weight * kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        measured = (error, kl, mu.std(dim=0).mean(), torch.exp(logvar / 2).mean())
        for name, value in zip(names, measured, strict=True):
            history[name].append(value.item())
    return history


# %% [markdown]
# Give it digits, and a code of two numbers only, so that all codes lie in a plane. `history` will be read later. (Training takes a few seconds.)

# %%
images, labels = data.tensors(data.load("MNIST", train=True))
images = images.flatten(1)  # (60000, 784)
seed_everything(SEED)
digits_vae = VAE(784, latent=2)
digits_history = fit(digits_vae, images)
print(f"squared error ≈ {digits_history['error'][-1]:.0f}, KL ≈ {digits_history['KL'][-1]:.1f}")

# %% [markdown]
# Now leave the encoder out. Draw two numbers from the bell curve, 100 times, and decode them. On the right the decoder has been asked for a whole map: each image stands where its code lies in the plane.

# %%
generator = torch.Generator().manual_seed(SEED)
with torch.inference_mode():
    invented = digits_vae.decoder(torch.randn(100, 2, generator=generator))
    ticks = torch.special.ndtri(torch.linspace(0.04, 0.96, 14))  # equal shares of the bell curve
    places = torch.cartesian_prod(ticks.flip(0), ticks).flip(1)  # row by row from the top
    atlas = digits_vae.decoder(places)

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 5))
plotting.mosaic(invented, columns=10, ax=axes[0], title="codes drawn at random")
plotting.mosaic(atlas, columns=14, ax=axes[1], title="the plane of codes")
plotting.show(
    fig,
    alt="Left: 100 images decoded from random codes, many of them legible digits, some smeared. "
    "Right: a map of 14 by 14 images, where each digit has a region of its own and turns into its "
    "neighbours without a jump.",
)

# %% [markdown]
# Nobody wrote these digits. Two numbers from a bell curve were enough, and wherever you step in the plane, something like a digit is drawn. It is not perfect: some places are smears between two digits. By the end of the lesson you will be able to derive the loss that made this map from one question, *how probable does the model make the data?* And you will know what the smears are.
#
# Here is who says what. Lesson 6 uses the same table. You do not need to understand each line yet; come back to it.
#
# | symbol | in code | what it is | who says it |
# |---|---|---|---|
# | $x$ | `x` | an image, $D$ numbers (in sections 3 to 6 a single number) | the data |
# | $z$ | `z` | the code, a *latent* variable | drawn |
# | $\mu$, $s = \log\sigma^2$ | `mu`, `logvar` | mean and log-variance of the code | the encoder, for each $x$ |
# | $\varepsilon$ | `torch.randn_like(mu)` | noise, $\mathcal N(0, 1)$ | chance |
# | $\hat x$ | `recon` | the decoded image | the decoder, for each $z$ |
# | $\sigma_x^2$ | | variance of a pixel around $\hat x$ | whoever writes the loss |
# | $p(z)$ | | the **prior**, $\mathcal N(0, 1)$ for each code number | chosen beforehand |
# | $p(x\,\vert\,z)$ | | the **likelihood** of $x$, given the code | the decoder |
# | $p(x)$ | | the **evidence** for the model: how probable it makes $x$ | an integral; nobody can do it |
# | $p(z\,\vert\,x)$ | | the **posterior**: which codes may have made this $x$ | Bayes' rule, with $p(x)$ in it |
# | $q(z\,\vert\,x)$ | | the **approximate posterior**, $\mathcal N(\mu, \sigma^2)$ | the encoder |
# | $L_b$ | | the **bound** (ELBO): lies below $\log p(x)$ | a mean over $q$; everybody can do it |

# %% [markdown]
# ## 2 · Two moons and the space between
#
# Why noise? The smallest experiment that shows it has two images: a full moon and a half moon, 16 by 16 pixels, a disc and the edge of a shadow.


# %%
def moon(edge, size=16):
    """Image (size, size) in [-1, 1]. The shadow's edge: -2 well outside, full; 0 half; 2 new."""
    t = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(t, t, indexing="ij")
    width = (1 - y**2).sqrt()  # of a circle a little larger than the disc, at height y
    disc = torch.sigmoid(30 * (0.8 - (x**2 + y**2).sqrt()))  # 1 inside, 0 outside, a soft edge
    light = torch.sigmoid(30 * (x - edge * width))
    return 2 * disc * light - 1


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
# The code shall be a single number $z$. The encoder sends the full moon to one place on the number line and the half moon to another. What does the decoder draw half-way? You may hope for the image in the middle. But nobody has told the decoder anything about that place.
#
# With noise, an image's code lands somewhere else around $\mu$ each time, and each time the decoder must draw the same moon. So a whole stretch of the line comes to mean *full moon*, and another one *half moon*.
#
# One run proves nothing where luck is involved, so train five autoencoders (no noise, no KL term) and five VAEs. The squared error counts 0.05 times here; section 7 will tell what that means.

# %%
plain, noisy = [], []
for seed in tqdm(range(SEED, SEED + 5)):
    for nets, is_noisy in ((plain, False), (noisy, True)):
        seed_everything(seed)
        nets.append(VAE(256, latent=1, noisy=is_noisy))
        fit(nets[-1], moons, 0.05, float(is_noisy), num_steps=300, lr=3e-3)


# %%
def walk(net, steps):
    """Decode codes from the half moon's mean (step 0) to the full moon's (step 1)."""
    with torch.inference_mode():
        full, half = net.encoder(moons)[:, :1]
        return net.decoder(half + steps[:, None] * (full - half))


# %% [markdown]
# Walk from the half moon to the full moon. Compare the images in the middle, on the orange line.

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
    "over at different places. The VAEs show the right image on a wide stretch at both ends, and "
    "a half moon with a grey half in the middle.",
)

# %% [markdown]
# The grey half is no failed training. It is the best answer there is, and we can say exactly why.
#
# A **density** says how thickly codes lie at a point $z$; the area under it is 1. Let $q_1(z)$ be the density of the full moon's codes and $q_2(z)$ that of the half moon's. Of the codes that fall near $z$ a share $r(z) = q_1/(q_1 + q_2)$ belongs to the full moon. The decoder must draw one image for all of them, and the one with the smallest squared error is their weighted **mean**, $r\,x_1 + (1 - r)\,x_2$.
#
# <details><summary>Derivation: the best image for a code that two images share</summary>
#
# Both images come by equally often. For the codes near $z$ the mean squared error of an image $d$ is
#
# $$r\,\lVert d - x_1\rVert^2 + (1 - r)\,\lVert d - x_2\rVert^2 .$$
#
# Take the derivative with respect to $d$ and set it to 0: $2r(d - x_1) + 2(1 - r)(d - x_2) = 0$. So
#
# $$d = r\,x_1 + (1 - r)\,x_2 .$$
#
# With more images that share a code the same happens with more terms: the best answer is always the mean of what cannot be told apart.
#
# </details>
#
# Both densities are bell curves with a known mean and variance, so $r(z)$ follows from the encoder alone. (Divide top and bottom by $q_1$: $r = 1/(1 + q_2/q_1)$, the sigmoid of $\log q_1 - \log q_2$.) Hold it against what the decoder draws. The images differ only in the dark half, so one number says how far an image has come: 0 is the half moon, 1 the full moon.


# %%
def log_normal(x, mean, variance):
    """Logarithm of a bell curve's density, exp(-(x - mean)² / (2 variance)) / sqrt(2π variance)."""
    return -0.5 * (torch.log(2 * torch.pi * variance) + (x - mean) ** 2 / variance)


# %%
def share_of_full(images):
    """How far each image has come from the half moon (0) to the full moon (1): a projection."""
    difference = moons[0] - moons[1]
    return (images - moons[1]) @ difference / (difference @ difference)


# %%
def weighted_mean(net, steps):
    """The share r of the full moon at places between the two codes: (len(steps),)."""
    with torch.inference_mode():
        mu, logvar = net.encoder(moons).chunk(2, dim=1)  # (2, 1) each
    z = mu[1] + steps * (mu[0] - mu[1])
    full, half = log_normal(z, mu, logvar.exp())
    return torch.sigmoid(full - half)


# %%
half_way, way = torch.tensor([0.5]), torch.linspace(0, 1, 101)
for name, nets in (("autoencoder", plain), ("VAE", noisy)):
    middle = torch.cat([share_of_full(walk(net, half_way)) for net in nets])
    print(f"{name:11} in the middle: from ≈ {middle.min():.2f} to ≈ {middle.max():.2f}")
misses = [(weighted_mean(net, way) - share_of_full(walk(net, way))).abs().max() for net in noisy]
print(f"VAE, largest distance from the weighted mean, five runs ≈ {max(misses):.2f}")

# %% tags=["figure"]
steps = torch.linspace(-0.3, 1.3, 161)
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True)
for ax, name, nets in zip(axes, ("autoencoder", "VAE"), (plain, noisy), strict=True):
    for net, dash in zip(nets, ("-", "--", "-.", ":", (0, (5, 1))), strict=True):
        ax.plot(steps, share_of_full(walk(net, steps)), linestyle=dash, linewidth=1.5)
    ax.plot([0, 1], [0, 1], "ks", markersize=7)
    ax.axvline(0.5, color="#B87A00", linewidth=1)
    ax.set(xlabel="place between the two codes", title=name)
axes[1].plot(
    steps, weighted_mean(noisy[0], steps), color="black", linewidth=4, alpha=0.25, label="theory"
)
axes[1].legend()
axes[0].set_ylabel("share of the full moon")
plotting.show(
    fig,
    alt="Share of the full moon along the walk, five runs each. The autoencoders' curves lie far "
    "apart between the two squares that were trained. The VAEs' curves form one bundle around a "
    "wide grey line, the theory: flat at both codes, and through one half in the middle.",
)

# %% tags=["claim"]
# "The autoencoder's middle is a matter of luck. The VAE's is the weighted mean, in every run."
gaps = {}
for name, nets in (("autoencoder", plain), ("VAE", noisy)):
    gaps[name] = max((share_of_full(walk(net, half_way)) - 0.5).abs().item() for net in nets)
assert gaps["VAE"] < 0.25
assert gaps["autoencoder"] > gaps["VAE"]
assert max(misses) < 0.25

# %% [markdown]
# The autoencoder's middle is a matter of luck. The VAE's is the weighted mean, in every run. So noise fills the space between codes with something sensible, and it invents nothing: with two images there is nothing else to draw. With 60,000, neighbours in the code are alike, and the mean of likes is again nearly a digit.
#
# ### What keeps the noise alive
#
# The encoder learns its own noise: $s$ comes out of a network, and training moves it to where the loss is smaller.

# %% [markdown]
# ### Exercise 5.1 · predict: Noise without a guard
#
# Train the same VAE with the squared error alone, without the KL term. What becomes of the learned variance $\sigma^2 = e^s$? `"a"`: it stays near 1. `"b"`: it grows. `"c"`: it shrinks towards 0.
#
# <details><summary>Hint</summary>
#
# The noise moves the code away from the place where the image is drawn best. Does that ever lower the squared error?
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
# Once the decoder draws its image well, noise only does harm. A net that may choose its own noise chooses none, and what is left is the autoencoder.
#
# </details>

# %%
runs = {}
for name, kl_weight in (("without the KL term", 0.0), ("with it", 1.0)):
    seed_everything(SEED)
    runs[name] = fit(VAE(256, latent=1), moons, 0.05, kl_weight, num_steps=300, lr=3e-3)
    means, noise = runs[name]["spread of the means"][-1], runs[name]["noise"][-1]
    print(f"{name:19} means ≈ {2 * means:.1f} apart, noise of standard deviation ≈ {noise:.2f}")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6))
for (name, run), dash in zip(runs.items(), ("--", "-"), strict=True):
    axes[0].plot(np.array(run["noise"]) ** 2, dash, label=name)
    axes[1].plot(2 * np.array(run["spread of the means"]), dash, label=name)
axes[0].set(xlabel="step", title="learned variance", yscale="log")
axes[1].set(xlabel="step", title="distance of the two means")
_ = [ax.legend() for ax in axes]
plotting.show(
    fig,
    alt="Left, on a logarithmic scale: without the KL term the learned variance sinks far below "
    "that of the run with it. Right: without it the two means move far apart.",
)

# %% tags=["claim"]
# "It shrinks the noise, and it moves the means apart until the noise that is left no longer matters"
free, held = runs.values()
assert free["noise"][-1] < held["noise"][-1] / 1.5
assert free["spread of the means"][-1] > 1.5 * held["spread of the means"][-1]
assert 2 * free["spread of the means"][-1] > 15 * free["noise"][-1]

# %% [markdown]
# Without the KL term the net escapes in two ways at once. It shrinks the noise, and it moves the means apart until the noise that is left no longer matters.
#
# <details><summary>Derivation: why noise harms a decoder that has learned its image</summary>
#
# Let $g(z)$ be what the decoder draws, and say that $g(\mu) \approx x$ already. Treat $g$ as straight near $\mu$: $g(\mu + \sigma\varepsilon) \approx g(\mu) + \sigma\varepsilon\,g'(\mu)$, where the slope $g'$ is an image too, one slope per pixel. Put that into the squared error and take the mean over $\varepsilon$, which has mean 0 and variance 1. The mixed term vanishes, and
#
# $$\text{mean of } \lVert g(\mu + \sigma\varepsilon) - x\rVert^2 \;\approx\; \lVert g(\mu) - x\rVert^2 + \sigma^2\,\lVert g'(\mu)\rVert^2 .$$
#
# The second term is never negative. Two things make it small: $\sigma \to 0$, or $g' \to 0$, a decoder that is flat around the code. Flatness is what we want. But nothing keeps $\sigma$ up, and moving the codes far apart buys flatness as well, without any overlap between the two images.
#
# </details>
#
# Now look at the KL term, $\tfrac12(e^s - 1 - s + \mu^2)$, part by part.

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
# - $e^s - (1 + s)$ has the slope $e^s - 1$: negative to the left of $s = 0$, positive to the right. So its minimum is at $s = 0$, where it is $1 - 1 - 0 = 0$ and $\sigma^2 = e^0 = 1$. Small variances are expensive, for the term grows like $-s$, without limit. Large ones are even more expensive.
# - $\mu^2$ keeps the means near 0, so that they cannot run away from the noise.
#
# The KL term has its minimum at $\mu = 0$, $\sigma^2 = 1$: it asks every image's code to look like $\mathcal N(0, 1)$. The squared error asks for the opposite. The VAE lives on the compromise.
#
# That is the intuition. But why this formula, and why just added to a squared error? The rest of the lesson derives both from one question: how probable does the model make the data?

# %% [markdown]
# ## 3 · A distribution out of Gaussians
#
# Every image of 28 by 28 pixels is a point in a space of 784 dimensions. A model of digits is a density $p(x)$ there: high where digits are, nearly 0 elsewhere. Draw points from it, and you have new digits.
#
# To see everything, let $x$ be a single number for now. One bell curve is too simple a density. But several can be stacked:


# %%
WEIGHTS = torch.tensor([0.5, 0.2, 0.3])
MEANS = torch.tensor([-2.0, 0.5, 3.0])
SPREADS = torch.tensor([0.6, 0.4, 0.8])


def draw_mixture(n, generator):
    k = torch.multinomial(WEIGHTS, n, replacement=True, generator=generator)  # which Gaussian
    return MEANS[k] + SPREADS[k] * torch.randn(n, generator=generator)  # a point from it


def mixture_density(x):  # (n,) -> (n,)
    components = log_normal(x[:, None], MEANS, SPREADS**2).exp()  # (n, 3)
    return components @ WEIGHTS


# %%
generator = torch.Generator().manual_seed(SEED)
samples = draw_mixture(100_000, generator)
x_line = torch.linspace(-6, 8, 701)

# %% tags=["figure"]
fig, ax = plt.subplots()
ax.hist(samples, bins=120, range=(-6, 8), density=True, label="drawn in two steps", **GREY)
ax.plot(x_line, mixture_density(x_line), color="black", label="the sum, p(x)")
for k, dash in enumerate(("--", "-.", ":")):
    component = WEIGHTS[k] * log_normal(x_line, MEANS[k], SPREADS[k] ** 2).exp()
    ax.plot(x_line, component, dash, linewidth=3, label=f"P({k}) p(x | {k})")
ax.set(xlabel="x", ylabel="density")
ax.legend()
plotting.show(
    fig,
    alt="Three weighted bell curves, their sum with three peaks, and behind it the histogram of "
    "samples drawn in two steps, which follows the sum.",
)

# %% [markdown]
# This is a **mixture of Gaussians**. Component $k$ is used with probability $P(k)$. To draw an $x$ takes two steps: draw the number $k$ of a component, then draw $x$ from that component. Hence
#
# $$p(x) = \sum_k P(k)\,p(x\,|\,k).$$
#
# Read $p(x\,|\,k)$ as "the density of $x$, given $k$". The letter is always $p$: **which function is meant is told by what stands in the brackets.** $p(x)$, $p(z)$, $p(x\,|\,z)$ and $p(z\,|\,x)$ are four different functions.
#
# A component is a drawer: every $x$ belongs to one of three. Handwriting does not come in drawers. It has a slant, a width, a boldness, all of them by degrees. So replace the number $k$ by a **latent** variable $z$ that may be any number (latent means hidden: the data shows $x$ only). Draw $z$ from the prior $\mathcal N(0, 1)$, most of them ordinary, few of them extreme. Every $z$ has a Gaussian of its own, with mean $\hat x(z)$ and standard deviation $\sigma_x(z)$. There are infinitely many of them, so nobody can write down a list. A network computes them, the **decoder**:
#
# $$z \sim \mathcal N(0, 1), \qquad x\,|\,z \sim \mathcal N\!\left(\hat x(z),\ \sigma_x(z)^2\right), \qquad p(x) = \int p(z)\,p(x\,|\,z)\,dz$$
#
# The sum has become an integral, the weights $P(k)$ the density $p(z)$. With one dimension the integral is no problem: cut the $z$-axis into small steps, and add up.


# %%
class Decoder1D(nn.Module):
    """z of shape (n,) -> mean and standard deviation of x, (n,) each."""

    def __init__(self):
        super().__init__()
        hidden = [nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh()]
        self.layers = nn.Sequential(*hidden, nn.Linear(32, 2))

    def forward(self, z):
        mean, log_std = self.layers(z[:, None]).unbind(dim=1)
        return mean, log_std.exp()


# %%
ONE = torch.tensor(1.0)
z_line = torch.linspace(-4, 4, 201)
log_weights = log_normal(z_line, 0, ONE) + np.log(8 / 200)  # p(z) times the step


def log_density(decoder, x):
    """log p(x) for x of shape (n,), by adding up over z (in logarithms, as in lesson 2)."""
    mean, std = decoder(z_line)
    return torch.logsumexp(log_weights + log_normal(x[:, None], mean, std**2), dim=1)


# %% [markdown]
# And so we can train: find the network that makes the data most probable, with the largest mean of $\log p(x)$. This is called **maximum likelihood**. Lesson 2 did the same with labels: cross-entropy is minus the mean of the logarithms of their probabilities. The data are 1,000 points from the mixture above, of which the network knows nothing.

# %%
seed_everything(SEED)
decoder = Decoder1D()
untrained = log_density(decoder, x_line).exp().detach()
points = draw_mixture(1000, generator)
optimizer = torch.optim.Adam(decoder.parameters(), lr=0.03, fused=True)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.03, 400, cycle_momentum=False)
for _ in tqdm(range(400)):
    loss = -log_density(decoder, points).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()

# %%
with torch.inference_mode():
    density = log_density(decoder, x_line).exp()
    mean, std = decoder(z_line)

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(12, 4.4), sharey=True)
axes[0].plot(z_line, mean, label="x̂(z)")
axes[0].fill_between(z_line, mean - std, mean + std, alpha=0.25, label="x̂(z) ± σ_x(z)")
bell = log_normal(z_line, 0, ONE).exp()
axes[0].plot(z_line, 4 * bell - 6, "k:", label="p(z), its height not to scale")
axes[0].set(xlabel="z", ylabel="x", ylim=(-6, 8), title="One Gaussian for every z")
axes[1].hist(
    points, 60, range=(-6, 8), density=True, orientation="horizontal", label="data", **GREY
)
axes[1].plot(density, x_line, color=BLUE, label="p(x), trained")
axes[1].plot(untrained, x_line, "-.", color=RED, linewidth=1.5, label="p(x), untrained")
axes[1].set(xlabel="density", title="All of them together")
_ = [ax.legend() for ax in axes]
plotting.show(
    fig,
    alt="Left: mean and spread of x against z, a curve that is level at three heights and steep "
    "between them, and the bell curve of z below. Right, turned on its side: the histogram of the data with three peaks, the trained "
    "density that follows it, and the untrained one, a single lump.",
)

# %% tags=["claim"]
# "A single small network bends one bell curve into three peaks": trained, p(x) is near the truth
truth = mixture_density(x_line)
apart = [0.5 * torch.trapezoid((p - truth).abs(), x_line).item() for p in (density, untrained)]
assert apart[0] < 0.5 * apart[1]

# %% [markdown]
# A single small network bends one bell curve into three peaks. $\hat x(z)$ is nearly level at three heights, where $x$ is frequent, and steep between them, where it is rare. With a network behind them, and with $\sigma_x(z)$ learned too, Gaussians can form nearly any $p(x)$.
#
# Why not train a model of digits this way? The integral. Here 201 values of $z$ were enough. With 20 latent numbers the same grid has $201^{20}$ points. And nearly all of them are wasted: for a given image $x$, hardly any $z$ makes $p(x\,|\,z)$ different from 0. We need to know which $z$ matter for this $x$.

# %% [markdown]
# ## 4 · Which z may have made this x?
#
# To see the answer, take a decoder that is a straight line. Then everything can be computed by hand:
#
# $$z \sim \mathcal N(0, 1), \qquad x\,|\,z \sim \mathcal N(w z + b,\ \sigma_x^2), \qquad w = 2,\quad b = 0.5,\quad \sigma_x^2 = 1.$$
#
# Draw 20,000 pairs $(z, x)$ in two steps. Then somebody tells you $x = 2.5$. What do you know about $z$? Keep the dots in a thin stripe around $x = 2.5$, and look at their $z$.

# %%
W, B, VAR_X = (torch.tensor(value, dtype=torch.float64) for value in (2.0, 0.5, 1.0))
UNIT = torch.tensor(1.0, dtype=torch.float64)  # the variance of the prior
generator = torch.Generator().manual_seed(SEED)
z = torch.randn(20_000, generator=generator, dtype=torch.float64)
x = W * z + B + VAR_X.sqrt() * torch.randn(20_000, generator=generator, dtype=torch.float64)
in_stripe = z[(x - 2.5).abs() < 0.1]
print(f"≈ {len(in_stripe)} of 20000 dots lie in the stripe; their z: mean ", end="")
print(f"≈ {in_stripe.mean():.2f}, variance ≈ {in_stripe.var():.2f}")

# %% [markdown]
# In a formula: pairs near $(z, x)$ come with density $p(z)\,p(x\,|\,z)$. All pairs in the stripe, whatever their $z$, come with density $\int p(z)\,p(x\,|\,z)\,dz = p(x)$. The share of one $z$ among them is the quotient, **Bayes' rule**:
#
# $$\underbrace{p(z\,|\,x)}_{\text{posterior}} = \frac{p(z)\,p(x\,|\,z)}{p(x)}$$
#
# *Prior* is what one knows about $z$ before $x$ is seen, *posterior* what one knows afterwards. (The share $r(z)$ of section 2 was such a quotient.) In the straight-line model the posterior is a bell curve with
#
# $$\text{variance } \sigma_*^2 = \frac{1}{1 + w^2/\sigma_x^2}, \qquad \text{mean } \mu_* = \sigma_*^2\,\frac{w\,(x - b)}{\sigma_x^2} .$$
#
# And $x = wz + b + \text{noise}$ adds two independent, normally distributed numbers and a constant. Such a sum is normally distributed again (a theorem that we borrow), and means and variances add up: $p(x) = \mathcal N(x;\ b,\ w^2 + \sigma_x^2)$.
#
# <details><summary>Derivation: the posterior of the straight-line model</summary>
#
# As a function of $z$, $p(z\,|\,x)$ is proportional to $p(z)\,p(x\,|\,z)$. The logarithm of that product is
#
# $$-\frac{z^2}{2} - \frac{(x - b - wz)^2}{2\sigma_x^2} + \text{const}, \qquad (x - b - wz)^2 = (x - b)^2 - 2w(x - b)\,z + w^2z^2 .$$
#
# Sort by powers of $z$:
#
# $$-\frac12\left(1 + \frac{w^2}{\sigma_x^2}\right)z^2 + \frac{w\,(x - b)}{\sigma_x^2}\,z + \text{const} .$$
#
# For a bell curve with mean $\mu_*$ and variance $\sigma_*^2$ it would be $-\frac{1}{2\sigma_*^2}z^2 + \frac{\mu_*}{\sigma_*^2}z + \text{const}$. Compare the numbers before $z^2$ and before $z$.
#
# </details>


# %%
def log_evidence(x, w=W):
    return log_normal(x, B, w**2 + VAR_X)


def posterior(x, w=W):
    variance = 1 / (1 + w**2 / VAR_X)
    return variance * w * (x - B) / VAR_X, variance  # mean, variance


# %%
mean, variance = posterior(torch.tensor(2.5, dtype=torch.float64))
print(f"by the formula: mean {mean:.2f}, variance {variance:.2f}")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 4.2))
axes[0].plot(z[:2000], x[:2000], ".", color="grey", markersize=3, label="pairs (z, x)")
axes[0].axhspan(2.4, 2.6, color=RED, alpha=0.5, label="the stripe at x = 2.5")
axes[0].set(xlabel="z", ylabel="x", xlim=(-3.5, 3.5))
axes[0].legend(loc="upper left")
z_axis = torch.linspace(-3.5, 3.5, 400, dtype=torch.float64)
axes[1].hist(in_stripe, 30, density=True, label="z of the dots in the stripe", **GREY)
axes[1].plot(z_axis, log_normal(z_axis, mean, variance).exp(), color=RED, label="posterior")
axes[1].plot(z_axis, log_normal(z_axis, 0, UNIT).exp(), "k:", label="prior")
axes[1].set(xlabel="z", ylabel="density", xlim=(-3.5, 3.5))
axes[1].legend(loc="upper left")
plotting.show(
    fig,
    alt="Left: a slanted cloud of dots (z, x), crossed by a thin horizontal stripe at x = 2.5. "
    "Right: the histogram of z in the stripe, the posterior's narrow bell on top of it, and the "
    "wide bell of the prior.",
)

# %% tags=["claim"]
# "Counting dots and the formula agree."
assert abs(in_stripe.mean() - mean) < 0.1
assert abs(in_stripe.var() / variance - 1) < 0.25

# %% [markdown]
# Counting dots and the formula agree. Seeing $x$ has made $z$ much better known: the bell is narrower than the prior. And its mean is not $1$, the $z$ with $wz + b = 2.5$, but $0.8$: the prior pulls it towards 0.
#
# For a decoder that is a network, there is no such formula. Bayes' rule needs $p(x)$, the integral that we cannot do. So let a second network guess **the posterior**: given $x$, it names a mean $\mu$ and a log-variance $s$ for $z$. Call its guess $q(z\,|\,x) = \mathcal N(\mu, \sigma^2)$, the **approximate posterior**. That network is the VAE's **encoder**.
#
# *A good place to stop for a day. So far: a decoder turns a bell curve into a distribution of data, and for each $x$ there is a posterior, which tells where its $z$ lie. Next: how to train both networks without ever knowing $p(x)$.*

# %% [markdown]
# ## 5 · How far off is a guess?
#
# We need a number that says how far $q$ is from another density $p$. Draw a $z$ from $q$, and ask how much more plausible $q$ finds it than $p$ does: the ratio $q(z)/p(z)$, in logarithms. Then take the mean over many draws. This is the **Kullback-Leibler divergence**:
#
# $$\mathrm{KL}\bigl(q \,\Vert\, p\bigr) = \int q(z) \log \frac{q(z)}{p(z)}\,dz$$
#
# An integral is an area. Here it is for three guesses $q$ beside the same $p = \mathcal N(0, 1)$. Which KL will be the largest: a little shifted and a little narrow, in the middle but much too narrow, or far to the right? Guess before you run the cells.


# %%
def kl_by_area(mu, variance, p_mean=0 * UNIT, p_variance=UNIT):
    z = torch.linspace(-12, 12, 24001, dtype=torch.float64)
    log_q, log_p = log_normal(z, mu, variance), log_normal(z, p_mean, p_variance)
    return torch.trapezoid(log_q.exp() * (log_q - log_p), z)


# %%
def gaussian_kl(mu, variance, p_mean=0 * UNIT, p_variance=UNIT):
    """KL(N(mu, variance) || N(p_mean, p_variance)), by the formula below."""
    ratio = (variance + (mu - p_mean) ** 2) / p_variance
    return 0.5 * (torch.log(p_variance / variance) + ratio - 1)


# %%
PAIRS = torch.tensor([[0.5, 0.8**2], [0.0, 0.3**2], [2.0, 0.6**2]], dtype=torch.float64)
print(" q: mean, variance   KL(q||p) by area   by the formula   KL(p||q)")
for mu, variance in PAIRS:
    print(f"  {mu:6.1f}   {variance:7.4f} {kl_by_area(mu, variance):17.4f}", end="")
    print(f" {gaussian_kl(mu, variance):15.4f} {gaussian_kl(0 * UNIT, UNIT, mu, variance):12.4f}")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 3, figsize=(12, 3.4), sharey=True)
z_axis = torch.linspace(-3.5, 4.5, 1601, dtype=torch.float64)
p_curve = log_normal(z_axis, 0, UNIT)
for ax, (mu, variance) in zip(axes, PAIRS, strict=True):
    q_curve = log_normal(z_axis, mu, variance)
    area = q_curve.exp() * (q_curve - p_curve)
    ax.plot(z_axis, p_curve.exp(), "k:", label="p")
    ax.plot(z_axis, q_curve.exp(), color=BLUE, label="q")
    ax.fill_between(z_axis, area, where=area >= 0, color=GREEN, alpha=0.5, label="q log(q/p) > 0")
    ax.fill_between(z_axis, area, where=area < 0, color=RED, alpha=0.5, label="q log(q/p) < 0")
    ax.axhline(0, color="black", linewidth=0.8)
    ax.set(xlabel="z", ylim=(-0.4, 2.0), title=f"KL = {gaussian_kl(mu, variance):.2f}")
axes[0].legend(loc="upper right", fontsize=9)
plotting.show(
    fig,
    alt="Three bell curves q beside the same dotted p. The area under q log(q/p) is shaded, green "
    "above the axis and orange below it. A little shifted: small areas that nearly cancel. Narrow: "
    "a tall green peak. Far to the right: a wide green hill.",
)

# %% [markdown]
# The green area less the orange one is the KL. Orange is where $q$ finds $z$ less plausible than $p$ does; green always wins. A guess that is much too narrow costs, and so does one in the wrong place. It is 0 only if the two curves are the same.
#
# Note the last column: swap the two, and the number changes. So the KL is no distance. We write $q$ first, because $q$ is what we can draw from.
#
# <details><summary>Derivation: the divergence is never negative</summary>
#
# Section 2 showed $e^s \ge 1 + s$, for every $s$. Put $s = \log u$: then $u \ge 1 + \log u$, that is $\log u \le u - 1$, with equality for $u = 1$ only. Now
#
# $$-\mathrm{KL}(q\,\Vert\,p) = \int q \log\frac{p}{q}\,dz \;\le\; \int q\left(\frac{p}{q} - 1\right)dz = \int p\,dz - \int q\,dz = 1 - 1 = 0 .$$
#
# So $\mathrm{KL} \ge 0$, and it is 0 only if $p/q = 1$ wherever $q$ is. The curve of the KL term in section 2 and this inequality are the same fact.
#
# </details>
#
# From here on $\mathbb E_q[\dots]$ stands for the mean over $z$ drawn from $q$, the **expected value**: $\mathbb E_q[f(z)] = \int q(z)\,f(z)\,dz$. For two bell curves the mean can be taken once and for all:
#
# $$\mathrm{KL}\bigl(\mathcal N(\mu, \sigma^2)\,\Vert\,\mathcal N(\mu_*, \sigma_*^2)\bigr) = \frac12\left(\log\frac{\sigma_*^2}{\sigma^2} + \frac{\sigma^2 + (\mu - \mu_*)^2}{\sigma_*^2} - 1\right)$$
#
# <details><summary>Derivation: the KL of two bell curves</summary>
#
# It is $\mathbb E_q \log q - \mathbb E_q \log p$. The logarithms of the two densities are
#
# $$\log q(z) = -\tfrac12\log(2\pi\sigma^2) - \frac{(z - \mu)^2}{2\sigma^2}, \qquad \log p(z) = -\tfrac12\log(2\pi\sigma_*^2) - \frac{(z - \mu_*)^2}{2\sigma_*^2} .$$
#
# By the definition of the variance $\mathbb E_q(z - \mu)^2 = \sigma^2$, and $\mathbb E_q(z - \mu_*)^2 = \sigma^2 + (\mu - \mu_*)^2$. So
#
# $$\mathbb E_q\log q = -\tfrac12\log(2\pi\sigma^2) - \tfrac12, \qquad \mathbb E_q\log p = -\tfrac12\log(2\pi\sigma_*^2) - \frac{\sigma^2 + (\mu - \mu_*)^2}{2\sigma_*^2} .$$
#
# Subtract. The $\log 2\pi$ cancels.
#
# </details>

# %% [markdown]
# ## 6 · The bound
#
# Now the equation on which everything rests. For **any** density $q$ over $z$ (the bar in $q(z\,|\,x)$ only reminds us that a good one depends on $x$),
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
# The divergence is never negative, so $L_b \le \log p(x)$. $L_b$ is a **lower bound**, also called the **ELBO** (evidence lower bound), and the divergence is the **gap** between the two.
#
# ### Why $L_b$ can be computed, though it is an integral too
#
# $$\Large L_b = \mathbb E_q\left[\log\frac{p(x\,|\,z)\,p(z)}{q(z\,|\,x)}\right] \;\approx\; \text{the mean over a few draws from } q$$
#
# $p(x)$ is an integral over *all* codes, most of which have nothing to do with $x$. $L_b$ is a mean over $q$, and $q$ is a bell curve whose mean and variance we hold in our hands. **We can draw from it, and it lies where the $z$ that matter are.** Inside the brackets stand only things that we have: the decoder $p(x\,|\,z)$, the prior $p(z)$, and our own guess $q(z\,|\,x)$.
#
# Is that really so much better? Of course $p(x) = \int p(z)\,p(x\,|\,z)\,dz$ is a mean as well, over draws from the prior. Try both, where the truth is known: 20 straight-line models side by side, so 20 latent numbers, each with $x = 2.5$. Ten draws from a decent $q$, against 10,000 from the prior, five times each.

# %%
x = torch.tensor(2.5, dtype=torch.float64)


def log_joint(z):  # (n, 20) -> (n,): log p(x|z) + log p(z)
    return (log_normal(x, W * z + B, VAR_X) + log_normal(z, 0, UNIT)).sum(dim=1)


def from_the_prior(n):
    """log of the mean of p(x|z) over n draws from the prior."""
    z = torch.randn(n, 20, generator=generator, dtype=torch.float64)
    return torch.logsumexp(log_normal(x, W * z + B, VAR_X).sum(dim=1), dim=0) - np.log(n)


def from_q(n, mu=0.8 * UNIT, variance=0.25 * UNIT):
    """The mean of log p(x, z) - log q(z) over n draws from q."""
    z = mu + variance.sqrt() * torch.randn(n, 20, generator=generator, dtype=torch.float64)
    return (log_joint(z) - log_normal(z, mu, variance).sum(dim=1)).mean()


# %%
generator = torch.Generator().manual_seed(SEED)
for name, estimate, n in (("prior", from_the_prior, 10_000), ("q", from_q, 10)):
    print(f"{n:6} draws from {name:5}: ", ", ".join(f"≈ {estimate(n):.2f}" for _ in range(5)))
exact_bound = 20 * (log_evidence(x) - gaussian_kl(0.8 * UNIT, 0.25 * UNIT, *posterior(x)))
print(f"exact: log p(x) {20 * log_evidence(x):.2f}, L_b {exact_bound:.2f}")

# %% tags=["claim"]
# "10,000 draws from the prior miss by several units; ten from q by less than one"
generator.manual_seed(1)
from_prior = torch.stack([from_the_prior(10_000) for _ in range(5)])
assert (from_prior - 20 * log_evidence(x)).abs().median() > 1
assert (torch.stack([from_q(10) for _ in range(5)]) - exact_bound).abs().median() < 0.5

# %% [markdown]
# The draws from the prior aim at $\log p(x)$, those from $q$ at $L_b$: two numbers close together, because this $q$ is a decent one. Ten thousand draws from the prior usually miss theirs by several units, for hardly one of them falls where it matters. Ten draws from $q$ miss theirs by a fraction of one. That is what the encoder is for. Such a mean by drawing is called a **Monte Carlo** estimate. A VAE gets along with one draw per image and step: the errors cancel over many images and steps.
#
# ### The equation, held against numbers
#
# In the straight-line model $L_b$ can also be written down exactly, for any $q = \mathcal N(\mu, \sigma^2)$. It is the sum of three means:
#
# $$\mathbb E_q \log p(x\,|\,z) = -\tfrac12\log(2\pi\sigma_x^2) - \frac{(x - b - w\mu)^2 + w^2 \sigma^2}{2\sigma_x^2}, \qquad \mathbb E_q \log p(z) = -\tfrac12\log(2\pi) - \tfrac12(\mu^2 + \sigma^2),$$
#
# minus $\mathbb E_q \log q(z) = -\tfrac12\log(2\pi\sigma^2) - \tfrac12$, by $\mathbb E_q z = \mu$ and $\mathbb E_q z^2 = \mu^2 + \sigma^2$. Take one $x$ and five guesses $q$. What do you expect of the last column?


# %%
def elbo(x, mu, variance, w=W):
    error = (x - B - w * mu) ** 2 + w**2 * variance
    likelihood = -0.5 * torch.log(2 * torch.pi * VAR_X) - error / (2 * VAR_X)
    log_prior = -0.5 * torch.log(2 * torch.pi * UNIT) - 0.5 * (mu**2 + variance)
    log_q = -0.5 * torch.log(2 * torch.pi * variance) - 0.5
    return likelihood + log_prior - log_q  # three means over q


def elbo_by_area(x, mu, variance):  # knows no formula: adds up the definition
    z = mu + variance.sqrt() * torch.linspace(-12, 12, 4001, dtype=torch.float64)
    log_q = log_normal(z, mu, variance)
    log_p = log_normal(x, W * z + B, VAR_X) + log_normal(z, 0, UNIT)
    return torch.trapezoid(log_q.exp() * (log_p - log_q), z)


# %%
GUESSES = torch.tensor(  # mean and variance of q
    [[0.0, 1.0], [2.0, 0.5], [-1.0, 3.0], [0.8, 0.05], [0.8, 0.2]], dtype=torch.float64
)
print("q: mean, variance   L_b by area   L_b by formula   gap, the KL   L_b + gap")
for mu, variance in GUESSES:
    bound, gap = elbo(x, mu, variance), gaussian_kl(mu, variance, *posterior(x))
    print(f"{mu:7.2f}  {variance:8.2f} {elbo_by_area(x, mu, variance):13.6f}", end="")
    print(f" {bound:16.6f} {gap:13.6f} {bound + gap:11.6f}")
print(f"{'log p(x)':61} {log_evidence(x):9.6f}")

# %% tags=["claim"]
# "The last column does not move, whatever q is": to rounding.
for mu, variance in GUESSES:
    gap = gaussian_kl(mu, variance, *posterior(x))
    assert abs(elbo(x, mu, variance) + gap - log_evidence(x)) < 1e-12
    assert abs(elbo_by_area(x, mu, variance) - elbo(x, mu, variance)) < 1e-6

# %% [markdown]
# The last column does not move, whatever $q$ is. The last guess is the posterior itself: there the gap is 0.
#
# Now close the gap yourself. Move the two sliders, $q$'s mean and its log-variance. On the right the blue bar ends at $L_b$ (it begins at $-10$ only because a bar must begin somewhere), the hatched piece is the gap, and the black line is $\log p(x)$. Get the gap below 0.001. Watch the line: it does not move.


# %% tags=["figure"]
def draw_gap(axes, mu, logvar):
    mu, variance = (torch.tensor(value, dtype=torch.float64) for value in (mu, np.exp(logvar)))
    z = torch.linspace(-3, 4, 400, dtype=torch.float64)
    axes[0].plot(z, log_normal(z, *posterior(x)).exp(), color=RED, label="posterior")
    axes[0].plot(z, log_normal(z, mu, variance).exp(), "--", color=BLUE, label="q")
    axes[0].set(xlabel="z", ylim=(0, 2), ylabel="density")
    axes[0].legend()
    bound, total = elbo(x, mu, variance).item(), log_evidence(x).item()
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

# %% tags=["figure"]
best_mean, best_variance = posterior(x)
mean_line = torch.linspace(-1, 2, 301, dtype=torch.float64)
s_line = torch.linspace(-4, 1, 501, dtype=torch.float64)
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8))
for ax, line, bound, name in (
    (axes[0], mean_line, elbo(x, mean_line, best_variance), "q's mean"),
    (axes[1], s_line, elbo(x, best_mean, s_line.exp()), "q's log-variance"),
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
# The posterior's variance is $1/(1 + 4) = 0.2$ for every $x$, and its logarithm is $-1.609$. The mean is $0.2 \cdot 2 \cdot (-1.5) = -0.6$. The decoder alone would say $-0.75$, for that is the $z$ with $wz + b = x$. The prior pulls it towards 0.
#
# </details>

# %% [markdown]
# ### Exercise 5.3 · code: The bound by drawing
#
# Now without any formula for the integral. Write $L_b$ as a mean over `n` draws from $q = \mathcal N(\mu, e^s)$. You get a function `log_joint` that takes `n` codes, shape `(n,)`, and returns $\log p(x\,|\,z) + \log p(z)$ for each of them. `mu` and `logvar` are tensors with one number each. Return one number.
#
# <details><summary>Hint</summary>
#
# Look at the large formula. Draw with `torch.randn(n)`, turn the noise into codes, and subtract $\log q(z)$ from `log_joint(z)`. `log_normal` wants the variance.
#
# </details>


# %%
def bound_by_drawing(log_joint, mu, logvar, n):
    """An estimate of L_b from n draws: one number."""
    ...


checks.bound_by_drawing(bound_by_drawing)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def bound_by_drawing(log_joint, mu, logvar, n):
#     """An estimate of L_b from n draws: one number."""
#     z = mu + torch.exp(logvar / 2) * torch.randn(n)
#     return (log_joint(z) - log_normal(z, mu, logvar.exp())).mean()
# ```
#
# The mean of the logarithms, not the logarithm of the mean. The latter goes to $\log p(x)$, not to $L_b$ (see *Going further*). And if $q$ is the posterior, every single draw gives $\log p(x)$: nothing is left to scatter.
#
# </details>

# %% [markdown]
# ### What raising the bound does
#
# $\log p(x)$ depends on the decoder, and not on $q$. So there are two ways to raise $L_b$:
#
# - over $q$, with the decoder fixed: the sum stays, so the gap shrinks by just what $L_b$ gains;
# - over the decoder, with $q$ fixed: $L_b$ rises, and if the gap was 0 before, $\log p(x)$ must rise at least as much, because $L_b$ can never get above it.
#
# To take the two in turns is the **EM algorithm** (*Going further* shows it at work). A VAE raises the bound over both at once, by gradient steps on $-L_b$. And it does not search for a new $q$ for each image: one encoder network learns to name a good $q$ for every image that may come. That is **amortised inference**. Its gap is never quite 0, so a higher bound is no proof of a higher likelihood.

# %% [markdown]
# ## 7 · The two terms of the loss
#
# The bound still looks unlike a loss. Split its logarithm:
#
# $$L_b = \mathbb E_q\left[\log\frac{p(x\,|\,z)\,p(z)}{q(z\,|\,x)}\right] = \underbrace{\mathbb E_q\left[\log\frac{p(z)}{q(z\,|\,x)}\right]}_{-\mathrm{KL}(q(z|x)\,\Vert\,p(z))} + \;\mathbb E_q\bigl[\log p(x\,|\,z)\bigr]$$
#
# The loss of a VAE is the bound with its sign turned round:
#
# $$-L_b = \mathrm{KL}\bigl(q(z\,|\,x)\,\Vert\,p(z)\bigr) + \mathbb E_q\bigl[-\log p(x\,|\,z)\bigr].$$
#
# Mind the two divergences. The **gap** is measured against the *posterior* $p(z\,|\,x)$; nobody can compute it for a network, and 0 is its best value. The **KL term** of the loss is measured against the *prior* $p(z)$; it has a formula, and at 0 the code would say nothing about the image.
#
# **First term.** Section 5's formula with $\mu_* = 0$ and $\sigma_*^2 = 1$ is
#
# $$\mathrm{KL}\bigl(\mathcal N(\mu, \sigma^2)\,\Vert\,\mathcal N(0, 1)\bigr) = \tfrac12\left(\sigma^2 - 1 - \log\sigma^2 + \mu^2\right) = \tfrac12\left(e^s - 1 - s + \mu^2\right).$$
#
# That is the term of section 1. Several latent numbers are independent in $q$ and in the prior, so the densities multiply, the logarithms add, and the KL is summed over them.
#
# **Second term.** $-\log p(x\,|\,z)$ asks how probable the image $x$ is for a decoder that got $z$. Let the decoder name one mean per pixel, the image $\hat x$, and let every one of the $D$ pixels have the same fixed variance $\sigma_x^2$. The pixels are independent given $z$, so the logarithms add once more:
#
# $$-\log p(x\,|\,z) = \sum_{j=1}^{D}\left[\frac{(x_j - \hat x_j)^2}{2\sigma_x^2} + \tfrac12\log(2\pi\sigma_x^2)\right] = \frac{1}{2\sigma_x^2}\,\lVert x - \hat x\rVert^2 + \frac D2\log(2\pi\sigma_x^2)$$
#
# A squared error, times a number, plus a constant that no network can change. Check both numbers on random images:

# %%
generator = torch.Generator().manual_seed(SEED)
some, recon = torch.rand(2, 5, 784, generator=generator, dtype=torch.float64) * 2 - 1
squared_error = ((some - recon) ** 2).sum(dim=1)  # (5,)
for variance in torch.tensor([0.5, 1.0, 10.0], dtype=torch.float64):
    exact = -log_normal(some, recon, variance).sum(dim=1)
    constant = 784 / 2 * torch.log(2 * torch.pi * variance)
    weight = ((exact - constant) / squared_error).mean()
    print(f"pixel variance {variance:4.1f}: the squared error counts {weight:.4f} times", end="")
    print(f", and the constant is {constant:.2f}")

# %% [markdown]
# So the plain sum of squares is the case $2\sigma_x^2 = 1$: **whoever writes "summed squared error plus KL" has chosen a pixel variance of 1/2.** And the factor 0.05 of the two moons was a pixel variance of 10. There we declared the pixels to be very noisy, so that the two moons' codes would overlap.
#
# The intuition and the theory have arrived at the same formula. Two remarks on what was assumed on the way:
#
# - In section 3 the network named $\sigma_x(z)$ too. Here it is one number, chosen beforehand, as in most VAEs for images: it keeps the loss a plain squared error. But it *is* a restriction. With $\sigma_x^2 = 1/2$ the model believes that every pixel of every image carries noise of standard deviation 0.71. What everybody draws, and what section 1 drew, is $\hat x$, the mean of $p(x\,|\,z)$. A true sample of the model would have this noise on top. Lesson 6 asks what the choice costs.
# - Another likelihood gives another second term. Many texts on MNIST take the pixels for probabilities between 0 and 1 (a *Bernoulli* decoder); then it is the binary cross-entropy. The KL term stays.

# %% [markdown]
# ## 8 · A gradient through a random number
#
# To train, we need the derivative of $\mathbb E_q[\log p(x\,|\,z)]$ with respect to $\mu$ and $s$. But $z$ is drawn, and how does one take the derivative of a draw? PyTorch has a function that draws from a normal distribution, `torch.normal`. Ask both ways for the gradient, over 100,000 draws in the straight-line model, where the truth is known from section 6: $w(x - b - w\mu)/\sigma_x^2$ for $\mu$ and $-w^2\sigma^2/(2\sigma_x^2)$ for $s$.

# %%
DRAWS = {
    "torch.normal": lambda mu, logvar: torch.normal(mu, torch.exp(logvar / 2)),
    "mu + sigma eps": lambda mu, logvar: mu + torch.exp(logvar / 2) * torch.randn_like(mu),
}
seed_everything(SEED)
start = torch.tensor([0.3, -1.0], dtype=torch.float64)  # mu and logvar
for name, draw in DRAWS.items():
    mu, logvar = start.repeat(100_000, 1).requires_grad_().unbind(dim=1)
    z = draw(mu, logvar)
    # torch.autograd.grad returns the gradients, and leaves every .grad alone.
    gradients = torch.autograd.grad(log_normal(x, W * z + B, VAR_X).mean(), (mu, logvar))
    print(f"{name:15}", ", ".join(f"≈ {gradient.sum():.3f}" for gradient in gradients))
exact = W * (x - B - W * start[0]) / VAR_X, -(W**2) * start[1].exp() / (2 * VAR_X)
print(f"{'exact':15}  {exact[0]:.3f},   {exact[1]:.3f}")

# %% tags=["claim"]
# "torch.normal hands back a gradient of 0 ... the other is right"
mu_copy, s_copy = start.repeat(100_000, 1).requires_grad_().unbind(dim=1)
for name, draw in DRAWS.items():
    value = log_normal(x, W * draw(mu_copy, s_copy) + B, VAR_X).mean()
    found = torch.stack([g.sum() for g in torch.autograd.grad(value, (mu_copy, s_copy))])
    if name == "torch.normal":
        assert (found == 0).all()
    else:
        assert torch.allclose(found, torch.stack(exact), atol=0.1)

# %% [markdown]
# `torch.normal` hands back a gradient of 0 and no error message: an encoder behind it learns nothing from the image. The other is right. With $z = \mu + \sigma\varepsilon$ the randomness sits in $\varepsilon$, which depends on nothing, and the derivative passes by it:
#
# $$\frac{\partial z}{\partial\mu} = 1, \qquad \frac{\partial z}{\partial s} = \tfrac12\sigma\varepsilon .$$
#
# This is the **reparameterisation**. A single draw scatters around the true gradient, but is right on average (**unbiased**). There is a rival that needs no derivative of $p(x\,|\,z)$ at all; it scatters far more, and waits in *Going further*.

# %% [markdown]
# ### Exercise 5.4 · write the test: Is this draw right?
#
# A VAE with a mistake in its draw trains all the same, only worse. A test finds it. Write a function that gets a function `draw(mu, logvar)` and returns `True` if it draws from $\mathcal N(\mu, e^s)$, independently for every number, and lets gradients through to both arguments, and `False` otherwise.
#
# <details><summary>Hint</summary>
#
# Call it with many equal rows, some variances far from 1, and look at mean and standard deviation of what comes back. Leave room for chance. Then call it with `requires_grad_()` and look at both gradients. "Not `None`" is not enough, as you have just seen.
#
# </details>


# %%
def draws_rightly(draw):
    """Whether draw(mu, logvar) gives mu + sigma * noise, with a gradient."""
    ...


checks.draws_rightly(draws_rightly)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def draws_rightly(draw):
#     """Whether draw(mu, logvar) gives mu + sigma * noise, with a gradient."""
#     mu = torch.tensor([0.0, 3.0, -1.0]).repeat(20_000, 1).requires_grad_()
#     logvar = torch.tensor([0.0, 2.0, -3.0]).repeat(20_000, 1).requires_grad_()
#     z = draw(mu, logvar)
#     sigma = torch.exp(logvar / 2)
#     noise = ((z - mu) / sigma).detach()
#     right = noise.mean(dim=0).abs().max() < 0.05 and (noise.std(dim=0) - 1).abs().max() < 0.05
#     alone = (torch.corrcoef(noise.T) - torch.eye(3)).abs().max() < 0.05
#     if not (right and alone and z.requires_grad):
#         return False
#     z.sum().backward()
#     if mu.grad is None or logvar.grad is None:
#         return False
#     slopes = torch.allclose(mu.grad, torch.ones_like(mu))
#     return slopes and torch.allclose(logvar.grad, (sigma * noise / 2).detach(), atol=1e-4)
# ```
#
# `exp(logvar)` is the variance and `exp(logvar / 2)` the standard deviation. Both look plausible in a loss curve. The standard error of a mean of 20,000 draws is $1/\sqrt{20000} \approx 0.007$, so 0.05 leaves chance enough room.
#
# </details>

# %% [markdown]
# ## 9 · The scaling mistake
#
# `nn.MSELoss()` averages. It divides the squared error by the number of pixels, and the bound knows nothing of that. Multiply the resulting loss by 784, which moves no minimum:
#
# $$\frac{1}{784}\lVert x - \hat x\rVert^2 + \mathrm{KL} \qquad\longrightarrow\qquad \lVert x - \hat x\rVert^2 + 784\,\mathrm{KL}$$
#
# The KL term has become 784 times too heavy. In the language of section 7: $1/(2\sigma_x^2) = 1/784$, that is $\sigma_x^2 = 392$. We declare that a pixel scatters by $\sqrt{392} \approx 20$, on a scale from $-1$ to $1$. Seen from there all images are alike, and a code is not worth its price.
#
# Train the VAE of section 1 again, with the averaged error, and a third time with both terms divided by 784. What will the KL be?

# %%
WEIGHTINGS = {"averaged": (1 / 784, 1.0), "both divided": (1 / 784, 1 / 784)}
nets, histories = {"summed": digits_vae}, {"summed": digits_history}
for name, (error_weight, kl_weight) in tqdm(WEIGHTINGS.items()):
    seed_everything(SEED)
    nets[name] = VAE(784, latent=2)
    histories[name] = fit(nets[name], images, error_weight, kl_weight)

# %%
centred = images[:10_000] - images.mean(dim=0)
mean_image_error = (centred**2).sum(dim=1).mean().item()
for name, history in histories.items():
    error, kl = (np.mean(history[key][-100:]) for key in ("error", "KL"))
    print(f"{name:13} squared error ≈ {error:.0f}, KL ≈ {kl:.2f}")
print(f"{'mean image':13} squared error ≈ {mean_image_error:.0f}")

# %% tags=["figure"]
with torch.inference_mode():
    rows = [images[:10], *(net.decoder(net.encoder(images[:10])[:, :2]) for net in nets.values())]
fig, axes = plt.subplots(4, 1, figsize=(8, 4))
for ax, row, name in zip(axes, rows, ("images", *nets), strict=True):
    plotting.mosaic(row, columns=10, ax=ax)
    ax.set_title(name, fontsize=10, fontweight="normal")
plotting.show(
    fig,
    alt="Ten digits and their reconstructions by three nets. Summed and both divided: soft "
    "digits, some of them another digit than the original. Averaged: ten times the same grey "
    "smear.",
)

# %% tags=["claim"]
# "With the averaged error the KL is 0, and every image comes out as the mean of all of them."
final = {name: np.mean(history["error"][-100:]) for name, history in histories.items()}
assert np.mean(histories["averaged"]["KL"][-100:]) < 0.1
assert abs(final["averaged"] / mean_image_error - 1) < 0.2
for name in ("summed", "both divided"):
    assert np.mean(histories[name]["KL"][-100:]) > 3
    assert final[name] < 0.85 * mean_image_error

# %% [markdown]
# With the averaged error the KL is 0, and every image comes out as the mean of all of them. The encoder answers $\mathcal N(0, 1)$ whatever it sees, and the decoder learns that the code is noise and ignores it: **posterior collapse**. No error is raised, and the loss looks small and calm.
#
# Dividing *both* terms by 784 is harmless, for the proportion is what counts. (With Adam a common factor drops out, see lesson 3. Plain gradient descent would need a rate 784 times larger.) That even the right loss turns some digits into others is no fault of its scale: two numbers are few.
#
# Lesson 6 turns the factor between the two terms into a tool, under the name β.

# %% [markdown]
# ### Exercise 5.5 · find the bug: A loss that falls below zero
#
# Somebody is happy: the loss is negative and still falling. The images are rubbish. There are two faults in this function.
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
# With the wrong sign the KL term becomes a reward for running away: the larger $\mu$, the lower the loss, without limit. `mean()` without a dimension averages over the latent numbers too, so with 20 of them the term is 20 times too light.
#
# </details>

# %% [markdown]
# ### Exercise 5.6 · predict: In colour
#
# You leave MNIST for photographs of 64 by 64 pixels in three colours, and write `nn.functional.mse_loss(recon, x)` plus the KL, summed over the latent numbers and averaged over the batch. By which factor is the KL too heavy, compared with the summed squared error? (`mse_loss` averages over everything, the batch included.)
#
# <details><summary>Hint</summary>
#
# By how many numbers does the average divide the error of *one* image? The batch is averaged in both terms.
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
# $3 \cdot 64 \cdot 64 = 12{,}288$ numbers per image. A small weight for the KL, found by trial on MNIST, hides the mistake there. On photographs it is 16 times too large again ($12{,}288 / 784 \approx 16$), for no visible reason.
#
# </details>

# %% [markdown]
# ## 10 · Back to the map: smears and holes
#
# Now you can say what the map of section 1 shows. Two things may spoil an image that is decoded from a random code.
#
# ### The mean of what cannot be told apart
#
# The moons' derivation holds for 60,000 images as well. At a code $z$ the best decoder draws the mean of all images, each weighted with its $q(z\,|\,x_i)$, the density with which its code falls there. Take eight random codes. Compare what the decoder draws with that weighted mean, and with the one image that has the largest weight.

# %%
with torch.inference_mode():
    mu, logvar = digits_vae.encoder(images).chunk(2, dim=1)  # (60000, 2) each
    z = torch.randn(8, 2, generator=torch.Generator().manual_seed(SEED))
    log_q = log_normal(z[:, None], mu, logvar.exp()).sum(dim=2)  # (8, 60000)
    weights = log_q.softmax(dim=1)  # how much each image has to say at this code
    drawn, means, heaviest = digits_vae.decoder(z), weights @ images, images[weights.argmax(dim=1)]
for name, others in (("the weighted mean", means), ("the heaviest image", heaviest)):
    distance = ((drawn - others) ** 2).sum(dim=1).mean()
    print(f"squared distance from what the decoder draws to {name:18} ≈ {distance:.0f}")

# %% tags=["figure"]
fig, axes = plt.subplots(3, 1, figsize=(8, 3.9))
titles = ("the decoder", "weighted mean of 60,000 images", "the heaviest image")
for ax, row, title in zip(axes, (drawn, means, heaviest), titles, strict=True):
    plotting.mosaic(row, columns=8, ax=ax)
    ax.set_title(title, fontsize=10, fontweight="normal")
plotting.show(
    fig,
    alt="Three rows of eight. Decoder and weighted mean are mostly the same soft images; below "
    "them the images with the largest weight, real and sharp.",
)

# %% tags=["claim"]
# "The decoder draws the weighted mean, and not an image"
to_mean, to_image = (((drawn - other) ** 2).sum(dim=1).mean() for other in (means, heaviest))
assert to_mean < to_image / 2

# %% [markdown]
# The decoder draws the weighted mean, and not an image of the data. (Where the two differ, few images share the code, and the net cannot follow them all.) That is **what a squared error over pixels does**: where several images share a code, it orders their mean. The mean of many sharp strokes is a soft one, and where two kinds of digit share a code it is a smear.

# %% [markdown]
# ### Where the prior has codes and the images have none
#
# Random codes come from the prior. But the decoder has practised on the codes of *all* images together, the **aggregated posterior** $q(z) = \frac1N\sum_i q(z\,|\,x_i)$. The KL term pulls every single $q(z\,|\,x_i)$ towards the prior; nothing makes their mean equal to it. Where the prior has many codes and the aggregated posterior few, the decoder is asked for what it never learned: a **prior hole**. With two latent numbers it can be seen.

# %%
codes = mu + torch.exp(logvar / 2) * torch.randn_like(mu)  # one drawn code for each image


def aggregated_posterior(z, n=10_000):
    """log q(z) for codes (m, 2): the mean of q(z|x) over n images."""
    log_q = sum(log_normal(z[:, None, k], mu[:n, k], logvar[:n, k].exp()) for k in range(2))
    return torch.logsumexp(log_q, dim=1) - np.log(n)


random_codes = torch.randn(2000, 2, generator=torch.Generator().manual_seed(SEED))
log_prior = log_normal(random_codes, 0, ONE).sum(dim=1)
in_hole = aggregated_posterior(random_codes) < log_prior - np.log(2)
print("codes from the prior where the images' codes are less than half as dense: ", end="")
print(f"≈ {100 * in_hole.float().mean():.0f} %")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 5))
colours = [plt.get_cmap("tab10")(digit) for digit in range(10)]
for digit in range(10):
    chosen = codes[:6000][labels[:6000] == digit]
    axes[0].plot(*chosen.T, ".", color=colours[digit], markersize=2.5, label=str(digit))
axes[0].legend(markerscale=5, loc="center left", bbox_to_anchor=(1, 0.5))
axes[0].set_title("codes of 6,000 images")
axes[1].plot(*random_codes[~in_hole].T, ".", color="lightgrey", markersize=3)
axes[1].plot(*random_codes[in_hole].T, ".", color=RED, markersize=3)
axes[1].set_title("2,000 codes from the prior; orange: in a hole")
for ax in axes:
    for radius in (1, 2):
        ax.add_patch(Circle((0, 0), radius, fill=False, color="black", linewidth=1))
    ax.set(xlim=(-4, 4), ylim=(-4, 4), aspect="equal")
plotting.show(
    fig,
    alt="Left: the codes of 6,000 images, coloured by digit. Each digit has a region, crowded near "
    "the middle and spread out beyond, with gaps between the regions. Right: codes from the prior; "
    "the orange ones, where the images have few codes, fill those gaps.",
)

# %% tags=["claim"]
# "A large part of the prior's codes falls into them."
assert in_hole.float().mean() > 0.15

# %% [markdown]
# (The circles have radius 1 and 2.) The images leave gaps between the coloured regions, the prior does not, and a large part of its codes falls into them. The KL term pulls at each image's codes for themselves, only as far as the squared error allows, and nothing in the loss ever looks at all codes together. So together they are no bell curve.
#
# Which of the two costs more, smears or holes? Lesson 6 takes them apart: one decoder gets codes from the prior, from densities fitted to the codes as in lesson 4, and from real images. And lesson 9 asks two judges, who do not weigh a soft stroke alike.
#
# One thing does **not** follow: that a squared error cannot draw sharp images. Diffusion models and flow matching, which draw most of today's images, are trained with a squared error too (Ho et al., 2020; Lipman et al., 2022). But they do not ask for a whole image in one stroke. They go there in many small steps, and each step needs only a mean. Lessons 7 to 9 take another way: no likelihood, but a second network that looks at what the first one draws.

# %% [markdown]
# ### Exercise 5.7 · open: Your own moons
#
# Choose one, say first what you expect, then try it with `VAE`, `fit` and `walk`.
#
# - The moons had a pixel variance of 10, that is an `error_weight` of 0.05. Which weight belongs to a pixel variance of 1/2? Train with it and draw the walk. Where has the grey half gone, and what do the means and the noise do instead?
# - Give the VAE a third moon, `moon(-0.5)`. Where does its code go: between the two others? In every run?
# - Give it twenty moons, with edges from $-1$ to $1$. Does the decoder now draw moons between them that it never saw?
#
# There is no check. A sentence that says what you expected, a figure, and a sentence that says what you saw are an answer.
#
# <details><summary>What to look for</summary>
#
# The weight for 1/2 is 1. Print the means and $\sigma$ beside the walk: is the stretch of grey as wide as before? Does the middle of the walk still fall half-way in every run? For the third moon compare three seeds before you believe an order. If it has one, say why you think so, and how you could find out whether that is the reason.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | squared error averaged over pixels, KL summed | the KL sinks to 0, and all images come out as one grey smear (section 9) | sum both, or divide both by the same number |
# | KL with the wrong sign | a loss that falls below 0 and never stops | try it on `mu = 2`, `logvar = 0`: it must be positive |
# | KL averaged over the latent numbers | sharp reconstructions, poor samples: the KL term is too light | `sum(dim=1)`, then the mean over the batch |
# | `exp(logvar)` as the standard deviation | training runs, with noise of the wrong size | `exp(logvar / 2)`; measure the spread of many draws |
# | `torch.normal(mu, sigma)` for the draw | the encoder learns nothing from the image | $\mu + \sigma\varepsilon$ |
# | the bound taken for the likelihood | two models compared by numbers whose gaps differ | say "at least"; a better $q$ raises the bound and changes no model |
# | the gap taken for the KL term | "the KL must go to 0", and the code dies | the gap is measured against the posterior, the loss against the prior |

# %% [markdown]
# ## What you can now do
#
# - Say what noise in the code is good for, and what keeps it alive.
# - Write $p(x)$ as infinitely many Gaussians, and say which integral stands in the way.
# - Derive the bound and its gap, say why it can be computed, and read both terms of a VAE's loss out of it.
# - Name the pixel variance behind a squared error, and recognise a loss whose terms are out of proportion.
# - Explain why a VAE draws $\mu + \sigma\varepsilon$, and test that a draw is right.
# - Say what a squared error over pixels draws, and what a prior hole is.
#
# Lesson 6 builds the VAE for digits with 20 latent numbers, and takes it apart.

# %% [markdown]
# ## Going further
#
# Each part stands for itself (the second takes its numbers from the first), and no later lesson needs one.
#
# ### EM: a climber in fog
#
# Section 6 named two ways to raise the bound: over $q$, and over the decoder. Take them in turns. The data are 500 numbers from the straight-line model with $w = 2$, and we start at $w = 0.5$. Let $\mu_i$ be the posterior's mean for the point $x_i$. For fixed $q$ the bound is a parabola in $w$, with its top at $w = \sum_i (x_i - b)\,\mu_i \big/ \sum_i (\mu_i^2 + \sigma^2)$. (Set the derivative of $\sum_i (x_i - b - w\mu_i)^2 + w^2\sigma^2$ to 0.)

# %%
generator = torch.Generator().manual_seed(SEED)
xs = B + W * torch.randn(500, generator=generator, dtype=torch.float64)
xs = xs + VAR_X.sqrt() * torch.randn(500, generator=generator, dtype=torch.float64)

# %%
w, climb = torch.tensor(0.5, dtype=torch.float64), []
for _ in range(30):
    mu, variance = posterior(xs, w)  # raise the bound over q: the gap closes
    climb.append((w, mu, variance, log_evidence(xs, w).mean().item()))
    w = ((xs - B) * mu).sum() / (mu**2 + variance).sum()  # raise it over the decoder
print("w:        " + ", ".join(f"≈ {step[0]:.3f}" for step in climb[:5]))
print("log p(x): " + ", ".join(f"≈ {step[3]:.3f}" for step in climb[:5]))

# %% tags=["figure"]
w_line = torch.linspace(0, 3.2, 161, dtype=torch.float64)
fig, ax = plt.subplots(figsize=(8, 4.4))
ax.plot(w_line, [log_evidence(xs, w).mean() for w in w_line], "k", label="mean of log p(x)")
for (w, mu, variance, value), dash in zip(climb[:3], ("--", "-.", ":"), strict=True):
    bounds = [elbo(xs, mu, variance, w=other).mean() for other in w_line]
    ax.plot(w_line, bounds, dash, color=BLUE, label="L_b, q fixed" if dash == "--" else None)
    ax.plot(w, value, "o", color=RED)
ax.set(xlabel="the decoder's w", ylim=(-3.6, -1.9))
ax.legend(loc="upper left")
plotting.show(
    fig,
    alt="The mean of log p(x) against the decoder's w, and three bounds below it. Each touches it "
    "at one dot and has its top further right; the next dot stands above that top.",
)

# %% tags=["claim"]
# "he walks to the top of the bound, and is certain to stand higher on the true curve"
line = torch.linspace(0, 3.2, 161, dtype=torch.float64)
likelihood = torch.stack([log_evidence(xs, other).mean() for other in line])
for w_now, mu_now, var_now, value in climb[:3]:
    bounds = torch.stack([elbo(xs, mu_now, var_now, w=other).mean() for other in line])
    assert abs(elbo(xs, mu_now, var_now, w=w_now).mean() - value) < 1e-9
    assert (bounds <= likelihood + 1e-9).all()
assert (np.diff([step[3] for step in climb]) > -1e-12).all()

# %% [markdown]
# Read it as a climber in fog. The black curve is $\log p(x)$, which he cannot see. He sees only the bound. Standing at a dot, where the two touch, he walks to the top of the bound, and is certain to stand higher on the true curve. This is the **EM algorithm** (expectation, maximisation; Dempster et al., 1977). Mixtures of Gaussians are fitted in the same way.
#
# ### When a higher bound means a worse model
#
# If $q$ is bad, a higher bound may come with a **lower** likelihood. Take the laziest guess, $q = \mathcal N(0, 1)$ for every $x$, in the same model with $w = 0.5$, and improve the decoder as far as this bound allows. (All $\mu_i$ are 0, so the top is at $w = 0$.)

# %%
lazy = torch.zeros_like(xs), UNIT
for w in torch.tensor([0.5, 0.0], dtype=torch.float64):
    print(f"w = {w}: L_b ≈ {elbo(xs, *lazy, w=w).mean():.3f}", end="")
    print(f", log p(x) ≈ {log_evidence(xs, w).mean():.3f}")

# %% tags=["claim"]
# "If q is bad, a higher bound may come with a lower likelihood."
was, now = torch.tensor([0.5, 0.0], dtype=torch.float64)
assert elbo(xs, *lazy, w=now).mean() > elbo(xs, *lazy, w=was).mean()
assert log_evidence(xs, now).mean() < log_evidence(xs, was).mean()

# %% [markdown]
# The decoder has learned to ignore $z$, because $z$ told it nothing: posterior collapse once more, this time through a lazy encoder.
#
# ### A tighter bound from more draws
#
# The bound is the mean of $\log\frac{p(x|z)\,p(z)}{q(z|x)}$. Draw $K$ codes instead of one, average the *ratios*, and take the logarithm afterwards. The mean of this number lies below $\log p(x)$ as well, and rises with $K$: the **importance-weighted bound** (Burda et al., 2015). Here it is for a poor guess, $q = \mathcal N(0, 1)$:

# %%
generator = torch.Generator().manual_seed(SEED)
for draws in (1, 10, 100, 1000):
    z = torch.randn(2000, draws, generator=generator, dtype=torch.float64)
    ratios = log_normal(x, W * z + B, VAR_X)  # q is the prior, so p(z) / q(z) = 1
    bound = (torch.logsumexp(ratios, dim=1) - np.log(draws)).mean()
    print(f"K = {draws:4}: ≈ {bound:.3f}")
print(f"log p(x):   {log_evidence(x):.3f}")

# %% [markdown]
# One poor guess and many draws come near the truth, in one dimension. In twenty they would not, as section 6 has shown.
#
# ### Which way round? Mode seeking and mode covering
#
# The KL is not symmetric, and training minimises $\mathrm{KL}(q\,\Vert\,p)$ over $q$. What if the truth has two peaks, and $q$ is one bell? Take the left and the right peak of section 3, and try every bell, both ways round.

# %%
dx = x_line[1] - x_line[0]
two = torch.tensor([0, 2])  # the left and the right component
log_p = torch.logsumexp(
    log_normal(x_line[:, None], MEANS[two], SPREADS[two] ** 2) + np.log(0.5), dim=1
)
bells = torch.cartesian_prod(torch.linspace(-4, 5, 91), torch.linspace(0.3, 4, 75))  # mean, std
log_bells = log_normal(x_line, bells[:, :1], bells[:, 1:] ** 2)  # (bells, points)
seeking = (log_bells.exp() * (log_bells - log_p)).sum(dim=1) * dx
covering = (log_p.exp() * (log_p - log_bells)).sum(dim=1) * dx
best = {"KL(q||p)": seeking.argmin(), "KL(p||q)": covering.argmin()}
for name, index in best.items():
    print(f"smallest {name}: mean {bells[index, 0]:.1f}, standard deviation {bells[index, 1]:.2f}")

# %% tags=["figure"]
fig, ax = plt.subplots()
ax.plot(x_line, log_p.exp(), color="black", label="p")
for (name, index), dash, colour in zip(best.items(), ("--", "-."), (BLUE, RED), strict=True):
    ax.plot(x_line, log_bells[index].exp(), dash, color=colour, label=f"smallest {name}")
ax.set(xlabel="x", ylabel="density")
ax.legend()
plotting.show(
    fig,
    alt="A density with two peaks, and two single bells: one sits on one peak, the "
    "other is wide and lies over both.",
)

# %% [markdown]
# $\mathrm{KL}(q\,\Vert\,p)$ asks only about places where $q$ is, and sits on one peak (*mode seeking*). $\mathrm{KL}(p\,\Vert\,q)$ asks about all places where $p$ is, and lies over both (*mode covering*). In a VAE the first happens to the code: $q(z\,|\,x)$ would rather name one of several possible codes than all of them. The second happens to the data: maximum likelihood wants every training image covered.
#
# ### The rival: a gradient without a derivative
#
# There is a second way to the gradient of $\mathbb E_q[f(z)]$. Move the density, and keep the points where they fell: since $\partial q/\partial\mu = q\,\partial\log q/\partial\mu$,
#
# $$\frac{\partial}{\partial\mu}\int q(z)\,f(z)\,dz = \mathbb E_q\!\left[f(z)\,\frac{\partial\log q(z)}{\partial\mu}\right], \qquad \frac{\partial\log q}{\partial\mu} = \frac{z - \mu}{\sigma^2} = \frac{\varepsilon}{\sigma}.$$
#
# This is the **score function** estimator (Williams, 1992). It needs only values of $f$. Both ways are unbiased; what differs is how much one draw scatters. Let $f$ be a sum over $d$ latent numbers, and look at the derivative for the first.

# %%
mu, sigma = 0.3, np.exp(-0.5)
variances = {"reparameterisation": [], "score function": []}
dimensions = [1, 2, 4, 8, 16, 32]
for d in dimensions:
    epsilon = torch.randn(20_000, d, generator=generator, dtype=torch.float64)
    z = mu + sigma * epsilon
    f = log_normal(x, W * z + B, VAR_X).sum(dim=1)
    slope = W * (x - B - W * z[:, 0]) / VAR_X  # the derivative of f
    variances["reparameterisation"].append(slope.var().item())
    variances["score function"].append((f * epsilon[:, 0] / sigma).var().item())

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
# The reparameterised gradient sees only its own term. The score function multiplies by the whole $f$, and the other terms are nothing but noise for it. It is used where $f$ has no derivative, as in games, together with much ingenuity to calm it. (Other ways exist: for codes that are choices, the choice can be softened, as in the Gumbel-softmax of Jang et al., 2016.)

# %% [markdown]
# ### When does a code pay?
#
# Section 9's collapse can be foretold. For a decoder that is a straight line (Lucas et al., 2019; we borrow it) a latent number is used only if the data varies by more than $\sigma_x^2$ along some direction. The largest such variance is an eigenvalue, as in lesson 4.

# %%
largest = torch.linalg.eigvalsh(centred.T @ centred / len(centred))[-1].item()
print(f"largest variance along any direction ≈ {largest:.0f}; pixel variances 0.5 and 392")

# %% tags=["claim"]
# "far above 1/2, and far below 392"
assert 10 * 0.5 < largest < 392 / 10

# %% [markdown]
# It lies far above 1/2, and far below 392: with the summed error a code pays, with the averaged one it does not.
#
# ### What no pixel sees
#
# A squared error has no eye for what belongs together, since no pixel knows its neighbours. Here a 7 is changed twice, so that the squared error is **equal**: a bolder stroke, and a grey bar across its foot.

# %%
seven = images[labels == 7][0].reshape(1, 1, 28, 28)
brightest = nn.functional.max_pool2d(seven, kernel_size=3, stride=1, padding=1)
bolder = seven + 0.5 * (brightest - seven)  # every pixel half-way to its brightest neighbour
room = torch.zeros_like(seven)
room[:, :, 22:25, 4:24] = 1 - seven[:, :, 22:25, 4:24]  # what is missing to white
share = (((bolder - seven) ** 2).sum() / (room**2).sum()).sqrt()
barred = seven + share * room
errors = [((changed - seven) ** 2).sum().item() for changed in (bolder, barred)]
print(f"squared error: bolder ≈ {errors[0]:.2f}, with a bar ≈ {errors[1]:.2f}")

# %% tags=["figure"]
fig = plotting.image_grid(
    torch.cat([seven, bolder, barred]), ["a 7", "bolder", "with a bar"], columns=3
)
fig.set_size_inches(6, 2.3)
plotting.show(
    fig,
    alt="A handwritten 7 three times: as it is, with a bolder stroke, and with a grey bar across "
    "its foot that no writer would make.",
)

# %% [markdown]
# One is a 7 from another pen, the other a 7 that something happened to. For the squared error they are equally good.

# %% [markdown]
# ## References
#
# - H. Lee (2016). *Machine Learning.* Lectures at National Taiwan University; here the one on deep generative models, part II. The moons, the way from the mixture to the bound, the name $L_b$ and the changed 7 follow it.
# - A. P. Dempster, N. M. Laird, D. B. Rubin (1977). *Maximum Likelihood from Incomplete Data via the EM Algorithm.* Journal of the Royal Statistical Society B 39(1). [doi:10.1111/j.2517-6161.1977.tb01600.x](https://doi.org/10.1111/j.2517-6161.1977.tb01600.x)
# - R. J. Williams (1992). *Simple Statistical Gradient-Following Algorithms for Connectionist Reinforcement Learning.* Machine Learning 8. [doi:10.1007/BF00992696](https://doi.org/10.1007/BF00992696). The score function.
# - D. P. Kingma, M. Welling (2013). *Auto-Encoding Variational Bayes.* [arXiv:1312.6114](https://arxiv.org/abs/1312.6114)
# - D. J. Rezende, S. Mohamed, D. Wierstra (2014). *Stochastic Backpropagation and Approximate Inference in Deep Generative Models.* [arXiv:1401.4082](https://arxiv.org/abs/1401.4082)
# - Y. Burda, R. Grosse, R. Salakhutdinov (2015). *Importance Weighted Autoencoders.* [arXiv:1509.00519](https://arxiv.org/abs/1509.00519)
# - A. Makhzani, J. Shlens, N. Jaitly, I. Goodfellow, B. Frey (2015). *Adversarial Autoencoders.* [arXiv:1511.05644](https://arxiv.org/abs/1511.05644). The name "aggregated posterior".
# - C. Doersch (2016). *Tutorial on Variational Autoencoders.* [arXiv:1606.05908](https://arxiv.org/abs/1606.05908)
# - E. Jang, S. Gu, B. Poole (2016). *Categorical Reparameterization with Gumbel-Softmax.* [arXiv:1611.01144](https://arxiv.org/abs/1611.01144)
# - M. Rosca, B. Lakshminarayanan, S. Mohamed (2018). *Distribution Matching in Variational Inference.* [arXiv:1802.06847](https://arxiv.org/abs/1802.06847). Holes between aggregated posterior and prior, measured.
# - J. Lucas, G. Tucker, R. Grosse, M. Norouzi (2019). *Don't Blame the ELBO! A Linear VAE Perspective on Posterior Collapse.* [arXiv:1911.02469](https://arxiv.org/abs/1911.02469)
# - J. Ho, A. Jain, P. Abbeel (2020). *Denoising Diffusion Probabilistic Models.* [arXiv:2006.11239](https://arxiv.org/abs/2006.11239)
# - Y. Lipman, R. T. Q. Chen, H. Ben-Hamu, M. Nickel, M. Le (2022). *Flow Matching for Generative Modeling.* [arXiv:2210.02747](https://arxiv.org/abs/2210.02747)
