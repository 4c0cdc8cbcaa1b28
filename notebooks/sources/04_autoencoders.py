# %% [markdown]
# # 4 · Autoencoders
#
# A network squeezes a picture of 784 numbers into three, and draws it again from these three. Here you build such a network, walk about in its codes, and find out why it cannot invent a digit.
#
# **You will**
#
# - build an autoencoder from linear layers, and a second one from convolutions, and account for every shape in them,
# - train both with a loss whose unit you can explain, and watch the drawings become sharp,
# - see the codes as points in space, decode them with sliders, and walk from one to another,
# - measure how the error depends on the size of the code, with the best linear method as the rival,
# - clean noisy pictures, and show with numbers why random codes give the same few shapes again and again.
#
# **You need** Lessons 1 to 3: layers, mini-batches, Adam, the one-cycle rate (lesson 2, *Going further* A). From lesson 2 the classifier that you saved. From school: distances, the dot product, mean and variance, the normal distribution. Sections 7 and 12 use products and transposes of matrices; covariance and eigenvectors are introduced.
#
# **Time** About 110 minutes to read, with the exercises. All cells together run in about 140 seconds on two slow cores without a graphics card.

# %%
# %matplotlib inline
import copy
import time

import matplotlib.pyplot as plt
import torch
from ipywidgets import FloatSlider, IntSlider, interact
from torch import nn
from tqdm.auto import tqdm

from course_utils import data, plotting
from course_utils.device import pick_device, seed_everything
from course_utils.lessons import results
from course_utils.lessons.checks import lesson_04 as checks
from course_utils.lessons.classifier import load_judge

plt.style.use(["default", "course_utils.course"])
SEED = 0

# %% tags=["nbval-ignore-output"]
# About this machine
device = pick_device()
print(f"PyTorch {torch.__version__} on {device}, {torch.get_num_threads()} threads")
_ = data.prepare("MNIST")
judge = load_judge(device)

# %% [markdown]
# The **judge** is the classifier of lesson 2. It will tell us what a drawn picture looks like, and how sure it is of that. If lesson 2 has not run on this machine, the same kind of net has just been trained. The text tells what comes out for the official digits; for the offline stand-in some results differ.

# %% [markdown]
# ## 1 · A picture in three numbers
#
# How many different pictures of 28 by 28 pixels are there? With 256 shades for each pixel, $256^{784}$: a number with 1,889 digits. Almost all of them look like the left half of this figure. Digits are a tiny corner of that space.

# %%
train_images, train_labels = data.tensors(data.load("MNIST", train=True))
test_images, test_labels = data.tensors(data.load("MNIST", train=False))
train_vectors, test_vectors = train_images.flatten(1), test_images.flatten(1)  # (n, 784)
print(tuple(train_vectors.shape), tuple(test_vectors.shape))

# %% tags=["figure"]
seed_everything(SEED)
static = torch.rand(8, 784) * 2 - 1  # every pixel anywhere in [-1, 1]
fig, axes = plt.subplots(1, 2, figsize=(9, 2.6))
plotting.mosaic(static, columns=4, ax=axes[0], title="pictures picked blindly")
plotting.mosaic(test_vectors[:8], columns=4, ax=axes[1], title="pictures somebody wrote")
plotting.show(
    fig,
    alt="Left: eight pictures with random pixels, all of them the same grey static. "
    "Right: eight handwritten digits.",
)

# %% [markdown]
# To say *which* handwritten digit a picture shows, you do not need 784 free choices. "A seven, thin, leaning to the right, with a bar" already says most of it. A short description like that is called a **code**, or a **latent** vector ("hidden", because nobody ever sees it in the data), written $\mathbf{z}$.
#
# Nobody tells us what the numbers of a code should mean. So let two networks invent a code together:
#
# - the **encoder** turns a picture $\mathbf{x}$ of 784 numbers into a code $\mathbf{z}$ of 3,
# - the **decoder** turns the code into a picture $\hat{\mathbf{x}}$ of 784 numbers, the **reconstruction**.
#
# $$\mathbf{x} \;\xrightarrow{\text{encoder}}\; \mathbf{z} \;\xrightarrow{\text{decoder}}\; \hat{\mathbf{x}} \approx \mathbf{x}$$
#
# The pair is an **autoencoder**. It is trained to give back what it was given. With 784 numbers in the middle that would be trivial: copying is enough. With three it is not. Whatever the decoder needs to know must fit through this **bottleneck**, so the encoder has to find out what matters in a digit. No label is needed: the picture is its own target.
#
# Why three? Three numbers are a point in space, and points in space can be drawn.

# %% [markdown]
# ## 2 · The network, layer by layer
#
# The encoder narrows in four steps, the decoder mirrors it. Between the linear layers stands ReLU.


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


# %% tags=["claim"]
# "It squeezes any number into (-1, 1), the range of our pixels"
assert train_vectors.aminmax() == test_vectors.aminmax() == (-1, 1)
far_away = torch.tensor([[1e6, 0, 0], [0, -1e6, 0], [1e6, 1e6, 1e6]], device=device)
with torch.inference_mode():
    assert Autoencoder().to(device).decoder(far_away).abs().max() <= 1

# %% [markdown]
# Two ends deserve a look.
#
# - The **code** comes straight out of a linear layer. A ReLU behind it would forbid negative numbers and throw away seven of the eight corners of space.
# - The **picture** goes through the hyperbolic tangent, $\tanh(a) = \dfrac{e^{a} - e^{-a}}{e^{a} + e^{-a}}$. It squeezes any number into $(-1, 1)$, the range of our pixels. So the decoder cannot draw a white whiter than white, whatever code it gets.
#
# Send one batch through, layer by layer, and note every shape on the way.


# %%
def trace(part, x):
    """Send x through the layers one by one; return each layer's name and the shape it gives."""
    shapes = []
    for layer in part:
        x = layer(x)
        shapes.append((type(layer).__name__, tuple(x.shape)))
    return shapes


# %%
seed_everything(SEED)
net = Autoencoder().to(device)
x = test_vectors[:5].to(device)
for name, shape in trace(net.encoder, x) + trace(net.decoder, net.encoder(x)):
    print(f"{name:7} {shape}")

# %%
num_parameters = sum(parameter.numel() for parameter in net.parameters())
print(f"{num_parameters:,} parameters")

# %% [markdown]
# ## 3 · How far apart are two pictures?
#
# A picture is a point with 784 coordinates, so two pictures have a distance. Its square is the sum of all squared differences. That is the error of one reconstruction, and the loss of a batch of $m$ pictures is the mean of their errors:
#
# $$L = \frac1m \sum_{i=1}^{m} \sum_{j=1}^{784} \bigl(\hat x^{(i)}_j - x^{(i)}_j\bigr)^2$$
#
# So it is **summed over pixels and averaged over the batch**. PyTorch's `mse_loss` with its default setting averages over both. Its result is 784 times smaller. Why do we sum?
#
# - The sum is a squared distance, whatever the size of the picture. Its **unit** is the square of a pixel's unit. Between black ($-1$) and white ($+1$) lie 2 units, so one pixel that is black instead of white costs 4. An error of 100 is as bad as 25 such pixels.
# - In lesson 6 a second term joins this loss. Then it matters very much whether the first one is 784 times too small. (For Adam alone a factor hardly matters: it divides the gradient by its own size, see lesson 3.)
#
# The batch is averaged, so that the loss does not depend on how many pictures happen to be in it. In older code you will find `nn.MSELoss(size_average=False)`, which was the way to write `reduction="sum"`.


# %%
def reconstruction_error(recon, x):
    """Squared error, summed over pixels, averaged over the batch."""
    return nn.functional.mse_loss(recon, x, reduction="sum") / len(x)


# %%
black, white = -torch.ones(1, 784), torch.ones(1, 784)
one_wrong = black.clone()
one_wrong[0, 300] = 1
print(f"one white pixel for a black one: {reconstruction_error(one_wrong, black):,.0f}")
print(f"white for black everywhere:      {reconstruction_error(white, black):,.0f}")
print(f"the same, mse_loss by default:   {nn.functional.mse_loss(white, black):,.0f}")

# %% [markdown]
# A number alone says little. Which errors can you get without learning anything? Here are three lazy artists. The first is our untrained net. The second always draws black, the third always draws the mean of all training pictures.


# %%
def reconstruct(net, images):
    net.eval()
    with torch.inference_mode():
        return net(images.to(device)).cpu()


def error_on(net, images, targets=None):
    """Mean error of the reconstructions; compared with the images themselves, or with targets."""
    targets = images if targets is None else targets
    return reconstruction_error(reconstruct(net, images), targets).item()


# %%
mean_image = train_vectors.mean(dim=0)  # (784,)
lazy = {
    "untrained net": error_on(net, test_vectors),
    "always black": reconstruction_error(
        torch.tensor(-1.0).expand(10_000, 784), test_vectors
    ).item(),
    "always the mean": reconstruction_error(mean_image.expand(10_000, 784), test_vectors).item(),
}
for name, error in lazy.items():
    print(f"{name:16} error ≈ {error:.1f}")

# %% [markdown]
# The error of the mean picture is the one to keep in mind. A net that draws the same blur for everything can reach it, and if your training stops there, the net ignores its input. Only an error below that one shows that something was read from the picture.

# %% [markdown]
# ### Exercise 4.1 · code: One error for each picture
#
# Which picture comes back worst? For that you need not one number, but one for each picture: the squared error summed over its pixels. Write it for vectors `(batch, 784)` and for pictures `(batch, 1, 28, 28)` alike.
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
# Its mean is our loss. After section 4 you can answer the question, in a cell of your own:
#
# ```
# errors = error_per_image(reconstruct(net, test_vectors), test_vectors)
# worst = errors.argsort(descending=True)[:8]
# plotting.mosaic(test_vectors[worst], columns=8)
# ```
#
# </details>

# %% [markdown]
# ## 4 · Training
#
# The loop is the one of lesson 2, with one difference: there is no label in it. Batches of 128, Adam, twenty epochs, and the one-cycle rate with its peak at $4 \cdot 10^{-3}$. `fused=True` makes Adam's step in one go, too.
#
# We want to watch the net learn. So keep ten test pictures aside, one of each digit, and store how the net draws them at some moments. First the setup, then the loop in a cell of its own:

# %%
MOMENTS = (0, 1, 2, 5, 10, 20)  # epochs
first = [test_labels.tolist().index(digit) for digit in range(10)]
probes = test_vectors[first]  # (10, 784)

# %%
seed_everything(SEED)
net = Autoencoder().to(device)
batches = data.batches(train_vectors, train_labels, batch_size=128, shuffle=True)
optimizer = torch.optim.Adam(net.parameters(), lr=4e-3, fused=True)
one_cycle = torch.optim.lr_scheduler.OneCycleLR(
    optimizer,
    max_lr=4e-3,
    total_steps=20 * len(batches),
    cycle_momentum=False,
)
history, snapshots = {"train": [], "test": []}, {0: reconstruct(net, probes)}
start = time.perf_counter()

# %%
for epoch in (progress := tqdm(range(1, 21))):
    net.train()
    total = 0.0
    for x, _ in batches:  # the label is there, and stays unused
        x = x.to(device)  # (128, 784)
        recon = net(x)  # 1. forward, (128, 784)
        loss = reconstruction_error(recon, x)  # 2. loss: the target is the input
        optimizer.zero_grad()  # 3. forget the old gradients
        loss.backward()  # 4. backward
        optimizer.step()  # 5. change the parameters
        one_cycle.step()
        total += loss.item() * len(x)
    history["train"].append(total / len(train_vectors))
    history["test"].append(error_on(net, test_vectors))
    if epoch in MOMENTS:
        snapshots[epoch] = reconstruct(net, probes)
    progress.set_postfix(loss=f"{history['train'][-1]:.1f}")
seconds = time.perf_counter() - start

# %%
test_error = history["test"][-1]
for epoch in (1, 2, 5, 10, 15, 20):
    train, test = history["train"][epoch - 1], history["test"][epoch - 1]
    print(f"epoch {epoch:2d} · error, train: ≈ {train:.1f} test: ≈ {test:.1f}")

# %% tags=["figure"]
fig, ax = plt.subplots()
for style, (name, values) in zip(("-", "--"), history.items(), strict=True):
    ax.plot(range(1, 21), values, style, label=name)
ax.axhline(lazy["always the mean"], color="grey", linewidth=1)
ax.text(20, lazy["always the mean"] - 2, "always the mean", ha="right", va="top")
ax.set(xlabel="epoch", ylabel="error (sum over pixels)", xticks=[1, 5, 10, 15, 20])
ax.legend(loc="center right")
plotting.show(
    fig,
    alt="Reconstruction error of training and test images over 20 epochs: both fall fast in the "
    "first epochs, the training error from above the line of the mean picture, then run nearly "
    "together and sink a little further to the end.",
)

# %% tags=["claim"]
# "The error is now less than half of that of the mean picture"
if not data.standin_in_use():
    assert test_error < 0.5 * lazy["always the mean"]
# "The last five epochs [...] still brought something. Training and test error lie close together
# [...] At first the training error is the larger one"
assert history["test"][-1] < history["test"][14]
assert history["test"][-1] < 1.25 * history["train"][-1]
assert history["train"][0] > history["test"][0]

# %% [markdown]
# The error is now less than half of that of the mean picture. The last five epochs, with a rate that is small already and sinks to 0, still brought something. Training and test error lie close together: the net has not learned its pictures by heart. (At first the training error is the larger one, because it is averaged over the epoch, while the net still learns. The test error is measured afterwards.)
#
# How does that look? The top row holds the originals, each row below a moment of the training.

# %% tags=["figure"]
rows = {"original": probes} | {f"epoch {epoch}": snapshots[epoch] for epoch in MOMENTS}
fig, axes = plt.subplots(len(rows), 1, figsize=(7.6, 6.2))
for ax, (name, images) in zip(axes, rows.items(), strict=True):
    plotting.mosaic(images, columns=10, ax=ax)
    ax.text(-6, 14, name, ha="right", va="center")
plotting.show(
    fig,
    alt="Ten digits and their reconstructions before training and after 1, 2, 5, 10 and 20 epochs: "
    "first grey, then a few kinds of blurs, then digits that become sharper, some of them wrong.",
)

# %% [markdown]
# Before training there is grey. After one epoch the net knows a few kinds of blobs. From then on it sorts out the digits one after the other. At the end they are smooth and a little fat. The net keeps what many pictures share and loses what is special in one: a hook, a gap, a tremble of the hand. Where it is in doubt between two shapes it draws their mean, because that costs least when errors are squared. And where a code lies among those of another digit, it draws that one, clearly and wrongly.

# %% [markdown]
# From here on training is a function. It can do two things more, which we shall need: add noise to the input (section 11), and pull all weights a little towards 0 (`weight_decay`, section 8).


# %%
def fit(net, train, test, num_epochs, max_lr, noise=0.0, weight_decay=0.0):
    """Train with Adam and the one-cycle rate; return the test error after every epoch."""
    batches = data.batches(train, train_labels[: len(train)], batch_size=128, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=max_lr, weight_decay=weight_decay, fused=True)
    one_cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr, total_steps=num_epochs * len(batches), cycle_momentum=False
    )
    errors = []
    for _ in (progress := tqdm(range(num_epochs))):
        net.train()
        for x, _ in batches:
            x = x.to(device)
            noisy = x + noise * torch.randn_like(x) if noise else x
            loss = reconstruction_error(net(noisy), x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            one_cycle.step()
        errors.append(error_on(net, test))
        progress.set_postfix(loss=f"{errors[-1]:.1f}")
    return errors


# %% [markdown]
# ### Exercise 4.2 · experiment: A feeling for the error
#
# Add noise to a picture: to each pixel a random number from a normal distribution with mean 0 and standard deviation $\sigma$. How strong must the noise be until the squared distance between the noisy picture and the clean one is 98 on average? (98 is close to what our net reaches on the official digits.) Find a $\sigma$ that hits 98 within 5.
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
# ## 5 · Two hundred codes in space
#
# What did the encoder invent? Encode all pictures, and draw 200 test codes where they lie. Each is written as its digit, in the colour of its class. Turn the figure and look for families.


# %%
def encode(net, images):
    net.eval()
    with torch.inference_mode():
        return net.encoder(images.to(device)).cpu()


codes, test_codes = encode(net, train_vectors), encode(net, test_vectors)
print(tuple(codes.shape), tuple(test_codes.shape))


# %% tags=["figure"]
def draw_codes(ax, azimuth, elevation):
    colors = [
        *("#0072B2", "#B34700", "#007A5A", "#B0508A", "#7A5C00"),
        *("#2A2A2A", "#C00000", "#5B3FA0", "#1F9ACF", "#6E6E6E"),
    ]
    for z, label in zip(test_codes[:200].tolist(), test_labels[:200].tolist(), strict=True):
        ax.text(*z, str(label), color=colors[label], fontsize=9, weight="bold", ha="center")
    low, high = test_codes[:200].aminmax(dim=0)
    limits = torch.stack([low, high], dim=1).tolist()
    ax.set(xlim=limits[0], ylim=limits[1], zlim=limits[2])
    ax.set(xlabel="$z_1$", ylabel="$z_2$", zlabel="$z_3$")
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
# Azimuth turns the figure like a merry-go-round, elevation tips it. Two views of the same points:

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(12.5, 6), subplot_kw={"projection": "3d"})
for ax, azimuth in zip(axes, (-60, 30), strict=True):
    draw_codes(ax, azimuth, elevation=25)
    ax.set_title(f"azimuth {azimuth}", loc="center")
plotting.show(
    fig,
    alt="Two hundred codes in space from two sides, each written as its digit in a colour of its "
    "own. Equal digits lie in groups, and some groups touch or overlap.",
)

# %% [markdown]
# Most equal digits lie together, though some groups touch or overlap. Nobody told the net which digits are equal: it has never seen a label. It puts pictures side by side that can be drawn in nearly the same way.
#
# Is that only an impression? Take each of 1,000 test codes, look for the nearest of 10,000 training codes (`torch.cdist` gives all distances between two lists of points), and ask whether both carry the same label.

# %%
nearest = torch.cdist(test_codes[:1000], codes[:10_000]).argmin(dim=1)
agree = (train_labels[nearest] == test_labels[:1000]).float().mean().item()
print(f"the nearest code belongs to the same digit: ≈ {100 * agree:.1f} % (by chance about 10 %)")

# %% tags=["claim"]
# "Most equal digits lie together"
assert agree > 0.5

# %% [markdown]
# Now look at the axes. Where do the codes lie, how far do they reach?

# %%
for name, values in [("mean", codes.mean(dim=0)), ("standard deviation", codes.std(dim=0))]:
    print(f"{name:18} " + " ".join(f"≈ {value:.1f}" for value in values))

# %% [markdown]
# The cloud has no particular size and no particular place. With another seed it lies elsewhere. Keep that in mind for section 12.

# %% [markdown]
# ## 6 · From a code to a picture
#
# The decoder does not care where a code comes from. Give it any three numbers and it draws. The sliders reach from the 5th to the 95th **percentile** of each code number. (5 % of all training codes lie below the first, 95 % below the second.)

# %%
percentiles = codes.quantile(torch.tensor([0.05, 0.5, 0.95]), dim=0)  # (3, 3)


def decode(z):
    """Codes (n, 3) -> pictures (n, 784)."""
    with torch.inference_mode():
        return net.decoder(z.to(device)).cpu()


# %% tags=["figure", "nbval-ignore-output"]
def draw_code(z1, z2, z3):
    fig, ax = plt.subplots(figsize=(2.8, 2.8))
    plotting.mosaic(decode(torch.tensor([[z1, z2, z3]])), columns=1, ax=ax)
    plotting.show(fig, alt=f"What is drawn for z1 ≈ {z1:.1f} z2 ≈ {z2:.1f} z3 ≈ {z3:.1f}")


low, middle, high = percentiles.tolist()
sliders = {
    f"z{i + 1}": FloatSlider(
        middle[i], min=low[i], max=high[i], step=(high[i] - low[i]) / 50, continuous_update=False
    )
    for i in range(3)
}
_ = interact(draw_code, **sliders)

# %% [markdown]
# The same in print. Each row moves one of the three numbers through its range, from percentile to percentile, and leaves the other two at their medians. So the picture in the middle is the same in all rows.

# %%
strip = percentiles[1].repeat(3, 9, 1)  # (row, column, code number)
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
torch.testing.assert_close(middles[1:], middles[:-1], rtol=0, atol=1e-3)

# %% [markdown]
# Under the sliders the picture changes gradually. Here the steps are larger, and one of them can turn a digit into another. The three numbers have no names. You will not find a slider for "thickness" and one for "slant", because nothing in the loss asked for that.
#
# An old tutorial on autoencoders decodes the code (1.79, 3.36, 2.06), picked by its author. What does it give in our net? Beside it stands the code of a real test picture.

# %%
picked = decode(torch.tensor([[1.79, 3.36, 2.06]]))
real = decode(test_codes[:1])

# %% tags=["figure"]
fig, axes = plt.subplots(1, 3, figsize=(6.6, 2.6))
plotting.mosaic(picked, columns=1, ax=axes[0], title="(1.79, 3.36, 2.06)")
plotting.mosaic(real, columns=1, ax=axes[1], title="a real code")
plotting.mosaic(test_vectors[:1], columns=1, ax=axes[2], title="its picture")
plotting.show(
    fig,
    alt="Three pictures: what the decoder makes of a code that somebody picked, what it makes of the "
    "code of a test image, and that test image.",
)

# %% [markdown]
# Maybe you see a digit on the left, maybe a smudge. A code is a word in a language that only this encoder and this decoder speak. To draw what you want you would have to know the right word before, and the only way to get it is to encode a picture that you already have.

# %% [markdown]
# ## 7 · How large must a code be?
#
# More code numbers, a smaller error, that much is clear. How much smaller? And is a network worth the trouble, or would something simpler do?
#
# ### The rival: PCA
#
# Leave out everything that bends: no ReLU, no Tanh. Encoder and decoder are then one matrix each (lesson 2, *Going further* F), and the best such pair need not be trained. It can be computed. The method is called **principal component analysis** (PCA), and it works like this:
#
# - Subtract the mean picture $\boldsymbol\mu$.
# - Find the direction in which the pictures differ most. Then, at right angles to it, the one in which they differ most of what is left, and so on. Keep the first $k$ directions $\mathbf{v}_1, \dots, \mathbf{v}_k$, each of length 1.
# - The code numbers of a picture are its coordinates along them, $z_i = \mathbf{v}_i \cdot (\mathbf{x} - \boldsymbol\mu)$, and the reconstruction is $\hat{\mathbf{x}} = \boldsymbol\mu + \sum_i z_i \mathbf{v}_i$.
#
# The directions are the **eigenvectors** of the covariance matrix $C$. Its entry $C_{ab}$ is the mean over all pictures of $(x_a - \mu_a)(x_b - \mu_b)$ for the pixels $a$ and $b$. An eigenvector of $C$ is a direction that $C$ only stretches, $C\mathbf{v} = \lambda\mathbf{v}$. The factor $\lambda$, its **eigenvalue**, is the variance of the pictures along it: that variance is $\mathbf{v}^\top C\,\mathbf{v} = \lambda\,\mathbf{v}^\top\mathbf{v} = \lambda$.
#
# <details><summary>Derivation: why no linear autoencoder can do better</summary>
#
# A linear decoder with a bias can only draw points of a flat subset of space with $k$ dimensions (a line, a plane, and so on). For a given flat subset, the best reconstruction of $\mathbf{x}$ is the nearest point in it, its perpendicular projection. And the flat subset must go through $\boldsymbol\mu$: moving it parallel to itself by $\mathbf{d}$ at right angles to it changes each error vector by $\mathbf{d}$, and the mean of squared lengths is smallest when the mean error vector is 0.
#
# So let $V$ be the matrix whose $k$ columns have length 1 and stand at right angles to each other, and write $\tilde{\mathbf{x}} = \mathbf{x} - \boldsymbol\mu$. The projection is $VV^\top\tilde{\mathbf{x}}$. $V$ keeps lengths, so $VV^\top\tilde{\mathbf{x}}$ is as long as $V^\top\tilde{\mathbf{x}}$. And $C$ is the mean of $\tilde{\mathbf{x}}\tilde{\mathbf{x}}^\top$, so the mean of $(\mathbf{v}_j\cdot\tilde{\mathbf{x}})^2 = \mathbf{v}_j^\top\tilde{\mathbf{x}}\tilde{\mathbf{x}}^\top\mathbf{v}_j$ is $\mathbf{v}_j^\top C\,\mathbf{v}_j$. By Pythagoras the mean error is (with $\mathbb{E}$ for the mean over all pictures)
#
# $$\mathbb{E}\,\lVert\tilde{\mathbf{x}} - VV^\top\tilde{\mathbf{x}}\rVert^2 = \mathbb{E}\,\lVert\tilde{\mathbf{x}}\rVert^2 - \mathbb{E}\,\lVert V^\top\tilde{\mathbf{x}}\rVert^2 = \operatorname{tr} C - \sum_{j=1}^{k} \mathbf{v}_j^\top C\,\mathbf{v}_j .$$
#
# The trace $\operatorname{tr} C$ is the sum of the diagonal, all variances together, and does not depend on $V$. So make the second sum as large as possible. $C$ is symmetric, and a theorem of linear algebra (the spectral theorem) says that such a matrix has eigenvectors $\mathbf{q}_1, \dots, \mathbf{q}_{784}$ at right angles to each other, with eigenvalues $\lambda_1 \ge \lambda_2 \ge \dots \ge 0$, and $C = \sum_i \lambda_i\,\mathbf{q}_i\mathbf{q}_i^\top$. Written with them,
#
# $$\sum_{j=1}^{k} \mathbf{v}_j^\top C\,\mathbf{v}_j = \sum_{i=1}^{784} \lambda_i\,w_i \qquad\text{with}\qquad w_i = \sum_{j=1}^{k} (\mathbf{q}_i\cdot\mathbf{v}_j)^2 .$$
#
# Each $w_i$ is the squared length of the projection of $\mathbf{q}_i$ onto the flat subset, so it lies between 0 and 1. Together they give $\sum_i w_i = \sum_j \lVert\mathbf{v}_j\rVert^2 = k$. We have $k$ to spend, at most 1 on each eigenvalue. The most comes out if we spend it on the $k$ largest: $\mathbf{v}_j = \mathbf{q}_j$. The error that remains is $\lambda_{k+1} + \dots + \lambda_{784}$, the sum of the eigenvalues that were left out.
#
# </details>
#
# `torch.linalg.eigh` finds all eigenvalues and eigenvectors of a symmetric matrix, in ascending order. (`double()`: in float32 the small eigenvalues would drown in rounding.) We take the first 20,000 training pictures, and later give the nets the same ones.

# %%
few = train_vectors[:20_000]
center = few.mean(dim=0)
covariance = (few - center).T @ (few - center) / len(few)  # (784, 784)
eigenvalues, directions = torch.linalg.eigh(covariance.double())
eigenvalues, directions = eigenvalues.flip(0), directions.flip(1).float()  # largest first


# %%
def pca(x, k):
    """Encode x (n, 784) into k numbers and decode it again."""
    z = (x - center) @ directions[:, :k]  # (n, k)
    return center + z @ directions[:, :k].T


def pca_error(images, k):
    return reconstruction_error(pca(images, k), images).item()


# %%
SIZES = (1, 2, 3, 8, 32)
pca_errors = [pca_error(test_vectors, k) for k in SIZES]
for k, error in zip(SIZES, pca_errors, strict=True):
    print(f"PCA with {k:2d} numbers: test error ≈ {error:.1f}")

# %% [markdown]
# Two things to check. On the pictures that PCA was made from, its error is the sum of the eigenvalues left out, as the derivation says. And three other directions, picked at random, at right angles to each other too, do worse.

# %%
for k in (1, 3, 32):
    error, left_out = pca_error(few, k), eigenvalues[k:].sum().item()
    print(f"{k:2d} numbers: error ≈ {error:.1f} · left out ≈ {left_out:.1f}", end=" · ")
    print(f"difference {abs(error - left_out):.1f}")

# %%
seed_everything(SEED)
random_directions = torch.linalg.qr(torch.randn(784, 3)).Q  # (784, 3), columns of length 1
recon = center + (test_vectors - center) @ random_directions @ random_directions.T
random_error = reconstruction_error(recon, test_vectors).item()
print(f"3 numbers, test error: random ≈ {random_error:.1f} · PCA ≈ {pca_errors[2]:.1f}")

# %% tags=["claim"]
# "The factor λ, its eigenvalue, is the variance of the pictures along it"
along = (few - center) @ directions[:, :3]
torch.testing.assert_close(along.var(dim=0), eigenvalues[:3].float(), rtol=1e-3, atol=0)
# "And three other directions, picked at random, [...] do worse"
assert pca_errors[2] < random_error

# %% [markdown]
# ### The nets
#
# Now five autoencoders with 1, 2, 3, 8 and 32 code numbers. One thing has to change. With the layer of 12 in place, a code of 32 would still have to pass through 12 numbers, and that layer would be the real bottleneck. So both layers of 12 go: 784 → 128 → 64 → $k$ → 64 → 128 → 784.


# %%
def autoencoder_with(k):
    """Our autoencoder without the layers of 12, with a code of k numbers."""
    net = Autoencoder()
    net.encoder = nn.Sequential(*net.encoder[:4], nn.Linear(64, k))
    net.decoder = nn.Sequential(nn.Linear(k, 64), *net.decoder[3:])
    return net.to(device)


# %% [markdown]
# All five get the same small budget: three epochs over the same 20,000 pictures, one cycle with its peak at $4 \cdot 10^{-3}$.

# %%
sized, net_errors = {}, []
for k in SIZES:
    seed_everything(SEED)
    sized[k] = autoencoder_with(k)
    net_errors.append(fit(sized[k], few, test_vectors, 3, 4e-3)[-1])
for k, error in zip(SIZES, net_errors, strict=True):
    print(f"net with {k:2d} numbers: test error ≈ {error:.1f}")

# %% tags=["figure"]
fig, ax = plt.subplots()
ax.plot(SIZES, pca_errors, "s--", label="PCA")
ax.plot(SIZES, net_errors, "o-", label="autoencoder, 3 short epochs")
ax.plot([3], [test_error], "*", markersize=14, label="section 4: 60,000 pictures, 20 epochs")
ax.axhline(lazy["always the mean"], color="grey", linewidth=1)
ax.text(32, lazy["always the mean"] - 2, "no code: the mean", ha="right", va="top")
ax.set_xscale("log", base=2)
ax.set_xticks(SIZES, SIZES)
ax.set(xlabel="code numbers", ylabel="test error (sum over pixels)", ylim=(0, None))
ax.legend(loc="lower left")
plotting.show(
    fig,
    alt="Test error against code size for PCA and for autoencoders. Both fall. With one number "
    "the autoencoder is a little below PCA, with two to eight far below; with 32 PCA is ahead.",
)

# %% tags=["claim"]
# "With two to eight numbers the net's code [...] is worth far more than PCA's [...] Three numbers of
# the net of section 4 [...] do better than eight of PCA. With 32 numbers PCA is ahead"
assert net_errors[1] < pca_errors[1]
assert net_errors[2] < pca_errors[2]
assert net_errors[3] < pca_errors[3]
assert net_errors[4] > pca_errors[4]
if not data.standin_in_use():
    assert test_error < pca_errors[3]

# %% [markdown]
# With one number there is not much between the two. With two to eight numbers the net's code, which may bend, is worth far more than PCA's, which is flat. Three numbers of the net of section 4, which has seen three times as many pictures for longer, do better than eight of PCA. With 32 numbers PCA is ahead of so short a training. PCA is the exact best of its kind at once, while the net has to find its weights step by step. A baseline like this keeps you honest: whenever a network is slower than a formula, it should also be better.

# %% [markdown]
# ### Exercise 4.3 · predict: A curve in the plane
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
# Encode $(x, y)$ as $x$, decode $z$ as $(z, z^2)$: one number is enough for something that bends. Digits lie on a curved surface like this, only with more dimensions. That is where the net's lead comes from.
#
# </details>

# %% [markdown]
# ## 8 · A convolutional autoencoder
#
# A linear layer does not know that pixels have neighbours. A **convolution** does. It looks at the picture through a small window, and uses the same few weights wherever it looks.
#
# ### Convolution: a window that slides
#
# Take a window of 3 by 3 numbers, the **kernel**. Lay it over a corner of the picture, multiply each weight with the pixel under it, and add up: that gives one number. Slide on, and do it again. The results form a new picture. A few words belong to it:
#
# - **stride**: how many pixels the window moves at a time,
# - **padding**: how many rings of zeros are laid around the picture first,
# - **channels**: a layer has several kernels, and each makes a picture of its own, called a channel. A kernel of the next layer looks at all channels at once, with separate weights for each, and adds the results and one bias. (Over 16 channels it has 16 · 3 · 3 weights. So 8 kernels of that kind have 8 · (16 · 9 + 1) = 1,160 parameters.)
#
# By hand, for one kernel:


# %%
def convolve(image, kernel, stride, padding):  # (h, w), (k, k)
    image = nn.functional.pad(image, [padding] * 4)
    k = len(kernel)
    rows = range(0, image.shape[0] - k + 1, stride)
    columns = range(0, image.shape[1] - k + 1, stride)
    return torch.tensor(
        [[(image[r : r + k, c : c + k] * kernel).sum() for c in columns] for r in rows]
    )


# %%
kernel = torch.tensor([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -1.0, -1.0]])  # above minus below
image = test_images[0, 0]
fine, coarse = convolve(image, kernel, 1, 1), convolve(image, kernel, 3, 1)

# %% tags=["figure"]
fig, axes = plt.subplots(1, 3, figsize=(9, 3.2))
titles = ("the picture", "stride 1", "stride 3")
for ax, picture, title in zip(axes, (image, fine, coarse), titles, strict=True):
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
# Lower edges of strokes come out bright, upper edges dark. Where nothing changes the kernel gives 0, which is mid-grey. The bright bar at the top and the dark one at the bottom are no strokes. Padding adds zeros, which are grey on our scale, and the step from grey to black is an edge too.
#
# Does our loop compute what PyTorch calls a convolution? Count the numbers that differ by more than rounding:

# %%
for stride, padding in ((1, 0), (1, 1), (2, 1), (3, 1)):
    ours = convolve(image, kernel, stride, padding)
    theirs = nn.functional.conv2d(image[None], kernel[None, None], stride=stride, padding=padding)
    differ = ((ours - theirs[0]).abs() > 1e-4).sum()
    print(f"stride {stride}, padding {padding}: {differ} of {ours.numel()} differ")

# %% [markdown]
# This kernel was made by hand, to find horizontal edges. In a network the kernels are parameters and learned like all others.
#
# Look at the sizes: stride 3 made 10 by 10 out of 28 by 28. Why 10? With padding 1 the picture is 30 pixels wide. A window of 3 can begin at pixel 0, 3, 6, … as long as it ends inside. The last place where it fits begins at 27. And 0, 3, …, 27 are ten places.

# %% [markdown]
# ### Exercise 4.4 · code: How large is the result?
#
# Write the width of the result for any width of the picture, any kernel, stride and padding: a whole number.
#
# <details><summary>Hint</summary>
#
# How wide is the picture with padding on both sides? Where does the last window begin at the latest? How many strides fit into that distance? And then there is the first window, before any stride. `//` divides and rounds down.
#
# </details>


# %%
def conv_out_size(size, kernel, stride, padding):
    """Width of the result of a convolution."""
    ...


checks.conv_out_size(conv_out_size)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def conv_out_size(size, kernel, stride, padding):
#     """Width of the result of a convolution."""
#     return (size + 2 * padding - kernel) // stride + 1
# ```
#
# The window can travel `size + 2 * padding - kernel` pixels. Pixels left over at the end, too few for another stride, are never looked at.
#
# </details>

# %% [markdown]
# ### Max pooling, and the way back
#
# **Max pooling** slides a window too, but keeps only the largest number in it. It has no weights. It says "the pattern is somewhere here", and no longer exactly where. The width of its result follows from the rule of exercise 4.4.
#
# The decoder has to go from small to large. A **transposed convolution** turns the roles round. Each number of the input is multiplied with the whole kernel and stamped onto the output. The stamps lie `stride` apart. Where they overlap they are added, and in the end `padding` pixels are cut off on each side. The last of $n$ stamps begins at $(n-1)\cdot\text{stride}$ and is as wide as the kernel:
#
# $$\text{size} = (n - 1)\cdot\text{stride} + \text{kernel} - 2\cdot\text{padding}$$
#
# (With several channels, each input channel has a kernel for each output channel, and the stamps add up.) In one dimension, by hand:


# %%
def stamp(row, kernel, stride, padding):  # (n,), (k,)
    k = len(kernel)
    result = torch.zeros((len(row) - 1) * stride + k)
    for i, value in enumerate(row):
        result[i * stride : i * stride + k] += value * kernel
    return result[padding : len(result) - padding]


row, kernel = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([1.0, 10.0, 100.0])
stamp(row, kernel, stride=2, padding=0)

# %% [markdown]
# 102 is 1 · 100 + 2 · 1: there the first two stamps overlap. And beside PyTorch, with other strides and paddings:

# %%
for stride, padding in ((1, 0), (2, 1), (3, 1)):
    ours = stamp(row, kernel, stride, padding)
    theirs = nn.functional.conv_transpose1d(
        row[None, None], kernel[None, None], stride=stride, padding=padding
    )
    print(f"stride {stride}, padding {padding}: by hand {ours.round().int().tolist()}", end=" · ")
    print(f"PyTorch {theirs[0, 0].round().int().tolist()}")

# %% [markdown]
# ### The network
#
# With these parts, from 28 by 28 down to 2 by 2 and back. The sizes follow from the two rules:
#
# | layer | width | channels |
# |---|---|---|
# | convolution, kernel 3, stride 3, padding 1 | (28 + 2 − 3) // 3 + 1 = 10 | 16 |
# | max pooling, kernel 2, stride 2 | (10 − 2) // 2 + 1 = 5 | 16 |
# | convolution, kernel 3, stride 2, padding 1 | (5 + 2 − 3) // 2 + 1 = 3 | 8 |
# | max pooling, kernel 2, stride 1 | (3 − 2) // 1 + 1 = 2 | 8 |
# | transposed, kernel 3, stride 2 | (2 − 1) · 2 + 3 = 5 | 16 |
# | transposed, kernel 5, stride 3, padding 1 | (5 − 1) · 3 + 5 − 2 = 15 | 8 |
# | transposed, kernel 2, stride 2, padding 1 | (15 − 1) · 2 + 2 − 2 = 28 | 1 |
#
# The code is what comes out of the second pooling: 8 channels of 2 by 2, so 32 numbers. (They have passed a ReLU, so none of them is negative here. With 32 numbers the net can afford that better than with three.)


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


# %%
seed_everything(SEED)
conv_net = ConvAutoencoder().to(device)
x = test_images[:5].to(device)
for name, shape in trace(conv_net.encoder, x) + trace(conv_net.decoder, conv_net.encoder(x)):
    print(f"{name:15} {shape}")
conv_parameters = sum(parameter.numel() for parameter in conv_net.parameters())
print(f"{conv_parameters:,} parameters")

# %% [markdown]
# 5,729 parameters against 219,891, because one kernel serves the whole picture. It trains for four epochs only, with the peak of the rate at $4 \cdot 10^{-2}$, ten times that of section 4. So small a net stands such a rate. The optimiser gets a **weight decay** of $10^{-5}$: it adds $10^{-5}$ times each parameter to its gradient, which pulls every weight a little towards 0; only those that the loss needs resist. (`channels_last` is another order of the numbers in memory, in which convolutions run faster. Lesson 9 explains it.)

# %%
seed_everything(SEED)
conv_net = ConvAutoencoder().to(device, memory_format=torch.channels_last)
conv_errors = fit(conv_net, train_images, test_images, 4, 4e-2, weight_decay=1e-5)
print(f"convolutional:   test error ≈ {conv_errors[-1]:.1f} with 32 code numbers")
print(f"fully connected: test error ≈ {test_error:.1f} with 3 code numbers")

# %% tags=["figure"]
conv_probes = reconstruct(conv_net, test_images[first]).flatten(1)
fig, axes = plt.subplots(3, 1, figsize=(7.6, 2.4))
names = ("original", "fully connected, code of 3", "convolutional, code of 32")
for ax, images, name in zip(axes, (probes, snapshots[20], conv_probes), names, strict=True):
    plotting.mosaic(images, columns=10, ax=ax)
    ax.text(-6, 14, name, ha="right", va="center")
plotting.show(
    fig,
    alt="Ten digits, the reconstructions of the fully connected and of the convolutional net. "
    "The convolutional ones follow the individual stroke, with a coarse and uneven texture.",
)

# %% [markdown]
# Look at the two lower rows. The net with three numbers draws smooth strokes, and not always of the right digit. The convolutional net follows the stroke of this very picture, but roughly, as if through frosted glass.
#
# How many reconstructions are still the right digit? The judge can count. It gives ten probabilities for a picture. The largest is its **confidence**, and the digit it belongs to is its answer. On how many reconstructions is the answer still the label of the original?


# %%
def judged(images):
    """Return the judge's confidence and its answer for each image."""
    with torch.inference_mode():
        logits = judge(images.to(device)).cpu()
    return logits.softmax(dim=1).max(dim=1)


def readable(net, images):
    """Share of the reconstructions that the judge reads as the label of the original."""
    _, answers = judged(reconstruct(net, images))
    return (answers == test_labels).float().mean().item()


# %%
read = {
    "original": readable(nn.Identity(), test_vectors),  # gives back what it gets
    "fully connected, code of 3": readable(net, test_vectors),
    "fully connected, code of 32": readable(sized[32], test_vectors),
    "convolutional, code of 32": readable(conv_net, test_images),
}
for name, share in read.items():
    print(f"{name:27} read as the right digit: ≈ {100 * share:.1f} %")

# %% tags=["claim"]
# "No net keeps every digit. [...] the error of PCA with 32 is lower still"
assert read["original"] > max(share for name, share in read.items() if name != "original")
assert pca_errors[4] < min(net_errors[4], conv_errors[-1])

# %% [markdown]
# No net keeps every digit. And be careful with the comparison: the convolutional net has 32 code numbers, not 3. The fully connected net of section 7 with 32 numbers (third line) does about as well after a shorter training, and the error of PCA with 32 is lower still; but its directions are 784 · 32 numbers. What the convolution shows is how far one gets with 5,729.

# %% [markdown]
# ## 9 · Odd inputs
#
# The net was trained on digits only. What does it make of a picture that is none? Three guests: static, a checkerboard and a shirt, drawn by code.

# %%
seed_everything(SEED)
checkerboard = ((torch.arange(28)[:, None] // 4 + torch.arange(28) // 4) % 2) * 2.0 - 1
shirt = -torch.ones(28, 28)
shirt[4:25, 8:20] = 1  # body
shirt[4:10, 3:25] = 1  # sleeves
shirt[4:7, 11:17] = -1  # neck
odd = torch.stack([torch.rand(28, 28) * 2 - 1, checkerboard, shirt]).flatten(1)  # (3, 784)
guests = ("static", "checkerboard", "shirt")
odd_recon = reconstruct(net, odd)
odd_errors = (odd_recon - odd).square().sum(dim=1)  # (3,)

# %% tags=["figure"]
sheet = torch.cat([odd, probes[[7]], odd_recon, snapshots[20][[7]]])
sheet_errors = (sheet[4:] - sheet[:4]).square().sum(dim=1)
titles = [*guests, "a digit"] + [f"error ≈ {error:.0f}" for error in sheet_errors]
fig = plotting.image_grid(sheet, titles=titles, columns=4)
fig.set_size_inches(7, 4)
plotting.show(
    fig,
    alt="Top: static, a checkerboard, a shirt and a digit. Below: what the autoencoder makes of "
    "them. The digit comes back; of the three others nothing does, only shapes made of strokes.",
)

# %% [markdown]
# Nothing of the guests comes back. The decoder can draw strokes, and nothing else. It has 60,000 digits behind it and three numbers to choose with. The encoder has never learned what to do with such pictures. It computes three numbers all the same, and the decoder turns them into strokes.
#
# Two things can be measured. Is the error larger than for digits? And does the drawing lie closer to some training digit than to the picture that it should repeat?

# %%
each_error = (reconstruct(net, test_vectors) - test_vectors).square().sum(dim=1)  # (10000,)
unusual = each_error.quantile(0.99).item()
EXACT = "donot_use_mm_for_euclid_dist"  # by differences: the default is rough for near points
to_digit = torch.cdist(odd_recon, few, compute_mode=EXACT).amin(dim=1).square()  # (3,)
print(f"99 of 100 test digits have an error below ≈ {unusual:.0f}")
for name, error, distance in zip(guests, odd_errors, to_digit, strict=True):
    print(f"{name:12} to its own picture ≈ {error:.0f} to the nearest digit ≈ {distance:.0f}")

# %% tags=["claim"]
# "each guest's error is larger than that of 99 digits in 100, and each drawing lies closer to a
# digit than to its own picture"
assert (odd_errors > unusual).all()
assert (to_digit < odd_errors).all()

# %% [markdown]
# Twice yes: each guest's error is larger than that of 99 digits in 100, and each drawing lies closer to a digit than to its own picture. So a large error is a warning: perhaps nothing like this was in the training. (One test digit in a hundred lies beyond our limit too, by its making.) Machines are watched in this way: an autoencoder learns their normal sound, and a large error rings the bell.

# %% [markdown]
# ## 10 · A walk between two codes
#
# Take the codes of two test pictures, $\mathbf{z}_a$ and $\mathbf{z}_b$, and go from one to the other in a straight line:
#
# $$\mathbf{z}(t) = (1 - t)\,\mathbf{z}_a + t\,\mathbf{z}_b, \qquad 0 \le t \le 1$$
#
# Decode what lies on the way. If the code is a good description of digits, every stop should show one. The judge's confidence says how sure it is of what it sees.


# %%
def line(z_a, z_b, stops):
    """Codes (n, 3) and (n, 3) -> (n, stops, 3) on the straight lines between them."""
    t = torch.linspace(0, 1, stops)[:, None]
    return (1 - t) * z_a[:, None] + t * z_b[:, None]


# %%
z_a, z_b = test_codes[first[0]][None], test_codes[first[1]][None]  # a zero and a one
walk = decode(line(z_a, z_b, 41)[0])  # (41, 784)
stop_confidence, stop_answer = judged(walk)


# %% tags=["figure", "nbval-ignore-output"]
def walk_to(stop):
    fig, (ax, position) = plt.subplots(1, 2, figsize=(8, 2.8), width_ratios=[1, 2])
    title = f"a {stop_answer[stop]}, says the judge"
    plotting.mosaic(walk[[stop]], columns=1, ax=ax, title=title)
    position.plot(torch.linspace(0, 1, 41), stop_confidence)
    position.plot(stop / 40, stop_confidence[stop], "o", color="#D55E00", markersize=9)
    position.set(xlabel="$t$", ylabel="judge's confidence", ylim=(0, 1.03))
    plotting.show(fig, alt=f"Stop {stop} of 40 on the way from a zero to a one.")


_ = interact(walk_to, stop=IntSlider(20, min=0, max=40, continuous_update=False))

# %% tags=["figure"]
fig, (ax, position) = plt.subplots(2, 1, figsize=(9.5, 4.4), height_ratios=[1, 2])
plotting.mosaic(walk[::4], columns=11, ax=ax, title="every fourth stop")
position.plot(torch.linspace(0, 1, 41), stop_confidence)
position.plot(torch.linspace(0, 1, 11), stop_confidence[::4], "o")
_ = position.set(xlabel="$t$", ylabel="judge's confidence", ylim=(0, 1.03), xlim=(-0.05, 1.05))
plotting.show(
    fig,
    alt="Top: eleven pictures on the straight way from the code of a zero to the code of a one, "
    "with other shapes between them. Below: the judge's confidence, with dips on the way.",
)

# %% [markdown]
# Each picture stands above its dot; the deepest dip may lie between two of them, so look for it with the slider. And mind what a dip says: a low confidence is a sign of an unclear picture, but a high one is no proof of a clear one. Section 12 comes back to that.

# %% [markdown]
# One walk can be lucky or unlucky. Take 500, each between two test pictures of different digits, and average. Two questions: how sure is the judge at each point of the way? And on how many walks does it see a third digit somewhere, neither the first nor the last?

# %%
pairs = torch.arange(2000).reshape(1000, 2)
pairs = pairs[test_labels[pairs[:, 0]] != test_labels[pairs[:, 1]]][:500]
stops = line(test_codes[pairs[:, 0]], test_codes[pairs[:, 1]], 21)  # (500, 21, 3)
walk_confidence, walk_answer = (v.reshape(500, 21) for v in judged(decode(stops.reshape(-1, 3))))
mean_confidence = walk_confidence.mean(dim=0)
other = (walk_answer != walk_answer[:, :1]) & (walk_answer != walk_answer[:, -1:])
third = other.any(dim=1).float().mean().item()

# %%
unsure = (walk_confidence.amin(dim=1) < 0.6).float().mean().item()
ends = (mean_confidence[0] + mean_confidence[-1]) / 2
print(f"mean confidence: at the ends ≈ {ends:.3f}, lowest on the way ≈ {mean_confidence.min():.3f}")
print(f"walks with a stop below 0.6: ≈ {100 * unsure:.0f} %")
print(f"walks through a third digit: ≈ {100 * third:.0f} %")

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7, 3.2))
ax.plot(torch.linspace(0, 1, 21), mean_confidence, "o-")
ax.set(xlabel="$t$", ylabel="judge's mean confidence", title="500 walks between different digits")
plotting.show(
    fig,
    alt="The judge's mean confidence along the way: highest near the ends, lower between them, "
    "with ups and downs.",
)

# %% tags=["claim"]
# "Between them the judge becomes less certain, a little on average, and clearly so at single stops of
# many walks, because the way leaves the group of one digit, crosses no man's land, and often enough
# the group of another"
assert mean_confidence.min() < min(mean_confidence[0], mean_confidence[-1])
assert unsure > 0.1
assert third > 0.2

# %% [markdown]
# (Mind the axis, it does not begin at 0. The small ups and downs are chance.) At both ends stands a digit. Between them the judge becomes less certain, a little on average, and clearly so at single stops of many walks, because the way leaves the group of one digit, crosses no man's land, and often enough the group of another. Nobody ever asked the decoder to draw anything sensible there. In training it has seen codes of real pictures, and no others.

# %% [markdown]
# ## 11 · Denoising
#
# The bottleneck throws away what does not fit. Noise does not fit: it has no pattern. Could an autoencoder clean pictures?
#
# Teach it. Give it a noisy picture, and ask for the **clean** one (Vincent et al., 2008). One line in `fit` does that: the noise is added to the input, and the target stays $\mathbf{x}$. Each epoch draws new noise, so the net never meets the same noisy picture twice.
#
# The noise is strong: a standard deviation of 2 on every pixel, the whole way from black to white. The net is the one with 32 code numbers from section 7, trained once more from the same start with the same budget. The noise is the only difference.

# %%
NOISE = 2.0
seed_everything(SEED)
denoiser = autoencoder_with(32)
_ = fit(denoiser, few, test_vectors, 3, 4e-3, noise=NOISE)

# %%
generator = torch.Generator().manual_seed(SEED)
noisy = test_vectors + NOISE * torch.randn(test_vectors.shape, generator=generator)
cleaned = {
    "noisy input": reconstruction_error(noisy, test_vectors).item(),
    "plain net, fed noise": error_on(sized[32], noisy, targets=test_vectors),
    "denoising net": error_on(denoiser, noisy, targets=test_vectors),
}
for name, error in cleaned.items():
    print(f"{name:20} distance from the clean picture ≈ {error:.1f}")

# %% tags=["figure"]
rows = {
    "clean": probes,
    "noisy": noisy[first],
    "plain net": reconstruct(sized[32], noisy[first]),
    "denoising net": reconstruct(denoiser, noisy[first]),
}
fig, axes = plt.subplots(4, 1, figsize=(7.6, 3.6))
for ax, (name, images) in zip(axes, rows.items(), strict=True):
    plotting.mosaic(images, columns=10, ax=ax)
    ax.text(-6, 14, name, ha="right", va="center")
plotting.show(
    fig,
    alt="Ten digits, the same with strong noise, and the attempts of both nets to clean them.",
)

# %% tags=["claim"]
# "The noise alone costs 784 · 2² = 3136 [...] Even the plain net stays well below the mean picture.
# [...] The denoising net was trained for this and comes closer still"
assert 0.98 < cleaned["noisy input"] / 3136 < 1.02
assert cleaned["plain net, fed noise"] < lazy["always the mean"]
assert cleaned["denoising net"] < cleaned["plain net, fed noise"]

# %% [markdown]
# The plain net draws broken strokes, the denoising net soft digits, several of them the right ones. The noise alone costs $784 \cdot 2^2 = 3136$, as much as black in place of white on all 784 pixels. But compare with the mean picture, which looks at nothing and costs a fifteenth of that (section 3). Even the plain net stays well below the mean picture. Its decoder can draw little but strokes, and each sum in its first layer runs over 784 pixels, so that much of the noise cancels. The denoising net was trained for this and comes closer still, after the same three epochs. Where it cannot tell, it draws the blur between the candidates.

# %% [markdown]
# ### Exercise 4.5 · find the bug: The denoiser that is asked for noise
#
# A colleague's denoiser gives back pictures with grey blotches, and its loss stops near 4, while ours is above 100. This is one step of the training (`NOISE` is ours):
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
# Mend both faults, so that the loss is summed over pixels and averaged over the batch, the net is asked for the right thing, and the noise is new at every call.
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
# The first line overwrote the target with the noisy picture, so the net was asked for the noise as well. Two names for two things would have prevented it. The 4 is the variance of the noise, $2^2$: independent noise on 784 pixels does not fit through 32 numbers, nor past the Tanh, so nearly all of it stays as error. `mean()` hides that this makes 3,136 for each picture.
#
# </details>

# %% [markdown]
# ## 12 · Can it invent a digit?
#
# The decoder makes pictures from three numbers. So roll three numbers and get a new digit? Let us measure what comes out for three kinds of codes, 10,000 of each:
#
# - **real codes**: those of the test pictures,
# - **fitted codes**: drawn from a normal distribution with the mean and the covariance of the training codes, an ellipsoid of the same place, size and direction as the cloud,
# - **random codes**: each number drawn from the normal distribution with mean 0 and variance 1, independent of the others. In short, $\mathbf{z} \sim \mathcal{N}(\mathbf{0}, I)$, where $I$ is the identity matrix: the covariance of independent numbers with variance 1.
#
# To fit a normal distribution, write $\mathbf{m}$ and $S$ for the mean and the covariance of the codes, and find a matrix $A$ with $AA^\top = S$. (`torch.linalg.cholesky` does it.) If $\boldsymbol\varepsilon$ is drawn from $\mathcal{N}(\mathbf{0}, I)$, then $\mathbf{m} + A\boldsymbol\varepsilon$ has the mean $\mathbf{m}$. Its covariance is the mean of $(A\boldsymbol\varepsilon)(A\boldsymbol\varepsilon)^\top = A\,\boldsymbol\varepsilon\boldsymbol\varepsilon^\top A^\top$, and $\boldsymbol\varepsilon\boldsymbol\varepsilon^\top$ has the mean $I$, so it is $AA^\top = S$.

# %%
generator = torch.Generator().manual_seed(SEED)
random_codes = torch.randn(10_000, 3, generator=generator)
factor = torch.linalg.cholesky(codes.T.cov())  # the A above, (3, 3)
fitted_codes = codes.mean(dim=0) + random_codes @ factor.T
kinds = {"real": test_codes, "fitted": fitted_codes, "random": random_codes}
drawings = {name: decode(z) for name, z in kinds.items()}  # (10000, 784) each

# %% tags=["claim"]
# "an ellipsoid of the same place, size and direction as the cloud"
cloud, ellipsoid = codes.T.cov(), fitted_codes.T.cov()
assert (ellipsoid - cloud).norm() < 0.1 * cloud.norm()
assert ((fitted_codes.mean(dim=0) - codes.mean(dim=0)).abs() < 0.1 * codes.std(dim=0)).all()

# %% tags=["figure"]
fig, axes = plt.subplots(1, 3, figsize=(11, 4))
for ax, (name, images) in zip(axes, drawings.items(), strict=True):
    plotting.mosaic(images[:64], columns=8, ax=ax, title=f"{name} codes")
plotting.show(
    fig,
    alt="Three sheets of 64 decoded pictures. Real codes: many different digits. Fitted codes: "
    "digits, and shapes between digits. Random codes: a few blurred shapes again and again.",
)

# %% [markdown]
# Real codes give many different digits, fitted codes digits and shapes between digits. Now look at the third sheet. Each picture comes from a different code, and yet the same few shapes return. Put numbers to it:
#
# - the judge's mean confidence, and the share of pictures of which it is **sure** (confidence over 0.9),
# - the share of the digit that it sees most often (a tenth, if all ten came up equally),
# - the **variety**: the mean squared distance of the pictures from their own mean picture. That is the sum of the variances of all pixels.

# %%
table = {}
for name, images in drawings.items():
    confidence, answer = judged(images)
    shares = answer.bincount(minlength=10) / len(answer)
    table[name] = {
        "confidence": confidence.mean().item(),
        "sure": (confidence > 0.9).float().mean().item(),
        "shares": shares,
        "variety": images.var(dim=0, correction=0).sum().item(),
    }

# %%
for name, row in table.items():
    print(f"{name:6} · mean confidence ≈ {row['confidence']:.3f} sure ≈ {100 * row['sure']:.1f} %")
    print(f"         commonest digit ≈ {100 * row['shares'].max():.0f} %")
    print(f"         variety ≈ {row['variety']:.1f}")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 3, figsize=(12, 3), sharey=True)
for ax, (name, row) in zip(axes, table.items(), strict=True):
    plotting.probability_bars(row["shares"], range(10), ax=ax)
    ax.set(title=f"{name} codes", ylabel="", xlabel="what the judge sees", ylim=(0, None))
axes[0].set_ylabel("share of pictures")
plotting.show(
    fig,
    alt="How often the judge sees each digit. Real codes: all ten about equally. Fitted codes: all "
    "ten, unevenly. Random codes: a few digits take nearly everything.",
)

# %% tags=["claim"]
# "A few digits take most of the sheet, others hardly ever come, and the pictures differ less from each
# other than those of real codes. [...] it is sure of many of the random codes' pictures as well"
assert table["random"]["shares"].topk(3).values.sum() > 0.5
assert (table["random"]["shares"] < 0.02).sum() > 1
assert table["random"]["variety"] < table["real"]["variety"]
assert table["random"]["sure"] > 0.3
# "The fitted codes bring all digits back, some of them rarely. But the judge is sure of fewer of their
# pictures than of the real ones"
assert 0 < table["fitted"]["shares"].min() < 0.07
assert table["fitted"]["sure"] < table["real"]["sure"]

# %% [markdown]
# The judge's confidence alone would not have told you: it is sure of many of the random codes' pictures as well. It has seen nothing but digits and must name one in any shape (lesson 2, section 7, shows how wrong it can be and how sure). What gives the random codes away is what is missing. A few digits take most of the sheet, others hardly ever come, and the pictures differ less from each other than those of real codes.
#
# The fitted codes bring all digits back, some of them rarely. But the judge is sure of fewer of their pictures than of the real ones.
#
# ### Why
#
# Nothing in the loss says where codes lie. It compares pictures and never looks at $\mathbf{z}$. The encoder may put its cloud anywhere, as large as it likes, as long as the decoder knows.
#
# This can be shown without any training. Stretch all codes tenfold and move them by 100, and let the decoder undo it. That takes a change in two layers, the last of the encoder and the first of the decoder:

# %%
moved = copy.deepcopy(net)
with torch.no_grad():
    moved.encoder[-1].weight *= 10
    moved.encoder[-1].bias.mul_(10).add_(100)
    moved.decoder[0].weight /= 10
    # W/10 times (10 z + 100) is W z plus ten times each row's sum: the bias takes that off.
    moved.decoder[0].bias -= 10 * net.decoder[0].weight.sum(dim=1)
moved_codes = encode(moved, test_vectors)
gap = (reconstruct(moved, probes) - snapshots[20]).abs().max().item()
print(f"error before ≈ {test_error:.3f} and after ≈ {error_on(moved, test_vectors):.3f}")
print(f"largest difference of a pixel ≈ {gap:.0e}")

# %% tags=["claim"]
# "Stretch all codes tenfold and move them by 100, and let the decoder undo it"
torch.testing.assert_close(moved_codes, 10 * test_codes + 100, rtol=1e-3, atol=1e-2)
assert abs(error_on(moved, test_vectors) - test_error) < 0.01
assert gap < 0.01

# %% [markdown]
# A standard normal distribution means nothing to such a net. Our random codes nearly all fell into one small spot, wherever that happened to be in the cloud:

# %%
inside = (codes.norm(dim=1) < 3).float().mean().item()
covered = (random_codes.norm(dim=1) < 3).float().mean().item()
print(f"within 3 of the origin: random codes ≈ {100 * covered:.0f} %")
print(f"                        training codes ≈ {100 * inside:.1f} %")

# %% tags=["claim"]
# "Our random codes nearly all fell into one small spot"
assert covered > 0.9
assert inside < 0.5

# %% [markdown]
# The fitted distribution repairs place and size, and is not enough either. The cloud is no ellipsoid. It has arms and holes. How far is it from a code to the nearest training code?


# %%
def to_nearest(z):
    """Mean distance from codes (n, 3) to the nearest training code."""
    return torch.cdist(z, codes, compute_mode=EXACT).amin(dim=1).mean().item()


near, far = to_nearest(test_codes[:1000]), to_nearest(fitted_codes[:1000])
print(f"to the nearest training code: test codes ≈ {near:.2f} fitted codes ≈ {far:.2f}")

# %% tags=["claim"]
# "For a fitted one the nearest is much further away on average"
assert far > 1.5 * near

# %% [markdown]
# A test code has a training code close by. For a fitted one the nearest is much further away on average. Some fall into the holes between the groups, and give pictures between the digits, as on the walks. Others fall outside the cloud, where the decoder overdraws: look for thin and for very hard outlines on the second sheet.
#
# So an autoencoder gives codes, and not a distribution of codes. There are two ways out. One can fit a distribution to the codes afterwards, with more than one ellipsoid: lesson 10 does that. Or one says beforehand what codes are to be drawn from, and learns encoder and decoder for it: lesson 5 finds the loss, and lesson 6 trains with it.
#
# Keep today's attempt, the pictures of the random codes, so that the lessons to come can be compared with it: they too will draw their codes from $\mathcal{N}(\mathbf{0}, I)$.

# %%
_ = results.save_samples(
    "autoencoder", results.Samples(drawings["random"], seconds, num_parameters)
)

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | sigmoid at the end, pictures in [-1, 1] | a grey background that never becomes black | let the last layer's range be that of the pixels: Tanh for [-1, 1] |
# | no Tanh at the end | pixels beyond white and black, worst for unusual codes | end with Tanh; check minimum and maximum |
# | reconstruction compared with another batch | the error stops at that of the mean picture | `loss(net(x), x)` with one and the same `x` |
# | error averaged over pixels, too | a loss 784 times smaller than everybody else's | sum over pixels, divide by `len(x)` |
# | error summed over the batch, too | a loss that doubles with the batch size | divide by `len(x)` |
# | ReLU behind a small code | no negative code numbers, and many that are 0 for every picture | leave the code linear |
# | a layer narrower than the code | a larger code that changes nothing | the code is the narrowest place |
# | denoiser trained against its noisy input | grey blotches, and a loss that stops at the noise's own 784 σ² | noise on the input, the clean picture as target |
# | shape of a transposed convolution off by one | an error about sizes 27 and 28 | compute (n − 1) · stride + kernel − 2 · padding before you run |
# | random codes taken for new digits | the same blurred shape again and again | draw codes where the training codes lie, or read lesson 6 |

# %% [markdown]
# ## What you can now do
#
# - Build an autoencoder from linear layers or convolutions, and derive each of its shapes.
# - Say what the reconstruction error measures, in which unit, and which error a lazy net reaches.
# - Show codes in space, decode them, walk between them, and measure where a walk leaves the digits.
# - Put PCA beside a net, and say when the net is worth it.
# - Clean noisy pictures, and explain why random codes fail.
#
# Lesson 5 asks what a code should look like so that you can draw from it, and answers with a theory that you can run.

# %% [markdown]
# ## References
#
# - P. Baldi, K. Hornik (1989). *Neural Networks and Principal Component Analysis: Learning from Examples Without Local Minima.* Neural Networks 2(1). [doi:10.1016/0893-6080(89)90014-2](https://doi.org/10.1016/0893-6080%2889%2990014-2)
# - G. E. Hinton, R. R. Salakhutdinov (2006). *Reducing the Dimensionality of Data with Neural Networks.* Science 313. [doi:10.1126/science.1127647](https://doi.org/10.1126/science.1127647)
# - P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol (2008). *Extracting and Composing Robust Features with Denoising Autoencoders.* ICML. [doi:10.1145/1390156.1390294](https://doi.org/10.1145/1390156.1390294)
# - V. Dumoulin, F. Visin (2016). *A Guide to Convolution Arithmetic for Deep Learning.* [arXiv:1603.07285](https://arxiv.org/abs/1603.07285)
