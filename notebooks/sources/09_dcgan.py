# %% [markdown]
# # 9 · DCGAN, and one scoreboard for them all
#
# Give the two players of lesson 8 convolutions, a falling rate, and the digit that is wanted, and they draw crisp digits to order. Then measure everything that this course has taught to draw, with two judges that do not agree.
#
# **You will**
#
# - train a DCGAN with the function of lesson 8, order digits from it, and say what has changed besides the nets,
# - derive every width in a convolution and in a transposed one,
# - say what batch normalisation does to samples in training mode, and what in evaluation mode,
# - derive the Fréchet distance for one feature, and train a second judge beside the first,
# - name what a score cannot see.
#
# **You need** Lessons 2 (the judge; *Going further* B: batch normalisation), 4 (*Going further* A: convolutions) and 8 (the training function). Lessons 4, 6 and 8 leave samples for the scoreboard. Section 5 uses covariance and correlation.
#
# **Time** About 110 minutes for the core, with exercises 9.1 to 9.3, and 50 for *Going further*; after section 4 is a good place to stop for a day. All cells together run in about five minutes on two slow cores without a graphics card; most of it is one training, which shows its digits meanwhile.

# %%
# %matplotlib inline
import copy
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from ipywidgets import FloatSlider, IntSlider, interact
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torchvision.transforms.functional import gaussian_blur
from tqdm.auto import tqdm

from course_utils import data, plotting
from course_utils.device import pick_device, seed_everything
from course_utils.lessons import results
from course_utils.lessons.checks import lesson_09 as checks
from course_utils.lessons.classifier import load_judge
from course_utils.lessons.gan import train_gan
from course_utils.lessons.runs import kept, run
from course_utils.metrics import coverage, frechet_distance, nearest_neighbours

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
# ## 1 · The same game, other players
#
# The rules and the losses are those of lesson 8's GAN. The generator $G$ turns **noise**, 96 numbers drawn uniformly from $[-1, 1]$, into an image. The discriminator $D$ gives an image a **logit**, positive for "real" and negative for "fake". They learn in turns.
#
# One thing is added to the game: the **label**, as in lesson 6's conditional VAE. $G$ is told which digit to draw. And $D$ is told which digit it looks at, or $G$ could draw whatever it likes. (Mirza and Osindero, 2014, call it a **conditional GAN**.)

# %%
NOISE_DIM, BATCH_SIZE = 96, 128

train_images, train_labels = data.tensors(data.load("MNIST", train=True))
test_images, test_labels = data.tensors(data.load("MNIST", train=False))
batches = data.batches(train_images[:50_000], train_labels[:50_000], BATCH_SIZE, shuffle=True)


def draw_noise(n, seed=SEED):
    """Return n noise vectors (n, 96), uniform in [-1, 1]: for one seed always the same, the first of more."""
    return 2 * torch.rand(n, NOISE_DIM, generator=torch.Generator().manual_seed(seed)) - 1


def with_label(noise, y):  # (n, 96), (n,) -> (n, 106), as in lesson 6
    return torch.cat([noise, nn.functional.one_hot(y, 10).to(noise)], dim=1)


# %%
def bce(logits, label):
    labels = torch.full_like(logits, label)
    return nn.functional.binary_cross_entropy_with_logits(logits, labels)


def d_loss(d_real, d_fake):
    return bce(d_real, 1) + bce(d_fake, 0)


def g_loss(d_fake):
    return bce(d_fake, 1)


# %% [markdown]
# New are the players. What a linear layer has learned about a stroke in one corner it must learn again in all others. A **convolution** (lesson 4, *Going further* A) looks through a small window: it multiplies the pixels there by its weights, its **kernel**, and adds up, with the same kernel wherever it looks. A layer has many kernels, and each gives one picture of answers, a **channel**. A kernel of the second layer reaches through all 32 channels of the first: 32 · 5 · 5 weights. **Max pooling** keeps the largest of four neighbours, so each picture becomes half as wide.
#
# At the end stand ten logits. Number 7 answers "is this a real 7?", and so on. Of an image with the label $y$, real or drawn, only logit $y$ counts. If $G$ was told to draw a 7 and draws a fine 3, logit 7 finds it out.


# %%
def discriminator():
    """(batch, 1, 28, 28) in [-1, 1] -> logits (batch, 10), one for each digit."""
    return nn.Sequential(
        nn.Conv2d(1, 32, kernel_size=5),
        nn.LeakyReLU(0.2),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, kernel_size=5),
        nn.LeakyReLU(0.2),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(64 * 4 * 4, 1024),
        nn.LeakyReLU(0.2),
        nn.Linear(1024, 10),
    )


# %% [markdown]
# $G$ goes the other way. Three linear layers make 128 small pictures of 7 by 7 out of the noise and the label behind it, and two **transposed convolutions** each double the width, to 28 (section 2 opens them up). **Batch normalisation** (lesson 2, *Going further* B) stands behind each layer but the last: subtract the batch's mean, divide by its spread, then a scale and a shift that are learned. (Here it follows the ReLU, in lesson 2 it came before; both are in use.) Behind a convolution it has one mean and one spread for each channel, over all pixels and images of the batch.


# %%
def generator():
    """Noise and label (batch, 106) -> images (batch, 1, 28, 28) in [-1, 1]."""
    return nn.Sequential(
        nn.Linear(NOISE_DIM + 10, 1024),
        nn.ReLU(),
        nn.BatchNorm1d(1024),
        nn.Linear(1024, 1024),
        nn.ReLU(),
        nn.BatchNorm1d(1024),
        nn.Linear(1024, 128 * 7 * 7),
        nn.ReLU(),
        nn.BatchNorm1d(128 * 7 * 7),
        nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, kernel_size=4, stride=2, padding=1),
        nn.ReLU(),
        nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 1, kernel_size=4, stride=2, padding=1),
        nn.Tanh(),
    )


# %% [markdown]
# A GAN with convolutions in both players is called **DCGAN**, deep convolutional GAN (Radford et al., 2015). Ours follows the assignment named at the end, with the labels and one linear layer more in $G$.
#
# The rate rises over the first 50 of 1,000 iterations to nearly $2 \cdot 10^{-3}$, and then falls like $\sqrt{1 - t}$, where $t$ is the share of the training that is done: long steps while there is much to learn, short ones at the end.

# %%
NUM_ITERATIONS = 1000


def new_players():
    """Return D, G and their optimisers, always with the same first weights."""
    seed_everything(SEED)
    players = [
        net.to(device, memory_format=torch.channels_last)  # the same numbers, sooner on a CPU
        for net in (discriminator(), generator())
    ]
    adams = [
        torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.5, 0.999), fused=True)
        for net in players
    ]
    return *players, *adams


def falling(optimizer):
    """The rate of an optimiser: up in 50 iterations, then down to 0."""

    def factor(i):
        return min((i + 1) / 50, 1) * (1 - i / NUM_ITERATIONS) ** 0.5

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


# %% [markdown]
# Images are drawn in **evaluation mode** (section 3 says why). `read` asks the judge, the classifier of lesson 2, and `distance` is the Fréchet distance (FD) of lesson 8, which section 5 derives.


# %%
@torch.inference_mode()
def draw(G, noise, y):
    """(n, 96), (n,) -> images (n, 1, 28, 28) on the CPU, drawn in evaluation mode."""
    was_training = G.training
    G.eval()
    images = torch.cat([G(z.to(device)).cpu() for z in with_label(noise, y).split(250)])
    G.train(was_training)
    return images


@torch.inference_mode()
def read(net, images):
    """(n, 1, 28, 28) -> a judge's features (n, 100), and its ten probabilities (n, 10)."""
    features = torch.cat([net.features(x.to(device)) for x in images.split(250)])
    return features.cpu(), net.head(features).softmax(dim=1).cpu()


real_features = read(judge, test_images)[0]
in_turn = torch.arange(10_000) % 10  # the orders: 0, 1, ..., 9, 0, 1, ...


def distance(images):
    """Fréchet distance to the test images, in the features of the judge."""
    return frechet_distance(read(judge, images)[0], real_features)


# %% [markdown]
# The training function is lesson 8's, and gets the schedulers of both rates and the number of labels as well. With `num_labels=10` it gives every real image a fake with the same label beside it, `G(with_label(noise, y))`, and of $D$'s ten logits it takes that label's, `D(images).gather(1, y[:, None])`. (`LambdaLR`, above, multiplies a rate with what its function says.) The average of $G$ over its last hundred or so steps draws the sheets, which order 0 to 9 in turn. `play` notes the distance of 2,000 samples at each. When do you read the first digit?


# %%
def play():
    """Train new players; return the averaged generator's weights, the history, the distances."""
    D, G, d_optimizer, g_optimizer = new_players()
    averaged = AveragedModel(G, multi_avg_fn=get_ema_multi_avg_fn(0.99))
    distances, live = [], plotting.LiveSheet("The sheets appear here while the cell runs.")

    def on_sheet(iteration, sheet):
        live.show(sheet, f"After {iteration:,} iterations")
        distances.append(distance(draw(averaged.module, draw_noise(2000), in_turn[:2000])))

    history = train_gan(D, G, d_loss, g_loss, d_optimizer, g_optimizer, batches, NUM_ITERATIONS,
                        averaged=averaged, num_labels=10, sheet_every=100, on_sheet=on_sheet,
                        schedulers=[falling(d_optimizer), falling(g_optimizer)])  # fmt: skip
    outcome = vars(history)  # the bundle as a dictionary
    outcome |= {"averaged": averaged.module.state_dict(), "distances": distances}
    return outcome


dcgan = run("dcgan_with_labels", play, load=LOAD)

# %% tags=["nbval-ignore-output"]
# About this machine
print(f"{len(dcgan['d_loss'])} iterations ≈ {dcgan['seconds']:.0f} s")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 5, figsize=(13, 3))
chosen = [0, 1, 2, 4, 10]
for ax, i in zip(axes, chosen, strict=True):
    title = f"after {dcgan['sheet_iterations'][i]}"
    plotting.mosaic(dcgan["sheets"][i], columns=4, ax=ax, title=title)
plotting.show(
    fig,
    alt="Five sheets of the same 16 noise vectors, ordered 0 to 9 and 0 to 5. Before training: a "
    "grey texture. After 100 iterations: blots and strokes. At the end: digits with crisp edges.",
)

# %% [markdown]
# A grey texture becomes strokes, and those become digits. Here the first ones can be read after 200 iterations. (The bright bars at 100 are the left edges of its images.) Here are 10,000 images of the trained generator. They were ordered 0 to 9 in turn. How many of these 120 can you read at once?

# %%
G = generator().to(device, memory_format=torch.channels_last)
G.load_state_dict(dcgan["averaged"])
samples = draw(G.eval(), draw_noise(10_000), in_turn)
obeyed = (read(judge, samples)[1].argmax(dim=1) == in_turn).float().mean()
print(f"10,000 samples: FD ≈ {distance(samples):.1f}, read as ordered ≈ {100 * obeyed:.0f} %")

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(11, 3.7))
plotting.mosaic(
    samples[:120], columns=20, ax=ax, title="Drawn by the DCGAN, ordered 0 to 9 in turn"
)
plotting.show(
    fig,
    alt="120 generated images with crisp white strokes on black, in each row twice the digits from "
    "0 to 9. Nearly all can be read; a few are broken.",
)

# %% tags=["claim"]
# "nearly all are those that were ordered"
if not data.standin_in_use():
    assert obeyed > 0.9

# %% [markdown]
# Nearly all are digits, in crisp strokes, as if written with a pen, and nearly all are those that were ordered. (Two readers had sheets of 100 whose makers were not named. At once they read 95 and 95 of this generator's, all as ordered, 98 and 96 of the real ones, and 51 and 54 of the GAN's in lesson 8. People may say "I can't read it". The judge cannot: it must name a digit, and so its share is higher.) Are they so easy to read because of the label? In part: without it, all else equal, other readers read about 70 (tried). Now the parts, one by one.

# %% [markdown]
# ## 2 · Windows and stamps
#
# How wide is the picture behind a convolution? A window of width $k$ on a picture of width $n$ has its first place at 0 and its last at $n - k$. With a **padding** of $p$ zeros on both sides the last is $n + 2p - k$. If it moves $s$ pixels at a time, the **stride**, then
#
# $$n_\text{out} = \left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1,$$
#
# where $\lfloor\;\rfloor$ rounds down. Pooling is the case $k = s = 2$. Follow the widths through $D$: 28, then $28 - 5 + 1 = 24$, half of it, and so on. Is that what PyTorch makes?


# %%
def trace(net, x):
    """Print the shape of what each layer makes of x."""
    for layer in net:
        x = layer(x)
        print(f"{type(layer).__name__:16} {tuple(x.shape)}")


trace(discriminator(), test_images[:4])

# %% [markdown]
# ### The transposed convolution stamps
#
# A convolution reads a window into one number. A **transposed convolution** takes one number and stamps a whole kernel, multiplied by that number, onto the output. The next number stamps `stride` pixels further on, and overlapping stamps are added. In the end `padding` pixels are cut off all round.
#
# Here are four numbers, a kernel of 3 by 3, stride 2. Where do stamps overlap?


# %%
def stamps(small, kernel, stride):
    """Return the stamp of each number of (n, n), each as a whole picture: (n * n, m, m)."""
    n, k = len(small), len(kernel)
    size = (n - 1) * stride + k
    pictures = torch.zeros(n * n, size, size)
    for i in range(n):
        for j in range(n):
            rows, columns = slice(i * stride, i * stride + k), slice(j * stride, j * stride + k)
            pictures[i * n + j, rows, columns] = small[i, j] * kernel
    return pictures


small = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
kernel = torch.tensor([[1.0, 2.0, 1.0], [2.0, 3.0, 2.0], [1.0, 2.0, 1.0]])
each = stamps(small, kernel, stride=2)  # (4, 5, 5)

# %% tags=["figure"]
panels = {"four numbers": small, "kernel": kernel}
panels |= {f"stamp of {small.flatten()[i]:.0f}": each[i] for i in range(4)}
panels["sum"] = each.sum(dim=0)
fig, axes = plt.subplots(1, 7, figsize=(13.5, 2.5))
for ax, (name, picture) in zip(axes, panels.items(), strict=True):
    ax.imshow(picture, cmap="Blues", vmin=0, vmax=20)
    for (row, column), value in [((r, c), picture[r, c]) for r, c in picture.nonzero().tolist()]:
        color = "white" if value > 11 else "black"
        ax.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=9, color=color)
    ax.set_title(name, fontsize=11)
    ax.set(xticks=[], yticks=[])
    ax.grid(visible=False)
plotting.show(
    fig,
    alt="Four numbers, a kernel of 3 by 3, the stamp of each number on a field of 5 by 5, and "
    "their sum. Neighbouring stamps share a row or a column, and all four share the middle.",
)

# %% [markdown]
# Neighbouring stamps share a row or a column, and all four share the pixel in the middle. Is the sum what PyTorch calls a transposed convolution?

# %%
theirs = nn.functional.conv_transpose2d(small[None, None], kernel[None, None], stride=2)[0, 0]
differing = (each.sum(dim=0) != theirs).sum().item()
print(f"{differing} of {theirs.numel()} pixels differ from PyTorch's transposed convolution")

# %% [markdown]
# The last of $n$ stamps in a row begins at $(n - 1)\,s$ and is $k$ wide, and $p$ pixels are cut off on each side:
#
# $$n_\text{out} = (n - 1)\,s + k - 2p$$
#
# (The old name "deconvolution" misleads: the layer brings back the width, not the numbers. *Going further* C shows what is transposed in it.)
#
# Now the widths in $G$: $(7 - 1) \cdot 2 + 4 - 2 = 14$, then $(14 - 1) \cdot 2 + 4 - 2 = 28$. (Why kernel 4, and not 3 or 5? *Going further* F.)

# %%
trace(generator(), with_label(draw_noise(4), in_turn[:4]))

# %% [markdown]
# More than four fifths of the generator's weights sit in its last linear layer, $1024 \cdot 6272$ of them. The two transposed convolutions have a fiftieth of that.

# %% [markdown]
# ### Exercise 9.1 · code: A calculator for widths
#
# Write a function that takes a width and a list of layers, and returns the width after each of them, by arithmetic alone. A layer is a tuple `(kind, kernel, stride, padding)`; the kind is `"window"` for a convolution or a pooling, and `"stamps"` for a transposed convolution.
#
# <details><summary>Hint</summary>
#
# Both formulas of this section, and `//` for division that rounds down. Each layer starts from the width that the one before it has left.
#
# </details>


# %%
def widths_after(size, layers):
    """Return a list: the width after each layer."""
    ...


checks.widths_after(widths_after)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def widths_after(size, layers):
#     """Return a list: the width after each layer."""
#     found = []
#     for kind, kernel, stride, padding in layers:
#         if kind == "window":
#             size = (size + 2 * padding - kernel) // stride + 1
#         else:
#             size = (size - 1) * stride + kernel - 2 * padding
#         found.append(size)
#     return found
# ```
#
# The two formulas undo each other when nothing is rounded down: solve the first for $n$, and you have the second.
#
# </details>

# %% [markdown]
# ## 3 · Batch normalisation: two modes, two pictures
#
# Batch normalisation subtracts a mean and divides by a spread. Which ones? In **training mode** those of the batch at hand. In **evaluation mode** running averages, collected during training: after every batch, 10 % of the new value and 90 % of the old. (PyTorch calls this share of the new, 0.1, the **momentum** of the layer.)
#
# So in training mode a picture depends on its neighbours in the batch. Draw one noise vector, that of a clear digit, three times: with fifteen other orders (A), with another fifteen (B), and with fifteen that are much like it. (In training mode on a copy of the net, as merely drawing moves the running averages.)

# %%
clearest = read(judge, samples[:100])[1].max(dim=1).values.argmax()
z, y = draw_noise(100)[clearest], in_turn[clearest]
others = [with_label(draw_noise(15, seed), in_turn[:15]) for seed in (1, 2)]
alike = with_label(z + 0.2 * draw_noise(15, seed=1), y.expand(15))
one = with_label(z[None], y[None])
modes = {"train": copy.deepcopy(G).train(), "eval": G}
drawn = {}
with torch.inference_mode():
    for mode, net in modes.items():
        groups = [torch.cat([one, company]).to(device) for company in (*others, alike)]
        drawn[mode] = torch.cat([net(group)[:1].cpu() for group in groups])
for mode, (a, b, c) in drawn.items():
    by_b, by_c = (a - b).abs().mean(), (a - c).abs().mean()
    print(
        f"{mode:5} a pixel differs by ≈ {by_b:.3f} from A to B, by ≈ {by_c:.3f} to the look-alikes"
    )

# %% tags=["figure"]
fig, axes = plt.subplots(2, 3, figsize=(6.6, 4.6))
for line, (mode, images) in zip(axes, drawn.items(), strict=True):
    for ax, image, who in zip(line, images, ("A", "B", "look-alikes"), strict=True):
        plotting.mosaic(image, columns=1, ax=ax, title=f"{mode}, {who}")
plotting.show(
    fig,
    alt="One noise vector drawn in three batches. Upper row, training mode: three different "
    "pictures, the last one most of all. Lower row, evaluation mode: three times the same digit.",
)


# %% tags=["claim"]
# "In training mode, the same order gives three pictures. In evaluation mode it gives one"
def largest_difference(images):  # mean over the pixels, for the pair that differs most
    return max((a - b).abs().mean().item() for a in images for b in images)


assert largest_difference(drawn["train"]) > 0.05
assert largest_difference(drawn["train"][:2]) > 0.01
assert largest_difference(drawn["eval"]) < 1e-3

# %% [markdown]
# In training mode, the same order gives three pictures. In evaluation mode it gives one. (A and B differ less, for fifteen strangers have roughly the mean and spread of any others.) Look-alikes do most harm, here they make another digit of it: what they have in common is their mean, and normalisation takes it away. Their small differences are left, blown up to full size.
#
# And a batch of one has no spread at all. PyTorch refuses it, at length. The last line says why:

# %% tags=["raises-exception"]
modes["train"](one.to(device))

# %% [markdown]
# Hence the rule: `G.eval()` before you draw, `G.train()` before you train on. `draw` does both. (The generator of lesson 8 had no batch normalisation, so there it made no difference.)

# %% [markdown]
# ### Exercise 9.2 · find the bug: No pixel is ever black
#
# A colleague's generator, which is told no digit, cannot be trained as it is, and draws no black pixel. Find three faults; one of them is repeated three times. Mend all, and leave the momentum of batch normalisation at PyTorch's own value.
#
# ```python
# def their_generator():
#     return nn.Sequential(
#         nn.Linear(96, 1024), nn.ReLU(), nn.BatchNorm1d(1024, 0.8),
#         nn.Linear(1024, 6272), nn.ReLU(), nn.BatchNorm1d(6272, 0.8),
#         nn.Unflatten(1, (128, 7, 7)),
#         nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1), nn.ReLU(),
#         nn.BatchNorm2d(64, 0.8),
#         nn.ConvTranspose2d(64, 1, 3, stride=2, padding=1), nn.ReLU(),
#     )
# ```
#
# <details><summary>Hint</summary>
#
# Black is $-1$. Follow the widths with your calculator. The colleague meant 0.8 to be the momentum: `help(nn.BatchNorm1d)` shows the order of the arguments.
#
# </details>


# %%
def mended_generator():
    """Return a generator: noise (batch, 96) -> images (batch, 1, 28, 28)."""
    ...


checks.mended_generator(mended_generator)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def mended_generator():
#     """Return a generator: noise (batch, 96) -> images (batch, 1, 28, 28)."""
#     return nn.Sequential(
#         nn.Linear(96, 1024), nn.ReLU(), nn.BatchNorm1d(1024),
#         nn.Linear(1024, 6272), nn.ReLU(), nn.BatchNorm1d(6272),
#         nn.Unflatten(1, (128, 7, 7)),
#         nn.ConvTranspose2d(128, 64, 4, stride=2, padding=1), nn.ReLU(),
#         nn.BatchNorm2d(64),
#         nn.ConvTranspose2d(64, 1, 4, stride=2, padding=1), nn.Tanh(),
#     )
# ```
#
# The ReLU at the end cannot give a negative number. Kernel 3 makes 27 pixels out of 14. And the second argument of batch normalisation is `eps`, a tiny number added to the variance so that nothing is divided by 0. With 0.8 it swamps the variance, and no error is raised.
#
# </details>

# %% [markdown]
# ## 4 · What has changed since lesson 8?
#
# "The same game, only with convolutions"? Not so. Compared with the GAN of lesson 8
#
# - both players are told the digit;
# - both nets have convolutions, $G$ has batch normalisation, and together they have four times as many weights;
# - the rate is twice as large, and it falls;
# - there are 1,000 iterations, not 4,000, and each takes about ten times as long.
#
# So compare twice: after equally many iterations, and after equally many seconds. Lesson 8 has kept the distances of its averaged generator, measured as here, on 2,000 samples.

# %% tags=["nbval-ignore-output"]
# About this machine
gan = kept("gan")
curves = {"DCGAN": (dcgan["sheet_iterations"], dcgan["distances"], dcgan["seconds"])}
if gan is None:
    print("no run of the GAN is stored here: run 08_gan_and_lsgan.ipynb, then this lesson")
else:
    curves["GAN"] = gan["sheet_iterations"], gan["distances"]["averaged"], gan["seconds"]
for name, (_, distances, seconds) in curves.items():
    print(f"{name:5} after ≈ {seconds:.0f} s: FD ≈ {distances[-1]:.1f}")

# %% tags=["figure", "nbval-ignore-output"]
# About this machine
fig, axes = plt.subplots(1, 2, figsize=(11, 3.6), sharey=True)
for (name, (iterations, distances, seconds)), color in zip(
    curves.items(), ("#009E73", "#0072B2"), strict=False
):
    axes[0].plot(iterations, distances, "o-", color=color, label=name)
    axes[1].plot(
        [seconds * i / iterations[-1] for i in iterations], distances, "o-", color=color, label=name
    )
axes[0].set(xlabel="iteration", ylabel="FD of the average", yscale="log", title="Equal iterations")
axes[1].set(xlabel="seconds of training", title="Equal time")
axes[0].legend()
plotting.show(
    fig,
    alt="Fréchet distance of the averaged generators on a logarithmic scale, against the iteration "
    "and against the seconds. Both curves fall, the DCGAN's with a detour; at equal iterations it falls much faster.",
)

# %% [markdown]
# Iteration for iteration the DCGAN is far ahead. Half-way it gets worse again, and at the end, where the rate goes to 0, it comes down once more. (That the two belong together is a guess.) Second for second this judge does not prefer it: the DCGAN came as near as the GAN's last point only near its own end. (These are distances of 2,000 samples each; the one of section 1 was of 10,000.) Your eye may disagree: put the 120 samples above beside those of lesson 8.
#
# Which of the changes did it? This comparison cannot tell: it would need a run for each, and several seeds. One of them we have undone: without the labels the distance of 10,000 samples was 2.6 instead of 2.1 (tried, one seed). So what was much for the readers is little for this judge.
#
# *A good place to stop.*

# %% [markdown]
# ## 5 · How far from real? The Fréchet distance
#
# How far is a set of generated images from a set of real ones? No generated image has a real one it should equal: two **distributions** are compared. Pixels are a poor place for it, as a digit in a slightly bolder pen differs in most of its edge pixels. So describe every image by the 100 features of a classifier, the numbers behind its last ReLU.
#
# Look at a single feature of the judge first, the one that varies most over the test images, with the normal distributions that have the same mean and standard deviation.

# %% tags=["figure"]
k = real_features.std(dim=0).argmax()
columns = {"real": real_features[:, k], "DCGAN": read(judge, samples)[0][:, k]}
grid = torch.linspace(-4, real_features[:, k].max(), 200)
fig, axes = plt.subplots(1, 2, figsize=(11, 3.2), sharey=True)
for ax, (name, values) in zip(axes, columns.items(), strict=True):
    ax.hist(values, 50, density=True, color="#56B4E9", label="feature")
    bell = torch.distributions.Normal(values.mean(), values.std())
    ax.plot(grid, bell.log_prob(grid).exp(), "k--", label="fitted normal")
    ax.set(title=name, xlabel="value", ylabel="density", ylim=(0, 0.5))
    ax.label_outer()
axes[1].legend()
plotting.show(
    fig,
    alt="Histograms of one feature over real and over generated images: each has a spike at zero, "
    "higher than the panel, and values far to the right. The dashed normal curves fitted to them "
    "differ little from each other, show neither spike nor dips, and reach below zero.",
)

# %% [markdown]
# The fit is rough: a feature behind a ReLU is never negative and often exactly 0. We compare mean and spread only, and whatever else differs goes unseen. Keep this in mind until section 8.
#
# How far apart are two normal distributions? Think of one as a heap of sand, and carry it grain by grain until it has the form of the other, so that the mean squared way is the least. The root of that is the **2-Wasserstein distance**. Between normal distributions it is also called **Fréchet distance**, and as in the papers, FD means the square of it.
#
# In one dimension it is easily found. A grain is carried from $x$ to $y$. Over all grains $x$ has the mean $m_1$ and the standard deviation $s_1$; $y$ has $m_2$ and $s_2$. Write $\mathbb{E}$ for the mean over all grains, and $\rho$ for the correlation of $x$ and $y$ in a plan of carrying. Then
#
# $$\mathbb{E}(x - y)^2 = (m_1 - m_2)^2 + s_1^2 + s_2^2 - 2\rho\, s_1 s_2,$$
#
# because the mean of a square is the square of the mean plus the variance, and the variance of $x - y$ is $s_1^2 + s_2^2$ minus twice the covariance $\rho\, s_1 s_2$. The best plan has the largest correlation, $\rho = 1$: the order of the grains is kept, the leftmost stays leftmost. It means $y = m_2 + \frac{s_2}{s_1}(x - m_1)$, and such a straight line does turn one normal distribution into the other. This gives
#
# $$\text{FD} = (m_1 - m_2)^2 + (s_1 - s_2)^2.$$
#
# Check it: draw 100,000 numbers from each of two normal distributions, sort both, and carry the first to the first, the second to the second, and so on.

# %%
seed_everything(SEED)
a, b = 1 + 2 * torch.randn(100_000, 1), 4 + 3.5 * torch.randn(100_000, 1)
carried = (a.sort(dim=0).values - b.sort(dim=0).values).square().mean().item()
any_plan = (a - b).square().mean().item()
formula = (1 - 4) ** 2 + (2 - 3.5) ** 2
print(f"formula {formula}, sorted ≈ {carried:.2f}, carried anyhow ≈ {any_plan:.2f}")

# %% tags=["claim"]
# "The best plan has the largest correlation ...: the order of the grains is kept"
assert abs(carried / formula - 1) < 0.1
assert any_plan > 1.5 * carried

# %% [markdown]
# With a hundred features the means become vectors and the variances covariance matrices, and the formula keeps its form: a squared length for the means, and a part for how the features spread and hang together. That is what `distance` has computed from the start (*Going further* D writes it out).
#
# With the features of a large net called Inception this is the **FID** of the papers (Heusel et al., 2017). Our values come from other nets, and cannot be compared with any FID in print.
#
# A covariance that is estimated from few images is inaccurate, and on average that makes the FD larger: the GAN, at 3.6 with 2,000 images in section 4, stands at 3.3 with 10,000 (section 7), and the DCGAN at 2.1 instead of 2.4. The scoreboard uses 10,000 images everywhere (*Going further* E).

# %% [markdown]
# ## 6 · A second judge
#
# The judge has linear layers: it knows digits only where it has seen them. Train a second one beside it, the first **convolutional classifier** of this course: two convolutions with pooling as in $D$, then 100 features and ten logits. A padding of 2 keeps the widths at 28 and 14.


# %%
class DigitCNN(nn.Module):
    """(batch, 1, 28, 28) in [-1, 1] -> logits (batch, 10)."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (batch, 16, 14, 14)
            nn.Conv2d(16, 32, 5, padding=2),
            nn.ReLU(),
            nn.MaxPool2d(2),  # (batch, 32, 7, 7)
            nn.Flatten(),
            nn.Linear(32 * 7 * 7, 100),
            nn.ReLU(),
        )
        self.head = nn.Linear(100, 10)

    def forward(self, x):
        return self.head(self.features(x))


# %% [markdown]
# It should read shifted digits, too, so every batch is moved by up to two pixels before the net sees it: **data augmentation**.


# %%
def shifted(images, most=2):
    """A batch (batch, 1, 28, 28) moved by up to so many pixels, one way for all."""
    right, down = torch.randint(0, 2 * most + 1, (2,)).tolist()
    padded = nn.functional.pad(images, (most,) * 4, value=-1.0)
    return padded[:, :, down : down + 28, right : right + 28]


# %% [markdown]
# The loop is that of lesson 2, with a rate that rises and then falls (its *Going further* A). The optimiser is **AdamW**: Adam, and in every step each weight loses a small share of itself (**weight decay**; Loshchilov and Hutter, 2017). The last 5,000 training images stay out, for validation.


# %%
def train_cnn(num_epochs=3, peak=2e-3):
    """Train a DigitCNN on 55,000 images; return its weights."""
    seed_everything(SEED)
    net = DigitCNN().to(device, memory_format=torch.channels_last)
    loader = data.batches(train_images[:55_000], train_labels[:55_000], 128, shuffle=True)
    optimizer = torch.optim.AdamW(net.parameters(), peak, weight_decay=0.01, fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, peak, total_steps=num_epochs * len(loader), cycle_momentum=False
    )
    for epoch in range(num_epochs):
        for x, y in tqdm(loader, desc=f"epoch {epoch + 1}"):
            loss = nn.functional.cross_entropy(net(shifted(x).to(device)), y.to(device))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
    return {"net": net.state_dict()}


cnn = DigitCNN().to(device, memory_format=torch.channels_last)
cnn.load_state_dict(run("cnn", train_cnn, load=LOAD)["net"])
judges = {"MLP": judge, "CNN": cnn.eval()}

# %% [markdown]
# How many of the validation images, moved to the right by 0 to 3 pixels, do the two read right?

# %%
right = {}
for name, net in judges.items():
    for pixels in range(4):
        moved = train_images[55_000:].roll(pixels, dims=3)
        read_as = read(net, moved)[1].argmax(dim=1)
        right[name, pixels] = 100 * (read_as == train_labels[55_000:]).float().mean().item()
    shares = ", ".join(f"≈ {right[name, pixels]:.1f} %" for pixels in range(4))
    print(f"{name} · moved by 0, 1, 2, 3 pixels: {shares}")

# %% tags=["claim"]
# "The CNN hardly minds two pixels; the MLP makes many times as many mistakes"
if not data.standin_in_use():
    assert right["CNN", 0] > 98.8
    assert 100 - right["CNN", 2] < 2
    assert 100 - right["MLP", 2] > 3 * (100 - right["MLP", 0])

# %% [markdown]
# The CNN hardly minds two pixels; the MLP makes many times as many mistakes. Is it the windows, or the shifted examples? One run does not tell.
#
# ### What does each of them fall for?
#
# Plant faults on 10,000 training images and see how far away they move: a soft blur; specks, a tenth of all pixels replaced by noise; and a shift by two pixels.

# %%
originals = train_images[:10_000]
noise = 2 * torch.rand(originals.shape, generator=torch.Generator().manual_seed(SEED)) - 1
where = torch.rand(originals.shape, generator=torch.Generator().manual_seed(SEED + 1)) < 0.1
faulty = {
    "untouched": originals,
    "blurred": torch.cat([gaussian_blur(x, 5, 1.0) for x in originals.split(1000)]),
    "specks": originals.where(~where, noise),
    "moved": originals.roll(2, dims=3),
}

# %% tags=["figure"]
fig, axes = plt.subplots(1, 4, figsize=(13, 1))
for ax, (name, images) in zip(axes, faulty.items(), strict=True):
    plotting.mosaic(images[:6], columns=6, ax=ax, title=name)
plotting.show(
    fig,
    alt="The same six digits four times: untouched, soft at the edges, strewn with grey dots, and "
    "a little to the right.",
)

# %%
real_as_seen = {name: read(net, test_images)[0] for name, net in judges.items()}


def ask_both(images):
    """Each judge's Fréchet distance to the test images, and the CNN's probabilities (n, 10)."""
    seen = {name: read(net, images) for name, net in judges.items()}
    found = {name: frechet_distance(seen[name][0], real_as_seen[name]) for name in judges}
    return found, seen["CNN"][1]


planted = {name: ask_both(images)[0] for name, images in faulty.items()}
for name, found in planted.items():
    print(f"{name:12} MLP ≈ {found['MLP']:5.1f} · CNN ≈ {found['CNN']:5.1f}")

# %% [markdown]
# (The two have different scales, so compare within a column. Untouched images are not at 0, for they are other images than the test images.) For both the blur costs most, several times as much as the specks that anybody sees. They part over the shift that you hardly notice. For the MLP it is nearly as bad as the blur. For the CNN it costs a fraction of the blur, and still many times what untouched images have: it *reads* shifted digits right, but their features have moved all the same, and features are what the distance sees.

# %% tags=["claim"]
# "For both the blur costs most ... the shift ... For the MLP it is nearly as bad as the blur. For the CNN
# it costs a fraction of the blur, and still many times what untouched images have"
if not data.standin_in_use():
    for name in judges:
        costs = {fault: found[name] for fault, found in planted.items()}
        assert max(costs, key=costs.get) == "blurred"
        assert min(costs, key=costs.get) == "untouched"
    assert planted["moved"]["MLP"] > 0.5 * planted["blurred"]["MLP"]
    assert planted["moved"]["MLP"] > 2 * planted["specks"]["MLP"]
    assert planted["moved"]["CNN"] < 0.4 * planted["blurred"]["CNN"]
    assert planted["moved"]["CNN"] > 5 * planted["untouched"]["CNN"]

# %% [markdown]
# ## 7 · The scoreboard
#
# First save the DCGAN's samples like all the others, with the parameters of both players.

# %%
weights = [p for net in (discriminator(), generator()) for p in net.parameters()]
num_parameters = sum(p.numel() for p in weights)
_ = results.save_samples("dcgan", results.Samples(samples, dcgan["seconds"], num_parameters))

# %% [markdown]
# Now collect everything that lessons 4, 6, 8 and 9 have left on this machine, with two rows to compare with: real images (training images, as the distances go to the *test* images), and noise. The columns of the table:
#
# - **FD** by both judges. The rows are sorted by the CNN's, because it makes fewer mistakes;
# - **digits**, how many of the ten have a share of at least 1 %, and **rarest**, the share of the rarest: has the model forgotten any (mode collapse, lesson 7)? The CNN reads them;
# - **sure**, its **confidence**: the largest of its ten probabilities, a mean over the images;
# - **nearest**: is the model inventing, or copying? For 1,000 samples we look through all 60,000 training images for the smallest Euclidean distance of pixels. (A median would not notice a few copies among many new images, so the column has the 1 % quantile: ten of the thousand are nearer. The real images of the first row are test images, or each would find itself.)
#
# Read each column against the row of real images: that is the target, and not the largest or smallest number. A *nearest* far above it means that the images are unlike all training images, pixel by pixel; far below it, they are copies.


# %%
def some(images, count):  # drawn by lot, the same each time: some sets are stored in an order
    # With this lot all ten digits are among the first fourteen of a set ordered in turn.
    lot = torch.randperm(len(images), generator=torch.Generator().manual_seed(111))
    return images[lot[:count]]


def nearest(images):
    """The 1 % quantile of the distance to the nearest training image."""
    return nearest_neighbours(some(images, 1000), train_images, batch_size=100)[0].quantile(0.01)


def score(images):
    """Return a row of the table."""
    distances, probabilities = ask_both(images)
    shares = coverage(probabilities.argmax(dim=1))
    return distances | {
        "digits": (shares >= 0.01).sum().item(),
        "rarest": shares.min().item(),
        "sure": probabilities.max(dim=1).values.mean().item(),
        "nearest": nearest(images).item(),
    }


# %% tags=["nbval-ignore-output"]
# About this machine: a row for each lesson that has been run on it
MODELS = {
    "autoencoder": "autoencoder, random codes",
    "autoencoder_fitted": "autoencoder, ten Gaussians",
    "vae": "VAE, prior",
    "vae_fitted": "VAE, fifty Gaussians",
    "cvae": "conditional VAE",
    "gan": "GAN",
    "lsgan": "LSGAN",
    "dcgan": "DCGAN",
}
scores, costs, shown = {}, {}, {}


def enter(label, images):
    scores[label] = score(images)
    shown[label] = some(images, 14).clone()


enter("real images", originals)
scores["real images"]["nearest"] = nearest(test_images).item()
enter("noise", noise)
for name, label in tqdm(MODELS.items(), desc="scoring"):
    stored = results.load_samples(name)
    if stored is None:
        print(f"{label}: no samples yet; run lesson {results.LESSONS[name]}, then this one")
    else:
        enter(label, stored.images)
        costs[label] = f"{stored.seconds:9.0f} {stored.num_parameters:11,}"


# %% tags=["nbval-ignore-output"]
# About this machine
def table(labels):
    print(f"{'':29}FD CNN  FD MLP  digits  rarest   sure  nearest  seconds  parameters")
    for label in labels:
        s = scores[label]
        print(
            f"{label:28}{s['CNN']:7.1f} {s['MLP']:7.1f} {s['digits']:7d} {100 * s['rarest']:6.1f}%"
            f" {100 * s['sure']:5.1f}% {s['nearest']:8.2f}{costs.get(label, '')}"
        )


table(sorted(scores, key=lambda label: scores[label]["CNN"]))

# %% tags=["figure"]
order = sorted(scores, key=lambda label: scores[label]["CNN"])
fig, axes = plt.subplots(len(order), 1, figsize=(10.5, 0.68 * len(order)))
for ax, label in zip(axes, order, strict=True):
    plotting.mosaic(shown[label], columns=14, ax=ax)
    told = f"{label}\nCNN {scores[label]['CNN']:.0f} · MLP {scores[label]['MLP']:.1f}"
    ax.text(-5, 14, told, ha="right", va="center", fontsize=8)
plotting.show(
    fig,
    alt="Rows of fourteen images with their Fréchet distances by both judges, the nearest first: "
    "real digits above, noise below, and between them what the models of this course draw.",
)

# %% [markdown]
# Read the table with the rows beside it.
#
# - **Two judges, two orders.** For the MLP the VAE with fifty Gaussians is about as near as the DCGAN: here it is first, and another seed may turn the two round. For the CNN it is several times further away, though the CNN is rather *sure* of its digits. A guess: their strokes are soft, and section 6 showed how much the CNN minds a blur. The VAE with the prior's codes and the conditional VAE: the MLP puts the conditional one far nearer. The CNN sees far less of a difference.
# - **GAN, LSGAN and DCGAN.** With the CNN the DCGAN, which is told the digits, is clearly the nearest of the three. It is even *surer* of the DCGAN's digits than of real ones, which is no triumph: real people also write doubtful digits.
# - **Drawn to order.** The DCGAN and the conditional VAE were told the digits, a thousand of each. So *digits* and *rarest* say whether they obey, and cannot show that they have forgotten one. What the DCGAN has forgotten are handwritings (*Going further* B).
# - **Fitted densities.** From *random codes* to *ten Gaussians*, and from *prior* to *fifty Gaussians*, only the codes change, and the distances fall to a fraction.
# - **Noise and copies.** Noise is far off, and the CNN *sure* of it: it was never asked to say "no digit". In *nearest* the models are about like new real images, or further away: no plain copies.
#
# The table ranks runs, with one seed each, and not ideas.
#
# **And your own eyes?** Count in each row what you read at once, and put the rows in that order. It will hardly be the order of either column. Eyes forgive a soft stroke, and not a clean one in the wrong place.

# %% tags=["claim"]
# "For the MLP the VAE with fifty Gaussians is about as near as the DCGAN ... For the CNN it is several
# times further away"
if not data.standin_in_use() and "VAE, fifty Gaussians" in scores:
    vae = scores["VAE, fifty Gaussians"]
    assert vae["MLP"] < 2 * scores["DCGAN"]["MLP"]
    assert vae["CNN"] > 2 * scores["DCGAN"]["CNN"]

# %% tags=["claim"]
# "the MLP puts the conditional one far nearer. The CNN sees far less of a difference", "With the CNN the
# DCGAN ... is clearly the nearest of the three"
if not data.standin_in_use():
    one, other = (scores.get(label) for label in ("conditional VAE", "VAE, prior"))
    if one and other:
        assert one["MLP"] < other["MLP"] / 1.5
        assert 0.67 < one["CNN"] / other["CNN"] < 1.5
    for label in ("GAN", "LSGAN"):
        if label in scores:
            assert scores["DCGAN"]["CNN"] < scores[label]["CNN"] / 1.5

# %% tags=["claim"]
# "only the codes change, and the distances fall to a fraction"
if not data.standin_in_use():
    for before, fitted in (
        ("autoencoder, random codes", "autoencoder, ten Gaussians"),
        ("VAE, prior", "VAE, fifty Gaussians"),
    ):
        if before in scores and fitted in scores:
            for name in judges:
                assert scores[fitted][name] < scores[before][name] / 1.5

# %% tags=["claim"]
# "In *nearest* the models are about like new real images, or further away"
for label in scores:
    assert scores[label]["nearest"] > 0.5 * scores["real images"]["nearest"], label

# %% [markdown]
# ### Exercise 9.3 · predict: Which column exposes whom?
#
# Three sets of 10,000 images, and three columns of the scoreboard. Which column exposes which set best? Answer for each with `"FD"`, `"rarest"` or `"nearest"`, each used once.
#
# 1. All are training images, untouched, picked without regard to the digit.
# 2. New handwritten digits of the very writers of MNIST, nobody has seen them before; but there is no 5 among them.
# 3. New handwritten digits, all ten equally often, in thin lines of light grey instead of white.
#
# <details><summary>Hint</summary>
#
# For each column ask what real images have there. Then ask whose value is furthest from that. A missing digit moves the mean of the features a little. What number does it put into the column of the rarest digit?
#
# </details>

# %%
caught_by = None  # three words, as in ("FD", "FD", "FD")
checks.caught_by(caught_by)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# caught_by = ("nearest", "rarest", "FD")
# ```
#
# Copies are at distance 0 from themselves. A missing digit has the share 0, the clearest signal there is. The grey digits are all there and all new, and only their features are off.
#
# </details>

# %% [markdown]
# ## 8 · What the score cannot see
#
# A score that is used as a target gets cheated. Here are four cheats, and an honest one with bad luck.
#
# - The **copyist** hands in 10,000 training images.
# - The **shifted copyist** has moved each of them by one pixel.
# - The **parrot** hands in 50 test images, five of each digit, 200 times each.
# - The **forger** lays a fine chess board over the test images.
# - The **honest one with a crooked camera** hands in test images, shifted by two pixels.
#
# Who gets away with it, and which column catches the others? Guess before you run the cells.

# %%
five_of_each = torch.cat([test_images[test_labels == digit][:5] for digit in range(10)])
chess = 1 - 2.0 * ((torch.arange(28)[:, None] + torch.arange(28)) % 2)
cheats = {
    "copyist": train_images[50_000:],
    "shifted copyist": train_images[50_000:].roll(1, dims=3),
    "parrot": five_of_each.repeat_interleave(200, dim=0),
    "forger": (test_images + 0.3 * chess).clamp(-1, 1),
    "crooked camera": test_images.roll(2, dims=3),
}

# %% tags=["figure"]
fig, axes = plt.subplots(1, 5, figsize=(13, 1.1))
for ax, (name, images) in zip(axes, cheats.items(), strict=True):
    plotting.mosaic(some(images, 4), columns=4, ax=ax, title=name)
plotting.show(
    fig,
    alt="Four images from each of the five. Copyists and parrot: handwritten digits. Forger: "
    "digits under a fine chess board. Crooked camera: digits a little to the right of the middle.",
)

# %% tags=["nbval-ignore-output"]
# About this machine
scores |= {name: score(images) for name, images in cheats.items()}
table([*cheats, "DCGAN", "real images"])

# %% [markdown]
# - **The copyist** is as good as real images in every column but *nearest* (no wonder: in all others the row of real images is made of training images, too). There it stands at exactly 0.
# - **The shifted copyist** needs one pixel to get through that column, too: its nearest training image is further away than a new digit's. Only beside real images its FD gives it away. Beside a model it does not: by the CNN no model but the DCGAN comes as near (Theis et al., 2015, warn of this).
# - **The parrot** is many times as far away as real images: both judges notice something. They cannot tell that it is repetition: by both, fifty pictures still beat the VAE that draws its codes from the prior. Nor does *nearest* help, for the fifty were not training images. (*Going further* B has a measure that does.)
# - **The forger**: FD and *nearest* catch it. But both judges forgive the pattern, which they never saw in training, more easily than what comes next.
# - **The crooked camera** is judged worse than the DCGAN by both judges, and you see nothing wrong with its digits. Features, too, can make much of little. (So does *nearest*: over 8, where a new digit has 2.7.)

# %% tags=["claim"]
# "The copyist is as good as real images in every column but *nearest*. There it stands at exactly 0",
# "its nearest training image is further away than a new digit's"
assert scores["copyist"]["nearest"] == 0
assert scores["shifted copyist"]["nearest"] > scores["real images"]["nearest"]
if not data.standin_in_use():
    for name in judges:
        assert scores["copyist"][name] < 0.5 * scores["DCGAN"][name]
    models = [scores[label]["CNN"] for label in MODELS.values() if label in scores]
    assert sum(model < scores["shifted copyist"]["CNN"] for model in models) <= 1

# %% tags=["claim"]
# "The parrot is many times as far away as real images ... by both, fifty pictures still beat the VAE that
# draws its codes from the prior", "but forgive it more easily than what comes next", "The crooked camera is judged worse than the DCGAN by both judges"
if not data.standin_in_use():
    for name in judges:
        assert scores["parrot"][name] > 4 * scores["real images"][name]
        if "VAE, prior" in scores:
            assert scores["parrot"][name] < scores["VAE, prior"][name] / 1.5
        assert scores["forger"][name] < scores["crooked camera"][name]
        assert scores["crooked camera"][name] > 1.5 * scores["DCGAN"][name]

# %% [markdown]
# In short: a score sees what its judge sees, and of that only mean and covariance. It notices repetition, but cannot tell it from other faults, and it compares only within one judge and one number of images. So there are two judges, four other columns and fourteen samples beside each number: **look, too**.

# %% [markdown]
# ### Exercise 9.5 · open: A cheat, labels for the GAN, or one thing changed
#
# Choose one, write down first what you expect, then measure.
#
# - *A cheat of your own*, no copy of whole images, that has learned nothing and beats the DCGAN in every column. And then a new column that would catch it.
# - *Labels for the GAN*: write `generator` and `discriminator` anew, as lesson 8's nets with 106 inputs and ten logits, and a `falling` that always says 0.5, lesson 8's rate. `play` and `draw` stay; `NUM_ITERATIONS = 4000`, as there. How far do labels alone bring it?
# - *One thing changed*, in `generator` or in `falling`: the second linear layer of $G$ left out, with its ReLU and its batch normalisation; batch normalisation before the ReLU, as in lesson 2; or a constant rate. Set `NUM_ITERATIONS = 400`, and call `play()` twice, before the change and after it, for the stored run cannot be compared with one of 400. Without `run` nothing is overwritten.
#
# There is no check here.

# %%
# your measurement

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | widths that do not come out | an error about shapes, or images of 27 by 27 | compute (n − 1) · stride + kernel − 2 · padding first |
# | ReLU or sigmoid at the generator's end | no black pixels, and $D$ wins at once | Tanh for pixels in [-1, 1] |
# | `BatchNorm2d(n, 0.8)` | sluggish training, no error | the second argument is `eps`; say `momentum=` by name |
# | drawing in training mode | a picture that changes with its neighbours, an error for a single image | `G.eval()` before drawing, `G.train()` before training |
# | Fréchet distances from different numbers of images | the smaller set usually loses | the same number everywhere |

# %% [markdown]
# ## What you can now do
#
# - Derive the widths of convolutional players, and explain transposed convolutions by stamps.
# - Draw in the right mode.
# - Compare two trainings after equal steps and after equal time, and say what else differs.
# - Train a convolutional classifier with shifted examples, and ask it as a second judge.
# - Explain the Fréchet distance, and read a scoreboard with suspicion.
#
# Both the autoencoder and the VAE of this table gain most from a density that is fitted to their codes. Lesson 10 fits one by hand, and learns one by **flow matching**, the way in which many of today's image generators are trained.

# %% [markdown]
# ## Going further
#
# Six sections that nothing later builds on. Each stands for itself.

# %% [markdown]
# ### A · Walks through the noise
#
# Between two noise vectors $\mathbf{a}$ and $\mathbf{b}$ lies a straight line, $(1 - t)\,\mathbf{a} + t\,\mathbf{b}$ with $t$ from 0 to 1. All its points are in $[-1, 1]^{96}$, if $\mathbf{a}$ and $\mathbf{b}$ are. Draw ten points of such a line, and order the same digit at each.


# %%
def walk(digit, steps=10):
    """Draw one digit at points on the line between two noise vectors: (steps, 1, 28, 28)."""
    a, b = draw_noise(2, seed=1)
    t = torch.linspace(0, 1, steps)[:, None]
    return draw(G, (1 - t) * a + t * b, torch.full((steps,), digit))


walks = [walk(digit) for digit in (2, 4, 5, 7)]

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 3.5))
plotting.mosaic(torch.cat(walks), columns=10, ax=ax, title="Four walks, from left to right")
plotting.show(
    fig,
    alt="Four rows of ten images, a 2, a 4, a 5 and a 7. In each row one hand turns into another in "
    "small steps, with crisp strokes most of the way.",
)

# %% tags=["claim"]
# "Strokes bend, open and close": no single step makes nearly the whole way
path = torch.stack(walks).flatten(2)  # (walk, step, 784)
steps = (path[:, 1:] - path[:, :-1]).norm(dim=2)
assert (steps.max(dim=1).values / (path[:, -1] - path[:, 0]).norm(dim=1)).max() < 0.9

# %% [markdown]
# No picture of these rows was ever trained for. A generator that had learned some images by heart would probably stay at one and change abruptly to the next. (That is no proof; *nearest* is the better witness.) Here strokes bend and swell from frame to frame instead, and the digit mostly stays what was ordered. The walk is drawn in evaluation mode, or each picture would change with its neighbours (section 3). The same with sliders:


# %% tags=["figure", "nbval-ignore-output"]
def stop_at(digit, t):
    fig, ax = plt.subplots(figsize=(2.8, 3.1))
    image = walk(digit, steps=41)[round(40 * t)]
    plotting.mosaic(image[None], columns=1, ax=ax, title=f"{digit}, t = {t:.3f}")
    plotting.show(fig, alt=f"The generated image at t = {t:.3f} of a walk that keeps to {digit}.")


_ = interact(
    stop_at,
    digit=IntSlider(7, min=0, max=9, continuous_update=False),
    t=FloatSlider(0.0, min=0, max=1, step=0.025, readout_format=".3f"),
)

# %% [markdown]
# ### B · Two numbers for two faults
#
# The Fréchet distance mixes two questions: are the samples good, and is everything there? **Precision** and **recall** ask them one by one (Kynkäänniemi et al., 2019). Around each real image, in the space of features, lay a ball that reaches to its third nearest real neighbour. Precision is the share of samples that lie in at least one of these balls. Recall is the same with the parts exchanged: the share of real images that lie in a ball around a sample.


# %%
def share_inside(points, centres):
    """Share of the points (n, d) that lie in a ball around one of the centres (m, d)."""
    between = torch.cdist(centres, centres)
    radii = between.kthvalue(4, dim=1).values  # the first neighbour is the centre itself
    return (torch.cdist(points, centres) <= radii).any(dim=1).float().mean().item()


real_part = read(cnn, some(test_images, 2000))[0]
balls = {}
for name, images in {"real": originals, "DCGAN": samples, "parrot": cheats["parrot"]}.items():
    part = read(cnn, some(images, 2000))[0]
    balls[name] = share_inside(part, real_part), share_inside(real_part, part)
    print(f"{name:7} precision ≈ {balls[name][0]:.2f} · recall ≈ {balls[name][1]:.2f}")

# %% tags=["claim"]
# "Here the parrot is caught: its precision is like that of real images, and its recall next to nothing"
assert balls["parrot"][0] > balls["real"][0] - 0.2
assert balls["parrot"][1] < 0.2
# "The DCGAN keeps up in precision, and falls far behind in recall"
if not data.standin_in_use():
    assert balls["DCGAN"][0] > balls["real"][0] - 0.2
    assert balls["DCGAN"][1] < balls["real"][1] - 0.15

# %% [markdown]
# Here the parrot is caught: its precision is like that of real images, and its recall next to nothing. (Each of its images has exact copies for neighbours, so its balls have the radius 0.) For other real images both numbers are high and not 1: 2,000 images leave gaps between their balls. The DCGAN keeps up in precision, and falls far behind in recall: what it draws looks like digits, and many handwritings are missing.

# %% [markdown]
# ### C · Why "transposed"?
#
# A convolution is linear: every output number is a weighted sum of input numbers. So it can be written as one large matrix $C$ that acts on the image laid out in a row. Take the convolution with the kernel of section 2 and stride 2, from 5 by 5 pixels to 2 by 2. Then $C$ has 4 rows, one for each window, and 25 columns. A row holds the nine kernel weights at the places where its window lies, and zeros elsewhere.
#
# The **transpose** $C^\top$ has rows and columns exchanged. It makes 25 numbers out of 4, and its four columns are the four windows. Multiplying it with four numbers gives the sum of these columns, each times its number. Those are the stamps.

# %%
pixels = torch.eye(25).reshape(25, 1, 5, 5)  # each has one pixel of 1
matrix = nn.functional.conv2d(pixels, kernel[None, None], stride=2).flatten(1).T  # (4, 25)
print(tuple(matrix.shape), "->", tuple(matrix.T.shape))
print((matrix.T @ small.flatten()).reshape(5, 5).int())

# %% [markdown]
# These are the numbers of the picture in section 2. Now there and back again: let $C$ act on an image that counts from 0 to 24, and $C^\top$ on the four numbers that come out.

# %%
image = torch.arange(25.0)
there = matrix @ image  # (4,)
back = matrix.T @ there  # (25,)
print("there:", there.int().tolist())
print("first row:", image[:5].int().tolist(), "· there and back:", back[:5].int().tolist())

# %% [markdown]
# The image does not come back: $C^\top$ is no inverse. It undoes the change of shape, and it is what `backward` does: gradients travel back through a convolution by $C^\top$.

# %% [markdown]
# ### D · A hundred features
#
# (To section 5.) With $d$ features the means are vectors $\mathbf{m}_1, \mathbf{m}_2$. The variances become **covariance matrices** $\Sigma_1, \Sigma_2$ of size $d \times d$: on the diagonal the variance of each feature, elsewhere the covariance of two. The formula keeps its form (Dowson and Landau, 1982; derived below). With $\operatorname{tr}$ for the **trace**, the sum of the diagonal:
#
# $$\text{FD} = \|\mathbf{m}_1 - \mathbf{m}_2\|^2 + \operatorname{tr}\left(\Sigma_1 + \Sigma_2 - 2\,(\Sigma_1 \Sigma_2)^{1/2}\right)$$
#
# For $d = 1$ it is that of section 5: $s_1^2 + s_2^2 - 2\sqrt{s_1^2 s_2^2} = (s_1 - s_2)^2$. The power $1/2$ is a square root of a matrix: multiplied by itself it gives the matrix. We need only its trace. The **eigenvalues** of a matrix are the factors by which it stretches along its own special directions, and their sum is its trace (taken on trust). Let $\lambda_i$ be those of $\Sigma_1\Sigma_2$. Its root, used twice, stretches by $\lambda_i$; so used once, by $\sqrt{\lambda_i}$:
#
# $$\operatorname{tr}\,(\Sigma_1\Sigma_2)^{1/2} = \sum_i \sqrt{\lambda_i}$$
#
# Two features without covariance show that nothing new has come in: with variances 4 and 9 against 1 and 16, the root of the product has 2 and 12 on its diagonal, and the trace adds up $4 + 1 - 2 \cdot 2 = (2 - 1)^2$ and $9 + 16 - 2 \cdot 12 = (3 - 4)^2$: the one-dimensional formula, twice.


# %%
def frechet(a, b):
    """Fréchet distance between normal distributions fitted to features (n, d) and (m, d)."""
    a, b = a.double(), b.double()  # a difference of large numbers: float32 is too rough
    means = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)  # (d, d)
    eigenvalues = torch.linalg.eigvals(cov_a @ cov_b).real.clamp(min=0)  # below 0 by rounding only
    return (means + cov_a.trace() + cov_b.trace() - 2 * eigenvalues.sqrt().sum()).item()


# %% [markdown]
# A set whose features all move by the same vector should be at the squared length of that vector. And `frechet_distance` of `course_utils.metrics`, which `distance` has used from the start, should agree.

# %%
shift = torch.linspace(-1, 1, 100)
moved_over = frechet(real_features + shift, real_features)
print(f"the same set moved: {moved_over:.2f} · squared length {shift.square().sum():.2f}")
by_hand = frechet(read(judge, samples)[0], real_features)
print(f"DCGAN: by hand ≈ {by_hand:.3f} · the course's helper ≈ {distance(samples):.3f}")

# %% [markdown]
# **Why this trace?** The derivation needs the singular value decomposition of linear algebra.
#
# As in one dimension, $\mathbb{E}\|\mathbf{x} - \mathbf{y}\|^2 = \|\mathbf{m}_1 - \mathbf{m}_2\|^2 + \operatorname{tr}\Sigma_1 + \operatorname{tr}\Sigma_2 - 2\operatorname{tr} K$, where $K$ is the matrix of covariances between $\mathbf{x}$ and $\mathbf{y}$. How large can $\operatorname{tr} K$ be?
#
# Write $\Sigma_1^{1/2}$ for the symmetric root of $\Sigma_1$. Let both covariances be invertible. (Otherwise add a small multiple of the identity, and let it go to 0.) Then $W = \Sigma_1^{-1/2} K\, \Sigma_2^{-1/2}$ is the covariance between two sets of variables that have each been made uncorrelated with variance 1. For any unit vectors $\mathbf{u}, \mathbf{v}$ the number $\mathbf{u}^\top W \mathbf{v}$ is a covariance of two variables of variance 1, so at most 1: $W$ lengthens no vector. Conversely every such $W$ can occur. So we look for the largest
#
# $$\operatorname{tr} K = \operatorname{tr}\left(\Sigma_1^{1/2}\, W\, \Sigma_2^{1/2}\right) = \operatorname{tr}\left(W\, \Sigma_2^{1/2} \Sigma_1^{1/2}\right).$$
#
# The matrix $A = \Sigma_2^{1/2}\Sigma_1^{1/2}$ has a singular value decomposition $A = U S V^\top$, with rotations $U, V$ and non-negative numbers $\sigma_i$ on the diagonal of $S$. Then $\operatorname{tr}(W A) = \operatorname{tr}(V^\top W U\, S) = \sum_i (V^\top W U)_{ii}\,\sigma_i \le \sum_i \sigma_i$, with equality for $W = V U^\top$. The $\sigma_i$ are the roots of the eigenvalues of $A^\top A = \Sigma_1^{1/2}\Sigma_2\Sigma_1^{1/2}$. And this matrix has the same eigenvalues as $\Sigma_1\Sigma_2$: they differ by a change of basis, $\Sigma_1^{1/2}\left(\Sigma_1^{1/2}\Sigma_2\Sigma_1^{1/2}\right)\Sigma_1^{-1/2} = \Sigma_1\Sigma_2$. So the largest $\operatorname{tr} K$ is $\sum_i \sqrt{\lambda_i} = \operatorname{tr}(\Sigma_1\Sigma_2)^{1/2}$. They are real and not negative, as those of a matrix of the form $A^\top A$ always are.

# %% [markdown]
# ### E · How many images does a distance need?
#
# Real training images against real test images: what would you expect? Zero? Take ten random handfuls of 150 of them, ten of 500, ten of 2,000; and the same of the DCGAN's.

# %%
seed_everything(SEED)
by_count = {}
for name, x in {"real": train_images[:10_000], "DCGAN": samples}.items():
    features = read(judge, x)[0]
    for n in (150, 500, 2000):
        handfuls = [features[torch.randperm(10_000)[:n]] for _ in range(10)]
        found = torch.tensor([frechet_distance(part, real_features) for part in handfuls])
        by_count[name, n] = found.mean().item()
        print(f"{name:5} {n:6,}: FD ≈ {found.mean():.2f}, from ≈ {found.min():.2f}", end="")
        print(f" to ≈ {found.max():.2f}")
    by_count[name, 10_000] = frechet_distance(features, real_features)
    print(f"{name:5} 10,000: FD ≈ {by_count[name, 10_000]:.2f}")

# %% tags=["claim"]
# "all are real, and handfuls of 150 are many times as far away as 10,000"
for name in ("real", "DCGAN"):
    values = [by_count[name, n] for n in (150, 500, 2000, 10_000)]
    assert all(a > b for a, b in pairwise(values))
assert by_count["real", 150] > 5 * by_count["real", 10_000]

# %% [markdown]
# Take the real ones: all are real, and handfuls of 150 are many times as far away as 10,000. A covariance matrix of 100 features has 5,050 different entries, and an estimate from few images is inaccurate. On average the errors of the estimate add distance: the **bias** is upwards. (On average only. For a model that is far away, a single handful may well come out nearer than the whole.) The bias differs from model to model, so equal numbers make a comparison fairer, and not quite fair (Bińkowski et al., 2018). At 10,000 little of it is left.

# %% [markdown]
# ### F · Checkerboards
#
# (To section 2.) Why kernel 4 and not 3 or 5? With all inputs and weights 1, each output pixel counts the stamps that reach it. Look at the inside, not at the rim.


# %%
def stamp_counts(kernel, stride, padding, n=5):
    """How many stamps reach each pixel, if n by n numbers stamp: (m, m)."""
    ones, weights = torch.ones(1, 1, n, n), torch.ones(1, 1, kernel, kernel)
    return nn.functional.conv_transpose2d(ones, weights, stride=stride, padding=padding)[0, 0]


counts = {k: stamp_counts(k, stride=2, padding=1) for k in (3, 4, 5)}

# %% tags=["figure"]
fig, axes = plt.subplots(1, 3, figsize=(11, 3.9))
for ax, (k, count) in zip(axes, counts.items(), strict=True):
    ax.imshow(count, cmap="Blues", vmin=0, vmax=14)
    for row, column in count.nonzero().tolist():
        ax.text(column, row, f"{count[row, column]:.0f}", ha="center", va="center", fontsize=9)
    ax.set(title=f"kernel {k}, stride 2, padding 1", xticks=[], yticks=[])
    ax.grid(visible=False)
plotting.show(
    fig,
    alt="Stamps that reach each pixel. Kernel 3: a checkerboard of 1, 2 and 4. Kernel 4: 4 "
    "everywhere inside. Kernel 5: a checkerboard of 4, 6 and 9.",
)

# %% [markdown]
# With kernel 3 and stride 2, some pixels get one stamp, their neighbours two, the diagonal ones four. Unless training finds weights that balance this, the picture carries a pattern of period 2, a **checkerboard** (Odena et al., 2016). Kernel 4 is a multiple of the stride, so inside every pixel gets $(4/2)^2 = 4$ stamps.
#
# Equal counts promise nothing: the weights inside the kernel may still favour every second pixel. Look again at the sheets of section 1. After 100 iterations our generator shows a fine chess board in spite of kernel 4; at the end it is gone. (A guess: a discriminator that sees it punishes it.)

# %% tags=["claim"]
# "After 100 iterations our generator shows a fine chess board in spite of kernel 4; at the end it is gone"
board = 1 - 2.0 * ((torch.arange(28)[:, None] + torch.arange(28)) % 2)
early, late = (
    (dcgan["sheets"][i] * board)[:, :, 4:-4, 4:-4].mean(dim=(1, 2, 3)).abs().mean() for i in (1, -1)
)
assert early > 3 * late

# %% [markdown]
# ### Exercise 9.4 · experiment: Three times as large
#
# Find a transposed convolution with stride 3 that makes exactly three times the width, $n \to 3n$ for every $n$. Its stamps should overlap (the kernel is larger than 3), and inside every pixel should get the same number of them. Try pairs with `stamp_counts(kernel, 3, padding)`.
#
# <details><summary>Hint</summary>
#
# Put $n_\text{out} = 3n$ into the formula for stamps. It ties the padding to the kernel. Which kernels give every pixel equally many stamps at stride 3?
#
# </details>

# %%
kernel_and_padding = None  # two whole numbers, as in (3, 1)
checks.three_times(kernel_and_padding)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# kernel_and_padding = (9, 3)
# ```
#
# $(n - 1) \cdot 3 + k - 2p = 3n$ gives $k = 3 + 2p$, and equal counts ask for a multiple of 3. The smallest pair is $(3, 0)$, whose stamps only touch. The next are $(9, 3)$ and $(15, 6)$.
#
# </details>

# %% [markdown]
# ## References
#
# - A. Radford, L. Metz, S. Chintala (2015). *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks.* [arXiv:1511.06434](https://arxiv.org/abs/1511.06434). DCGAN.
# - V. Dumoulin, F. Visin (2016). *A Guide to Convolution Arithmetic for Deep Learning.* [arXiv:1603.07285](https://arxiv.org/abs/1603.07285)
# - M. Mirza, S. Osindero (2014). *Conditional Generative Adversarial Nets.* [arXiv:1411.1784](https://arxiv.org/abs/1411.1784)
# - A. Odena, V. Dumoulin, C. Olah (2016). *Deconvolution and Checkerboard Artifacts.* Distill. [doi:10.23915/distill.00003](https://doi.org/10.23915/distill.00003)
# - S. Ioffe, C. Szegedy (2015). *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift.* [arXiv:1502.03167](https://arxiv.org/abs/1502.03167)
# - Y. Yazıcı, C.-S. Foo, S. Winkler, K.-H. Yap, G. Piliouras, V. Chandrasekhar (2018). *The Unusual Effectiveness of Averaging in GAN Training.* [arXiv:1806.04498](https://arxiv.org/abs/1806.04498)
# - D. C. Dowson, B. V. Landau (1982). *The Fréchet Distance between Multivariate Normal Distributions.* Journal of Multivariate Analysis 12. [doi:10.1016/0047-259X(82)90077-X](https://doi.org/10.1016/0047-259X(82)90077-X)
# - M. Heusel, H. Ramsauer, T. Unterthiner, B. Nessler, S. Hochreiter (2017). *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium.* [arXiv:1706.08500](https://arxiv.org/abs/1706.08500). The Fréchet Inception distance.
# - M. Bińkowski, D. J. Sutherland, M. Arbel, A. Gretton (2018). *Demystifying MMD GANs.* [arXiv:1801.01401](https://arxiv.org/abs/1801.01401). The bias of the Fréchet distance.
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). *Gradient-Based Learning Applied to Document Recognition.* Proceedings of the IEEE 86. [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791). Convolutional classifiers of digits.
# - I. Loshchilov, F. Hutter (2017). *Decoupled Weight Decay Regularization.* [arXiv:1711.05101](https://arxiv.org/abs/1711.05101). AdamW.
# - L. Theis, A. van den Oord, M. Bethge (2015). *A Note on the Evaluation of Generative Models.* [arXiv:1511.01844](https://arxiv.org/abs/1511.01844). Shifted copies escape the nearest neighbour.
# - T. Kynkäänniemi, T. Karras, S. Laine, J. Lehtinen, T. Aila (2019). *Improved Precision and Recall Metric for Assessing Generative Models.* [arXiv:1904.06991](https://arxiv.org/abs/1904.06991)
# - The nets of the DCGAN and their sizes follow the GAN assignment of Stanford's class CS231n, with labels, one linear layer more in $G$, and the slope of Radford et al. in $D$. Their paper has no pooling, no linear layers inside, and batch normalisation in both players.
