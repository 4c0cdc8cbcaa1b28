# %% [markdown]
# # 9 · DCGAN, and one scoreboard for them all
#
# Give the two players of lesson 8 convolutions, and the digits become crisp. Then you measure everything this course has taught to draw, with one yardstick.
#
# **You will**
#
# - derive every shape in a convolutional discriminator and in a generator made of transposed convolutions,
# - explain checkerboards: where they come from, how to see them and how to avoid them,
# - train a DCGAN with the very call of lesson 8, and say what makes it faster than the loop one would write first,
# - say what batch normalisation does to samples in training mode, and what in evaluation mode,
# - derive the Fréchet distance, compare eight sources of images with it, and name what such a score cannot see.
#
# **You need** Lessons 2 (batch normalisation, the judge), 4 (convolutions, section 8) and 8 (the training function). Lessons 4, 6 and 8 left samples for the scoreboard. From school: mean, variance, covariance and correlation, and what a matrix product is.
#
# **Time** About 110 minutes to read, with the exercises. All cells together run in about 110 seconds on two slow cores without a graphics card.

# %%
# %matplotlib inline
import copy
import statistics
from itertools import pairwise

import matplotlib.pyplot as plt
import torch
from ipywidgets import FloatSlider, interact
from torch import nn
from tqdm.auto import tqdm

from course_utils import data, plotting
from course_utils.device import pick_device, seed_everything
from course_utils.lessons import results
from course_utils.lessons.checks import lesson_09 as checks
from course_utils.lessons.classifier import load_judge
from course_utils.lessons.gan import train_gan
from course_utils.metrics import coverage, frechet_distance, nearest_neighbours

plt.style.use(["default", "course_utils.course"])
SEED = 0

# %% tags=["nbval-ignore-output"]
# About this machine
device = pick_device()
print(f"PyTorch {torch.__version__} on {device}, {torch.get_num_threads()} threads")
_ = data.prepare("MNIST")
judge = load_judge(device)

# %% [markdown]
# ## 1 · The same game, other players
#
# The game stays as it was. The generator $G$ turns **noise**, a vector of 96 numbers drawn uniformly from $[-1, 1]$, into an image. The discriminator $D$ gives an image a raw number, its **logit**: positive for "real", negative for "fake". They learn in turns, one step each. The first 50,000 training images are the real ones, in shuffled batches of 128.

# %%
NOISE_DIM, BATCH_SIZE = 96, 128

train_images, train_labels = data.tensors(data.load("MNIST", train=True))
test_images, test_labels = data.tensors(data.load("MNIST", train=False))
batches = data.batches(
    train_images[:50_000],
    train_labels[:50_000],
    BATCH_SIZE,
    shuffle=True,
    generator=torch.Generator().manual_seed(SEED),
)
print(f"{len(batches)} batches of {BATCH_SIZE}, the last one smaller")

# %% [markdown]
# The losses are those of the first GAN in lesson 8: binary cross-entropy, BCE for short, on logits. $D$ is to say 1 to real images and 0 to fake ones. $G$ wants $D$ to say 1 to its fakes.


# %%
bce = nn.functional.binary_cross_entropy_with_logits


def d_loss(d_real, d_fake):  # logits (batch, 1) each -> a scalar
    return bce(d_real, torch.ones_like(d_real)) + bce(d_fake, torch.zeros_like(d_fake))


def g_loss(d_fake):
    return bce(d_fake, torch.ones_like(d_fake))


# %% [markdown]
# The training function is the one you wrote out in lesson 8, `train_gan(D, G, d_loss, g_loss, d_optimizer, g_optimizer, batches, num_iterations)`. You know it line by line, so from now on it is imported. Only $D$ and $G$ are new.

# %% [markdown]
# ## 2 · A discriminator that looks through windows
#
# The players of lesson 8 were made of linear layers. Such a layer gives every pixel weights of its own. It has no idea that two pixels are neighbours, and what it learns about a stroke in one corner it must learn again in all others. A **convolution** (lesson 4, section 8) looks at the image through a small window and uses the same weights, its **kernel**, wherever it looks. A convolutional layer has many kernels, and each gives one picture of answers, a **channel**.
#
# A GAN with convolutions in both players is called **DCGAN**, deep convolutional GAN (Radford et al., 2015). Ours keeps the idea of the paper and not every detail: the paper has strides in place of pooling, batch normalisation in $D$ too, and no hidden linear layers. Our discriminator, for 28 by 28 pixels:
#
# - a convolution with 32 kernels, 5 by 5; leaky ReLU; max pooling over 2 by 2;
# - a convolution with 64 kernels, 5 by 5; leaky ReLU; max pooling over 2 by 2;
# - all numbers in one row; a linear layer to 1,024; leaky ReLU; a linear layer to the logit.
#
# **Leaky ReLU** passes positive numbers on and multiplies negative ones by 0.01 (lesson 8 had 0.2), so that some gradient always gets back to the generator. **Max pooling** keeps the largest of four neighbours.
#
# How large is each picture on the way? A window of width $k$ on a picture of width $n$ has its first place at 0 and its last at $n - k$. With a **padding** of $p$ zeros on both sides the last is $n + 2p - k$. If it moves $s$ pixels at a time, the **stride**, then
#
# $$n_\text{out} = \left\lfloor \frac{n + 2p - k}{s} \right\rfloor + 1,$$
#
# where $\lfloor\;\rfloor$ rounds down. This holds for pooling as well, with $k = s = 2$ and $p = 0$ here.

# %% [markdown]
# ### Exercise 9.1 · predict: Every width on the way
#
# Before you run anything: how wide is the picture after the first convolution, the first pooling, the second convolution, the second pooling? The convolutions have stride 1 and no padding. And how many numbers stand in the one row after that? Give five whole numbers.
#
# <details><summary>Hint</summary>
#
# A window of 5 takes 4 pixels off, and pooling halves. The row holds all 64 channels.
#
# </details>

# %%
widths = None  # five numbers, as in (1, 2, 3, 4, 5)
checks.widths(widths)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# widths = (24, 12, 8, 4, 1024)
# ```
#
# $28 - 5 + 1 = 24$, half of it 12, $12 - 5 + 1 = 8$, half of it 4. Then there are $64 \cdot 4 \cdot 4 = 1{,}024$ numbers, which is why the linear layer takes 1,024.
#
# </details>


# %%
def discriminator():
    """(batch, 1, 28, 28) in [-1, 1] -> logits (batch, 1)."""
    return nn.Sequential(
        nn.Conv2d(1, 32, kernel_size=5),  # (batch, 32, 24, 24)
        nn.LeakyReLU(0.01),
        nn.MaxPool2d(2),  # (batch, 32, 12, 12)
        nn.Conv2d(32, 64, kernel_size=5),  # (batch, 64, 8, 8)
        nn.LeakyReLU(0.01),
        nn.MaxPool2d(2),  # (batch, 64, 4, 4)
        nn.Flatten(),  # (batch, 1024)
        nn.Linear(1024, 1024),
        nn.LeakyReLU(0.01),
        nn.Linear(1024, 1),
    )


# %% [markdown]
# Comments can lie. Send four images through, one layer at a time, and print the shapes that come out.


# %%
def trace(net, x):
    """Print the shape of what each layer makes of x."""
    for layer in net:
        x = layer(x)
        print(f"{type(layer).__name__:16} {tuple(x.shape)}")


trace(discriminator(), test_images[:4])

# %% [markdown]
# ## 3 · A generator that stamps
#
# The generator has to go the other way, from few numbers to a picture. Its tool is the **transposed convolution**. A convolution reads a window into one number. A transposed convolution takes one number and stamps a whole kernel, multiplied by that number, onto the output. The next number stamps `stride` pixels further on, and where stamps overlap they are added. In the end `padding` pixels are cut off all round. (Lesson 4 did this with a row of three numbers.)
#
# Here it is in two dimensions: four numbers, a kernel of 3 by 3, stride 2. Look for the places where stamps overlap.


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


# %%
small = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
kernel = torch.tensor([[1.0, 2.0, 1.0], [2.0, 3.0, 2.0], [1.0, 2.0, 1.0]])
each = stamps(small, kernel, stride=2)  # (4, 5, 5)

# %% tags=["figure"]
panels = {"four numbers": small, "kernel": kernel}
panels |= {f"stamp of {small.flatten()[i]:.0f}": each[i] for i in range(4)}
panels["sum"] = each.sum(dim=0)
fig, axes = plt.subplots(1, 7, figsize=(13.5, 2.5))
for ax, (name, picture) in zip(axes, panels.items(), strict=True):
    ax.imshow(picture, cmap="Blues", vmin=0, vmax=24)
    for (row, column), value in [((r, c), picture[r, c]) for r, c in picture.nonzero().tolist()]:
        color = "white" if value > 14 else "black"
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
# ### Why "transposed"?
#
# A convolution is linear: every output number is a weighted sum of input numbers. So it can be written as one large matrix $C$ that acts on the image laid out in a row. Take the convolution with our kernel and stride 2, from 5 by 5 pixels to 2 by 2. Then $C$ has 4 rows, one for each window, and 25 columns. A row holds the nine kernel weights at the places where its window lies, and zeros elsewhere.
#
# The **transpose** $C^\top$ has rows and columns exchanged. It makes 25 numbers out of 4, and its four columns are the four windows. Multiplying it with four numbers gives the sum of these columns, each times its number. Those are the stamps.

# %%
pixels = torch.eye(25).reshape(25, 1, 5, 5)  # each has one pixel of 1
matrix = nn.functional.conv2d(pixels, kernel[None, None], stride=2).flatten(1).T  # (4, 25)
print(tuple(matrix.shape), "->", tuple(matrix.T.shape))
print((matrix.T @ small.flatten()).reshape(5, 5).int())

# %% [markdown]
# These are the numbers of the picture above. Now there and back again: let $C$ act on an image that counts from 0 to 24, and $C^\top$ on the four numbers that come out.

# %%
image = torch.arange(25.0)
there = matrix @ image  # (4,)
theirs = nn.functional.conv2d(image.reshape(1, 1, 5, 5), kernel[None, None], stride=2)
print("by the matrix:", there.int().tolist(), "· by convolution:", theirs.flatten().int().tolist())
back = matrix.T @ there  # (25,)
print("first row:", image[:5].int().tolist(), "· there and back:", back[:5].int().tolist())

# %% [markdown]
# The last line shows what $C^\top$ is **not**. It is no inverse, and does not undo the convolution. (So the old name "deconvolution" misleads.) It undoes the change of shape, and it is what `backward` does: gradients travel back through a convolution by $C^\top$.
#
# ### The whole generator
#
# From 96 numbers, two linear layers make $6{,}272 = 128 \cdot 7 \cdot 7$, read as 128 channels of 7 by 7. Two transposed convolutions with kernel 4, stride 2 and padding 1 double the width twice: $(7 - 1) \cdot 2 + 4 - 2 = 14$, then $(14 - 1) \cdot 2 + 4 - 2 = 28$. Batch normalisation stands behind each layer but the last. Tanh brings the pixels into $(-1, 1)$, the range of the real ones.


# %%
def generator():
    """Noise (batch, 96) in [-1, 1] -> images (batch, 1, 28, 28) in [-1, 1]."""
    return nn.Sequential(
        nn.Linear(NOISE_DIM, 1024),
        nn.ReLU(),
        nn.BatchNorm1d(1024),
        nn.Linear(1024, 128 * 7 * 7),  # (batch, 6272)
        nn.ReLU(),
        nn.BatchNorm1d(128 * 7 * 7),
        nn.Unflatten(1, (128, 7, 7)),
        nn.ConvTranspose2d(128, 64, kernel_size=4, stride=2, padding=1),  # (batch, 64, 14, 14)
        nn.ReLU(),
        nn.BatchNorm2d(64),
        nn.ConvTranspose2d(64, 1, kernel_size=4, stride=2, padding=1),  # (batch, 1, 28, 28)
        nn.Tanh(),
    )


trace(generator(), 2 * torch.rand(4, NOISE_DIM) - 1)

# %% [markdown]
# How many numbers are there to learn? Count them by hand, layer by layer: inputs and one bias for each output, and two numbers for each normalised one. Then let PyTorch count.

# %%
d_by_hand = 32 * (25 + 1) + 64 * (32 * 25 + 1) + 1024 * (1024 + 1) + (1024 + 1)
linear = 1024 * (NOISE_DIM + 1) + 6272 * (1024 + 1)
stamping = (128 * 64 * 16 + 64) + (64 * 16 + 1)
g_by_hand = linear + stamping + 2 * (1024 + 6272 + 64)

d_count, g_count = (
    sum(parameter.numel() for parameter in net.parameters())
    for net in (discriminator(), generator())
)
print(f"D: by hand {d_by_hand:,} · PyTorch {d_count:,}")
print(f"G: by hand {g_by_hand:,} · PyTorch {g_count:,}, of them {stamping:,} in stamps")

# %% [markdown]
# Nearly all of the generator's weights sit in its second linear layer. The transposed convolutions are a fiftieth of it.

# %% [markdown]
# ### Exercise 9.2 · code: A calculator for widths
#
# Write a function that takes a width and a list of layers, and returns the width after each of them. A layer is a tuple `(kind, kernel, stride, padding)`. The kind is `"window"` for a convolution or a pooling, and `"stamps"` for a transposed convolution. Do it with your own arithmetic, without building a layer.
#
# <details><summary>Hint</summary>
#
# Both formulas of sections 2 and 3, and `//` for division that rounds down. Each layer starts from the width that the one before it has left.
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
# ## 4 · Checkerboards
#
# Why kernel 4 and not 3 or 5? Set every input number and every weight to 1, and each output pixel counts the stamps that reach it. Look at the inside; at the rim the counts may differ.


# %%
def stamp_counts(kernel, stride, padding, n=5):
    """How many stamps reach each pixel, if n by n numbers stamp: (m, m)."""
    ones, weights = torch.ones(1, 1, n, n), torch.ones(1, 1, kernel, kernel)
    return nn.functional.conv_transpose2d(ones, weights, stride=stride, padding=padding)[0, 0]


counts = {k: stamp_counts(k, stride=2, padding=1) for k in (3, 4, 5)}
for k, count in counts.items():
    print(f"kernel {k}: counts inside {count[2:-2, 2:-2].unique().int().tolist()}")

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
# Equal counts make it easy to be smooth, and promise nothing: the learned weights inside the kernel may still favour every second pixel. At the beginning they are random, and they do:


# %%
def checkerboard(x):
    """Mean size of the pattern of period 2 in images (n, 1, h, w), one number; h, w even."""
    x = x[:, :, 4:-4, 4:-4]
    rows, columns = (torch.arange(n, device=x.device) for n in x.shape[-2:])
    signs = 1 - 2 * ((rows[:, None] + columns) % 2)  # 1, -1, 1, ... as on a chess board
    return (x * signs).mean(dim=(1, 2, 3)).abs().mean().item()


for k in (3, 4):
    even = stamp_counts(k, stride=2, padding=1, n=12)[None, None, :22, :22]
    print(f"kernel {k}, all weights equal: checkerboard {checkerboard(even):.2f}")

# %%
seed_everything(SEED)
with torch.inference_mode():
    noise = 2 * torch.rand(200, NOISE_DIM, device=device) - 1
    untrained = generator().to(device)(noise).cpu()
board_untrained, board_real = checkerboard(untrained), checkerboard(test_images)
print(f"an untrained generator ≈ {board_untrained:.4f}, real digits ≈ {board_real:.4f}")

# %% [markdown]
# (For kernel 3 it can be done in the head: the counts 1, 2, 2 and 4 make $(1 - 2 - 2 + 4)/4 = 0.25$.)
#
# So this is how to see it: look closely at flat regions, or multiply with $+1, -1$ like a chess board and take the mean, as `checkerboard` does. We will use it again on the trained generator.
#
# And how to avoid it: a kernel that is a multiple of the stride; or enlarging by plain repetition followed by an ordinary convolution, as Odena et al. recommend; and in any case a discriminator that sees it and punishes it.

# %% [markdown]
# ### Exercise 9.3 · experiment: Three times as large
#
# Find a transposed convolution with stride 3 that makes exactly three times the width, $n \to 3n$ for every $n$. Its stamps should overlap, so the kernel must be larger than 3, and inside every pixel should get the same number of stamps. Try pairs with `stamp_counts(kernel, 3, padding)`.
#
# <details><summary>Hint</summary>
#
# Put $n_\text{out} = 3n$ into the formula of section 3. It ties the padding to the kernel. Which kernels give every pixel equally many stamps at stride 3?
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
# ## 5 · Where the weights start
#
# The DCGAN paper draws all weights from a normal distribution with standard deviation 0.02. PyTorch's layers draw them uniformly, between minus and plus $1/\sqrt{\text{fan-in}}$, where **fan-in** is the number of inputs to one output. (For a transposed convolution PyTorch counts the channels of the output instead.) A uniform distribution on $[-b, b]$ has the standard deviation $b/\sqrt3$. Which ones do we get?

# %%
seed_everything(SEED)
fresh_d, fresh_g = discriminator(), generator()
for player, net in (("D", fresh_d), ("G", fresh_g)):
    for layer in net:
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            fan_in = layer.weight[0].numel()
            name = f"{player} {type(layer).__name__} {tuple(layer.weight.shape)}"
            spread = layer.weight.std().item()
            print(f"{name:34} formula {(3 * fan_in) ** -0.5:.3f} · drawn ≈ {spread:.3f}")

# %% [markdown]
# Layers with many inputs start near the paper's 0.02 anyway. Those with few start larger, and for most of the generator that does not matter. Make all weights and biases of a layer ten times larger: the ReLU passes ten times as much on, and the batch normalisation behind it divides by a spread that is ten times as large. Its output stays. Try it on every normalised layer of the generator at once:

# %%
louder = copy.deepcopy(fresh_g)
with torch.no_grad():
    for i in (0, 3, 7):  # the layers that a batch normalisation follows
        louder[i].weight *= 10
        louder[i].bias *= 10
noise = 2 * torch.rand(64, NOISE_DIM) - 1
with torch.inference_mode():
    moved = (louder(noise) - fresh_g(noise)).abs().mean().item()
print(f"mean change of a pixel: ≈ {moved:.5f}")

# %% tags=["claim"]
# "Its output stays"
assert moved < 0.01

# %% [markdown]
# This is one reason why DCGANs train with batch normalisation where nets without it are delicate. Only the last layer of $G$, which has none, feels the scale of its weights. We keep PyTorch's start.

# %% [markdown]
# ### Exercise 9.4 · find the bug: No pixel is ever black
#
# This generator comes from the web. It trains badly: there are no black pixels, and the pictures have the wrong size.
#
# ```python
# def web_generator():
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
# Three faults, and one of them is repeated three times. The author meant 0.8 to be the **momentum** of batch normalisation. Which argument is it really? Mend all, and leave momentum at PyTorch's own value.
#
# <details><summary>Hint</summary>
#
# Black is $-1$. Follow the widths with your calculator. `help(nn.BatchNorm1d)` shows the order of the arguments.
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
# The ReLU at the end cannot give a negative number. Kernel 3 makes 27 pixels out of 14, with a checkerboard. And the second argument of batch normalisation is `eps`, a tiny number added to the variance so that nothing is divided by 0. With 0.8 it swamps the variance. No error is raised, and much copied code has it.
#
# </details>

# %% [markdown]
# ## 6 · The same steps in less time
#
# `train_gan` does the same work as the loop one would write first, in less time. Six changes lead from that loop to ours:
#
# 1. **Data as tensors** (lesson 2): whole batches by indexing, instead of a PIL image and a transform for every example.
# 2. **`fake.detach()`** in $D$'s step, so that `backward` does not run on through $G$.
# 3. **$D$ frozen in $G$'s step**, so that no gradients of its weights are computed that nobody uses.
# 4. **One generator forward**, shared by both steps.
# 5. **`Adam(fused=True)`**: the whole update of a net in one go.
# 6. **`channels_last`**: another order of the numbers in memory.
#
# On two slow cores the six together made an iteration about twice as fast: 160 ms instead of 340 ms. Which of them pays most depends on the machine; `benchmarks/savings_dcgan.py` tells it for yours.
#
# What is not in the list: a smaller net, fewer images, a lower precision. Those would train another model.
#
# The first four are in `train_gan`. The other two are in the nets and optimisers that we hand in:


# %%
def adam(net):
    return torch.optim.Adam(net.parameters(), lr=1e-3, betas=(0.5, 0.999), fused=True)


def new_players():
    """Return D, G and their optimisers, always with the same first weights."""
    seed_everything(SEED)
    D = discriminator().to(device, memory_format=torch.channels_last)
    G = generator().to(device, memory_format=torch.channels_last)
    return D, G, adam(D), adam(G)


# %% [markdown]
# The order `channels_last` made lesson 4's convolutions faster, without an explanation. Here it is. An image batch `(batch, channels, height, width)` usually lies in memory channel by channel. How far apart in memory neighbours along each axis are, PyTorch calls **strides**, too; they have nothing to do with the stride of a window. In the format `channels_last` all channels of one pixel lie side by side, and that is what a convolution wants: it sums over all channels at each place of its window. Shape and values stay. Only the strides change:

# %%
x = torch.zeros(128, 64, 14, 14)
print("usual        ", tuple(x.shape), x.stride())
print("channels_last", tuple(x.shape), x.to(memory_format=torch.channels_last).stride())

# %% [markdown]
# It is enough to convert the nets. A convolution whose weights are in that format hands its output on in it.

# %% [markdown]
# ## 7 · Training
#
# 400 iterations are about one epoch. After them most digits can be read already. Both players use Adam with rate $10^{-3}$ and $\beta_1 = 0.5$ as in lesson 8.
#
# Two small helpers first. One draws images: in evaluation mode (section 8 says why), with noise from a seed of its own, and it leaves the generator in the mode it found it in. The other is called by `train_gan` whenever a sheet of 16 samples is due. It keeps 1,000 samples of that moment for section 10.


# %%
@torch.inference_mode()
def draw(G, num_images, seed=SEED):
    """Return num_images drawn in evaluation mode, (num_images, 1, 28, 28), on the CPU."""
    was_training = G.training
    G.eval()
    stream = torch.Generator().manual_seed(seed)
    noise = 2 * torch.rand(num_images, NOISE_DIM, generator=stream) - 1
    images = torch.cat([G(z.to(device)).cpu() for z in noise.split(250)])
    G.train(was_training)
    return images


# %%
NUM_ITERATIONS = 400  # a multiple of 4: five sheets are drawn below
moments = {}


def keep(iteration, sheet):
    moments[iteration] = draw(G, 1000)


# %%
D, G, d_optimizer, g_optimizer = new_players()
players = D, G, d_loss, g_loss, d_optimizer, g_optimizer
history = train_gan(
    *players, batches, NUM_ITERATIONS, sheet_every=NUM_ITERATIONS // 4, on_sheet=keep
)

# %% tags=["nbval-ignore-output"]
# About this machine
print(f"{NUM_ITERATIONS} iterations ≈ {history.seconds:.0f} s")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 5, figsize=(13, 3))
for ax, iteration, sheet in zip(axes, history.sheet_iterations, history.sheets, strict=True):
    plotting.mosaic(sheet, columns=4, ax=ax, title=f"after {iteration}")
plotting.show(
    fig,
    alt="Five sheets of the same 16 noise vectors. Before training: a grey texture. A quarter of "
    "the way: first strokes and blots. At the end: mostly readable digits with crisp edges.",
)

# %% [markdown]
# A grey texture becomes strokes and blots, and those become digits. Compare with the sheets of lesson 8: edges are crisp and the speckles are nearly gone. Now the losses.


# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 3.4))
pair = {"D": history.d_loss, "G": history.g_loss}
plotting.curves(pair, ax, "iteration", title="Losses, mean of 20 iterations", window=20)
ax.axhline(2 * torch.tensor(2.0).log(), color="black", linestyle=":", label="blind D")
ax.legend()
plotting.show(
    fig,
    alt="Losses of both players against the iteration. Both wander. D's stays mostly below the "
    "dotted line at 2 log 2, the loss of a blind discriminator; neither shows that the images get "
    "better.",
)

# %%
late_d = statistics.mean(history.d_loss[-200:])
late_g = statistics.mean(history.g_loss[-200:])
told_apart = statistics.mean(history.d_real[-200:]) - statistics.mean(history.d_fake[-200:])
print(f"last 200 iterations: D ≈ {late_d:.2f}, G ≈ {late_g:.2f}, logits apart ≈ {told_apart:.1f}")

# %% [markdown]
# The discriminator stays ahead: its loss lies below $2 \log 2$, that of a blind one, and its logits for real images lie above those for fakes. The images get better all the while, and neither loss says so. Lesson 7 explained why: these losses say how the players stand to each other.

# %% tags=["claim"]
# "The discriminator stays ahead: its loss lies below 2 log 2, that of a blind one, and its logits for
# real images lie above those for fakes"
assert late_d < 2 * torch.tensor(2.0).log()
assert told_apart > 0

# %% [markdown]
# Now draw the 10,000 images that the scoreboard will judge.

# %%
samples = draw(G, 10_000)
black, real_black = ((x < -0.9).sum().item() / x.numel() for x in (samples, test_images))
print(f"black pixels: ≈ {100 * black:.0f} %, in real images ≈ {100 * real_black:.0f} %")
print(f"checkerboard ≈ {checkerboard(samples):.4f}, untrained ≈ {board_untrained:.4f}")

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(9, 4.7))
plotting.mosaic(samples[:128], columns=16, ax=ax, title="Drawn by the DCGAN")
plotting.show(
    fig,
    alt="128 generated images with crisp white strokes on black. Most are readable digits of many "
    "kinds; some are broken or belong to no digit.",
)

# %% [markdown]
# About as many pixels are black as in real images, and the checkerboard of the untrained net has faded. More than half of the images can be read at once. Others are broken, or belong to no digit.

# %% tags=["claim"]
# "About as many pixels are black as in real images, and the checkerboard ... has faded"
assert abs(black - real_black) < 0.1
assert checkerboard(samples) < 0.5 * board_untrained

# %% [markdown]
# ## 8 · Batch normalisation: two modes, two pictures
#
# Batch normalisation subtracts a mean and divides by a spread. Which ones? In **training mode** those of the batch at hand. In **evaluation mode** running averages, collected during training: after every batch, 10 % of the new value and 90 % of the old.
#
# So in training mode a picture does not depend on its noise alone. It depends on its neighbours in the batch. Take one noise vector and draw it three times, each time in other company: with fifteen other vectors (A), with another fifteen (B), and with fifteen that are much like it. (In training mode on a copy of the net: there, merely drawing moves the running averages.)


# %%
def in_company(G, z, company):
    """Draw z (96,) as the first of a batch with company (n, 96); return (1, 1, 28, 28)."""
    with torch.inference_mode():
        return G(torch.cat([z[None], company]).to(device))[:1].cpu()


stream = torch.Generator().manual_seed(SEED)
z = 2 * torch.rand(NOISE_DIM, generator=stream) - 1
companies = [2 * torch.rand(15, NOISE_DIM, generator=stream) - 1 for _ in range(2)]
companies.append(z + 0.2 * companies[0])  # fifteen vectors much like z

# %%
G.eval()
modes = {"train": copy.deepcopy(G).train(), "eval": G}
drawn = {
    mode: torch.cat([in_company(net, z, company) for company in companies])
    for mode, net in modes.items()
}

# %% tags=["figure"]
fig, axes = plt.subplots(2, 3, figsize=(6.6, 4.6))
for line, (mode, images) in zip(axes, drawn.items(), strict=True):
    for ax, image, who in zip(line, images, ("A", "B", "look-alikes"), strict=True):
        plotting.mosaic(image, columns=1, ax=ax, title=f"{mode}, {who}")
plotting.show(
    fig,
    alt="One noise vector drawn in three batches. Upper row, training mode: three different "
    "pictures. Lower row, evaluation mode: three times the same picture.",
)


# %%
def largest_gap(images):  # mean difference of a pixel, for the pair that differs most
    return max((a - b).abs().mean().item() for a in images for b in images)


for mode, images in drawn.items():
    print(f"{mode:5} pixels differ by ≈ {largest_gap(images):.4f}")

# %% [markdown]
# In training mode, the same 96 numbers give three pictures. In evaluation mode they give one. Worst is the company of look-alikes. What all of them have in common is their mean, and normalisation takes it away. What is left are their small differences, blown up to full size. That is exactly what happens to someone who walks through the latent space in training mode (section 9).

# %% tags=["claim"]
# "In training mode, the same 96 numbers give three pictures. In evaluation mode they give one": it is
# the first of those that were drawn above
assert largest_gap(drawn["train"]) > 0.05
assert largest_gap(drawn["train"][:2]) > 0.01
assert largest_gap(drawn["eval"]) < 1e-3
assert (drawn["eval"][0] - samples[0]).abs().max() < 1e-2

# %% [markdown]
# And a batch of one has no spread at all. PyTorch refuses it, at length. The last line says why:

# %% tags=["raises-exception"]
modes["train"](z[None].to(device))

# %% [markdown]
# Hence the rule: `G.eval()` before you draw, `G.train()` before you train on. `draw` does both. Lesson 8's sheets were drawn that way too. Their generator had no batch normalisation, so there it made no difference.
#
# In $D$ there is no batch normalisation here. If there were, it would matter too: normalising real and fake images each in a batch of their own would give $D$ statistics of a whole batch to judge by.

# %% [markdown]
# ## 9 · Walks through the noise
#
# Between two noise vectors $\mathbf{a}$ and $\mathbf{b}$ lies a straight line, $(1 - t)\,\mathbf{a} + t\,\mathbf{b}$ with $t$ from 0 to 1. All its points are in $[-1, 1]^{96}$, if $\mathbf{a}$ and $\mathbf{b}$ are. Draw ten points of four such lines. Each begins where the one before it ends.


# %%
@torch.inference_mode()
def walk(G, a, b, steps=10):
    """Draw points on the line between two noise vectors (96,); return (steps, 1, 28, 28)."""
    t = torch.linspace(0, 1, steps)[:, None]
    return G(((1 - t) * a + t * b).to(device)).cpu()


ends = 2 * torch.rand(5, NOISE_DIM, generator=stream) - 1
walks = [walk(G, a, b) for a, b in pairwise(ends)]

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 3.5))
plotting.mosaic(torch.cat(walks), columns=10, ax=ax, title="Four walks, from left to right")
plotting.show(
    fig,
    alt="Four rows of ten images. In each row one figure turns into another in small steps, with "
    "crisp strokes most of the way. Each row begins where the row above it ends.",
)

# %% [markdown]
# No picture of these rows was ever trained for. If the generator had learned some images by heart, the walk would stay at one and change abruptly to the next. Instead strokes bend, open and close. (A word of care: the middle of a line has smaller noise than its ends. The mean of two independent vectors is shorter than either by a factor of about $\sqrt2$, and the generator has rarely seen such short ones.)

# %% tags=["claim"]
# "the walk would stay at one and change abruptly to the next. Instead strokes bend": no single step
# makes nearly the whole way
path = torch.stack(walks).flatten(2)  # (walk, step, 784)
steps = (path[:, 1:] - path[:, :-1]).norm(dim=2)
assert (steps.max(dim=1).values / (path[:, -1] - path[:, 0]).norm(dim=1)).max() < 0.9

# %% [markdown]
# The same with a slider:

# %%
slow = walk(G, ends[0], ends[1], steps=41)


# %% tags=["figure", "nbval-ignore-output"]
def stop_at(t):
    fig, ax = plt.subplots(figsize=(2.8, 3.1))
    plotting.mosaic(slow[round(40 * t)][None], columns=1, ax=ax, title=f"t = {t:.3f}")
    plotting.show(fig, alt=f"The generated image at t = {t:.3f} of the first walk.")


_ = interact(stop_at, t=FloatSlider(0.0, min=0, max=1, step=0.025, readout_format=".3f"))

# %% [markdown]
# ## 10 · How far from real? The Fréchet distance
#
# "Crisper" is an impression. We want a number that says how far a set of generated images is from a set of real ones. Not image by image, for no generated image has a real one it should equal. It is two **distributions** that we compare.
#
# Pixels are a poor place for it: a digit in a slightly bolder pen looks the same and differs in most of its edge pixels. So we describe every image by the 100 features of your own classifier of lesson 2, the numbers behind its last ReLU. Images that it would treat alike have similar features. Its head adds how sure it is of what it reads, its **confidence**: the largest of the ten probabilities.


# %%
@torch.inference_mode()
def read(images):
    """(n, 1, 28, 28) -> features (n, 100), digits read (n,), confidence (n,)."""
    features = torch.cat([judge.features(x.to(device)) for x in images.split(2000)])
    sure, digits = judge.head(features).softmax(dim=1).max(dim=1)
    return features.cpu(), digits.cpu(), sure.cpu()


real_features, real_digits, _ = read(test_images)
fake_features, fake_digits, _ = read(samples)
print(tuple(real_features.shape), tuple(fake_features.shape))

# %% [markdown]
# ### One feature
#
# Look at a single feature first, the one that varies most over the test images. For each set of images, take its mean and its standard deviation, and draw the normal distribution that has the same.

# %% tags=["figure"]
k = real_features.std(dim=0).argmax()
columns = {"real": real_features[:, k], "DCGAN": fake_features[:, k]}
grid = torch.linspace(-4, real_features[:, k].max(), 200)
fig, axes = plt.subplots(1, 2, figsize=(11, 3.2), sharey=True)
for ax, (name, values) in zip(axes, columns.items(), strict=True):
    ax.hist(values, 50, density=True, color="#2E8FC9", label="feature")
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
# The fit is rough. A feature behind a ReLU is never negative and often exactly 0, and the bell knows nothing of that. We compare mean and spread only, and whatever else differs between the two histograms goes unseen. Keep this in mind until section 13.
#
# How far apart are two normal distributions? Think of one as a heap of sand. Carry it grain by grain until it has the form of the other, so that the mean squared way is as short as possible. That smallest mean squared way is the square of the **Fréchet distance**. As in the papers, FD means this square. For two normal distributions in one dimension it is easily found. Let $x$ have mean $m_1$ and standard deviation $s_1$, and the place $y$ it is carried to $m_2$ and $s_2$. For any plan of carrying, write $\mathbb{E}$ for the mean over all grains and $\rho$ for the correlation of $x$ and $y$. Then
#
# $$\mathbb{E}(x - y)^2 = (m_1 - m_2)^2 + s_1^2 + s_2^2 - 2\rho\, s_1 s_2,$$
#
# because the mean of a square is the square of the mean plus the variance, and the variance of $x - y$ is $s_1^2 + s_2^2$ minus twice the covariance $\rho\, s_1 s_2$. The best plan has the largest correlation, $\rho = 1$: the order of the grains is kept, the leftmost stays leftmost. It means $y = m_2 + \frac{s_2}{s_1}(x - m_1)$. Such a straight line turns one normal distribution into the other, so there is such a plan. (Between other shapes there need not be, and then the formula is only a lower bound.) This gives
#
# $$\text{FD} = (m_1 - m_2)^2 + (s_1 - s_2)^2.$$
#
# Check it with numbers. Draw 100,000 from each of two normal distributions, sort both, carry the first to the first, the second to the second, and so on:

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
# ### Exercise 9.5 · code: The distance of two sets of numbers
#
# Write the Fréchet distance of normal distributions fitted to two sets of numbers, `a` of shape `(n,)` and `b` of shape `(m,)`.
#
# <details><summary>Hint</summary>
#
# Two means and two standard deviations (not variances). Both differences are squared.
#
# </details>


# %%
def frechet_of_numbers(a, b):
    """Return one number, 0 for equal sets."""
    ...


checks.frechet_of_numbers(frechet_of_numbers)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def frechet_of_numbers(a, b):
#     """Return one number, 0 for equal sets."""
#     return (a.mean() - b.mean()) ** 2 + (a.std() - b.std()) ** 2
# ```
#
# Lesson 6 added this up over the 100 features and called it a gap. What that gap does not see is how features go together. That comes now.
#
# </details>

# %% [markdown]
# ### A hundred features
#
# With $d$ features the means are vectors $\mathbf{m}_1, \mathbf{m}_2$. The variances become **covariance matrices** $\Sigma_1, \Sigma_2$ of size $d \times d$: on the diagonal the variance of each feature, elsewhere the covariance of two of them. The formula keeps its form (Dowson and Landau, 1982). With $\operatorname{tr}$ for the **trace**, the sum of the diagonal:
#
# $$\text{FD} = \|\mathbf{m}_1 - \mathbf{m}_2\|^2 + \operatorname{tr}\left(\Sigma_1 + \Sigma_2 - 2\,(\Sigma_1 \Sigma_2)^{1/2}\right)$$
#
# For $d = 1$ it is the one above: $s_1^2 + s_2^2 - 2\sqrt{s_1^2 s_2^2} = (s_1 - s_2)^2$. The power $1/2$ is a square root of a matrix: multiplied by itself it gives the matrix, and it is not the root of each entry. We need only its trace. If $\Sigma_1\Sigma_2$ has the eigenvalues $\lambda_1, \dots, \lambda_d$ (the factors by which it stretches along its own special directions), then the root has $\sqrt{\lambda_i}$, and the trace is their sum.
#
# <details><summary>Derivation: why this trace</summary>
#
# As in one dimension, $\mathbb{E}\|\mathbf{x} - \mathbf{y}\|^2 = \|\mathbf{m}_1 - \mathbf{m}_2\|^2 + \operatorname{tr}\Sigma_1 + \operatorname{tr}\Sigma_2 - 2\operatorname{tr} K$, where $K$ is the matrix of covariances between $\mathbf{x}$ and $\mathbf{y}$. How large can $\operatorname{tr} K$ be?
#
# Write $\Sigma_1^{1/2}$ for the symmetric root of $\Sigma_1$. Let both covariances be invertible. (Otherwise add a small multiple of the identity, and let it go to 0.) Then $W = \Sigma_1^{-1/2} K\, \Sigma_2^{-1/2}$ is the covariance between two sets of variables that have each been made uncorrelated with variance 1. For any unit vectors $\mathbf{u}, \mathbf{v}$ the number $\mathbf{u}^\top W \mathbf{v}$ is a covariance of two variables of variance 1, so at most 1: $W$ lengthens no vector. Conversely every such $W$ can occur. So we look for the largest
#
# $$\operatorname{tr} K = \operatorname{tr}\left(\Sigma_1^{1/2}\, W\, \Sigma_2^{1/2}\right) = \operatorname{tr}\left(W\, \Sigma_2^{1/2} \Sigma_1^{1/2}\right).$$
#
# The matrix $A = \Sigma_2^{1/2}\Sigma_1^{1/2}$ has a singular value decomposition $A = U S V^\top$, with rotations $U, V$ and non-negative numbers $\sigma_i$ on the diagonal of $S$. Then $\operatorname{tr}(W A) = \operatorname{tr}(V^\top W U\, S) = \sum_i (V^\top W U)_{ii}\,\sigma_i \le \sum_i \sigma_i$, with equality for $W = V U^\top$. The $\sigma_i$ are the roots of the eigenvalues of $A^\top A = \Sigma_1^{1/2}\Sigma_2\Sigma_1^{1/2}$. And this matrix has the same eigenvalues as $\Sigma_1\Sigma_2$: they differ by a change of basis, $\Sigma_1^{1/2}\left(\Sigma_1^{1/2}\Sigma_2\Sigma_1^{1/2}\right)\Sigma_1^{-1/2} = \Sigma_1\Sigma_2$. So the largest $\operatorname{tr} K$ is $\sum_i \sqrt{\lambda_i} = \operatorname{tr}(\Sigma_1\Sigma_2)^{1/2}$.
#
# </details>
#
# In code, in float64. The differences of large numbers would lose too much in float32. The symmetric form $\Sigma_1^{1/2}\Sigma_2\Sigma_1^{1/2}$ has the same eigenvalues as the product, and a symmetric matrix has real ones, computed safely.


# %%
def frechet(a, b):
    """Fréchet distance between normal distributions fitted to features (n, d) and (m, d)."""
    a, b = a.double(), b.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)  # (d, d)
    values, vectors = torch.linalg.eigh(cov_a)
    root_a = vectors * values.clamp(min=0).sqrt() @ vectors.T  # the symmetric root
    eigenvalues = torch.linalg.eigvalsh(root_a @ cov_b @ root_a).clamp(min=0)
    means = (a.mean(dim=0) - b.mean(dim=0)).square().sum()
    return (means + cov_a.trace() + cov_b.trace() - 2 * eigenvalues.sqrt().sum()).item()


fd_dcgan = frechet(fake_features, real_features)
print(f"DCGAN against test images: FD ≈ {fd_dcgan:.1f}")

# %% [markdown]
# Two things must come out right. A set has no distance from itself. And a set whose features all move by the same vector has the squared length of that vector.

# %%
shift = torch.linspace(-1, 1, 100)
print(f"a set and itself: {abs(frechet(real_features, real_features)):.3f}")
moved_over, length = frechet(real_features + shift, real_features), shift.square().sum()
print(f"a set and the same set moved: {moved_over:.2f} · squared length {length:.2f}")
helper = frechet_distance(fake_features, real_features)
print(f"DCGAN: difference to the course's helper {abs(helper - fd_dcgan):.3f}")

# %% [markdown]
# The helper is `frechet_distance` of `course_utils.metrics`, which we use from here on. It does the same, and refuses sets that are too small, or contain `nan`.
#
# With the features of a large net called Inception, trained on photographs, this is the **FID** of the papers, the Fréchet Inception distance (Heusel et al., 2017). Our values come from another net, and cannot be compared with any FID in print.
#
# ### It depends on how many
#
# Real training images (the judge has learned from them) against real test images: what would you expect? Zero? Take the first 150, 500, 2,000, 10,000 of them.

# %%
train_features = read(train_images[:10_000])[0]
by_count = {}
for n in (150, 500, 2_000, 10_000):
    by_count[n] = frechet_distance(train_features[:n], real_features)
    print(f"{n:6,} real training images: FD ≈ {by_count[n]:.2f}")

# %% tags=["claim"]
# "All are real, and 150 of them are many times as far away as 10,000"
values = list(by_count.values())
assert all(a > b for a, b in pairwise(values))
assert values[0] > 5 * values[-1]

# %% [markdown]
# All are real, and 150 of them are many times as far away as 10,000. A covariance matrix of 100 features has 5,050 different entries, and few images estimate them badly. Every error of the estimate counts as distance, never against it: the **bias** is upwards. At 10,000 less of it is left. And part of the rest is a real difference: the judge was trained on the one set and not on the other. So compare only values from equally many images. The scoreboard uses 10,000 everywhere.
#
# ### What the losses did not say
#
# Now back to the samples of five moments that we kept in training, 1,000 each:

# %%
fd_moments = {n: frechet_distance(read(x)[0], real_features) for n, x in moments.items()}
for n, value in fd_moments.items():
    print(f"after {n:4} iterations: FD ≈ {value:.1f}")

# %% tags=["claim"]
# "Here are numbers that fall while the images get better"
_, first, *_, last = fd_moments.values()
assert 1.5 * last < first < 1.5 * fd_moments[0]

# %% [markdown]
# Here are numbers that fall while the images get better.

# %% [markdown]
# ## 11 · Three more questions
#
# One number is not enough. We ask three more questions.
#
# **Coverage.** Are all ten digits there? The judge reads the samples, and we count. A generator may draw perfect ones and nothing else, the mode collapse of lesson 7.

# %%
shares, real_shares = coverage(fake_digits), coverage(real_digits)

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 3))
places = torch.arange(10)
ax.bar(places - 0.2, shares, 0.4, label="DCGAN", hatch="//", edgecolor="white")
ax.bar(places + 0.2, real_shares, 0.4, label="real")
ax.axhline(0.02, color="black", linestyle=":", linewidth=1)
_ = ax.set(xlabel="digit", ylabel="share", xticks=range(10), ylim=(0, 0.3))
ax.legend(loc="upper center", ncols=2)
plotting.show(
    fig,
    alt="Share of each digit among DCGAN samples, hatched, beside real images. All ten are there, "
    "some more often and some less often than in reality, all above the dotted line at 2 %.",
)

# %% tags=["claim"]
# "All ten are there"
assert shares.min() >= 0.01

# %% [markdown]
# All ten are there, some more often than in reality and some less.
#
# **Confidence.** Is the judge sure of what it reads? A smear between a 4 and a 9 gives a low largest probability. Take the mean over all samples.
#
# **Distance to the nearest training image.** Is the model inventing, or copying? For each sample we look through all 60,000 training images and take the smallest Euclidean distance of pixels: the root of the sum of 784 squared differences. (Here pixels are right: a copy agrees in its pixels.) Real test images tell us what is normal: nobody copied them, and similar digits have been written before.
#
# For 500 samples and 60,000 images that would be a table of 30 million distances. `nearest_neighbours` makes it in batches, and keeps only the smallest of each row.

# %%
NEIGHBOURS_OF = 500
distances, places = nearest_neighbours(samples[:NEIGHBOURS_OF], train_images, batch_size=100)
print(f"median distance to the nearest training image ≈ {distances.median():.1f}")

# %% tags=["figure"]
nearest = torch.cat([samples[:10], train_images[places[:10]]])
plotting.show(
    plotting.image_grid(nearest, columns=10),
    alt="Upper row: ten generated images. Lower row: the training image nearest to each. Most "
    "pairs show similar digits, and no pair is the same picture.",
)

# %% [markdown]
# Above are ten samples, below the training image nearest to each. They are alike, and no pair is the same picture.

# %% [markdown]
# ## 12 · The scoreboard
#
# First save the DCGAN's samples like all the others. The parameters of both players are counted, as both had to be trained.

# %%
_ = results.save_samples("dcgan", results.Samples(samples, history.seconds, d_count + g_count))

# %% [markdown]
# Now collect everything. Noise and real test images are the two ends. The real images are the first 10,000 training images in the column of the Fréchet distance, because the yardstick itself is made of the test images. In the column of the nearest training image it must be test images, because each training image is its own neighbour.

# %%
LESSONS = {"autoencoder": "04_autoencoders", "vae": "06_vae", "cvae": "06_vae"}
LESSONS |= {"gan": "08_gan_and_lsgan", "lsgan": "08_gan_and_lsgan", "dcgan": "09_dcgan"}
NAMES = {
    "noise": "noise",
    "autoencoder": "random codes of AE",
    "gan": "GAN",
    "lsgan": "LSGAN",
    "vae": "VAE",
    "cvae": "conditional VAE",
    "dcgan": "DCGAN",
    "real": "real images",
}


def images_of(name):
    """Return the 10,000 images of a row, and what they cost (seconds, parameters); or None."""
    if name == "noise":
        stream = torch.Generator().manual_seed(SEED)
        return torch.empty(10_000, 1, 28, 28).uniform_(-1, 1, generator=stream), None
    if name == "real":
        return train_images[:10_000], None
    found = results.load_samples(name)
    return found and (found.images, (found.seconds, found.num_parameters))


# %% [markdown]
# The conditional VAE stored its digits in order, first all zeros. So whenever a few images stand for all, we do not take the first ones, but spread the choice evenly.


# %%
def some(images, count):
    return images[:: len(images) // count][:count]


def score(images, for_neighbours=None):
    """Measure images; nearest training images are looked up for some of these, or of others."""
    if for_neighbours is None:
        for_neighbours = images
    features, digits, sure = read(images)
    near, _ = nearest_neighbours(some(for_neighbours, NEIGHBOURS_OF), train_images, batch_size=50)
    return {
        "FD": frechet_distance(features, real_features),
        "least": coverage(digits).min().item(),
        "digits": (coverage(digits) >= 0.01).sum().item(),
        "sure": sure.mean().item(),
        "distance": near.median().item(),
    }


# %%
scores, costs = {}, {}
for name in (progress := tqdm(NAMES, desc="scoring")):
    found = images_of(name)
    if found:
        images, costs[name] = found
        scores[name] = score(images, test_images if name == "real" else None)
        progress.set_postfix(FD=f"{scores[name]['FD']:.1f}")

# %% [markdown]
# The columns: Fréchet distance to the test images; share of the rarest digit; how many digits have at least 1 %; mean confidence; median distance to the nearest training image.


# %%
def row(name, s):
    return (
        f"{name:19}FD ≈ {s['FD']:5.1f}   rarest ≈ {100 * s['least']:4.1f} %   "
        f"digits ≈ {s['digits']:2d}   sure ≈ {100 * s['sure']:3.0f} %   nearest ≈ {s['distance']:4.1f}"
    )


for name in NAMES:
    if name in scores:
        print(row(NAMES[name], scores[name]))
    else:
        print(f"{NAMES[name]:19}no samples yet: run {LESSONS[name]}.ipynb, then this lesson")

# %% tags=["nbval-ignore-output"]
# About this machine
for name, cost in costs.items():
    if cost:
        print(f"{NAMES[name]:19}≈ {cost[0]:4.0f} s of training, {cost[1]:9,} parameters")

# %% tags=["figure"]
size = (8.4, 0.74 * len(scores))
fig, axes = plt.subplots(len(scores), 2, figsize=size, width_ratios=(1, 2.6))
for (left, right), name in zip(axes, scores, strict=True):
    label = f"{NAMES[name]}\nFD ≈ {scores[name]['FD']:.1f}"
    left.text(1, 0.5, label, transform=left.transAxes, ha="right", va="center", fontsize=11)
    left.axis("off")
    plotting.mosaic(some(images_of(name)[0], 8), columns=8, ax=right)
plotting.show(
    fig,
    alt="Rows of eight images with their Fréchet distance: noise, the same few blurs from random "
    "codes, speckled digits of GAN and LSGAN, soft ones of the VAEs, crisp ones of DCGAN, real "
    "ones.",
)


# %% [markdown]
# Read the table from top to bottom.
#
# - **Noise** is far off, and the judge is not sure. It was never asked to say "no digit", so it must name one for everything, and the coverage of noise means nothing. (The grey of the untrained generator was further off still.)
# - **Random codes of the autoencoder** are far off as well, and the judge is sure of them: the same few shapes again and again. The coverage gives them away. Which of these two rows is the further one depends on the judge: with five other nets of its kind, trained from five seeds, it was the random codes.
# - **GAN and LSGAN** cover most digits. Their speckles, which no real image has, cost them much.
# - **The VAE** is soft, but has no speckles, and it covers all digits. It is nearer than the GAN. LSGAN may come out far behind the VAE or beside it, depending on the seed: one run of it differs much from the next. Section 13 looks through other eyes.
# - **The DCGAN** is the nearest of all that are not told a digit: its FD is less than a third of the vanilla GAN's, with the same losses and the same loop. The players have changed, and the DCGAN also trained for a longer time. Convolutions, batch normalisation and more than three times as many weights came together, and this table does not say which of them helped most.
# - **The conditional VAE** is a case of its own. It is told which digit to draw, all of them equally often, so it gets for free what others must learn, and right shares of the digits count with this judge. It was also trained with another $\beta$. The conditional VAE is far nearer than the VAE, although its strokes are softer than the DCGAN's.
#
# And no model is a copyist. A copy lies at distance 0. The samples of each model lie at a distance from the training images that is like that of new real images, or larger.

# %% tags=["claim"]
# "the judge is sure of them: the same few shapes again and again. The coverage gives them away",
# "GAN and LSGAN cover most digits"
assert scores["autoencoder"]["sure"] > scores["noise"]["sure"] + 0.1
assert scores["autoencoder"]["digits"] < 8
assert min(scores["gan"]["digits"], scores["lsgan"]["digits"]) > 5

# %% tags=["claim"]
# "The DCGAN is the nearest of all that are not told a digit: its FD is less than a third of the
# vanilla GAN's", of the VAE: "It is nearer than the GAN", and of the other one: "far nearer than the
# VAE"
told_no_digit = [scores[name]["FD"] for name in ("gan", "lsgan", "vae")]
assert scores["dcgan"]["FD"] < min(told_no_digit)
assert scores["dcgan"]["FD"] < scores["gan"]["FD"] / 3
assert scores["vae"]["FD"] < scores["gan"]["FD"]
assert scores["cvae"]["FD"] < scores["vae"]["FD"] / 1.5

# %% tags=["claim"]
# "no model is a copyist": its distance "is like that of new real images, or larger"
for name in ("autoencoder", "gan", "lsgan", "vae", "cvae", "dcgan"):
    assert scores[name]["distance"] > 0.5 * scores["real"]["distance"], name

# %% [markdown]
# ## 13 · What the score cannot see
#
# A score that is used as a target gets cheated. Meet three cheats, and an honest one with bad luck. None of them has learned to draw.
#
# - The **copyist** hands in 10,000 training images.
# - The **parrot** knows 50 test images, five of each digit, and hands in each of them 200 times.
# - The **forger** hands in test images with a fine chess board of $\pm 0.3$ laid over them.
# - The **honest one with a crooked camera** hands in real test images, shifted to the right by two pixels.

# %%
five_of_each = torch.cat([test_images[test_labels == digit][:5] for digit in range(10)])
chess = 1 - 2.0 * ((torch.arange(28)[:, None] + torch.arange(28)) % 2)
cheats = {
    "copyist": train_images[50_000:],
    "parrot": five_of_each.repeat_interleave(200, dim=0),
    "forger": (test_images + 0.3 * chess).clamp(-1, 1),
    "crooked camera": test_images.roll(2, dims=3),
}

# %% tags=["figure"]
fig, axes = plt.subplots(1, 4, figsize=(13, 1.6))
for ax, (name, images) in zip(axes, cheats.items(), strict=True):
    plotting.mosaic(some(images, 4), columns=4, ax=ax, title=name)
plotting.show(
    fig,
    alt="Four images from each of the four. Copyist and parrot: handwritten digits. Forger: digits "
    "under a fine chess board. Crooked camera: digits a little to the right of the middle.",
)

# %%
for name, images in cheats.items():
    scores[name] = score(images)
    print(row(name, scores[name]))
print(row("DCGAN", scores["dcgan"]))

# %% [markdown]
# - **The copyist** is as good as real images in every column but the last. There it stands at exactly 0. Without that column it would win.
# - **The parrot** beats the VAE by far, with fifty pictures. The Fréchet distance compares means and covariances, and fifty pictures, five of each digit, have nearly the right ones. Nor does the last column help, because the fifty were not training images. What would help: count how many different pictures there are among the samples.
# - **The forger** shows that the judge notices a pattern that it never saw in training, and has no word for. But it forgives the chess board more easily than the VAE's blur. How much a fault costs is up to the judge, not to your eye.
# - **The crooked camera** shows the same from the other side. You see nothing wrong with its digits. The judge, a net of linear layers, never saw shifted ones, and its features move. In section 10 we left the pixels because they make much of little, and features are better at this, but not free of it.

# %% tags=["claim"]
# "The copyist is as good as real images in every column but the last. There it stands at exactly 0"
assert scores["copyist"]["FD"] < 0.5 * scores["dcgan"]["FD"]
assert scores["copyist"]["digits"] == 10
assert scores["copyist"]["distance"] == 0

# %% tags=["claim"]
# "The parrot beats the VAE by far ... Nor does the last column help", "The forger shows that the
# judge notices a pattern ... But it forgives the chess board more easily than the VAE's blur"
assert scores["parrot"]["FD"] < scores["vae"]["FD"] / 1.5
assert scores["parrot"]["distance"] > 0.5 * scores["real"]["distance"]
assert 3 * scores["real"]["FD"] < scores["forger"]["FD"] < scores["vae"]["FD"]

# %% [markdown]
# ### Whose eyes?
#
# The judge has three hidden layers, and so far we looked through the last one. It was trained to keep what tells digits apart, and to forget the rest. Layers before it forget less. Take the second hidden layer, 200 features, and measure four models again.


# %%
@torch.inference_mode()
def read_earlier(images):
    """(n, 1, 28, 28) -> features of the judge's second hidden layer (n, 200)."""
    two_layers = judge.features[:5]
    return torch.cat([two_layers(x.to(device)) for x in images.split(2000)]).cpu()


real_earlier = read_earlier(test_images)
earlier = {}
for name in [name for name in ("gan", "lsgan", "vae", "dcgan") if name in scores]:
    earlier[name] = frechet_distance(read_earlier(images_of(name)[0]), real_earlier)
    print(f"{NAMES[name]:6} last layer ≈ {scores[name]['FD']:5.1f}, second ≈ {earlier[name]:5.1f}")

# %% [markdown]
# The two layers have different scales, so only ratios compare: of the GAN's distance to the VAE's, say. Between the GAN's speckles and the VAE's blur, the second layer decides more clearly than the last. Reading a digit, one can overlook speckles. So a distance belongs to a judge **and** to the layer through which one looks, and a small difference in one of them is no victory.

# %% tags=["claim"]
# "Between the GAN's speckles and the VAE's blur, the second layer decides more clearly than the last"
assert earlier["gan"] / earlier["vae"] > scores["gan"]["FD"] / scores["vae"]["FD"] > 1

# %% [markdown]
# In short: the score sees what its judge sees, and of that only mean and covariance. It forgives what the judge forgives, and is blind to repetition and to anything beyond mean and covariance. It depends on the number of images. And it compares only within one judge. That is why eight samples stand beside each number: **look, too**.

# %% [markdown]
# ### Exercise 9.6 · predict: Who is caught where?
#
# Three more sets of images, and three columns of the scoreboard. Which column exposes which cheat best? Answer for each with `"FD"`, `"rarest"` or `"nearest"`, each used once.
#
# 1. All 10,000 images are training images, untouched, drawn without regard to the digit.
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
# Copies are at distance 0 from themselves. A missing digit has the share 0, the clearest signal there is. Grey lines are all present and all new, and only their features are off.
#
# </details>

# %% [markdown]
# ## 14 · Where to go from here
#
# You have come from a straight line to a net that writes digits. Some pointers for the way on.
#
# - **GANs.** The players can be kept in balance by better means than luck: a distance between distributions as the loss (Wasserstein GAN, Arjovsky et al., 2017), or a bound on how steep $D$ may be (spectral normalisation, Miyato et al., 2018). StyleGAN (Karras et al., 2019) draws faces.
# - **Diffusion models.** They generate most of today's images. A net learns to take a little noise off an image, as in the denoising section of lesson 4, and drawing means to begin with pure noise and repeat that many times (Ho et al., 2020). The loss is a squared error, and its derivation is a bound like that of lesson 5. With this course behind you, that paper is readable.
# - **Flows.** They push noise into images along a path that can be followed backwards. Flow matching (Lipman et al., 2022) trains them with a squared error, too.
# - **Text.** A language model is a classifier as in lesson 2: which word comes next? Its architecture is the transformer (Vaswani et al., 2017).
# - **Measuring.** Precision and recall for generated images separate "is it good?" from "is everything there?" (Kynkäänniemi et al., 2019), which the Fréchet distance mixes.
#
# And one piece of advice that holds for all of them. A model that is subtly wrong trains, and gives pictures, and nobody notices. Write down what must be true, and let the machine check it. The sentences of these lessons are checked in that way, too, whenever a line of them changes.

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | kernel not a multiple of the stride | a fine chess board in flat regions | kernel 4 at stride 2; count the stamps on all ones |
# | widths that do not come out | an error about shapes, or images of 27 by 27 | compute (n − 1) · stride + kernel − 2 · padding first |
# | ReLU or sigmoid at the generator's end | no black pixels, and D wins at once | Tanh for pixels in [-1, 1] |
# | `BatchNorm2d(n, 0.8)` | sluggish training, no error | the second argument is `eps`; say `momentum=` by name |
# | drawing in training mode | a picture that changes with its neighbours, an error for a single image | `G.eval()` before drawing, `G.train()` before training |
# | samples saved in [0, 1], judged in [-1, 1] | a Fréchet distance far too large, though the pictures look fine | one range everywhere; check minimum and maximum |
# | labels of real and fake swapped | D's logits the wrong way round | d_loss must be 0 for a D that is right |
# | generator trained on label 0 | the fakes get ever easier to tell | g_loss must be 0 when D is fooled |
# | G's optimiser holds D's parameters | sheets that stay grey | compare the parameters before and after |
# | noise drawn once and reused | the images of that one batch learned, the rest rubbish | draw new noise in every iteration |
# | Fréchet distances from different numbers of images | the smaller set always loses | the same number everywhere |
# | `(cov_a * cov_b).sqrt()` for the root | nan, or a distance that is not 0 for equal sets | eigenvalues of the matrix product |
# | no column for copies | the copyist wins | distance to the nearest training image |

# %% [markdown]
# ## What you can now do
#
# In this lesson:
#
# - Derive the shapes of convolutional players, and explain transposed convolutions by stamps and by a matrix.
# - Recognise and avoid checkerboards, and draw in the right mode.
# - Name six changes that make a training faster without changing what it learns.
# - Derive the Fréchet distance, and read a scoreboard with suspicion.
#
# In this course:
#
# - Write a training loop in PyTorch, and without any framework, with gradients derived by hand and checked three ways (lessons 1 to 3).
# - Build autoencoders and say why their random codes fail (lesson 4).
# - Derive the evidence lower bound, and build a VAE on it that you can take apart (lessons 5 and 6).
# - Set up the adversarial game, diagnose its failures, and change its losses and its players one at a time (lessons 7 to 9).
# - Test what you say. That is the habit we hope you keep.

# %% [markdown]
# ## References
#
# - A. Radford, L. Metz, S. Chintala (2015). *Unsupervised Representation Learning with Deep Convolutional Generative Adversarial Networks.* [arXiv:1511.06434](https://arxiv.org/abs/1511.06434). DCGAN.
# - V. Dumoulin, F. Visin (2016). *A Guide to Convolution Arithmetic for Deep Learning.* [arXiv:1603.07285](https://arxiv.org/abs/1603.07285)
# - A. Odena, V. Dumoulin, C. Olah (2016). *Deconvolution and Checkerboard Artifacts.* Distill. [doi:10.23915/distill.00003](https://doi.org/10.23915/distill.00003)
# - S. Ioffe, C. Szegedy (2015). *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift.* [arXiv:1502.03167](https://arxiv.org/abs/1502.03167)
# - M. Heusel, H. Ramsauer, T. Unterthiner, B. Nessler, S. Hochreiter (2017). *GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash Equilibrium.* [arXiv:1706.08500](https://arxiv.org/abs/1706.08500). The Fréchet Inception distance.
# - D. C. Dowson, B. V. Landau (1982). *The Fréchet Distance between Multivariate Normal Distributions.* Journal of Multivariate Analysis 12. [doi:10.1016/0047-259X(82)90077-X](https://doi.org/10.1016/0047-259X(82)90077-X)
# - T. Kynkäänniemi, T. Karras, S. Laine, J. Lehtinen, T. Aila (2019). *Improved Precision and Recall Metric for Assessing Generative Models.* [arXiv:1904.06991](https://arxiv.org/abs/1904.06991)
# - M. Arjovsky, S. Chintala, L. Bottou (2017). *Wasserstein GAN.* [arXiv:1701.07875](https://arxiv.org/abs/1701.07875)
# - T. Miyato, T. Kataoka, M. Koyama, Y. Yoshida (2018). *Spectral Normalization for Generative Adversarial Networks.* [arXiv:1802.05957](https://arxiv.org/abs/1802.05957)
# - T. Karras, S. Laine, T. Aila (2019). *A Style-Based Generator Architecture for Generative Adversarial Networks.* [arXiv:1812.04948](https://arxiv.org/abs/1812.04948)
# - J. Ho, A. Jain, P. Abbeel (2020). *Denoising Diffusion Probabilistic Models.* [arXiv:2006.11239](https://arxiv.org/abs/2006.11239)
# - Y. Lipman, R. T. Q. Chen, H. Ben-Hamu, M. Nickel, M. Le (2022). *Flow Matching for Generative Modeling.* [arXiv:2210.02747](https://arxiv.org/abs/2210.02747)
# - A. Vaswani et al. (2017). *Attention Is All You Need.* [arXiv:1706.03762](https://arxiv.org/abs/1706.03762)
