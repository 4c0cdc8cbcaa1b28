# %% [markdown]
# # 4 · Autoencoders
#
# A network squeezes a picture of 784 numbers into three, and draws it again from these three. Here you train such a network, walk about among its codes, ask it to invent a digit, and find out what it lacks.
#
# **You will**
#
# - train an autoencoder with a loss whose unit you can explain,
# - see the codes as points in space, draw from them with sliders, and walk from one to another,
# - ask the decoder for new digits, and see where the codes that you gave it lie,
# - fit a density to the codes, which says how densely they lie where, and measure what that gains.
#
# **You need** Lessons 1 to 3: layers, mini-batches, Adam. From lesson 2 the classifier that you saved. From school: distances, mean and variance, the normal distribution. *Going further* B uses eigenvectors of a matrix.
#
# **Time** About 85 minutes for the core, with exercises 4.1 to 4.3, and 70 for *Going further*, without its derivation and exercise 4.7; lesson 9 builds on its section A. All cells together run in about two minutes on two slow cores without a graphics card.

# %%
# %matplotlib inline
import copy
import time

import matplotlib.pyplot as plt
import torch
from ipywidgets import FloatSlider, IntSlider, interact
from matplotlib.offsetbox import AnnotationBbox, OffsetImage
from matplotlib.patches import Rectangle
from sklearn.mixture import GaussianMixture
from torch import nn
from tqdm.auto import tqdm

from course_utils import data, plotting
from course_utils.device import pick_device, seed_everything
from course_utils.lessons import results
from course_utils.lessons.checks import lesson_04 as checks
from course_utils.lessons.classifier import load_judge
from course_utils.lessons.runs import run
from course_utils.metrics import frechet_distance

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
# The **judge** is the classifier of lesson 2. It will say what a drawn picture looks like, and how sure it is. The text tells what comes out for the official digits. With stand-in images, which you get without the internet, some results differ.
#
# ## 1 · A picture in three numbers
#
# With 256 shades for each pixel there are $256^{784}$ different pictures of 28 by 28 pixels: a number with 1,889 digits. Almost all of them look like the left half of this figure.

# %%
images, labels = data.tensors(data.load("MNIST", train=True))
test_images, _ = data.tensors(data.load("MNIST", train=False))
vectors, test_vectors = images.flatten(1), test_images.flatten(1)  # (n, 784) in [-1, 1]
train_vectors, valid_vectors = vectors[:55_000], vectors[55_000:]
train_labels, valid_labels = labels[:55_000], labels[55_000:]
print(tuple(train_vectors.shape), tuple(valid_vectors.shape), tuple(test_vectors.shape))

# %% tags=["figure"]
seed_everything(SEED)
static = torch.rand(8, 784) * 2 - 1  # every pixel anywhere in [-1, 1]
fig, axes = plt.subplots(1, 2, figsize=(9, 2.6))
plotting.mosaic(static, columns=4, ax=axes[0], title="pictures picked blindly")
plotting.mosaic(valid_vectors[:8], columns=4, ax=axes[1], title="pictures somebody wrote")
plotting.show(
    fig,
    alt="Left: eight pictures with random pixels, all of them the same grey static. "
    "Right: eight handwritten digits.",
)

# %% [markdown]
# To describe a digit you do not need 784 numbers. "A seven, thin, leaning to the right, with a bar" already says most of it. A short description like that is called a **code**, or a **latent** vector ("hidden", because nobody ever sees it in the data), written $\mathbf{z}$.
#
# Let two networks invent a code together: the **encoder** turns a picture $\mathbf{x}$ of 784 numbers into a code $\mathbf{z}$ of 3, the **decoder** turns the code into a picture $\hat{\mathbf{x}}$ again, the **reconstruction**.
#
# $$\mathbf{x} \;\xrightarrow{\text{encoder}}\; \mathbf{z} \;\xrightarrow{\text{decoder}}\; \hat{\mathbf{x}} \approx \mathbf{x}$$
#
# The pair is an **autoencoder**. It is trained to give back what it was given. With 784 numbers in the middle copying would be enough. But whatever the decoder needs to know must fit through the **bottleneck** of three, so the encoder has to find out what matters in a digit. Why three? Three numbers are a point in space, and can be drawn.
#
# Here is our net, with one bar for each layer, as high as the layer has numbers. Look for the code.

# %% tags=["figure"]
widths = (784, 128, 64, 12, 3, 12, 64, 128, 784)
fig, ax = plt.subplots(figsize=(8.5, 3))
for place, width in enumerate(widths):
    color = "#D55E00" if width == 3 else "#0072B2"
    ax.bar(place, width, width=0.35, bottom=-width / 2, color=color)
    ax.text(place, width / 2 + 25, str(width), ha="center", color=color)
ax.text(2, -350, "encoder", ha="center")
ax.text(4, -130, "code", ha="center", color="#D55E00")
ax.text(6, -350, "decoder", ha="center")
ax.set(ylim=(-410, 480))
ax.axis("off")
plotting.show(
    fig,
    alt="An hourglass of bars: 784, 128, 64 and 12 numbers, the code of 3 as a thin line in "
    "the middle, then 12, 64, 128 and 784.",
)

# %% [markdown]
# ## 2 · Twenty epochs
#
# The encoder narrows in four steps, the decoder mirrors it, with ReLU between the linear layers.


# %%
class Autoencoder(nn.Module):
    """(batch, 784) in [-1, 1] -> (batch, 784) in [-1, 1], through a code (batch, 3)."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Linear(784, 128),
            nn.ReLU(),
            nn.Linear(128, 64),
            nn.ReLU(),
            nn.Linear(64, 12),
            nn.ReLU(),
            nn.Linear(12, 3),
        )
        self.decoder = nn.Sequential(
            nn.Linear(3, 12),
            nn.ReLU(),
            nn.Linear(12, 64),
            nn.ReLU(),
            nn.Linear(64, 128),
            nn.ReLU(),
            nn.Linear(128, 784),
            nn.Tanh(),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


# %% [markdown]
# Two ends deserve a look.
#
# - The **code** comes straight out of a linear layer, so each of its numbers may be positive or negative. Behind a ReLU none could be below 0, and of the eight corners that three signs make only one would be used.
# - The **picture** goes through the hyperbolic tangent, which squeezes any number into $(-1, 1)$, the range of our pixels.
#
# The loss says how far the reconstruction is from the picture. A picture is a point with 784 coordinates, so two pictures have a distance, and its square is the sum of all squared differences. For a batch of $m$ pictures we take the mean:
#
# $$L = \frac1m \sum_{i=1}^{m} \sum_{j=1}^{784} \bigl(\hat x^{(i)}_j - x^{(i)}_j\bigr)^2$$


# %%
def reconstruction_error(recon, x):
    """Squared error, summed over pixels, averaged over the batch."""
    return nn.functional.mse_loss(recon, x, reduction="sum") / len(x)


def reconstruct(net, images):
    net.eval()
    with torch.inference_mode():
        return net(images.to(device)).cpu()


def error_on(net, images):
    return reconstruction_error(reconstruct(net, images), images).item()


# %% [markdown]
# The loop is that of lesson 2, but the picture stands where the label stood: it is its own target. The rate of Adam rises to a peak, then sinks to 0 (one cycle; lesson 2, *Going further* A).


# %%
def fit(net, train, valid, num_epochs, max_lr, after_epoch=None):
    """Train with Adam and the one-cycle rate; return the errors of every epoch."""
    batches = data.batches(train, train, batch_size=128, shuffle=True)  # inputs, targets
    optimizer = torch.optim.Adam(net.parameters(), lr=max_lr, fused=True)  # fused: faster
    one_cycle = torch.optim.lr_scheduler.OneCycleLR(  # the rate's cycle, not the momentum's
        optimizer, max_lr, total_steps=num_epochs * len(batches), cycle_momentum=False
    )
    errors = {"training": [], "validation": []}
    for epoch in (progress := tqdm(range(1, num_epochs + 1))):
        net.train()
        total = 0.0
        for x, target in batches:
            recon = net(x.to(device))  # 1. forward
            loss = reconstruction_error(recon, target.to(device))  # 2. loss
            optimizer.zero_grad()  # 3. forget the old gradients
            loss.backward()  # 4. backward
            optimizer.step()  # 5. change the parameters
            one_cycle.step()
            total += loss.item() * len(x)
        errors["training"].append(total / len(train))
        errors["validation"].append(error_on(net, valid))
        progress.set_postfix(error=f"{errors['validation'][-1]:.1f}")
        if after_epoch is not None:
            after_epoch(epoch)
    return errors


# %% [markdown]
# Watch the net learn: after every epoch the cell shows ten validation pictures, one of each digit, and below them what the net makes of them. (`run` keeps the training. Who comes back another day sets `LOAD = True` at the top.)

# %%
first = [valid_labels.tolist().index(digit) for digit in range(10)]
probes = valid_vectors[first]  # (10, 784)


def train_autoencoder():
    """Twenty epochs; return the weights, the errors, and the ten digits after every epoch."""
    seed_everything(SEED)
    net = Autoencoder().to(device)
    sheets, start = [reconstruct(net, probes)], time.perf_counter()
    live = plotting.LiveSheet("Ten digits appear here after each epoch.")

    def after_epoch(epoch):
        sheets.append(reconstruct(net, probes))
        live.show(torch.cat([probes, sheets[-1]]), f"Epoch {epoch}", columns=10)

    errors = fit(net, train_vectors, valid_vectors, 20, 4e-3, after_epoch)
    seconds = time.perf_counter() - start
    return {"net": net.state_dict(), "seconds": seconds, "sheets": torch.stack(sheets), **errors}


trained = run("autoencoder", train_autoencoder, load=LOAD)
net = Autoencoder().to(device)
_ = net.load_state_dict(trained["net"])

# %% [markdown]
# The top row holds the originals, each row below a moment of the training.

# %% tags=["figure"]
rows = {"original": probes} | {f"epoch {i}": trained["sheets"][i] for i in (0, 1, 2, 5, 10, 20)}
fig, axes = plt.subplots(len(rows), 1, figsize=(7.6, 6.2))
for ax, (name, pictures) in zip(axes, rows.items(), strict=True):
    plotting.mosaic(pictures, columns=10, ax=ax)
    ax.text(-6, 14, name, ha="right", va="center")
plotting.show(
    fig,
    alt="Ten digits and their reconstructions before training and after 1, 2, 5, 10 and 20 epochs: "
    "first grey, then a few kinds of blurs, then digits that become sharper.",
)

# %% tags=["claim"]
# "It squeezes any number into (-1, 1), the range of our pixels"
assert vectors.aminmax() == test_vectors.aminmax() == (-1, 1)
far_away = torch.tensor([[1e6, 0, 0], [0, -1e6, 0], [1e6, 1e6, 1e6]], device=device)
with torch.inference_mode():
    assert net.decoder(far_away).abs().max() <= 1

# %% [markdown]
# Before training there is grey, after one epoch a few kinds of blobs, and from then on the net sorts out the digits. At the end they are smooth and of middle thickness, and one or another is a smear or a wrong digit. The net keeps what many pictures share and loses what is special in one, a hook, a gap, a tremble of the hand. All of that went through three numbers, and no label was ever looked at.

# %% [markdown]
# ## 3 · How far apart are two pictures?
#
# The loss is **summed over pixels and averaged over the batch**. (PyTorch's `mse_loss` averages over both, unless told otherwise, and its result is 784 times smaller.) Why the sum?
#
# - It is a squared distance. Its **unit** is the square of a pixel's unit. Between black ($-1$) and white ($+1$) lie 2 units, so one pixel that is black instead of white costs 4. An error of 100 is as bad as 25 such pixels.
# - In lesson 6 a second term joins this loss. Then it matters very much whether the first one is 784 times too small.
#
# A number alone says little. Which errors can you get without learning anything? Here are three lazy artists: an untrained net, one who always draws black, and one who always draws the mean of all training pictures.

# %%
seed_everything(SEED)
mean_image = train_vectors.mean(dim=0)  # (784,)
lazy = {
    "untrained net": error_on(Autoencoder().to(device), valid_vectors),
    "always black": reconstruction_error(-torch.ones(5000, 784), valid_vectors).item(),
    "always the mean": reconstruction_error(mean_image.expand(5000, -1), valid_vectors).item(),
}
for name, error in lazy.items():
    print(f"{name:16} error ≈ {error:.1f}")

# %% [markdown]
# Keep the error of the mean picture in mind. A net that draws the same blur for everything can reach it; only an error below it shows that something was read from the picture. Now our net:

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7.5, 3.6))
for style, name in zip(("-", "--"), ("training", "validation"), strict=True):
    ax.plot(range(1, 21), trained[name], style, label=name)
ax.axhline(lazy["always the mean"], color="grey", linewidth=1)
ax.text(20, lazy["always the mean"] - 2, "always the mean", ha="right", va="top")
ax.set(xlabel="epoch", ylabel="error (sum over pixels)", xticks=[1, 5, 10, 15, 20])
ax.legend(loc="center right")
plotting.show(
    fig,
    alt="The error of training and validation images over 20 epochs: both fall fast, the training "
    "error from above the line of the mean picture, then run nearly together and sink a little "
    "further to the end.",
)

# %%
valid_error, test_error = trained["validation"][-1], error_on(net, test_vectors)
print(f"error of validation images ≈ {valid_error:.1f}, of test images ≈ {test_error:.1f}")

# %% tags=["claim"]
# "The error is now less than half of that of the mean picture"
if not data.standin_in_use():
    assert test_error < 0.5 * lazy["always the mean"]
# "Training and validation error lie close together"
assert valid_error < 1.25 * trained["training"][-1]

# %% [markdown]
# The error is now less than half of that of the mean picture. Training and validation error lie close together: the net has not learned its pictures by heart. (For most of the way the training error is the larger one: it is averaged over the epoch, while the net still learns.)

# %% [markdown]
# Which pictures come back worst? Here are the ten validation pictures with the largest errors, and below them what the net drew:

# %% tags=["figure"]
recon = reconstruct(net, valid_vectors)
worst = nn.functional.pairwise_distance(recon, valid_vectors)
worst = worst.argsort(descending=True)[:10]
fig, ax = plt.subplots(figsize=(8, 2.1))
plotting.mosaic(torch.cat([valid_vectors[worst], recon[worst]]), columns=10, ax=ax)
for i, label in enumerate(valid_labels[worst].tolist()):
    ax.text(28 * i + 14, -4, f"a {label}", ha="center")
plotting.show(
    fig,
    alt="Ten pictures in the top row, broad or crooked digits under their labels; below them what "
    "the net drew, digits too, but others or in another shape.",
)

# %% [markdown]
# Most of the lower row are digits, but other ones: where a code lies among those of another digit, the net draws that one.

# %% [markdown]
# ### Exercise 4.1 · experiment: A feeling for the error
#
# Add noise to a picture: to each pixel a random number from a normal distribution with mean 0 and standard deviation $\sigma$. For which $\sigma$ is the squared distance between the noisy picture and the clean one 98 on average, within 5? (Our net's error on the official digits lies near that.)
#
# <details><summary>Hint</summary>
#
# Try it in a cell of your own: `(sigma * torch.randn(1000, 784)).square().sum(dim=1).mean()`. Or think: what does one pixel contribute on average?
#
# </details>

# %%
sigma = None  # your number
checks.as_far_as_noise(sigma)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# sigma = 0.354
# ```
#
# The mean of the squared noise is $\sigma^2$, so 784 pixels give $784\,\sigma^2$. That is 98 for $\sigma^2 = 1/8$. An error of 98 means that a pixel is off by about 0.35 on average (the root of the mean square), a sixth of the way from black to white.
#
# </details>

# %% [markdown]
# ## 4 · Two hundred codes in space
#
# What did the encoder invent? Encode all pictures, and draw 200 validation codes where they lie, each as its digit, in the colour of its class. (The outermost in each of the three numbers are left out: they would press the others together.) Turn the figure and look for families.


# %%
def encode(net, images):
    net.eval()
    with torch.inference_mode():
        return net.encoder(images.to(device)).cpu()


codes, valid_codes = encode(net, train_vectors), encode(net, valid_vectors)
print(tuple(codes.shape), tuple(valid_codes.shape))
low, high = valid_codes.quantile(torch.tensor([0.03, 0.97]), dim=0)
inside = ((low < valid_codes) & (valid_codes < high)).all(dim=1)
shown = inside.nonzero().flatten()[:200]
COLORS = [
    *("#0072B2", "#E07B00", "#007A5A", "#C0508A", "#7A5C00"),
    *("#6AA000", "#C00000", "#5B3FA0", "#00A3B4", "#8A8A8A"),
]


# %% tags=["figure"]
def draw_codes(ax, azimuth, elevation):
    for z, label in zip(valid_codes[shown].tolist(), valid_labels[shown].tolist(), strict=True):
        ax.text(*z, str(label), color=COLORS[label], fontsize=9, weight="bold", ha="center")
    low, high = valid_codes[shown].aminmax(dim=0)
    limits = torch.stack([low, high], dim=1).tolist()
    ax.set(xlim=limits[0], ylim=limits[1], zlim=limits[2])
    ax.set(xlabel="$z_1$", ylabel="$z_2$", zlabel="$z_3$")
    ax.locator_params(nbins=5)
    ax.set_box_aspect(None, zoom=0.9)
    ax.view_init(elev=elevation, azim=azimuth)


# %% tags=["figure", "nbval-ignore-output"]
def turn(azimuth, elevation):
    fig, ax = plt.subplots(figsize=(7, 6), subplot_kw={"projection": "3d"})
    draw_codes(ax, azimuth, elevation)
    plotting.show(fig, alt=f"The 200 codes seen from azimuth {azimuth}, elevation {elevation}.")


_ = interact(
    turn,
    azimuth=IntSlider(-60, min=-180, max=180, step=10, continuous_update=False),
    elevation=IntSlider(25, min=-90, max=90, step=5, continuous_update=False),
)

# %% [markdown]
# The same codes once more, and beside them 90 of them in the plane of $z_1$ and $z_2$, as the pictures that the decoder draws. (What lies together there need not be neighbours in space.)


# %%
def decode(z):
    """Codes (n, 3) -> pictures (n, 784)."""
    with torch.inference_mode():
        return net.decoder(z.to(device)).cpu()


# %% tags=["figure"]
fig = plt.figure(figsize=(13, 6), layout="none")
draw_codes(fig.add_axes([0, 0, 0.5, 1], projection="3d"), azimuth=-60, elevation=25)
ax = fig.add_axes([0.57, 0.1, 0.42, 0.85])
low, high = valid_codes[shown[:90], :2].aminmax(dim=0)
margin = (high - low) / 20
low, high = low - margin, high + margin
ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="$z_1$", ylabel="$z_2$")
for z, picture in zip(valid_codes[shown[:90]], decode(valid_codes[shown[:90]]), strict=True):
    ink = picture.reshape(28, 28) / 2 + 0.5
    shade = torch.stack([torch.zeros(28, 28)] * 3 + [ink], dim=2)  # black, see-through
    ax.add_artist(
        AnnotationBbox(OffsetImage(shade.numpy(), zoom=0.6), z[:2].tolist(), frameon=False)
    )
plotting.show(
    fig,
    alt="Two hundred codes in space, each written as its digit in a colour of its own, and "
    "ninety of them in the plane of the first two numbers, as little pictures. Equal digits lie in "
    "groups, and some groups touch or overlap.",
)

# %% [markdown]
# Most equal digits lie together, though some groups touch or overlap. Nobody told the net which digits are equal. It puts pictures side by side that can be drawn in nearly the same way.

# %% tags=["claim"]
# "Most equal digits lie together"
nearest = torch.cdist(valid_codes[:1000], codes[:10_000]).argmin(dim=1)
assert (train_labels[nearest] == valid_labels[:1000]).float().mean() > 0.5

# %% [markdown]
# Where do the codes lie, and how far do they reach?

# %%
for name, values in [("mean", codes.mean(dim=0)), ("standard deviation", codes.std(dim=0))]:
    print(f"{name:18} " + " · ".join(f"≈ {value:.1f}" for value in values))

# %% [markdown]
# No particular place, and no particular spread. With another seed the codes lie elsewhere.

# %% [markdown]
# ## 5 · From a code to a picture
#
# The decoder does not care where a code comes from. Give it any three numbers and it draws. The sliders reach from the 5th to the 95th **percentile** of each code number. (5 % of all training codes lie below the first, 95 % below the second.)

# %% tags=["figure", "nbval-ignore-output"]
low, middle, high = codes.quantile(torch.tensor([0.05, 0.5, 0.95]), dim=0).tolist()


def draw_code(z1, z2, z3):
    fig, ax = plt.subplots(figsize=(2.8, 2.8))
    plotting.mosaic(decode(torch.tensor([[z1, z2, z3]])), columns=1, ax=ax)
    plotting.show(fig, alt=f"What is drawn for z1 ≈ {z1:.1f} z2 ≈ {z2:.1f} z3 ≈ {z3:.1f}")


sliders = {
    f"z{i + 1}": FloatSlider(
        middle[i], min=low[i], max=high[i], step=(high[i] - low[i]) / 50, continuous_update=False
    )
    for i in range(3)
}
_ = interact(draw_code, **sliders)

# %% [markdown]
# The same in print: each row moves one of the three numbers, and leaves the other two at their medians. So the picture in the middle is the same in all rows.

# %%
strip = codes.median(dim=0).values.repeat(3, 9, 1)  # (row, column, code number)
for i in range(3):
    strip[i, :, i] = codes[:, i].quantile(torch.linspace(0.05, 0.95, 9))
drawn = decode(strip.reshape(27, 3))

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 3))
plotting.mosaic(drawn, columns=9, ax=ax)
for i in range(3):
    ax.text(-5, 28 * i + 14, f"$z_{i + 1}$", ha="right", va="center")
plotting.show(
    fig,
    alt="Three rows of nine decoded pictures, one row for each code number: from left to right "
    "one digit turns gradually into others.",
)

# %% tags=["claim"]
# "So the picture in the middle is the same in all rows"
middles = drawn.reshape(3, 9, 784)[:, 4]
torch.testing.assert_close(middles[1:], middles[:-1], rtol=0, atol=1e-2)

# %% [markdown]
# The picture changes mostly gradually. But you will not find a slider for "thickness" and one for "slant": nothing in the loss asked for that. A code is a word in a language that only this encoder and this decoder speak.

# %% [markdown]
# ## 6 · A walk between two codes
#
# Take the codes of two pictures, $\mathbf{z}_a$ and $\mathbf{z}_b$, and go from one to the other in a straight line:
#
# $$\mathbf{z}(t) = (1 - t)\,\mathbf{z}_a + t\,\mathbf{z}_b, \qquad 0 \le t \le 1$$
#
# Decode what lies on the way, and ask the judge. It gives ten probabilities for a picture: the largest is its **confidence**, and the digit it belongs to is its answer.


# %%
def line(z_a, z_b, stops):
    """Codes (..., 3) and (..., 3) -> (..., stops, 3) on the straight line between them."""
    t = torch.linspace(0, 1, stops)[:, None]  # None: an axis for the stops
    return (1 - t) * z_a[..., None, :] + t * z_b[..., None, :]


@torch.inference_mode()
def judged(images):
    """Return the judge's confidence and its answer for each image."""
    return judge(images.to(device)).cpu().softmax(dim=1).max(dim=1)


walk = decode(line(valid_codes[first[0]], valid_codes[first[1]], 41))  # from a zero to a one
confidence, read_as = judged(walk)


# %% tags=["figure", "nbval-ignore-output"]
def walk_to(stop):
    fig, (ax, position) = plt.subplots(1, 2, figsize=(8, 2.8), width_ratios=[1, 2])
    plotting.mosaic(walk[[stop]], columns=1, ax=ax, title=f"a {read_as[stop]}, says the judge")
    position.plot(torch.linspace(0, 1, 41), confidence)
    position.plot(stop / 40, confidence[stop], "o", color="#D55E00", markersize=9)
    position.set(xlabel="$t$", ylabel="judge's confidence", ylim=(0, 1.03))
    plotting.show(fig, alt=f"Stop {stop} of 40 on the way from a zero to a one.")


_ = interact(walk_to, stop=IntSlider(20, min=0, max=40, continuous_update=False))

# %% tags=["figure"]
fig, (ax, position) = plt.subplots(2, 1, figsize=(9.5, 4.4), height_ratios=[1, 2])
plotting.mosaic(walk[::4], columns=11, ax=ax)
for i, digit in enumerate(read_as[::4].tolist()):
    ax.text(28 * i + 14, -4, f"a {digit}", ha="center")
position.plot(torch.linspace(0, 1, 41), confidence)
position.plot(torch.linspace(0, 1, 11), confidence[::4], "o")
_ = position.set(xlabel="$t$", ylabel="judge's confidence", ylim=(0, 1.03), xlim=(-0.05, 1.05))
plotting.show(
    fig,
    alt="Top: eleven pictures on the straight way from the code of a zero to the code of a one, "
    "each under the judge's answer, with other digits between them. Below: the judge's confidence, "
    "with dips on the way.",
)

# %% [markdown]
# Every fourth stop is drawn above its dot, under the judge's answer. Wherever the answer changes, two digits are equally probable for a moment, and the confidence must fall to one half or less, however good the codes are. (Most of these dips are narrower than our steps, and stay unseen.)
#
# So do not count dips, count detours. Take 500 walks, each between two validation pictures of different digits. On how many does the judge see a third digit, one that it names at neither end? As a yardstick do it without a net, too: fade the pictures themselves into one another, pixel by pixel.

# %%
pairs = torch.arange(2000).reshape(1000, 2)
pairs = pairs[valid_labels[pairs[:, 0]] != valid_labels[pairs[:, 1]]][:500]
third = {}
for name, ends in {"codes": valid_codes[pairs], "pixels": valid_vectors[pairs]}.items():
    stops = line(ends[:, 0], ends[:, 1], 21).flatten(0, 1)  # (500 * 21, 3 or 784)
    answers = judged(decode(stops) if name == "codes" else stops)[1].reshape(500, 21)
    neither = (answers != answers[:, :1]) & (answers != answers[:, -1:])
    third[name] = neither.any(dim=1).float().mean().item()
    print(f"{name:6} · a third digit on ≈ {100 * third[name]:.0f} % of the ways")

# %% tags=["claim"]
# "Through the codes the straight way leads more often past a third digit"
if not data.standin_in_use():
    assert third["codes"] > 1.3 * third["pixels"]

# %% [markdown]
# Through the codes the straight way leads more often past a third digit. (That does not make fading the better walk: halfway it shows two digits, one printed over the other.) A guess why: in three dimensions ten groups stand in each other's way. And what lies between the groups, nobody ever asked the decoder to draw: in training it has seen codes of real pictures, and no others.

# %% [markdown]
# ## 7 · Can it invent a digit?
#
# The decoder makes a picture of any three numbers. So roll three numbers, and get a new digit! The simplest dice are standard normal numbers: each drawn from the normal distribution with mean 0 and variance 1, independent of the others. In short, $\mathbf{z} \sim \mathcal{N}(\mathbf{0}, I)$.

# %% [markdown]
# ### Exercise 4.2 · predict: Sixty-four rolls of the dice
#
# We draw 64 codes from $\mathcal{N}(\mathbf{0}, I)$ and decode them. What will the sheet show? `"a"`: all ten digits, about equally often. `"b"`: a few shapes, again and again. `"c"`: grey noise, as on the left half of the first figure.
#
# <details><summary>Hint</summary>
#
# What can this decoder draw at all? And how far do standard normal numbers reach, compared with the codes of real pictures? Section 4 has printed those.
#
# </details>

# %%
guess = None  # "a", "b" or "c"
checks.random_codes(guess)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# guess = "b"
# ```
#
# The next figure shows it, and the one after it shows why.
#
# </details>

# %%
seed_everything(SEED)
random_codes = torch.randn(10_000, 3)
sheets = {"codes of real pictures": codes[:10_000], "codes from N(0, I)": random_codes}

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(9.5, 4.9))
for ax, (name, z) in zip(axes, sheets.items(), strict=True):
    plotting.mosaic(decode(z[:64]), columns=8, ax=ax, title=name)
plotting.show(
    fig,
    alt="Two sheets of 64 decoded pictures. Codes of real pictures: many different digits. Codes "
    "from N(0, I): a few shapes again and again.",
)

# %% [markdown]
# Each picture on the right comes from a different code, and yet the same few shapes return. Is the decoder to blame? It drew the left sheet, too. So look at what it was given: here are codes of real pictures in their colours, and the random ones in black. (We see the plane of $z_1$ and $z_2$.)


# %% tags=["figure"]
def draw_cloud(ax, z, title):
    """Draw codes of real pictures in the colours of their digits, and 500 others in black."""
    ax.scatter(*codes[:3000, :2].T, s=4, c=[COLORS[label] for label in train_labels[:3000]])
    ax.scatter(*z[:500, :2].T, s=5, color="black")
    low, high = codes[:, :2].quantile(torch.tensor([0.002, 0.998]), dim=0)
    low = low.clamp(max=-3.5)  # all of the ball is to be seen
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), xlabel="$z_1$", ylabel="$z_2$")
    ax.set_title(title)


fig, ax = plt.subplots(figsize=(6, 5.2))
draw_cloud(ax, random_codes, "codes from N(0, I), in black")
plotting.show(
    fig,
    alt="A wide cloud of codes of real pictures, in ten colours with arms and holes. The random "
    "codes are one small black ball, beside the middle of the cloud.",
)

# %% tags=["claim"]
# "The random codes are one ball, too small for the cloud [...]: most of the real codes lie elsewhere"
assert (random_codes.norm(dim=1) < 3).float().mean() > 0.9
assert (codes.norm(dim=1) < 3).float().mean() < 0.5

# %% [markdown]
# The random codes are one ball, too small for the cloud and beside its middle: most of the real codes lie elsewhere. (Why the same shapes, and smeared ones? The ball lies where many arms of the cloud begin: a guess.) Why did the encoder not put its codes where we would look for them? Because nobody asked it to. The loss compares pictures and never looks at $\mathbf{z}$. The encoder may put its codes anywhere, as long as the decoder knows.
#
# This can be shown without any training. Stretch all codes tenfold and move them by 100, and let the decoder undo it. That takes a change in two layers, the last of the encoder and the first of the decoder. What will happen to the error?

# %%
moved = copy.deepcopy(net)
with torch.no_grad():
    moved.encoder[-1].weight *= 10
    moved.encoder[-1].bias *= 10
    moved.encoder[-1].bias += 100
    moved.decoder[0].weight /= 10
    # W/10 (10 z + 100) = W z + 10 · (sum of each row of W): the bias takes the sums off
    moved.decoder[0].bias -= 10 * net.decoder[0].weight.sum(dim=1)
before, after = codes.mean(dim=0), encode(moved, train_vectors).mean(dim=0)
print("mean code before " + " · ".join(f"≈ {value:.1f}" for value in before))
print("and after        " + " · ".join(f"≈ {value:.1f}" for value in after))
print(f"error before ≈ {valid_error:.3f} and after ≈ {error_on(moved, valid_vectors):.3f}")

# %% tags=["claim"]
# "Stretch all codes tenfold and move them by 100, and let the decoder undo it"
torch.testing.assert_close(after, 10 * before + 100, rtol=1e-3, atol=1e-2)
assert abs(error_on(moved, valid_vectors) - valid_error) < 0.01

# %% [markdown]
# Nothing. To this loss both nets are the same, and a standard normal distribution means nothing to either.
#
# ### A density for the codes
#
# If the codes do not come to us, we can go to the codes: look where they lie, and draw from there. A **density** says for every place how densely the codes lie around it. The bell curve is the density of a normal distribution, and this is the simplest way: a bell for each of the three numbers, with its own place and width.

# %% [markdown]
# ### Exercise 4.3 · code: Draw where the codes lie
#
# Write a function that draws `n` new codes: each of the `d` numbers of a code from a normal distribution that has the mean and the standard deviation of that number among the given codes. It must work for codes of any size, not only for three numbers.
#
# <details><summary>Hint</summary>
#
# `torch.randn(n, d)` has mean 0 and standard deviation 1 in every column. What must it be multiplied with, and what added? Both are rows of `d` numbers.
#
# </details>


# %%
def draw_like(codes, n):
    """Codes (m, d) -> n new ones (n, d), each number with its own mean and spread."""
    ...


checks.draw_like(draw_like)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def draw_like(codes, n):
#     """Codes (m, d) -> n new ones (n, d), each number with its own mean and spread."""
#     return codes.mean(dim=0) + codes.std(dim=0) * torch.randn(n, codes.shape[1])
# ```
#
# Try it: `plotting.mosaic(decode(draw_like(codes, 64)), columns=8)`.
#
# </details>

# %% [markdown]
# That gets place and size right, each number alone. But the cloud of codes has arms with gaps between them, which no single bell has. So take ten: a **mixture of Gaussians** (Gaussian is another word for normal). Each is a bell over the space of codes, with a middle, widths and a tilt of its own, and stands for a share of the codes. To draw a new code, pick one of the ten, each as often as its share says, then draw from that bell. scikit-learn's `GaussianMixture` finds them. (How it does that, and how many are enough, is a story for lesson 10.)


# %%
def fitted(num_gaussians, form):
    """Fit a mixture to the codes; return 10,000 new codes, in a random order."""
    seed_everything(SEED)
    mixture = GaussianMixture(num_gaussians, covariance_type=form, random_state=SEED).fit(codes)
    drawn, _ = mixture.sample(10_000)
    return torch.from_numpy(drawn).float()[torch.randperm(10_000)]


sheets["each number alone"] = fitted(1, "diag")  # as in exercise 4.3: one bell, not tilted
start = time.perf_counter()
sheets["ten Gaussians, fitted"] = fitted(10, "full")
fit_seconds = time.perf_counter() - start

# %% tags=["figure"]
names = list(sheets)[1:]
fig, axes = plt.subplots(2, 3, figsize=(12, 8))
for (top, bottom), name in zip(axes.T, names, strict=True):
    draw_cloud(top, sheets[name], name)
    plotting.mosaic(decode(sheets[name][:64]), columns=8, ax=bottom)
plotting.show(
    fig,
    alt="Top: the cloud of codes three times, and in black the codes drawn from N(0, I), a ball; each "
    "number alone, all over the cloud and its holes; from ten Gaussians, along its arms. Below what "
    "the decoder makes of them: a few shapes; twice digits and shapes between digits.",
)

# %% [markdown]
# The decoder is the same in all three. From left to right the black points come to lie where codes of real pictures lie (look into the gaps between the arms), and the sheets follow: first a few shapes, then most digits, with shapes between them that are none. Are ten Gaussians better than one number at a time? By eye that is hard to say, so measure it.
#
# The judge says of how many pictures it is **sure** (confidence over 0.9), and the share of the digit that it sees most often (a tenth, if all came up equally). And a distance compares 10,000 drawn pictures with the 10,000 test images: the judge turns each picture into 100 numbers, its last layer before the scores, and the **Fréchet distance** (FD) says how much the two sets differ in mean, in spread, and in which numbers go up together. It is 0 for equal sets; the first row says what other real pictures get. Lesson 9 opens it up.


# %%
@torch.inference_mode()
def features(images):
    """(n, 784) -> the judge's features (n, 100)."""
    return torch.cat([judge.features(part.to(device)).cpu() for part in images.split(2000)])


real_features, distance = features(test_vectors), {}
far = frechet_distance(features(train_vectors[:10_000]), real_features)
print(f"{'real pictures':22} · FD ≈ {far:5.1f}")
for name, z in sheets.items():
    pictures = decode(z)
    certainty, answer = judged(pictures)
    sure = (certainty > 0.9).float().mean().item()
    commonest = answer.bincount(minlength=10).max().item() / len(answer)
    distance[name] = frechet_distance(features(pictures), real_features)
    print(f"{name:22} · FD ≈ {distance[name]:5.1f}", end=" · ")
    print(f"sure of ≈ {100 * sure:.0f} % · commonest digit ≈ {100 * commonest:.0f} %")

# %% tags=["claim"]
# "With each number alone the pictures are much nearer to real ones than with N(0, I). Ten Gaussians
# bring them nearer still"
real, random, alone, ten = distance.values()
if not data.standin_in_use():
    assert 1.5 * alone < random
    assert 1.5 * ten < alone
assert real < ten < random

# %% [markdown]
# With each number alone the pictures are much nearer to real ones than with $\mathcal{N}(\mathbf{0}, I)$. Ten Gaussians bring them nearer still, not far from the second row, where the codes belong to real pictures and only the decoder's own faults are left. No net was trained for that. (The judge's confidence would not have told you: it is sure of many of the random codes' pictures as well.)
#
# So this is what the autoencoder lacks: **it gives codes, not a distribution of codes.** One can fit a distribution to the codes afterwards, as we did (Ghosh et al., 2019, make it a method; lesson 10 goes on from there). Or one can say beforehand what codes are to be drawn from, and train encoder and decoder for that: lesson 5 finds the loss, and lesson 6 trains with it.
#
# Keep both attempts, random codes and ten Gaussians, to compare the lessons to come with them.

# %%
num_parameters = sum(parameter.numel() for parameter in net.parameters())
in_mixture = 10 * (3 + 6) + 9  # three for the middle, six for the form; nine free shares
attempts = {  # codes, seconds of fitting, parameters of the density
    "autoencoder": (random_codes, 0, 0),
    "autoencoder_fitted": (sheets["ten Gaussians, fitted"], fit_seconds, in_mixture),
}
for name, (z, seconds, more) in attempts.items():
    samples = decode(z), trained["seconds"] + seconds, num_parameters + more
    _ = results.save_samples(name, results.Samples(*samples))

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | sigmoid at the end, pictures in [-1, 1] | a grey background that never becomes black | let the last layer's range be that of the pixels: Tanh for [-1, 1] |
# | reconstruction compared with another batch | the error stops at that of the mean picture | `loss(net(x), x)` with one and the same `x` |
# | averaged over pixels too, or summed over the batch too | a loss 784 times too small, or one that doubles with the batch size | sum over pixels, divide by `len(x)` |
# | ReLU behind a code of three numbers | none below 0, and perhaps one that is 0 for every picture | leave the code linear |
# | codes drawn where few real ones lie | the same few shapes again and again | look at the codes; fit a density to them, or read lesson 6 |

# %% [markdown]
# ## What you can now do
#
# - Build and train an autoencoder, say what its error measures, in which unit, and which error a lazy net reaches.
# - Show codes in space, decode them, and walk between them.
# - Say why random codes fail, prove that the loss cannot know better, and fit a density that draws new digits.
#
# Lesson 5 asks how a net can be trained so that its codes have a density that we know beforehand, and answers with a theory that you can run.

# %% [markdown]
# ## Going further
#
# A is for everybody who goes on to lesson 9. The others stand for themselves, only D uses the nets of B. Exercise 4.7, at the end, needs only the core, and B if you change the size of the code.

# %% [markdown]
# ### A · A window that slides: the convolutional autoencoder
#
# A linear layer does not know that pixels have neighbours. A **convolution** does. Take a window of 3 by 3 weights, the **kernel**. Lay it over a corner of the picture, multiply each weight with the pixel under it, and add up: that gives one number. Slide on, and do it again with the same weights. The results form a new picture.

# %% tags=["figure"]
grid = torch.tensor(
    [[0, 0, 0, 0, 0], [0, 9, 9, 9, 0], [0, 0, 0, 9, 0], [0, 0, 9, 0, 0], [0, 9, 0, 0, 0]]
)
kernel = torch.tensor([[1, 1, 1], [0, 0, 0], [-1, -1, -1]])
result = nn.functional.conv2d(grid[None, None].float(), kernel[None, None].float())[0, 0].int()


def draw_numbers(ax, numbers, reach, title):
    ax.imshow(numbers, vmin=-reach, vmax=reach)
    for row, line_of in enumerate(numbers.tolist()):
        for column, number in enumerate(line_of):
            color = "white" if number < 0 else "black"
            ax.text(column, row, number, ha="center", va="center", color=color, fontsize=11)
    ax.set_title(title, fontsize=10)
    ax.axis("off")


fig, axes = plt.subplots(1, 5, figsize=(12.5, 2.7), width_ratios=[3, 5, 5, 5, 3])
draw_numbers(axes[0], kernel, 3, "kernel")
draw_numbers(axes[4], result, 45, "result")
places = {(0, 0): "#E69F00", (1, 1): "#56B4E9", (2, 0): "#E377C2"}
for ax, ((row, column), color) in zip(axes[1:4], places.items(), strict=True):
    draw_numbers(ax, grid, 20, f"here it gives {result[row, column]}")
    frame = {"fill": False, "edgecolor": color, "linewidth": 3}
    ax.add_patch(Rectangle((column - 0.5, row - 0.5), 3, 3, **frame))
    axes[4].add_patch(Rectangle((column - 0.45, row - 0.45), 0.9, 0.9, **frame))
plotting.show(
    fig,
    alt="A kernel of 3 by 3 with ones above, noughts, and minus ones below. A picture of 5 by 5 "
    "numbers three times, with the window framed at three places, and the result of 3 by 3, in "
    "which the three sums are framed in the same colours.",
)

# %% [markdown]
# Check one frame by hand: upper row minus lower row. In code it is two loops. With a **stride** of more than 1 the window moves so many pixels at a time, and **padding** lays rings of zeros around the picture first. (Mathematics calls this a cross-correlation. Shift the picture, and the answer shifts along: **translation equivariance**.)


# %%
def convolve(image, kernel, stride=1, padding=0):  # (h, w), (k, k)
    image = nn.functional.pad(image, [padding] * 4)
    k = len(kernel)
    rows = range(0, image.shape[0] - k + 1, stride)
    columns = range(0, image.shape[1] - k + 1, stride)
    return torch.tensor(
        [[(image[r : r + k, c : c + k] * kernel).sum() for c in columns] for r in rows]
    )


image, edges = probes[5].reshape(28, 28), torch.tensor([[1.0], [0.0], [-1.0]]).expand(3, 3)
for stride, padding in ((1, 0), (1, 1), (3, 1)):
    ours = convolve(image, edges, stride, padding)
    theirs = nn.functional.conv2d(image[None], edges[None, None], stride=stride, padding=padding)
    differ = ((ours - theirs[0]).abs() > 1e-4).sum()
    print(f"stride {stride}, padding {padding}: {tuple(ours.shape)}", end=" · ")
    print(f"{differ} of {ours.numel()} numbers differ from PyTorch's")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2))
pictures = {
    "the picture": image,
    "stride 1": convolve(image, edges, 1, 1),
    "stride 3": convolve(image, edges, 3, 1),
}
for ax, (title, picture) in zip(axes, pictures.items(), strict=True):
    reach = 1 if picture is image else 6  # a sum of six pixels, each at most 1
    ax.imshow(picture, vmin=-reach, vmax=reach)
    ax.axis("off")
    ax.set_title(f"{title}: {picture.shape[0]} by {picture.shape[1]}")
plotting.show(
    fig,
    alt="A digit and two convolutions of it: lower edges of strokes bright, upper edges dark, "
    "everything else mid-grey. With stride 3 the result is coarse, 10 by 10 pixels.",
)

# %% [markdown]
# Lower edges of strokes come out bright, upper edges dark; where nothing changes the kernel gives 0, which is mid-grey. (The bars at the rim are no strokes. Padding adds zeros, which are grey on our scale, and the step from grey to black is an edge too.) This kernel was made by hand. In a network kernels are parameters and learned like all others.
#
# A layer has several kernels, and each makes a picture of its own, a **channel**. A kernel of the next layer looks at all channels at once, with separate weights for each: over 16 channels it has 16 · 3 · 3 weights and one bias. **Max pooling** slides a window, too, but keeps only the largest number in it.
#
# The decoder has to go from small to large. A **transposed convolution** works like a stamp: each number of its input puts the whole kernel, multiplied by that number, onto the output, and where stamps overlap they add up. Here `stride` says how far apart the stamps are. In one row, with the input 2, 1, the kernel 1, 2, 3 and stride 2:
#
# ```
# 2 · kernel   2  4  6
# 1 · kernel         1  2  3
# output       2  4  7  2  3
# ```
#
# From 2 numbers that makes $(2 - 1) \cdot 2 + 3 = 5$. And `padding` takes off instead of adding: with `padding=1` one number is cut at each end, and 3 are left. Lesson 9 shows stamps as pictures.
#
# With these parts, from 28 by 28 down to 2 by 2 and back:


# %%
class ConvAutoencoder(nn.Module):
    """(batch, 1, 28, 28) in [-1, 1] -> the same, through a code (batch, 8, 2, 2)."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, stride=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, stride=2),
            nn.Conv2d(16, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2, stride=1),
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(8, 16, 3, stride=2),
            nn.ReLU(),
            nn.ConvTranspose2d(16, 8, 5, stride=3, padding=1),
            nn.ReLU(),
            nn.ConvTranspose2d(8, 1, 2, stride=2, padding=1),
            nn.Tanh(),
        )

    def forward(self, x):
        return self.decoder(self.encoder(x))


x, seen = valid_vectors[:5].reshape(-1, 1, 28, 28), ConvAutoencoder()
for layer in (*seen.encoder, *seen.decoder):
    x = layer(x)
    print(f"{type(layer).__name__:15} {tuple(x.shape)}")

# %% [markdown]
# The code is what comes out of the second pooling: 8 channels of 2 by 2, so 32 numbers. None of them is negative, for a ReLU stands before the pooling. Among 32 numbers that does little harm: we tried it without, and the error was about the same. What is there to gain? Parameters: one kernel serves the whole picture. Train it for two epochs, with a peak of the rate at $10^{-2}$.


# %%
def train_conv():
    seed_everything(SEED)
    conv_net = ConvAutoencoder().to(device)
    squares = images[:55_000], images[55_000:]  # (n, 1, 28, 28)
    errors = fit(conv_net, *squares, 2, 1e-2)
    return {"net": conv_net.state_dict(), **errors}


conv_net = ConvAutoencoder().to(device)
conv = run("autoencoder_conv", train_conv, load=LOAD)
conv_net.load_state_dict(conv["net"])
count = sum(parameter.numel() for parameter in conv_net.parameters())
print(f"convolutional: error ≈ {conv['validation'][-1]:.1f} with 32 code numbers", end="")
print(f" and {count:,} parameters")
print(f"section 2:     error ≈ {valid_error:.1f} with 3 code numbers", end="")
print(f" and {num_parameters:,} parameters")

# %% tags=["figure"]
conv_probes = reconstruct(conv_net, probes.reshape(-1, 1, 28, 28)).flatten(1)
rows = {"original": probes, "section 2": trained["sheets"][20], "convolutional": conv_probes}
fig, axes = plt.subplots(3, 1, figsize=(7.6, 2.4))
for ax, (name, pictures) in zip(axes, rows.items(), strict=True):
    plotting.mosaic(pictures, columns=10, ax=ax)
    ax.text(-6, 14, name, ha="right", va="center")
plotting.show(
    fig,
    alt="Ten digits, the reconstructions of the net of section 2 and of the convolutional net. "
    "The convolutional ones follow the individual stroke, with a coarse and uneven texture.",
)

# %% [markdown]
# The net with three numbers draws smooth strokes, and not always of the right digit. The convolutional net follows the stroke of this very picture, but roughly, as if through frosted glass. It has ten times as many code numbers, so this is no contest, and linear layers with 32 numbers come much nearer (B). What it shows is how far one gets with 5,729 parameters.

# %% [markdown]
# ### B · How large must a code be? PCA as the rival
#
# More code numbers, a smaller error, that much is clear. How much smaller? And is a network worth the trouble, or would something simpler do?
#
# The rival is **principal component analysis**, PCA: draw every picture as the mean picture plus $k$ fixed pictures, each with a factor of its own, and choose the $k$ fixed pictures that leave the smallest error. The factors are the code. It is the best that an autoencoder without bends could do (no ReLU, no Tanh; Baldi and Hornik, 1989), and it need not be trained, it can be computed.
#
# The fixed pictures $\mathbf{v}_1, \mathbf{v}_2, \dots$ are directions in the space of pictures: the one in which the pictures differ most, then, at right angles to it, the one in which they differ most of what is left, and so on.
#
# To find them, one table is enough, the **covariance matrix** $C$. Its entry $i, j$ is the mean product of the deviations of pixels $i$ and $j$ from their means: positive where both tend to be bright together. The directions are its **eigenvectors**: those that $C$ only stretches, $C\mathbf{v} = \lambda\mathbf{v}$. The factor $\lambda$, the **eigenvalue**, is the variance along that direction.
#
# <details><summary>Derivation: why no linear autoencoder can do better</summary>
#
# A linear decoder with a bias can only draw points of a flat subset of space with $k$ dimensions (a line, a plane, and so on). The best reconstruction of a picture is the nearest point in it, its perpendicular projection. And the flat subset must go through the mean picture $\boldsymbol\mu$. For move it parallel to itself by $\mathbf{d}$, at right angles to it: every error vector changes by the same $\mathbf{d}$, and the mean of squared lengths is smallest when the mean error vector is 0, which it is at $\boldsymbol\mu$.
#
# So let $V$ be the matrix whose $k$ columns have length 1 and stand at right angles to each other, and write $\tilde{\mathbf{x}} = \mathbf{x} - \boldsymbol\mu$. The projection is $VV^\top\tilde{\mathbf{x}}$, and it is as long as $V^\top\tilde{\mathbf{x}}$. Since $C$ is the mean of $\tilde{\mathbf{x}}\tilde{\mathbf{x}}^\top$, the mean of $(\mathbf{v}_j\cdot\tilde{\mathbf{x}})^2$ is $\mathbf{v}_j^\top C\,\mathbf{v}_j$ (for an eigenvector that is $\lambda_j \mathbf{v}_j^\top\mathbf{v}_j = \lambda_j$). By Pythagoras the mean error is
#
# $$\mathbb{E}\,\lVert\tilde{\mathbf{x}} - VV^\top\tilde{\mathbf{x}}\rVert^2 = \mathbb{E}\,\lVert\tilde{\mathbf{x}}\rVert^2 - \mathbb{E}\,\lVert V^\top\tilde{\mathbf{x}}\rVert^2 = \operatorname{tr} C - \sum_{j=1}^{k} \mathbf{v}_j^\top C\,\mathbf{v}_j .$$
#
# The trace $\operatorname{tr} C$, the sum of all variances, does not depend on $V$. So make the last sum as large as possible. $C$ is symmetric, and the spectral theorem says that such a matrix has eigenvectors $\mathbf{q}_1, \dots, \mathbf{q}_{784}$ at right angles to each other, with eigenvalues $\lambda_1 \ge \lambda_2 \ge \dots \ge 0$, and $C = \sum_i \lambda_i\,\mathbf{q}_i\mathbf{q}_i^\top$. Written with them,
#
# $$\sum_{j=1}^{k} \mathbf{v}_j^\top C\,\mathbf{v}_j = \sum_{i=1}^{784} \lambda_i\,w_i \qquad\text{with}\qquad w_i = \sum_{j=1}^{k} (\mathbf{q}_i\cdot\mathbf{v}_j)^2 .$$
#
# Each $w_i$ lies between 0 and 1, because it is the squared length of a projection of $\mathbf{q}_i$. Together they give $\sum_i w_i = \sum_j \lVert\mathbf{v}_j\rVert^2 = k$. We have $k$ to spend, at most 1 on each eigenvalue. The most comes out if we spend it on the $k$ largest: $\mathbf{v}_j = \mathbf{q}_j$. The error that remains is $\lambda_{k+1} + \dots + \lambda_{784}$.
#
# </details>
#
# `torch.linalg.eigh` finds all eigenvalues and eigenvectors of a symmetric matrix, in ascending order. (In `double()`, since float32 would add more rounding to the small ones.) The error of PCA should be the sum of the eigenvalues left out, the variance along the directions that are not drawn:

# %%
covariance = train_vectors.T.cov(correction=0)  # (784, 784)
eigenvalues, directions = torch.linalg.eigh(covariance.double())
eigenvalues, directions = eigenvalues.flip(0), directions.flip(1).float()  # largest first


def pca(x, k):
    """Encode x (n, 784) into k numbers and decode it again."""
    z = (x - mean_image) @ directions[:, :k]  # (n, k)
    return mean_image + z @ directions[:, :k].T


parts = train_vectors.split(5000)  # of equal size, so that the mean of means is the mean
error = torch.stack([reconstruction_error(pca(x, 32), x) for x in parts]).mean()
left_out = eigenvalues[32:]
print(f"32 numbers: error ≈ {error:.1f} · eigenvalues left out ≈ {left_out.sum():.1f}")

# %% [markdown]
# It is. Here are the mean picture and the first eight fixed pictures, and a digit drawn with more and more of them:

# %% tags=["figure"]
fig, axes = plt.subplots(2, 9, figsize=(11, 2.9))
axes[0, 0].imshow(mean_image.reshape(28, 28), vmin=-1, vmax=1)
axes[0, 0].set_title("mean", fontsize=10)
for i, ax in enumerate(axes[0, 1:]):
    ax.imshow(directions[:, i].reshape(28, 28), cmap="RdBu", vmin=-0.12, vmax=0.12)
    ax.set_title(f"$v_{i + 1}$", fontsize=10)
for k, ax in zip((0, 1, 2, 3, 8, 16, 32, 64, 784), axes[1], strict=True):
    ax.imshow(pca(probes[[5]], k).reshape(28, 28), vmin=-1, vmax=1)
    ax.set_title("1 number" if k == 1 else f"{k} numbers", fontsize=10)
for ax in axes.flat:
    ax.axis("off")
plotting.show(
    fig,
    alt="Top: the blurred mean picture and eight pictures in blue and red, the first like a nought "
    "against a one, the later ones with finer patches. Below: a five, drawn with 0, 1, 2 and more "
    "of them; with 32 it can be read, with 784 it is the picture itself.",
)

# %% [markdown]
# Blue makes the stroke brighter, red darker, and a negative factor exchanges the two.
#
# Now the nets, with 2, 8 and 32 code numbers. One thing has to change: with the layer of 12 in place a code of 32 would still have to pass through 12 numbers, and that layer would be the real bottleneck. So both layers of 12 go: 784 → 128 → 64 → $k$ → 64 → 128 → 784. All three train on all training pictures for the same six epochs.


# %%
def autoencoder_with(k):
    """Our autoencoder without the layers of 12, with a code of k numbers."""
    net = Autoencoder()
    net.encoder = nn.Sequential(*net.encoder[:4], nn.Linear(64, k))
    net.decoder = nn.Sequential(nn.Linear(k, 64), *net.decoder[3:])
    return net.to(device)


def train_sizes():
    outcome = {}
    for k in (2, 8, 32):
        seed_everything(SEED)
        sized = autoencoder_with(k)
        errors = fit(sized, train_vectors, valid_vectors, 6, 4e-3)
        outcome[str(k)] = {"net": sized.state_dict(), "error": errors["validation"][-1]}
    return outcome


sizes = run("autoencoder_sizes", train_sizes, load=LOAD)
SIZES = (1, 2, 3, 8, 16, 32)
pca_errors = {k: reconstruction_error(pca(valid_vectors, k), valid_vectors).item() for k in SIZES}
net_errors = {int(k): outcome["error"] for k, outcome in sizes.items()}
for k, error in net_errors.items():
    print(
        f"{k:2} numbers, error of validation images: PCA ≈ {pca_errors[k]:.1f} · net ≈ {error:.1f}"
    )

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7, 4))
ax.plot(pca_errors.keys(), pca_errors.values(), "s--", label="PCA")
ax.plot(net_errors.keys(), net_errors.values(), "o-", label="nets, six epochs")
ax.plot([3], [valid_error], "*", markersize=14, label="section 2, twenty epochs")
ax.axhline(lazy["always the mean"], color="grey", linewidth=1)
ax.text(32, lazy["always the mean"] - 2, "no code: the mean", ha="right", va="top")
ax.set_xscale("log", base=2)
ax.set_xticks(SIZES, SIZES)
ax.set(xlabel="code numbers", ylabel="error (sum over pixels)", ylim=(0, None))
ax.legend(loc="lower left")
plotting.show(
    fig,
    alt="Error against code size for PCA and for nets. Both fall. The nets are far below PCA at "
    "two, eight and 32 numbers.",
)

# %% tags=["claim"]
# "At every size the net's code is worth more than PCA's"
assert all(error < pca_errors[k] for k, error in net_errors.items())
# "Three numbers of the net of section 2 do better than eight of PCA"
if not data.standin_in_use():
    assert valid_error < pca_errors[8]

# %% [markdown]
# At every size the net's code is worth more than PCA's. (Hinton and Salakhutdinov, 2006, made this case for deep autoencoders.) Three numbers of the net of section 2 do better than eight of PCA. But it has to be trained for that: after three epochs on 20,000 pictures the net with 32 numbers was still behind PCA. A baseline like this keeps you honest. Whenever a network is slower than a formula, it should also be better.

# %% [markdown]
# ### Exercise 4.4 · predict: A curve in the plane
#
# Forget pictures for a moment. The data are points on the curve $y = x^2$ with $x$ between $-1$ and $1$: two numbers each. How many code numbers are needed to bring them back without any error, by PCA and by an autoencoder that may bend as it likes? `"a"`: both need two. `"b"`: PCA needs two, the autoencoder one. `"c"`: both need one.
#
# <details><summary>Hint</summary>
#
# PCA with one number puts every reconstruction on one straight line. And what would you tell a friend so that they can find the point on the curve?
#
# </details>

# %%
prediction = None  # your answer
checks.points_on_a_parabola(prediction)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# prediction = "b"
# ```
#
# Encode $(x, y)$ as $x$, decode $z$ as $(z, z^2)$: one number is enough for something that bends. If digits lie on curved surfaces like this, only with more dimensions, that is where the net's lead comes from. (That they do is a guess, and a common one: the **manifold hypothesis**.)
#
# </details>

# %% [markdown]
# ### C · Odd inputs
#
# The net was trained on digits only. What does it make of a picture that is none? Here are five guests, and beside them, as a measure, an error that 99 of 100 digits stay below. (Each picture goes through the net as a batch of one.) Which of the guests will stay below it, too?

# %%
checkerboard = ((torch.arange(28)[:, None] // 4 + torch.arange(28) // 4) % 2) * 2.0 - 1
shirt, dot = -torch.ones(28, 28), -torch.ones(28, 28)
shirt[4:25, 8:20] = 1  # body
shirt[4:10, 3:25] = 1  # sleeves
shirt[4:7, 11:17] = -1  # neck
dot[13:15, 13:15] = 1
guests = {
    "checkerboard": checkerboard,
    "a shirt": shirt,
    "a dot": dot,
    "nothing": -torch.ones(28, 28),
    "the mean": mean_image.reshape(28, 28),
}
odd = torch.stack(list(guests.values())).flatten(1)  # (5, 784)
odd_recon = reconstruct(net, odd)
valid_errors = [error_on(net, picture[None]) for picture in valid_vectors]
limit = torch.tensor(valid_errors).quantile(0.99).item()
print(f"99 of 100 validation digits have an error below ≈ {limit:.0f}")

# %% tags=["figure"]
odd_errors = [error_on(net, picture[None]) for picture in odd]
titles = [*guests, *(f"error ≈ {error:.0f}" for error in odd_errors)]
fig = plotting.image_grid(torch.cat([odd, odd_recon]), titles=titles, columns=5)
fig.set_size_inches(8, 3.8)
plotting.show(
    fig,
    alt="Top: a checkerboard, a shirt, a dot, nothing but black, the mean picture. Below: what the "
    "autoencoder makes of them, each time shapes made of strokes.",
)

# %% tags=["claim"]
# "Checkerboard and shirt have errors far above the limit. [...] The other three stay below it, and the
# mean picture [...] has a smaller error than the average digit"
errors = [error_on(net, picture[None]) for picture in odd]
assert min(errors[:2]) > 1.5 * limit
if not data.standin_in_use():
    assert max(errors[2:]) < limit
    assert errors[4] < valid_error

# %% [markdown]
# The decoder can draw strokes, and nothing else. Checkerboard and shirt have errors far above the limit: perhaps nothing like this was in the training. Machines are watched in this way: an autoencoder learns their normal sound, and a large error rings the bell.
#
# But the other three stay below it, and the mean picture, which nobody ever wrote, has a smaller error than the average digit. They are simple: mostly black, or close to everything. So a large error is a warning, and a small one is no proof that all is well.

# %% [markdown]
# ### Exercise 4.5 · code: One error for each picture
#
# The cell above called the net 5,000 times, for one picture each. It would be quicker to send all through at once, if the error came back as one number for each picture: the squared error summed over its pixels. Write it for vectors `(batch, 784)` and for pictures `(batch, 1, 28, 28)` alike.
#
# <details><summary>Hint</summary>
#
# `flatten(1)` lays out everything behind the first dimension in one row, and leaves a `(batch, 784)` as it is. Then the sum runs along `dim=1`.
#
# </details>


# %%
def error_per_image(recon, x):
    """Squared error of each picture, summed over its pixels: (batch,)."""
    ...


checks.error_per_image(error_per_image)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def error_per_image(recon, x):
#     """Squared error of each picture, summed over its pixels: (batch,)."""
#     return (recon - x).flatten(1).square().sum(dim=1)
# ```
#
# Its mean is our loss.
#
# </details>

# %% [markdown]
# ### D · Cleaning noisy pictures
#
# The bottleneck throws away what does not fit. Noise does not fit: it has no pattern. Could an autoencoder clean pictures? Teach it. Give it a noisy picture, and ask for the **clean** one (Vincent et al., 2008). That takes one layer more, in front: it adds new noise in every training step, and lets the picture pass afterwards.
#
# The noise has a standard deviation of 1 on every pixel, half the way from black to white. The net is the one of B with 32 code numbers, from the same start, with the same six epochs. The noise is the only difference in the recipe.

# %%
NOISE = 1.0


class Noisy(nn.Module):
    """Adds noise to the picture, in training only."""

    def forward(self, x):
        return x + NOISE * torch.randn_like(x) if self.training else x


seed_everything(SEED)
denoiser = nn.Sequential(Noisy(), autoencoder_with(32))
_ = fit(denoiser, train_vectors, valid_vectors, 6, 4e-3)

# %%
plain = autoencoder_with(32)
plain.load_state_dict(sizes["32"]["net"])
seed_everything(SEED)
noisy = valid_vectors + NOISE * torch.randn_like(valid_vectors)
attempts = {
    "noisy": noisy,
    "plain net": reconstruct(plain, noisy),
    "denoiser": reconstruct(denoiser, noisy),
}
away = {name: reconstruction_error(x, valid_vectors).item() for name, x in attempts.items()}
for name, error in away.items():
    print(f"{name:10} distance from the clean picture ≈ {error:.1f}")

# %% tags=["figure"]
rows = {"clean": probes} | {name: pictures[first] for name, pictures in attempts.items()}
fig, axes = plt.subplots(4, 1, figsize=(7.6, 3.6))
for ax, (name, pictures) in zip(axes, rows.items(), strict=True):
    plotting.mosaic(pictures, columns=10, ax=ax)
    ax.text(-6, 14, name, ha="right", va="center")
plotting.show(
    fig,
    alt="Ten digits, the same with strong noise, the plain net's attempt to clean them, some "
    "strokes broken, and the denoiser's, with smoother ones.",
)

# %% tags=["claim"]
# "The noise alone costs 784 · 1² = 784. The plain net takes most of it away, and the denoiser, after
# the same six epochs, even more"
assert 0.98 < away["noisy"] / 784 < 1.02
assert 2 * away["plain net"] < away["noisy"]
assert away["denoiser"] < away["plain net"]

# %% [markdown]
# The noise alone costs $784 \cdot 1^2 = 784$. The plain net takes most of it away, and the denoiser, after the same six epochs, even more. (Lesson 10 goes all the way, from noise alone to digits.)

# %% [markdown]
# ### Exercise 4.6 · find the bug: A denoiser with a small loss
#
# A colleague's denoiser has a loss that stops near 1, while ours is far above that. This is one step of the training (`NOISE` is ours):
#
# ```python
# def step(net, x, optimizer):
#     x = x + NOISE * torch.randn_like(x)
#     loss = ((net(x) - x) ** 2).mean()
#     optimizer.zero_grad()
#     loss.backward()
#     optimizer.step()
#     return loss.item()
# ```
#
# Two things are wrong. Find and mend them, so that its loss can be compared with ours. Keep the noise as it is, new at every call and made where `x` is, on the CPU or on a GPU.
#
# <details><summary>Hint</summary>
#
# After the first line, is the clean picture still there? And `mean()` divides by how many numbers?
#
# </details>


# %%
def mended_step(net, x, optimizer):
    """One step of a denoiser's training; returns the loss."""
    ...


checks.mended_step(mended_step)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def mended_step(net, x, optimizer):
#     """One step of a denoiser's training; returns the loss."""
#     noisy = x + NOISE * torch.randn_like(x)
#     loss = ((net(noisy) - x) ** 2).sum() / len(x)
#     optimizer.zero_grad()
#     loss.backward()
#     optimizer.step()
#     return loss.item()
# ```
#
# The first line overwrote the target with the noisy picture, so the net was asked for the noise as well. Two names for two things would have prevented it. The 1 is the variance of the noise, $1^2$: independent noise on 784 pixels does not fit through 32 numbers, so nearly all of it stays as error. `mean()` hides that this makes 784 for each picture.
#
# </details>

# %% [markdown]
# ### Exercise 4.7 · open: Inventions that convince
#
# Bring the Fréchet distance of section 7 further down, with the net or with the density: a code of 2, 8 or 32 numbers, longer training, more Gaussians (or fewer). Write down before each try what you expect, change one thing at a time, and look at the sheets. Two rows help to see what is left to gain: codes of real pictures decoded by your net, and codes drawn from your density. When is the density the limit, and when the decoder? And do your inventions repeat training pictures? There is no check, and no last word.

# %%
# your inventions

# %% [markdown]
# ## References
#
# - P. Baldi, K. Hornik (1989). *Neural Networks and Principal Component Analysis: Learning from Examples Without Local Minima.* Neural Networks 2(1). [doi:10.1016/0893-6080(89)90014-2](https://doi.org/10.1016/0893-6080%2889%2990014-2)
# - G. E. Hinton, R. R. Salakhutdinov (2006). *Reducing the Dimensionality of Data with Neural Networks.* Science 313. [doi:10.1126/science.1127647](https://doi.org/10.1126/science.1127647)
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol (2008). *Extracting and Composing Robust Features with Denoising Autoencoders.* ICML. [doi:10.1145/1390156.1390294](https://doi.org/10.1145/1390156.1390294)
# - P. Ghosh, M. S. M. Sajjadi, A. Vergari, M. Black, B. Schölkopf (2019). *From Variational to Deterministic Autoencoders.* [arXiv:1903.12436](https://arxiv.org/abs/1903.12436)
