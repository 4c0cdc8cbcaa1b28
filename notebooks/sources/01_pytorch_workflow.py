# %% [markdown]
# # 1 · The PyTorch workflow: fit a straight line
#
# Every lesson of this course repeats the same six steps: data, model, loss and optimiser, training loop, evaluation, saving. Here you learn them on the smallest problem there is, a straight line. A program finds its slope and its intercept by itself. In the language of the field these are a **weight** and a **bias**.
#
# **You will**
#
# - turn data into tensors and keep some of it back for testing,
# - write a model, a loss and an optimiser, and the training loop that joins them,
# - check PyTorch's gradient against one worked out by hand,
# - save a trained model and load it back,
# - find out that a loss which looks finished is still bouncing, and cure it.
#
# **You need** Python, the equation of a straight line, and from school the derivative with its chain rule. No earlier lesson.
#
# **Time** About 80 minutes to read, with the exercises. All cells together run in about 15 seconds on two slow cores without a graphics card.

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
# `course_utils` is this course's own: `plotting` draws, `checks` looks at your answers, `paths` says where files go. You don't need it to use PyTorch.
#
# Which PyTorch is this, and what will it compute on? This cell talks about your machine, so its output may differ from the one stored here. Almost every other output must match.

# %% tags=["nbval-ignore-output"]
# About this machine
print(f"PyTorch {torch.__version__} on {pick_device()}, {torch.get_num_threads()} threads")

# %% [markdown]
# > **How to read the numbers in this course.** A number after `≈` differs a little from machine to machine. All other numbers are exact: on a CPU you should see the very same digits. Change whatever you like and run it. Some cells change the model each time they run, so run one twice and the numbers below it move: Kernel > Restart Kernel and Run All Cells brings everything back. Code that only draws a figure is folded. Click on the dots to see it.

# %% [markdown]
# ## 1 · Data
#
# Machine learning starts with numbers, kept in **tensors**, PyTorch's arrays. Ours lie on a line that we choose ourselves, $y = 0.7\,x + 0.3$, so that we can tell afterwards whether the program found it.

# %%
TRUE_WEIGHT, TRUE_BIAS = 0.7, 0.3

x = torch.arange(0, 1, 0.02).unsqueeze(1)  # (50, 1)
y = TRUE_WEIGHT * x + TRUE_BIAS  # (50, 1)
x[:3], y[:3]

# %% [markdown]
# `unsqueeze(1)` turns 50 numbers into a table of 50 rows and one column. PyTorch's layers expect that form: one row per example, one column per feature.
#
# A model is judged on examples that it has not learned from, as a student is judged on questions that were not in the homework. So the data is split before anything else happens:
#
# | set | share, usually | what for |
# |---|---|---|
# | training | 60–80 % | the model learns from it |
# | validation | 10–20 % | you compare models and settings on it |
# | test | 10–20 % | used to judge, never to choose |
#
# With 50 points we make do with two sets: the first 40 points to train, the last 10 to test. We shall watch the test error during training, and choose nothing by it: the learning rate of section 9 is judged by the training error. (Usually you shuffle before you split. We do not, because we want to see the model continue the line.)

# %%
x_train, y_train = x[:40], y[:40]
x_test, y_test = x[40:], y[40:]
len(x_train), len(x_test)

# %% tags=["figure"]
fig, ax = plt.subplots()
plotting.plot_predictions(x_train, y_train, x_test, y_test, ax=ax)
plotting.show(
    fig,
    alt="Fifty points on a rising straight line: the first forty are training data, "
    "the last ten, further right, are test data.",
)

# %% [markdown]
# Note where the test points lie: to the right of everything the model will see. It has to continue the line.

# %% [markdown]
# ## 2 · A model
#
# A model in PyTorch is a class that inherits from `nn.Module`. It says two things: which numbers may be learned (`nn.Parameter`), and how an input becomes an output (`forward`).


# %%
class LineModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1))
        self.bias = nn.Parameter(torch.randn(1))

    def forward(self, x):  # (batch, 1) -> (batch, 1)
        return self.weight * x + self.bias


# %% [markdown]
# `super().__init__()` prepares the module and must come first. `torch.randn(1)` draws one number from the bell curve, so the two parameters start at random. `torch.manual_seed(42)` fixes the random numbers, so that you and this page start from the same line.

# %%
torch.manual_seed(42)
model = LineModel()
model.state_dict()

# %% [markdown]
# `state_dict()` lists the model's numbers by name. It is also what we save to disk later.
#
# Before training, the model can only guess. Nobody calls `forward` by name: `model(x)` runs it. We ask for predictions inside `torch.inference_mode()`, which tells PyTorch that we only look and do not train. (Older code writes `torch.no_grad()`; section 5 shows where that still fits.) `.item()` turns a tensor of one number into a plain number.

# %%
with torch.inference_mode():
    untrained = model(x_test)
print(f"predictions from {untrained[0].item():.4f} to {untrained[-1].item():.4f}")

# %% tags=["figure"]
fig, ax = plt.subplots()
plotting.plot_predictions(x_train, y_train, x_test, y_test, untrained, ax=ax)
plotting.show(fig, alt="The untrained predictions, red crosses, lie far below the ten test points.")

# %% [markdown]
# ### Fit the line by hand
#
# Before the machine does it, do it yourself. The number to make small is the **mean absolute error** (MAE), the average distance between prediction and truth:
#
# $$\text{MAE} = \frac{1}{n}\sum_{i=1}^{n} \left|\,w\,x_i + b - y_i\,\right|$$


# %%
def mean_absolute_error(weight, bias):
    return (weight * x_train + bias - y_train).abs().mean().item()


# %% [markdown]
# Move the two sliders until the error is below 0.01. Watch which slider you reach for first, and when you have to go back to the other one.


# %% tags=["figure", "nbval-ignore-output"]
def draw_line(ax, weight, bias):
    plotting.plot_predictions(x_train, y_train, x_test, y_test, weight * x_test + bias, ax=ax)
    ax.plot([0, 1], [bias, weight + bias], color="#C22F00", linewidth=1)
    ax.set(ylim=(0, 1.25), title=f"MAE {mean_absolute_error(weight, bias):.4f}")


def fit_by_hand(weight, bias):
    fig, ax = plt.subplots()
    draw_line(ax, weight, bias)
    plotting.show(fig, alt=f"The line with weight {weight:.2f} and bias {bias:.2f}.")


_ = interact(
    fit_by_hand,
    weight=FloatSlider(0.34, min=-0.5, max=1.5, step=0.02, continuous_update=False),
    bias=FloatSlider(0.14, min=-0.5, max=1.5, step=0.02, continuous_update=False),
)

# %% [markdown]
# Three moments of such a fit, side by side:

# %% tags=["figure"]
moments = [(0.34, 0.13), (0.34, 0.44), (0.7, 0.3)]
fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), sharey=True)
for ax, (weight, bias) in zip(axes, moments, strict=True):
    draw_line(ax, weight, bias)
    ax.label_outer()
for ax in axes[1:]:
    ax.get_legend().remove()
far, flat, true = (f"{mean_absolute_error(*moment):.2f}" for moment in moments)
plotting.show(
    fig,
    alt=f"Three fits side by side: a line far too low (MAE {far}), a line at the right height that "
    f"is too flat ({flat}), and the true line ({true}).",
)

# %% [markdown]
# You probably shifted the line first (the bias) and tilted it afterwards (the weight), in turns. Gradient descent changes both at once, by a rule.

# %% [markdown]
# ## 3 · A loss and an optimiser
#
# The **loss** says how wrong the model is, in one number. `nn.L1Loss` is the mean absolute error.
#
# The **optimiser** (in code: `optimizer`) says how to change the parameters to make the loss smaller. Ask how the loss changes when only $w$ moves a little. That slope is written $\partial\,\text{loss}/\partial w$. Both slopes together, the one for $w$ and the one for $b$, are the **gradient**. It points uphill, so we step the other way, by the slope times a small number, the **learning rate** `lr`:
#
# $$w \leftarrow w - \text{lr}\cdot\frac{\partial\,\text{loss}}{\partial w}\qquad b \leftarrow b - \text{lr}\cdot\frac{\partial\,\text{loss}}{\partial b}$$
#
# The arrow reads "becomes". In PyTorch it is `SGD`, stochastic gradient descent. *Stochastic* means by chance: usually each step looks at a few examples drawn at random, as in lesson 2. Here it looks at all 40.

# %%
loss_fn = nn.L1Loss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.01)

# %% [markdown]
# ### Where the gradient comes from
#
# `loss.backward()` works out both derivatives and stores them in `.grad`. This is **autograd**.

# %%
loss = loss_fn(model(x_train), y_train)
loss.backward()
print(f"loss {loss.item():.4f}")
print(f"d loss / d weight {model.weight.grad.item():.4f}")
print(f"d loss / d bias   {model.bias.grad.item():.4f}")

# %% [markdown]
# Do not take its word for it. Write $e_i = w\,x_i + b - y_i$ for the error at point $i$. Move $w$ by one, and $e_i$ moves by $x_i$. Move $b$ by one, and $e_i$ moves by 1. The slope of $|e|$ is $+1$ where the error $e$ is positive and $-1$ where it is negative, in short $\operatorname{sign}(e)$. (At 0 there is no slope; PyTorch takes 0.) The chain rule multiplies the two, and the mean over all points gives
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
# They agree. The untrained line lies below all 40 training points (it is almost the first of the three pictures above), so every sign is $-1$: the bias slope is exactly $-1$, and the weight slope is minus the mean of the 40 inputs, $-0.39$. Both derivatives are negative, so descent will raise both parameters.

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
# Every sign is $+1$, so both derivatives are positive. The update subtracts them.
#
# </details>

# %% [markdown]
# ### Exercise 1.2 · code: The gradient of another loss
#
# The **mean squared error** is $\frac1n\sum_i e_i^2$. Write a function that returns its two derivatives, for tensors `x` and `y` of shape `(n, 1)` and two numbers `weight` and `bias`. Each derivative is one number, or a tensor of one. Use no autograd.
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
# The sign of the error has become the error itself, times two: far away the slope is steep, near the target it fades. Keep that in mind for section 8.
#
# </details>

# %% [markdown]
# ## 4 · The training loop
#
# Five lines do the work, and you will write them in every project:
#
# 1. **forward**: compute predictions,
# 2. **loss**: compare them with the truth,
# 3. **zero the gradients**: PyTorch *adds* to `.grad`, so the old values must go,
# 4. **backward**: compute the gradients, and put each into the `.grad` of its parameter,
# 5. **step**: the optimiser was given `model.parameters()`; it reads each `.grad` and changes the parameter.
#
# One pass over the training data is an **epoch**. All 40 points go through at once, so here an epoch is one step. After each one we also measure the loss on the test points, without learning from them. (`model.train()` and `model.eval()` announce which of the two is meant; section 5 says why.)

# %%
train_losses, test_losses = [], []

for epoch in range(100):
    model.train()
    predictions = model(x_train)  # 1. forward
    loss = loss_fn(predictions, y_train)  # 2. loss
    optimizer.zero_grad()  # 3. forget the old gradients
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
# Both losses fall. Note when they are measured: the training loss belongs to the predictions *before* the step, the test loss to the line *after* it. Here that hardly matters. In section 8 it will.
#
# A picture shows the speed better than a column of numbers. Look for the bend.

# %% tags=["figure"]
fig, ax = plt.subplots()
plotting.curves({"training": train_losses, "test": test_losses}, ax=ax, ylabel="MAE")
plotting.show(
    fig,
    alt="Training and test error against the epoch: both fall steeply for about twenty epochs, "
    "then slowly, the test error later than the training error, and it stays above it.",
)

# %% [markdown]
# First the line is simply too low, and every step lifts it: the steep part. The first ten epochs gain more than thirty times as much as ten late ones. After about 20 epochs the line meets the training points. Some errors are positive now, some negative, their signs partly cancel, and progress becomes slow. What is left is tilting.

# %%
model.state_dict()

# %% tags=["claim"]
# "The first ten epochs gain more than thirty times as much as ten late ones."
assert train_losses[0] - train_losses[10] > 30 * (train_losses[80] - train_losses[90])

# %% [markdown]
# The weight has come from 0.3367 to 0.5784 on its way to 0.7; the bias from 0.1288 to 0.3513, which is already too high. Its slope was $-1$ against $-0.39$ for the weight, so the bias ran ahead and overshot, as you may have done with the sliders.

# %% [markdown]
# ### A restless loss
#
# A colleague sends you the loop below and a picture of its loss. The loss falls, turns round, climbs almost to where it started, and falls again. (`nn.functional.l1_loss` is `nn.L1Loss` as a plain function.)


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


# %%
restless = restless_training(x_train, y_train, 150)

# %% tags=["figure"]
fig, ax = plt.subplots()
plotting.curves({"your colleague's loop": restless}, ax=ax)
plotting.show(
    fig, alt=f"A loss that falls, climbs back, and swings on for all {len(restless)} epochs."
)

# %% tags=["claim"]
# "The loss falls, turns round, climbs almost to where it started": and it started like your loop.
assert abs(restless[0] - train_losses[0]) < 1e-6
assert min(restless[:12]) < restless[0] / 3
assert max(restless[10:20]) > 0.8 * restless[0]

# %% [markdown]
# ### Exercise 1.3 · find the bug: The restless loss
#
# Mend your colleague's loop.
#
# <details><summary>Hint</summary>
#
# Tick off the five steps of section 4. (Forward and loss share a line here, and `train()` and `eval()` change nothing for a line.) Which step is missing, and what does PyTorch do with `.grad` when you call `backward()` twice?
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
# Three habits for every evaluation:
#
# - `model.eval()` switches layers that behave differently in training to their quiet mode. Dropout, below, is one. Our model has none; make it a habit anyway.
# - `torch.inference_mode()` stops PyTorch from keeping notes of every calculation for `backward()`. A prediction then takes less memory and less time.
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
    alt="After 100 epochs the predictions run below the test points with a flatter slope, "
    "so that the gap grows to the right.",
)

# %% [markdown]
# The line is still too flat. It misses most on the far right, where the test points are: that is why the test error stayed above the training error.
#
# What does `eval()` do to a layer that cares? Dropout (2014) makes learning by heart harder. While training it sets each input to zero with a given probability, here ½, and doubles the others, so that the mean stays about the same. In evaluation it leaves everything alone:

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
# And when is `torch.no_grad()` still the right word? `inference_mode` is strict: what it makes may never take part in a gradient again. The next cell tries, and is meant to fail. Read a long error message from its end: the last line says what went wrong, the lines above it where.

# %% tags=["raises-exception"]
with torch.inference_mode():
    doubled = 2 * x_train
loss_fn(model(doubled), y_train).backward()

# %% [markdown]
# Use `inference_mode` to evaluate, and `no_grad` for the rare tensor that is made without a gradient and used in training later: with `no_grad` in its first line, the cell above runs.
#
# Changing parameters by hand needs such a block too, for outside of one PyTorch refuses to change a parameter in place. By custom one writes `no_grad`. Here is one step of SGD without an optimiser. It begins by forgetting the old gradients, for those of epoch 99 are still in `.grad`. (`model.zero_grad()` does the same as `optimizer.zero_grad()`.)

# %%
model.zero_grad()
loss_fn(model(x_train), y_train).backward()
with torch.no_grad():
    for parameter in model.parameters():
        parameter -= 0.01 * parameter.grad
        print(f"slope {parameter.grad.item():.4f}, so it becomes {parameter.item():.4f}")

# %% tags=["claim"]
# "with `no_grad` in its first line, the cell above runs"
with torch.no_grad():
    tripled = 3 * x_train
assert loss_fn(model(tripled), y_train).requires_grad

# %% [markdown]
# ## 6 · Save and load
#
# Save the `state_dict`, not the model object. Names and numbers survive a change in your code; a stored object depends on the class as it was. `weights_only=True` makes `torch.load` refuse anything but data, so a file from a stranger cannot run code on your machine.

# %%
path = paths.results_folder() / "01_line.pt"
torch.save(model.state_dict(), path)

loaded = LineModel()
loaded.load_state_dict(torch.load(path, weights_only=True))
with torch.inference_mode():
    print("the same predictions:", torch.equal(loaded(x_test), model(x_test)))

# %% [markdown]
# A new `LineModel()` starts at random. After `load_state_dict` it is the trained one, to the last bit.

# %% [markdown]
# ## 7 · Once more, in full
#
# Now the same thing as you would write it every day: a ready-made layer, a device, and a function for the loop.
#
# `nn.Linear(1, 1)` holds a weight and a bias and computes what our class computed. (It draws its first numbers in another way, so the same seed gives another start.) `pick_device()` returns an accelerator if there is one, else the CPU. Model and data both move there, and the predictions come back with `.cpu()` before they are drawn.

# %%
device = pick_device()
train_x, train_y = x_train.to(device), y_train.to(device)
test_x, test_y = x_test.to(device), y_test.to(device)


def new_model():
    torch.manual_seed(42)
    return nn.Linear(1, 1).to(device)


# %% [markdown]
# The loop of section 4 becomes a function. (Pass over `scheduler` until section 8.) It also notes the parameters, at the start and after each epoch. We shall want to see their path.


# %%
def train(model, num_epochs, optimizer, scheduler=None):
    history = {
        "train": [],
        "test": [],
        "weight": [model.weight.item()],
        "bias": [model.bias.item()],
    }
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
        f"epoch {epoch:3d} · train MAE {history['train'][epoch]:.7f}"
        f" · test MAE {history['test'][epoch]:.7f}"
    )

# %%
with torch.inference_mode():
    predictions = model_2(test_x).cpu()
print(f"weight {model_2.weight.item():.4f}, bias {model_2.bias.item():.4f}")
print(f"predictions from {predictions[0].item():.4f} to {predictions[-1].item():.4f}")

# %% tags=["figure"]
fig, ax = plt.subplots()
plotting.plot_predictions(x_train, y_train, x_test, y_test, predictions, ax=ax)
plotting.show(fig, alt="After 1,000 epochs the predictions lie on the test points.")

# %% [markdown]
# The model found 0.6968 and 0.3025. Nobody told it 0.7 and 0.3. (It was a little lucky. Section 8 shows why.)

# %% [markdown]
# ### Where it walked
#
# With two parameters we can draw the whole **loss surface**: every pair (weight, bias) has a loss. We compute it for 121 weights and 91 biases at once. `None` in an index makes an axis of length 1, and an axis of length 1 is stretched to fit the other tensor's (**broadcasting**): (121, 1) times (40) gives (121, 40), and plus (91, 1, 1) gives (91, 121, 40), a value for each bias, weight and point.

# %%
weights = torch.linspace(0.1, 1.3, 121)
biases = torch.linspace(0, 0.9, 91)
lines = weights[:, None] * x_train[:, 0] + biases[:, None, None]  # (91, 121, 40)
surface = (lines - y_train[:, 0]).abs().mean(dim=2)  # (91, 121)

# %% [markdown]
# On the surface we draw the two paths of descent, 1,000 epochs of the second model and 100 of the first, which we train once more. A dot marks where each begins.

# %%
torch.manual_seed(42)
model_1 = LineModel().to(device)
first_path = train(model_1, 100, torch.optim.SGD(model_1.parameters(), lr=0.01))
print("the same losses as in section 4:", first_path["train"] == train_losses)

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 5))
filled = ax.contourf(weights, biases, surface, levels=20, cmap="Greys")
fig.colorbar(filled, label="training MAE")
ax.plot(first_path["weight"], first_path["bias"], color="#0072B2", label="first model")
ax.plot(history["weight"], history["bias"], "--", color="#D55E00", label="second model")
for path, color in ((first_path, "#0072B2"), (history, "#D55E00")):
    ax.plot(path["weight"][0], path["bias"][0], "o", color=color)
ax.plot(TRUE_WEIGHT, TRUE_BIAS, "*", markersize=16, color="#009E73", label="the true line")
ax.set(xlabel="weight", ylabel="bias")
ax.grid(visible=False)
_ = ax.legend(labelcolor="black", frameon=True)
plotting.show(
    fig,
    alt="The loss surface as a long slanting valley. From their starting points, two paths descend "
    "into it from opposite sides, turn, and follow its floor; the second ends under the star.",
)

# %% [markdown]
# The valley slants: a line that is a little too steep can be made nearly right by lowering its bias. Both paths first drop straight into the valley, then turn and follow its floor.

# %% [markdown]
# ## 8 · A loss that only looks finished
#
# Look at the log of section 7 again. From epoch 200 on, every line shows the same two losses, 0.0012645 and 0.0138018. Has training **converged**, that is, come to rest?
#
# We looked at every hundredth epoch. Now look at every one.

# %%
for epoch in range(995, 1000):
    print(
        f"epoch {epoch} · train {history['train'][epoch]:.7f} · test {history['test'][epoch]:.7f}"
    )

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(11, 3.8), sharey=True)
axes[0].plot(range(200, 1000, 100), history["train"][200::100], "o-")
axes[0].set(title="every hundredth epoch", xlabel="epoch", ylabel="training MAE")
axes[1].plot(range(960, 1000), history["train"][960:], "o-", markersize=4, linewidth=1)
_ = axes[1].set(title="every epoch, the last forty", xlabel="epoch")
plotting.show(
    fig,
    alt="Left: the logged losses form a flat line. Right: looked at epoch by epoch, "
    "the loss jumps between two values without end.",
)

# %% tags=["claim"]
# "The loss jumps between two states": in the last 800 epochs there are no others.
assert len({round(loss, 6) for loss in history["train"][200::2]}) == 1
assert len({round(loss, 6) for loss in history["train"][201::2]}) == 1

# %% [markdown]
# It never settled. The loss jumps between two states, for ever. The bounce takes two epochs, 100 is an even number, and so a log at every hundredth epoch always lands on the same state. The lines pair the small training loss with the large test loss because one is measured before the step and the other after it.
#
# **Why.** The slope of the absolute error is its sign. It does not fade near the target. In one state (bias 0.2925, loss 0.0103) the line lies just below all 40 points: every sign is $-1$, and the step lifts it. In the other (bias 0.3025, loss 0.0013) it lies just above all of them: every sign is $+1$, and the step takes it back. The step is always the same: $0.01$ in the bias, $0.01 \cdot \bar x$ in the weight, where $\bar x = 0.39$ is the mean input. At the point $x_i$ that moves the line by $0.01\,(1 + \bar x\,x_i)$. The mean over the points is
#
# $$0.01\,(1 + \bar x \cdot \bar x) = 0.01\,(1 + 0.39^2) = 0.011521.$$
#
# The mean distance below the points plus the mean distance above them is one such move. So if that is the whole story, the two losses must add up to just this number. They do:

# %%
step = 0.01 * (1 + x_train.mean().item() ** 2)
print(f"step {step:.6f} · sum of the two losses {sum(history['train'][-2:]):.6f}")
print(f"bias in the two states: {history['bias'][-2]:.4f} and {history['bias'][-1]:.4f}")

# %% [markdown]
# And here is the luck: the last step, that of epoch 999, ended in the better state. (Its training loss, 0.0103, belongs to the state before the step.) One epoch earlier the bias was 0.2925, three times as far from the truth.

# %% [markdown]
# **The cure.** Take smaller steps as you get closer. A **scheduler** changes the learning rate while training runs. This one multiplies it by a factor that falls in a straight line from 1 to 0.

# %%
model_3 = new_model()
optimizer = torch.optim.SGD(model_3.parameters(), lr=0.01)
decay = torch.optim.lr_scheduler.LinearLR(
    optimizer, start_factor=1.0, end_factor=0.0, total_iters=1000
)
decayed = train(model_3, 1000, optimizer, decay)
print(f"last two losses ≈ {decayed['train'][-2]:.1e} and ≈ {decayed['train'][-1]:.1e}")
print(f"weight {model_3.weight.item():.3f}, bias {model_3.bias.item():.3f}")

# %% tags=["figure"]
fig, ax = plt.subplots()
for name, run in {"fixed rate": history, "decaying rate": decayed}.items():
    ax.plot(run["train"], linewidth=0.6)
    ax.text(1010, min(run["train"][-2:]), name, va="center")
ax.set(xlabel="epoch", ylabel="training MAE", yscale="log")
plotting.show(
    fig,
    alt="Training error on a logarithmic scale. With the fixed rate it bounces between two levels "
    "for ever, a broad band; with the decaying rate the band narrows and sinks to almost nothing.",
)

# %% tags=["claim"]
# "only after some 800 epochs does it stay below the better of the two fixed states"
best_fixed = min(history["train"][-2:])
assert 700 < max(epoch for epoch in range(1000) if decayed["train"][epoch] > best_fixed) < 900

# %% [markdown]
# The decaying run bounces as well. What shrinks with the rate is one move of the line, and so the sum of two successive losses. (Where the band is thin, around epoch 540, both states happen to have nearly the same loss; section 9 meets such a pair again.) It needs patience: only after some 800 epochs does it stay below the better of the two fixed states.
#
# Keep two things. A log that shows every hundredth value can hide what happens in between: plot every epoch. And a rate that was right at the start is often too large at the end.

# %% [markdown]
# ## 9 · The learning rate
#
# It is the first setting to look at when training goes wrong. Here is the second model with three rates: ours, ten times smaller, ten times larger.

# %%
rates = {}
for lr in (0.001, 0.01, 0.1):
    trial = new_model()
    rates[f"lr {lr}"] = train(trial, 300, torch.optim.SGD(trial.parameters(), lr=lr))

# %% tags=["figure"]
fig, ax = plt.subplots()
for name, run in rates.items():
    ax.plot(run["train"], linewidth=1)
    ax.text(303, run["train"][-1], name, va="center")
ax.set(xlabel="epoch", ylabel="training MAE", yscale="log")
plotting.show(
    fig,
    alt="Training error for three learning rates on a logarithmic scale: the small rate falls "
    "slowly, the middle one gets lowest, the large one is stuck high above it at once.",
)

# %% tags=["claim"]
# "The large one is stuck within a few epochs, more than five times higher than ours."
final = {name: max(run["train"][-2:]) for name, run in rates.items()}
assert final["lr 0.1"] > 5 * final["lr 0.01"]
assert final["lr 0.001"] > 5 * final["lr 0.01"]

# %%
last_two = rates["lr 0.1"]["test"][-2:]
print(f"lr 0.1: the last two test errors {last_two[0]:.4f} and {last_two[1]:.4f}")

# %% [markdown]
# The small rate is on the right track, and far from done after 300 epochs. The large one is stuck within a few epochs, more than five times higher than ours. Its curve is flat, yet it bounces as well, between two lines that happen to have nearly the same training error. Its test error has just given it away.

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
# It ends at 0.0099. Rates from 0.025 to 0.034 pass, and 0.1 is back at 0.058. Between them the result jumps up and down: where a bounce stops is luck.
#
# </details>

# %% [markdown]
# ## 10 · A map of torch.nn
#
# These are the shelves of PyTorch's store. You have met the names in bold. Come back when a later lesson uses a new one.
#
# | shelf | what it is for | names |
# |---|---|---|
# | layers | weighted sums, the part that learns | **`Linear`**, `Conv2d`, `ConvTranspose2d`, `Embedding` |
# | activations | a bend between two layers; without it, two layers in a row are one straight line again | `ReLU`, `LeakyReLU`, `GELU`, `Tanh`, `Sigmoid`, `Softmax` |
# | normalisation | keeps numbers at a handy size | `BatchNorm1d`, `BatchNorm2d`, `LayerNorm`, `GroupNorm` |
# | pooling | makes images smaller | `MaxPool2d`, `AvgPool2d`, `AdaptiveAvgPool2d` |
# | recurrent | reads sequences step by step | `RNN`, `LSTM`, `GRU` |
# | attention | lets every position look at every other | `MultiheadAttention`, `TransformerEncoder` |
# | regularisation | makes learning by heart harder | **`Dropout`**, `Dropout2d` |
# | losses | say how wrong a model is | **`L1Loss`**, `MSELoss`, `CrossEntropyLoss`, `BCEWithLogitsLoss` |
# | containers | hold other modules | **`Module`**, `Sequential`, `ModuleList`, `ModuleDict` |

# %% [markdown]
# <details><summary>When one device is not enough</summary>
#
# In old code you will meet `nn.DataParallel`: one process feeds all graphics cards and soon becomes the bottleneck. Today's answer is `nn.parallel.DistributedDataParallel`. Each card has a process of its own and works on its own share of the examples, and `backward()` averages their gradients. The training loop stays as you know it. This course needs neither.
#
# </details>

# %% [markdown]
# ### Exercise 1.5 · code: Without the answer sheet
#
# Write the training once from an empty page: for points on an unknown line, `x` and `y` of shape `(n, 1)`, with `x` between 0 and 2. Return `(weight, bias)` as two numbers, each within 0.02 of the truth. The check tries several lines, steep ones too.
#
# <details><summary>Hint</summary>
#
# `nn.Linear(1, 1)`, a loss, SGD, the five lines. The lines may be steep, so 0.01 for a few hundred epochs is not enough. A larger rate gets there and bounces; a rate that starts larger and decays gets there and stays. `nn.MSELoss` is welcome too. With it a rate that is too large does not bounce, it explodes to `inf` and `nan`: divide it by ten.
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
# The squared error needs no decay here: its slope fades by itself near the target, as exercise 1.2 showed. That holds while every step sees all points, and the points lie on a line. With random batches it bounces as well. And why did the lesson take the absolute error? Because its bounce can be worked out by hand.
#
# </details>

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | `zero_grad()` forgotten | the loss swings up and down like a pendulum (exercise 1.3) | zero the gradients before every `backward()` |
# | learning rate ten times too large | absolute error: the loss stops falling early, at a high level, and the jumps may show only in the parameters; squared error: it grows to `inf`, then `nan` | divide by ten; decay it towards the end |
# | learning rate ten times too small | a smooth curve that is still falling when you run out of epochs | multiply by ten |
# | only every hundredth loss logged | a flat line that hides a bounce (section 8) | record every epoch, plot all of them |
# | `model.eval()` forgotten | results change from call to call once the model has dropout | `eval()` before, `train()` after |
# | data and model on different devices | `RuntimeError: Expected all tensors to be on the same device` | move both with `.to(device)` |
# | `y` of shape `(n,)` against predictions `(n, 1)` | a warning, and a loss that sticks at a high level: every prediction is compared with every target, so the best answer is a constant | give both the same shape |
# | the test points used in training | a test error that looks wonderful and means nothing | split first, never learn or choose by the test set |

# %% [markdown]
# ## What you can now do
#
# - Go from data to a saved model in six steps, and say what each line of the loop is for.
# - Check a gradient by hand.
# - Tell a loss that has converged from one that bounces, and cure the second.
# - Recognise a rate that is too large or too small from its curve.
#
# Lesson 2 keeps the loop and puts a network that reads handwritten digits in the place of the line.

# %% [markdown]
# ## References
#
# - H. Robbins, S. Monro (1951). *A Stochastic Approximation Method.* Annals of Mathematical Statistics 22(3). [doi:10.1214/aoms/1177729586](https://doi.org/10.1214/aoms/1177729586). Why the rate has to decay when steps are random.
# - A. Paszke et al. (2019). *PyTorch: An Imperative Style, High-Performance Deep Learning Library.* [arXiv:1912.01703](https://arxiv.org/abs/1912.01703)
# - N. Srivastava et al. (2014). *Dropout: A Simple Way to Prevent Neural Networks from Overfitting.* JMLR 15.
# - S. Li et al. (2020). *PyTorch Distributed: Experiences on Accelerating Data Parallel Training.* [arXiv:2006.15704](https://arxiv.org/abs/2006.15704)
