# %% [markdown]
# # 2 · An MLP reads handwritten digits
#
# Four layers of weighted sums learn to read handwriting. Here you build them, train them on 60,000 images, and look closely at what they still get wrong.
#
# **You will**
#
# - turn a picture into a vector, and feed a network in mini-batches without wasting time,
# - derive softmax and cross-entropy, and see why PyTorch wants scores and not probabilities,
# - train a network with 415,310 parameters and count its accuracy honestly,
# - compare three nets under one budget, and shorten training with a one-cycle rate,
# - find the most confident mistakes, and save the net as the judge of later lessons.
#
# **You need** Lesson 1, and from school: the exponential function, the logarithm, what a probability is, the product of two matrices, and for section 10 the standard deviation.
#
# **Time** About 110 minutes to read, with the exercises. All cells together run in about 100 seconds on two slow cores without a graphics card.

# %%
# %matplotlib inline
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
from ipywidgets import FloatLogSlider, interact
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, SequentialSampler, TensorDataset
from tqdm.auto import tqdm

from course_utils import data, plotting
from course_utils.device import pick_device, seed_everything
from course_utils.lessons import results
from course_utils.lessons.checks import lesson_02 as checks

plt.style.use(["default", "course_utils.course"])
SEED = 0

# %% tags=["nbval-ignore-output"]
# About this machine
device = pick_device()
print(f"PyTorch {torch.__version__} on {device}, {torch.get_num_threads()} threads")
_ = data.prepare("MNIST")

# %% [markdown]
# The last line says where the images come from. Without the internet (and with no copy on disk) you get stand-in images of the same form, and every figure says so.

# %% [markdown]
# ## 1 · A picture becomes a vector
#
# MNIST holds 70,000 grey pictures of digits, written by American census workers and high-school students. 60,000 are for training and 10,000 for testing. Each comes with its **label**, the digit it is meant to be.

# %%
train_set = data.load("MNIST", train=True)
test_set = data.load("MNIST", train=False)
CLASS_NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
print(f"{len(train_set)} training images, {len(test_set)} test images")

# %% tags=["figure"]
first = [train_set.targets.tolist().index(digit) for digit in range(10)]
pixels = train_set.data[first].float() / 127.5 - 1
fig = plotting.image_grid(pixels, titles=CLASS_NAMES, columns=10)
plotting.show(
    fig, alt="Ten handwritten digits from zero to nine, white on black, with their names."
)

# %% [markdown]
# An image comes out of the data set as a PIL picture, the common form for pictures in Python. NumPy turns it into a table of whole numbers.

# %%
image, label = train_set[0]
table = np.asarray(image)
print(type(image).__name__, image.size, "->", type(table).__name__, table.shape, table.dtype)

# %% [markdown]
# Look at a part of it: how dark is a small number?

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(10, 4.8))
for ax, part in zip(axes, (table, table[8:18, 8:20]), strict=True):
    ax.imshow(part, vmin=0, vmax=255)
    ax.grid(visible=False)
axes[0].add_patch(plt.Rectangle((7.5, 7.5), 12, 10, fill=False, color="#E69F00", linewidth=2))
for (row, column), value in np.ndenumerate(table[8:18, 8:20]):
    shade = "black" if value > 127 else "white"
    axes[1].text(column, row, value, ha="center", va="center", color=shade, fontsize=9)
axes[0].set(title="28 by 28 pixels")
_ = axes[1].set(title="the framed part, in numbers", xticks=[], yticks=[])
plotting.show(
    fig,
    alt="Left: a handwritten digit. Right: a part of it enlarged, with the number of each pixel "
    "written on it. Black pixels are 0, white ones near 255.",
)

# %% [markdown]
# 0 is black, 255 is white, and each number fills one byte (`uint8`). Our network wants something else: one row of numbers, small, in a range with 0 in its middle. Two steps do it.
#
# - **Scale.** $x/255$ lies in $[0, 1]$. Then $(x/255 - 0.5)/0.5$ lies in $[-1, 1]$: black is $-1$, white is $+1$.
# - **Flatten.** The 28 rows are laid one behind the other: $28 \cdot 28 = 784$ numbers.


# %%
def to_vector(image):
    """PIL picture -> (784,) in [-1, 1]."""
    x = np.asarray(image, dtype=np.float32) / 255
    x = (x - 0.5) / 0.5
    return torch.from_numpy(x.reshape(-1))


# %%
vector = to_vector(image)
print(tuple(vector.shape), vector.dtype)

# %% tags=["figure"]
fig, axes = plt.subplots(2, 1, figsize=(11, 4.6), height_ratios=[4, 1])
axes[0].plot(vector, linewidth=1)
axes[0].set(xlim=(0, 784), ylabel="value", title="One image as the network sees it")
axes[1].imshow(vector.expand(40, 784), aspect="auto", vmin=-1, vmax=1)
_ = axes[1].set(xlabel="position in the vector: row · 28 + column", yticks=[])
axes[1].grid(visible=False)
plotting.show(
    fig,
    alt="The image as a row of numbers: long stretches at the lowest value, "
    "and groups of peaks where a pixel row crosses the digit's stroke.",
)

# %% [markdown]
# Every peak is a stroke cut by one row of pixels. Pixels that lay one above the other now stand 28 places apart, and a linear layer treats all 784 places alike: which of them were neighbours, a network of this kind has to find out by itself.
#
# The helper `data.tensors` scales all images at once and does not flatten them. The shape is `(n, 1, 28, 28)`, with one dimension for the single colour. The net will flatten them itself.

# %%
train_images, train_labels = data.tensors(train_set)
test_images, test_labels = data.tensors(test_set)
train_images.shape, test_images.shape

# %% [markdown]
# The test images must be new to the network, or its marks mean nothing. So make sure: is any test image also among the training images?


# %%
def num_common(images, others):
    """How many of the images are, pixel for pixel, also among the others?"""
    known = {image.tobytes() for image in others.numpy()}
    return sum(image.tobytes() in known for image in images.numpy())


common = num_common(test_set.data, train_set.data)
print(f"test images that are also training images: {common} of {len(test_set):,}")

# %% [markdown]
# ### Exercise 2.1 · code: Back to a picture
#
# Write the way back: a vector of shape `(784,)` in $[-1, 1]$ becomes an array of shape `(28, 28)` and type `uint8`, with the whole numbers from 0 to 255 that it came from.
#
# <details><summary>Hint</summary>
#
# Undo the steps of `to_vector` in reverse order. A float such as 126.99999 has to become 127: round before you change the type.
#
# </details>


# %%
def to_picture(vector):
    """(784,) in [-1, 1] -> (28, 28) uint8."""
    ...


checks.to_picture(to_picture)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def to_picture(vector):
#     """(784,) in [-1, 1] -> (28, 28) uint8."""
#     grey = (vector * 0.5 + 0.5) * 255
#     return grey.round().to(torch.uint8).reshape(28, 28).numpy()
# ```
#
# Changing the type cuts the decimals off, so without `round()` many pixels end up one too dark.
#
# </details>

# %% [markdown]
# ## 2 · Mini-batches
#
# In lesson 1 every step used all 40 points. With 60,000 images that would be slow: one look at everything for one small step. Instead, take a **mini-batch** of 64 images, make a step, take the next 64. The gradient of a batch is a rough estimate of the true one, and good enough to walk by.
#
# PyTorch's `DataLoader` hands out such batches. It asks the data set for one image after the other (the data set applies the `transform` to each) and stacks them.

# %%
train_loader = DataLoader(
    data.load("MNIST", train=True, transform=to_vector), batch_size=64, shuffle=True
)
test_loader = DataLoader(data.load("MNIST", train=False, transform=to_vector), batch_size=128)

# %%
x, y = next(iter(train_loader))
print(f"images {tuple(x.shape)}, labels {tuple(y.shape)}")
sizes = [len(y) for _, y in test_loader]
print(f"{len(train_loader)} batches of 64; {len(sizes)} of 128, the last with {sizes[-1]} images")

# %% [markdown]
# `shuffle=True` gives a new order in every epoch, so that the batches differ each time. For the test images order does not matter.
#
# The last batches are smaller. 60,000 is 937 · 64 + 32, so the last of the 938 batches holds 32 images. And 10,000 is 78 · 128 + 16: the last test batch holds 16. Remember that for section 5.

# %% [markdown]
# ## 3 · A network
#
# A **linear layer** takes a vector $\mathbf{x}$ and makes weighted sums of its numbers, each with its own weights and its own bias:
#
# $$z_i = \sum_j W_{ij}\,x_j + b_i \qquad\text{or, for all } i \text{ at once,}\qquad \mathbf{z} = W\mathbf{x} + \mathbf{b}$$
#
# PyTorch keeps one row of $W$ per output. A batch `X` has one image per row, where the formula has $\mathbf{x}$ as a column. So $W$ is transposed: (64, 784) @ (784, 400) gives (64, 400), and `b` is added to every row: `X @ W.T + b`.
#
# Between two linear layers stands **ReLU**, $\max(0, z)$ for every number $z$: negative sums become 0. It looks harmless. In section 10 you will find out what the stack is worth without it.
#
# Ours has four linear layers, 784 → 400 → 200 → 100 → 10. The layers in the middle are called hidden, and a stack of this kind is a **multilayer perceptron** (MLP).


# %%
class DigitClassifier(nn.Module):
    """(batch, 784) or (batch, 1, 28, 28) in [-1, 1] -> (batch, 10) logits."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, 400),
            nn.ReLU(),
            nn.Linear(400, 200),
            nn.ReLU(),
            nn.Linear(200, 100),
            nn.ReLU(),
        )
        self.head = nn.Linear(100, 10)

    def forward(self, x):
        return self.head(self.features(x))


# %% [markdown]
# `nn.Sequential` passes its input through a list of layers. We keep the last layer apart: `features` turns an image into 100 numbers that describe it, `head` turns these into ten **scores**, one for each digit. The highest score is the answer. Such raw scores, of any size and sign, are called **logits**.

# %%
seed_everything(SEED)
net = DigitClassifier().to(device)
logits = net(x.to(device))
num_parameters = sum(parameter.numel() for parameter in net.parameters())
print(f"logits {tuple(logits.shape)}, {num_parameters:,} parameters")

# %% [markdown]
# A layer has a weight for each pair of an input and an output, and a bias for each output:
#
# $$(784\cdot400 + 400) + (400\cdot200 + 200) + (200\cdot100 + 100) + (100\cdot10 + 10) = 415{,}310$$
#
# Lesson 1 had two parameters. This net has 415,310, and the loop that trains it is the same.

# %% [markdown]
# ## 4 · From scores to a loss
#
# ### Softmax: scores become probabilities
#
# From ten scores $z_1, \dots, z_{10}$ we want ten probabilities: positive, and 1 in total. The exponential function makes anything positive. Dividing by the sum makes the total 1:
#
# $$p_i = \frac{e^{z_i}}{\sum_k e^{z_k}}$$
#
# <details><summary>Derivation: why the exponential, and not something else that is positive</summary>
#
# Ask for one thing: a fixed lead in score shall always mean the same odds. If class $i$ is one point ahead of class $j$, then $p_i/p_j$ shall be the same number, wherever the two stand. Odds multiply (three times as likely, and three times again) while leads add up. The function that turns sums into products is the exponential. With the natural choice of scale,
#
# $$\frac{p_i}{p_j} = e^{z_i - z_j} \quad\text{for all } i, j.$$
#
# Solve for $p_i$: it equals $e^{z_i}\cdot\left(p_j\,e^{-z_j}\right)$. The bracket does not contain $i$, so it is the same number $c$ for every class: $p_i = c\,e^{z_i}$. The total must be 1, so $c \sum_k e^{z_k} = 1$, and $c = 1/\sum_k e^{z_k}$. That is softmax.
#
# </details>
#
# In code, for a batch: one row per image, so the sum runs along `dim=1`. `keepdim=True` keeps it as a column, (batch, 1), which is stretched over its row (broadcasting, lesson 1).


# %%
def naive_softmax(logits):  # (batch, classes) -> (batch, classes)
    weights = logits.exp()
    return weights / weights.sum(dim=1, keepdim=True)


# %%
scores = torch.tensor([[2.0, 1.0, 0.0, -1.0], [2.0, 1.0, 0.0, 2.0]])  # two images, four classes
print("by hand", naive_softmax(scores)[0])
print("PyTorch", torch.softmax(scores, dim=1)[0])

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(9, 3), sharey=True)
for ax, row, p in zip(axes, scores, naive_softmax(scores), strict=True):
    plotting.probability_bars(p, [f"{z:g}" for z in row], ax=ax)
    ax.set(xlabel="score")
plotting.show(
    fig,
    alt="Probabilities from four scores, twice. Each point of score less divides the bar by the "
    "same factor; two equal scores give two equal bars.",
)

# %% [markdown]
# PyTorch's `softmax` gives the same numbers. Of two classes in one picture, the one with one point less of score is less probable by a factor $e \approx 2.72$, always. On the right the last class has caught up with the first, and all the others have less than before, though their scores are the same: a probability depends on all scores, not on one.

# %% [markdown]
# ### Cross-entropy: how wrong are the probabilities?
#
# Say $y$ is the right class of an image. Then $p_y$ is the probability that the net gave to the truth, and the loss of this image is
#
# $$\ell = -\log p_y .$$
#
# It is 0 when the net was sure and right ($p_y = 1$), and grows without limit as $p_y$ goes to 0. ($\log$ is the natural logarithm here, as everywhere in PyTorch.) The loss of a batch is the mean over its images.
#
# <details><summary>Derivation: from likelihood to cross-entropy</summary>
#
# How probable is it, according to the net, that $n$ images carry just the labels $y^{(1)}, \dots, y^{(n)}$? The images are independent, so the probabilities multiply ($\prod$ is to a product what $\sum$ is to a sum):
#
# $$\prod_{i=1}^{n} p^{(i)}_{y^{(i)}}$$
#
# This is the **likelihood** of the data. A good net makes it large. A product of 60,000 numbers below 1 is soon too small for a floating-point number, so take the logarithm: it grows whenever its argument grows, and turns the product into a sum. Divide by $n$, and turn the sign round, because optimisers look for a minimum:
#
# $$L = -\frac1n \sum_{i=1}^{n} \log p^{(i)}_{y^{(i)}}$$
#
# The name comes from information theory. The **cross-entropy** of two distributions $t$ and $p$ over the classes is $H(t, p) = -\sum_k t_k \log p_k$. Let $t$ be the truth about one image, that is 1 for its class $y$ and 0 for all others (a **one-hot** vector). All terms of the sum vanish but one, and $-\log p_y$ remains.
#
# </details>
#
# <details><summary>Derivation: the gradient is probability minus truth</summary>
#
# Put softmax into the loss: $\ell = -\log p_y = -z_y + \log \sum_k e^{z_k}$. Take the derivative with respect to one score $z_j$. The first term gives $-1$ if $j = y$ and 0 otherwise, in short $-t_j$ with the one-hot vector $t$. The second gives, by the chain rule, $e^{z_j} / \sum_k e^{z_k} = p_j$. Together:
#
# $$\frac{\partial \ell}{\partial z_j} = p_j - t_j$$
#
# The score of the right class is pushed up by what its probability lacks to 1, every other score is pushed down by its probability. The steep $1/p_y$ from the logarithm has cancelled: however wrong the net is, the slope for every score lies between $-1$ and $1$.
#
# </details>
#
# The last derivation says: the gradient of one image's loss with respect to its scores is $p - t$, where $t$ is 1 for the right class and 0 for the others. Test it against autograd. (`reduction="sum"` adds the losses up. With the usual mean every gradient would be divided by 5, the number of images.)

# %%
z = torch.randn(5, 10, requires_grad=True)
y = torch.tensor([3, 1, 4, 1, 5])
nn.functional.cross_entropy(z, y, reduction="sum").backward()
truth = nn.functional.one_hot(y, num_classes=10)
print(f"largest difference ≈ {(z.grad - (z.softmax(dim=1) - truth)).abs().max():.0e}")

# %% tags=["claim"]
# "the gradient of one image's loss with respect to its scores is p - t"
torch.testing.assert_close(z.grad, (z.softmax(dim=1) - truth).detach())

# %% [markdown]
# ### Two classes: binary cross-entropy
#
# With only two classes one score is enough. Give class 0 the score 0 and class 1 the score $x$. Softmax then gives class 1 the probability
#
# $$\sigma(x) = \frac{e^{x}}{e^{0} + e^{x}} = \frac{1}{1 + e^{-x}},$$
#
# the **sigmoid**, and class 0 the rest, $1 - \sigma(x)$. With a label $y$ that is 0 or 1, the cross-entropy can be written in one line:
#
# $$\ell = -\,y \log \sigma(x) - (1 - y) \log\bigl(1 - \sigma(x)\bigr)$$
#
# This is the **binary cross-entropy**. It is the same loss, for two classes, and PyTorch has a function for it:

# %%
x = torch.linspace(-4, 4, 9)
y = torch.tensor([0, 1, 0, 1, 0, 1, 0, 1, 0])
by_hand = -(y * x.sigmoid().log() + (1 - y) * (1 - x.sigmoid()).log()).mean()
two_scores = torch.stack([torch.zeros(9), x], dim=1)  # (9, 2)
print(f"by hand                            {by_hand:.4f}")
print(f"cross_entropy, scores 0 and x      {nn.functional.cross_entropy(two_scores, y):.4f}")
built_in = nn.functional.binary_cross_entropy_with_logits(x, y.float())
print(f"binary_cross_entropy_with_logits   {built_in:.4f}")

# %% [markdown]
# ### Why PyTorch wants logits
#
# `nn.CrossEntropyLoss` takes scores and applies softmax itself. Why not let the net end with softmax, and take the logarithm afterwards? Because of this:

# %%
large = torch.tensor([[1000.0, 0.0, -1000.0]])
print(naive_softmax(large))
print(naive_softmax(torch.tensor([[0.0, -200.0]])).log())

# %% [markdown]
# The first line holds `nan`, "not a number". A 32-bit number ends at about $3.4 \cdot 10^{38}$, which is $e^{88.7}$, so $e^{1000}$ is `inf`, and `inf / inf` is `nan`. The second line holds `-inf`: $e^{-200}$ is too small and becomes 0, and the logarithm of 0 is minus infinity. The right answer is simply $-200$. One `nan` in the loss, and after the next step every parameter is `nan`.
#
# The cure costs one subtraction. Let $m$ be the largest score of a row. Multiply numerator and denominator of softmax by $e^{-m}$, which changes nothing:
#
# $$p_i = \frac{e^{z_i - m}}{\sum_k e^{z_k - m}}$$
#
# Now the largest exponent is 0, and nothing can overflow. (`max(dim=1)` returns the largest values and where they stand; `.values` takes the first.)


# %%
def softmax(logits):  # (batch, classes) -> (batch, classes)
    m = logits.max(dim=1, keepdim=True).values
    return naive_softmax(logits - m)


softmax(large)

# %% [markdown]
# The loss needs $\log p_y$. There the same $m$ comes out of the logarithm, and no probability is ever computed, so none can become 0:
#
# $$-\log p_y = \log \sum_k e^{z_k} - z_y \qquad\text{with}\qquad \log \sum_k e^{z_k} = m + \log \sum_k e^{z_k - m}$$
#
# This way of summing is called **log-sum-exp**, in PyTorch `torch.logsumexp`. It works only as long as the scores are at hand. That is why `CrossEntropyLoss` wants logits. Here is the case that gave `-inf`:

# %%
nn.functional.cross_entropy(torch.tensor([[0.0, -200.0]]), torch.tensor([1]))

# %% [markdown]
# ### Exercise 2.2 · predict: A net that knows nothing
#
# An untrained net gives all ten digits about the same probability. How large is its cross-entropy? Choose before you compute: `"0.1"`, `"1.0"`, `"2.3"` or `"10.0"`.
#
# <details><summary>Hint</summary>
#
# Which $p_y$ does the right class get? Put it into $-\log p_y$.
#
# </details>

# %%
prediction = None  # your answer
checks.untrained_loss(prediction)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# prediction = "2.3"
# ```
#
# $-\log\frac1{10} = \log 10 = 2.303$. It is the first number to look for when training starts. A first loss far from it says that something is wrong before anything was learned.
#
# </details>

# %% [markdown]
# ### Exercise 2.3 · code: Cross-entropy from logits
#
# Write the loss of a batch from its logits `(batch, classes)` and labels `(batch,)`: one number, right for scores of any size, through which a gradient can flow. Use no loss, softmax or `logsumexp` of PyTorch.
#
# <details><summary>Hint</summary>
#
# The formula for $-\log p_y$ stands above. `logits[torch.arange(len(labels)), labels]` picks the score of the right class in every row.
#
# </details>


# %%
def cross_entropy(logits, labels):
    """Mean of -log p_y over the batch."""
    ...


checks.cross_entropy(cross_entropy)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def cross_entropy(logits, labels):
#     """Mean of -log p_y over the batch."""
#     m = logits.max(dim=1, keepdim=True).values
#     log_sum_exp = m[:, 0] + (logits - m).exp().sum(dim=1).log()
#     right = logits[torch.arange(len(labels)), labels]
#     return (log_sum_exp - right).mean()
# ```
#
# The sum inside the logarithm is at least 1, because the largest score contributes $e^0$. So the logarithm is never that of 0.
#
# </details>

# %% [markdown]
# ## 5 · The training loop
#
# The five lines of lesson 1 now run once for every batch. What is new is the bookkeeping. The loss of a batch is a mean, so we multiply it by the number of images before adding up. And we count right answers: `argmax` finds the highest score of each row.
#
# This is one epoch, in full, with the ordinary `DataLoader`. `tqdm` draws a progress bar.

# %%
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
net.train()
total_loss, correct, seen = 0.0, 0, 0

for x, y in (progress := tqdm(train_loader)):
    x, y = x.to(device), y.to(device)  # (64, 784), (64,)
    logits = net(x)  # 1. forward, (64, 10)
    loss = loss_fn(logits, y)  # 2. loss
    optimizer.zero_grad()  # 3. forget the old gradients
    loss.backward()  # 4. backward
    optimizer.step()  # 5. change the parameters

    if seen == 0:
        first_loss = loss.item()
    total_loss += loss.item() * len(y)
    correct += (logits.argmax(dim=1) == y).sum().item()
    seen += len(y)
    progress.set_postfix(loss=f"{loss.item():.3f}", refresh=False)

print(f"first batch: loss ≈ {first_loss:.3f}")
print(f"epoch:       loss ≈ {total_loss / seen:.3f}, accuracy ≈ {100 * correct / seen:.1f} %")

# %% tags=["claim"]
# "The first loss was 2.3, as for a net that knows nothing."
assert abs(first_loss - np.log(10)) < 0.2

# %% [markdown]
# The first loss was 2.3, as for a net that knows nothing. The accuracy of an epoch is counted while the net learns, so it mixes the first helpless batches with the last good ones.
#
# From here on the loop is a function. It takes one more argument, a **scheduler**, the cure for the bouncing line in lesson 1. If one is given, it changes the learning rate after every step.


# %%
def train_epoch(net, batches, loss_fn, optimizer, scheduler=None):
    """Learn from every batch once; return mean loss and accuracy on the way."""
    net.train()
    total_loss, correct, seen = 0.0, 0, 0
    for x, y in batches:
        x, y = x.to(device), y.to(device)
        logits = net(x)
        loss = loss_fn(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        total_loss += loss.item() * len(y)
        correct += (logits.argmax(dim=1) == y).sum().item()
        seen += len(y)
    return total_loss / seen, correct / seen


# %% [markdown]
# Its quiet sister looks and does not learn: evaluation mode, no gradients, no steps.


# %%
def evaluate(net, batches, loss_fn):
    """Return mean loss and accuracy; change nothing."""
    net.eval()
    total_loss, correct, seen = 0.0, 0, 0
    with torch.inference_mode():
        for x, y in batches:
            x, y = x.to(device), y.to(device)
            logits = net(x)
            total_loss += loss_fn(logits, y).item() * len(y)
            correct += (logits.argmax(dim=1) == y).sum().item()
            seen += len(y)
    return total_loss / seen, correct / seen


# %%
_, accuracy = evaluate(net, test_loader, loss_fn)
print(f"after one epoch: test accuracy ≈ {100 * accuracy:.1f} %")

# %% [markdown]
# ### Count, do not average
#
# A common shortcut computes the accuracy of each batch and takes the mean of these numbers. It is not the accuracy. The last test batch holds 16 images, and in that mean each of them weighs eight times as much as any other.
#
# How much can that matter? Take the same net and the same 10,000 images, but put those that it gets wrong at the end, so that the last 16 are all wrong. (`data.batches` hands out tensors in batches; section 6 shows how.)


# %%
def mean_of_batches(net, batches):  # the shortcut, for comparison only
    net.eval()
    with torch.inference_mode():
        right = [(net(x.to(device)).argmax(dim=1).cpu() == y).float().mean() for x, y in batches]
    return torch.stack(right).mean().item()


# %%
with torch.inference_mode():
    wrong = net(test_images.to(device)).argmax(dim=1).cpu() != test_labels
order = wrong.int().argsort(stable=True)  # the right ones first, the wrong ones last
reordered = data.batches(test_images[order], test_labels[order], batch_size=128)

# %%
_, counted = evaluate(net, reordered, loss_fn)
print(f"counted: ≈ {100 * accuracy:.2f} % and, reordered, ≈ {100 * counted:.2f} %")
shortcut, moved = mean_of_batches(net, test_loader), mean_of_batches(net, reordered)
print(f"mean of batches: ≈ {100 * shortcut:.2f} % and, reordered, ≈ {100 * moved:.2f} %")

# %% tags=["claim"]
# "The count does not change. The shortcut falls by almost a whole percentage point"
assert counted == accuracy
assert 0.005 < shortcut - moved < 0.015

# %% [markdown]
# The count does not change. The shortcut falls by almost a whole percentage point, with the same net on the same images. Count what is right and divide once.

# %% [markdown]
# ### Exercise 2.4 · find the bug: An unreliable accuracy
#
# This function has two faults. One makes the result depend on how the images fall into batches, the other on whether the net has just been trained. (`batches` is any list of pairs `(x, y)`.)
#
# ```python
# def accuracy(net, batches):
#     total = 0.0
#     with torch.inference_mode():
#         for x, y in batches:
#             total += (net(x).argmax(dim=1) == y).float().mean().item()
#     return total / len(batches)
# ```
#
# Mend it.
#
# <details><summary>Hint</summary>
#
# For the first, see above. For the second, think of layers such as dropout that behave differently in training (lesson 1, section 5).
#
# </details>


# %%
def mended_accuracy(net, batches):
    """Return the share of right answers over all images."""
    ...


checks.mended_accuracy(mended_accuracy)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def mended_accuracy(net, batches):
#     """Return the share of right answers over all images."""
#     net.eval()
#     correct, seen = 0, 0
#     with torch.inference_mode():
#         for x, y in batches:
#             correct += (net(x).argmax(dim=1) == y).sum().item()
#             seen += len(y)
#     return correct / seen
# ```
#
# `inference_mode` switches gradients off, and nothing else. Dropout and batch normalisation listen to `eval()`.
#
# </details>

# %% [markdown]
# ## 6 · Where the time goes
#
# The `DataLoader` calls `to_vector` 60,000 times an epoch, once per image, and stacks the results. But all images fit into memory as one tensor, and we already have it. Then a batch is a single indexing operation, `images[indices]`.
#
# Three lines make such a loader. The sampler hands out the indices of a whole batch, and `batch_size=None` tells `DataLoader` to pass them on as they are. Does it give the same batches? Compare the two on the test images, which are not shuffled.

# %%
pairs = TensorDataset(test_images, test_labels)
sampler = BatchSampler(SequentialSampler(pairs), batch_size=128, drop_last=False)
fast_loader = DataLoader(pairs, sampler=sampler, batch_size=None)

same = sum(
    torch.equal(x, x_fast.flatten(1)) and torch.equal(y, y_fast)
    for (x, y), (x_fast, y_fast) in zip(test_loader, fast_loader, strict=True)
)
print(f"{same} of {len(test_loader)} batches are the same")

# %% [markdown]
# `data.batches` is our name for the three lines (with `shuffle=True` it takes a `RandomSampler` instead). On two slow cores 10,000 images were loaded in 0.02 s instead of 0.35 s, and an epoch of training with them took 0.2 s instead of 0.7 s. So most of the time was Python, called once for each image, and not the network.
#
# This works as long as the data fits into memory. Where it does not, the ordinary `DataLoader` with several worker processes is the right tool.

# %% [markdown]
# ## 7 · Twenty epochs
#
# The whole training is a function as well: epochs of learning, each followed by a look at the test images. It keeps what it saw.


# %%
def fit(net, num_epochs, optimizer, scheduler=None):
    """Train on train_batches, look at test_batches; return losses and accuracies of every epoch."""
    history = {"train loss": [], "train accuracy": [], "test loss": [], "test accuracy": []}
    for _ in (progress := tqdm(range(num_epochs))):
        train = train_epoch(net, train_batches, loss_fn, optimizer, scheduler)
        test = evaluate(net, test_batches, loss_fn)
        for name, value in zip(history, (*train, *test), strict=True):
            history[name].append(value)
        progress.set_postfix(loss=f"{train[0]:.4f}")
    return history


# %% [markdown]
# SGD with a rate of 0.1, batches of 64, twenty epochs. With a fixed rate the net would jump about to the end, like the line of lesson 1. So the rate stays at 0.1 for ten epochs only (numbers 0 to 9), and then falls in a straight line to 0. At every step `LambdaLR` sets the rate to the initial 0.1 times what our function returns: `2 - step / (10 * steps)` is 1 after ten epochs and 0 after twenty, and `min` holds it at 1 before that.

# %%
seed_everything(SEED)
train_batches = data.batches(train_images, train_labels, batch_size=64, shuffle=True)
test_batches = data.batches(test_images, test_labels, batch_size=1000)
steps = len(train_batches)  # in one epoch

classifier = DigitClassifier().to(device)
optimizer = torch.optim.SGD(classifier.parameters(), lr=0.1)
scheduler = torch.optim.lr_scheduler.LambdaLR(
    optimizer, lambda step: min(1, 2 - step / (10 * steps))
)
history = fit(classifier, 20, optimizer, scheduler)

# %%
for epoch in (0, 4, 9, 14, 19):
    train_loss, train_acc, test_loss, test_acc = (values[epoch] for values in history.values())
    print(f"epoch {epoch:2d} · train: loss ≈ {train_loss:.4f}, accuracy ≈ {100 * train_acc:.2f} %")
    print(f"           test: loss ≈ {test_loss:.4f}, accuracy ≈ {100 * test_acc:.2f} %")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(12, 4.2))
for ax, kind in zip(axes, ("loss", "accuracy"), strict=True):
    pair = {name: history[f"{name} {kind}"] for name in ("train", "test")}
    plotting.curves(pair, ax=ax, ylabel=kind)
    ax.axvline(9.5, color="grey", linewidth=1)
    ax.set(xticks=range(0, 20, 5))
axes[0].set_yscale("log")
_ = axes[1].set(ylim=(0.9, 1.003))
plotting.show(
    fig,
    alt="Loss and accuracy for training and test images over 20 epochs. Left of a vertical line, "
    "while the rate is large, the curves jump up and down. Right of it, where the rate falls, they "
    "become calm: training goes on improving, the test curves gain a little and stay level.",
)

# %% [markdown]
# Read the four curves from left to right. At the very start the test curves are the better ones: the training numbers are counted on the way, while the net was still worse. In the first epochs all improve on the whole, but they jump. The large rate is at work, as in lesson 1, and a few unlucky batches can throw the net back for a whole epoch (an accuracy below 90 % falls out of the picture). Right of the vertical line, where the rate falls, the jumps die away, and the test curves gain once more before they become level. The training loss goes on towards 0: the net begins to know its 60,000 images by heart, and that helps less and less with new ones. The gap between the curves is a sign of **overfitting**.

# %% tags=["claim"]
# "where the rate falls, the jumps die away, and the test curves gain once more"
before, after = history["test accuracy"][5:10], history["test accuracy"][17:]
assert max(after) - min(after) < (max(before) - min(before)) / 2
assert min(after) > np.mean(before)
assert history["train loss"][-1] < history["test loss"][-1] / 2  # "The gap between the curves"
assert history["train accuracy"][0] < history["test accuracy"][0]  # "At the very start ..."

# %%
test_accuracy = history["test accuracy"][-1]
right = round(10_000 * test_accuracy)
train_accuracy = evaluate(classifier, train_batches, loss_fn)[1]
print(f"test images:     ≈ {right} of 10,000 are right, ≈ {100 * test_accuracy:.2f} %")
print(f"training images: ≈ {100 * train_accuracy:.2f} % are right")

# %% tags=["claim"]
# "More than 98 of 100 handwritten digits are read correctly."
if not data.standin_in_use():
    assert test_accuracy > 0.98

# %% [markdown]
# More than 98 of 100 handwritten digits are read correctly. (The stand-in images are harder.)
#
# The log has slightly fewer right training images than the last line, which counts them after the training and not on the way. These two accuracies also guard our honesty. A net that has learned its training images by heart does better on them than on new ones. If it did just as well on the test images, we would have to suspect that some of them had slipped into the training.

# %% tags=["claim"]
# "A net that has learned its training images by heart does better on them than on new ones."
assert train_accuracy > 0.99
assert 1 - train_accuracy < (1 - test_accuracy) / 2

# %% [markdown]
# ## 8 · What it gets wrong
#
# One number hides a lot. Which digits are confused with which? The **confusion matrix** counts: a row for each true class, a column for each answer.

# %%
classifier.eval()
with torch.inference_mode():
    test_logits = classifier(test_images.to(device)).cpu()  # (10000, 10)
predictions = test_logits.argmax(dim=1)

matrix = torch.zeros(10, 10, dtype=torch.long)
for truth, answer in zip(test_labels.tolist(), predictions.tolist(), strict=True):
    matrix[truth, answer] += 1

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7, 6.4))
plotting.confusion_matrix(matrix, CLASS_NAMES, ax=ax)
plotting.show(
    fig,
    alt="Confusion matrix of the test images: large counts on the diagonal, where the answer is "
    "right; beside it mostly small ones, with a few pairs of digits that stand out.",
)

# %% tags=["claim"]
# "a row for each true class, a column for each answer"
assert torch.equal(matrix.sum(dim=1), test_labels.bincount())
assert torch.equal(matrix.sum(dim=0), predictions.bincount(minlength=10))

# %% [markdown]
# Only mistakes are shaded, so the diagonal, in bold, stays pale. Many of the dark squares are pairs of digits that share strokes. Find the darkest one (row: the truth, column: the answer), and think how one of the two is drawn when the pen slips.
#
# Now the mistakes themselves, and not just any: those where the net was most certain. Softmax gives the probability of its answer, its **confidence**.

# %%
confidence = softmax(test_logits).max(dim=1).values  # (10000,)
mistakes = (predictions != test_labels).nonzero()[:, 0]
worst = mistakes[confidence[mistakes].argsort(descending=True)][:16]
very_sure = (confidence[mistakes] > 0.99).sum()
print(f"≈ {very_sure} of ≈ {len(mistakes)} mistakes were made with more than 99 % confidence")

# %% tags=["figure"]
titles = [
    f"{100 * confidence[i]:.2f} % {CLASS_NAMES[predictions[i]]}\ntruth: {CLASS_NAMES[test_labels[i]]}"
    for i in worst
]
fig = plotting.image_grid(test_images[worst], titles=titles, columns=8)
fig.set_size_inches(13, 4.2)
plotting.show(
    fig,
    alt="The sixteen most confident mistakes, each with the net's answer, its confidence and the "
    "true digit. Several are hard to read for people too.",
)

# %% tags=["claim"]
# "the net is wrong with more than 99 % confidence"
assert very_sure >= 5

# %% [markdown]
# Some of these you would misread yourself. Others are clear, and the net is wrong with more than 99 % confidence. A softmax output is a number between 0 and 1 that was trained to be large for the right class, on the training images. Whether it deserves to be called a probability is another question. The next section asks it.

# %% [markdown]
# ## 9 · Temperature: how sure is sure?
#
# Divide all scores by one number $T > 0$, the **temperature**, before softmax:
#
# $$p_i(T) = \frac{e^{z_i / T}}{\sum_k e^{z_k / T}}$$
#
# With $T = 1$ it is softmax as before. What do you expect for $T$ near 0, and for a very large $T$? Try it on a test image about which the net is in some doubt (the picture on the left).

# %%
doubtful = (confidence - 0.7).abs().argmin()


def at_temperature(temperature):
    return softmax(test_logits[doubtful][None] / temperature)[0]


# %% tags=["figure", "nbval-ignore-output"]
def draw_temperature(temperature, ax):
    plotting.probability_bars(at_temperature(temperature), range(10), ax=ax)
    ax.set(title=f"T = {temperature:.3g}", xlabel="digit")


def with_temperature(temperature):
    fig, axes = plt.subplots(1, 2, figsize=(8, 3), width_ratios=[1, 2])
    axes[0].imshow(test_images[doubtful, 0])
    axes[0].axis("off")
    draw_temperature(temperature, axes[1])
    plotting.show(fig, alt=f"A doubtful digit and its ten probabilities at T = {temperature:.3g}.")


_ = interact(
    with_temperature,
    temperature=FloatLogSlider(
        1, min=-1, max=2, step=0.05, description="T", continuous_update=False
    ),
)

# %% [markdown]
# Four settings of the slider, side by side:

# %% tags=["figure"]
fig, axes = plt.subplots(1, 5, figsize=(14, 3))
axes[0].imshow(test_images[doubtful, 0])
axes[0].axis("off")
axes[0].set_title(f"truth: {CLASS_NAMES[test_labels[doubtful]]}")
for ax, temperature in zip(axes[1:], (0.1, 1, 5, 100), strict=True):
    draw_temperature(temperature, ax)
    ax.set(ylim=(0, 1.03), ylabel="")
    ax.tick_params(labelleft=ax is axes[1])
axes[1].set_ylabel("probability")
plotting.show(
    fig,
    alt="A doubtful digit and its ten probabilities at four temperatures. Cold: one bar takes "
    "everything. At one: a leader and its rivals. Warm: flatter. Very hot: ten nearly equal bars.",
)

# %% tags=["claim"]
# "Temperature changes how certain the net sounds, and never what it answers"
for temperature in (0.1, 1, 10):
    assert torch.equal((test_logits / temperature).argmax(dim=1), predictions)
assert at_temperature(0.01).max() > 0.95  # "the highest score takes everything"
assert at_temperature(1000).max() < 0.15  # "all digits equally likely"

# %% [markdown]
# Near $T = 0$ the highest score takes everything; for a very large $T$ all scores are nearly 0, and all digits equally likely. Temperature changes how certain the net sounds, and never what it answers: dividing by a positive number keeps the order of the scores.
#
# So which temperature is honest? A net that says "99 %" on many images should be right on 99 % of them. Compare its mean confidence with its accuracy, both on the test images.
#
# Then choose $T$ so that the loss on one half of the test images is lowest (the loss punishes too much certainty as well as too little), and look whether it helps on the other half. (The half that chooses must not judge. That is what a validation set is for.)

# %%
half, other = slice(0, None, 2), slice(1, None, 2)
temperatures = torch.arange(0.5, 3, 0.05)


def loss_at(temperature, part):
    return loss_fn(test_logits[part] / temperature, test_labels[part]).item()


best = min(temperatures, key=lambda T: loss_at(T, half)).item()
answers = softmax(test_logits[other] / best).max(dim=1)
sounds = {"T = 1": confidence[other].mean().item(), "best T": answers.values.mean().item()}
is_right = (answers.indices == test_labels[other]).float().mean().item()
print(f"best temperature on one half ≈ {best:.2f}")
print(f"loss on the other half ≈ {loss_at(1, other):.4f}, with it ≈ {loss_at(best, other):.4f}")
for name, sure in sounds.items():
    print(f"{name:6}: confidence ≈ {100 * sure:.2f} %, accuracy ≈ {100 * is_right:.2f} %")

# %% tags=["claim"]
# "The net sounds surer than its accuracy allows, and a temperature above 1 makes it more honest"
assert sounds["T = 1"] > is_right
assert best > 1
assert loss_at(best, other) < loss_at(1, other)
assert abs(sounds["best T"] - is_right) < sounds["T = 1"] - is_right

# %% [markdown]
# The net sounds surer than its accuracy allows, and a temperature above 1 makes it more honest without changing one answer: confidence and accuracy come together. Modern networks are overconfident in just this way (Guo et al., 2017).

# %% [markdown]
# ### Exercise 2.5 · experiment: Half a chance
#
# A net gives three classes the scores 5, 3 and 0. At $T = 1$ the first class gets 88 %. At which temperature does it get 50 %? Find a value that hits it within one percentage point.
#
# <details><summary>Hint</summary>
#
# `softmax(torch.tensor([[5.0, 3.0, 0.0]]) / temperature)`. Warmer means flatter. Try a few values in a cell of your own.
#
# </details>

# %%
temperature = None  # your number
checks.half_a_chance(temperature)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# temperature = 4.7
# ```
#
# $e^{5/4.7} = 2.90$, $e^{3/4.7} = 1.89$ and $e^0 = 1$: the first is half of 5.79. Two rivals share the other half, and that takes a good deal of heat.
#
# </details>

# %% [markdown]
# ## 10 · Three nets, one budget
#
# Which part of the net does the work? Train three nets of the same widths with the same rate, for three epochs each, in batches of 128 (with 0.05 for all three; each might do better with a rate of its own):
#
# - **linear**: the four linear layers and nothing between them,
# - **ReLU**: our net,
# - **ReLU and batch normalisation**: linear → batch normalisation → ReLU.
#
# **Batch normalisation** takes one output of a layer over all images of a batch, subtracts its mean $\mu$ and divides by its standard deviation $\sigma$ (this time not the sigmoid). Then it scales and shifts the result by two learned numbers $\gamma$ and $\beta$:
#
# $$\hat z = \frac{z - \mu}{\sqrt{\sigma^2 + \varepsilon}}, \qquad z' = \gamma\,\hat z + \beta$$
#
# ($\varepsilon = 10^{-5}$ avoids a division by 0.) Every layer then receives numbers of a well-behaved size, however the layers before it change. In evaluation there may be no batch to average over, so `eval()` switches to running averages of $\mu$ and $\sigma$ collected during training.

# %% [markdown]
# ### Exercise 2.6 · predict: Four layers without ReLU
#
# Leave out the three ReLUs. What can the four linear layers, trained together, learn at best? `"a"`: as much as the net with ReLU, only slower. `"b"`: as much as a single linear layer. `"c"`: nothing.
#
# <details><summary>Hint</summary>
#
# Write two layers as one formula: $W_2(W_1\mathbf{x} + \mathbf{b}_1) + \mathbf{b}_2$. Multiply out. What kind of function of $\mathbf{x}$ is it?
#
# </details>

# %%
prediction = None  # your answer
checks.without_relu(prediction)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# prediction = "b"
# ```
#
# $W_2W_1\mathbf{x} + (W_2\mathbf{b}_1 + \mathbf{b}_2)$ is a linear layer again, with the matrix $W_2W_1$. Any number of them collapses into one.
#
# </details>


# %%
def make_net(activation, normalise):
    layers = [nn.Flatten()]
    for n_in, n_out in pairwise((784, 400, 200, 100)):
        layers.append(nn.Linear(n_in, n_out))
        if normalise:
            layers.append(nn.BatchNorm1d(n_out))
        if activation:
            layers.append(nn.ReLU())
    return nn.Sequential(*layers, nn.Linear(100, 10)).to(device)


# %%
train_batches = data.batches(train_images, train_labels, batch_size=128, shuffle=True)
variants, reached = {}, {}
for name, activation, normalise in [
    ("linear", False, False),
    ("ReLU", True, False),
    ("ReLU + batch norm", True, True),
]:
    seed_everything(SEED)
    variants[name] = make_net(activation, normalise)
    optimizer = torch.optim.SGD(variants[name].parameters(), lr=0.05)
    reached[name] = fit(variants[name], 3, optimizer)["test accuracy"]
    print(f"{name:17} " + " ".join(f"≈ {100 * value:.1f} %" for value in reached[name]))

# %% tags=["figure"]
fig, ax = plt.subplots()
plotting.curves(reached, ax=ax, ylabel="test accuracy", title="Same widths, same batches")
_ = ax.set(xticks=range(3))
plotting.show(
    fig,
    alt="Test accuracy after each of three epochs: batch normalisation on top from the first "
    "epoch; ReLU starts near the linear stack and leaves it behind.",
)

# %% tags=["claim"]
# "The linear stack falls behind"; "Batch normalisation gets further with the same number of images,
# above all in the first epoch."
linear_net, relu_net, norm_net = reached.values()
assert linear_net[-1] < relu_net[-1] < norm_net[-1]
assert norm_net[0] - relu_net[0] > norm_net[-1] - relu_net[-1]
if not data.standin_in_use():
    assert linear_net[-1] < 0.93  # "after three epochs it is still below 93 %"

# %% [markdown]
# The linear stack falls behind: after three epochs it is still below 93 %. It has as many parameters as the ReLU net, and however long it trains, it remains one linear layer in disguise. We can even take the disguise off: multiply its four matrices.

# %%
linear = variants["linear"].eval()
with torch.inference_mode():
    collapsed = torch.eye(784, device=device)
    for layer in linear:
        if isinstance(layer, nn.Linear):
            collapsed = layer.weight @ collapsed  # at the end (10, 784)
    offset = linear(torch.zeros(1, 784, device=device))  # what the biases add up to
    x = test_images.flatten(1).to(device)
    largest = (linear(x) - (x @ collapsed.T + offset)).abs().max().item()
print(f"{tuple(collapsed.shape)}, largest difference of a score ≈ {largest:.0e}")

# %% tags=["claim"]
# "it remains one linear layer in disguise"
assert largest < 1e-3

# %% [markdown]
# ReLU breaks the chain: the product can no longer be carried out beforehand, and the net can draw curved borders between the classes. Batch normalisation gets further with the same number of images, above all in the first epoch.

# %% [markdown]
# It has a price. In training mode the answer for one image depends on the other images of its batch, and with a batch of one there is no spread to divide by. Whoever forgets `eval()` usually gets no error at all, only other answers. A single image does raise an error, and the next cell makes it on purpose:

# %% tags=["raises-exception"]
variants["ReLU + batch norm"].train()(test_images[:1].to(device))

# %% [markdown]
# ## 11 · Fewer epochs: the one-cycle rate
#
# In section 7 a smaller rate at the end helped. And a large rate in the middle goes faster. The **one-cycle** schedule (Smith and Topin, 2017) does both: it starts low while the net is still fragile, rises to a rate larger than one would keep to the end, and then sinks to almost 0.
#
# It works best together with **momentum**. The optimiser then keeps a running sum $v$ of the gradients $g$ and walks along that:
#
# $$v \leftarrow 0.9\,v + g, \qquad w \leftarrow w - \text{lr}\cdot v$$
#
# Gradients that point to and fro cancel in $v$. Where they agree they add up, to ten times one of them ($1 + 0.9 + 0.9^2 + \dots = 10$). So a rate of 0.1 with momentum reaches as far as 1 without. We also take larger batches, of 256: the mean over more images is a less noisy gradient.

# %%
train_batches = data.batches(train_images, train_labels, batch_size=256, shuffle=True)
steps = len(train_batches)
seed_everything(SEED)
quick = DigitClassifier().to(device)
optimizer = torch.optim.SGD(quick.parameters(), lr=0.1, momentum=0.9, fused=True)
one_cycle = torch.optim.lr_scheduler.OneCycleLR(
    optimizer, max_lr=0.1, total_steps=8 * steps, cycle_momentum=False
)
quick_history = fit(quick, 8, optimizer, one_cycle)
print(f"8 epochs: test accuracy ≈ {100 * quick_history['test accuracy'][-1]:.2f} %")

# %% [markdown]
# `max_lr` is the peak. The rate given to `SGD` is overwritten: the cycle begins at `max_lr` / 25. `total_steps` counts batches, for this schedule moves after each of them. `cycle_momentum=False` keeps the momentum as it is. `fused=True` makes the optimiser's step in one go, instead of one operation after the other. Apart from rounding it only saves time. A rehearsal on a dummy parameter shows the course of the rate:

# %%
rehearsal = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.1)
schedule = torch.optim.lr_scheduler.OneCycleLR(rehearsal, 0.1, 8 * steps, cycle_momentum=False)
rates = []
for _ in range(8 * steps):
    rates.append(schedule.get_last_lr()[0])
    rehearsal.step()
    schedule.step()

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(12, 4))
axes[0].plot(np.arange(8 * steps) / steps, rates)
axes[0].set(xlabel="epoch", ylabel="learning rate", title="One cycle")
both = {"20 epochs": history["test accuracy"], "one cycle": quick_history["test accuracy"]}
plotting.curves(both, ax=axes[1], ylabel="test accuracy")
_ = axes[1].set(ylim=(0.9, 1), xticks=range(0, 20, 5))
plotting.show(
    fig,
    alt="Left: the learning rate rises for the first third and sinks to zero. Right: test "
    "accuracy; the one-cycle run comes close after eight epochs to what the other has after "
    "twenty.",
)

# %% tags=["claim"]
# "Almost the same accuracy, within one percentage point, in less than half the epochs."
assert abs(quick_history["test accuracy"][-1] - test_accuracy) < 0.01

# %% [markdown]
# Almost the same accuracy, within one percentage point, in less than half the epochs. (Two other things changed as well: momentum, and batches of 256 instead of 64. So this compares two recipes, not the schedule alone.) From lesson 4 on this schedule saves us minutes. (If you want to choose a peak or a number of epochs yourself, keep back some training images for that, and leave the test images for the end.)

# %% [markdown]
# ## 12 · Save the judge
#
# From lesson 4 on, networks will draw digits, and somebody has to judge them. This classifier will. Save its `state_dict`, and check that a fresh net that loads it gives the very same scores.

# %%
path = results.folder() / "mnist_classifier.pt"
torch.save(classifier.state_dict(), path)

judge = DigitClassifier().to(device)
judge.load_state_dict(torch.load(path, weights_only=True, map_location=device))
judge.eval()
with torch.inference_mode():
    judged = judge(test_images.to(device)).cpu()
print(f"{(judged != test_logits).sum()} of {judged.numel():,} scores differ")

# %% [markdown]
# A judge trained on stand-in data goes to a folder of its own, so that it is never taken for a real one.

# %% [markdown]
# ## 13 · How broken runs look
#
# You will make these mistakes, everybody does. So make each one once on purpose, and learn its face. Every run takes 200 steps from the same start. Only one thing is wrong in each.


# %%
def first_losses(images, labels, loss_fn, lr=0.1, zero_gradients=True):
    seed_everything(SEED)
    net = DigitClassifier().to(device)
    optimizer = torch.optim.SGD(net.parameters(), lr=lr)
    losses = []
    for x, y in data.batches(images, labels, batch_size=128):
        loss = loss_fn(net(x.to(device)), y.to(device))
        if zero_gradients:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %%
def softmax_first(logits, y):
    return loss_fn(softmax(logits), y)


x, y = train_images[:25_600], train_labels[:25_600]
mixed = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(SEED))]
runs = {
    "as it should be": first_losses(x, y, loss_fn),
    "zero_grad() forgotten": first_losses(x, y, loss_fn, zero_gradients=False),
    "softmax before the loss": first_losses(x, y, softmax_first),
    "labels in another order": first_losses(x, mixed, loss_fn),
    "pixels from 0 to 255": first_losses(train_set.data[:25_600].float(), y, loss_fn),
    "rate ten times too large": first_losses(x, y, loss_fn, lr=1.0),
}

# %% tags=["figure"]
fig, axes = plt.subplots(2, 3, figsize=(13, 6), sharex=True, sharey=True)
for ax, (name, losses) in zip(axes.flat, runs.items(), strict=True):
    ax.plot(runs["as it should be"], color="#8C8C8C", linewidth=3)
    ax.plot(losses, color="#D55E00", linewidth=1)
    ax.set(title=name, ylim=(0, 5))
    if np.isnan(losses[-1]):
        ax.text(100, 3.5, f"nan from step {np.isnan(losses).argmax()} on", ha="center")
for ax in axes[1]:
    ax.set_xlabel("step")
for ax in axes[:, 0]:
    ax.set_ylabel("loss")
plotting.show(
    fig,
    alt="Six panels with the loss of 200 steps, the healthy run as a broad grey line behind each. "
    "Forgotten zero_grad: the loss jumps about and gets nowhere. Softmax first and mixed labels: "
    "it hardly moves. Raw pixels: not a number, almost at once. Too large a rate: no progress.",
)

# %% tags=["claim"]
# "With the labels in another order the loss stays at log 10 = 2.3", and the other four faces
end = {name: np.mean(losses[-20:]) for name, losses in runs.items()}
assert end["as it should be"] < 1
assert abs(end["labels in another order"] - np.log(10)) < 0.2
for name in runs.keys() - {"as it should be", "labels in another order"}:
    assert not end[name] < 2  # nan is not below 2 either

# %% [markdown]
# With **`zero_grad()` forgotten** each step goes by the sum of all gradients so far, as in lesson 1, and the loss jumps about and gets nowhere. **Raw pixels** reach 255, so the scores, the gradients and the first steps are hundreds of times too large, until a number overflows (before that the loss is off the scale). A **rate ten times too large** soon throws the weights so far that most hidden units give 0, whatever the image. Then little more than the last bias can still learn, and all it can learn is that ten digits are equally likely. With the **labels in another order** the loss stays at $\log 10 = 2.3$: there is nothing to learn but "each digit is equally likely". And with **softmax before the loss**? The inner softmax squeezes all scores into 0 to 1, so every gradient is very small, and training crawls. It also puts a floor under the loss; the next exercise finds it.

# %% [markdown]
# ### Exercise 2.7 · find the bug: A loss with a floor
#
# A colleague's loss stops at 1.46, however long the training. This is the step of the loop:
#
# ```python
# def step(net, x, y, optimizer):
#     probabilities = torch.softmax(net(x), dim=1)
#     loss = nn.functional.cross_entropy(probabilities, y)
#     optimizer.zero_grad()
#     loss.backward()
#     optimizer.step()
#     return loss.item()
# ```
#
# Mend it. And find out where 1.46 comes from.
#
# <details><summary>Hint</summary>
#
# What does `cross_entropy` do with its input first? For the second question, put the best possible "scores" into it that a softmax can deliver: one 1 and nine 0.
#
# </details>


# %%
def mended_step(net, x, y, optimizer):
    """One step of training; returns the loss."""
    ...


checks.mended_step(mended_step)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def mended_step(net, x, y, optimizer):
#     """One step of training; returns the loss."""
#     loss = nn.functional.cross_entropy(net(x), y)
#     optimizer.zero_grad()
#     loss.backward()
#     optimizer.step()
#     return loss.item()
# ```
#
# The loss applies softmax itself. Fed with one 1 and nine 0, its own softmax gives the right class only $e/(e + 9) = 23\,\%$, and the loss is $\log(e + 9) - 1 = 1.46$.
#
# </details>

# %% tags=["claim"]
# "its own softmax gives the right class only 23 %, and the loss is log(e + 9) - 1 = 1.46"
perfect = nn.functional.one_hot(torch.arange(10)).float()
floor = nn.functional.cross_entropy(perfect, torch.arange(10)).item()
assert f"{floor:.2f}" == f"{np.log(np.e + 9) - 1:.2f}" == "1.46"
assert f"{np.e / (np.e + 9):.0%}" == "23%"

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | softmax before `CrossEntropyLoss` | a loss that hardly moves, and never gets below 1.46 (exercise 2.7) | give the loss logits |
# | `zero_grad()` forgotten | the loss jumps about, and ends above 2 | zero the gradients before every `backward()` |
# | pixels not scaled | `nan`, or a loss at 2.3, from the first steps on | scale to [-1, 1]; print minimum and maximum |
# | images and labels shuffled apart | the loss stays at 2.3, and the accuracy at 10 % | look at a few images with their labels |
# | learning rate ten times too large | a few spikes, then no progress, or `nan` | divide by ten; let it rise slowly first |
# | softmax along the wrong axis | rows that do not sum to 1 | `dim=1` for `(batch, classes)`; check the sums |
# | `exp` of a large score | `inf`, then `nan` | subtract the largest score; use logits |
# | accuracy averaged over batches | a number that changes with batch size and order | count, then divide once |
# | `eval()` forgotten with batch normalisation | one image alone raises an error, and the answer for an image depends on its neighbours | `eval()` before, `train()` after |
# | test images in the training | test accuracy as good as training accuracy, although the net knows its training images by heart | compare the two; look for common images |
# | class names in another order | a confusion matrix with the wrong labels on a right net | take the order from the data set |
# | images loaded one by one | a processor that is mostly busy with Python | keep them in memory as one tensor |

# %% [markdown]
# ## What you can now do
#
# - Turn pictures into tensors and feed them in batches, one by one or from memory.
# - Say where softmax and cross-entropy come from, and why the loss wants logits.
# - Train a classifier of four layers, count its accuracy, and read its curves.
# - Find its mistakes, and tell confidence from competence.
# - Speed training up with batch normalisation and a one-cycle rate.
#
# Lesson 3 takes the framework away: the same machinery in NumPy, every derivative by hand.

# %% [markdown]
# ## References
#
# - Y. LeCun, L. Bottou, Y. Bengio, P. Haffner (1998). *Gradient-Based Learning Applied to Document Recognition.* Proceedings of the IEEE 86(11). [doi:10.1109/5.726791](https://doi.org/10.1109/5.726791). The MNIST data set.
# - C. E. Shannon (1948). *A Mathematical Theory of Communication.* Bell System Technical Journal 27(3). [doi:10.1002/j.1538-7305.1948.tb01338.x](https://doi.org/10.1002/j.1538-7305.1948.tb01338.x). Entropy.
# - S. Ioffe, C. Szegedy (2015). *Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift.* [arXiv:1502.03167](https://arxiv.org/abs/1502.03167)
# - L. N. Smith, N. Topin (2017). *Super-Convergence: Very Fast Training of Neural Networks Using Large Learning Rates.* [arXiv:1708.07120](https://arxiv.org/abs/1708.07120)
# - C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger (2017). *On Calibration of Modern Neural Networks.* [arXiv:1706.04599](https://arxiv.org/abs/1706.04599)
