# %% [markdown]
# # 8 · GAN and LSGAN
#
# In lesson 7 two small networks played against each other on a line. Here one learns to draw digits, the other learns to see through it, and neither is ever told what a digit is.
#
# **You will**
#
# - train two players on images, and watch the digits come out of the noise,
# - find out why an iteration without any error message teaches nothing,
# - average the generator over its last steps, and measure what that gains,
# - say what the two losses tell, and what they do not,
# - derive the losses of LSGAN, and train it by the same call.
#
# **You need** Lessons 2 (cross-entropy, the judge), 3 (Adam) and 7 (the game, the optimal discriminator, `detach`). From school: derivatives, the logarithm, and the minimum of a parabola.
#
# **Time** About 90 minutes for the core, with the exercises, and 55 for *Going further*. All cells together run in about three minutes on two slow cores without a graphics card; two trainings take most of that, and show their digits meanwhile.

# %%
# %matplotlib inline
import time

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import IntSlider, interact
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm.auto import tqdm

from course_utils import data, plotting
from course_utils.device import pick_device, seed_everything
from course_utils.lessons import results
from course_utils.lessons.checks import lesson_08 as checks
from course_utils.lessons.classifier import load_judge
from course_utils.lessons.gan import GANHistory
from course_utils.lessons.runs import recorded, run
from course_utils.metrics import coverage, frechet_distance

plt.style.use(["default", "course_utils.course"])
SEED = 0
LOAD = False  # True: take the trainings that this machine has done before, instead of waiting

# %% tags=["nbval-ignore-output"]
# About this machine
device = pick_device()
print(f"PyTorch {torch.__version__} on {device}, {torch.get_num_threads()} threads")
_ = data.prepare("MNIST")
judge = load_judge(device)

# %% [markdown]
# ## 1 · Two players
#
# The players train on the first 50,000 images, in 391 batches. The test images serve as the yardstick, as in lesson 6.
#
# A generator makes an image out of **noise**: 96 random numbers, each uniform on $[-1, 1]$.

# %%
BATCH_SIZE = 128
images, labels = data.tensors(data.load("MNIST", train=True))
train_images = images[:50_000]
test_images, _ = data.tensors(data.load("MNIST", train=False))
batches = data.batches(train_images, labels[:50_000], BATCH_SIZE, shuffle=True)


def draw_noise(n, noise_dim=96):
    """Return n noise vectors (n, noise_dim), uniform in [-1, 1]."""
    return 2 * torch.rand(n, noise_dim, device=device) - 1


# %% [markdown]
# The **generator** $G$ turns noise into an image, 96 → 1024 → 1024 → 784. It ends with Tanh, whose range $(-1, 1)$ is that of the pixels.
#
# The **discriminator** $D$ turns an image into one number, 784 → 256 → 256 → 1. The number is a logit (lesson 2): large and positive means "real", large and negative means "fake", and 0 means "I cannot tell". In lesson 7, $D(x)$ was a probability; from here on it is the logit, and the probability is $\sigma(D(x))$ with the sigmoid $\sigma$.
#
# Between the layers of $D$ stands **LeakyReLU**: $x$ for positive $x$, and $0.2\,x$ for negative $x$. A plain ReLU lets no gradient through where it is 0, and all that $G$ ever learns comes to it as a gradient through $D$. ($G$ keeps plain ReLUs, as in Radford et al., 2015.)


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


@torch.inference_mode()
def draw(G, noise):
    """(n, noise_dim) -> images (n, 1, 28, 28) on the CPU."""
    G.eval()  # nothing changes with our layers; lesson 9 has layers for which it does
    images = torch.cat([G(part).cpu() for part in noise.split(2000)])
    G.train()
    return images


# %% [markdown]
# Each player has an Adam of its own. $\beta_1 = 0.5$ lets it remember about two gradients (lesson 3: $1/(1 - \beta_1)$) where the usual 0.9 remembers ten: the opponent changes all the time, and old gradients speak of an opponent who is gone. (The value is that of Radford et al., 2015.)


# %%
def player_optimizer(net):
    return torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=True)


def new_game():
    """Return D, G and their optimisers, all of it following from SEED."""
    seed_everything(SEED)
    D, G = discriminator().to(device), generator().to(device)
    return D, G, player_optimizer(D), player_optimizer(G)


# %% [markdown]
# ## 2 · One iteration: one step each
#
# The losses are those of lesson 7, written for logits. $D$ wants the label 1 for real images and 0 for fake ones. $G$ wants the label 1 for its fakes (the loss that does not saturate):
#
# $$L_D = -\,\mathbb{E}_x \log \sigma(D(x)) \;-\; \mathbb{E}_z \log\bigl(1 - \sigma(D(G(z)))\bigr), \qquad L_G = -\,\mathbb{E}_z \log \sigma(D(G(z)))$$
#
# where $\mathbb{E}$ is the mean over real images $x$, or over noise $z$. For a $D$ that cannot tell, and answers 0 to everything, they are $2 \log 2 \approx 1.386$ and $\log 2 \approx 0.693$. PyTorch has $-\log\sigma$ and $-\log(1-\sigma)$ in one function, which overflows for no logit.


# %%
def bce(logits, label):
    labels = torch.full_like(logits, label)
    return nn.functional.binary_cross_entropy_with_logits(logits, labels)


def gan_d_loss(d_real, d_fake):
    return bce(d_real, 1) + bce(d_fake, 0)


def gan_g_loss(d_fake):
    return bce(d_fake, 1)


# %% [markdown]
# One batch, one step of $D$, one step of $G$, next batch: the two **alternate**. A $D$ trained to its end against one fixed $G$ would know the faults of that $G$ only, and a $G$ trained to its end against one fixed $D$ would know only how to fool that one.
#
# Two gradients are stopped on the way, and lesson 7 told them apart. $D$'s step gets fakes that are **detached**: nobody needs the gradient of $D$'s loss in $G$. In $G$'s step $D$ is **frozen**: the gradient has to pass *through* $D$ to reach $G$, and the gradients *of* $D$'s weights are not needed for that. This saves work and changes no number.
#
# A `GANHistory` is a bundle of lists that keeps what we want to look at later.


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
# ## 3 · The run
#
# What remains is the frame: batches without end, new noise in every iteration, and now and then a **sheet** of 16 images from 16 noise vectors that stay the same, so that one can see the same 16 images grow.
#
# One thing is new. Beside $G$ goes its **average**: a second generator whose weights $\bar w$ follow those of $G$ slowly,
#
# $$\bar w \leftarrow 0.99\,\bar w + 0.01\,w \qquad \text{after every step.}$$
#
# It is a mean over the weights of about the last hundred generators (not over their images, which would be blurred), and it takes no part in the game. Section 5 asks what it is good for. PyTorch has it ready: `AveragedModel`.


# %%
def endless(batches):
    while True:
        for x, _ in batches:
            yield x


def add_sheet(history, iteration, G, noise, on_sheet):
    history.sheets.append(draw(G, noise))
    history.sheet_iterations.append(iteration)
    if on_sheet is not None:
        on_sheet(iteration, history.sheets[-1])


def train_gan(D, G, d_loss, g_loss, d_optimizer, g_optimizer, batches, num_iterations, *,
              averaged=None, noise_dim=96, sheet_every=250, on_sheet=None):  # fmt: skip
    """Train both nets, one step each per iteration; averaged, if given, follows G."""
    history, start = GANHistory(), time.perf_counter()
    fixed_noise, stream = draw_noise(16, noise_dim), endless(batches)
    add_sheet(history, 0, G, fixed_noise, on_sheet)
    D.train()
    for iteration in (bar := tqdm(range(1, num_iterations + 1))):
        real = next(stream).to(device)
        fake = G(draw_noise(len(real), noise_dim))
        d_step(history, D, d_loss, d_optimizer, real, fake.detach())
        g_step(history, D, g_loss, g_optimizer, fake)
        if averaged is not None:
            averaged.update_parameters(G)
        bar.set_postfix(D=f"{history.d_loss[-1]:.3f}", G=f"{history.g_loss[-1]:.3f}", refresh=False)
        if iteration % sheet_every == 0 or iteration == num_iterations:
            drawing = G if averaged is None else averaged.module
            add_sheet(history, iteration, drawing, fixed_noise, on_sheet)
    history.seconds = time.perf_counter() - start
    return history


# %% [markdown]
# The function knows neither what kind of nets it trains nor which losses: lesson 9 imports it and gives it other nets.
#
# Looking is good, measuring is better. Take the **Fréchet distance** (FD) of lessons 4 and 6: it fits a normal distribution to the judge's 100 features of the 10,000 test images and another to those of the generated ones, and says how far apart the two are. (Lesson 9 derives it.) What is near, and what is far?


# %%
@torch.inference_mode()
def read(images):
    """(n, 1, 28, 28) -> the judge's features (n, 100), and the digits that it reads (n,)."""
    features = torch.cat([judge.features(x.to(device)) for x in images.split(2000)])
    return features.cpu(), judge.head(features).argmax(dim=1).cpu()


real_features = read(test_images)[0]


def distance(images):
    """Fréchet distance to the test images, in the judge's features."""
    return frechet_distance(read(images)[0], real_features)


seed_everything(SEED)
print(f"2,000 training images: FD ≈ {distance(train_images[:2000]):.1f}")
print(f"2,000 images of noise: FD ≈ {distance(2 * torch.rand(2000, 1, 28, 28) - 1):.1f}")

# %% [markdown]
# `play` puts everything together. Each sheet appears in place of the last one; at each, `play` notes the distance of 2,000 samples of $G$ and of its average. These samples come from noise of their own, so measuring does not change the training.
#
# `run` stores what `play` returns on this machine. (Who comes back another day sets `LOAD = True` at the top, and need not wait.) 4,000 iterations are about ten epochs. Watch the sheets, which the average draws: when do you read the first digit?


# %%
NUM_ITERATIONS = 4000
seed_everything(SEED)
judging_noise = draw_noise(2000)


def play(d_loss, g_loss):
    """Train new players with these losses; return their weights, the history and the distances."""
    D, G, d_optimizer, g_optimizer = new_game()
    averaged = AveragedModel(G, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    nets = {"D": D, "G": G, "averaged": averaged.module}
    distances = {"G": [], "averaged": []}
    live = plotting.LiveSheet("The sheets appear here while the cell runs.")

    def on_sheet(iteration, sheet):
        live.show(sheet, f"After {iteration:,} iterations")
        for name in distances:
            distances[name].append(distance(draw(nets[name], judging_noise)))

    history = train_gan(D, G, d_loss, g_loss, d_optimizer, g_optimizer, batches, NUM_ITERATIONS,
                        averaged=averaged, sheet_every=500, on_sheet=on_sheet)  # fmt: skip
    outcome = vars(history)  # the bundle as a dictionary
    outcome["distances"] = distances
    for name, net in nets.items():
        outcome[name] = net.state_dict()
    return outcome


gan = run("gan", lambda: play(gan_d_loss, gan_g_loss), load=LOAD)

# %% [markdown]
# The whole run in one figure. Above, the same 16 noise vectors at six moments. Below: the losses, $D$'s raw outputs (each point a mean over 50 iterations), and the Fréchet distance. (A new $G$ is even further off than noise: its images are all alike.) The dashed lines are the generators of lesson 6, if they have run here.

# %% tags=["figure"]
fig, axes = plt.subplot_mosaic("abcdef;xxyyzz", figsize=(13, 5.8))
chosen = torch.linspace(0, len(gan["sheets"]) - 1, 6).round().long().tolist()
for key, i in zip("abcdef", chosen, strict=True):
    title = f"iteration {gan['sheet_iterations'][i]:,}"
    plotting.mosaic(gan["sheets"][i], columns=4, ax=axes[key], title=title)
losses = {"D": gan["d_loss"], "G": gan["g_loss"]}
plotting.curves(losses, ax=axes["x"], xlabel="iteration", title="Losses", window=50)
said = {"real": gan["d_real"], "fake": gan["d_fake"]}
plotting.curves(said, axes["y"], "iteration", "raw output", "What D says", window=50)
for which, style in (("G", "o:"), ("averaged", "o-")):
    axes["z"].plot(gan["sheet_iterations"], gan["distances"][which], style, label=which)
for name, mark in (("vae", "VAE, lesson 6"), ("cvae", "conditional VAE, lesson 6")):
    stored = results.load_samples(name)
    if stored is not None:
        far = distance(stored.images[::5])  # 2,000 of 10,000, some of them in order
        axes["z"].axhline(far, color="#8C8C8C", linewidth=1, linestyle="--")
        axes["z"].text(0, far / 1.06, mark, va="top", fontsize=8)
axes["z"].set(xlabel="iteration", ylabel="FD", yscale="log", title="Fréchet distance")
axes["z"].set_yticks((5, 10, 30, 100, 300), ("5", "10", "30", "100", "300"))
axes["z"].minorticks_off()
axes["z"].legend()
plotting.show(
    fig,
    alt="Above: six sheets of 16 images, from grey noise to digits, some of them broken. "
    "Below: the losses of D and G; D's raw output, higher on real images than on fake ones; and the "
    "Fréchet distance on a logarithmic scale, which falls to a fraction, and further for the "
    "averaged generator than for G itself.",
)

# %% [markdown]
# From noise to digits, and $G$ has not seen one real image. Everything it knows came as a gradient through $D$.
#
# The weights are stored, so a generator can be loaded and asked for new digits whenever you like. How many of them can you read at once?


# %%
def loaded(weights):
    """Return a generator with these weights."""
    G = generator().to(device)
    G.load_state_dict(weights)
    return G


seed_everything(SEED)
noise = draw_noise(10_000)
gan_samples = draw(loaded(gan["averaged"]), noise)

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(9, 3.65))
plotting.mosaic(gan_samples[:96], columns=16, ax=ax, title="Drawn by the GAN")
plotting.show(
    fig,
    alt="96 generated images, white on black. About half are digits that can be read at once, with "
    "slightly rough strokes; others are broken or belong to no digit.",
)

# %% [markdown]
# (Two readers had sheets of 100 whose makers were not named. They could read 51 and 54 of this generator's, and 98 and 96 of the real ones.) So a small distance does not say that each image is a digit: it compares mean and spread of features over a whole set. Lesson 9 comes back to this.

# %% [markdown]
# ## 4 · When an iteration goes wrong
#
# A faulty iteration often raises no error: the run takes as long as a right one, and the images stay noise. (*Going further* B asks for a test that notices before the long run.)

# %% [markdown]
# ### Exercise 8.1 · find the bug: An iteration that teaches nothing
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
# Mend it. There are three faults; one of them is something that is missing in two places. It will be called several times, and must not be disturbed by gradients that an earlier call has left.
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
# ## 5 · Why the average?
#
# Compare $G$ itself with its average, on the same noise. Look at the strokes, and at the specks around them. (These distances are of 10,000 samples, the points of the curve above of 2,000. Fewer samples make a distance larger on average, and chance moves it too: compare like with like.)

# %%
raw_samples = draw(loaded(gan["G"]), noise)
raw_distance, gan_distance = distance(raw_samples), distance(gan_samples)
print(f"10,000 samples: G FD ≈ {raw_distance:.1f}, its average FD ≈ {gan_distance:.1f}")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(12, 2.7))
for ax, name, samples in zip(axes, ("G", "its average"), (raw_samples, gan_samples), strict=True):
    plotting.mosaic(samples[:40], columns=10, ax=ax, title=name)
plotting.show(
    fig,
    alt="Forty images of G and forty of its average, from the same noise. Mostly the same shapes; "
    "the strokes of the average are smoother, and fewer specks surround them.",
)

# %% tags=["claim"]
# "The average is nearer to the real images than the generator that it was made from"
if not data.standin_in_use():
    assert gan_distance < raw_distance

# %% [markdown]
# The average is nearer to the real images than the generator that it was made from, and nobody trained it. Where does that come from?
#
# A guess: the players circle around the goal, and the average of a circle lies nearer to its centre. Here is the smallest game to try it in. Two players have one number each, $x$ and $y$. One wants $x \cdot y$ as low as possible, below zero too, the other as high as possible, and they take steps in turn. Neither can gain at $x = y = 0$: there the game would end. Do they get there?

# %%
x, y, mean = torch.tensor(1.0), torch.tensor(0.0), torch.tensor([1.0, 0.0])
path, means = [], []
for _ in range(600):
    x = x - 0.1 * y  # downhill: the slope of x·y in x is y
    y = y + 0.1 * x  # uphill: the slope in y is x
    mean = 0.99 * mean + 0.01 * torch.stack([x, y])
    path.append((x.item(), y.item()))
    means.append(mean.tolist())
print(f"distance from (0, 0): players {torch.hypot(x, y):.2f}, their average {mean.norm():.2f}")

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(4.6, 4.4))
ax.plot(*zip(*path, strict=True), linewidth=1, label="the players")
ax.plot(*zip(*means, strict=True), linewidth=2, label="their average")
ax.plot(0, 0, "k+", markersize=12)
ax.set(xlabel="x", ylabel="y", title="Two numbers play", aspect="equal")
ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.88))
plotting.show(
    fig,
    alt="The players walk round and round on a circle about the point (0, 0). Their average "
    "spirals inwards to a far smaller circle.",
)

# %% tags=["claim"]
# "They never arrive: they circle. Their average circles ten times nearer"
assert torch.hypot(x, y) > 0.8
assert mean.norm() < 0.2

# %% [markdown]
# They never arrive: they circle. Their average circles ten times nearer to $(0, 0)$: it remembers about 100 steps, a round takes 63, and opposite sides of the circle cancel. That two million weights walk on circles too we have not shown; what we have measured is that their average draws better. (Yazıcı et al., 2018, tried it on many games.)

# %% [markdown]
# ## 6 · What the losses tell, and what not

# %% [markdown]
# ### Exercise 8.2 · predict: Two reports
#
# Two reports, on trainings that are not ours. What follows from each? Choose a letter for each, before you read on.
#
# First: "From iteration 500 to 1,250 the loss of $G$ rose from 0.9 to 1.4."
#
# Second: "From the first iteration on, $D$'s loss is exactly $2 \log 2$ and $G$'s exactly $\log 2$. It does not move."
#
# - `"a"`: the images got worse.
# - `"b"`: the images are as good as real ones: the game has ended.
# - `"c"`: nothing certain about the images. $D$ may have got better at telling, or $G$ worse at drawing.
# - `"d"`: that this $D$ judges nothing. Its last layer is 0 and never updated, so its logit is 0 for every image.
#
# <details><summary>Hint</summary>
#
# Each loss is measured with the opponent as the ruler. What if the ruler changes? And which logits give the losses of the second report (section 2)? What did $G$ draw in its first iteration?
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
# $G$'s loss says how well $D$ sees through it. If $D$ improves faster than $G$, the loss of $G$ rises while the images get better, so `"a"` does not follow. And the perfect end of lesson 7 has the same numbers as a $D$ that is dead. (No gradient passes through a last layer of 0, so the images stay what they were.) A number that does not move at all is a bug more often than a triumph.
#
# </details>

# %% [markdown]
# Look at the figure of the run with this in mind. Between iterations 150 and 400 the loss of $G$ rises from about 0.8 to 1.3, and by iteration 500 the images are nearer than before. And from iteration 1,000 to the end the distance falls to a fraction, and the losses move much less. What do they tell?
#
# - **Is the game alive?** $D$'s loss at $2 \log 2 \approx 1.39$ and motionless: $D$ answers 0 to everything. $D$'s loss near 0: $D$ has won. $G$'s loss still has its slope in $D$'s output, but $D$ itself may be flat around the fakes, or lead nowhere (lesson 7).
# - **Who is ahead?** $D$'s loss is below $2 \log 2$ and $G$'s above $\log 2 \approx 0.69$: $D$ is ahead, as usual. ($D$'s loss above $2 \log 2$, as early in our run: $D$ does worse than by answering 0.)
# - **Did something break?** A sudden jump, or `nan`.
#
# What they do not tell: how good the images are, whether they are all alike, and when to stop. For that we need the images.

# %% tags=["claim"]
# "From iteration 1,000 to the end the distance falls to a fraction, and the losses move much less"


def around(name, iteration):
    return np.mean(gan[name][iteration - 250 : iteration])


def factor(name):
    soon, late = around(name, 1000), around(name, NUM_ITERATIONS)
    return max(soon / late, late / soon)


nearer = gan["distances"]["averaged"][2] / gan["distances"]["averaged"][-1]
assert nearer > 2
assert nearer > 1.5 * max(factor("d_loss"), factor("g_loss"))

# %% tags=["claim"]
# "D's loss is below 2 log 2 and G's above log 2: D is ahead, as usual"
assert np.mean(gan["d_loss"][-250:]) < 2 * np.log(2)
assert np.mean(gan["g_loss"][-250:]) > np.log(2)

# %% [markdown]
# ## 7 · LSGAN: another pair of losses
#
# Lesson 9 changes the nets. Here only the losses change, to those of the **least squares GAN** (Mao et al., 2016). $D$'s raw output is no longer a logit. It is compared with the labels themselves, 1 for real and 0 for fake, by half the squared error:
#
# $$L_D = \tfrac12\,\mathbb{E}_x\,(D(x) - 1)^2 + \tfrac12\,\mathbb{E}_z\,D(G(z))^2, \qquad L_G = \tfrac12\,\mathbb{E}_z\,(D(G(z)) - 1)^2$$
#
# **Why squares?** Take a fake to which $D$ gives 4, by mistake. As a logit that means "surely real": $-\log\sigma$ has hardly any slope left and leaves the image where it is. Beside the target 1 it is too much: the slope of $\tfrac12(D - 1)^2$ is $D - 1 = 3$, and pulls the image back to where $D$ puts the real ones. That is the authors' reason; we do not put it to the test. (*Going further* A compares three losses.)
#
# **The best discriminator is an old friend.** Let $p(x)$ be the density of real images and $q(x)$ that of the fakes, as in lesson 7. At one point $x$ the loss of $D$ is $\tfrac12\,p\,(D-1)^2 + \tfrac12\,q\,D^2$: a parabola in the number $D = D(x)$. Its slope is $p\,(D - 1) + q\,D$, which is 0 for
#
# $$D^*(x) = \frac{p(x)}{p(x) + q(x)}.$$
#
# The same optimal answer as in lesson 7. But there it was the *probability* $\sigma(\ell)$ of a logit $\ell$, here it is the raw output itself. Where the two densities are equal, $D^* = \tfrac12$. So at the end of the game $L_D = \tfrac12 \cdot \tfrac14 + \tfrac12 \cdot \tfrac14 = \tfrac14$, and $L_G = \tfrac18$.

# %% [markdown]
# ### Exercise 8.3 · code: The losses of LSGAN
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

# %% [markdown]
# ## 8 · The same call
#
# New nets from the same seed, the same batches, the same function. Two arguments differ. Before you run it: which of the two will be nearer to the real images at iteration 1,000, and which at 4,000?


# %%
def ls_d_loss(d_real, d_fake):
    return 0.5 * ((d_real - 1) ** 2).mean() + 0.5 * (d_fake**2).mean()


def ls_g_loss(d_fake):
    return 0.5 * ((d_fake - 1) ** 2).mean()


lsgan = run("lsgan", lambda: play(ls_d_loss, ls_g_loss), load=LOAD)
d_end, g_end = (np.mean(lsgan[name][-250:]) for name in ("d_loss", "g_loss"))
print(f"at the end: D's loss ≈ {d_end:.3f}, G's ≈ {g_end:.3f}; if D = ½: 0.250 and 0.125")

# %% tags=["claim"]
# "New nets from the same seed": both games began alike
assert torch.equal(lsgan["sheets"][0], gan["sheets"][0])

# %% tags=["claim"]
# "D is ahead here too: its loss is below a quarter, G's is above an eighth"
assert d_end < 1 / 4
assert g_end > 1 / 8

# %% [markdown]
# $D$ is ahead here too: its loss is below a quarter, $G$'s is above an eighth. These numbers live on another scale than $2 \log 2$ and $\log 2$, so it makes no sense to compare the loss of an LSGAN with that of a GAN. Compare the images: their distance, and whether all ten digits are there. (A generator that always draws the same perfect 1 would fool $D$ for a while: mode collapse, lesson 7.) The judge reads the 10,000 samples and counts the share of each digit, the **coverage**. Of real images the rarest has 8.9 %. A share near 0 says that a kind is missing; a high one does not say that its digits can be read, for the judge must name one, whatever it sees.

# %%
ls_samples = draw(loaded(lsgan["averaged"]), noise)
for name, samples in (("GAN", gan_samples), ("LSGAN", ls_samples)):
    rarest = 100 * coverage(read(samples)[1]).min()
    far = distance(samples)
    print(f"{name:5} · FD of 10,000 samples ≈ {far:.1f}, the rarest digit ≈ {rarest:.1f} %")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(12, 3.8))
for ax, name, samples in zip(axes, ("GAN", "LSGAN"), (gan_samples, ls_samples), strict=True):
    plotting.mosaic(samples[:60], columns=10, ax=ax, title=name)
plotting.show(
    fig,
    alt="Sixty samples of the GAN and sixty of LSGAN. Both show digits with slightly rough "
    "strokes, and broken ones among them.",
)

# %% tags=["claim"]
# "No digit is missing"
for samples in (gan_samples, ls_samples):
    assert coverage(read(samples)[1]).min() > 0.01

# %% [markdown]
# No digit is missing in either. How did they get there? On the left is this run. On the right are three runs of each from other seeds, recorded on another machine (`benchmarks/gan_seeds.py` plays them). A judge was trained there too, and each judge has a scale of its own: compare the two colours, and not left with right.

# %% tags=["figure"]
seeds = recorded("gan_seeds")
fig, axes = plt.subplots(1, 2, figsize=(12, 3.6), sharey=True)
for name, outcome, color in (("GAN", gan, "#0072B2"), ("LSGAN", lsgan, "#D55E00")):
    iterations, distances = outcome["sheet_iterations"][1:], outcome["distances"]["averaged"][1:]
    axes[0].plot(iterations, distances, "o-", color=color, label=name)
    axes[1].plot(seeds["iterations"], np.transpose(seeds[name]), "o-", color=color, markersize=4)
axes[0].set(xlabel="iteration", ylabel="FD of the average", yscale="log", title="This run")
axes[1].set(xlabel="iteration", title="Three other seeds")
axes[0].set_yticks((5, 10, 30, 100, 300), ("5", "10", "30", "100", "300"))
axes[0].minorticks_off()
axes[0].legend()
plotting.show(
    fig,
    alt="Fréchet distances on a logarithmic scale against the iteration. Left: two falling curves, "
    "GAN and LSGAN. Right: three of each. LSGAN's are lower at first; later they mingle.",
)

# %% tags=["claim"]
# "At iteration 1,000 every LSGAN is nearer than every GAN, at the end no longer"
g_runs, ls_runs = (np.array(recorded("gan_seeds")[name]) for name in ("GAN", "LSGAN"))
assert ls_runs[:, 1].max() < g_runs[:, 1].min()
assert ls_runs[:, -1].max() > g_runs[:, -1].min()

# %% [markdown]
# With the three seeds LSGAN is nearer sooner: at iteration 1,000 every LSGAN is nearer than every GAN, at the end no longer. Which is nearer in the end? So few runs cannot tell. (Lucic et al., 2017, compared many GANs and found that no loss wins for good.)

# %% [markdown]
# ## 9 · Saved for the comparison
#
# Lesson 9 compares all the generators of this course, by 10,000 samples of each.

# %%
num_parameters = sum(p.numel() for net in (discriminator(), generator()) for p in net.parameters())
for name, samples, outcome in (("gan", gan_samples, gan), ("lsgan", ls_samples, lsgan)):
    _ = results.save_samples(name, results.Samples(samples, outcome["seconds"], num_parameters))
print(f"{num_parameters:,} parameters each")

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | real and fake exchanged in $D$'s loss | $D$ and $G$ want the same; both losses fall, the images stay noise | a $D$ that is right must have a low loss |
# | $G$ trained on label 0 | $G$'s loss falls to 0, the images never change for the better | $G$ labels its fakes as real |
# | $D$ never updated | $G$'s loss falls towards 0, $D$'s rises, the images are no digits | compare its weights before and after |
# | `detach` in $G$'s step, or $G$'s optimiser holds $D$'s parameters | the sheets stay as they were at iteration 0; or, where $D$ is frozen as in our `g_step`, an error: nothing requires a gradient | detach in $D$'s step only; one optimiser for each |
# | one noise for the whole training | 128 images learned by heart, all others broken | draw inside the loop |
# | a sigmoid at the end of $D$, and logits in the loss | $D$'s outputs stay between 0 and 1, it learns slowly | a bare linear layer at the end |

# %% [markdown]
# ## What you can now do
#
# - Write a training function for two players, and mend an iteration of it.
# - Say why the two alternate, and what averaging the generator gains.
# - Read the two losses for what they say, and ask the samples for the rest: distance, coverage.
# - Derive the losses of LSGAN and its best discriminator, and train it by changing two arguments.
#
# Lesson 9 keeps the function and the losses, and gives the players convolutions and a falling rate.

# %% [markdown]
# ## Going further
#
# Six sections that nothing later builds on. Each stands for itself.

# %% [markdown]
# ### A · Slopes that do not die
#
# $G$ learns from the slope of its loss with respect to $D$'s output $\ell$ on a fake. Take the derivative of three losses:
#
# | loss of $G$ | formula | slope |
# |---|---|---|
# | saturating (lesson 7) | $\log(1 - \sigma(\ell))$ | $-\sigma(\ell)$ |
# | non-saturating | $-\log \sigma(\ell)$ | $-(1 - \sigma(\ell))$ |
# | least squares | $\tfrac12 (\ell - 1)^2$ | $\ell - 1$ |
#
# Look at where each of them comes near 0. Mind the axis: for the first two losses it is a logit, for the third a number that is compared with 0 and 1.

# %% tags=["figure"]
outputs = torch.linspace(-5, 5, 201)
slopes = {
    "saturating": -outputs.sigmoid(),
    "non-saturating": outputs.sigmoid() - 1,
    "least squares": outputs - 1,
}
fig, ax = plt.subplots(figsize=(7.5, 3.8))
for (name, slope), style in zip(slopes.items(), ("-.", "--", "-"), strict=True):
    ax.plot(outputs, slope, style, label=name)
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
# The table's slopes, by autograd
for loss, slope in (
    (lambda out: torch.log(1 - out.sigmoid()), lambda out: -out.sigmoid()),
    (lambda out: -nn.functional.logsigmoid(out), lambda out: out.sigmoid() - 1),
    (lambda out: 0.5 * (out - 1) ** 2, lambda out: out - 1),
):
    at = torch.linspace(-5, 5, 201, requires_grad=True)
    torch.testing.assert_close(torch.autograd.grad(loss(at).sum(), at)[0], slope(at))

# %% [markdown]
# The saturating loss dies on the left, where $D$ is sure of the fake. The non-saturating one cures this and dies on the right, among the fakes that $D$ takes for real. The least-squares slope is 0 at a single point. However far $D$'s output is from the target, on either side, there is a pull towards it, and it grows with the distance.
#
# One caution: this is the slope at $D$'s output. What arrives at $G$ is that slope times the slope of $D$ with respect to the image, and nothing keeps the second factor from being small.

# %% [markdown]
# ### B · A test before the long run

# %% [markdown]
# ### Exercise 8.4 · write the test: Three iterations that should not pass
#
# A colleague writes iterations of the form `iteration(D, G, d_optimizer, g_optimizer, real, noise)`. In three of them, without any error message, something goes wrong: in one $D$ does not move, in one $G$ does not move, and in one $D$ moves the wrong way, so that its lead of real over fake shrinks. Write the test that catches all three: it plays `iteration` once on `real`, 128 real images, and fails by an `assert` if something is wrong. A right iteration must pass.
#
# <details><summary>Hint</summary>
#
# Start a `new_game()` and `draw_noise(128)`. Before the iteration, keep copies of a weight of each player (`D[1].weight.detach().clone()`, `G[0].weight.detach().clone()`), and the lead of $D$: its mean output on `real` less that on fakes. After it, compare. The fakes must be the same both times, so draw them once, before.
#
# </details>


# %%
def check_iteration(iteration, real):
    """Play an iteration with new players; fail by an assert if it is wrong."""
    ...


checks.check_iteration(check_iteration)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def check_iteration(iteration, real):
#     """Play an iteration with new players; fail by an assert if it is wrong."""
#     D, G, d_optimizer, g_optimizer = new_game()
#     noise = draw_noise(len(real))
#     fake = G(noise).detach()
#     d_before, g_before = D[1].weight.detach().clone(), G[0].weight.detach().clone()
#     lead_before = (D(real).mean() - D(fake).mean()).item()
#     iteration(D, G, d_optimizer, g_optimizer, real, noise)
#     assert not torch.equal(D[1].weight, d_before), "D stands still"
#     assert not torch.equal(G[0].weight, g_before), "G stands still"
#     lead = (D(real).mean() - D(fake).mean()).item()
#     assert lead > lead_before, "D goes the wrong way"
# ```
#
# Three asserts, and each has a sentence that says what went wrong. Who writes such a test before the long run saves the long run.
#
# </details>

# %% [markdown]
# ### C · Scrub through both runs
#
# All sheets were kept. Move the slider and follow one of the sixteen: does it keep its digit?


# %% tags=["figure", "nbval-ignore-output"]
def show_sheets(number):
    iteration = gan["sheet_iterations"][number]
    fig, axes = plt.subplots(1, 2, figsize=(7, 3.8))
    for ax, name, outcome in zip(axes, ("GAN", "LSGAN"), (gan, lsgan), strict=True):
        plotting.mosaic(outcome["sheets"][number], columns=4, ax=ax, title=f"{name}, {iteration:,}")
    plotting.show(fig, alt=f"Sixteen images of GAN and of LSGAN after {iteration:,} iterations.")


last = len(gan["sheets"]) - 1
_ = interact(
    show_sheets,
    number=IntSlider(last, min=0, max=last, description="sheet", continuous_update=False),
)

# %% [markdown]
# The same without a slider: two of the sixteen noise vectors in all sheets, first for the GAN, then for LSGAN.

# %% tags=["figure"]
chosen = [
    torch.stack([sheet[i] for sheet in outcome["sheets"]])
    for outcome in (gan, lsgan)
    for i in (0, 1)
]
fig, ax = plt.subplots(figsize=(7.4, 3.3))
plotting.mosaic(torch.cat(chosen), columns=len(gan["sheets"]), ax=ax)
for row, name in enumerate(("GAN", "GAN", "LSGAN", "LSGAN")):
    ax.text(-4, 28 * row + 14, name, ha="right", va="center")
for column, iteration in enumerate(gan["sheet_iterations"]):
    ax.text(28 * column + 14, -4, f"{iteration:,}", ha="center", va="bottom", fontsize=9)
plotting.show(
    fig,
    alt="Four rows, each showing what one noise vector gives from the first sheet to the last. It "
    "begins as grey noise, becomes a stroke, and keeps changing; not every row ends in a digit.",
)

# %% [markdown]
# Some keep their digit for long, and none keeps its image, though these are the sheets of the averages. A single network that descends on one loss can come to rest. Here every step of one player changes the loss of the other, and the two need not (section 5).

# %% [markdown]
# ### D · Does the discriminator know its training images by heart?
#
# $D$ has 267,009 weights and has seen every training image about ten times. It could win in an unfair way: by remembering the real images, and calling everything else fake. Then $G$ would be told that even a perfect new digit is wrong. Images that were held out are as real as the others, and $D$ has never seen them. What does it say to 5,000 of these?


# %%
@torch.inference_mode()
def outputs_of(D, images):
    """Raw outputs of D, (n,)."""
    return torch.cat([D(x.to(device)) for x in images.split(2000)]).cpu()[:, 0]


D, held_out = discriminator().to(device), images[50_000:55_000]
D.load_state_dict(gan["D"])
groups = {"training": train_images[:5000], "held out": held_out, "samples": gan_samples[:5000]}
for name, group in groups.items():
    outputs = outputs_of(D, group)
    called_real = (outputs > 0).float().mean()
    print(f"{name:8} · mean logit ≈ {outputs.mean():.2f}, called real: ≈ {100 * called_real:.0f} %")

# %% [markdown]
# The nearer the second line is to the first, the less $D$ knows by heart. What lies between these two is the price of seeing the same images ten times. Here that is next to nothing. What lies between the second and the third is what $D$ has really learned to tell. (The samples are those of the average, which $D$ never played against.)

# %% [markdown]
# ### E · The divergence behind LSGAN
#
# In lesson 7 the best $D$ turned the game into a divergence between $p$ and $q$. So it is here. Take $G$'s loss against the best $D$, which is $\tfrac12 \int q\,(D^* - 1)^2\,dx$. Add the same term for the real images, where a step of $G$ can change nothing, and call the sum $C$:
#
# $$2C = \int (p + q)\,(D^* - 1)^2\,dx = \tfrac12 + \tfrac14\,\chi^2(2q\,\|\,p + q).$$
#
# **Pearson's** $\chi^2$ ("chi squared") of two non-negative functions with the same integral is their squared relative difference, weighted by the second: $\chi^2(f \,\|\, g) = \int \frac{(f - g)^2}{g}\,dx$. It is 0 only for $f = g$, here for $p = q$.
#
# <details><summary>Derivation</summary>
#
# $D^* - 1 = -q/(p + q)$, so $2C = \int \frac{q^2}{p + q}\,dx$. Now expand the square in $\chi^2$; $p$ and $q$ integrate to 1:
#
# $$\chi^2(2q \,\|\, p + q) = \int \frac{\bigl(2q - (p + q)\bigr)^2}{p + q}\,dx = \int \Bigl(\frac{4q^2}{p + q} - 4q + (p + q)\Bigr)dx = 8C - 2.$$
#
# Mind what it means. A step of $G$ is made against a fixed $D$, so the added term does not change it. But the best $D$ changes with $G$, and then that term changes too: $C$ tells where the game is at its best, and is not what $G$ descends on from step to step. (The paper's labels are 1, $-1$ and 0; with them $2C$ is $\chi^2$ itself.)
#
# </details>
#
# Test it on two densities over 50 points, with sums for integrals, and for $q = p$:


# %%
def game_value(p, q):
    """2C: the squared distance of the best D from 1, under p and q."""
    best = p / (p + q)
    return ((p + q) * (best - 1) ** 2).sum()


p, q = (torch.rand(2, 50, dtype=torch.float64) + 0.01).unbind()
p, q = p / p.sum(), q / q.sum()
chi2 = ((2 * q - (p + q)) ** 2 / (p + q)).sum()
print(f"2C ≈ {game_value(p, q):.4f} · from χ² ≈ {1 / 2 + chi2 / 4:.4f}", end="")
print(f" · for q = p: {game_value(p, p):.2f}")

# %% tags=["claim"]
# "2C = 1/2 + χ²/4"
torch.testing.assert_close(game_value(p, q), 1 / 2 + chi2 / 4)

# %% [markdown]
# ### F · A game of your own

# %% [markdown]
# ### Exercise 8.5 · open: One thing changed
#
# Change one thing in the game, write down first what you expect, then play 1,000 iterations and measure. Easy: define `player_optimizer` or `discriminator` anew ($\beta_1 = 0.9$, another rate, half the width), set `NUM_ITERATIONS = 1000`, and call `play(gan_d_loss, gan_g_loss)`; without `run` nothing is overwritten. The number to compare with is `gan["distances"]["averaged"][2]`, of iteration 1,000; the three GANs of section 8 show how far seeds alone move it. Or define `batches` anew, of Fashion-MNIST (`data.load("FashionMNIST", train=True)`). More work: two steps of $D$ for one of $G$ need a loop of your own. The judge reads digits only, so for clothes look at the sheets. There is no check here: a prediction that fails, with a number beside it, is worth as much as one that comes true.

# %%
# your game

# %% [markdown]
# ## References
#
# - I. Goodfellow, J. Pouget-Abadie, M. Mirza, B. Xu, D. Warde-Farley, S. Ozair, A. Courville, Y. Bengio (2014). *Generative Adversarial Networks.* [arXiv:1406.2661](https://arxiv.org/abs/1406.2661)
# - X. Mao, Q. Li, H. Xie, R. Y. K. Lau, Z. Wang, S. P. Smolley (2016). *Least Squares Generative Adversarial Networks.* [arXiv:1611.04076](https://arxiv.org/abs/1611.04076)
# - A. Radford, L. Metz, S. Chintala (2015). *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks.* [arXiv:1511.06434](https://arxiv.org/abs/1511.06434). Adam with $\beta_1 = 0.5$, LeakyReLU.
# - Y. Yazıcı, C.-S. Foo, S. Winkler, K.-H. Yap, G. Piliouras, V. Chandrasekhar (2018). *The Unusual Effectiveness of Averaging in GAN Training.* [arXiv:1806.04498](https://arxiv.org/abs/1806.04498)
# - A. L. Maas, A. Y. Hannun, A. Y. Ng (2013). *Rectifier Nonlinearities Improve Neural Network Acoustic Models.* ICML Workshop on Deep Learning for Audio, Speech and Language Processing. LeakyReLU.
# - M. Heusel, H. Ramsauer, T. Unterthiner, B. Nessler, S. Hochreiter (2017). *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium.* [arXiv:1706.08500](https://arxiv.org/abs/1706.08500). The Fréchet distance on images.
# - M. Lucic, K. Kurach, M. Michalski, S. Gelly, O. Bousquet (2017). *Are GANs Created Equal? A Large-Scale Study.* [arXiv:1711.10337](https://arxiv.org/abs/1711.10337). One seed decides nothing.
# - The nets and their sizes are those of the GAN assignment of Stanford's class CS231n.
