# %% [markdown]
# # 1 · The PyTorch workflow: fit a straight line
#
# A program finds a straight line by itself, in the six steps that every later lesson repeats: data, model, loss and optimiser, training loop, evaluation, saving.
#
# **You will**
#
# - write a model, a loss and an optimiser, and the training loop that joins them,
# - see how PyTorch finds the way downhill, and check it by hand,
# - save a trained model and load it back,
# - find out that a loss which looks finished is still bouncing, and cure it.
#
# **You need** Python, the equation of a straight line, and from school the derivative with its chain rule. No earlier lesson.
#
# **Time** About 90 minutes for the core, with exercises 1.1 to 1.3, and 45 for *Going further* with exercises 1.4 and 1.5, without 1.6. All cells together run in about 12 seconds on two slow cores.

# %%
# %matplotlib inline
import matplotlib.pyplot as plt
import torch
from ipywidgets import FloatSlider, interact
from torch import nn

from course_utils import paths, plotting
from course_utils.device import pick_device
from course_utils.lessons.checks import lesson_01 as checks

plt.style.use(["default", "course_utils.course"])

# %% [markdown]
# `course_utils` is this course's own, a folder beside `notebooks`: `plotting` draws, `checks` looks at your answers. Code that only draws a figure is folded; click on the dots to see it. Run the cells in order, from the top: Shift+Enter runs one and goes to the next.
#
# Which PyTorch is this, and what will it compute on? (Your machine may give another answer than this page.)

# %% tags=["nbval-ignore-output"]
# About this machine
print(f"PyTorch {torch.__version__} on {pick_device()}, {torch.get_num_threads()} threads")

# %% [markdown]
# ## 1 · Data
#
# Machine learning starts with numbers, kept in **tensors**, PyTorch's arrays. Ours lie on a line that we choose ourselves, $y = 0.7\,x + 0.3$. The program is given the points and not the line.

# %%
TRUE_WEIGHT, TRUE_BIAS = 0.7, 0.3

x = torch.arange(0, 1, 0.02).unsqueeze(1)  # (50, 1)
y = TRUE_WEIGHT * x + TRUE_BIAS  # (50, 1)
x[:3], y[:3]

# %% [markdown]
# `unsqueeze(1)` turns 50 numbers into a table of 50 rows and one column. PyTorch expects one row for each example and one column for each **feature**, a number that is known of an example. Here that is only $x$.
#
# A model is judged on examples that it has not learned from, so the data is split first:
#
# | set | share, usually | what for |
# |---|---|---|
# | training | 60–80 % | the model learns from it |
# | validation | 10–20 % | you compare models and settings on it |
# | test | 10–20 % | used to judge, never to choose |
#
# With 50 points we make do with two: the first 40 to train, the last 10 to test. (Usually you shuffle first. Here the program is to continue the line to the right.)

# %%
x_train, y_train = x[:40], y[:40]
x_test, y_test = x[40:], y[40:]
len(x_train), len(x_test)

# %% [markdown]
# ### Fit the line by hand
#
# A line $w\,x + b$ has two numbers to choose: its slope $w$ and its intercept $b$, in the language of the field a **weight** and a **bias**. What has to become small is the **mean absolute error** (MAE), the average distance between line and points. (The thin strokes are some of these distances.)
#
# The points below lie on a line that is not told. Move the sliders until the training error is below 0.02. Which one do you reach for first?


# %% tags=["figure", "nbval-ignore-output"]
def draw_line(ax, weight, bias, y, when=""):
    plotting.plot_predictions(x_train, y[:40], x_test, y[40:], ax=ax)
    ax.plot([0, 1], [bias, weight + bias], color="#C22F00", linewidth=1.2, zorder=3)
    some_x, some_y = x_train[1::4, 0], y[1:40:4, 0]
    ax.vlines(some_x, some_y, weight * some_x + bias, color="#C22F00", linewidth=0.7, zorder=3)
    ax.set(ylim=(0, 1.25))
    error = (weight * x + bias - y)[:40].abs().mean().item()
    ax.set_title(f"{when}training MAE {error:.4f}", fontsize=10)


def fit_by_hand(weight, bias):
    fig, ax = plt.subplots()
    draw_line(ax, weight, bias, 0.83 - 0.26 * x)
    plotting.show(fig, alt=f"The line with weight {weight:.2f} and bias {bias:.2f}.")


_ = interact(
    fit_by_hand,
    weight=FloatSlider(0.34, min=-0.5, max=1.5, step=0.01, continuous_update=False),
    bias=FloatSlider(0.13, min=-0.5, max=1.5, step=0.01, continuous_update=False),
)

# %% [markdown]
# <details><summary>The line of those points</summary>
#
# Weight −0.26, bias 0.83.
#
# </details>
#
# You probably had to go back to the first slider after moving the second. Below nobody moves a slider. The program that you are going to write fits the points of this lesson, here after 0, 20 and 1,000 steps:

# %% tags=["figure"]
weight, bias = torch.tensor(0.3367), torch.tensor(0.1288)
fig, axes = plt.subplots(1, 3, figsize=(10, 3), sharey=True)
for step in range(1001):
    if step in (0, 20, 1000):
        ax = axes[(0, 20, 1000).index(step)]
        draw_line(ax, weight.item(), bias.item(), y, when=f"step {step:,}: ")
        ax.label_outer()
    sign = (weight * x_train + bias - y_train).sign()
    weight, bias = weight - 0.01 * (sign * x_train).mean(), bias - 0.01 * sign.mean()
for ax in axes[1:]:
    ax.get_legend().remove()
plotting.show(
    fig,
    alt="Three moments of the program's fit: a line far too low, after 20 steps higher and "
    "steeper, after 1,000 steps on top of the points.",
)

# %% [markdown]
# It changes weight and bias at once, by one rule. (Its last error is 0.0089, and not 0: in section 8 you will see such a fit that does not come to rest.)
#
# The number above each picture is, over the $n = 40$ training points,
#
# $$\text{MAE} = \frac{1}{n}\sum_{i=1}^{n} \left|\,w\,x_i + b - y_i\,\right|$$
#
# More usual is the mean of the squares, the **mean squared error** (`nn.MSELoss`). We take the distance because it can be read: 0.07 means that the line misses a point by 0.07 on average.

# %% [markdown]
# ## 2 · A model
#
# A model in PyTorch is a class that inherits from `nn.Module`. It says which numbers may be learned, the **parameters** (`nn.Parameter`), and how an input becomes an output (`forward`). The examples that go through it together are a **batch**, one row each.


# %%
class LineModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1))
        self.bias = nn.Parameter(torch.randn(1))

    def forward(self, x):  # (batch, 1) -> (batch, 1)
        return self.weight * x + self.bias


# %% [markdown]
# `super().__init__()` must come first. `torch.randn(1)` draws one number from the bell curve, so the two parameters start at random. The same **seed**, here 42, gives the same random numbers again: you and this page start from the same line.

# %%
torch.manual_seed(42)
model = LineModel()
model.state_dict()

# %% [markdown]
# `state_dict()` lists the model's numbers by name.
#
# > **How to read the numbers in this course.** On a CPU you should see these very digits. A number after `≈` differs from machine to machine: most of them a little, some in later lessons by a quarter and more. Change whatever you like: *Kernel > Restart Kernel and Run All Cells* brings everything back.
#
# Before training, the model can only guess. `model(x)` runs `forward`, `torch.inference_mode()` tells PyTorch that we only look and do not train, and `.item()` turns a tensor of one number into a plain number.

# %%
with torch.inference_mode():
    untrained = model(x_test)
print(f"predictions from {untrained[0].item():.4f} to {untrained[-1].item():.4f}")

# %% [markdown]
# The truth runs from 0.86 to 0.986. This is the low line of step 0 above.

# %% [markdown]
# ## 3 · One step downhill
#
# The **loss** says how wrong the model is, in one number. Ours is the mean absolute error.
#
# Leave the bias at its 0.1288 and turn only the weight: each weight has a loss, and together they draw a curve. Which way is down?


# %% tags=["figure"]
def loss_at(weight):
    return (weight * x_train + 0.1288 - y_train).abs().mean().item()


start, slope = 0.3367, -0.39
height = loss_at(start)
after = start - slope  # lr = 1
grid = torch.linspace(-0.2, 1.9, 211)
fig, ax = plt.subplots(figsize=(8, 4.4))
ax.plot(grid, [loss_at(weight) for weight in grid], color="#BBBBBB", linewidth=5)
ends = torch.tensor([-0.1, 1.12])
ax.plot(ends, height + slope * (ends - start), "--", color="#000000", linewidth=1.2)
ax.text(1.14, 0.015, f"tangent, slope −{-slope:.2f}", va="bottom")
arrow = {"arrowstyle": "-|>", "color": "#0072B2", "linewidth": 3, "shrinkB": 4}
landing = (after, loss_at(after))
ax.annotate("", xy=landing, xytext=(start, height), arrowprops={**arrow, "mutation_scale": 22})
ax.plot(start, height, "o", markersize=10, color="#0072B2")
ax.plot(*landing, "o", markersize=10, color="#0072B2", fillstyle="none")
ax.text(start + 0.05, height + 0.015, f"start: weight {start:.2f}, loss {height:.2f}")
ax.text(landing[0] + 0.06, landing[1] + 0.01, "after one step with lr = 1")
_ = ax.set(xlabel="weight (the bias stays at 0.13)", ylabel="loss", ylim=(0, 0.5))
plotting.show(
    fig,
    alt="The loss as a curve over the weight: it falls from the left to a lowest place near 1.0 and "
    "rises again. At the start, 0.34, the dashed tangent leads downhill to the right, and so does "
    "an arrow, one step long.",
)

# %% [markdown]
# The dashed line is the tangent at the start: it falls by 0.39 on one unit to the right, so its slope is $-0.39$. We step to the right, against the sign of the slope, by the slope times a number of our choice, the **learning rate** `lr`. The arrow is drawn for `lr = 1`, so that it can be seen, and ends at 0.34 + 0.39 = 0.73. We shall take 0.01. Right of the lowest place the slope is positive, and the same rule leads back. (That place is not at the true weight 0.7, because the bias stays wrong here.)
#
# The bias has a slope too, with the weight held fixed. A slope with respect to one of several parameters is written $\partial\,\text{loss}/\partial w$. All slopes together are the **gradient**, which points uphill. Step against it, again and again: that is **gradient descent**. (The arrow in the formulas reads "becomes".)
#
# $$w \leftarrow w - \text{lr}\cdot\frac{\partial\,\text{loss}}{\partial w}\qquad b \leftarrow b - \text{lr}\cdot\frac{\partial\,\text{loss}}{\partial b}$$
#
# An **optimiser** (in code: `optimizer`) applies such a rule to all parameters. The one with this rule is `SGD`, stochastic gradient descent. (*Stochastic* means by chance: usually a step looks at a few examples drawn at random, as in lesson 2.) The mean absolute error is PyTorch's `nn.L1Loss`.

# %%
loss_fn = nn.L1Loss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

# %% [markdown]
# ### Where the slopes come from
#
# `loss.backward()` works out both slopes and stores each in the `.grad` of its parameter. This is **autograd**. Run the cell once: a second run gives twice the slopes, and the text below says why.

# %%
loss = loss_fn(model(x_train), y_train)
loss.backward()
print(f"d loss / d weight {model.weight.grad.item():.4f}")
print(f"d loss / d bias   {model.bias.grad.item():.4f}")

# %% [markdown]
# How can it know? While the model computes, PyTorch keeps notes of every calculation. Each note knows the derivative of its own calculation, and `backward()` multiplies them by the chain rule, from the loss back to each parameter. There it *adds* the slope to what stands in `.grad`, because a parameter may act on the loss in several places. It adds to what an earlier call left there, too: emptying `.grad` before the next call is your job.
#
# Now by hand. Write $e_i = w\,x_i + b - y_i$ for the error at point $i$. Move $w$ by one, and $e_i$ moves by $x_i$. Move $b$ by one, and $e_i$ moves by 1. The slope of $|e|$ is $+1$ where $e$ is positive and $-1$ where it is negative, in short $\operatorname{sign}(e)$. (At 0 there is a kink and no slope; PyTorch takes 0.) The chain rule multiplies the two, and the mean over all points gives
#
# $$\frac{\partial\,\text{MAE}}{\partial w} = \frac1n\sum_i \operatorname{sign}(e_i)\,x_i \qquad\qquad \frac{\partial\,\text{MAE}}{\partial b} = \frac1n\sum_i \operatorname{sign}(e_i)$$

# %%
with torch.inference_mode():
    error = model(x_train) - y_train
    weight_slope = (error.sign() * x_train).mean()
    bias_slope = error.sign().mean()
print(f"weight: by hand {weight_slope.item():.4f} · autograd {model.weight.grad.item():.4f}")
print(f"bias:   by hand {bias_slope.item():.4f} · autograd {model.bias.grad.item():.4f}")

# %% [markdown]
# They agree. The untrained line lies below all 40 points, so every sign is $-1$: the bias slope is exactly $-1$, and the weight slope is minus the mean input.
#
# Now the step itself, first by hand and then by the optimiser, which reads each `.grad`.

# %%
with torch.inference_mode():
    weight_by_hand = model.weight - 0.01 * model.weight.grad
    bias_by_hand = model.bias - 0.01 * model.bias.grad
optimizer.step()
print(f"weight: by hand {weight_by_hand.item():.4f} · SGD {model.weight.item():.4f}")
print(f"bias:   by hand {bias_by_hand.item():.4f} · SGD {model.bias.item():.4f}")

# %% [markdown]
# From 0.3367 to 0.3406, and from 0.1288 to 0.1388: that is all that `SGD` does.

# %% [markdown]
# ### Exercise 1.1 · predict: Which way is up?
#
# Suppose a line lies **above** all 40 training points. In which direction will the next step of gradient descent move the two parameters? Answer before you try: `"both up"`, `"both down"`, or `"one up, one down"`.
#
# <details><summary>Hint</summary>
#
# Every error is now positive, and every input is at least 0. Put that into the two sums above. Then remember the minus sign in the update.
#
# </details>

# %%
prediction = None  # your answer
checks.first_step(prediction)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# prediction = "both down"
# ```
#
# Every sign is $+1$, so both slopes are positive. The update subtracts them.
#
# </details>

# %% [markdown]
# ## 4 · The training loop
#
# Five lines do the work, numbered below, and you will write them in every project.
#
# One pass over the training data is an **epoch**. All 40 points go through at once, so here an epoch is one step. After each one we also measure the loss on the test points, without learning from them. (`model.train()` and `model.eval()` announce whether we learn or measure; section 5 says why.) The model starts anew, so you can run this cell as often as you like.

# %%
torch.manual_seed(42)
model = LineModel()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
train_losses, test_losses = [], []

for epoch in range(100):
    model.train()
    predictions = model(x_train)  # 1. forward
    loss = loss_fn(predictions, y_train)  # 2. loss
    optimizer.zero_grad()  # 3. zero the gradients
    loss.backward()  # 4. backward
    optimizer.step()  # 5. change the parameters

    model.eval()
    with torch.inference_mode():
        test_loss = loss_fn(model(x_test), y_test)

    train_losses.append(loss.item())
    test_losses.append(test_loss.item())
    if epoch % 10 == 0:
        print(f"epoch {epoch:3d} · train MAE {loss.item():.4f} · test MAE {test_loss.item():.4f}")

# %% [markdown]
# Both losses fall. Look for the bend in the curves:

# %% tags=["figure"]
fig, ax = plt.subplots()
ax.plot(train_losses, color="#0072B2", label="training")
ax.plot(test_losses, "--", color="#007A5A", label="test")
ax.set(xlabel="epoch", ylabel="MAE")
ax.legend()
plotting.show(
    fig,
    alt="Training and test error against the epoch: both fall steeply for about twenty epochs, then "
    "slowly, the test error later than the training error, and it stays above it.",
)

# %% [markdown]
# First the line is too low, and every step lifts it: the loss falls fast. Then points lie on both sides of the line, their signs partly cancel, and what remains is slow work on its tilt.

# %%
model.state_dict()

# %% tags=["claim"]
# "The loss falls fast", then "slow work": ten early epochs gain thirty times as much as ten late.
assert train_losses[0] - train_losses[10] > 30 * (train_losses[80] - train_losses[90])

# %% [markdown]
# The weight is on its way to 0.7. The bias is above 0.3: as long as the line is too flat, it lies nearest to the points when it is lifted a little. While the weight rises, the bias will come down.

# %% [markdown]
# ### A restless loss
#
# A colleague sends you this loop. Its loss falls, and climbs almost to where it started. (`nn.functional.l1_loss` is `nn.L1Loss` as a plain function.)


# %%
def restless_training(x, y, num_epochs):
    torch.manual_seed(42)
    model = LineModel()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    losses = []
    for _ in range(num_epochs):
        loss = nn.functional.l1_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


restless = restless_training(x_train, y_train, 150)

# %% tags=["figure"]
fig, ax = plt.subplots()
ax.plot(restless, color="#000000")
ax.set(xlabel="epoch", ylabel="training MAE", title="your colleague's loop")
plotting.show(
    fig, alt=f"A loss that falls, climbs back, and swings on for all {len(restless)} epochs."
)

# %% tags=["claim"]
# "Its loss falls, and climbs almost to where it started": and it started like your loop.
assert abs(restless[0] - train_losses[0]) < 1e-6
assert min(restless[:12]) < restless[0] / 3
assert max(restless[10:20]) > 0.8 * restless[0]

# %% [markdown]
# ### Exercise 1.2 · find the bug: The restless loss
#
# Mend your colleague's loop.
#
# <details><summary>Hint</summary>
#
# Tick off the five lines of the loop above. (Forward and loss share a line here, and `train()` and `eval()` change nothing for a line.) Which step is missing, and what does PyTorch do with `.grad` when you call `backward()` twice?
#
# </details>


# %%
def mended_training(x, y, num_epochs):
    """Copy restless_training here and mend it."""
    ...


checks.mended_training(mended_training)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def mended_training(x, y, num_epochs):
#     """Copy restless_training here and mend it."""
#     torch.manual_seed(42)
#     model = LineModel()
#     optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
#     losses = []
#     for _ in range(num_epochs):
#         loss = nn.functional.l1_loss(model(x), y)
#         optimizer.zero_grad()
#         loss.backward()
#         optimizer.step()
#         losses.append(loss.item())
#     return losses
# ```
#
# Without `zero_grad()` each step uses the sum of all gradients so far. The line gathers speed like a pendulum, runs through the target and has to be slowed down again on the other side.
#
# </details>

# %% [markdown]
# ## 5 · Evaluate
#
# Three habits:
#
# - `model.eval()` switches off what parts of a model do only in training. Ours has no such part. (*Going further* B shows one.)
# - `torch.inference_mode()` stops PyTorch from keeping its notes, which saves memory and time.
# - Data and model must be on the same **device**, the processor or a graphics card. Bring results back with `.cpu()` before plotting.

# %%
model.eval()
with torch.inference_mode():
    predictions = model(x_test)
print(f"predictions from {predictions[0].item():.4f} to {predictions[-1].item():.4f}")

# %% tags=["figure"]
fig, ax = plt.subplots()
plotting.plot_predictions(x_train, y_train, x_test, y_test, predictions, ax=ax)
plotting.show(
    fig,
    alt="Predictions as red crosses beside the test points. They run just below them, with a "
    "flatter slope, so that the gap grows to the right.",
)

# %% [markdown]
# The line is still too flat. It misses most on the far right: that is why the test error stayed above the training error.

# %% [markdown]
# ## 6 · Save and load
#
# Save the `state_dict`, not the model object: names and numbers survive a change in your code. `weights_only=True` makes `torch.load` refuse anything but data. It is meant to keep a stranger's file from running code on your machine.

# %%
path = paths.results_folder() / "01_line.pt"
torch.save(model.state_dict(), path)

loaded = LineModel()
loaded.load_state_dict(torch.load(path, weights_only=True))
with torch.inference_mode():
    print("the same predictions:", torch.equal(loaded(x_test), model(x_test)))

# %% [markdown]
# The file lies in the folder `results`, beside `notebooks`.

# %% [markdown]
# ## 7 · Once more, in full
#
# Now as you would write it every day. A **layer** is a part of a model with its parameters. `nn.Linear(1, 1)` computes what our class did: one feature in, one number out. (It draws its first numbers in another way, so the same seed gives another start.) `pick_device()` returns a graphics card or another accelerator if there is one, else the processor.

# %%
device = pick_device()
train_x, train_y = x_train.to(device), y_train.to(device)
test_x, test_y = x_test.to(device), y_test.to(device)


def new_model():
    torch.manual_seed(42)
    return nn.Linear(1, 1).to(device)


# %% [markdown]
# The loop of section 4 becomes a function, `train`. (The model's own `train()` is another.) It also notes the parameters after each step. Pass over `scheduler` until section 8.


# %%
def train(model, num_epochs, optimizer, scheduler=None):
    history = {name: [] for name in ("train", "test", "weight", "bias")}
    for _ in range(num_epochs):
        model.train()
        loss = loss_fn(model(train_x), train_y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        model.eval()
        with torch.inference_mode():
            history["test"].append(loss_fn(model(test_x), test_y).item())
        history["train"].append(loss.item())
        history["weight"].append(model.weight.item())
        history["bias"].append(model.bias.item())
    return history


# %%
model_2 = new_model()
history = train(model_2, 1000, torch.optim.SGD(model_2.parameters(), lr=0.01))
for epoch in range(0, 1000, 100):
    print(
        f"epoch {epoch:3d} · train {history['train'][epoch]:.7f} · test {history['test'][epoch]:.7f}"
    )
with torch.inference_mode():
    predictions = model_2(test_x).cpu()
print(f"weight {model_2.weight.item():.4f}, bias {model_2.bias.item():.4f}")
print(f"predictions from {predictions[0].item():.4f} to {predictions[-1].item():.4f}")

# %% [markdown]
# Nobody told the model 0.7 and 0.3. Its predictions miss by less than 0.001. And the log says 0.0138? Section 8 has the answer. (*Going further* C draws the path that led it there.)

# %% [markdown]
# ## 8 · A loss that only looks finished
#
# In the log above every line from epoch 200 on shows the same two losses. Has training **converged**, that is, come to rest? We looked at every hundredth epoch. Now look at every one.

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True)
axes[0].plot(range(200, 1000, 100), history["train"][200::100], "o-", color="#D55E00")
axes[0].set(title="every hundredth epoch", xlabel="epoch", ylabel="training MAE")
last_forty = history["train"][960:]
axes[1].plot(range(960, 1000), last_forty, "o-", color="#D55E00", markersize=4, linewidth=1)
_ = axes[1].set(title="every epoch, the last forty", xlabel="epoch")
plotting.show(
    fig,
    alt="Left: the logged losses form a flat line. Right: looked at epoch by epoch, "
    "the loss jumps between two values without end.",
)

# %%
for epoch in (998, 999):
    print(f"epoch {epoch} · train {history['train'][epoch]:.7f}")

# %% tags=["claim"]
# "The loss jumps between two states": in the last 800 epochs there are no others.
assert len({round(loss, 6) for loss in history["train"][200::2]}) == 1
assert len({round(loss, 6) for loss in history["train"][201::2]}) == 1

# %% [markdown]
# It never settled. The loss jumps between two states, for ever. The bounce takes two epochs, and 100 is even: a log at every hundredth epoch always lands on the same state. Nor do its two columns speak of the same line: the training loss is measured before the step, the test loss after it. So a row shows the good line's 0.0013 beside the 0.0138 of the bad one. The run ends after a step to the good line: hence the good predictions.
#
# **Why.** Here are the two lines, drawn by how far they run above or below each point. The arrow shows how far one step moves the line, in the middle.

# %% tags=["figure"]
inputs = x_train[:, 0]
low, high = (
    (history["weight"][at] - TRUE_WEIGHT) * inputs + history["bias"][at] - TRUE_BIAS
    for at in (-2, -1)
)
fig, ax = plt.subplots(figsize=(8, 4.2))
ax.scatter(inputs, 0 * inputs, s=14, color="#0072B2", label="training data", zorder=3)
for values, style, position in ((high, "-", "above"), (low, "--", "below")):
    ax.plot(inputs, values, style, color="#D55E00", label=f"the line {position} them")
    ax.fill_between(inputs, 0 * inputs, values, color="#D55E00", alpha=0.15, linewidth=0)
ax.text(0.56, -0.006, f"mean distance {low.abs().mean():.4f}")
ax.text(0.02, 0.0038, f"mean distance {high.abs().mean():.4f}")
middle = inputs.mean()
below, above = ((line[19] + line[20]) / 2 for line in (low, high))
arrow = {"arrowstyle": "<|-|>", "color": "black", "shrinkA": 0, "shrinkB": 0, "mutation_scale": 14}
ax.annotate("", xy=(middle, above), xytext=(middle, below), arrowprops=arrow)
ax.text(middle - 0.01, -0.006, "one step", ha="right")
ax.set(xlabel="x", ylabel="line minus point", ylim=(-0.016, 0.009))
_ = ax.legend(loc="upper right", ncols=3, fontsize=9)
plotting.show(
    fig,
    alt="The training points as a level row at height 0. One line runs just above all of them, the "
    "other further away, below. An arrow between the lines at the middle of the points is one step; its "
    "two parts are the mean distances of the two lines.",
)

# %% tags=["claim"]
# "Below all 40 points every sign is −1", "Above all of them ...": the two lines lie so.
lines = [history["weight"][at] * x_train + history["bias"][at] - y_train for at in (-2, -1)]
assert (lines[0] < 0).all()
assert (lines[1] > 0).all()

# %% [markdown]
# The slope of the absolute error is its sign, and a sign does not fade near the target. Below all 40 points every sign is $-1$, and the step, longer than the way that is left, lifts the line across them. Above all of them every sign is $+1$, and the same step takes it back. (*Going further* H computes how long this step is.)
#
# **The cure.** Take smaller steps as you get closer. A **scheduler** changes the learning rate while training runs; `train` of section 7 calls its `step()` after every epoch. This one multiplies it by a factor that falls in a straight line from 1 to 0.

# %%
model_3 = new_model()
optimizer = torch.optim.SGD(model_3.parameters(), lr=0.01)
decay = torch.optim.lr_scheduler.LinearLR(
    optimizer, start_factor=1.0, end_factor=0.0, total_iters=1000
)
decayed = train(model_3, 1000, optimizer, decay)
print(f"last two losses ≈ {decayed['train'][-2]:.1e} and ≈ {decayed['train'][-1]:.1e}")
print(f"weight {model_3.weight.item():.3f}, bias {model_3.bias.item():.3f}")

# %% [markdown]
# `1.6e-05` is $1.6\cdot10^{-5}$, 0.000016. In the next picture a run is drawn as two curves, one through its even epochs and one through its odd ones. Where the two part, it bounces between two losses. Each labelled mark on the axis is ten times the one below it.


# %% tags=["figure"]
def draw_bounce(ax, losses, color, name):
    for first in (0, 1):
        epochs = range(first, len(losses), 2)
        ax.plot(epochs, losses[first::2], color=color, linewidth=1.2)
    pairs = zip(losses[:-2:2], losses[2::2], strict=True)
    even = [(before * after) ** 0.5 for before, after in pairs]  # half-way, on a log axis
    odd_epochs = range(1, len(losses) - 1, 2)
    ax.fill_between(odd_epochs, even, losses[1:-1:2], color=color, alpha=0.2, linewidth=0)
    ax.text(1.01 * len(losses), max(losses[-2:]), name, va="center", color=color)
    ax.set_xlim(0, len(losses))  # the grid ends before the names


fig, ax = plt.subplots(figsize=(8, 4.2))
draw_bounce(ax, history["train"], "#D55E00", "fixed rate")
draw_bounce(ax, decayed["train"], "#A8487F", "decaying rate")
ax.set(xlabel="epoch", ylabel="training MAE", yscale="log")
plotting.show(
    fig,
    alt="Training error on a logarithmic scale. With the fixed rate it bounces between two levels "
    "for ever, a broad band; with the decaying rate the band narrows and sinks to almost nothing.",
)

# %% tags=["claim"]
# "From about epoch 800 on it stays below the better state of the fixed run."
best_fixed = min(history["train"][-2:])
assert 700 < max(epoch for epoch in range(1000) if decayed["train"][epoch] > best_fixed) < 900

# %% [markdown]
# The decaying run bounces as well, with shorter and shorter steps. (The band shows how much the losses of its two states differ. Where it closes, both are equally far from the points, and the run still jumps between them.) From about epoch 800 on it stays below the better state of the fixed run.
#
# Keep two things. Compare neighbouring epochs, and the parameters as well as the loss. And expect that a rate which was right at the start is too large at the end.

# %% [markdown]
# ## 9 · The learning rate
#
# Here is the model of section 7 with our rate, with one ten times smaller and with one ten times larger.

# %%
rates = {}
for lr in (0.001, 0.01, 0.1):
    trial = new_model()
    rates[f"lr {lr}"] = train(trial, 200, torch.optim.SGD(trial.parameters(), lr=lr))

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 4.2))
colors = {"lr 0.001": "#2E7FB5", "lr 0.01": "#D55E00", "lr 0.1": "#7A5C00"}
for name, run in rates.items():
    draw_bounce(ax, run["train"], colors[name], name)
ax.set(xlabel="epoch", ylabel="training MAE", yscale="log")
plotting.show(
    fig,
    alt="Training error for three learning rates on a logarithmic scale: the small rate falls "
    "slowly, the middle one gets lowest, the large one is stuck high above it at once.",
)

# %% tags=["claim"]
# "The large one is stuck within a few epochs, more than five times above the worse of our two states."
final = {name: max(run["train"][-2:]) for name, run in rates.items()}
assert final["lr 0.1"] > 5 * final["lr 0.01"]
assert final["lr 0.001"] > 5 * final["lr 0.01"]

# %% [markdown]
# The small rate is far from done after 200 epochs. The large one is stuck within a few epochs, more than five times above the worse of our two states. Its curve is flat, yet it bounces as well, between two lines that happen to have nearly the same training error (*Going further* H).

# %% [markdown]
# ## 10 · From an empty page
#
# You have seen every line. Now write them once yourself.

# %% [markdown]
# ### Exercise 1.3 · code: Without the answer sheet
#
# For points on an unknown line, `x` and `y` of shape `(n, 1)`, with `x` between 0 and 2, train a model and return `(weight, bias)` as two numbers, each within 0.02 of the truth. The check tries several lines, steep ones too.
#
# <details><summary>Hint</summary>
#
# `nn.Linear(1, 1)`, a loss, SGD, the five lines. The lines may be steep, so 0.01 for a few hundred epochs is not enough. A larger rate gets there and bounces; a rate that starts larger and decays gets there and stays. `nn.MSELoss`, the mean squared error, is welcome too. With it a rate that is too large does not bounce, it explodes to `inf` and `nan`: divide it by ten.
#
# </details>


# %%
def fit_line(x, y):
    """Return (weight, bias) of the line through the points."""
    ...


checks.fit_line(fit_line)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def fit_line(x, y):
#     """Return (weight, bias) of the line through the points."""
#     model = nn.Linear(1, 1)
#     optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
#     for _ in range(1000):
#         loss = nn.functional.mse_loss(model(x), y)
#         optimizer.zero_grad()
#         loss.backward()
#         optimizer.step()
#     return model.weight.item(), model.bias.item()
# ```
#
# The squared error needs no decay here: its slope fades by itself near the target. (With noisy points *and* random batches it does not come to rest either: *Going further* E.)
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | `zero_grad()` forgotten | the loss swings up and down (exercise 1.2) | zero the gradients before every `backward()` |
# | learning rate too large | absolute error: the loss is stuck early, at a high level; squared error: it grows to `inf`, then `nan` | divide by ten; decay it towards the end |
# | learning rate too small | a curve that is still falling at the end | multiply by ten |
# | only every hundredth loss logged | a flat line that hides a bounce | compare neighbouring epochs |
# | `model.eval()` forgotten | results change from call to call if the model has dropout (*Going further* B) | `eval()` before, `train()` after |
# | data and model on different devices | `RuntimeError: Expected all tensors to be on the same device` | move both with `.to(device)` |
# | `y` of shape `(n,)` against predictions `(n, 1)` | a warning, and a loss that sticks at a high level: every prediction is compared with every target (*Going further* C) | give both the same shape |

# %% [markdown]
# ## What you can now do
#
# - Go from data to a saved model in six steps, and say what each line of the loop is for.
# - Take one step of gradient descent by hand, and check a gradient.
# - Tell a loss that has converged from one that bounces, and cure the second.
# - Recognise a rate that is too large or too small from its curve.
#
# Lesson 2 keeps the loop, and puts a network that reads handwritten digits in the place of the line.

# %% [markdown]
# ## Going further
#
# Each section stands for itself. A later lesson that needs one says so.
#
# ### A · `inference_mode` or `no_grad`
#
# Older code writes `torch.no_grad()` where we wrote `torch.inference_mode()`. In both PyTorch takes no notes. The new one is stricter: what is made inside cannot take part in a gradient later. The next cell tries, and is meant to fail. Read a long error message from its end: the last line says what went wrong.

# %% tags=["raises-exception"]
with torch.inference_mode():
    doubled = 2 * x_train
loss_fn(model(doubled), y_train).backward()

# %% [markdown]
# A copy made with `doubled.clone()`, outside the block, may be used again, as the message says. Or write `no_grad` in the first line, and the cell runs. So: `inference_mode` to evaluate, `no_grad` for the rare tensor that is made without a gradient and used in training later, and, by custom, to change parameters by hand: PyTorch forbids `parameter -= 0.01 * parameter.grad` outside such a block.

# %% tags=["claim"]
# "A copy made with `doubled.clone()` may be used again", "Or write `no_grad` ... and the cell runs."
assert loss_fn(model(doubled.clone()), y_train).requires_grad
with torch.no_grad():
    tripled = 3 * x_train
assert loss_fn(model(tripled), y_train).requires_grad

# %% [markdown]
# ### B · What `eval()` switches: dropout
#
# A large network can learn its training examples by heart: it knows them and fails on new ones. That is **overfitting**, and lesson 2 will show it. **Dropout** works against it. During training it sets each number that comes in to zero with a given probability, here ½, at random and anew at each step, so that the network cannot rely on any single one. The others are doubled (divided by the ½ that lets them pass), and the mean stays about the same. In evaluation it lets everything pass:

# %%
dropout = nn.Dropout(p=0.5)
ones = torch.ones(1000)
dropout.train()
in_training = dropout(ones)
dropout.eval()
in_evaluation = dropout(ones)
dropped = (in_training == 0).float().mean().item()
print(f"training:   {in_training.unique().tolist()}, ≈ {100 * dropped:.0f} % zeros")
print(f"evaluation: {in_evaluation.unique().tolist()}")

# %% [markdown]
# ### C · The loss surface
#
# Every pair (weight, bias) has a loss. Together they make a landscape, the **loss surface**. Here are its heights at 91 biases and 121 weights, computed all at once. `None` in an index makes an axis of length 1, and such an axis is stretched to fit the other tensor's: **broadcasting**. Shapes are lined up from the right, and axes that are missing on the left have length 1. (So (n, 1) against (n) becomes (n, n), the bug in the table above.) (121, 1) times (40) gives (121, 40), for each weight and point. With (91, 1, 1) added it is (91, 121, 40), for each bias, weight and point. `dim=2` takes the mean over the points. The last lines compute the same in two loops, one loss after the other.

# %%
weights = torch.linspace(0.1, 1.3, 121)
biases = torch.linspace(0, 0.9, 91)
lines = weights[:, None] * x_train[:, 0] + biases[:, None, None]  # (91, 121, 40)
surface = (lines - y_train[:, 0]).abs().mean(dim=2)  # (91, 121)

one_by_one = [[loss_fn(w * x_train + b, y_train).item() for w in weights] for b in biases]
print("the same surface:", torch.allclose(surface, torch.tensor(one_by_one), atol=1e-6))

# %% [markdown]
# Two paths of descent go on it, that of the first model (section 4), trained once more, and that of the second (section 7). Light is low, dark is high. A dot marks where a path stands after its first step, a hollow square where it ends.


# %% tags=["figure"]
def draw_path(ax, path, color, name, arrows):
    points = list(zip(path["weight"], path["bias"], strict=True))
    ax.plot(*zip(*points, strict=True), color=color, label=name)
    ax.plot(*points[0], "o", color=color, markersize=9, markeredgecolor="white", zorder=3)
    ax.plot(*points[-1], "s", color=color, markersize=11, markeredgewidth=2, fillstyle="none")
    for at in arrows:
        style = {"arrowstyle": "-|>", "color": color, "mutation_scale": 18}
        ax.annotate("", xy=points[at + 4], xytext=points[at], arrowprops=style)


torch.manual_seed(42)
model_1 = LineModel().to(device)
first_path = train(model_1, 100, torch.optim.SGD(model_1.parameters(), lr=0.01))
fig, ax = plt.subplots(figsize=(8, 5))
filled = ax.contourf(weights, biases, surface, levels=20, cmap="Greys")
fig.colorbar(filled, label="training MAE")
draw_path(ax, first_path, "#0072B2", "first model, 100 epochs", arrows=(10, 50))
draw_path(ax, history, "#D55E00", "second model, 1,000 epochs", arrows=(20, 80))
star = {"markersize": 26, "color": "#009E73", "markeredgecolor": "white", "zorder": 1.9}
ax.plot(TRUE_WEIGHT, TRUE_BIAS, "*", label="the true line", **star)
ax.set(xlabel="weight", ylabel="bias")
ax.grid(visible=False)
_ = ax.legend(labelcolor="black", frameon=True, markerscale=0.5)
plotting.show(
    fig,
    alt="The loss surface as a long slanting valley. From their starting points, two paths descend "
    "into it from opposite sides, turn, and follow its floor; the second ends at the star.",
)

# %% [markdown]
# The valley slants: a line that is too steep can be made nearly right by lowering its bias. Both paths first drop straight into the valley, then turn and follow its floor. The surface is **convex**, like a bowl: wherever you start, the way down leads to the one lowest place. The networks of later lessons have no such luck.

# %% [markdown]
# ### D · Without descent
#
# For a straight line and the squared error the lowest place can be computed in one go, by **least squares**. The line is a table times its two parameters, with $x$ in one column and 1 in the other:

# %%
table = torch.cat([x_train, torch.ones_like(x_train)], dim=1)  # (40, 2)
solution = torch.linalg.lstsq(table, y_train).solution.squeeze()
print(f"weight ≈ {solution[0].item():.4f}, bias ≈ {solution[1].item():.4f}")

# %% [markdown]
# Then why descend? Because nothing like it is known for a network, which is no table times its parameters. Descent needs only slopes.

# %% [markdown]
# ### E · Noise and random batches
#
# With the squared error the line of exercise 1.3 comes to rest. When does it not? Four runs: points on a line or with noise, and steps that see all 40 points or 4 drawn at random. To keep it small the weight stays at 0.7, and only the bias learns. How much does it still move in the last 100 of 200 steps? (`requires_grad=True` asks for a slope, as `nn.Parameter` does; `torch.randperm(40)` is a random order of the numbers 0 to 39.)


# %%
def movement(noise, batch_size):
    torch.manual_seed(0)
    heights = y_train - TRUE_WEIGHT * x_train + noise * torch.randn(40, 1)
    bias = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([bias], lr=0.1)
    path = []
    for _ in range(200):
        batch = heights[torch.randperm(40)[:batch_size]]
        loss = (bias - batch).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        path.append(bias.item())
    return max(path[-100:]) - min(path[-100:])


moved = {(noise, size): movement(noise, size) for noise in (0, 0.1) for size in (40, 4)}
for (noise, size), moves in moved.items():
    print(f"noise {noise:3.1f}, {size:2d} points a step: the bias moves by ≈ {moves:.4f}")

# %% tags=["claim"]
# "It takes both"
assert moved[0.1, 4] > 100 * max(moved[0.1, 40], moved[0, 4], moved[0, 40])

# %% [markdown]
# It takes both. On a line all batches agree about the best bias, and there every slope vanishes. With all points in each step it is always the same loss, noise or not, and its slope fades on the way down. But of noisy points every batch has a best bias of its own, and the parameter is pulled to and fro for ever. Again a falling rate is the cure: Robbins and Monro showed in 1951 how it has to fall.

# %% [markdown]
# ### F · A map of torch.nn
#
# These are the shelves of PyTorch's store. You have met the names in bold. Come back when a later lesson uses a new one.
#
# | shelf | what it is for | names |
# |---|---|---|
# | layers | weighted sums, the part that learns | **`Linear`**, `Conv2d`, `ConvTranspose2d`, `Embedding` |
# | activations | stand between layers and bend what passes; lesson 2 asks why | `ReLU`, `LeakyReLU`, `GELU`, `Tanh`, `Sigmoid`, `Softmax` |
# | normalisation | keeps numbers at a handy size | `BatchNorm1d`, `BatchNorm2d`, `LayerNorm`, `GroupNorm` |
# | pooling | makes images smaller | `MaxPool2d`, `AvgPool2d`, `AdaptiveAvgPool2d` |
# | recurrent | reads sequences step by step | `RNN`, `LSTM`, `GRU` |
# | attention | lets every position look at every other | `MultiheadAttention`, `TransformerEncoder` |
# | regularisation | works against overfitting | **`Dropout`**, `Dropout2d` |
# | losses | say how wrong a model is | **`L1Loss`**, **`MSELoss`**, `CrossEntropyLoss`, `BCEWithLogitsLoss` |
# | containers | hold other modules | **`Module`**, `Sequential`, `ModuleList`, `ModuleDict` |
#
# ### G · When one device is not enough
#
# In old code you will meet `nn.DataParallel`: one process feeds all graphics cards and soon becomes the bottleneck. Today's answer is `nn.parallel.DistributedDataParallel`. Each card has a process of its own and works on its own share of the examples, and `backward()` averages their gradients. The training loop stays as you know it. This course needs neither.
#
# ### H · How long the bounce is
#
# The step of section 8 is always the same: $0.01$ in the bias and $0.01 \cdot \bar x$ in the weight, where $\bar x = 0.39$ is the mean input. At the point $x_i$ that moves the line by $0.01\,(1 + \bar x\,x_i)$. The mean over the points is
#
# $$0.01\,(1 + \bar x \cdot \bar x) = 0.01\,(1 + 0.39^2) = 0.011521.$$
#
# One line lies above all points and the other below all of them. So their mean distances, the two losses, must add up to just this number:

# %%
step = 0.01 * (1 + x_train.mean().item() ** 2)
print(f"step {step:.6f} · sum of the two losses {sum(history['train'][-2:]):.6f}")

# %% [markdown]
# They do. Descent on a loss with kinks, like that of $|e|$ at 0, is called the **subgradient method**. With steps of a fixed size it comes near the lowest place, and need not stay there.
#
# The run with `lr` = 0.1 in section 9 had a flat curve, and bounces all the same. Look at its biases:

# %%
last_two = rates["lr 0.1"]["bias"][-2:]
print(f"lr 0.1: the last two biases {last_two[0]:.4f} and {last_two[1]:.4f}")

# %% [markdown]
# ### Exercise 1.4 · experiment: Thirty epochs
#
# You have 30 epochs, no scheduler, and the model of section 7. At 0.01 the training error, measured after the last step, is 0.21. Find a learning rate that ends below 0.015.
#
# <details><summary>Hint</summary>
#
# Try rates between 0.01 and 0.1. Two things work against each other: too small does not arrive, too large bounces.
#
# </details>

# %%
lr = None  # your number
checks.thirty_epochs(lr)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# lr = 0.03
# ```
#
# It ends at 0.0099. Rates from 0.025 to 0.034 pass. Above 0.035 the result jumps up and down (0.013 at 0.0425, 0.034 at 0.0438, 0.058 at 0.1): where a bounce stops is luck.
#
# </details>

# %% [markdown]
# ### Exercise 1.5 · code: The gradient of another loss
#
# The mean squared error is $\frac1n\sum_i e_i^2$. Write a function that returns its two derivatives, as section 3 did for the absolute error, for tensors `x` and `y` of shape `(n, 1)` and two numbers `weight` and `bias`. Each derivative is one number, or a tensor of one. Use no autograd, and the arguments `x` and `y`, not `x_train`: the check has points of its own.
#
# <details><summary>Hint</summary>
#
# The derivative of $e^2$ is $2e$ times the derivative of $e$. What is the derivative of $e_i$ with respect to $w$, and to $b$?
#
# </details>


# %%
def mse_gradient(x, y, weight, bias):
    """Return (d MSE / d weight, d MSE / d bias)."""
    ...


checks.mse_gradient(mse_gradient)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def mse_gradient(x, y, weight, bias):
#     """Return (d MSE / d weight, d MSE / d bias)."""
#     error = weight * x + bias - y
#     return (2 * error * x).mean(), (2 * error).mean()
# ```
#
# The sign of the error has become the error itself, times two: far away the slope is steep, near the target it fades.
#
# </details>

# %% [markdown]
# ### Exercise 1.6 · open: One wrong measurement
#
# One of the forty values was typed in wrongly:

# %%
y_typo = y_train.clone()
y_typo[20] += 5

# %% [markdown]
# Fit the line to `x_train` and `y_typo` twice, once with the absolute error and once with the squared one. (`train` won't do: it takes `train_y` and `loss_fn` from outside. Write the loop yourself. A rate that decays from 0.1 to 0 over 1,000 epochs suits both losses; at a fixed 0.1 the absolute error bounces.) Which line would you trust? Then let the typo be another point, at the left end or at the right. Write down what you found in two sentences, and *why* you think it is so: the slopes of the two losses hold the answer. There is no check.
#
# <details><summary>What you may find</summary>
#
# With a rate that decays the absolute error finds the old line as if nothing had happened: each of the 39 good points pulls exactly as hard as the wrong one, however far away that lies. The squared error pulls in proportion to the distance. One point that is wrong by 5 lifts the whole line by about 0.12, and at an end of the data it tilts it a great deal.
#
# </details>

# %% [markdown]
# ## References
#
# - H. Robbins, S. Monro (1951). *A Stochastic Approximation Method.* Annals of Mathematical Statistics 22(3). [doi:10.1214/aoms/1177729586](https://doi.org/10.1214/aoms/1177729586). Why the rate has to decay when steps are random.
# - N. Z. Shor (1985). *Minimization Methods for Non-Differentiable Functions.* Springer Series in Computational Mathematics 3. The method of *Going further* H.
# - A. Paszke et al. (2019). *PyTorch: An Imperative Style, High-Performance Deep Learning Library.* [arXiv:1912.01703](https://arxiv.org/abs/1912.01703)
# - N. Srivastava et al. (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting.* JMLR 15, [1929–1958](https://jmlr.org/papers/v15/srivastava14a.html)
# - S. Li et al. (2020). *PyTorch Distributed: Experiences on Accelerating Data Parallel Training.* [arXiv:2006.15704](https://arxiv.org/abs/2006.15704)
