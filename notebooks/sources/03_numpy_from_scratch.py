# %% [markdown]
# # 3 · The same machinery without a framework: NumPy on Fashion-MNIST
#
# A neural network is a handful of array operations and the chain rule. Here you write the heart of its backward pass yourself, and two witnesses who know nothing of your formulas judge it.
#
# **You will**
#
# - see that a trained network is four arrays, and read with them,
# - send numbers forwards and backwards through a net so small that you can follow each of them,
# - write the backward pass of a linear layer, and have it judged twice,
# - train with mini-batches and Adam, both written out,
# - meet a bug that no training curve shows, and the test that does.
#
# **You need** Lessons 1 and 2 (gradient descent, softmax, cross-entropy, validation). From school: the chain rule and what a matrix product is.
#
# **Time** About 85 minutes for the core, with exercises 3.1 and 3.2; a good place to stop lies after section 5. *Going further* has eight sections, each for itself: 10 to 20 minutes each, and half an hour for the first and the last. All cells together run in about 40 seconds on two slow cores without a graphics card.

# %%
# %matplotlib inline
from itertools import islice, pairwise

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm, trange

from course_utils import data, plotting
from course_utils.lessons.checks import lesson_03 as checks

plt.style.use(["default", "course_utils.course"])
SEED = 0

# %% tags=["nbval-ignore-output"]
# About this machine
print(f"NumPy {np.__version__}, PyTorch {torch.__version__}")
source = data.prepare("FashionMNIST")

# %% [markdown]
# ## 1 · Four arrays that read clothes
#
# Fashion-MNIST holds 70,000 small grey pictures of clothes in ten classes: as many and as large as the digits of lesson 2, and harder to tell apart.

# %%
train_set, test_set = (data.load("FashionMNIST", train=train) for train in (True, False))
class_names = train_set.classes

# %% tags=["figure"]
first = [np.flatnonzero(train_set.targets.numpy() == label)[0] for label in range(10)]
fig = plotting.image_grid(
    train_set.data.numpy()[first], titles=class_names, columns=10, value_range=(0, 255)
)
plotting.show(fig, alt="One picture of each of the ten kinds of clothes, light on black.")

# %% [markdown]
# T-shirts, pullovers, coats and shirts: at 28 by 28 pixels even people confuse them.
#
# As in lesson 2, **one image is one row** of 784 numbers (here between 0 and 1), and the last 5,000 training images are held out for **validation**. Labels become rows too, with a single 1 in the place of the right class (**one-hot**).


# %%
def to_rows(images):
    """Turn bytes (m, 28, 28) into float32 (m, 784) between 0 and 1."""
    return images.reshape(len(images), -1) / np.float32(255)


X, labels = to_rows(train_set.data.numpy()), train_set.targets.numpy()
X_train, X_val = X[:55_000], X[55_000:]
labels_train, labels_val = labels[:55_000], labels[55_000:]
one_hot = np.eye(10, dtype=np.float32)[labels]  # for each label that row of the unit matrix
Y_train, Y_val = one_hot[:55_000], one_hot[55_000:]
X_test, labels_test = to_rows(test_set.data.numpy()), test_set.targets.numpy()
print("X_train", X_train.shape, "· Y_train", Y_train.shape, "· X_val", X_val.shape)

# %% [markdown]
# Let PyTorch train a network with two layers, 784 → 128 → 10, for one epoch. Only `Adam` is new in this cell; section 6 writes it out.

# %%
torch.manual_seed(SEED)
torch_net = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
optimizer = torch.optim.Adam(torch_net.parameters(), lr=1e-3)
tensors = torch.from_numpy(X_train), torch.from_numpy(labels_train)
for x, y in tqdm(data.batches(*tensors, 128, shuffle=True), desc="one epoch"):
    loss = nn.functional.cross_entropy(torch_net(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# %% [markdown]
# Take the parameters out, as NumPy arrays. To read clothes, PyTorch is no longer needed. Sixteen answers stand above their images, the wrong ones in red:

# %%
W1, b1, W2, b2 = (parameter.detach().numpy() for parameter in torch_net.parameters())
hidden = np.maximum(X_val @ W1.T + b1, 0)  # (5000, 128)
answers = (hidden @ W2.T + b2).argmax(axis=1)  # (5000,)
print("W1", W1.shape, "· b1", b1.shape, "· W2", W2.shape, "· b2", b2.shape)
print(f"validation accuracy ≈ {100 * np.mean(answers == labels_val):.1f} %")

# %% tags=["figure"]
fig = plotting.image_grid(
    X_val[:16],
    titles=[class_names[answer] for answer in answers[:16]],
    title_colors=np.where(answers == labels_val, "black", "#C22F00")[:16].tolist(),
    value_range=(0, 1),
)
plotting.show(
    fig,
    alt="Sixteen validation images, each under the class that the four arrays gave it, the wrong "
    "answers in red. Most are right.",
)

# %% [markdown]
# Four arrays, two lines of NumPy, and clothes are read. All the art lies in *finding* the four arrays. PyTorch did that, above all with one line, `loss.backward()`. Here you write the heart of that line yourself, and follow the rest number by number.

# %% tags=["claim"]
# "Four arrays, two lines of NumPy, and clothes are read."
assert np.mean(answers == labels_val) > 0.7

# %% [markdown]
# ## 2 · Forward
#
# Weights start as random numbers of the right size: too small, and the signal fades from layer to layer; too large, and it explodes. We draw them from a normal distribution with variance $2/n$ for $n$ inputs of the layer (**He initialisation**; *Going further* H tests it). Biases start at 0. Our net is a dictionary of arrays:

# %%
LAYER_SIZES = (784, 128, 10)


def initialize(layer_sizes, generator, dtype=np.float32):
    """Return a net: W1, b1, W2, b2, ..., with W of shape (outputs, inputs)."""
    net = {}
    for layer, (inputs, outputs) in enumerate(pairwise(layer_sizes), start=1):
        W = generator.standard_normal((outputs, inputs)) * np.sqrt(2 / inputs)
        net[f"W{layer}"] = W.astype(dtype)
        net[f"b{layer}"] = np.zeros(outputs, dtype)
    return net


net = initialize(LAYER_SIZES, np.random.default_rng(SEED))
print(f"{sum(array.size for array in net.values()):,} numbers to learn")

# %% [markdown]
# The forward pass is the two lines of section 1, with a name for everything on the way:
#
# $$Z_1 = X W_1^\top + b_1 \qquad A_1 = \max(0, Z_1) \qquad Z_2 = A_1 W_2^\top + b_2$$
#
# ($^\top$ is NumPy's `.T`.) $Z_2$ holds the logits. The backward pass will need what was met on the way, so the function keeps it in a dictionary, the **cache**.


# %%
def relu(Z):
    return np.maximum(Z, 0)


def forward(net, X):
    """Return the logits (m, 10), and the cache."""
    cache = {"X": X}
    cache["Z1"] = X @ net["W1"].T + net["b1"]
    cache["A1"] = relu(cache["Z1"])
    cache["Z2"] = cache["A1"] @ net["W2"].T + net["b2"]
    return cache["Z2"], cache


# %% [markdown]
# Then the probabilities $P = \operatorname{softmax}(Z_2)$, and the loss $J$ ($L$ in lesson 2), the mean cross-entropy of the $m$ images. Both are written as in lesson 2, so that `exp` can't overflow and the logarithm never meets a 0.


# %%
def softmax(Z):  # (m, 10) -> (m, 10), each row adds up to 1
    E = np.exp(Z - Z.max(axis=1, keepdims=True))
    return E / E.sum(axis=1, keepdims=True)


def cross_entropy(logits, Y):  # (m, 10), (m, 10) -> one number
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_P = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -np.sum(Y * log_P) / len(Y)


def loss_of(net, X, Y):
    return cross_entropy(forward(net, X)[0], Y)


def accuracy(net, X, labels):
    return np.mean(forward(net, X)[0].argmax(axis=1) == labels)


# %% [markdown]
# ## 3 · Backward, in numbers
#
# Before any formula: a net of two inputs, two hidden units and two classes, and one image of two pixels, $(1, 2)$. The second class is the right one. All biases are 0.
#
# Read the blue row from left to right, and check its numbers in your head: $Z_1 = (1\cdot1 + 0.5\cdot2,\; 1\cdot1 - 1\cdot2)$, and so on. (Softmax needs a calculator: $e^1/(e^1 + e^0) = 0.73$. Then $J = -\log 0.27 = 1.31$.) The orange row runs back; its turn comes below.


# %% tags=["figure"]
def draw_chain(values, weights, slopes, weight_slopes):
    """Draw X -> Z1 -> A1 -> Z2 -> P -> J with texts in the boxes, and the way back below."""
    fig, ax = plt.subplots(figsize=(12, 4.2))
    names = ("X", "Z1", "A1", "Z2", "P", "J")
    middle = {"ha": "center", "va": "center"}
    boxes = {}

    def put(name, x, y, text, color):
        frame = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": color}
        font = "monospace" if "W" in name else None  # keeps the rows of a matrix in line
        boxes[name] = ax.text(x, y, text, bbox=frame, family=font, **middle)

    def arrow(start, end, color, bend="arc3"):
        ends = {"patchA": boxes[start].get_bbox_patch(), "patchB": boxes[end].get_bbox_patch()}
        style = {"arrowstyle": "-|>", "color": color, "linewidth": 1.6, "connectionstyle": bend}
        places = boxes[end].get_position(), boxes[start].get_position()
        ax.annotate("", *places, arrowprops={**style, **ends, "shrinkA": 5, "shrinkB": 5})

    for i, name in enumerate(names):
        put(name, 2.4 * i, 1, f"{name}\n{values[name]}", "#0072B2")
        if name in slopes:
            put(f"d{name}", 2.4 * i, -0.3, f"d{name}\n{slopes[name]}", "#D55E00")
    for i, step in enumerate(("linear", "ReLU", "linear", "softmax", "−log")):
        arrow(names[i], names[i + 1], "#0072B2")
        ax.text(2.4 * i + 1.2, 1.12, step, fontsize=9, **middle)
    for i, text in weights.items():
        put(f"W{i}", 2.4 * i + 1.2, 2.1, text, "#0072B2")
        ax.annotate(
            "",
            (2.4 * i + 1.2, 1.22),
            (2.4 * i + 1.2, 1.78),
            arrowprops={"arrowstyle": "-|>", "color": "#0072B2", "linewidth": 1.6},
        )
    arrow("J", "dZ2", "#D55E00", "angle,angleA=90,angleB=0")
    arrow("dZ2", "dA1", "#D55E00")
    arrow("dA1", "dZ1", "#D55E00")
    for i, text in weight_slopes.items():
        put(f"dW{i}", 2.4 * i + 1.2, -1.5, text, "#D55E00")
        arrow(f"d{names[i + 1]}", f"dW{i}", "#D55E00")
    ax.set(xlim=(-0.8, 12.8), ylim=(-2, 2.6))
    ax.axis("off")
    return fig


fig = draw_chain(
    {"X": "(1, 2)", "Z1": "(2, −1)", "A1": "(2, 0)", "Z2": "(1, 0)", "P": "(.73, .27)", "J": 1.31},
    {0: "W1 = (1 0.5)\n     (1  −1)", 2: "W2 = (0.5 1)\n     (  0 2)"},
    {"Z2": "(.73, −.73)", "A1": "(.37, −.73)", "Z1": "(.37, 0)"},
    {0: "dW1 = (.37 .73)\n      (  0   0)", 2: "dW2 = ( 1.46 0)\n      (−1.46 0)"},
)
plotting.show(
    fig,
    alt="The chain X, Z1, A1, Z2, P, J from left to right with its numbers, the weights above it. "
    "Below, arrows from right to left through dZ2, dA1 and dZ1, with dW2 and dW1 hanging from them.",
)

# %% [markdown]
# A convention keeps the way back readable: **`dQ` is the gradient of the loss $J$ with respect to $Q$, and has the shape of $Q$.** It holds one slope for each number: raise a number of $Q$ by a little, and $J$ rises by the number of `dQ` in the same place times that little.
#
# - **`dZ2`** $= P - Y = (0.73 - 0,\; 0.27 - 1)$. Lesson 2 derived it: probability minus truth. A larger first logit makes things worse, a larger second one better.
# - **`dW2`**. The weight in row 1, column 1 is multiplied by $A_1 = 2$ on its way into the first logit. Raise it by a little, and that logit rises by twice as much: $0.73 \cdot 2 = 1.46$. The weights of column 2 are multiplied by 0, so moving them changes nothing.
# - **`dA1`**. The first hidden number reaches the loss by two ways: with weight 0.5 through the first logit, with weight 0 through the second. The ways add up: $0.73 \cdot 0.5 - 0.73 \cdot 0 = 0.37$. For the second one, $0.73 \cdot 1 - 0.73 \cdot 2 = -0.73$.
# - **`dZ1`**. The second unit was switched off: ReLU gave 0, and would still give 0 if $Z_1$ moved a little. So its slope is 0, whatever comes from above.
# - **`dW1`**. As `dW2`, with the pixels in place of $A_1$: $0.37 \cdot 1$ and $0.37 \cdot 2$ (the second is 0.73, because 0.37 is 0.3655 rounded). The unit that was off learns nothing from this image.
#
# Believe none of it. A slope can be *measured*: move one parameter up and down by a tiny $\varepsilon$, and see what the loss does.
#
# $$\frac{\partial J}{\partial \theta} \approx \frac{J(\theta + \varepsilon) - J(\theta - \varepsilon)}{2\,\varepsilon}$$
#
# This is a **finite difference**. It knows nothing of the chain rule, and calls the forward pass, twice.


# %%
def measured_slope(net, name, place, X, Y, epsilon=1e-7):
    """Return the slope of the loss in one parameter, which is put back afterwards."""
    array, kept = net[name], net[name][place]
    array[place] = kept + epsilon
    loss_above = loss_of(net, X, Y)
    array[place] = kept - epsilon
    loss_below = loss_of(net, X, Y)
    array[place] = kept
    return (loss_above - loss_below) / (2 * epsilon)


def measured_slopes(net, name, X, Y, epsilon=1e-7):
    """Return the slopes in all numbers of one array, in its shape."""
    slopes = np.zeros_like(net[name])
    for place in np.ndindex(slopes.shape):  # (0, 0), (0, 1), ...
        slopes[place] = measured_slope(net, name, place, X, Y, epsilon)
    return slopes


tiny = {"W1": np.array([[1, 0.5], [1, -1]]), "b1": np.zeros(2)}
tiny |= {"W2": np.array([[0.5, 1], [0, 2]]), "b2": np.zeros(2)}
x, y = np.array([[1.0, 2.0]]), np.array([[0.0, 1.0]])
print(f"J {loss_of(tiny, x, y):.2f}")
for name in ("W1", "W2"):
    print(f"d{name} measured", measured_slopes(tiny, name, x, y).round(2).tolist())

# %% tags=["claim"]
# "The numbers of the drawing": the blue row
drawn = {"X": [1, 2], "Z1": [2, -1], "A1": [2, 0], "Z2": [1, 0]}
for name, value in forward(tiny, x)[1].items():
    assert value.tolist() == [drawn[name]]
assert np.allclose(softmax(forward(tiny, x)[0]), [[0.73, 0.27]], atol=0.005)
assert abs(loss_of(tiny, x, y) - 1.31) < 0.005

# %% [markdown]
# The numbers of the drawing, every one. You have just seen **backpropagation**: from the loss back to the start, and at each station the slope so far is multiplied by what stands there.

# %% [markdown]
# ## 4 · Backward, in matrices
#
# The same chain for $m$ images, one row each. The boxes now show shapes.

# %% tags=["figure"]
fig = draw_chain(
    {"X": "(m, 784)", "Z1": "(m, 128)", "A1": "(m, 128)", "Z2": "(m, 10)", "P": "(m, 10)"}
    | {"J": "number"},
    {0: "W1 (128, 784)\nb1 (128,)", 2: "W2 (10, 128)\nb2 (10,)"},
    {"Z2": "(m, 10)", "A1": "(m, 128)", "Z1": "(m, 128)"},
    {0: "dW1 (128, 784)\ndb1 (128,)", 2: "dW2 (10, 128)\ndb2 (10,)"},
)
plotting.show(
    fig,
    alt="The same chain with shapes in place of numbers: each slope on the way back has the shape "
    "of what stands above it.",
)

# %% [markdown]
# **From the loss to the logits.** $J$ is a mean over $m$ images, so each of them counts $1/m$. That factor enters here, once, and travels back with everything else:
#
# $$dZ_2 = (P - Y)\,/\,m$$
#
# **Through ReLU.** The slope is 1 where $z > 0$ and 0 where $z < 0$. At exactly 0 there is a kink; everybody, PyTorch included, takes 0 there.


# %%
def relu_backward(dA, Z):  # (m, n), (m, n) -> dZ (m, n)
    return dA * (Z > 0)


# %% [markdown]
# **Through a linear layer**, $Z = A W^\top + b$. Here $A$ is whatever comes in, $X$ for the first layer and $A_1$ for the second. Written out for image $j$ and output $i$, with $k$ counting the inputs:
#
# $$Z_{ji} = \sum_k A_{jk}\, W_{ik} + b_i$$
#
# Say $dZ$ is known. Ask of each number on the right what it touches, and add up its ways to the loss, as in section 3.
#
# - $W_{ik}$ touches output $i$ of *every* image, each time multiplied by that image's $A_{jk}$: $\quad dW_{ik} = \sum_j dZ_{ji}\, A_{jk}$. Two images with $dZ = 0.2, -0.1$ and $A = 1, 3$ give $0.2 \cdot 1 - 0.1 \cdot 3 = -0.1$: a sum, for the $1/m$ of the mean is in $dZ$ already.
# - $b_i$ touches output $i$ of every image, multiplied by 1: $\quad db_i = \sum_j dZ_{ji}$
# - $A_{jk}$ touches *every* output of its own image, each time multiplied by $W_{ik}$: $\quad dA_{jk} = \sum_i dZ_{ji}\, W_{ik}$

# %% [markdown]
# ### Exercise 3.1 · code: The backward pass of a linear layer
#
# This is the heart of the lesson. Write the three sums in NumPy, without a loop. Your first witness is autograd: the check compares your slopes with those that it finds.
#
# <details><summary>Hint</summary>
#
# A matrix product sums over the index that its two factors share: $(UV)_{ik} = \sum_j U_{ij} V_{jk}$. Where the shared index stands in the wrong place, transpose. In `dA` it stands right already: last in $dZ$, first in $W$. Then look at the shapes: each slope has the shape of its own array. And a sum over all images is `.sum(axis=0)`.
#
# </details>


# %%
def linear_backward(dZ, W, A):
    """(m, out), (out, in), (m, in) -> dW (out, in), db (out,), dA (m, in)."""
    ...


checks.linear_backward(linear_backward)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def linear_backward(dZ, W, A):
#     """(m, out), (out, in), (m, in) -> dW (out, in), db (out,), dA (m, in)."""
#     return dZ.T @ A, dZ.sum(axis=0), dZ @ W
# ```
#
# In $\sum_j dZ_{ji} A_{jk}$ the images $j$ are summed, and stand first in both factors; a product wants them last in the left one, so $dZ$ is transposed. In $\sum_i dZ_{ji} W_{ik}$ everything stands in its place. If you forget which factor is transposed, try the shapes, with three different numbers for images, inputs and outputs: then only one way fits. (In our net a batch and the hidden layer both have 128.)
#
# </details>

# %% [markdown]
# From here on the lesson computes with your function. (As long as it does not pass, with the one of the solution.) All together, from right to left through the drawing:

# %%
linear_backward = checks.yours_or_ours(linear_backward)


def backward(net, cache, Y, softmax=softmax, relu_backward=relu_backward):
    """Return the slope of the loss in every parameter, by name."""
    dZ2 = (softmax(cache["Z2"]) - Y) / len(Y)
    dW2, db2, dA1 = linear_backward(dZ2, net["W2"], cache["A1"])
    dZ1 = relu_backward(dA1, cache["Z1"])
    dW1, db1, _ = linear_backward(dZ1, net["W1"], cache["X"])
    return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2}


for name, slope in backward(tiny, forward(tiny, x)[1], y).items():
    print(f"d{name}", slope.round(2).tolist())

# %% tags=["claim"]
# "The numbers of the drawing, every one.": those of the worked example
right = {"W1": [[0.37, 0.73], [0, 0]], "b1": [0.37, 0], "b2": [0.73, -0.73]}
right["W2"] = [[1.46, 0], [-1.46, 0]]
for name, slope in backward(tiny, forward(tiny, x)[1], y).items():
    assert np.allclose(slope, right[name], atol=0.006)
    assert np.allclose(slope, measured_slopes(tiny, name, x, y))

# %% [markdown]
# The slopes of the drawing, and those of the biases, from five lines of code. (`_` holds the slopes in the pixels: nobody wants to change the images. The last two arguments wait for section 7 and for *Going further* A.)

# %% [markdown]
# ## 5 · Is it right?
#
# A wrong gradient gives no error message. It trains, a little worse, and you never learn why. Autograd has judged one layer. The second witness judges the whole way back: finite differences.
#
# Measure all slopes, and compare. We need one number that does not depend on the size of the gradients $g$ and $h$, the **relative difference**
#
# $$\frac{\lVert g - h \rVert}{\lVert g \rVert + \lVert h \rVert},$$
#
# where $\lVert g \rVert$ is the root of the sum of the squares of its numbers. It is 0 for equal gradients, and 1 for opposite ones, or if one of the two is zero.


# %%
def relative_difference(g, h):
    g, h = np.ravel(g), np.ravel(h)
    return np.linalg.norm(g - h) / (np.linalg.norm(g) + np.linalg.norm(h))


def gradient_check(backward, net, X, Y, epsilon=1e-7):
    """Return for each array how far a backward pass is from finite differences."""
    gradients = backward(net, forward(net, X)[1], Y)
    return {
        name: relative_difference(gradients[name], measured_slopes(net, name, X, Y, epsilon))
        for name in net
    }


# %% [markdown]
# It needs two forward passes for each parameter: 203,540 for our net, where `backward` walks back once. That is why networks are trained by backpropagation. But the lines of code are the same in a small net. So take one of 8 → 6 → 4, and ten random images, in float64 (16 digits: a tiny $\varepsilon$ would drown in the 7 digits of float32). The biases get random values, too. (In a deeper net zeros can do harm here: *Going further* H.)

# %%
generator = np.random.default_rng(SEED)
small = initialize((8, 6, 4), generator, np.float64)
small["b1"] += generator.normal(0, 0.1, 6)
small["b2"] += generator.normal(0, 0.1, 4)
X_small = generator.standard_normal((10, 8))
Y_small = np.eye(4)[generator.integers(0, 4, 10)]
for name, difference in gradient_check(backward, small, X_small, Y_small).items():
    print(f"{name}  relative difference ≈ {difference:.0e}")

# %% [markdown]
# How small is small enough? **Below $2\cdot10^{-7}$ it is right. Above about 0.1 a sign, a factor or a whole term is wrong**, if all is float64 and no number lies at the kink of ReLU (an opposite sign gives 1, a factor of 2 gives a third). **In between, suspect $\varepsilon$ first, and then your formula.** (Strong evidence, no proof: the check has seen one net and ten images.)


# %% tags=["claim"]
# "Below 2e-7 it is right. Above about 0.1 a sign, a factor or a whole term is wrong"
def sign_out_of_place(net, cache, Y):
    return backward(net, cache, Y, relu_backward=lambda dA, Z: -relu_backward(dA, Z))


def factor_out_of_place(net, cache, Y):
    return backward(net, cache, Y, relu_backward=lambda dA, Z: 2 * relu_backward(dA, Z))


assert max(gradient_check(backward, small, X_small, Y_small).values()) < 2e-7
for wrong in (sign_out_of_place, factor_out_of_place):
    assert max(gradient_check(wrong, small, X_small, Y_small).values()) > 0.1

# %% [markdown]
# ### Exercise 3.2 · find the bug: One of three is wrong
#
# `checks.PASSES["a"]`, `checks.PASSES["b"]` and `checks.PASSES["c"]` are three backward passes, called like `backward`. One of them has a mistake, in one array. You need not see the code: ask the gradient check.
#
# <details><summary>Hint</summary>
#
# `gradient_check(checks.PASSES["a"], small, X_small, Y_small)` is the first of three questions.
#
# </details>

# %%
wrong = None  # "a", "b" or "c"
array = None  # "W1", "b1", "W2" or "b2"
checks.one_of_three(wrong, array)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# wrong = "c"
# array = "b1"
# ```
#
# There the bias of the first layer sums `dA1`, and not `dZ1`: it also learns from units that were switched off. (The one called a divides by $m$ at the very end, the one called b takes the mean of the slopes of single images: nothing wrong with either.) You found the array without seeing a line.
#
# </details>

# %% [markdown]
# *This is a good place to stop for today.*

# %% [markdown]
# ## 6 · Training
#
# As in lesson 2, the images are shuffled anew in each epoch and cut into batches of 128; the last batch holds what is left.


# %%
def mini_batches(X, Y, batch_size, generator):
    """Yield all rows of X and Y in a new random order, batch_size at a time."""
    order = generator.permutation(len(X))
    for start in range(0, len(X), batch_size):
        chosen = order[start : start + batch_size]
        yield X[chosen], Y[chosen]


# %% [markdown]
# ### Adam
#
# Gradients of small batches are noisy, and their size differs from parameter to parameter: a rate that suits one is too large for another. **Adam** deals with both. For each parameter it keeps two running averages, $m$ of the gradient and $v$ of its square (this $m$ is not the number of images), and steps by $m/\sqrt v$ times lr. If the gradient is always 4, they become 4 and 16, and the step is $4/\sqrt{16} = 1$ times lr. With 400 it would be the same: the size cancels. Where the gradient changes its sign from step to step, $m$ is near 0 and $v$ is not: the step is short.
#
# In each step, a running average keeps a share $\beta$ of what it was, and takes the share $1-\beta$ of what is new. It remembers about $1/(1-\beta)$ steps: 10 with the usual $\beta_1 = 0.9$ of $m$, and 1,000 with $\beta_2 = 0.999$ of $v$. Both start at 0, so they are too small at first: after one step $m$ is $0.1\cdot 4 = 0.4$. Dividing by $1-\beta^t$ in step $t$, here by 0.1, corrects that (`m_hat`, `v_hat`). `epsilon` prevents a division by 0. *Going further* C has the formulas, and follows two steps number by number.


# %%
class Adam:
    def __init__(self, net, lr=5e-4, beta1=0.9, beta2=0.999, epsilon=1e-8):
        self.lr, self.beta1, self.beta2, self.epsilon = lr, beta1, beta2, epsilon
        self.t = 0
        self.m = {name: np.zeros_like(array) for name, array in net.items()}
        self.v = {name: np.zeros_like(array) for name, array in net.items()}

    def step(self, net, gradients):
        """Change the net's arrays in place."""
        self.t += 1
        for name, g in gradients.items():
            self.m[name] = self.beta1 * self.m[name] + (1 - self.beta1) * g
            self.v[name] = self.beta2 * self.v[name] + (1 - self.beta2) * g**2
            m_hat = self.m[name] / (1 - self.beta1**self.t)
            v_hat = self.v[name] / (1 - self.beta2**self.t)
            net[name] -= self.lr * m_hat / (np.sqrt(v_hat) + self.epsilon)


# %% [markdown]
# ### Five epochs
#
# The training loop is that of lesson 2, with our own parts in it. (The rate of 0.0005 is a choice: section 1's 0.001 trains well, too.)


# %%
def train(net, optimizer, training, validation, generator, backward=backward, num_epochs=5):
    """Train in place, in batches of 128; return the losses."""
    history = {"batches": [], "validation": []}
    for _ in trange(num_epochs, desc="epochs"):
        for x, y in mini_batches(*training, 128, generator):
            logits, cache = forward(net, x)
            history["batches"].append(cross_entropy(logits, y))
            optimizer.step(net, backward(net, cache, y))
        history["validation"].append(loss_of(net, *validation))
    return history


# %%
to_fit, held_out = (X_train, Y_train), (X_val, Y_val)
generator = np.random.default_rng(SEED)
net = initialize(LAYER_SIZES, generator)
history = train(net, Adam(net), to_fit, held_out, generator)


# %% tags=["figure"]
def draw_losses(history, title):
    """Draw the loss of every batch, and the validation loss after every epoch."""
    fig, ax = plt.subplots()
    ends = np.arange(1, len(history["validation"]) + 1)
    steps = np.linspace(0, ends[-1], len(history["batches"]))
    ax.plot(
        steps, history["batches"], "C0", linewidth=0.5, alpha=0.4, label="training, single batches"
    )
    ax.plot(ends, history["validation"], "C1s--", label="validation, after the epoch")
    ax.set(xlabel="epoch", ylabel="loss", ylim=(0, 1.5), title=title)
    ax.legend()
    return fig


plotting.show(
    draw_losses(history, "section 6"),
    alt="The loss of single batches scatters widely around a falling curve; the validation loss "
    "falls smoothly through their middle.",
)

# %% [markdown]
# The validation loss falls through the middle of the batches. Everything about this net was fixed beforehand, and nothing is going to be changed. So the test set is asked, once:

# %%
val_accuracy = accuracy(net, X_val, labels_val)
test_accuracy = accuracy(net, X_test, labels_test)
print(f"training accuracy   ≈ {100 * accuracy(net, X_train, labels_train):.1f} %")
print(f"validation accuracy ≈ {100 * val_accuracy:.1f} %")
print(f"test accuracy       ≈ {100 * test_accuracy:.1f} %")

# %% [markdown]
# Clothes are read, and every line that found the four arrays stands on this page. With another `SEED` the accuracy moves by a percentage point or more, and with other images (validation, test), too. *Going further* B does better in the same five epochs.

# %% tags=["claim"]
# "Clothes are read"
assert val_accuracy > 0.7
# "The validation loss falls through the middle of the batches."
assert history["validation"][-1] < history["validation"][0]
by_epoch = np.reshape(history["batches"], (5, -1))
assert all(a.min() < b < a.max() for a, b in zip(by_epoch, history["validation"], strict=True))

# %% [markdown]
# ## 7 · The bug that trains anyway
#
# Somebody reasons: ReLU gives $z$ or 0, so its slope is 1 wherever its *output* is not negative. Do you see the mistake? Train with it first, from the same weights and with the same batches as in section 6:


# %%
def plausible_relu_backward(dA, Z):
    A = relu(Z)
    return dA * (A >= 0)


def plausible_backward(net, cache, Y):
    return backward(net, cache, Y, relu_backward=plausible_relu_backward)


generator = np.random.default_rng(SEED)
buggy = initialize(LAYER_SIZES, generator)
buggy_history = train(buggy, Adam(buggy), to_fit, held_out, generator, plausible_backward)

# %% tags=["figure"]
plotting.show(
    draw_losses(buggy_history, "with the bug"),
    alt="Single batches and validation with the bug: both fall, as they should.",
)

# %% [markdown]
# A healthy curve. Would the accuracy have warned you? And the gradient check?

# %%
buggy_accuracy = accuracy(buggy, X_val, labels_val)
print(f"validation accuracy ≈ {100 * buggy_accuracy:.1f} %, right: ≈ {100 * val_accuracy:.1f} %")
for name, difference in gradient_check(plausible_backward, small, X_small, Y_small).items():
    print(f"{name}  relative difference ≈ {difference:.0e}")

# %% [markdown]
# The accuracy is lower, but only somebody who knows the right one can see that. The gradient check says: the second layer is right, and the first is wrong, by a million times the limit. The output of ReLU is *never* negative, so the condition `A >= 0` always holds, and the gradient flows through units that were switched off. With the seeds 0 to 4 the bug cost ≈ 0.4 to 1.8 percentage points. **Write the gradient check before you train.** It takes a second. (*Going further* A makes it a test that says yes or no.)

# %% tags=["claim"]
# "A healthy curve." and "The accuracy is lower"
by_epoch = np.reshape(buggy_history["batches"], (5, -1)).mean(axis=1)
assert (np.diff(by_epoch) < 0).all()
assert 0.5 < buggy_accuracy < val_accuracy
# "the second layer is right, and the first is wrong, by a million times the limit."
caught = gradient_check(plausible_backward, small, X_small, Y_small)
assert max(caught["W2"], caught["b2"]) < 2e-7
assert min(caught["W1"], caught["b1"]) > 0.1

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | a sign flipped, or $1/m$ forgotten | with plain gradient descent a loss that explodes, or jumps up and hardly falls (*Going further* A) | gradient check |
# | ReLU's slope taken from its output with `>=` | a curve that looks healthy (section 7) | slope from $Z$ with `>`; gradient check |
# | gradient check in float32, or with a tiny step | a right gradient that fails the check | float64, $\varepsilon = 10^{-7}$ |
# | a slip in Adam's averages | nothing, or slow first steps | compare with `torch.optim.Adam` for a few steps (*Going further* C) |

# %% [markdown]
# ## What you can now do
#
# - Follow every number of a small net forwards and backwards.
# - Derive the backward pass of a layer, and write it.
# - Test a gradient, and say how small a difference must be.
# - Say what Adam keeps for each parameter, and why a gradient's size hardly matters to it.
#
# From the next lesson on, autograd does this work, and you know what it does. Lesson 4 uses a network to squeeze an image into three numbers.

# %% [markdown]
# ## Going further
#
# Eight sections, each for itself, in the order in which we would read them.

# %% [markdown]
# ## A · Six bugs and their curves
#
# Two exercises come first: a test for any backward pass, and one of the six bugs as a question.

# %% [markdown]
# ### Exercise 3.3 · write the test: Can this backward pass be trusted?
#
# A test answers yes or no; nobody has to read numbers. Make one of section 5's gradient check: it gets a backward pass, a small net in float64 and some images, and returns `True` or `False`. Among the wrong ones that it must find, one has a slip in a single number, one is wrong in a bias only, and one returns `nan`.
#
# <details><summary>Hint</summary>
#
# `gradient_check` does the measuring. All four arrays have to be below the limit. And a trap: every comparison with `nan` gives `False`, so `max([0.0, nan])` is 0. Compare each one with the limit, and ask `all(…)` of the answers.
#
# </details>


# %%
def can_be_trusted(backward, net, X, Y):
    """Say whether a backward pass gives the slopes of the loss."""
    ...


checks.can_be_trusted(can_be_trusted)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def can_be_trusted(backward, net, X, Y):
#     """Say whether a backward pass gives the slopes of the loss."""
#     differences = gradient_check(backward, net, X, Y)
#     return all(difference < 2e-7 for difference in differences.values())
# ```
#
# A limit of 0.01 would let the slip in a single number pass, for beside the whole gradient the slip is small. A limit of $10^{-12}$ would refuse the right one: finite differences are not that exact.
#
# </details>

# %% [markdown]
# ### Exercise 3.4 · predict: All zeros
#
# Why start from random weights at all? Suppose all weights and biases of the net start at 0, and the rest is correct. What will the loss do in training? `"a"`: it falls as usual. `"b"`: it falls more slowly. `"c"`: it stays near $\log 10 = 2.303$, the loss of whoever has no idea.
#
# <details><summary>Hint</summary>
#
# Walk through the drawing of section 3 with zeros. What is $A_1$? Then what is `dW2`? And `dA1`?
#
# </details>

# %%
prediction = None  # your answer
checks.all_zeros(prediction)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# prediction = "c"
# ```
#
# The hidden layer gives 0, so `dW2` is 0. The second layer's weights are 0, so `dA1` is 0, and with it `dW1` and `db1`. Only `b2` can learn, and all it can learn is how frequent the classes are: equally frequent.
#
# </details>

# %% [markdown]
# Now the six, each trained for 150 steps of plain gradient descent with a rate of 0.1. The dashed curve is the correct program. Cover the text below the figure, and say of each curve why it looks like that. (Of one we cannot.)


# %%
def short_run(net, Y, backward=backward, lr=0.1):
    """Return the losses of 150 steps of gradient descent on batches of 128."""
    losses = []
    for x, y in islice(mini_batches(X_train, Y, 128, np.random.default_rng(SEED)), 150):
        logits, cache = forward(net, x)
        losses.append(cross_entropy(logits, y))
        for name, slope in backward(net, cache, y).items():
            net[name] -= lr * slope
    return losses


def fresh():
    return initialize(LAYER_SIZES, np.random.default_rng(SEED))


# %%
def sign_flipped(net, cache, Y):
    return backward(net, cache, Y, relu_backward=lambda dA, Z: -relu_backward(dA, Z))


def mean_forgotten(net, cache, Y):
    return {name: len(Y) * slope for name, slope in backward(net, cache, Y).items()}


def softmax_of_columns(net, cache, Y):
    return backward(net, cache, Y, softmax=lambda Z: softmax(Z.T).T)


# %%
shuffled = Y_train[np.random.default_rng(SEED).permutation(len(Y_train))]
zeros = {name: np.zeros_like(array) for name, array in fresh().items()}
with np.errstate(all="ignore"):  # no warning about what runs off to infinity
    correct = short_run(fresh(), Y_train)
    thrown = fresh()
    gallery = {
        "a sign flipped": short_run(fresh(), Y_train, sign_flipped),
        "1/m forgotten": short_run(thrown, Y_train, mean_forgotten),
        "softmax of columns": short_run(fresh(), Y_train, softmax_of_columns),
        "labels shuffled": short_run(fresh(), shuffled),
        "all weights 0": short_run(zeros, Y_train),
        "rate 100 times too small": short_run(fresh(), Y_train, lr=0.001),
    }
awake = forward(thrown, X_val)[1]["A1"].any(axis=1)
print(f"1/m forgotten: ≈ {100 * np.mean(awake):.1f} % of the images still switch on a hidden unit")

# %% tags=["figure"]
fig, axes = plt.subplots(2, 3, figsize=(11, 5.6), sharex=True, sharey=True)
for ax, (name, losses) in zip(axes.flat, gallery.items(), strict=True):
    ax.plot(losses)
    ax.plot(correct, "--", color="black", linewidth=1)
    ax.set(title=name, ylim=(0, 6))
fig.supxlabel("step")
fig.supylabel("loss")
plotting.show(
    fig,
    alt="Six loss curves, each beside the correct one. With a flipped sign and with softmax of "
    "columns the loss leaves the picture at the top. With 1/m forgotten it jumps up, comes back "
    "and hardly falls. Shuffled labels and zero weights give flat lines. The small rate falls very "
    "slowly.",
)

# %% [markdown]
# - **A sign flipped** behind ReLU: the second layer walks downhill, the first one uphill, and uphill wins.
# - **1/m forgotten**: every gradient is 128 times too long. It is a learning rate of 12.8 in disguise, and the first steps throw the weights far away. Afterwards hardly any image switches on a single hidden unit (the line above the figure). What is left is `b2`, which learns how frequent the classes are: a loss near $\log 10$. In our spike near step 29 a unit came on once more, for ≈ 43 % of its batch, and was thrown out again.
# - **Softmax of columns**: each class now has one unit of probability for all 128 images together. In $P - Y$ the $P$ is tiny and the $-Y$ stays, so the right logit is pushed up and the others hardly ever down. That alone would lower the loss. Why it explodes all the same we have not proved. What we saw, with four seeds: within twenty steps one class has the highest logit for nearly all images, and it stays so.
# - **Labels shuffled** and **all weights 0**: two flat lines at $\log 10$, for different reasons. In the one the labels have nothing to do with the images, in the other the weights cannot learn. A look at `dW1` tells them apart: exactly 0 in the second.
# - **A rate 100 times too small**: correct and patient.

# %% tags=["claim"]
# "two flat lines at log 10": the mean of the last 30 steps
late = {name: np.mean(losses[-30:]) for name, losses in gallery.items()}
assert abs(late["labels shuffled"] - np.log(10)) < 0.1
assert abs(late["all weights 0"] - np.log(10)) < 0.1
# "A look at dW1 tells them apart: exactly 0 in the second"
assert not backward(zeros, forward(zeros, X_train[:128])[1], Y_train[:128])["W1"].any()
# "Afterwards hardly any image switches on a single hidden unit."
assert np.mean(awake) < 0.1
# "uphill wins", "correct and patient" (a loss of nan has left the picture, too)
assert not late["a sign flipped"] < 1.5 * gallery["a sign flipped"][0]
assert not late["softmax of columns"] < 1.5 * gallery["softmax of columns"][0]
patient = gallery["rate 100 times too small"]
assert np.mean(correct[-30:]) < np.mean(patient[-30:]) < np.mean(patient[:30])

# %% [markdown]
# ### Exercise 3.5 · predict: What Adam hides
#
# One of these three bugs leaves no trace in the curve if Adam takes the steps. Which? `"a"`: a sign flipped. `"b"`: 1/m forgotten. `"c"`: softmax of columns.
#
# <details><summary>Hint</summary>
#
# What does Adam divide each gradient by?
#
# </details>

# %%
prediction = None  # your answer
checks.what_adam_hides(prediction)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# prediction = "b"
# ```
#
# Adam divides the gradient by its own size, so a factor of 128 cancels. A wrong sign and a wrong direction stay wrong.
#
# </details>

# %% [markdown]
# The trial: 100 steps of Adam with the right gradient and with each of the three. Compare the last losses, and then what the gradient check says of them.

# %%
hundred = (X_train[: 128 * 100], Y_train[: 128 * 100])  # 100 batches
passes = {"right": backward, "a": sign_flipped, "b": mean_forgotten, "c": softmax_of_columns}
with_adam = {}
for name, passed in passes.items():
    trial, generator = fresh(), np.random.default_rng(SEED)
    run = train(trial, Adam(trial), hundred, held_out, generator, passed, num_epochs=1)
    with_adam[name] = run["batches"]
for name, losses in with_adam.items():
    worst = max(gradient_check(passes[name], small, X_small, Y_small).values())
    print(f"{name:5}  last loss ≈ {losses[-1]:.4f}, relative difference ≈ {worst:.0e}")

# %% [markdown]
# With b the curve saw nothing, and the other two it betrays. (Only where gradients are about as small as Adam's $\epsilon$ is the factor felt a little.) The gradient check sees all three. A training curve is a poor judge of a gradient: it may look healthy with a wrong one, and sick with a right one (shuffled labels, too small a rate).

# %% tags=["claim"]
# "With b the curve saw nothing, and the other two it betrays."
gaps = {name: np.abs(np.subtract(run, with_adam["right"])).max() for name, run in with_adam.items()}
fall = max(with_adam["right"]) - min(with_adam["right"])
assert gaps["b"] < 0.1 * fall < fall < min(gaps["a"], gaps["c"])
# "The gradient check sees all three."
for name in "abc":
    assert max(gradient_check(passes[name], small, X_small, Y_small).values()) > 0.1

# %% [markdown]
# ## B · Better in the same five epochs
#
# Can it be done better **without a larger net and without more epochs**? Change two things, one after the other:
#
# - **the learning rate**: eight times higher at the start, when there is far to go, then down to 0 in a straight line (Defazio et al. 2023),
# - **the inputs**: for each pixel subtract its mean and divide by its spread (standard deviation). Raw pixels are never negative, so for one image all numbers in a row of $dW_1$ have the same sign, and all weights of a unit are pushed up together, or down. Around 0 each can go its own way.


# %%
class FallingAdam(Adam):
    """Adam with a rate that falls from 0.004 to 0 in a straight line."""

    def __init__(self, net, num_steps):
        super().__init__(net)
        self.num_steps = num_steps

    def step(self, net, gradients):
        self.lr = 0.004 * (1 - self.t / self.num_steps)
        super().step(net, gradients)


# %%
mean, spread = X_train.mean(axis=0), X_train.std(axis=0)  # of the training images alone


def standardize(X):
    return (X - mean) / (spread + 0.1)


# %% [markdown]
# The 0.1 protects the pixels at the rim, which are nearly always 0: divided by their tiny spread, a single grain would become an enormous number.

# %%
improved = {"as in section 6": val_accuracy}
for name, prepare in (("+ falling rate", lambda X: X), ("+ standardised", standardize)):
    generator = np.random.default_rng(SEED)
    best = initialize(LAYER_SIZES, generator)
    ready = prepare(X_val)
    optimizer = FallingAdam(best, 5 * 430)
    _ = train(best, optimizer, (prepare(X_train), Y_train), (ready, Y_val), generator)
    improved[name] = accuracy(best, ready, labels_val)
for name, value in improved.items():
    print(f"{name:16} validation accuracy ≈ {100 * value:.1f} %")

# %% [markdown]
# How far can one trust such a comparison? With the seeds 0 to 4 and the official data, the first row lay between ≈ 85.7 and ≈ 87.3 %, the second between ≈ 88.0 and ≈ 88.6 %, the third between ≈ 89.2 and ≈ 89.6 %. No range reaches into another, so both changes help. (The garments that the course draws where there is no internet gain next to nothing from standardised pixels.) The choice is made, by validation images alone. Only now the test set, for this second net:

# %%
X_test_ready = standardize(X_test)
best_accuracy = accuracy(best, X_test_ready, labels_test)
print(f"test accuracy ≈ {100 * best_accuracy:.1f} %, in section 6 ≈ {100 * test_accuracy:.1f} %")

# %% tags=["claim"]
# "so both changes help"
assert improved["+ falling rate"] > improved["as in section 6"]
if not data.standin_in_use():
    assert improved["+ standardised"] > improved["+ falling rate"]
    assert best_accuracy > test_accuracy

# %% [markdown]
# What is left? A **confusion matrix** counts for each true class (row) what the network said (column). The colours show mistakes only; the diagonal stays pale.

# %%
matrix = np.zeros((10, 10), int)
predicted = forward(best, X_test_ready)[0].argmax(axis=1)
for true, said in zip(labels_test, predicted, strict=True):
    matrix[true, said] += 1
shirt = class_names.index("Shirt")
mistakes = matrix - np.diag(matrix.diagonal())
with_shirts = mistakes[shirt].sum() + mistakes[:, shirt].sum()
print(f"shirts found ≈ {100 * matrix[shirt, shirt] / matrix[shirt].sum():.0f} %")
print(f"share of all mistakes that involve a shirt ≈ {100 * with_shirts / mistakes.sum():.0f} %")

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(7, 6.4))
plotting.confusion_matrix(matrix, class_names, ax=ax)
plotting.show(
    fig,
    alt="Confusion matrix of the ten classes. Most images lie on the diagonal. The two darkest "
    "squares off it lie in the row and the column of the shirts.",
)

# %% [markdown]
# Each mistake has two classes, so an average class would have a part in 20 % of them. On the official data the shirts have a part in more than twice as many. Here are eight that it took for something else. Would you have known?

# %% tags=["claim"]
# "On the official data the shirts have a part in more than twice as many."
if not data.standin_in_use():
    assert shirt in np.unravel_index(mistakes.argmax(), mistakes.shape)
    assert with_shirts > 2 * 0.2 * mistakes.sum()

# %% tags=["figure"]
missed = np.flatnonzero((labels_test == shirt) & (predicted != shirt))[:8]
fig = plotting.image_grid(
    X_test[missed],
    titles=[class_names[label] for label in predicted[missed]],
    value_range=(0, 1),
)
plotting.show(fig, alt="Eight shirts from the test set, each under the class the network gave it.")

# %% [markdown]
# This network sees 784 separate numbers: it does not know which pixels are neighbours. Lesson 4 (*Going further* A) brings layers that do.

# %% [markdown]
# ## C · Adam, and the same curve in PyTorch
#
# Adam in letters, for the gradient $g_t$ of step $t = 1, 2, \dots$:
#
# $$m_t = \beta_1 m_{t-1} + (1-\beta_1)\,g_t \qquad v_t = \beta_2 v_{t-1} + (1-\beta_2)\,g_t^2$$
#
# $$\hat m_t = \frac{m_t}{1-\beta_1^t} \qquad \hat v_t = \frac{v_t}{1-\beta_2^t} \qquad \theta \leftarrow \theta - \text{lr}\,\frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon}$$
#
# **Two steps, number by number.** Take a single parameter whose gradient is 4 in the first step and −2 in the second:
#
# | step | gradient | m | v | m corrected, $\hat m$ | v corrected, $\hat v$ | length of the step |
# |---|---|---|---|---|---|---|
# | 1 | 4 | 0.1 · 4 = 0.4 | 0.001 · 16 = 0.016 | 0.4 / (1 − 0.9) = 4 | 0.016 / (1 − 0.999) = 16 | 4 / √16 = 1 lr |
# | 2 | −2 | 0.9 · 0.4 − 0.1 · 2 = 0.16 | 0.999 · 0.016 + 0.001 · 4 ≈ 0.020 | 0.16 / (1 − 0.9²) ≈ 0.84 | 0.020 / (1 − 0.999²) ≈ 10 | 0.84 / √10 ≈ 0.27 lr |
#
# The second step goes the way of the first, though its gradient points back: $\hat m$ has kept its sign, and the step is only shorter.
#
# What are the two divisions by $1-\beta^t$ for? They are the **bias correction** of averages that start at 0. Without it, how long would the first steps be? For a constant gradient of 1, $m_t = 1-\beta_1^t$ and $v_t = 1-\beta_2^t$ exactly:

# %% tags=["figure"]
t = np.arange(1, 3001)
fig, ax = plt.subplots(figsize=(7, 3.2))
ax.semilogx(t, (1 - 0.9**t) / np.sqrt(1 - 0.999**t), label="without correction")
ax.semilogx(t, np.ones(len(t)), "--", label="with correction")
ax.set(xlabel="step t", ylabel="length of the step / lr", ylim=(0, 7))
ax.legend()
plotting.show(
    fig,
    alt="Without the correction the first step is three times too long, the twelfth six and a half "
    "times, and the excess lasts for a thousand steps. With the correction it is always one.",
)

# %% [markdown]
# More than six times too long at the twelfth step, when the averages have seen only a dozen gradients.
#
# <details><summary>Derivation: the bias correction</summary>
#
# Unroll the recursion from $m_0 = 0$. If all gradients are the same $g$,
#
# $$m_t = (1-\beta)\sum_{s=1}^{t} \beta^{\,t-s} g = (1-\beta)\,\frac{1-\beta^t}{1-\beta}\,g = (1-\beta^t)\,g,$$
#
# by the sum of a geometric series. Division by $1-\beta^t$ makes it right. For gradients that vary around $g$ the same holds on average, and for $v_t$ with the mean of the squares in place of $g$. $\blacksquare$
#
# </details>

# %% [markdown]
# ### Exercise 3.6 · find the bug: The timid Adam
#
# This update trains quite well, and yet it is not Adam. Find **two** bugs; one of them stands in two lines.
#
# ```python
# def timid_adam(theta, g, m, v, t, lr):
#     m = 0.9 * m + 0.1 * g
#     v = 0.9 * v + 0.1 * g**2
#     m_hat = m / (1 - 0.9)
#     v_hat = v / (1 - 0.999)
#     return theta - lr * m_hat / (np.sqrt(v_hat) + 1e-8), m, v
# ```
#
# <details><summary>Hint</summary>
#
# Compare each line with the formulas above. Which $\beta$ belongs to $v$? And what do the two corrections become after ten thousand steps?
#
# </details>


# %%
def mended_adam(theta, g, m, v, t, lr):
    """Return the new theta, m and v after step t = 1, 2, ..."""
    ...


checks.mended_adam(mended_adam)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def mended_adam(theta, g, m, v, t, lr):
#     """Return the new theta, m and v after step t = 1, 2, ..."""
#     m = 0.9 * m + 0.1 * g
#     v = 0.999 * v + 0.001 * g**2
#     m_hat = m / (1 - 0.9**t)
#     v_hat = v / (1 - 0.999**t)
#     return theta - lr * m_hat / (np.sqrt(v_hat) + 1e-8), m, v
# ```
#
# The second average used $\beta_1$, a slip that is easy to copy and hard to see: training still works. And the corrections lacked their exponent $t$, so that they never fade. Together they make the steps too short: for a constant gradient ten times in the first step, five times in the fifth, and about three times from the fortieth on, as if lr were smaller.
#
# </details>

# %% [markdown]
# A gradient check would not find such a bug: it tests one gradient, and no step. What tests the whole machine, with Adam and the updates? Give our net and a twin in PyTorch the same weights and the same batches, and let both train. They should not merely be similar. They should be the same. (`torch_twin` copies our numbers in the order `W1`, `b1`, `W2`, `b2`, which is PyTorch's too.)


# %%
def torch_twin(net):
    """Return the same net in PyTorch, with a copy of the same numbers in it."""
    (hidden, inputs), outputs = net["W1"].shape, len(net["W2"])
    twin = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs))
    tensors = [torch.tensor(array) for array in net.values()]
    twin.to(tensors[0].dtype).load_state_dict(dict(zip(twin.state_dict(), tensors, strict=True)))
    return twin


def side_by_side(dtype, num_steps=100):
    """Train our net and its twin on the same batches; return both losses."""
    ours = initialize(LAYER_SIZES, np.random.default_rng(SEED), dtype)
    twin = torch_twin(ours)
    optimizer, twin_optimizer = Adam(ours), torch.optim.Adam(twin.parameters(), lr=5e-4)
    losses, twin_losses = [], []
    batches = mini_batches(X_train, Y_train, 128, np.random.default_rng(SEED))
    for x, y in islice(batches, num_steps):
        x, y = x.astype(dtype), y.astype(dtype)
        logits, cache = forward(ours, x)
        losses.append(cross_entropy(logits, y))
        optimizer.step(ours, backward(ours, cache, y))

        loss = nn.functional.cross_entropy(twin(torch.from_numpy(x)), torch.from_numpy(y))
        twin_losses.append(loss.item())
        twin_optimizer.zero_grad()
        loss.backward()
        twin_optimizer.step()
    return np.array(losses), np.array(twin_losses)


# %%
runs = {dtype: side_by_side(dtype) for dtype in (np.float64, np.float32)}
gaps = {dtype: np.abs(losses - theirs).max() for dtype, (losses, theirs) in runs.items()}
for dtype, gap in gaps.items():
    print(f"{dtype.__name__}: largest gap in 100 steps ≈ {gap:.0e}")

# %% tags=["figure"]
losses, twin_losses = runs[np.float64]
ax = plotting.curves({"NumPy": losses, "PyTorch": twin_losses}, xlabel="step")
plotting.show(ax.figure, alt="Two loss curves that lie on top of each other, NumPy and PyTorch.")

# %% [markdown]
# One line in two colours. In float64 the two agree to the last digits that a number has. In float32 they agree too, but float32 has fewer digits, and each step builds on slightly different weights. Over thousands of steps such differences grow. That is why numbers after `≈` in this course differ from machine to machine.

# %% tags=["claim"]
# "In float64 the two agree to the last digits that a number has. In float32 they agree too"
assert gaps[np.float64] < 1e-10
assert 100 * gaps[np.float64] < gaps[np.float32] < 1e-3

# %% [markdown]
# ## D · Two softmaxes that look right
#
# **A guarded softmax.** Here is a softmax with two bugs, guarded by an assertion: each row must add up to 1. Find the bugs before you read on. Does the assertion find them?


# %%
def leaning_softmax(Z):
    E = np.exp(Z - Z.max())
    P = E / E.sum(axis=0, keepdims=True)
    assert np.sum(P, axis=1).all() == 1
    return P


P = leaning_softmax(np.array([[2.0, 1.0, 0.0], [2.0, 1.0, 0.0]]))
print("no complaint; the rows add up to", P.sum(axis=1).tolist())

# %% [markdown]
# It found nothing. `.all()` asks whether all sums differ from zero. The answer is `True`, and in Python `True == 1`: the line compares a truth value with a number, and complains only of a row that adds up to exactly 0. What was meant is `np.allclose(P.sum(axis=1), 1)`.
#
# The first bug is `axis=0`: it shares one unit of probability among the images of a batch. The second is harder to see. `Z.max()` is one maximum for all rows. A row that lies far below it becomes nothing but zeros. The assertion finds such a row, for it adds up to 0. With the axis mended it does not: the row becomes 0/0, `nan`, and `nan` is not 0, so `.all()` is content. Each row needs its own maximum, as in section 2.
#
# **Two mistakes that cancel.** Lesson 2 found $P - Y$ through the logarithm. The long way leads through softmax itself. Raise one logit, and all ten probabilities move, since they share the sum. So the derivative of softmax is a 10 × 10 table, the **Jacobian** (by the quotient rule, for $p_i = e^{z_i} / \sum_n e^{z_n}$):
#
# $$\frac{\partial p_i}{\partial z_k} = \begin{cases} p_i\,(1 - p_i) & i = k\\ -p_i\, p_k & i \ne k\end{cases}$$
#
# The logit reaches the loss through all ten probabilities, and the chain rule adds these ways up. Where class $c$ is the right one, only $p_c$ stands in the loss, with the slope $-1/p_c$. For $k = c$ that gives $-\frac{1}{p_c}\, p_c\,(1 - p_c) = p_c - 1$, and for the others $-\frac{1}{p_c}\,(-p_c\, p_k) = p_k$: together $P - Y$.
#
# You may meet another derivation. It takes the loss of a yes-or-no question for each class, $-y\log p - (1 - y)\log(1 - p)$, whose slope is $-\frac{y}{p} + \frac{1-y}{1-p}$, and multiplies it by the diagonal of the Jacobian alone, $p\,(1-p)$. Multiply it out: the product is $p - y$ as well! But that is not the slope of our loss, and the diagonal is not the Jacobian. The two mistakes cancel. All four combinations, on one image:

# %%
p, truth = softmax(np.array([[2.0, 1.0, 0.0]]))[0], np.array([0.0, 1.0, 0.0])
true_slope, yes_no_slope = -truth / p, -truth / p + (1 - truth) / (1 - p)
jacobian = np.diag(p) - np.outer(p, p)
for name, slope in (("our loss", true_slope), ("yes or no", yes_no_slope)):
    through = {"Jacobian": slope @ jacobian, "diagonal": slope * p * (1 - p)}
    print(f"{name:10}", {way: (value.round(2) + 0.0).tolist() for way, value in through.items()})
print(f"{'P - Y':10}", (p - truth).round(2).tolist())

# %% [markdown]
# Our loss with the Jacobian, and the yes-or-no loss with the diagonal, both give $P - Y$, the second by two mistakes. Does it matter by which way? It does as soon as a probability is rounded to exactly 1, and a well-trained network gets there:

# %%
p, truth = softmax(np.array([[40.0, 0.0, 0.0]], np.float32)), np.array([[1.0, 0.0, 0.0]])
with np.errstate(divide="ignore", invalid="ignore"):
    print("detour", ((-truth / p + (1 - truth) / (1 - p)) * p * (1 - p)).round(2).tolist())
print("P - Y ", (p - truth).round(2).tolist())

# %% [markdown]
# ## E · How small is a little? And the real net
#
# Why $\varepsilon = 10^{-7}$? Here is the largest relative difference of the small net for steps of all sizes, in both precisions. Look for the lowest point of each curve, and for a cliff.

# %%
epsilons = [10.0**exponent for exponent in range(-12, 0)]
errors = {}
for dtype in (np.float64, np.float32):
    cast = {name: array.astype(dtype) for name, array in small.items()}
    case = backward, cast, X_small.astype(dtype), Y_small.astype(dtype)
    errors[dtype] = [max(gradient_check(*case, dtype(e)).values()) for e in epsilons]

# %% tags=["figure"]
fig, ax = plt.subplots()
for (dtype, values), marker, layer in zip(errors.items(), "os", (3, 2), strict=True):
    ax.loglog(epsilons, values, f"{marker}-", label=dtype.__name__, zorder=layer)
ax.axhline(2e-7, color="black", linewidth=1, linestyle=":", label="2e-7: passes below")
ax.set(xlabel="step ε", ylabel="relative difference")
ax.legend()
plotting.show(
    fig,
    alt="Relative difference against the step on logarithmic axes. Float64 falls, rises and jumps "
    "up a cliff; it gets far below the line of 2e-7. Float32 is flat at 1, falls and rises again; "
    "it never gets near the line.",
)

# %% [markdown]
# Two errors pull in opposite directions.
#
# - **Too small a step** drowns in rounding. The two losses agree in nearly all their digits, and only the noise in the last ones survives the subtraction. A step ten times smaller is ten times worse. With the 7 digits of float32 there is no good step at all.
# - **Too large a step** no longer measures the slope at the place: the curve bends one way above it and another way below. Worse, it may step over a kink of ReLU: that is the cliff on the right.
#
# So $10^{-5}$ would be the best step here. We take $10^{-7}$ and stay further away from the cliff, because a larger net has more kinks.
#
# **The real net.** Does that step suit it? Ask 85 of its 101,770 numbers, at most 25 of each array, with 128 images in float64:

# %%
generator = np.random.default_rng(SEED)
real = initialize(LAYER_SIZES, generator, np.float64)
X_real, Y_real = X_train[:128].astype(np.float64), Y_train[:128].astype(np.float64)
ours = backward(real, forward(real, X_real)[1], Y_real)
places = []
for name, array in real.items():
    chosen = generator.choice(array.size, min(25, array.size), replace=False)
    places += [(name, np.unravel_index(number, array.shape)) for number in chosen]
measured = [measured_slope(real, name, place, X_real, Y_real) for name, place in places]
difference = relative_difference(measured, [ours[name][place] for name, place in places])
print(f"{len(places)} numbers, relative difference ≈ {difference:.0e}")

# %% [markdown]
# Autograd can be asked about *all* of them. It gets the forward pass, and finds the way back by itself. (Its `cross_entropy` takes one-hot rows as well as class numbers.)


# %%
def autograd(net, X, Y):
    """Return PyTorch's gradients, by our names."""
    leaves = [torch.tensor(array, requires_grad=True) for array in net.values()]
    W1, b1, W2, b2 = leaves
    logits = torch.relu(torch.tensor(X) @ W1.T + b1) @ W2.T + b2
    nn.functional.cross_entropy(logits, torch.tensor(Y)).backward()
    return {name: leaf.grad.numpy() for name, leaf in zip(net, leaves, strict=True)}


theirs = autograd(real, X_real, Y_real)
for name in real:
    gap = relative_difference(ours[name], theirs[name])
    print(f"{name}  {real[name].size:7,} slopes, relative difference ≈ {gap:.0e}")

# %% [markdown]
# All 101,770 agree, to 12 digits and more. Your formulas and autograd are the same mathematics.

# %% tags=["claim"]
# "1e-5 would be the best step here", "that is the cliff on the right"
with_step = dict(zip(range(-12, 0), errors[np.float64], strict=True))  # 10 to the power of this
assert with_step[-5] < 3 * min(with_step.values())
assert with_step[-1] > 1000 * with_step[-4]
# "A step ten times smaller is ten times worse": over five powers of ten
assert with_step[-12] > 1e4 * with_step[-7]
# "With the 7 digits of float32 there is no good step at all"
assert min(errors[np.float32]) > 100 * 2e-7

# %% tags=["claim"]
# "Does that step suit it?"
assert difference < 2e-7

# %% tags=["claim"]
# "All 101,770 agree, to 12 digits and more."
assert all(relative_difference(ours[name], theirs[name]) < 1e-12 for name in real)

# %% [markdown]
# ## F · One step on all images, or 430 on batches
#
# Before mini-batches the plainest thing was gradient descent on all images. Five steps, learning rate 0.0005. Each moves every parameter by $-\text{lr}\,g_i$, which changes the loss by $g_i$ times that: in all, the loss should fall by about $\text{lr}\,\lVert g\rVert^2$.


# %%
def flat(gradients):
    """Return the gradient as one long vector."""
    return np.concatenate([slope.ravel() for slope in gradients.values()])


plain, losses, walked = initialize(LAYER_SIZES, np.random.default_rng(SEED)), [], []
for _ in range(5):
    logits, cache = forward(plain, X_train)
    losses.append(cross_entropy(logits, Y_train))
    gradients = backward(plain, cache, Y_train)
    walked.append(flat(gradients))
    for name, slope in gradients.items():
        plain[name] -= 5e-4 * slope
losses.append(loss_of(plain, X_train, Y_train))
for before, after, g in zip(losses, losses[1:], walked, strict=False):
    print(f"loss ≈ {before:.4f}, fall ≈ {before - after:.4f}, expected ≈ {5e-4 * g @ g:.4f}")
print(f"validation accuracy ≈ {100 * accuracy(plain, X_val, labels_val):.1f} %")

# %% [markdown]
# Five passes over all the data, and the network knows next to nothing; in section 6 the same five passes were worth 2,150 steps. Part of that is the rate: section A's plain descent takes 0.1. But five steps remain five steps. And what is lost if only 128 of the 55,000 images are asked for the way? Compare the first of these gradients with that of a batch, by the cosine of the angle between them (1: the same direction, 0: at right angles):

# %%
start = initialize(LAYER_SIZES, np.random.default_rng(SEED))
few = flat(backward(start, forward(start, X_train[:128])[1], Y_train[:128]))
cosine = few @ walked[0] / (np.linalg.norm(few) * np.linalg.norm(walked[0]))
print(f"cosine ≈ {cosine:.2f}, for 1/{55_000 / 128:.0f} of the work")

# %% [markdown]
# Nearly the same way, for hardly any work. (At the start, when all images pull in one direction. Later the batches disagree more.)

# %% tags=["claim"]
# "the loss should fall by about lr |g|^2", "the network knows next to nothing"
assert 1 / 1.5 < (losses[0] - losses[1]) / (5e-4 * walked[0] @ walked[0]) < 1.5
assert accuracy(plain, X_val, labels_val) < 0.3
# "Nearly the same way"
assert cosine > 0.7

# %% [markdown]
# **A seed inside a function.** `mini_batches` is handed a **generator**, the source of its random numbers. Some code makes one inside instead, "so that results repeat". Look what else repeats:


# %%
def reseeding_batches(X, Y, batch_size):
    return mini_batches(X, Y, batch_size, np.random.default_rng(1))


numbers = np.arange(8)
generator = np.random.default_rng(1)
for epoch in range(3):
    given, _ = next(mini_batches(numbers, numbers, 4, generator))
    reseeded, _ = next(reseeding_batches(numbers, numbers, 4))
    print(f"epoch {epoch}: first batch {given.tolist()}, seed inside {reseeded.tolist()}")

# %% [markdown]
# With the seed inside, every epoch has the same order. With the older `np.random.seed(1)` it is worse: that resets every draw through `np.random` in the whole program, and not of one function. So a seed belongs at the start of a whole experiment, and a function should use the generator that it is given.

# %% [markdown]
# ## G · A file, byte by byte
#
# `data.load` read the images for us. What does it do? The file is compressed with gzip, and inside is a format called **IDX**. Its first 16 bytes, in hexadecimal (two digits are one byte, eight digits four bytes):

# %%
import gzip

with gzip.open(source.folder / "train-images-idx3-ubyte.gz") as file:
    content = file.read()
content[:16].hex(" ", 4)

# %% [markdown]
# | bytes | value | meaning |
# |---|---|---|
# | 0–1 | `0000` | always zero |
# | 2 | `08` | type of the numbers: unsigned bytes, 0 to 255 |
# | 3 | `03` | number of dimensions |
# | 4–7 | `0000ea60` | size of the first dimension: the number of images |
# | 8–11, 12–15 | `0000001c` | the other two sizes: rows and columns |
#
# The pixels begin at byte 16. A size is a whole number of four bytes (NumPy's `u4`), but in which order? IDX stores the most significant byte first (**big-endian**, `>`). Most processors of today work the other way round (little-endian, `<`). Watch what a wrong guess gives:

# %%
for order in (">u4", "<u4"):
    print(order, np.frombuffer(content[4:16], dtype=order).tolist())
pixels = np.frombuffer(content[16:], dtype=np.uint8).reshape(60_000, 28, 28)
print(
    np.count_nonzero(pixels != train_set.data.numpy()),
    f"of {pixels.size:,} pixels differ from data.load",
)

# %% [markdown]
# **What a point costs.** A byte divided by the Python number `255.0` becomes float64, eight bytes. Divided by `np.float32(255)` it becomes four:

# %%
for divisor in (255.0, np.float32(255)):
    image = pixels[0] / divisor
    print(image.dtype, f"{image.itemsize * pixels.size / 1e6:.0f} MB for all images")

# %% [markdown]
# Training does not need the 16 digits of float64. The 7 digits of float32 are plenty, take half the memory, and compute faster.

# %% [markdown]
# ## H · A deeper net
#
# **Why 2/n?** In a deep net the size of the start weights matters more. One output of a layer is $z = \sum_j w_j x_j$, a sum of $n$ terms. If the weights are drawn with mean 0 and variance $\sigma^2$, independent of each other, the mean square of $z$ is $n\,\sigma^2$ times that of the inputs. ReLU then cuts the negative half off, and with it half of the mean square. So the signal keeps its size if $\tfrac12 n\,\sigma^2 = 1$. Test it: send random numbers with mean square 1 through ten wide layers, with $2/n$ and with $1/n$.


# %%
def mean_square_after_ten_layers(factor, width=1000):
    generator = np.random.default_rng(SEED)
    A = generator.standard_normal((100, width))
    for _ in range(10):
        W = generator.standard_normal((width, width)) * np.sqrt(factor / width)
        A = relu(A @ W.T)
    return np.mean(A**2)


faded = {factor: mean_square_after_ten_layers(factor) for factor in (2, 1)}
print(f"2/n: ≈ {faded[2]:.2f}    1/n: ≈ {faded[1]:.5f}    ratio {faded[2] / faded[1]:.0f}")

# %% [markdown]
# With $2/n$ the signal keeps its size on average over many draws of the weights. Ten random layers are one draw: with the seeds 0 to 4 they gave ≈ 0.63, 1.25, 0.99, 1.16 and 1.02. With $1/n$ the signal loses half of it in each layer, and after ten layers that is a factor of $2^{10} = 1{,}024$.
#
# **One layer more.** It needs no new idea: one more ReLU and one more linear layer, forwards and backwards.

# %% [markdown]
# ### Exercise 3.7 · open: A third layer
#
# Build 784 → 128 → 64 → 10. `initialize` makes the arrays already. Write `forward` and `backward` for it, let the gradient check judge a small one, then train for five epochs. Is it better? Decide beforehand how large a difference you would believe, and by which images.
#
# The lesson's functions call whatever bears the name `forward` at that moment. So call yours `forward`, and let it serve both nets: `if "W3" in net: …`. Your `backward` is handed over: `gradient_check(deeper_backward, …)`, `train(…, deeper_backward)`. A small net to check is `initialize((8, 6, 5, 4), np.random.default_rng(SEED), np.float64)`, with `X_small` and `Y_small`. Give its biases random values first, as in section 5: with zeros, an image that switches off all of a layer leaves the next one exactly at the kink of ReLU. (With seed 0 none does; with seed 2 the check says 0.2 for `b2`, though the formula is right.)
#
# <details><summary>What to look for</summary>
#
# `backward` gets two more lines: one `relu_backward`, one `linear_backward`. The drawing tells you where. A single run says little: train both nets with three seeds, and compare the validation accuracies. On our machine the third layer gained ≈ 0.3, 2.2 and 1.2 percentage points with the seeds 0, 1 and 2: each of them alone would have told another story.
#
# ```python
# def forward(net, X):
#     cache = {"X": X}
#     cache["Z1"] = X @ net["W1"].T + net["b1"]
#     cache["A1"] = relu(cache["Z1"])
#     cache["Z2"] = cache["A1"] @ net["W2"].T + net["b2"]
#     if "W3" not in net:
#         return cache["Z2"], cache
#     cache["A2"] = relu(cache["Z2"])
#     cache["Z3"] = cache["A2"] @ net["W3"].T + net["b3"]
#     return cache["Z3"], cache
#
#
# def deeper_backward(net, cache, Y):
#     dZ3 = (softmax(cache["Z3"]) - Y) / len(Y)
#     dW3, db3, dA2 = linear_backward(dZ3, net["W3"], cache["A2"])
#     dZ2 = relu_backward(dA2, cache["Z2"])
#     dW2, db2, dA1 = linear_backward(dZ2, net["W2"], cache["A1"])
#     dZ1 = relu_backward(dA1, cache["Z1"])
#     dW1, db1, _ = linear_backward(dZ1, net["W1"], cache["X"])
#     return {"W1": dW1, "b1": db1, "W2": dW2, "b2": db2, "W3": dW3, "b3": db3}
# ```
#
# </details>

# %% [markdown]
# ## References
#
# - D. Rumelhart, G. Hinton, R. Williams (1986). *Learning representations by back-propagating errors.* Nature 323. [doi:10.1038/323533a0](https://doi.org/10.1038/323533a0)
# - Y. LeCun, L. Bottou, G. Orr, K.-R. Müller (1998). *Efficient BackProp.* [doi:10.1007/3-540-49430-8_2](https://doi.org/10.1007/3-540-49430-8_2). Why inputs are standardised.
# - D. Kingma, J. Ba (2014). *Adam: A Method for Stochastic Optimization.* [arXiv:1412.6980](https://arxiv.org/abs/1412.6980)
# - K. He, X. Zhang, S. Ren, J. Sun (2015). *Delving Deep into Rectifiers.* [arXiv:1502.01852](https://arxiv.org/abs/1502.01852). The variance 2/n.
# - H. Xiao, K. Rasul, R. Vollgraf (2017). *Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms.* [arXiv:1708.07747](https://arxiv.org/abs/1708.07747)
# - A. Defazio, A. Cutkosky, H. Mehta, K. Mishchenko (2023). *When, Why and How Much? Adaptive Learning Rate Scheduling by Refinement.* [arXiv:2310.07831](https://arxiv.org/abs/2310.07831). Why the rate may fall in a straight line to 0.
