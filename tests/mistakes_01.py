"""Typical mistakes of lesson 1, each with a fragment of the message it must get."""

LOOP = """
def mended_training(x, y, num_epochs):
    torch.manual_seed(42)
    model = LineModel()
    optimizer = torch.optim.SGD(model.parameters(), lr={lr})
    losses = []
    for _ in range(num_epochs):
        loss = nn.functional.l1_loss(model(x), y)
        {first}
        {second}
        {third}
        losses.append(loss.item())
    return losses
"""

FIT = """
def fit_line(x, y):
    model = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range({epochs}):
        loss = nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return {result}
"""

ZERO, BACKWARD, STEP = "optimizer.zero_grad()", "loss.backward()", "optimizer.step()"

MISTAKES = [
    ("1.1", 'prediction = "both up"', "descent goes against it"),
    ("1.1", 'prediction = "one up, one down"', "can the two sums differ in sign"),
    ("1.1", 'prediction = "sideways"', "answer with"),
    (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    error = y - weight * x - bias\n"
        "    return (2 * error * x).mean(), (2 * error).mean()",
        "the sign is flipped",
    ),
    (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    error = weight * x + bias - y\n"
        "    return (error * x).mean(), error.mean()",
        "half of the right value",
    ),
    (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    error = weight * x + bias - y\n"
        "    return (2 * error * x).sum(), (2 * error).sum()",
        "is a mean over the n points",
    ),
    (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    error = weight * x + bias - y\n"
        "    return (error.sign() * x).mean(), error.sign().mean()",
        "gradient of the absolute error",
    ),
    (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    error = weight * x + bias - y\n"
        "    return (2 * error).mean(), (2 * error).mean()",
        "needs one factor more",
    ),
    (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    error = weight * x + bias - y\n"
        "    return (2 * error).mean(), (2 * error * x).mean()",
        "in the wrong order",
    ),
    (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    error = weight * x + bias - y\n"
        "    return 2 * error * x, 2 * error",
        "return two numbers",
    ),
    (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    error = weight * x + bias - y\n"
        "    return (2 * error).mean() * x.mean(), (2 * error).mean()",
        "point by point",
    ),
    (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n"
        "    return (2 * (weight * x_data + bias - y_data) * x_data).mean(), 0",
        "NameError",
    ),
    (
        "1.2",
        "def mse_gradient(x, y, weight, bias):\n    return undefined",
        "your code stopped with NameError",
    ),
    ("1.3", LOOP.format(lr=0.01, first=BACKWARD, second=STEP, third="pass"), "still swings"),
    ("1.3", LOOP.format(lr=0.01, first=BACKWARD, second=ZERO, third=STEP), "stands still"),
    (
        "1.3",
        LOOP.format(lr=0.005, first=ZERO, second=BACKWARD, third=STEP),
        "something else changed",
    ),
    ("1.3", LOOP.format(lr=0.001, first=ZERO, second=BACKWARD, third=STEP), "something else"),
    (
        "1.3",
        "def mended_training(x, y, num_epochs):\n    losses = [0.0] * num_epochs",
        "is the return missing",
    ),
    ("1.4", "lr = 0.01", "too small: it has not arrived"),
    ("1.4", "lr = 0.1", "too large: it bounces"),
    ("1.4", "lr = -1", "a number above 0"),
    (
        "1.5",
        FIT.format(epochs=20, result="model.weight.item(), model.bias.item()"),
        "not there yet",
    ),
    (
        "1.5",
        FIT.format(epochs=1000, result="model.bias.item(), model.weight.item()"),
        "are swapped",
    ),
    (
        "1.5",
        FIT.replace("lr=0.1", "lr=1.0").format(epochs=50, result="model"),
        "return two numbers",
    ),
    (
        "1.5",
        FIT.replace("lr=0.1", "lr=0.5").format(
            epochs=50, result="model.weight.item(), model.bias.item()"
        ),
        "it blew up",
    ),
    ("1.5", FIT.format(epochs=1, result="[model.weight.item()]"), "return two numbers"),
]
