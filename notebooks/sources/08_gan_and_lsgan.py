# %% [markdown]
# # 8 · GAN and LSGAN
#
# In lesson 7 two small networks played against each other on a line. Here one learns to draw digits, the other learns to see through it, and you measure how far the two get.
#
# **You will**
#
# - write one training function that takes two nets, two losses and two optimisers,
# - train a GAN on 50,000 digits, and watch its samples while it learns,
# - say what the two losses tell, and measure what they do not,
# - derive the losses of LSGAN, and train it by the same call,
# - save nearly half of the work of an iteration, and check that this changes no gradient.
#
# **You need** Lessons 2 (cross-entropy, the judge), 3 (Adam) and 7 (the game, the optimal discriminator, `detach`). From school: derivatives, the logarithm, and the minimum of a parabola.
#
# **Time** About 90 minutes to read, with the exercises. All cells together run in about 60 seconds on two slow cores without a graphics card.

# %%
# %matplotlib inline
import copy
import time
from dataclasses import dataclass, field
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from IPython.display import display
from ipywidgets import HTML, IntSlider, interact
from torch import nn
from tqdm.auto import tqdm

from course_utils import data, plotting
from course_utils.device import pick_device, seed_everything
from course_utils.lessons import results
from course_utils.lessons.checks import lesson_08 as checks
from course_utils.lessons.classifier import load_judge
from course_utils.metrics import coverage, frechet_distance

plt.style.use(["default", "course_utils.course"])
SEED = 0

# %% tags=["nbval-ignore-output"]
# About this machine
device = pick_device()
print(f"PyTorch {torch.__version__} on {device}, {torch.get_num_threads()} threads")
_ = data.prepare("MNIST")
judge = load_judge(device)

# %% [markdown]
# ## 1 · Images and noise
#
# The two players train on the first 50,000 images. The next 5,000 are held out: no net of this lesson learns from them, and section 8 asks what the discriminator says about them. The test images serve as the yardstick, as in lesson 6.

# %%
images, labels = data.tensors(data.load("MNIST", train=True))
train_images, train_labels = images[:50_000], labels[:50_000]
held_out = images[50_000:55_000]
test_images, _ = data.tensors(data.load("MNIST", train=False))
print(tuple(train_images.shape), tuple(held_out.shape), tuple(test_images.shape))

# %%
BATCH_SIZE = 128
batches = data.batches(train_images, train_labels, BATCH_SIZE, shuffle=True)
print(f"{len(batches)} batches, the last one of {50_000 - 390 * 128} images")

# %% [markdown]
# `shuffle=True` matters here as much as in lesson 2. Without it the discriminator meets the same 128 images together in every round, always in the same order.
#
# A generator makes an image out of **noise**: a vector of 96 random numbers, each uniform on $[-1, 1]$. `torch.rand` is uniform on $[0, 1]$, so stretch it and shift it.


# %%
def draw_noise(n, noise_dim=96):
    """Return n noise vectors (n, noise_dim), uniform in [-1, 1]."""
    return 2 * torch.rand(n, noise_dim, device=device) - 1


# %% [markdown]
# Why uniform? Any distribution that we can draw from will do, and the normal one is as common. The generator turns it into whatever it needs. What the noise must have is room: 96 independent numbers leave space for all the ways of writing a digit.
#
# The training images have pixels in $[-1, 1]$, and so will the generated ones. Before a picture is stored or sent to the screen it must be mapped back to the bytes from 0 to 255.


# %%
def to_bytes(images):
    """Pixels in [-1, 1] -> whole numbers from 0 (black) to 255 (white)."""
    return ((images + 1) * 127.5).round().to(torch.uint8)


print(f"-1 becomes {to_bytes(torch.tensor(-1.0))}, 1 becomes {to_bytes(torch.tensor(1.0))}")


# %% [markdown]
# ## 2 · The two players
#
# The **discriminator** $D$ takes an image and answers with one number, 784 → 256 → 256 → 1. The number is a logit (lesson 2): large and positive means "real", large and negative means "fake", and 0 means "I cannot tell".
#
# Between its layers stands **LeakyReLU**: $x$ for positive $x$, and $0.2\,x$ for negative $x$. A plain ReLU lets no gradient through where it is 0. But all that the generator ever learns comes to it as a gradient through $D$, so a small slope everywhere is worth having. In $G$ the plain ReLU will do: no other net learns through it.
#
# The **generator** $G$ takes noise and answers with an image, 96 → 1024 → 1024 → 784. It ends with Tanh, whose range $(-1, 1)$ is that of the pixels.
#
# Both nets speak the language of images, `(batch, 1, 28, 28)`: $D$ begins with `Flatten`, $G$ ends with `Unflatten`. So the training function need not know what is inside.


# %%
def discriminator():
    return nn.Sequential(
        nn.Flatten(),  # (batch, 784)
        nn.Linear(784, 256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 256),
        nn.LeakyReLU(0.2),
        nn.Linear(256, 1),  # (batch, 1) logits
    )


def generator(noise_dim=96):
    return nn.Sequential(
        nn.Linear(noise_dim, 1024),
        nn.ReLU(),
        nn.Linear(1024, 1024),
        nn.ReLU(),
        nn.Linear(1024, 784),
        nn.Tanh(),
        nn.Unflatten(1, (1, 28, 28)),
    )


# %% [markdown]
# Each player has an Adam of its own, with a learning rate of $10^{-3}$ and $\beta_1 = 0.5$. Lesson 3 explained $\beta_1$: Adam walks along a moving average of the gradients, and $1/(1 - \beta_1)$ is about the number of steps that it remembers. The usual 0.9 remembers ten. Here the opponent changes all the time, old gradients speak of an opponent who is gone, and 0.5 remembers two.


# %%
def player_optimizer(net):
    return torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=True)


def new_game():
    """Return D, G and their optimisers, all of it following from SEED."""
    seed_everything(SEED)
    D, G = discriminator().to(device), generator().to(device)
    return D, G, player_optimizer(D), player_optimizer(G)


def count_parameters(*nets):
    return sum(parameter.numel() for net in nets for parameter in net.parameters())


# %% [markdown]
# Count by hand first. A linear layer from $n$ to $m$ numbers has $(n + 1)\,m$ parameters: $m$ weights for each input, and $m$ biases.

# %%
D, G, d_optimizer, g_optimizer = new_game()
by_hand = 785 * 256 + 257 * 256 + 257, 97 * 1024 + 1025 * 1024 + 1025 * 784
print(f"D: by hand {by_hand[0]:,} · counted {count_parameters(D):,} parameters")
print(f"G: by hand {by_hand[1]:,} · counted {count_parameters(G):,} parameters")
print(tuple(G(draw_noise(5)).shape), "->", tuple(D(G(draw_noise(5))).shape))


# %% [markdown]
# ## 3 · The two losses, from logits
#
# $D$ should say 1 (real) to real images and 0 (fake) to fake ones. Write $x$ for a real image, $z$ for noise, $\ell$ for a logit, and $\sigma(\ell) = 1/(1 + e^{-\ell})$ for the probability of "real" that it stands for. The binary cross-entropy of lesson 2 then gives
#
# $$L_D = -\,\mathbb{E}_x \log \sigma(D(x)) \;-\; \mathbb{E}_z \log\bigl(1 - \sigma(D(G(z)))\bigr),$$
#
# where $\mathbb{E}$ is the mean over real images, or over noise. $G$ wants the opposite for its own images: that $D$ says "real" to them. Lesson 7 compared two ways of writing this. One of them, the saturating loss, has no slope where $G$ needs it most. So take the other one, and label the fakes as real:
#
# $$L_G = -\,\mathbb{E}_z \log \sigma(D(G(z))).$$
#
# <details><summary>Derivation: what a logit does to the logarithm</summary>
#
# $-\log\sigma(\ell) = \log(1 + e^{-\ell})$. This function is called *softplus* of $-\ell$. For the other label, $1 - \sigma(\ell) = \sigma(-\ell)$, so $-\log(1 - \sigma(\ell)) = \log(1 + e^{\ell})$, the softplus of $\ell$.
#
# Both can be computed without overflow: for large $\ell$, $\log(1 + e^{\ell}) = \ell + \log(1 + e^{-\ell})$, and the exponential is small. Computed through the probability they cannot. For $\ell = -200$, $\sigma(\ell)$ is 0 in 32-bit numbers, and its logarithm is minus infinity. That is why a discriminator ends with a bare linear layer, and the loss takes its logits.
#
# </details>

# %% [markdown]
# ### Exercise 8.1 · code: Two losses
#
# Write both losses. `d_real` and `d_fake` are logits of shape `(batch, 1)` on whatever device, and each loss is one number: a mean over real images plus a mean over fake ones for $D$, a mean over fake ones for $G$.
#
# <details><summary>Hint</summary>
#
# `nn.functional.binary_cross_entropy_with_logits(logits, labels)` takes the mean. Labels of the right shape, on the right device: `torch.ones_like(logits)`, `torch.zeros_like(logits)`.
#
# </details>


# %%
def my_d_loss(d_real, d_fake):
    """Return the loss of D: a number that carries a gradient."""
    ...


def my_g_loss(d_fake):
    """Return the loss of G."""
    ...


checks.bce_losses(my_d_loss, my_g_loss)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def my_d_loss(d_real, d_fake):
#     """Return the loss of D: a number that carries a gradient."""
#     bce = nn.functional.binary_cross_entropy_with_logits
#     return bce(d_real, torch.ones_like(d_real)) + bce(d_fake, torch.zeros_like(d_fake))
#
#
# def my_g_loss(d_fake):
#     """Return the loss of G."""
#     softplus = nn.functional.softplus
#     return softplus(-d_fake).mean()
# ```
#
# The second one goes without labels: $-\log\sigma(\ell)$ is the softplus of $-\ell$. Either way is right for either loss.
#
# </details>

# %% [markdown]
# The lesson's own version. `bce` is told the label as a number, and makes the labels where the logits are.


# %%
def bce(logits, label):
    labels = torch.full_like(logits, label)
    return nn.functional.binary_cross_entropy_with_logits(logits, labels)


def gan_d_loss(d_real, d_fake):
    return bce(d_real, 1) + bce(d_fake, 0)


def gan_g_loss(d_fake):
    return bce(d_fake, 1)


# %% [markdown]
# A habit worth having with every loss that you write: right answers must lower it, and wrong ones must raise it. ($G$ wants $D$ to be wrong, so its loss goes the other way.) Three cases are enough. For a $D$ that answers 0 to everything the numbers are those of lesson 7, $2 \log 2 \approx 1.386$ and $\log 2 \approx 0.693$.


# %%
def three_cases(d_loss, g_loss, middle, real, fake):
    """Print both losses for outputs of D that are undecided, right, and the wrong way round."""
    cases = {"cannot tell": (middle, middle), "is right": (real, fake), "is wrong": (fake, real)}
    for case, outputs in cases.items():
        d_real, d_fake = torch.tensor(outputs)
        print(f"D {case:11} · D's loss {d_loss(d_real, d_fake):.3f}", end="")
        print(f", G's loss {g_loss(d_fake):.3f}")


three_cases(gan_d_loss, gan_g_loss, middle=0.0, real=3.0, fake=-3.0)

# %% [markdown]
# ## 4 · One iteration: one step each
#
# One often reads that $D$ is trained until it is good, then $G$ until it is perfect, then $D$ again. What is done is **alternation**: one batch, one step of $D$, one step of $G$, next batch. (Some take a few steps of $D$ for each step of $G$, as lesson 7 did.) A $D$ trained to the end against one fixed $G$ would only know the faults of that $G$, and a $G$ trained to the end against one fixed $D$ would only know how to fool that one.
#
# The plain way to write an iteration makes fake images twice, once for each step, and lets gradients run everywhere. Three savings change nothing in the result:
#
# - **One forward pass of $G$ serves both steps.** Between them only $D$ changes, so from the same noise $G$ would make the same images again.
# - **`fake.detach()` in $D$'s step** (lesson 7). $D$'s loss depends on $G$ too, but nobody uses that gradient: it would be computed and thrown away.
# - **$D$ is frozen in $G$'s step**, by `requires_grad_(False)`. The gradient has to pass *through* $D$ to reach $G$. The gradients *of* $D$'s own weights are not needed for that.


# %%
@dataclass
class GANHistory:
    """What a training leaves behind, apart from the nets."""

    d_loss: list = field(default_factory=list)  # one entry per iteration, as the next three
    g_loss: list = field(default_factory=list)
    d_real: list = field(default_factory=list)  # mean raw output of D on real images
    d_fake: list = field(default_factory=list)  # and on fake ones
    sheets: list = field(default_factory=list)  # 16 images each, always of the same 16 noises
    sheet_iterations: list = field(default_factory=list)
    seconds: float = 0.0


# %%
def d_step(history, D, loss_fn, optimizer, real, fake):
    """One step of D; fake comes detached from G."""
    on_real, on_fake = D(real), D(fake)
    loss = loss_fn(on_real, on_fake)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    history.d_loss.append(loss.item())
    history.d_real.append(on_real.mean().item())
    history.d_fake.append(on_fake.mean().item())


# %%
def g_step(history, D, loss_fn, optimizer, fake):
    """One step of G, whose graph still hangs on fake."""
    D.requires_grad_(False)  # the gradient passes through D and stops at its weights
    loss = loss_fn(D(fake))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    D.requires_grad_(True)
    history.g_loss.append(loss.item())


# %% [markdown]
# Are these savings really free? Compute the gradients of both losses twice, with $D$ as it is: once in the plain way with two separate passes of $G$ on the same noise, once in the short way.


# %%
def gradients(net):
    return torch.cat([parameter.grad.flatten() for parameter in net.parameters()])


def plain_gradients(D, G, real, noise):
    """Two passes of G, no detach, nothing frozen."""
    gan_d_loss(D(real), D(G(noise))).backward()
    of_d = gradients(D)
    D.zero_grad()
    G.zero_grad()  # D's loss has left gradients there
    gan_g_loss(D(G(noise))).backward()
    return of_d, gradients(G)


def short_gradients(D, G, real, noise):
    """One pass of G, detached for D; D frozen for G."""
    fake = G(noise)
    gan_d_loss(D(real), D(fake.detach())).backward()
    of_d = gradients(D)
    D.requires_grad_(False)
    gan_g_loss(D(fake)).backward()
    return of_d, gradients(G)


# %%
real, noise = train_images[:128].to(device), draw_noise(128)
plain = plain_gradients(copy.deepcopy(D), copy.deepcopy(G), real, noise)
short = short_gradients(copy.deepcopy(D), copy.deepcopy(G), real, noise)
for name, a, b in zip(("D", "G"), plain, short, strict=True):
    apart = (a - b).abs() > 0.001 * a.abs().max()
    print(
        f"{name}: {apart.sum()} of {len(a):,} slopes differ by more than a thousandth of the largest"
    )

# %% [markdown]
# The gradients agree, and nearly half of the arithmetic is saved. Together with the two savings of lesson 2, images as tensors in memory and `fused=True` in the optimiser, an iteration takes about 15 ms on two slow cores, and about 42 ms the way one writes it first (`benchmarks/savings_gan.py` measures each saving).

# %% tags=["claim"]
# "nearly half of the arithmetic is saved": operations in all matrix products
from torch.utils.flop_counter import FlopCounterMode

counts = []
for way in (plain_gradients, short_gradients):
    with FlopCounterMode(display=False) as counter:
        way(copy.deepcopy(D), copy.deepcopy(G), real, noise)
    counts.append(counter.get_total_flops())
assert counts[0] > 1.5 * counts[1]

# %% [markdown]
# ### Exercise 8.2 · find the bug: An iteration that teaches nothing
#
# With this iteration the samples never look like anything, and $D$ seems to prefer fakes.
#
# ```python
# def iteration(D, G, d_optimizer, g_optimizer, real, noise):
#     fake = G(noise)
#     d_loss = gan_d_loss(D(fake.detach()), D(real))
#     d_loss.backward()
#     d_optimizer.step()
#     g_loss = gan_g_loss(D(fake.detach()))
#     g_loss.backward()
#     g_optimizer.step()
#     return d_loss.item(), g_loss.item()
# ```
#
# Mend it. There are three faults. One of them occurs twice.
#
# <details><summary>Hint</summary>
#
# Which of the two arguments of `gan_d_loss` comes first? Through which `detach` should a gradient pass? And where do the gradients of the last iteration go?
#
# </details>


# %%
def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
    """One step of D and one of G; return both losses."""
    ...


checks.mended_iteration(mended_iteration)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def mended_iteration(D, G, d_optimizer, g_optimizer, real, noise):
#     """One step of D and one of G; return both losses."""
#     fake = G(noise)
#     d_loss = gan_d_loss(D(real), D(fake.detach()))
#     d_optimizer.zero_grad()
#     d_loss.backward()
#     d_optimizer.step()
#     g_loss = gan_g_loss(D(fake))
#     g_optimizer.zero_grad()
#     g_loss.backward()
#     g_optimizer.step()
#     return d_loss.item(), g_loss.item()
# ```
#
# Real and fake were exchanged. The second `detach` cut $G$ off from its own loss. And without `zero_grad` (missing twice) the gradients of all past iterations add up. Here $D$ is not frozen in $G$'s step, so $D$'s weights collect gradients there as well: `d_optimizer.zero_grad()` sweeps them away before the next step.
#
# </details>

# %% [markdown]
# ## 5 · The training function
#
# What remains is the frame: batches without end, new noise in every iteration, a bar, and now and then a **sheet** of 16 images from 16 noise vectors that stay the same, so that one can see the same 16 images grow. For a sheet $G$ is put into evaluation mode. With our layers this changes nothing. Lesson 9 has layers for which it does.


# %%
def endless(batches):
    while True:
        for x, _ in batches:
            yield x


def add_sheet(history, iteration, G, noise, on_sheet):
    G.eval()
    with torch.inference_mode():
        sheet = G(noise).cpu()
    G.train()
    history.sheets.append(sheet)
    history.sheet_iterations.append(iteration)
    if on_sheet is not None:
        on_sheet(iteration, sheet)


# %%
def train_gan(
    D,
    G,
    d_loss,
    g_loss,
    d_optimizer,
    g_optimizer,
    batches,
    num_iterations,
    *,
    noise_dim=96,
    sheet_every=250,
    on_sheet=None,
):
    """Train both nets, one step each per iteration; on_sheet(iteration, sheet) may show it."""
    history, start = GANHistory(), time.perf_counter()
    fixed_noise, stream = draw_noise(16, noise_dim), endless(batches)
    add_sheet(history, 0, G, fixed_noise, on_sheet)
    D.train()
    for iteration in (bar := tqdm(range(1, num_iterations + 1), desc="GAN")):
        real = next(stream).to(device)
        fake = G(draw_noise(len(real), noise_dim))
        d_step(history, D, d_loss, d_optimizer, real, fake.detach())
        g_step(history, D, g_loss, g_optimizer, fake)
        bar.set_postfix(D=f"{history.d_loss[-1]:.3f}", G=f"{history.g_loss[-1]:.3f}", refresh=False)
        if iteration % sheet_every == 0 or iteration == num_iterations:
            add_sheet(history, iteration, G, fixed_noise, on_sheet)
    history.seconds = time.perf_counter() - start
    return history


# %% [markdown]
# The function knows neither what kind of nets it trains nor which losses. Lesson 9 will import this very function and give it other nets.
#
# In every iteration $D$ is used three times: on real images, on fakes, and again on fakes in the step of $G$. $G$ is used once, and once more for each sheet.
#
# Before the training itself, see that each step does what it is for. Take fresh nets, and make ten steps of one player on the same images while the other stands still.

# %%
D, G, d_optimizer, g_optimizer = new_game()
real, fixed = train_images[:128].to(device), draw_noise(128)
trial = GANHistory()
for _ in range(10):
    d_step(trial, D, gan_d_loss, d_optimizer, real, G(fixed).detach())
leads = [trial.d_real[i] - trial.d_fake[i] for i in (0, -1)]
print(f"ten steps of D: its lead of real over fake ≈ {leads[0]:.2f} becomes ≈ {leads[1]:.2f}")

# %%
fooled = [D(G(fixed)).mean().item()]
for _ in range(10):
    g_step(trial, D, gan_g_loss, g_optimizer, G(fixed))
fooled.append(D(G(fixed)).mean().item())
print(f"ten steps of G: D's output on its images ≈ {fooled[0]:.2f} becomes ≈ {fooled[1]:.2f}")

# %% tags=["claim"]
# "ten steps of one player on the same images while the other stands still"
players = copy.deepcopy((D, G))
own_optimizers = [player_optimizer(net) for net in players]
before = copy.deepcopy(players)


def stood_still(i):
    return all(map(torch.equal, players[i].parameters(), before[i].parameters()))


d_step(GANHistory(), players[0], gan_d_loss, own_optimizers[0], real, players[1](fixed).detach())
assert stood_still(1)
assert not stood_still(0)
before = copy.deepcopy(players)
g_step(GANHistory(), players[0], gan_g_loss, own_optimizers[1], players[1](fixed))
assert stood_still(0)
assert not stood_still(1)

# %% tags=["claim"]
# "Ten steps are enough for D to tell one batch of real images from one batch of fakes by far, and
# enough for G to fool a D that stands still": logits, where 4 stands for 98 %
assert abs(leads[0]) < 1
assert leads[1] > 4
assert fooled[1] > fooled[0] + 4

# %% [markdown]
# Ten steps are enough for $D$ to tell one batch of real images from one batch of fakes by far, and enough for $G$ to fool a $D$ that stands still. That is why the two must alternate.
#
# ## 6 · The run
#
# While the cell runs you will want to see something. `as_html` turns a sheet into a picture for the browser.


# %% tags=["figure"]
import base64
import io

from PIL import Image


def as_html(iteration, sheet):
    """16 images -> a picture in HTML, two rows of eight, four times enlarged."""
    rows = to_bytes(sheet).reshape(2, 8, 28, 28).transpose(1, 2).reshape(56, 224)
    buffer = io.BytesIO()
    enlarged = Image.fromarray(rows.numpy()).resize((896, 224), Image.Resampling.NEAREST)
    enlarged.save(buffer, "png")
    letters = base64.b64encode(buffer.getvalue()).decode()
    text = f"Sixteen generated images after {iteration:,} iterations"
    return f'<p>{text}</p><img alt="{text}" src="data:image/png;base64,{letters}">'


# %% [markdown]
# Looking is good, measuring is better. Lesson 6 compared the means and spreads of the judge's 100 features. The **Fréchet distance** does it with the whole cloud: it fits a normal distribution, with all its correlations, to the features of the real images and another to those of the generated ones, and says how far apart the two are. It is 0 for equal clouds, and lesson 9 derives it.
#
# The real cloud comes from the 10,000 test images. `draw` makes the images of many noise vectors, a part at a time.


# %%
@torch.inference_mode()
def draw(G, noise):
    """(n, noise_dim) -> images (n, 1, 28, 28) on the CPU."""
    G.eval()
    images = torch.cat([G(part).cpu() for part in noise.split(2000)])
    G.train()
    return images


@torch.inference_mode()
def read(images):
    """(n, 1, 28, 28) -> the judge's features (n, 100), and the digits that it reads (n,)."""
    features = torch.cat([judge.features(x.to(device)) for x in images.split(2000)])
    return features.cpu(), judge.head(features).argmax(dim=1).cpu()


# %%
real_features = read(test_images)[0]


def distance(images):
    """Fréchet distance to the test images, in the judge's features."""
    return frechet_distance(read(images)[0], real_features)


# %%
seed_everything(SEED)
judging_noise = draw_noise(2000)
floor = distance(train_images[:2000])
noise_distance = distance(2 * torch.rand(2000, 1, 28, 28) - 1)
print(f"2,000 training images ≈ {floor:.1f}, 2,000 images of pure noise ≈ {noise_distance:.0f}")

# %% tags=["claim"]
# "Two marks on the scale", real images and pure noise, and "the grey images of an untrained G lie
# even further off"
assert 20 * floor < noise_distance
assert noise_distance < distance(draw(new_game()[1], judging_noise))

# %% [markdown]
# Two marks on the scale. (A small sample adds a little distance of its own, as lesson 9 shows, and pure noise is not the upper end: the grey images of an untrained $G$ lie even further off.) Now everything comes together in `on_sheet`: it shows the new sheet in place of the last one, and notes the distance of 2,000 samples. Those come from noise of their own, drawn above, so that measuring does not change the training.


# %%
def watch(G, distances):
    """Return an on_sheet that shows each sheet in place, and appends the Fréchet distance."""
    view = HTML("<em>The sheets appear here while the cell runs.</em>")
    display(view)

    def on_sheet(iteration, sheet):
        view.value = as_html(iteration, sheet)
        distances.append(distance(draw(G, judging_noise)))

    return on_sheet


# %% [markdown]
# 1,250 iterations are a little over three epochs. $G$ could still get better after them, but the digits are there.

# %%
NUM_ITERATIONS = 1250

gan_d, gan_g, d_optimizer, g_optimizer = new_game()
gan_distances = []
gan_history = train_gan(
    gan_d,
    gan_g,
    gan_d_loss,
    gan_g_loss,
    d_optimizer,
    g_optimizer,
    batches,
    NUM_ITERATIONS,
    on_sheet=watch(gan_g, gan_distances),
)

# %% tags=["nbval-ignore-output"]
# About this machine
print(f"{NUM_ITERATIONS} iterations ≈ {gan_history.seconds:.0f} s")

# %% [markdown]
# The whole run in one figure. Above, the same 16 noise vectors at six moments: grey noise, then bright blots, then strokes, and in the end some digits, with frayed edges. Below, from left to right: the losses, $D$'s raw outputs, and the Fréchet distance. A single batch makes a ragged curve, so each point of the first two is a mean over 50 iterations.


# %% tags=["figure"]
def show_run(history, distances, alt):
    fig, axes = plt.subplot_mosaic("abcdef;xxyyzz", figsize=(13, 5.8))
    chosen = torch.linspace(0, len(history.sheets) - 1, 6).round().long().tolist()
    for key, i in zip("abcdef", chosen, strict=True):
        title = f"iteration {history.sheet_iterations[i]:,}"
        plotting.mosaic(history.sheets[i], columns=4, ax=axes[key], title=title)
    losses = {"D": history.d_loss, "G": history.g_loss}
    plotting.curves(losses, ax=axes["x"], xlabel="iteration", title="Losses", window=50)
    said = {"real": history.d_real, "fake": history.d_fake}
    plotting.curves(said, axes["y"], "iteration", "raw output", "What D says", window=50)
    axes["z"].plot(history.sheet_iterations, distances, "o-")
    axes["z"].set(xlabel="iteration", ylabel="distance", yscale="log", title="Fréchet distance")
    axes["z"].set_yticks((50, 100, 200, 400), ("50", "100", "200", "400"))
    axes["z"].minorticks_off()
    plotting.show(fig, alt=alt)


# %% tags=["figure"]
show_run(
    gan_history,
    gan_distances,
    alt="Above: six sheets of 16 images, from grey noise over bright blots to strokes, some of "
    "which are digits with frayed edges. Below: the losses of D and G, which "
    "go up and down and do not follow the images; D's raw output, higher on real images than "
    "on fake ones; and the Fréchet distance, which falls to a fraction.",
)

# %% [markdown]
# From noise to digits, and nobody ever told $G$ what a digit looks like. It has not seen one real image. Everything it knows came as a gradient through $D$.
#
# The samples are rough: specks around the strokes, and many shapes that are no digit. No part of these nets knows that neighbouring pixels belong together. Lesson 9 mends that.

# %% [markdown]
# ## 7 · What the losses tell, and what not

# %% [markdown]
# ### Exercise 8.3 · predict: Two reports
#
# Two colleagues report on their trainings. What do you know about their images? Choose a letter for each, before you read on.
#
# First: "From iteration 500 to 1,250 the loss of $G$ rose from 0.9 to 1.4."
#
# Second: "From the first iteration on, $D$'s loss is exactly $2 \log 2$ and $G$'s exactly $\log 2$. It does not move."
#
# - `"a"`: the images got worse.
# - `"b"`: the images are as good as real ones: the game has ended.
# - `"c"`: nothing certain about the images. $D$ may have got better at telling, or $G$ worse at drawing.
# - `"d"`: nothing about the images. $D$ does not learn, and answers 0 to everything.
#
# <details><summary>Hint</summary>
#
# Each loss is measured with the opponent as the ruler. What if the ruler changes? And can a game end before it has begun?
#
# </details>

# %%
first_report = None  # your answer
second_report = None  # your answer
checks.two_reports(first_report, second_report)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# first_report = "c"
# second_report = "d"
# ```
#
# $G$'s loss says how well $D$ sees through it. If $D$ improves faster than $G$, the loss of $G$ rises while the images get better, so `"a"` does not follow. And the perfect end of lesson 7 has the same numbers as a $D$ that is dead. A number that does not move at all is a bug more often than a triumph.
#
# </details>

# %% [markdown]
# Look at the run with this in mind. Compare an early part of it with the end.


# %%
def around(values, iteration, width=250):
    """Mean of the values over the iterations that end there."""
    return sum(values[iteration - width : iteration]) / width


# %%
for iteration in (500, NUM_ITERATIONS):
    d_mean, g_mean = (around(v, iteration) for v in (gan_history.d_loss, gan_history.g_loss))
    far = gan_distances[gan_history.sheet_iterations.index(iteration)]
    print(f"{iteration:5} · D's loss ≈ {d_mean:.2f}, G's loss ≈ {g_mean:.2f}, distance ≈ {far:.1f}")

# %% [markdown]
# The images at the end are far better than those at iteration 500, and the losses have moved much less than the distance. It can be worse. In the figure $G$'s loss is lower between iterations 100 and 200, when the images are blots, than at the end. What they do tell:
#
# - **Is the game alive?** $D$'s loss at $2 \log 2 \approx 1.39$ and motionless: $D$ answers 0 to everything, perhaps because its last layer is stuck there. $D$'s loss near 0: $D$ has won. $G$'s loss still has a slope then, but the slope of $D$ with respect to the image may be tiny, or lead nowhere (section 10).
# - **Who is ahead?** $D$'s loss is below $2 \log 2$ and $G$'s above $\log 2 \approx 0.69$: $D$ is ahead, as usual.
# - **Did something break?** A sudden jump, or `nan`.
#
# What they do not tell: how good the images are, whether they are all alike, and when to stop. For that we need the images.

# %% tags=["claim"]
# "The images at the end are far better than those at iteration 500, and the losses have moved much
# less than the distance"


def factor(values):
    soon, late = around(values, 500), around(values, NUM_ITERATIONS)
    return max(soon / late, late / soon)


nearer = gan_distances[gan_history.sheet_iterations.index(500)] / gan_distances[-1]
assert nearer > 1.5
assert nearer > max(factor(gan_history.d_loss), factor(gan_history.g_loss))

# %% tags=["claim"]
# "In the figure G's loss is lower between iterations 100 and 200, when the images are blots, than
# at the end", and "D's loss is below 2 log 2 and G's above log 2: D is ahead, as usual"
import math

assert around(gan_history.g_loss, 200, width=100) < around(gan_history.g_loss, NUM_ITERATIONS)
assert around(gan_history.d_loss, NUM_ITERATIONS) < 2 * math.log(2)
assert around(gan_history.g_loss, NUM_ITERATIONS) > math.log(2)
assert around(gan_history.d_real, NUM_ITERATIONS) > around(gan_history.d_fake, NUM_ITERATIONS)

# %% [markdown]
# ## 8 · Reading the samples
#
# Draw 10,000 samples, and let the judge read them. First the **coverage** of the samples: the share of each of the ten digits among them. A generator that always draws the same perfect 1 would fool $D$ for a while. Lesson 7 called this mode collapse, and here it would show at once.

# %%
seed_everything(SEED)
gan_samples = draw(gan_g, draw_noise(10_000))

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(9, 3.8))
plotting.mosaic(gan_samples[:96], columns=16, ax=ax, title="96 samples of the GAN")
plotting.show(
    fig,
    alt="96 generated images: digits with frayed strokes and specks around them, some of them "
    "readable, and many smears that are no digit.",
)


# %% tags=["figure"]
def show_coverage(shares, title, alt):
    fig, ax = plt.subplots(figsize=(7, 2.8))
    plotting.probability_bars(shares, range(10), ax=ax, title=title)
    ax.axhline(0.01, color="black", linestyle="--", linewidth=1)
    ax.text(9.5, 0.015, "1 %", ha="left", va="bottom")
    _ = ax.set(
        xlabel="digit that the judge reads", ylabel="share", ylim=(0, 0.5), xlim=(-0.7, 10.2)
    )
    plotting.show(fig, alt=alt)


# %%
gan_shares = coverage(read(gan_samples)[1])
print(f"digits with at least 1 % of the samples: ≈ {(gan_shares >= 0.01).sum()} of the ten")

# %% tags=["figure"]
show_coverage(
    gan_shares,
    "Digits among 10,000 samples of the GAN",
    alt="Ten bars, one for each digit, of very unequal height. Most stand well above the dashed "
    "line at one per cent.",
)

# %% tags=["claim"]
# "Here some come several times as often as others"
assert gan_shares.max() > 1.5 * gan_shares.min()

# %% [markdown]
# The real digits have about a tenth each. Here some come several times as often as others. A mild case of mode collapse: nothing in the loss of one image says that the digits should be mixed evenly. Only $D$ can say so, by learning that there are too many of one kind.
#
# Mind who reads. The judge must answer with a digit whatever it sees, so a smear counts for something too. A low bar says that a kind is missing. A high bar does not say that its digits can be read. The distance of all 10,000 says more:

# %%
gan_distance = distance(gan_samples)
print(f"GAN ≈ {gan_distance:.1f}, 10,000 training images ≈ {distance(train_images[:10_000]):.1f}")

# %% [markdown]
# ### Does the discriminator know its training images by heart?
#
# $D$ has 267,009 weights and has seen every training image about three times. It could win the game in an unfair way: by remembering the real images, and calling everything else fake. Then $G$ would be told that even a perfect new digit is wrong. The 5,000 held-out images show whether it does so. They are as real as the others, and $D$ has never seen them.


# %%
@torch.inference_mode()
def outputs_of(D, images):
    """Raw outputs of D, (n,)."""
    return torch.cat([D(x.to(device)) for x in images.split(2000)]).cpu()[:, 0]


def ask(D, samples, border):
    """Print D's mean raw output on three kinds of images, and the share that it calls real."""
    groups = {"training": train_images[:5000], "held out": held_out, "samples": samples[:5000]}
    for name, group in groups.items():
        outputs = outputs_of(D, group)
        called_real = (outputs > border).float().mean()
        print(f"{name:8} · mean output ≈ {outputs.mean():.2f}", end="")
        print(f", called real: ≈ {100 * called_real:.0f} %")


# %%
ask(gan_d, gan_samples, border=0)

# %% tags=["claim"]
# "D treats real images that it has never seen nearly as it treats those it trained on"
seen, unseen, made = (
    outputs_of(gan_d, group).mean() for group in (train_images[:5000], held_out, gan_samples)
)
assert (seen - unseen).abs() < 0.5 * (seen - made).abs()

# %% [markdown]
# $D$ treats real images that it has never seen nearly as it treats those it trained on. So what it has learned is mostly what real digits look like, and not a list. In a longer training, or with fewer images, the first two lines can drift apart: a warning that the loss alone does not give.

# %% [markdown]
# ## 9 · A walk through the noise
#
# What lies between two noise vectors? Go in a straight line from one to the other, and draw what $G$ makes of ten points on the way. (Lesson 6 did this with the codes of a VAE.)


# %%
def walk(G, start, end, steps):
    """Images of points on the lines between noises (n, noise_dim): (n, steps, 784)."""
    shares = torch.linspace(0, 1, steps, device=device)[:, None]
    points = (1 - shares) * start[:, None] + shares * end[:, None]  # (n, steps, noise_dim)
    return draw(G, points.flatten(0, 1)).reshape(len(start), steps, 784)


# %%
seed_everything(SEED)
starts, ends = draw_noise(100), draw_noise(100)
walks = walk(gan_g, starts, ends, steps=10)

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 3.6))
plotting.mosaic(walks[:4].flatten(0, 1), columns=10, ax=ax, title="Four walks, from left to right")
plotting.show(
    fig,
    alt="Four rows of ten generated images. In each row one shape changes step by step into "
    "another; neighbours resemble one another.",
)

# %%
steps = (walks[:, 1:] - walks[:, :-1]).norm(dim=2)  # (100, 9)
whole = (walks[:, -1] - walks[:, 0]).norm(dim=1)  # (100,)
share = (steps.max(dim=1).values / whole).mean().item()
print(f"the largest of nine steps covers ≈ {100 * share:.0f} % of the distance between the ends")

# %% tags=["claim"]
# "The image changes gradually": no step covers most of the way
assert share < 0.5

# %% [markdown]
# The image changes gradually. (Nine equal steps along a straight line would cover 11 % each.) $G$ is a stack of continuous functions, so there is no jump. How steep the way is had to be measured. What is remarkable is that much of what lies between is a digit as well.
#
# One thing about the middle of the way. A noise vector has 96 numbers with variance $\frac13$ and mean 0, so the squares add up to 32 on average, and its length is near $\sqrt{32} \approx 5.66$. Hardly any vector is much shorter or longer: in 96 dimensions the deviations cancel. The point half-way between two of them is the mean of two independent vectors. Its variance is half as large, and its length only about 4. In training $G$ has practically never seen noise as short as this. Our walks do not suffer visibly. But what a net does where it was never trained is luck.

# %%
seed_everything(SEED)
a, b = draw_noise(10_000), draw_noise(10_000)
lengths, halfway = a.norm(dim=1), ((a + b) / 2).norm(dim=1)
print(f"length of noise: ≈ {lengths.mean():.2f}, from ≈ {lengths.min():.1f}", end="")
print(f" to ≈ {lengths.max():.1f}; half-way: ≈ {halfway.mean():.2f}")
print(f"{(lengths < 4).sum()} of 10,000 noise vectors are shorter than 4")

# %% [markdown]
# ## 10 · LSGAN: another pair of losses
#
# What could be better? The game has two parts that can be changed, the nets and the losses. Lesson 9 changes the nets. Here come the losses of the **least squares GAN** (Mao et al., 2016). $D$'s raw output is no longer a logit. It is compared with the labels themselves, 1 for real and 0 for fake, by half the squared error:
#
# $$L_D = \tfrac12\,\mathbb{E}_x\,(D(x) - 1)^2 + \tfrac12\,\mathbb{E}_z\,D(G(z))^2, \qquad L_G = \tfrac12\,\mathbb{E}_z\,(D(G(z)) - 1)^2$$
#
# ### The best discriminator is an old friend
#
# Let $p(x)$ be the density of real images and $q(x)$ that of the fakes, as in lesson 7. At one point $x$ the loss of $D$ is $\tfrac12\,p\,(D-1)^2 + \tfrac12\,q\,D^2$: a parabola in the number $D = D(x)$. Its slope is $p\,(D - 1) + q\,D$, which is 0 for
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)}.$$
#
# The same optimal answer as in lesson 7. But there it was the *probability* $\sigma(\ell)$, here it is the raw output itself. Where the two densities are equal, $D^* = \tfrac12$. So at the end of the game $L_D = \tfrac12 \cdot \tfrac14 + \tfrac12 \cdot \tfrac14 = \tfrac14$, and $L_G = \tfrac18$.

# %% [markdown]
# ### Exercise 8.4 · code: The losses of LSGAN
#
# Write both. `d_real` and `d_fake` are the raw outputs of $D$, `(batch, 1)`, used as they are.
#
# <details><summary>Hint</summary>
#
# Who wants the output on real images at 1? Who wants the output on fake ones at 0, and who at 1?
#
# </details>


# %%
def my_ls_d_loss(d_real, d_fake):
    """Return the loss of D: one number."""
    ...


def my_ls_g_loss(d_fake):
    """Return the loss of G."""
    ...


checks.ls_losses(my_ls_d_loss, my_ls_g_loss)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def my_ls_d_loss(d_real, d_fake):
#     """Return the loss of D: one number."""
#     return 0.5 * ((d_real - 1) ** 2).mean() + 0.5 * (d_fake**2).mean()
#
#
# def my_ls_g_loss(d_fake):
#     """Return the loss of G."""
#     return 0.5 * ((d_fake - 1) ** 2).mean()
# ```
#
# No sigmoid, no labels to make, nothing that could overflow. If the targets of $D$ are exchanged, $D$ and $G$ want the same thing, and $G$ learns to be recognised as fake.
#
# </details>


# %%
def ls_d_loss(d_real, d_fake):
    return 0.5 * ((d_real - 1) ** 2).mean() + 0.5 * (d_fake**2).mean()


def ls_g_loss(d_fake):
    return 0.5 * ((d_fake - 1) ** 2).mean()


# %% [markdown]
# The three cases again. Undecided is now an output of $\tfrac12$, and there stand the $\tfrac14$ and the $\tfrac18$ from above:

# %%
three_cases(ls_d_loss, ls_g_loss, middle=0.5, real=1.0, fake=0.0)

# %% [markdown]
# Test the derivation without calculus: some values of $p$ and $q$, and for each the best $D$ out of a fine grid.

# %%
p, q = torch.rand(200, 1), torch.rand(200, 1)
grid = torch.linspace(-0.5, 1.5, 2001)
best = grid[(0.5 * p * (grid - 1) ** 2 + 0.5 * q * grid**2).argmin(dim=1)]
apart = (best - (p / (p + q))[:, 0]).abs() > 0.001  # one step of the grid
print(f"{apart.sum()} of 200 best outputs lie further than 0.001 from p/(p+q)")

# %% [markdown]
# ### Slopes that do not die
#
# $G$ learns from the slope of its loss with respect to $D$'s output $\ell$ on a fake. Take the derivative of three losses:
#
# | loss of $G$ | formula | slope |
# |---|---|---|
# | saturating | $\log(1 - \sigma(\ell))$ | $-\sigma(\ell)$ |
# | non-saturating | $-\log \sigma(\ell)$ | $-(1 - \sigma(\ell))$ |
# | least squares | $\tfrac12 (\ell - 1)^2$ | $\ell - 1$ |
#
# Look at where each of them comes near 0. Mind the axis: for the first two losses it is a logit, for the third a number that is compared with 0 and 1.

# %%
SLOPES = {
    "saturating": lambda out: torch.log(1 - out.sigmoid()),
    "non-saturating": lambda out: -nn.functional.logsigmoid(out),
    "least squares": lambda out: 0.5 * (out - 1) ** 2,
}


def slope_of(loss, outputs):
    """Derivative of a loss at each output, by autograd."""
    outputs = outputs.clone().requires_grad_()
    return torch.autograd.grad(loss(outputs).sum(), outputs)[0]


# %% tags=["figure"]
outputs = torch.linspace(-5, 5, 201)
fig, ax = plt.subplots(figsize=(7.5, 3.8))
for (name, loss), style in zip(SLOPES.items(), ("-.", "--", "-"), strict=True):
    ax.plot(outputs, slope_of(loss, outputs), style, label=name)
ax.axhline(0, color="black", linewidth=0.8)
_ = ax.set(xlabel="D's raw output on a fake", ylabel="slope of G's loss", ylim=(-3, 3))
ax.legend(loc="upper left")
plotting.show(
    fig,
    alt="Slopes of three generator losses against D's output. The saturating one is zero on the "
    "left, the non-saturating one is zero on the right, and the least-squares one is a straight "
    "line that is zero at 1 only.",
)

# %% tags=["claim"]
# The table's slopes, and "dies on the left", "dies on the right", "0 at a single point"
at = torch.linspace(-5, 5, 201)
found = {name: slope_of(loss, at) for name, loss in SLOPES.items()}
torch.testing.assert_close(found["saturating"], -at.sigmoid())
torch.testing.assert_close(found["non-saturating"], at.sigmoid() - 1)
torch.testing.assert_close(found["least squares"], at - 1)
assert found["saturating"][0].abs() < 0.01
assert found["non-saturating"][-1].abs() < 0.01

# %% [markdown]
# The saturating loss dies on the left, where $D$ is sure of the fake: that was lesson 7's failure. The non-saturating one cures this and dies on the right, among the fakes that $D$ takes for real. That matters because $D$ can be wrong: an image that it takes for real may still lie far from the data, and a loss without slope leaves it there. The least-squares slope is 0 at a single point. However far $D$'s output is from the target, there is a pull, and it grows with the distance. It also pulls back a fake whose output lies beyond 1, so that $G$ is not paid for overshooting. The same holds for $D$ itself: with the cross-entropy a $D$ that is right and sure learns almost nothing more, with the squared error it is kept near 0 and 1.
#
# One caution: this is the slope at $D$'s output. What arrives at $G$ is that slope times the slope of $D$ with respect to the image, and nothing keeps the second factor from being small.

# %% [markdown]
# ### Exercise 8.5 · experiment: Equal pulls
#
# At which raw output below 1 do the non-saturating and the least-squares loss pull with the same strength? Find it so that the two strengths differ by less than 0.01. This gives both slopes:
#
# ```python
# out = torch.tensor(0.0)
# print(slope_of(SLOPES["non-saturating"], out), slope_of(SLOPES["least squares"], out))
# ```
#
# <details><summary>Hint</summary>
#
# At 0 the slopes are $-0.5$ and $-1$: the least squares pull harder. At 1 it is the other way round. Try the middle, and halve again.
#
# </details>

# %%
equal_output = None  # your number
checks.equal_pulls(equal_output)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# equal_output = 0.66
# ```
#
# The strengths are $1 - \sigma(\ell)$ and $1 - \ell$, so the place is where $\sigma(\ell) = \ell$, at 0.659. Below it the squared error pulls harder, between it and the target the cross-entropy does. Mind that the same number does not mean the same to both: 0.66 is "rather real" for LSGAN, and for the GAN a logit with the probability 0.66, which happens to agree here and nowhere else.
#
# </details>

# %% [markdown]
# ### What $G$ minimises
#
# In lesson 7 the best $D$ turned the game into a distance between $p$ and $q$. So it is here. The distance is of the kind called **Pearson's** $\chi^2$ ("chi squared"): for two non-negative functions with the same integral, the mean squared relative difference, $\chi^2(f \,\|\, g) = \int \frac{(f - g)^2}{g}\,dx$.
#
# <details><summary>Derivation: the game with the best D, for any labels</summary>
#
# Give the labels names: $D$ aims at $b$ on real images and at $a$ on fakes, and $G$ wants $c$ on fakes. Ours are $a = 0$ and $b = c = 1$. At one point, $D$ minimises $\tfrac12 p\,(D - b)^2 + \tfrac12 q\,(D - a)^2$. The slope $p\,(D - b) + q\,(D - a)$ is 0 for
#
# $$D^* = \frac{b\,p + a\,q}{p + q}.$$
#
# Now $G$'s side. Add to its loss the term $\tfrac12\,\mathbb{E}_x (D(x) - c)^2$. It does not contain $G$, so for a given $D$ no gradient of $G$ changes. Put in the best $D$, and write $C$ for what comes out. (Now the added term depends on $q$ as well. So $C$ tells where the game is at its best. It is not what $G$ descends on, step by step.)
#
# $$2C = \int (p + q)\,(D^* - c)^2\,dx = \int \frac{\bigl((b - c)\,p + (a - c)\,q\bigr)^2}{p + q}\,dx$$
#
# **The labels of the paper.** Choose $b - c = 1$ and $b - a = 2$, for instance $a = -1$, $b = 1$, $c = 0$. Then $a - c = -1$, the numerator is $(p - q)^2 = \bigl(2q - (p + q)\bigr)^2$, and
#
# $$2C = \int \frac{\bigl(2q - (p + q)\bigr)^2}{p + q}\,dx = \chi^2(2q \,\|\, p + q),$$
#
# Pearson's $\chi^2$ between $2q$ and $p + q$ (the paper writes $\chi^2_{\text{Pearson}}(p + q \,\|\, 2q)$ for the same integral). It is never negative, and 0 only for $p = q$.
#
# **Our labels.** With $a = 0$, $b = c = 1$ the numerator is $q^2$. Write $q = \tfrac12 (p + q) - \tfrac12 (p - q)$ and square:
#
# $$2C = \int \frac{q^2}{p + q}\,dx = \int \left(\frac{p + q}{4} - \frac{p - q}{2} + \frac{(p - q)^2}{4\,(p + q)}\right) dx = \frac12 + \frac14 \int \frac{(p - q)^2}{p + q}\,dx$$
#
# because $\int p = \int q = 1$. So it is a quarter of the same $\chi^2$, plus a constant: the smallest value $2C = \tfrac12$ is reached for $p = q$ and nowhere else.
#
# As in lesson 7, this speaks of a $D$ that is the best for the present $G$ at every moment. A $D$ that gets one step per step of $G$ is not.
#
# </details>
#
# In short: let $G$ aim at $c$, and write $C$ for its loss plus $\tfrac12\,\mathbb{E}_x (D(x) - c)^2$, both against the best $D$. With the labels $a = -1$, $b = 1$, $c = 0$, $C$ is half of $\chi^2(2q\,\|\,p + q)$. With our labels 0 and 1 it is an eighth of it, plus $\tfrac14$: at the end $G$'s loss is $\tfrac18$, and the added term another $\tfrac18$. Both are smallest when the fakes are distributed as the real images. Test it on two densities over 50 points, with sums for integrals.


# %%
def game_value(p, q, a, b, c):
    """C of the derivation: half the squared distance of the best D from c, under p and under q."""
    best = (b * p + a * q) / (p + q)
    return 0.5 * ((p + q) * (best - c) ** 2).sum()


# %%
p, q = (torch.rand(2, 50, dtype=torch.float64) + 0.01).unbind()
p, q = p / p.sum(), q / q.sum()
chi2 = ((2 * q - (p + q)) ** 2 / (p + q)).sum()
for labels, by_chi2 in (((-1, 1, 0), chi2 / 2), ((0, 1, 1), chi2 / 8 + 1 / 4)):
    print(f"labels {labels}: C ≈ {game_value(p, q, *labels):.4f} · from χ² ≈ {by_chi2:.4f}", end="")
    print(f" · C for q = p: {game_value(p, p, *labels):.2f}")

# %% tags=["claim"]
# "C is half of χ²(2q‖p + q). With our labels 0 and 1 it is an eighth of it, plus 1/4"
torch.testing.assert_close(game_value(p, q, -1, 1, 0), chi2 / 2)
torch.testing.assert_close(game_value(p, q, 0, 1, 1), chi2 / 8 + 1 / 4)

# %% [markdown]
# ## 11 · The same call
#
# New nets from the same seed, the same batches, the same function. Two arguments differ.

# %%
ls_d, ls_g, d_optimizer, g_optimizer = new_game()
ls_distances = []
ls_history = train_gan(
    ls_d,
    ls_g,
    ls_d_loss,
    ls_g_loss,
    d_optimizer,
    g_optimizer,
    batches,
    NUM_ITERATIONS,
    on_sheet=watch(ls_g, ls_distances),
)

# %% tags=["nbval-ignore-output"]
# About this machine
print(f"{NUM_ITERATIONS} iterations ≈ {ls_history.seconds:.0f} s")

# %% tags=["claim"]
# "New nets from the same seed": both games began alike
assert torch.equal(ls_history.sheets[0], gan_history.sheets[0])

# %% tags=["figure"]
show_run(
    ls_history,
    ls_distances,
    alt="The run of LSGAN in the same form. Above: six sheets, from grey noise to digits with "
    "frayed edges. Below: losses without a clear trend after the beginning; D's raw output, "
    "between 0 and 1, higher on real images than on fake ones; the Fréchet distance falls to a "
    "fraction.",
)

# %%
d_end, g_end = around(ls_history.d_loss, NUM_ITERATIONS), around(ls_history.g_loss, NUM_ITERATIONS)
on_real, on_fake = (around(v, NUM_ITERATIONS) for v in (ls_history.d_real, ls_history.d_fake))
print(f"at the end: D's loss ≈ {d_end:.3f}, G's loss ≈ {g_end:.3f}", end="")
print(f", D on real ≈ {on_real:.2f}, on fake ≈ {on_fake:.2f}")

# %% tags=["claim"]
# "D is ahead here too: its loss is below a quarter, G's is above an eighth, and its outputs on real
# and fake images stand on either side of a half"
assert d_end < 1 / 4
assert g_end > 1 / 8
assert on_fake < 1 / 2 < on_real

# %% [markdown]
# $D$ is ahead here too: its loss is below a quarter, $G$'s is above an eighth, and its outputs on real and fake images stand on either side of a half. These numbers live on another scale than $2 \log 2$ and $\log 2$. So it makes no sense to compare the loss of an LSGAN with that of a GAN, and it would not help if it did. Compare the images.

# %%
seed_everything(SEED)
ls_samples = draw(ls_g, draw_noise(10_000))

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(12, 4))
for ax, name, samples in zip(axes, ("GAN", "LSGAN"), (gan_samples, ls_samples), strict=True):
    plotting.mosaic(samples[:60], columns=10, ax=ax, title=name)
plotting.show(
    fig,
    alt="Sixty samples of the GAN and sixty of LSGAN. Both show some readable digits with frayed "
    "strokes and specks, and many smears that are no digit; neither is clearly better.",
)

# %%
ls_shares, ls_distance = coverage(read(ls_samples)[1]), distance(ls_samples)
print(f"digits with at least 1 %: GAN ≈ {(gan_shares >= 0.01).sum()}", end="")
print(f", LSGAN ≈ {(ls_shares >= 0.01).sum()}")
print(f"Fréchet distance: GAN ≈ {gan_distance:.1f}, LSGAN ≈ {ls_distance:.1f}")

# %% tags=["figure"]
show_coverage(
    ls_shares,
    "Digits among 10,000 samples of LSGAN",
    alt="Ten bars of unequal height for LSGAN, most of them well above the line at one per cent.",
)

# %% tags=["claim"]
# "in this run neither is far ahead"
assert 1 / 3 < ls_distance / gan_distance < 3

# %% [markdown]
# Two losses, and in this run neither is far ahead. Stop at another iteration (look at the right end of both curves), or start from another seed, and the ratio is another: with some seeds LSGAN comes out twice as near. A formula that promises better slopes is an argument, not a result, and a comparison of two single runs decides nothing. What limits both here is the short run, and nets that see flattened pixels and know nothing of neighbourhood.
#
# And the held-out images? An image now counts as called real if the output is above $\tfrac12$, the middle between the two labels. For a logit the border was 0.

# %%
ask(ls_d, ls_samples, border=0.5)

# %% tags=["claim"]
# "The first two lines agree", and "from step to step, D's outputs on real and fake images rise and
# fall together"
seen, unseen, made = (
    outputs_of(ls_d, group).mean() for group in (train_images[:5000], held_out, ls_samples)
)
assert (seen - unseen).abs() < 0.5 * (seen - made).abs()
both = torch.tensor([ls_history.d_real[-250:], ls_history.d_fake[-250:]])
assert torch.corrcoef(both)[0, 1] > 0.5

# %% [markdown]
# The first two lines agree, and that is what counts. The shares are those of one moment: from step to step, $D$'s outputs on real and fake images rise and fall together, and the border does not.
#
# ## 12 · Scrub through both runs
#
# All sheets were recorded. Move the slider and follow one of the sixteen: does it keep its digit?


# %% tags=["figure", "nbval-ignore-output"]
def show_sheets(number):
    iteration = gan_history.sheet_iterations[number]
    fig, axes = plt.subplots(1, 2, figsize=(7, 3.8))
    for ax, name, history in zip(axes, ("GAN", "LSGAN"), (gan_history, ls_history), strict=True):
        plotting.mosaic(history.sheets[number], columns=4, ax=ax, title=f"{name}, {iteration:,}")
    plotting.show(fig, alt=f"Sixteen images of GAN and of LSGAN after {iteration:,} iterations.")


last = len(gan_history.sheets) - 1
_ = interact(
    show_sheets,
    number=IntSlider(last, min=0, max=last, description="sheet", continuous_update=False),
)

# %% [markdown]
# The same without a slider: two of the sixteen noise vectors in all sheets, first for the GAN, then for LSGAN.

# %% tags=["figure"]
chosen = [torch.stack([sheet[i] for sheet in gan_history.sheets]) for i in (0, 1)]
chosen += [torch.stack([sheet[i] for sheet in ls_history.sheets]) for i in (0, 1)]
fig, ax = plt.subplots(figsize=(6.6, 4.4))
plotting.mosaic(torch.cat(chosen), columns=len(gan_history.sheets), ax=ax)
for row, name in enumerate(("GAN", "GAN", "LSGAN", "LSGAN")):
    ax.text(-4, 28 * row + 14, name, ha="right", va="center")
for column, iteration in enumerate(gan_history.sheet_iterations):
    ax.text(28 * column + 14, -4, f"{iteration:,}", ha="center", va="bottom")
plotting.show(
    fig,
    alt="Four rows, each showing what one noise vector gives from the first sheet to the last. It "
    "begins as grey noise, becomes a blot or a stroke, and often turns from one digit into "
    "another.",
)

# %%
drift = [(b - a).norm().item() for a, b in pairwise(gan_history.sheets)]
strangers = (train_images[:16] - train_images[16:32]).norm().item()
print(
    f"change from the third sheet to the fourth ≈ {drift[2]:.0f}, of the last two ≈ {drift[-1]:.0f}"
)
print(f"distance of two sheets of real images ≈ {strangers:.0f}")

# %% tags=["claim"]
# "Within 250 iterations the sheet changes by a good part of what lies between two sheets of
# different digits, and towards the end it still does"
assert drift[2] > 0.3 * strangers
assert drift[-1] > 0.3 * strangers

# %% [markdown]
# The same noise may be a 7 now and a 9 later. Within 250 iterations the sheet changes by a good part of what lies between two sheets of different digits, and towards the end it still does. Each player walks away from where the other has just moved. A single network that descends on one loss comes to rest. Two that chase each other need not.

# %% [markdown]
# ## 13 · Saved for the comparison
#
# Lesson 9 compares all the generators of this course. Save 10,000 samples of each of our two for it, with the seconds of training and the parameters of $G$ and $D$ together.

# %%
num_parameters = count_parameters(gan_g, gan_d)
for name, samples, history in (
    ("gan", gan_samples, gan_history),
    ("lsgan", ls_samples, ls_history),
):
    _ = results.save_samples(name, results.Samples(samples, history.seconds, num_parameters))
print(f"{num_parameters:,} parameters each")

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | real and fake exchanged in $D$'s loss | $D$ and $G$ want the same; both losses fall, the images stay noise | test the loss: right answers must lower it |
# | $G$ trained on label 0 | $G$'s loss falls to 0, the images never change for the better | $G$ labels its fakes as real |
# | $D$ never updated | $G$'s loss falls towards 0, $D$'s rises, the images are no digits | compare its weights before and after |
# | $G$'s optimiser holds $D$'s parameters | the sheets stay as they were at iteration 0 | compare the optimiser's parameters with the net's |
# | `detach` in $G$'s step | the same: $G$ does not move | detach in $D$'s step only |
# | no `detach` in $D$'s step | an error, "backward through the graph a second time"; with two passes of $G$ only lost time | `D(fake.detach())` |
# | `zero_grad` forgotten | no error; each step follows all old gradients too | before every `backward` |
# | one noise for the whole training | 128 images learned by heart, all others broken | draw inside the loop |
# | LSGAN targets exchanged | $D$'s output is 1 on fakes | the loss of a $D$ that is right must be 0 |
# | a sigmoid at the end of $D$, and logits in the loss | $D$'s outputs stay between 0 and 1, it learns slowly | a bare linear layer at the end |
# | $[-1, 1]$ drawn or stored as $[0, 1]$ | strokes with holes, a grey ground, or an error | map back, and check that black is 0 |
# | labels by `torch.ones(...)` | an error about devices, on a graphics card only | `torch.ones_like(logits)` |
# | batches not shuffled | losses that repeat with the epoch | `shuffle=True` |
# | stopping when a loss is low | any quality at all | look at samples, measure coverage and distance |

# %% [markdown]
# ## What you can now do
#
# - Write a training function for two players, and see that each step moves its own player.
# - Explain why one pass of $G$ is enough, and what `detach` and a frozen $D$ save.
# - Read the two losses for what they say, and ask the samples for the rest: coverage, distance, held-out images.
# - Derive the losses of LSGAN, its best discriminator and its link with Pearson's $\chi^2$, and train it by changing two arguments.
# - Walk through the noise, and say why the middle of the way is a strange place.
#
# Lesson 9 keeps the function and the losses, and gives the players convolutions.

# %% [markdown]
# ## References
#
# - I. Goodfellow, J. Pouget-Abadie, M. Mirza, B. Xu, D. Warde-Farley, S. Ozair, A. Courville, Y. Bengio (2014). *Generative Adversarial Networks.* [arXiv:1406.2661](https://arxiv.org/abs/1406.2661)
# - X. Mao, Q. Li, H. Xie, R. Y. K. Lau, Z. Wang, S. P. Smolley (2016). *Least Squares Generative Adversarial Networks.* [arXiv:1611.04076](https://arxiv.org/abs/1611.04076)
# - A. Radford, L. Metz, S. Chintala (2015). *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks.* [arXiv:1511.06434](https://arxiv.org/abs/1511.06434). Adam with $\beta_1 = 0.5$, LeakyReLU, walks.
# - A. L. Maas, A. Y. Hannun, A. Y. Ng (2013). *Rectifier Nonlinearities Improve Neural Network Acoustic Models.* ICML Workshop on Deep Learning for Audio, Speech and Language Processing. LeakyReLU.
# - M. Heusel, H. Ramsauer, T. Unterthiner, B. Nessler, S. Hochreiter (2017). *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium.* [arXiv:1706.08500](https://arxiv.org/abs/1706.08500). The Fréchet distance on images.
# - M. Lucic, K. Kurach, M. Michalski, S. Gelly, O. Bousquet (2017). *Are GANs Created Equal? A Large-Scale Study.* [arXiv:1711.10337](https://arxiv.org/abs/1711.10337). One seed decides nothing.
