# %% [markdown]
# # 5 · Why a VAE works: theory you can run
#
# A variational autoencoder is two small networks and two pages of mathematics. Here the mathematics runs.
#
# **You will**
#
# - see what noise in the code is good for,
# - see Bayes' rule as dots in a stripe, and the KL divergence as an area,
# - derive the bound that a VAE climbs, and close its gap with two sliders,
# - read both terms of the loss out of that bound,
# - say what a squared error over pixels does to an image.
#
# **You need** Lesson 4, the loop and Adam of lessons 1 to 3, and from school: logarithm, the integral as an area, mean and variance, the bell curve.
#
# **Time** About 90 minutes for the core, with exercises 5.1 and 5.2; good places to stop lie after section 4 and after exercise 5.2. Folded derivations are not counted: follow the numbers first, and come back with a pencil. *Going further* has sixteen sections of about 10 minutes. All cells together run in about 30 seconds on two slow cores.
#
# The line of thought, from the moons to the bound, follows a lecture of Hung-yi Lee (see *References*).

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
# ## 1 · What the theory is for
#
# An autoencoder gives codes, but does not say how they are distributed. A **variational autoencoder** (VAE) says first what codes are drawn from, a bell curve called the **prior**, and learns a decoder that makes digits out of just that. (Read $q(z\,|\,x)$ as "the density of $z$, given $x$". Sections 3 and 4 explain it, and $p(x\,|\,z)$.)


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
# The encoder names no single code, but a mean $\mu$ and a **log-variance** $s = \log\sigma^2$ for each code number. The decoder gets
#
# $$z = \mu + \sigma\,\varepsilon, \qquad \sigma = e^{s/2}, \qquad \varepsilon \sim \mathcal N(0, 1).$$
#
# $\mathcal N(0, 1)$ is the bell curve, or **Gaussian**, with mean 0 and variance 1, and $\sim$ reads "drawn from". ($s$ may be any number; $e^{s/2}$ is positive by itself.)


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
# The loss is the squared error of the image, as in lesson 4, plus a **KL term**, a sum over the code numbers:
#
# $$\text{loss} = \lVert x - \hat x\rVert^2 + \tfrac12\sum\left(e^{s} - 1 - s + \mu^2\right)$$
#
# The training loop is that of lesson 4, its rate too (*one-cycle*); only the loss is new.


# %%
def kl_to_prior(mu, logvar):  # (batch, latent) -> (batch,)
    return 0.5 * (logvar.exp() - 1 - logvar + mu**2).sum(dim=1)


def fit(net, images, error_weight=1.0, kl_weight=1.0, num_steps=800, lr=4e-3):
    """Train with random batches of 128 images."""
    optimizer = torch.optim.Adam(net.parameters(), lr=lr, fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, num_steps, cycle_momentum=False)
    for _ in range(num_steps):
        x = images[torch.randint(len(images), (128,))]
        recon, mu, logvar = net(x)
        error = ((recon - x) ** 2).sum(dim=1).mean()
        loss = error_weight * error + kl_weight * kl_to_prior(mu, logvar).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()


# %% [markdown]
# Train it on digits, with a code of two numbers, so that all codes lie in a plane.

# %%
images, labels = data.tensors(data.load("MNIST", train=True))
images = images.flatten(1)  # (60000, 784)
seed_everything(SEED)
digits_vae = VAE(784, latent=2)
fit(digits_vae, images)

# %% [markdown]
# Now leave the encoder out. Decode 100 codes from the bell curve, and a grid of codes, each image where its code lies in the plane.

# %%
generator = torch.Generator().manual_seed(SEED)
with torch.inference_mode():
    invented = digits_vae.decoder(torch.randn(100, 2, generator=generator))
    ticks = torch.linspace(-1.8, 1.8, 14)
    atlas = digits_vae.decoder(torch.cartesian_prod(-ticks, ticks).flip(1))  # rows from the top

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 5))
plotting.mosaic(invented, columns=10, ax=axes[0], title="codes drawn at random")
plotting.mosaic(atlas, columns=14, ax=axes[1], title="the plane of codes")
plotting.show(
    fig,
    alt="Left: 100 images decoded from random codes, many of them legible digits, some smeared. "
    "Right: a map of 14 by 14 images, where most digits have a region of their own and turn into "
    "their neighbours without a jump.",
)

# %% [markdown]
# Nobody wrote these digits. Some places of the map are smears between two of them. This lesson derives the loss from one question, *how probable does the model make the data?*, and finds out what the smears are.
#
# <details><summary>Who says what: the symbols of this lesson and the next (come back when one is unclear)</summary>
#
# | symbol | in code | what it is | who says it |
# |---|---|---|---|
# | $x$ | `x` | an image (in sections 3 to 6 one number) | the data |
# | $z$ | `z` | the code, a *latent* variable | drawn |
# | $\mu$, $s$ | `mu`, `logvar` | mean and log-variance of the code | the encoder, for each $x$ |
# | $\varepsilon$ | `torch.randn_like(mu)` | noise, $\mathcal N(0, 1)$ | chance |
# | $\hat x$ | `recon` | the decoded image | the decoder, for each $z$ |
# | $\sigma_x^2$ | | variance of a pixel around $\hat x$ | whoever writes the loss |
# | $p(z)$ | | the **prior**, $\mathcal N(0, 1)$ | chosen beforehand |
# | $p(x\,\vert\,z)$ | | the **likelihood** of $x$, given the code | the decoder |
# | $p(x)$ | | the **evidence**: how probable $x$ is | an integral that nobody can compute, if the decoder is a network and the latent numbers are many |
# | $p(z\,\vert\,x)$ | | the **posterior**: which codes may have made this $x$ | Bayes' rule |
# | $q(z\,\vert\,x)$ | | the **approximate posterior**, $\mathcal N(\mu, \sigma^2)$ | the encoder |
# | $L_b$ | | the **bound** (ELBO): lies below $\log p(x)$ | a mean over $q$ |
#
# </details>

# %% [markdown]
# ## 2 · Two moons and the space between
#
# Why noise in the code? Take the smallest data set there is: a full moon and a half moon, 16 by 16 pixels. (`moon`, folded, paints them. Its argument says where the shadow ends: $-2$ is outside, a full moon, and 0 in the middle.)


# %% tags=["figure"]
def moon(edge, size=16):
    """Image (size, size) in [-1, 1]. The shadow's edge: -2 well outside, full; 0 half; 2 new."""
    t = (torch.arange(size) + 0.5) / size * 2 - 1
    y, x = torch.meshgrid(t, t, indexing="ij")
    width = (1 - y**2).sqrt()  # of a circle a little larger than the disc, at height y
    disc = torch.sigmoid(30 * (0.8 - (x**2 + y**2).sqrt()))  # 1 inside, 0 outside, a soft edge
    light = torch.sigmoid(30 * (x - edge * width))
    return 2 * disc * light - 1


# %%
moons = torch.stack([moon(-2), moon(0)]).flatten(1)  # (2, 256)

# %% [markdown]
# The code shall be a single number $z$. What does the decoder draw half-way between the codes of the two: a moon three quarters full?
#
# With noise, an image's code lands somewhere else around $\mu$ each time, and each time the decoder must draw the same moon. So a whole stretch of the number line comes to mean *full moon*, and another one *half moon*. Train five autoencoders (no noise, no KL term) and five VAEs. (Section 7 explains the factor 0.05 of the squared error.)

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
# Compare the images half-way, on the orange line.

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

# %% tags=["claim"]
# "The autoencoder's middle is a matter of luck. In every run the VAE's is a half moon, half grey."
difference = moons[0] - moons[1]
half_way = torch.tensor([0.5])
far = {}  # how far each middle is from the mean of the two moons, by a projection
for name, nets in (("autoencoder", plain), ("VAE", noisy)):
    middles = torch.cat([walk(net, half_way) for net in nets])
    shares = (middles - moons[1]) @ difference / (difference @ difference)
    far[name] = (shares - 0.5).abs().max()
assert far["VAE"] < 0.25
assert far["autoencoder"] > far["VAE"]

# %% [markdown]
# The autoencoder's middle is a matter of luck. In every run the VAE's is a half moon with a grey half, and that is the best answer there is. Codes of both moons land there now and then, the decoder must draw *one* image for all of them, and their **mean** has the smallest squared error. So noise fills the space between codes, and invents nothing. With 60,000 images neighbours in the code are alike, and the mean of likes is nearly a digit.
#
# <details><summary>Derivation: the best image for a code that two images share</summary>
#
# Of the codes that fall near $z$ let a share $r$ belong to the full moon $x_1$ and a share $1 - r$ to the half moon $x_2$. Their mean squared error to an image $d$ is
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

# %% [markdown]
# ### Exercise 5.1 · predict: Without the KL term
#
# Train the same VAE with the squared error alone. What becomes of the learned variance $\sigma^2 = e^s$? `"a"`: it stays near 1, where it starts. `"b"`: it grows. `"c"`: it shrinks towards 0.
#
# <details><summary>Hint</summary>
#
# The noise moves the code away from the place where the image is drawn best. Does that ever lower the squared error?
#
# </details>

# %%
prediction = None  # your answer
checks.without_kl(prediction)

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
seed_everything(SEED)
free = VAE(256, latent=1)
fit(free, moons, 0.05, 0.0, num_steps=300, lr=3e-3)
for name, net in (("without the KL term", free), ("with it", noisy[0])):
    mu, logvar = net.encoder(moons).detach().chunk(2, dim=1)  # (2, 1) each
    print(f"{name:19} means ≈ {(mu[0] - mu[1]).abs().item():.1f} apart", end="")
    print(f", noise of standard deviation ≈ {torch.exp(logvar / 2).mean():.2f}")

# %% tags=["claim"]
# "It shrinks the noise, and it moves the means apart until the noise that is left no longer matters."
apart, noise = [], []
for net in (free, noisy[0]):
    mu, logvar = net.encoder(moons).detach().chunk(2, dim=1)
    apart.append((mu[0] - mu[1]).abs().item())
    noise.append(torch.exp(logvar / 2).mean().item())
assert noise[0] < noise[1] / 1.5
assert apart[0] > 1.5 * apart[1]
assert apart[0] > 15 * noise[0]

# %% [markdown]
# Without the KL term the net escapes in two ways. It shrinks the noise, and it moves the means apart until the noise that is left no longer matters.
#
# The KL term, $\tfrac12(e^s - 1 - s + \mu^2)$, closes both ways. In $s$ it is smallest where its slope, $\tfrac12(e^s - 1)$, is 0: at $s = 0$, that is $\sigma^2 = 1$. So the noise can't die. And $\mu^2$ keeps the means near 0. The KL term wants every image's code to look like $\mathcal N(0, 1)$, the squared error wants the opposite, and the VAE is the compromise. But why just this formula?

# %% [markdown]
# ## 3 · A distribution out of Gaussians
#
# An image of 28 by 28 pixels is a point in 784 dimensions. A model of digits is a **density** $p(x)$ there: high where digits are, nearly 0 elsewhere. Draw points from it, and you have new digits.
#
# Let $x$ be a single number for now. One bell curve is too simple, but several can be added. Draw the number $k$ of a bell curve first, then a point from that one:


# %%
def log_normal(x, mean, variance):
    """Logarithm of a bell curve's density, exp(-(x - mean)² / (2 variance)) / sqrt(2π variance)."""
    return -0.5 * (torch.log(2 * torch.pi * variance) + (x - mean) ** 2 / variance)


# %%
WEIGHTS = torch.tensor([0.5, 0.2, 0.3])
MEANS, SPREADS = torch.tensor([-2.0, 0.5, 3.0]), torch.tensor([0.6, 0.4, 0.8])
generator = torch.Generator().manual_seed(SEED)
k = torch.multinomial(WEIGHTS, 100_000, replacement=True, generator=generator)  # which Gaussian
samples = MEANS[k] + SPREADS[k] * torch.randn(100_000, generator=generator)  # a point from it
x_line = torch.linspace(-6, 8, 701)
components = WEIGHTS * log_normal(x_line[:, None], MEANS, SPREADS**2).exp()  # (701, 3)

# %% tags=["figure"]
fig, ax = plt.subplots()
ax.hist(samples, bins=120, range=(-6, 8), density=True, label="drawn in two steps", **GREY)
ax.plot(x_line, components.sum(dim=1), color="black", label="the sum, p(x)")
for k, dash in enumerate(("--", "-.", ":")):
    ax.plot(x_line, components[:, k], dash, linewidth=3, label=f"p(k={k}) p(x | k={k})")
ax.set(xlabel="x", ylabel="density")
ax.legend(handlelength=3.5)
plotting.show(
    fig,
    alt="Three weighted bell curves, their sum with three peaks, and behind it the histogram of "
    "samples drawn in two steps, which follows the sum.",
)

# %% [markdown]
# This is a **mixture of Gaussians**: $p(x) = \sum_k p(k)\,p(x\,|\,k)$. The letter is always $p$: **what stands in the brackets tells which function is meant.**
#
# Slant and width of handwriting come by degrees. So replace $k$ by a **latent** (hidden) variable $z$ that may be any number, drawn from the prior. Every $z$ has a Gaussian of its own, of variance $\sigma_x^2$ around a mean $\hat x(z)$ that a network computes, the **decoder**:
#
# $$z \sim \mathcal N(0, 1), \qquad x\,|\,z \sim \mathcal N\!\left(\hat x(z),\ \sigma_x^2\right), \qquad p(x) = \int p(z)\,p(x\,|\,z)\,dz$$
#
# The sum has become an integral. ($p(x\,|\,z)$ is called the **likelihood**, and $p(x)$ the **evidence**.) We want the decoder that makes the training images most probable. They are drawn independently, so their densities multiply and the logarithms add: it is the one with the largest mean of $\log p(x)$, **maximum likelihood**. But the integral stands in the way. For one latent number you may cut the $z$-axis into 200 steps and add up. With 20 latent numbers the grid has $200^{20}$ points, and at hardly any of them is $p(x\,|\,z)$ noticeably different from 0. Which $z$ matter for this $x$?

# %% [markdown]
# ## 4 · Which z may have made this x?
#
# With a decoder that is a straight line, $\hat x(z) = wz + b$, everything can be computed by hand. Let $w = 2$, $b = 0.5$ and $\sigma_x^2 = 1$.
#
# Somebody tells you $x = 2.5$. What do you know about $z$? Draw 20,000 pairs $(z, x)$, keep the dots in a thin stripe around $x = 2.5$, and look at their $z$.

# %%
W, B, VAR_X, X = (torch.tensor(value, dtype=torch.float64) for value in (2.0, 0.5, 1.0, 2.5))
UNIT = torch.tensor(1.0, dtype=torch.float64)  # the variance of the prior
generator = torch.Generator().manual_seed(SEED)
z = torch.randn(20_000, generator=generator, dtype=torch.float64)
x = W * z + B + VAR_X.sqrt() * torch.randn(20_000, generator=generator, dtype=torch.float64)
in_stripe = z[(x - X).abs() < 0.1]
print(f"≈ {len(in_stripe)} of 20000 dots lie in the stripe; their z: mean ", end="")
print(f"≈ {in_stripe.mean():.2f}, variance ≈ {in_stripe.var():.2f}")

# %% [markdown]
# A pair $(z, x)$ comes with density $p(z)\,p(x\,|\,z)$. Added up over all $z$ that is the density of the whole stripe, $\int p(z)\,p(x\,|\,z)\,dz = p(x)$. The share of one $z$ in the stripe is the quotient, **Bayes' rule**:
#
# $$\underbrace{p(z\,|\,x)}_{\text{posterior}} = \frac{p(z)\,p(x\,|\,z)}{p(x)}$$
#
# *Prior* is what one knows about $z$ before $x$ is seen, *posterior* what one knows afterwards. Here the posterior and $p(x)$ are both bell curves, with the means and variances that the cell below computes. (For $p(x)$: $wz$ has the variance $w^2$, the variances of independent numbers add, and we borrow that a sum of independent Gaussians is one too.)
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
# For a bell curve with mean $\mu_*$ and variance $\sigma_*^2$ it would be $-\frac{1}{2\sigma_*^2}z^2 + \frac{\mu_*}{\sigma_*^2}z + \text{const}$. Compare the numbers before $z^2$ and before $z$:
#
# $$\sigma_*^2 = \frac{1}{1 + w^2/\sigma_x^2}, \qquad \mu_* = \sigma_*^2\,\frac{w\,(x - b)}{\sigma_x^2} .$$
#
# </details>


# %%
def log_evidence(x, w=W):
    return log_normal(x, B, w**2 + VAR_X)


def posterior(x, w=W):
    variance = 1 / (1 + w**2 / VAR_X)
    return variance * w * (x - B) / VAR_X, variance  # mean, variance


mean, variance = posterior(X)
print(f"by the formula: mean {mean:.2f}, variance {variance:.2f}")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 4.2))
axes[0].plot(z[:2000], x[:2000], ".", color="grey", markersize=3, label="2,000 of the pairs (z, x)")
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
# Counting dots and the formula agree. The posterior is much narrower than the prior: having seen $x$, we know $z$ better. Its mean is not $1$, the $z$ with $wz + b = 2.5$, but $0.8$: the prior pulls it towards 0.
#
# For a decoder that is a network there is no such formula, for Bayes' rule needs $p(x)$. So let a second network guess **the posterior**: given $x$, it names $\mu$ and $s$. Its guess $q(z\,|\,x) = \mathcal N(\mu, \sigma^2)$ is the **approximate posterior**, and the network is the VAE's **encoder**. (One network guesses for all images: **amortised inference**.) But how do we train both without knowing $p(x)$?
#
# *A good place for a break.*

# %% [markdown]
# ## 5 · How far off is a guess?
#
# How far is the guess $q$ from another density $p$? Draw a $z$ from $q$, and ask how much more plausible $q$ finds it than $p$ does: the ratio $q(z)/p(z)$, in logarithms. The mean over draws from $q$, the **expected value** $\mathbb E_q$ (a $z$ is drawn as often as $q(z)$ says, so its value counts with the weight $q(z)\,dz$), is the **Kullback-Leibler divergence**:
#
# $$\mathrm{KL}\bigl(q \,\Vert\, p\bigr) = \mathbb E_q\left[\log\frac{q(z)}{p(z)}\right] = \int q(z) \log \frac{q(z)}{p(z)}\,dz$$
#
# An integral is an area. For two bell curves there is also a formula, `gaussian_kl` below.
#
# Take three guesses $q$ beside the same $p = \mathcal N(0, 1)$: a little shifted; in the middle, but much too narrow; far to the right. Which KL is the largest?
#
# <details><summary>Derivation: the KL of two bell curves</summary>
#
# For $q = \mathcal N(\mu, \sigma^2)$ and $p = \mathcal N(\mu_*, \sigma_*^2)$ it is $\mathbb E_q \log q - \mathbb E_q \log p$. The logarithms of the two densities are
#
# $$\log q(z) = -\tfrac12\log(2\pi\sigma^2) - \frac{(z - \mu)^2}{2\sigma^2}, \qquad \log p(z) = -\tfrac12\log(2\pi\sigma_*^2) - \frac{(z - \mu_*)^2}{2\sigma_*^2} .$$
#
# By the definition of the variance $\mathbb E_q(z - \mu)^2 = \sigma^2$, and $\mathbb E_q(z - \mu_*)^2 = \sigma^2 + (\mu - \mu_*)^2$. So
#
# $$\mathbb E_q\log q = -\tfrac12\log(2\pi\sigma^2) - \tfrac12, \qquad \mathbb E_q\log p = -\tfrac12\log(2\pi\sigma_*^2) - \frac{\sigma^2 + (\mu - \mu_*)^2}{2\sigma_*^2} .$$
#
# Subtract. The $\log 2\pi$ cancels, and what is left is
#
# $$\mathrm{KL}(q\,\Vert\,p) = \frac12\left(\log\frac{\sigma_*^2}{\sigma^2} + \frac{\sigma^2 + (\mu - \mu_*)^2}{\sigma_*^2} - 1\right).$$
#
# </details>


# %%
def gaussian_kl(mu, variance, p_mean=0 * UNIT, p_variance=UNIT):
    """KL(N(mu, variance) || N(p_mean, p_variance)), by its formula."""
    ratio = (variance + (mu - p_mean) ** 2) / p_variance
    return 0.5 * (torch.log(p_variance / variance) + ratio - 1)


# %% tags=["figure"]
GUESSED = torch.tensor([[0.5, 0.8**2], [0.0, 0.3**2], [2.0, 0.6**2]], dtype=torch.float64)
fig, axes = plt.subplots(1, 3, figsize=(12, 3.4), sharey=True)
z_axis = torch.linspace(-3.5, 4.5, 1601, dtype=torch.float64)
p_curve = log_normal(z_axis, 0, UNIT)
for ax, (mu, variance) in zip(axes, GUESSED, strict=True):
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
# The green area less the orange one is the KL. The guess far to the right has the largest: where $q$ is, $p$ is nearly 0. Green always wins; only for equal curves the KL is 0. (It is no distance: swap $q$ and $p$, and the number changes.)
#
# <details><summary>Derivation: the divergence is never negative</summary>
#
# $e^s - 1 - s$ is smallest at $s = 0$, where it is 0 (section 2). So $e^s \ge 1 + s$. Put $s = \log u$: then $u \ge 1 + \log u$, that is $\log u \le u - 1$, with equality for $u = 1$ only. Now
#
# $$-\mathrm{KL}(q\,\Vert\,p) = \int q \log\frac{p}{q}\,dz \;\le\; \int q\left(\frac{p}{q} - 1\right)dz = \int p\,dz - \int q\,dz = 1 - 1 = 0 .$$
#
# So $\mathrm{KL} \ge 0$, and it is 0 only if $p/q = 1$ wherever $q$ is.
#
# </details>

# %% [markdown]
# ## 6 · The bound
#
# For **any** density $q$ over $z$ (the bar in $q(z\,|\,x)$ only reminds us that a good one depends on $x$),
#
# $$\boxed{\;\log p(x) = L_b + \mathrm{KL}\bigl(q(z\,|\,x)\,\Vert\,p(z\,|\,x)\bigr), \qquad L_b = \int q(z\,|\,x)\,\log\frac{p(x\,|\,z)\,p(z)}{q(z\,|\,x)}\,dz\;}$$
#
# Write $q$ for $q(z\,|\,x)$. The number $\log p(x)$ does not depend on $z$, and the area under $q$ is 1, so $\log p(x) = \int q\,\log p(x)\,dz$. By Bayes' rule (section 4), $p(x) = p(x\,|\,z)\,p(z)\,/\,p(z\,|\,x)$, for every $z$. Put that in, then multiply and divide by $q$:
#
# $$\log p(x) = \int q\,\log\left(\frac{p(x\,|\,z)\,p(z)}{q}\cdot\frac{q}{p(z\,|\,x)}\right)dz$$
#
# Split the logarithm of the product: the first fraction gives $L_b$, the second the KL.
#
# Nothing was approximated. The divergence is never negative, so $L_b \le \log p(x)$: $L_b$ is a **lower bound**, also called the **ELBO** (evidence lower bound), and the divergence is the **gap** between the two. (It is not the KL term of section 1. That one compares $q$ with the prior, and is a part of $L_b$: section 7.)
#
# ### Why $L_b$ can be computed, though it is an integral too
#
# $$\Large L_b = \mathbb E_q\left[\log\frac{p(x\,|\,z)\,p(z)}{q(z\,|\,x)}\right] \;\approx\; \text{the mean over a few draws from } q$$
#
# Inside the brackets stand only things that we have: the decoder, the prior, and our own guess. And $q$ is a bell curve: **we can draw from it, and it lies where the $z$ that matter are.** A VAE gets along with one draw per image: the errors cancel over many images and steps.
#
# ### The equation, held against numbers
#
# With one latent number, $L_b$ is an area that can be added up strip by strip (`elbo`; you may skip its code). Take $x = 2.5$ and five guesses $q$. What do you expect of $L_b$ + gap?

# %%
STRIPS = torch.linspace(-12, 12, 401, dtype=torch.float64)[:, None]  # times q's standard deviation


def elbo(x, mu, variance, w=W):
    """L_b for n guesses, (n,), by its definition: the area under q log(p(x|z) p(z) / q)."""
    z = mu + variance.sqrt() * STRIPS  # (401, n)
    log_q = log_normal(z, mu, variance)
    log_p = log_normal(x, w * z + B, VAR_X) + log_normal(z, 0, UNIT)
    return torch.trapezoid(log_q.exp() * (log_p - log_q), z, dim=0)


# %%
GUESSES = [[0.0, 1.0], [2.0, 0.5], [-0.5, 0.5], [0.8, 0.05], [0.8, 0.2]]  # mean, variance of q
mu, variance = torch.tensor(GUESSES, dtype=torch.float64).T
bounds, gaps = elbo(X, mu, variance), gaussian_kl(mu, variance, *posterior(X))

# %% tags=["claim"]
# "Their sum does not move, whatever q is": to rounding.
assert ((bounds + gaps - log_evidence(X)).abs() < 1e-9).all()


# %% tags=["figure"]
def draw_bounds(ax, bounds, total):
    """One bar for each bound, up to L_b, and its gap, up to the line at log p(x)."""
    places = range(len(bounds))
    ax.barh(places, bounds + 14, left=-14, color=BLUE, label="up to L_b")  # no slider gets there
    gap = {"color": "white", "edgecolor": RED, "hatch": "//", "label": "the gap"}
    ax.barh(places, total - bounds, left=bounds, **gap)
    ax.axvline(total, color="black", label="log p(x)")
    ax.set(xlabel="logarithm of a density", xlim=(-14, 3.2), yticks=[])
    ax.grid(visible=False)


fig, ax = plt.subplots(figsize=(9, 3.8))
draw_bounds(ax, bounds.numpy(), log_evidence(X).item())
for place, (bound, gap) in enumerate(zip(bounds, gaps, strict=True)):
    sums = f"{bound:.3f} + {gap:.3f} = {bound + gap:.3f}"
    ax.text(-1.9, place, sums, va="center", fontsize=11)
ax.set_yticks(range(5), [f"mean {mean}, variance {variance}" for mean, variance in GUESSES])
ax.invert_yaxis()
ax.set_title("L_b + gap", loc="right", fontsize=11, fontweight="normal")
ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, fontsize=10)
plotting.show(
    fig,
    alt="Five bars, one for each guess. A blue piece up to L_b and a hatched piece, the gap, which "
    "ends at the same black line, log p(x), in all of them: every sum is -2.124. The last bar "
    "has no gap.",
)

# %% [markdown]
# Their sum does not move, whatever $q$ is: a better guess only turns gap into bound. The last guess is the posterior itself. (With a network as decoder the posterior need not be a bell curve. Then even the best $q$ leaves a gap.)
#
# Now close the gap yourself, for another point, $x = -1$, with two sliders. (Run the cell first.)


# %% tags=["figure", "nbval-ignore-output"]
def close_the_gap(mean, logvar):
    at, mu, s = (torch.tensor(value, dtype=torch.float64) for value in (-1.0, mean, logvar))
    z = torch.linspace(-4, 3, 400, dtype=torch.float64)
    bound, total = elbo(at, mu, s.exp()).item(), log_evidence(at).item()
    fig, axes = plt.subplots(1, 2, figsize=(11, 3))
    axes[0].plot(z, log_normal(z, *posterior(at)).exp(), color=RED, label="posterior")
    axes[0].plot(z, log_normal(z, mu, s.exp()).exp(), "--", color=BLUE, label="q")
    axes[0].set(xlabel="z", ylim=(0, 2), ylabel="density")
    axes[0].legend()
    draw_bounds(axes[1], np.array([bound]), total)
    axes[1].set(title=f"L_b {bound:.3f} · gap {total - bound:.4f} · log p(x) {total:.3f}")
    plotting.show(fig, alt=f"q with mean {mean:.2f} and log-variance {logvar:.2f}; bound and gap.")


_ = interact(
    close_the_gap,
    mean=FloatSlider(0, min=-2, max=1, step=0.01, continuous_update=False),
    logvar=FloatSlider(0, min=-4, max=1, step=0.01, continuous_update=False),
)

# %% [markdown]
# ### Exercise 5.2 · experiment: Close the gap
#
# Find a mean and a log-variance for $q$ with which the gap at $x = -1$ is below 0.005.
#
# <details><summary>Hint</summary>
#
# One slider at a time: first the place, then the width. Or compute the posterior as in section 4. Does its variance depend on $x$?
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
#
# *Another good place for a break.*

# %% [markdown]
# ## 7 · The two terms of the loss
#
# A VAE raises $L_b$ over encoder and decoder at once. The encoder only closes the gap, for $\log p(x)$ does not depend on $q$. The decoder moves $\log p(x)$ too. Begin where the gap is closed, and raise $L_b$. Then the new $\log p(x) \ge$ the new $L_b >$ the old $L_b =$ the old $\log p(x)$ (*EM: a climber in fog*, in *Going further*, draws it). (Where a gap is left it can go wrong: *When a higher bound means a worse model*.)
#
# Split the logarithm in $L_b$, and turn the sign round. There is the loss:
#
# $$-L_b = \underbrace{\mathbb E_q\left[\log\frac{q(z\,|\,x)}{p(z)}\right]}_{\mathrm{KL}(q(z|x)\,\Vert\,p(z))} + \;\mathbb E_q\bigl[-\log p(x\,|\,z)\bigr]$$
#
# **First term.** This is the **KL term**. The gap was measured against the *posterior*, and 0 is its best value. The KL term is measured against the *prior*, and at 0 the code would say nothing about the image. With $p = \mathcal N(0, 1)$ and $\sigma^2 = e^s$, `gaussian_kl` becomes $\tfrac12\left(e^s - 1 - s + \mu^2\right)$, the term of section 1. (The encoder gives every code number a bell of its own, independent of the others. Densities of independent numbers multiply, logarithms add, and so the term is summed.)
#
# **Second term.** Let each pixel scatter around $\hat x$ with the same fixed variance $\sigma_x^2$, independently of the others. Logarithms add once more, and that of a bell curve is a square (`log_normal`):
#
# $$-\log p(x\,|\,z) = \frac{1}{2\sigma_x^2}\,\lVert x - \hat x(z)\rVert^2 + \text{const}$$
#
# Its mean $\mathbb E_q$ is taken by drawing, with one $z$ per image: the line with `randn_like` in `forward`. The KL term needs no draw, it has its formula.
#
# The plain sum of squares is the case $2\sigma_x^2 = 1$: **whoever writes "summed squared error plus KL" has chosen a pixel variance of 1/2.** How much is that? Draw from $p(x\,|\,z)$, for one and the same $z$:

# %% tags=["figure"]
generator = torch.Generator().manual_seed(SEED)
noise = torch.randn(784, generator=generator)
with torch.inference_mode():
    zero = digits_vae.decoder(digits_vae.encoder(images[labels == 0][:1])[:, :2])[0]
shown = torch.stack([zero, *(zero + variance**0.5 * noise for variance in (0.02, 0.5, 10))])
fig = plotting.image_grid(shown, ["x̂", "variance 0.02", "variance 1/2", "variance 10"], columns=4)
fig.set_size_inches(8, 2.3)
plotting.show(
    fig,
    alt="A zero four times: the decoder's image, clean and soft, and three draws around it. With "
    "pixel variance 0.02 a little noise, with 1/2 a zero in heavy noise, with 10 nothing but noise.",
)

# %% [markdown]
# With 1/2 the zero can still be read. With 10 it is gone. (What everybody shows is $\hat x$, not a draw.) The moons of section 2 had a variance of 10, too, for $0.05 = 1/(2 \cdot 10)$, and kept their code. So many of their pixels change together that the two moons lie 15 apart, and along that one direction the noise has a spread of $\sqrt{10} = 3.2$ only. (*When does a code pay?*) So the proportion of the two terms is a choice, and lesson 6 makes others. `nn.MSELoss()`, which averages over 784 pixels, chooses a variance of 392, for $1/(2 \cdot 392) = 1/784$, and then the code says nothing any more: *The scaling mistake*, in *Going further*.
#
# **And the gradient?** PyTorch does not differentiate its own draws: `torch.normal(mu, sigma)` hands back the gradient 0. In $z = \mu + \sigma\varepsilon$ chance sits in $\varepsilon$ alone, and the derivative goes past it to $\mu$ and $s$: the **reparameterisation** (*Going further* tries it).

# %% [markdown]
# ## 8 · Two suspects
#
# The map of section 1 has smears. The theory has two suspects to offer.
#
# **The mean.** One image is drawn for all codes that fall on a place, and a squared error over pixels demands their mean, as with the two moons. The mean of sharp strokes is soft, and that of two kinds of digit a smear. (*Back to the map*, in *Going further*, holds the decoder against that mean.)
#
# **The hole.** Random codes come from the prior, but the decoder has practised on the codes of all images together, the **aggregated posterior** $q(z) = \frac1N\sum_i q(z\,|\,x_i)$. The KL term pulls every single $q(z\,|\,x_i)$ towards the prior; nothing makes their mean equal to it. Where the prior has many codes and the images few, a **prior hole**, the decoder is asked for what it never learned. With two latent numbers it can be seen. Compare, place by place, the density of the prior with that of the aggregated posterior.

# %%
with torch.inference_mode():
    mu, logvar = digits_vae.encoder(images).chunk(2, dim=1)  # (60000, 2) each
codes = mu + torch.exp(logvar / 2) * torch.randn_like(mu)  # one drawn code for each image
random_codes = torch.randn(2000, 2, generator=torch.Generator().manual_seed(SEED))
log_prior = log_normal(random_codes, 0, torch.tensor(1.0)).sum(dim=1)
few = slice(0, 5000)  # the aggregated posterior of 5,000 images is enough
log_q = log_normal(random_codes[:, None], mu[few], logvar[few].exp()).sum(dim=2)  # (2000, 5000)
log_aggregated = torch.logsumexp(log_q, dim=1) - np.log(5000)
in_hole = log_aggregated < log_prior - np.log(2)
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
    "the orange ones, where the images have few codes, lie mostly in those gaps.",
)

# %% tags=["claim"]
# "A large part of the prior's codes falls into them."
assert in_hole.float().mean() > 0.15

# %% [markdown]
# (The circles have radius 1 and 2.) The images' codes reach far beyond the prior's, and leave gaps, most of them between the coloured regions. The prior leaves none, and a large part of its codes falls into these.
#
# Which costs more, the mean or the hole? Lesson 6 takes the two apart.

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | squared error averaged over pixels, KL summed | the KL sinks to 0, all images come out as one smear | sum both |
# | `exp(logvar)` as the standard deviation | noise of the wrong size, and no error | `exp(logvar / 2)` |
# | `torch.normal(mu, sigma)` for the draw | the encoder learns from the KL term alone, and the code says nothing | $\mu + \sigma\varepsilon$ |

# %% [markdown]
# ## What you can now do
#
# - Say what noise in the code is good for, and why a VAE draws it as $\mu + \sigma\varepsilon$.
# - Derive the bound and its gap, say why it can be computed, and read both terms of the loss out of it.
# - Name the pixel variance behind a squared error.
# - Say what a squared error over pixels draws, and what a prior hole is.

# %% [markdown]
# ## Going further
#
# Most parts stand for themselves. No later lesson needs one.

# %% [markdown]
# ### Exercise 5.3 · code: The bound by drawing
#
# (To section 6.) Now with drawn codes, as a VAE works. Estimate $L_b$ by a mean over `n` draws from $q$: `z = mu + torch.exp(logvar / 2) * torch.randn(n)`. The function `log_joint` gives $\log p(x\,|\,z) + \log p(z)$ for each of the `n` codes in `z`. Return one number. (`mu` and `logvar` are tensors.)
#
# <details><summary>Hint</summary>
#
# Look at the large formula: what has to be subtracted from `log_joint(z)`? `log_normal` gives it, and wants the variance.
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
# The mean of the logarithms, not the logarithm of the mean: that one goes to $\log p(x)$ as $n$ grows (*A tighter bound from more draws*). And if $q$ is the posterior, every single draw gives $\log p(x)$: nothing is left to scatter.
#
# </details>

# %% [markdown]
# ### The scaling mistake
#
# (To section 7.) `nn.MSELoss()` divides the squared error by the number of pixels; the bound does not. Multiply the resulting loss by 784, which moves no minimum, and it is $\lVert x - \hat x\rVert^2 + 784\,\mathrm{KL}$: the KL term has become 784 times too heavy. As a pixel variance that is 392, for $1 / (2 \cdot 392) = 1 / 784$. Train the VAE of section 1 twice more, with the averaged error and with both terms divided by 784. What will the KL be?

# %%
WEIGHTINGS = {"averaged": (1 / 784, 1.0), "both divided": (1 / 784, 1 / 784)}
nets = {"summed": digits_vae}
for name, (error_weight, kl_weight) in tqdm(WEIGHTINGS.items()):
    seed_everything(SEED)
    nets[name] = VAE(784, latent=2)
    fit(nets[name], images, error_weight, kl_weight)

# %%
some, measured = images[:10_000], {}
for name, net in nets.items():
    with torch.inference_mode():
        recon, mu, logvar = net(some)
    measured[name] = ((recon - some) ** 2).sum(dim=1).mean(), kl_to_prior(mu, logvar).mean()
    print("{:13} squared error ≈ {:.0f}, KL ≈ {:.2f}".format(name, *measured[name]))
mean_image_error = ((some - images.mean(dim=0)) ** 2).sum(dim=1).mean()
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
assert measured["averaged"][1] < 0.1
assert abs(measured["averaged"][0] / mean_image_error - 1) < 0.2
for name in ("summed", "both divided"):
    assert measured[name][1] > 3
    assert measured[name][0] < 0.85 * mean_image_error

# %% [markdown]
# With the averaged error the KL is 0, and every image comes out as the mean of all of them. The encoder answers $\mathcal N(0, 1)$ whatever it sees, and the decoder ignores the code: **posterior collapse**. No error is raised. Dividing *both* terms is harmless: the proportion counts. (The summed loss, too, turns some digits into others: two numbers are few.)

# %% [markdown]
# ### Exercise 5.4 · find the bug: A loss that falls below zero
#
# (To section 5 and to *The scaling mistake*.) Somebody is happy: the loss is negative and still falling. The images are rubbish. There are two faults in this function.
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
# ### One bell curve becomes three peaks
#
# With a single latent number the integral of section 3 can be added up over a grid, and so a decoder can be trained by maximum likelihood itself, with no encoder and no bound. The data are 1,000 points from the mixture of section 3, of which the network knows nothing. It may learn its spread $\sigma_x(z)$ too.


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
z_line = torch.linspace(-4, 4, 201)
log_bell = log_normal(z_line, 0, torch.tensor(1.0))  # log p(z)


def log_density(decoder, x):
    """log p(x) for x of shape (n,), by adding up over z (in logarithms, as in lesson 2)."""
    mean, std = decoder(z_line)
    log_joint = log_bell + np.log(8 / 200) + log_normal(x[:, None], mean, std**2)
    return torch.logsumexp(log_joint, dim=1)


# %%
seed_everything(SEED)
decoder = Decoder1D()
untrained = log_density(decoder, x_line).exp().detach()
points = samples[:1000]
optimizer = torch.optim.Adam(decoder.parameters(), lr=0.03, fused=True)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.03, 400, cycle_momentum=False)
for _ in tqdm(range(400)):
    loss = -log_density(decoder, points).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
with torch.inference_mode():
    density = log_density(decoder, x_line).exp()
    mean, std = decoder(z_line)

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(12, 4.4), sharey=True)
axes[0].plot(z_line, mean, label="x̂(z)")
axes[0].fill_between(z_line, mean - std, mean + std, alpha=0.25, label="x̂(z) ± σ_x(z)")
axes[0].plot(z_line, 4 * log_bell.exp() - 6, "k:", label="p(z), its height not to scale")
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
    alt="Left: mean and spread of x against z, a curve with three flat stretches, steep "
    "between them, and the bell curve of z below. Right, turned on its side: the histogram of the "
    "data with three peaks, the trained "
    "density that follows it, and the untrained one, a single lump.",
)

# %% tags=["claim"]
# "A small network bends one bell curve into three peaks": trained, p(x) is near the truth
truth = components.sum(dim=1)
apart = [0.5 * torch.trapezoid((p - truth).abs(), x_line).item() for p in (density, untrained)]
assert apart[0] < 0.5 * apart[1]

# %% [markdown]
# A small network bends one bell curve into three peaks. Where $\hat x(z)$ is nearly flat, many $z$ have nearly the same $x$, which is frequent. Where it is steep, $x$ is rare.
#
# ### EM: a climber in fog
#
# The bound can be raised in two ways: over $q$, which closes the gap, and over the decoder. Take them in turns. The data are 500 numbers from the straight-line model with $w = 2$, and we start at $w = 0.5$. Let $\mu_i$ be the posterior's mean for the point $x_i$. For fixed $q$ the bound is a parabola in $w$, with its top at $w = \sum_i (x_i - b)\,\mu_i \big/ \sum_i (\mu_i^2 + \sigma^2)$. (Under $q$ the number $z_i$ has mean $\mu_i$ and variance $\sigma^2$, so the mean of $(x_i - b - wz_i)^2$ is $(x_i - b - w\mu_i)^2 + w^2\sigma^2$. Sum over $i$, and set the derivative to 0.)

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
w_line = torch.linspace(0, 3.2, 65, dtype=torch.float64)
fig, ax = plt.subplots(figsize=(8, 4.4))
ax.plot(w_line, [log_evidence(xs, w).mean() for w in w_line], "k", label="log p(x)")
for (w, mu, variance, value), dash in zip(climb[:3], ("--", "-.", ":"), strict=True):
    bounds = [elbo(xs, mu, variance, w=other).mean() for other in w_line]
    ax.plot(w_line, bounds, dash, color=BLUE, label=f"L_b for the q found at w = {w:.2f}")
    ax.plot(w, value, "o", color=RED, label="there the gap is closed" if dash == ":" else None)
ax.set(xlabel="the decoder's w", ylabel="mean over the data", ylim=(-3.6, -1.5))
ax.legend(loc="upper left", handlelength=3.5)
plotting.show(
    fig,
    alt="The mean of log p(x) against the decoder's w, and three bounds below it. Each touches it "
    "at one dot and has its top further right; the next dot stands above that top.",
)

# %% tags=["claim"]
# "he walks to the top of the bound, and is certain to stand higher on the true curve"
line = torch.linspace(0, 3.2, 65, dtype=torch.float64)
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
# If $q$ is bad, a higher bound may come with a **lower** likelihood. Take the laziest guess, $q = \mathcal N(0, 1)$ for every $x$, with the numbers of the section before and $w = 0.5$, and improve the decoder as far as this bound allows. (All $\mu_i$ are 0, so the top is at $w = 0$.)

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
# ### Ten draws against ten thousand
#
# $p(x)$ is a mean too, over draws from the prior. Why draw $L_b$ instead? Try both where the truth is known: 20 straight-line models side by side, so 20 latent numbers, each with $x = 2.5$. Compare 10,000 draws from the prior with ten from a decent $q$, five times each. (The first is the logarithm of a mean, the second the mean of a logarithm.)

# %%
generator = torch.Generator().manual_seed(SEED)
mu, variance = 0.8, 0.25 * UNIT  # of q, in each of the 20 models
from_prior, from_q = [], []
for _ in range(5):
    z = torch.randn(10_000, 20, generator=generator, dtype=torch.float64)
    log_likelihood = log_normal(X, W * z + B, VAR_X).sum(dim=1)
    from_prior.append(torch.logsumexp(log_likelihood, dim=0) - np.log(10_000))  # log of the mean
    z = mu + variance.sqrt() * torch.randn(10, 20, generator=generator, dtype=torch.float64)
    log_p = log_normal(X, W * z + B, VAR_X) + log_normal(z, 0, UNIT)
    from_q.append((log_p - log_normal(z, mu, variance)).sum(dim=1).mean())  # mean of the log
exact = 20 * log_evidence(X), 20 * (log_evidence(X) - gaussian_kl(mu, variance, *posterior(X)))
for name, found, truth in (("log p(x), prior", from_prior, exact[0]), ("L_b, q", from_q, exact[1])):
    print(f"{name:15} exact {truth:.2f}, drawn", ", ".join(f"≈ {value:.2f}" for value in found))

# %% tags=["claim"]
# "Ten thousand draws from the prior usually miss by several units, ten from q by a fraction of one."
assert (torch.stack(from_prior) - exact[0]).abs().median() > 1
assert (torch.stack(from_q) - exact[1]).abs().median() < 0.5

# %% [markdown]
# Ten thousand draws from the prior usually miss $\log p(x)$ by several units. Ten draws from $q$ miss $L_b$ by a fraction of one, and this $L_b$ lies close to $\log p(x)$. That is what the encoder is for. (A mean of ten draws may lie above $\log p(x)$, by chance. Only the exact $L_b$ cannot.)
#
# ### A tighter bound from more draws
#
# The bound is the mean of $\log\frac{p(x|z)\,p(z)}{q(z|x)}$. Draw $K$ codes instead of one, average the *ratios*, and take the logarithm afterwards. The mean of this number lies below $\log p(x)$ as well, and rises with $K$: the **importance-weighted bound** (Burda et al., 2015). Here it is for a poor guess, $q = \mathcal N(0, 1)$:

# %%
generator = torch.Generator().manual_seed(SEED)
for draws in (1, 10, 100, 1000):
    z = torch.randn(2000, draws, generator=generator, dtype=torch.float64)
    ratios = log_normal(X, W * z + B, VAR_X)  # q is the prior, so p(z) / q(z) = 1
    bound = (torch.logsumexp(ratios, dim=1) - np.log(draws)).mean()
    print(f"K = {draws:4}: ≈ {bound:.3f}")
print(f"log p(x):   {log_evidence(X):.3f}")

# %% [markdown]
# With $K = 1$ it is the ordinary bound, $-4.919$ by section 6, but for the scatter of the draws. One poor guess and many draws come near the truth, in one dimension. In twenty they would not, as the section before has shown.
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
# $\mathrm{KL}(q\,\Vert\,p)$ asks only about places where $q$ is, and sits on one peak (*mode seeking*). $\mathrm{KL}(p\,\Vert\,q)$ asks about all places where $p$ is, and lies over both (*mode covering*). In a VAE the first happens to the code: $q(z\,|\,x)$ would rather name one of several possible codes than all of them. The second happens to the data. For $\mathrm{KL}(p_\text{data}\,\Vert\,p_\text{model})$ is minus the mean of $\log p_\text{model}(x)$ over the data, plus a number that the model cannot change: maximum likelihood makes it small, and so wants every training image covered.

# %% [markdown]
# ### A gradient through a random number
#
# PyTorch has a draw of its own, `torch.normal(mu, sigma)`. Compare it with $\mu + \sigma\varepsilon$ where the answer is known: $\mathbb E_q[z^2] = \mu^2 + \sigma^2 = \mu^2 + e^s$ has the derivatives $2\mu$ and $e^s$. Take the mean of 100,000 draws, and ask for its gradient.

# %%
DRAWS = {
    "torch.normal": lambda mu, sigma: torch.normal(mu.expand(100_000), sigma.expand(100_000)),
    "mu + sigma eps": lambda mu, sigma: mu + sigma * torch.randn(100_000),
}
seed_everything(SEED)
mu, logvar = (torch.tensor(value, requires_grad=True) for value in (0.3, -1.0))
for name, draw in DRAWS.items():
    mean_square = (draw(mu, torch.exp(logvar / 2)) ** 2).mean()
    # torch.autograd.grad returns the gradients, and leaves every .grad alone.
    gradients = torch.autograd.grad(mean_square, (mu, logvar))
    print(f"{name:15}", ", ".join(f"≈ {gradient:.3f}" for gradient in gradients))
print(f"{'exact':15}  {2 * mu:.3f},   {logvar.exp():.3f}")

# %% tags=["claim"]
# "torch.normal hands back a gradient of 0 ... the other is right"
for name, draw in DRAWS.items():
    value = (draw(mu, torch.exp(logvar / 2)) ** 2).mean()
    found = torch.stack(torch.autograd.grad(value, (mu, logvar)))
    if name == "torch.normal":
        assert (found == 0).all()
    else:
        assert torch.allclose(found, torch.stack((2 * mu, logvar.exp())), atol=0.03)

# %% [markdown]
# `torch.normal` hands back a gradient of 0: an encoder behind it learns nothing from the squared error. The other is right. A single draw scatters around the true gradient, but is right on average (**unbiased**).
#
# ### The rival: a gradient without a derivative
#
# There is another way to the gradient of $\mathbb E_q[f(z)]$. Move the density, and keep the points where they fell: since $\partial q/\partial\mu = q\,\partial\log q/\partial\mu$,
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
    f = log_normal(X, W * z + B, VAR_X).sum(dim=1)
    slope = W * (X - B - W * z[:, 0]) / VAR_X  # the derivative of f
    variances["reparameterisation"].append(slope.var().item())
    variances["score function"].append((f * epsilon[:, 0] / sigma).var().item())

# %% tags=["figure"]
fig, ax = plt.subplots()
for (name, values), style in zip(variances.items(), ("o-", "s--"), strict=True):
    ax.plot(dimensions, values, style, label=name)
ax.set(xlabel="latent numbers", ylabel="variance of one estimate", yscale="log")
ax.set_xscale("log", base=2)
ax.set_xticks(dimensions, dimensions)
ax.legend(frameon=True)
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
# ### Exercise 5.5 · write the test: Is this draw right?
#
# A VAE with a mistake in its draw trains all the same, only worse. A test finds it. Write a function that gets a function `draw(mu, logvar)` and returns `True` if it draws from $\mathcal N(\mu, e^s)$, independently for every number, and lets gradients through to both arguments, and `False` otherwise.
#
# <details><summary>Hint</summary>
#
# Call it with many equal rows, some variances far from 1, and look at mean and standard deviation of what comes back, and at the correlation of its columns. Leave room for chance. Then call it with `requires_grad_()` and look at both gradients. "Not `None`" is not enough, as *A gradient through a random number* has shown.
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
# ### Back to the map
#
# What held for two moons holds for 60,000 images: at a code $z$ the best decoder draws their mean, each image weighted with $q(z\,|\,x_i)$, the density with which its code falls there. Compare the decoder, at eight random codes, with that mean and with the image of the largest weight.

# %%
with torch.inference_mode():
    mu, logvar = digits_vae.encoder(images).chunk(2, dim=1)  # (60000, 2) each
    z = torch.randn(8, 2, generator=torch.Generator().manual_seed(SEED))
    log_q = log_normal(z[:, None], mu, logvar.exp()).sum(dim=2)  # (8, 60000)
    weights = log_q.softmax(dim=1)  # q / sum of q: softmax undoes the logarithm
    drawn, means, heaviest = digits_vae.decoder(z), weights @ images, images[weights.argmax(dim=1)]
sharing = 1 / (weights**2).sum(dim=1)  # n, if n images had equal weights
print("images that share the code:", ", ".join(f"≈ {n:5.0f}" for n in sharing))

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
# The decoder draws the weighted mean, and not an image of the data. (The two differ most where few images share the code, here in the first, the fifth and the last column.) That is what a squared error over pixels does: it orders the mean of what shares a code.

# %% [markdown]
# ### When does a code pay?
#
# The collapse of *The scaling mistake* can be foretold. For a decoder that is a straight line (Lucas et al., 2019; we borrow it) a latent number is used only if the data varies by more than $\sigma_x^2$ along some direction. The largest such variance is an eigenvalue (lesson 4, *Going further* B).

# %%
largest = {}
for name, data_set, tried in (("digits", some, "0.5 and 392"), ("moons", moons, "10")):
    largest[name] = torch.linalg.eigvalsh(torch.cov(data_set.T, correction=0))[-1]
    print(f"{name}: the largest ≈ {largest[name]:.0f}; pixel variance {tried}")

# %% tags=["claim"]
# "That of the digits lies far above 1/2, and far below 392", "The moons' lies above 10"
assert 10 * 0.5 < largest["digits"] < 392 / 10
assert largest["moons"] > 1.5 * 10

# %% [markdown]
# That of the digits lies far above 1/2, and far below 392: with the summed error a code pays, with the averaged one it does not. The moons' lies above 10, so there it paid.
#
# ### What no pixel sees
#
# A squared error has no eye for what belongs together, since no pixel knows its neighbours. Here a 7 is changed twice, so that the squared error is **equal**: a broader stroke with soft edges, and a grey bar across its foot.

# %%
seven = images[labels == 7][0].reshape(1, 1, 28, 28)
brightest = nn.functional.max_pool2d(seven, kernel_size=3, stride=1, padding=1)
broader = seven + 0.5 * (brightest - seven)  # every pixel half-way to its brightest neighbour
room = torch.zeros_like(seven)
room[:, :, 22:25, 4:24] = 1 - seven[:, :, 22:25, 4:24]  # what is missing to white
share = (((broader - seven) ** 2).sum() / (room**2).sum()).sqrt()
barred = seven + share * room
errors = [((changed - seven) ** 2).sum().item() for changed in (broader, barred)]
print(f"squared error: broader ≈ {errors[0]:.2f}, with a bar ≈ {errors[1]:.2f}")

# %% tags=["figure"]
fig = plotting.image_grid(
    torch.cat([seven, broader, barred]), ["a 7", "broader", "with a bar"], columns=3
)
fig.set_size_inches(6, 2.3)
plotting.show(
    fig,
    alt="A handwritten 7 three times: as it is, with a broader, softer stroke, and with a grey bar across "
    "its foot that no writer would make.",
)

# %% [markdown]
# One is still a plain 7, the other a 7 that something happened to. For the squared error they are equally good.
#
# It does **not** follow that a squared error cannot draw sharp images. Most of today's generators, diffusion models and flow matching, are trained with one too (Ho et al., 2020; Lipman et al., 2022), but go in many small steps, and each step needs only a mean (lesson 10).

# %% [markdown]
# ### Exercise 5.6 · open: Your own moons
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
