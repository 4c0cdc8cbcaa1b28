# %% [markdown]
# # 6 · A VAE that draws digits
#
# Lesson 5 gave the theory of the variational autoencoder. Here you build one that draws digits nobody ever wrote, and take it apart until you know what each of its parts does.
#
# **You will**
#
# - build and train a VAE, with both terms of its loss in view,
# - name the likelihood behind the loss, and state in nats how well the model explains new images,
# - see how the codes of all images together fill the bell curve, and which code numbers carry information,
# - cause posterior collapse on purpose, and cure it,
# - teach a conditional VAE to write ten digits in one handwriting.
#
# **You need** Lessons 2 (the loop, the judge; *Going further* A: the one-cycle rate), 4 (autoencoders) and 5 (the bound, the KL divergence, the reparameterisation). From school: mean, variance, and the bell curve.
#
# **Time** About 110 minutes to read, with the exercises. All cells together run in about 120 seconds on two slow cores without a graphics card.

# %%
# %matplotlib inline
import math
import time
from itertools import count

import matplotlib.pyplot as plt
import torch
from ipywidgets import FloatSlider, IntSlider, interact
from torch import nn
from torch.distributions import Normal, kl_divergence
from tqdm.auto import tqdm

from course_utils import data, plotting
from course_utils.device import pick_device, seed_everything
from course_utils.lessons import results
from course_utils.lessons.checks import lesson_06 as checks
from course_utils.lessons.classifier import load_judge
from course_utils.lessons.runs import run

plt.style.use(["default", "course_utils.course"])
SEED = 0

# %% tags=["nbval-ignore-output"]
# About this machine
device = pick_device()
print(f"PyTorch {torch.__version__} on {device}, {torch.get_num_threads()} threads")
_ = data.prepare("MNIST")
judge = load_judge(device)

# %% [markdown]
# The last line speaks of the judge: the classifier that you trained in lesson 2. It will read what the networks of this lesson write.

# %% [markdown]
# ## 1 · Images as vectors
#
# As in lesson 2, an image is a vector $\mathbf{x}$ of 784 numbers in $[-1, 1]$.

# %%
train_images, train_labels = data.tensors(data.load("MNIST", train=True))
test_images, test_labels = data.tensors(data.load("MNIST", train=False))
train_images, test_images = train_images.flatten(1), test_images.flatten(1)
print(tuple(train_images.shape), tuple(test_images.shape))

# %% [markdown]
# ## 2 · The network
#
# An autoencoder turns an image into one code. A VAE turns it into a **cloud** of codes: the encoder answers with a mean $\boldsymbol\mu$ and a spread for each of 20 code numbers, and a code $\mathbf{z}$ is drawn from the cloud. The 20 numbers of $\mathbf{z}$ are the **latent units**. A spread $\sigma$ must be positive, and a linear layer gives numbers of any sign. So the layer gives the logarithm of the variance, $\text{logvar} = \log \sigma^2$, and $\sigma = e^{\text{logvar}/2}$.
#
# Lesson 5 showed how to draw so that gradients still reach the encoder, the **reparameterisation**: the randomness sits in a standard normal number $\varepsilon$ that depends on nothing, and
#
# $$z = \mu + e^{\text{logvar}/2} \cdot \varepsilon, \qquad \varepsilon \sim \mathcal{N}(0, 1).$$
#
# The symbol $\mathcal{N}(m, v)$ stands for the normal distribution with mean $m$ and variance $v$, and $\sim$ means "is drawn from". The randomness belongs in training only. When the net is asked to evaluate an image, it takes the middle of the cloud, $z = \mu$, and gives the same answer every time.

# %% [markdown]
# ### Exercise 6.1 · code: Draw in training, not in evaluation
#
# Write the step from `mu` and `logvar`, both `(batch, latent)`, to the code `z`: with noise if `training` is true, the mean otherwise. Make the noise on the device where `mu` is.
#
# <details><summary>Hint</summary>
#
# `torch.randn_like(mu)` has the shape, type and device of `mu`, and a number of its own for every entry.
#
# </details>


# %%
def sampling_step(mu, logvar, training):
    """Return a code for each image, (batch, latent)."""
    ...


checks.sampling_step(sampling_step)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def sampling_step(mu, logvar, training):
#     """Return a code for each image, (batch, latent)."""
#     if not training:
#         return mu
#     return mu + (logvar / 2).exp() * torch.randn_like(mu)
# ```
#
# The check draws thousands of codes and looks at their mean and variance. A wrong exponent shows only there: the code runs, and the shapes fit.
#
# </details>

# %% [markdown]
# Now the whole net. The encoder has one hidden layer and two answers, the decoder is its mirror image. At its end stands the hyperbolic tangent, **Tanh**, which squeezes any number into $(-1, 1)$, the range of the pixels.
#
# Every `nn.Module` knows by `self.training` whether `train()` or `eval()` was called last. The labels `y` are handed through and not used. Section 13 needs them.


# %%
class VAE(nn.Module):
    """(batch, 784) in [-1, 1] -> reconstruction (batch, 784), mu and logvar (batch, latent)."""

    def __init__(self, latent=20):
        super().__init__()
        self.latent = latent
        self.hidden = nn.Sequential(nn.Linear(784, 400), nn.ReLU())
        self.to_mu = nn.Linear(400, latent)
        self.to_logvar = nn.Linear(400, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, 400), nn.ReLU(), nn.Linear(400, 784), nn.Tanh()
        )

    def encode(self, x, y=None):
        h = self.hidden(x)  # (batch, 400)
        return self.to_mu(h), self.to_logvar(h)

    def sample(self, mu, logvar):
        return mu + (logvar / 2).exp() * torch.randn_like(mu)

    def decode(self, z, y=None):
        return self.decoder(z)

    def forward(self, x, y=None):
        mu, logvar = self.encode(x, y)
        z = self.sample(mu, logvar) if self.training else mu
        return self.decode(z, y), mu, logvar


# %%
seed_everything(SEED)
vae = VAE().to(device)
x = test_images[:8].to(device)
recon, mu, logvar = vae(x)
num_parameters = sum(parameter.numel() for parameter in vae.parameters())
print(f"image {tuple(x.shape)} -> mu {tuple(mu.shape)}, logvar {tuple(logvar.shape)}")
print(f"-> reconstruction {tuple(recon.shape)}")
by_hand = 785 * 400 + 2 * 401 * 20 + 21 * 400 + 401 * 784  # (inputs + 1) · outputs of each layer
print(f"parameters: by hand {by_hand:,} · counted {num_parameters:,}")

# %% tags=["claim"]
# "Tanh, which squeezes any number into (-1, 1), the range of the pixels"
assert vae.decode(1000 * torch.randn(64, 20, device=device)).abs().max() <= 1

# %% [markdown]
# A net with a mistake in the sampling step trains all the same; its images are only worse. So test the sampling alone, with clouds whose mean and spread we choose: 100,000 codes for each of four means and spreads.

# %%
wanted_mu = torch.tensor([0.0, 2.0, -1.0, 5.0], device=device)
wanted_std = torch.tensor([1.0, 0.5, 2.0, 0.1], device=device)
mu, logvar = wanted_mu.expand(100_000, 4), (2 * wanted_std.log()).expand(100_000, 4)
z = vae.sample(mu, logvar)
print("mean   " + " ".join(f"≈ {value:.2f}" for value in z.mean(dim=0).tolist()))
print("spread " + " ".join(f"≈ {value:.2f}" for value in z.std(dim=0).tolist()))

# %% [markdown]
# Both come out as asked for. Now the two modes: let eight images pass twice, in training and in evaluation.

# %% tags=["claim"]
# "Both come out as asked for"
assert ((z.mean(dim=0) - wanted_mu).abs() < 0.05 * wanted_std).all()
assert (z.std(dim=0) / wanted_std - 1).abs().max() < 0.05
assert (torch.corrcoef(z.T) - torch.eye(4, device=device)).abs().max() < 0.05  # own noise each

# %%
for mode in (vae.train, vae.eval):
    mode()
    print(f"{mode.__name__:5} · two passes agree: {torch.equal(vae(x)[0], vae(x)[0])}")

# %% [markdown]
# ## 3 · The loss, and the likelihood behind it
#
# Lesson 5 derived the **evidence lower bound**, the ELBO. It lies below the logarithm of the probability density that the model gives to an image:
#
# $$\log p(\mathbf{x}) \;\ge\; \text{ELBO} = \underbrace{\mathbb{E}_{\mathbf{z} \sim q(\mathbf{z}\mid\mathbf{x})} \log p(\mathbf{x}\mid\mathbf{z})}_{\text{how well the decoder does}} \;-\; \underbrace{\mathrm{KL}\bigl(q(\mathbf{z}\mid\mathbf{x}) \,\|\, p(\mathbf{z})\bigr)}_{\text{how special the cloud is}}$$
#
# Here $q(\mathbf{z}\mid\mathbf{x})$ is the encoder's cloud, $p(\mathbf{z}) = \mathcal{N}(0, I)$ the **prior** (20 independent standard normal numbers), $p(\mathbf{x}\mid\mathbf{z})$ what the decoder says about the pixels, and $\mathbb{E}$ the mean over codes drawn from the cloud. The Kullback-Leibler divergence, KL, measures how far the cloud is from the prior. It is 0 when they are equal and positive otherwise. For normal distributions it has a closed form, summed over the latent units $j$:
#
# $$\mathrm{KL} = \sum_j \tfrac12\left(\mu_j^2 + \sigma_j^2 - \log\sigma_j^2 - 1\right)$$


# %%
def kl_per_unit(mu, logvar):  # (batch, latent) -> (batch, latent), in nats
    return 0.5 * (mu**2 + logvar.exp() - logvar - 1)


# %% [markdown]
# PyTorch has normal distributions too, `Normal(mean, spread)`, and `kl_divergence` for two of them. Four clouds in one unit, each against the prior:

# %%
prior = Normal(0.0, 1.0)
for mean, spread in [(0.0, 1.0), (1.0, 1.0), (0.0, 0.5), (2.0, 0.1)]:
    closed_form = kl_per_unit(torch.tensor(mean), 2 * torch.tensor(spread).log())
    exact = kl_divergence(Normal(mean, spread), prior)
    print(f"mean {mean}, spread {spread}: closed form {closed_form:.4f} · PyTorch {exact:.4f}")

# %% [markdown]
# The unit of these numbers is the **nat**: logarithms to base $e$. (One nat is 1.44 bits.)
#
# What is $p(\mathbf{x}\mid\mathbf{z})$? We take a normal distribution for each of the $D = 784$ pixels, independent of one another. Its mean is the decoder's output $\hat x_i$, and its variance is the same fixed number $\sigma_x^2$ everywhere (as in lesson 5):
#
# $$-\log p(\mathbf{x}\mid\mathbf{z}) = \frac{1}{2 \sigma_x^2}\sum_{i=1}^{D} (x_i - \hat x_i)^2 + \frac{D}{2}\log\left(2\pi \sigma_x^2\right)$$
#
# With $\sigma_x^2 = \tfrac12$ the factor before the sum is 1, and what remains is the plain squared error, **summed** over the pixels, plus a constant:
#
# $$-\log p(\mathbf{x}\mid\mathbf{z}) = \sum_i (x_i - \hat x_i)^2 + 392 \log \pi$$
#
# So whoever writes "squared error + KL" for pixels in $[-1, 1]$ has chosen a Gaussian with variance $\tfrac12$, spread 0.71, whether they know it or not. That is a wide bell for pixels that are 2 apart at most. With pixels in $[0, 1]$ the same line of code would mean another model: the differences are half as large and the squares a quarter, so the KL would weigh four times as much.


# %%
def log_likelihood(x, recon):  # (batch, 784) twice -> (batch,), in nats
    return -((x - recon) ** 2).sum(dim=1) - CONSTANT


CONSTANT = 392 * math.log(math.pi)
print(f"{CONSTANT:.2f} nats")

# %% [markdown]
# The constant has no gradient, so it plays no part in the training, and the loss leaves it out. It comes back in section 6.
#
# Mind what is summed and what is averaged. Pixels and latent units are summed, because $\log p$ and KL are sums over them. Images are averaged, so that the loss does not depend on the batch size. Exchange one of these and you train another model. Section 12 shows what becomes of it.

# %% [markdown]
# ### Exercise 6.2 · code: The loss of a VAE
#
# Write the loss for a batch: `x` and `recon` are `(batch, pixels)`, `mu` and `logvar` are `(batch, latent)`. Squared error plus KL, each summed where it must be summed and averaged where it must be averaged: a tensor through which a gradient can flow. Use none of the functions above.
#
# <details><summary>Hint</summary>
#
# Both terms first become one number per image, by `.sum(dim=1)`. Then comes the mean over images.
#
# </details>


# %%
def my_vae_loss(x, recon, mu, logvar):
    """Return one number: the loss of an image, averaged over the batch."""
    ...


checks.my_vae_loss(my_vae_loss)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def my_vae_loss(x, recon, mu, logvar):
#     """Return one number: the loss of an image, averaged over the batch."""
#     squared_error = ((x - recon) ** 2).sum(dim=1)
#     kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)
#     return (squared_error + kl).mean()
# ```
#
# `nn.functional.mse_loss(recon, x, reduction="sum") / len(x)` is the same first term. (Old code writes `size_average=False` for `reduction="sum"`.) With its default, the mean over everything, that term would be 784 times too small.
#
# </details>

# %% [markdown]
# The lesson's own version returns the two terms apart, because we want to see both. A second function puts them together. Most variants of this lesson replace just that one.


# %%
def loss_terms(x, recon, mu, logvar):
    """Return reconstruction error and KL: summed over pixels and units, averaged over images."""
    reconstruction = ((x - recon) ** 2).sum(dim=1).mean()
    kl = kl_per_unit(mu, logvar).sum(dim=1).mean()
    return reconstruction, kl


def vae_loss(reconstruction, kl):
    return reconstruction + kl


# %% [markdown]
# All of this section at once: for any images and clouds, the loss and its constant are what PyTorch's Gaussian with variance $\tfrac12$ and its KL divergence give. We take the second four test images as "reconstructions" of the first four.

# %%
x, recon = test_images[:4], test_images[4:8]
mu, logvar = torch.linspace(-2, 2, 80).reshape(4, 20), torch.linspace(-4, 1, 80).reshape(4, 20)
cloud, pixels = Normal(mu, (logvar / 2).exp()), Normal(recon, math.sqrt(0.5))
exact = (kl_divergence(cloud, prior).sum(dim=1) - pixels.log_prob(x).sum(dim=1)).mean().item()
ours = vae_loss(*loss_terms(x, recon, mu, logvar)).item() + CONSTANT
print(f"loss + constant ≈ {ours:.1f} · PyTorch ≈ {exact:.1f} · difference {abs(ours - exact):.1f}")

# %% [markdown]
# ## 4 · Training
#
# The loop is the one of lesson 2. It takes the net, the batches and the loss, and keeps both terms.


# %%
def train_epoch(net, batches, loss_fn, optimizer, scheduler):
    """Learn from every batch once; return mean reconstruction error and KL on the way."""
    net.train()  # with noise
    totals, seen = torch.zeros(2), 0
    for x, y in batches:
        x, y = x.to(device), y.to(device)
        recon, mu, logvar = net(x, y)
        terms = loss_terms(x, recon, mu, logvar)
        loss = loss_fn(*terms)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        totals += torch.stack(terms).detach().cpu() * len(x)
        seen += len(x)
    return (totals / seen).tolist()


# %% [markdown]
# Its quiet sister evaluates. The net is in evaluation mode, so the reconstruction comes from the mean code. Keep in mind that this makes it a little better than what the ELBO asks for, which is the mean over drawn codes.


# %%
def evaluate(net, batches):
    """Return mean reconstruction error (from the mean codes) and mean KL."""
    net.eval()  # without noise
    totals, seen = torch.zeros(2), 0
    with torch.inference_mode():
        for x, y in batches:
            x, y = x.to(device), y.to(device)
            recon, mu, logvar = net(x, y)
            totals += torch.stack(loss_terms(x, recon, mu, logvar)).cpu() * len(x)
            seen += len(x)
    return (totals / seen).tolist()


# %% [markdown]
# The whole training: Adam, which lesson 3 built by hand, and the one-cycle rate (lesson 2, *Going further* A).

# %%
PEAK_LR = 8e-3
test_batches = data.batches(test_images, test_labels, batch_size=1000)


def fit(net, num_epochs, loss_fn=vae_loss, num_images=60_000):
    """Train on the first images; return both terms of every epoch, for training and test."""
    x, y = train_images[:num_images], train_labels[:num_images]
    batches = data.batches(x, y, batch_size=256, shuffle=True)
    optimizer = torch.optim.Adam(net.parameters(), lr=PEAK_LR, fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=PEAK_LR, total_steps=num_epochs * len(batches)
    )
    history = {"train reconstruction": [], "train KL": [], "test reconstruction": [], "test KL": []}
    for _ in (progress := tqdm(range(num_epochs))):
        train = train_epoch(net, batches, loss_fn, optimizer, scheduler)
        test = evaluate(net, test_batches)
        for name, value in zip(history, (*train, *test), strict=True):
            history[name].append(value)
        progress.set_postfix(loss=f"{sum(train):.1f}")
    return history


# %%
NUM_EPOCHS = 16

seed_everything(SEED)
vae = VAE().to(device)
start = time.perf_counter()
history = fit(vae, NUM_EPOCHS)
vae_seconds = time.perf_counter() - start

# %% tags=["nbval-ignore-output"]
# About this machine
print(f"{NUM_EPOCHS} epochs ≈ {vae_seconds:.0f} s")

# %%
for epoch in (0, NUM_EPOCHS // 2 - 1, NUM_EPOCHS - 1):
    numbers = ", ".join(f"{name} ≈ {values[epoch]:.1f}" for name, values in history.items())
    print(f"epoch {epoch:2d} · {numbers}")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(12, 4))
for ax, term in zip(axes, ("reconstruction", "KL"), strict=True):
    pair = {name: history[f"{name} {term}"] for name in ("train", "test")}
    plotting.curves(pair, ax=ax, ylabel=f"{term} (nats)", title=term)
    ax.set(xticks=range(0, NUM_EPOCHS, 3))
plotting.show(
    fig,
    alt="Two panels over the epochs. Reconstruction error falls steeply and then slowly, the test "
    "curve below the training curve. The training KL rises for a few epochs and then "
    "stays nearly level, and the test KL goes up and down around it.",
)

# %% [markdown]
# The two terms pull in opposite directions. A better reconstruction needs clouds that are narrow and far apart, and the KL charges for both. The reconstruction error falls almost throughout. The KL settles early: the net soon spends all the nats that pay for themselves, and afterwards only learns to spend them better.
#
# Why is the test curve below the training curve, on images the net has never seen? It was measured with the mean codes, the training curve with drawn ones. The noise costs several nats. Besides, the training value is the mean over a whole epoch, while the net was still learning. In the first epoch, number 0, that makes most of the difference.

# %% tags=["claim"]
# "The reconstruction error falls almost throughout. The KL settles early."
for kind in ("train", "test"):
    errors, kls = history[f"{kind} reconstruction"], history[f"{kind} KL"]
    assert errors[0] > 1.5 * errors[NUM_EPOCHS // 2]
    assert errors[NUM_EPOCHS // 2] > errors[-1]
    assert 2 / 3 < kls[NUM_EPOCHS // 2] / kls[-1] < 1.5

# %% tags=["claim"]
# "Why is the test curve below the training curve, on images the net has never seen?"
assert history["train reconstruction"][-1] > history["test reconstruction"][-1]

# %% [markdown]
# ## 5 · Reconstructions
#
# Ten test images, one of each digit, and below each what the decoder makes of its mean code.

# %%
vae.eval()
with torch.inference_mode():
    test_mu, test_logvar = vae.encode(test_images.to(device))  # (10000, 20) each
    test_recon = torch.cat([vae(x)[0] for x in test_images.to(device).split(1000)])  # (10000, 784)

first = torch.tensor([test_labels.tolist().index(digit) for digit in range(10)])

# %% tags=["figure"]
pairs = torch.cat([test_images[first], test_recon[first].cpu()])
plotting.show(
    plotting.image_grid(pairs, columns=10),
    alt="Upper row: a test image of each digit. Lower row: its reconstruction, the same digit in "
    "the same slant and width, with softer edges.",
)

# %% [markdown]
# Twenty numbers hold the digit, its slant, its width, the thickness of the pen. What they lose is the sharp edge and the odd little stroke. The judge can say whether the digit survives. This helper takes its 100 features and its answer for every image.


# %%
@torch.inference_mode()
def read(images):
    """(n, 784) -> the judge's features (n, 100), and the digits that it reads (n,)."""
    features = torch.cat([judge.features(x.to(device)) for x in images.split(2000)])
    return features, judge.head(features).argmax(dim=1).cpu()


# %%
for name, images in {"originals": test_images, "reconstructions": test_recon}.items():
    right = (read(images)[1] == test_labels).float().mean().item()
    print(f"{name:15} read as the right digit: ≈ {100 * right:.1f} %")

# %% [markdown]
# ### Exercise 6.3 · find the bug: A restless net
#
# A colleague reconstructs the same image twice and gets two different pictures. Another colleague runs the same code on a graphics card, and it stops with an error about devices. This is the forward pass:
#
# ```python
# def forward(net, x):
#     mu, logvar = net.encode(x)
#     z = mu + torch.exp(logvar / 2) * torch.randn(mu.shape)
#     return net.decode(z), mu, logvar
# ```
#
# Mend both faults. `net.encode`, `net.decode`, `net.sample` and `net.training` are all that you need.
#
# <details><summary>Hint</summary>
#
# `net.training` says which mode the net is in. And which argument of `torch.randn` is missing, or which sister of it needs none?
#
# </details>


# %%
def mended_forward(net, x):
    """Return the reconstruction, mu and logvar."""
    ...


checks.mended_forward(mended_forward)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def mended_forward(net, x):
#     """Return the reconstruction, mu and logvar."""
#     mu, logvar = net.encode(x)
#     z = mu
#     if net.training:
#         z = mu + torch.exp(logvar / 2) * torch.randn_like(mu)
#     return net.decode(z), mu, logvar
# ```
#
# The first fault makes every measurement on the net a little random, and worse than need be. The second one sleeps on a machine without a graphics card.
#
# </details>

# %% [markdown]
# ## 6 · How well does it explain new images?
#
# The ELBO of section 3 says it in one number. This time we are exact: the codes are drawn from the cloud, the KL is the closed form, and the constant of the Gaussian is included. We draw eight codes for each test image and take the mean.


# %%
@torch.inference_mode()
def elbo(net, x, draws=8):
    """(batch, 784) -> the ELBO of each image in nats, (batch,)."""
    mu, logvar = net.encode(x)
    total = torch.zeros(len(x), device=x.device)
    for _ in range(draws):
        total += log_likelihood(x, net.decode(net.sample(mu, logvar)))
    return total / draws - kl_per_unit(mu, logvar).sum(dim=1)


# %%
seed_everything(SEED)
bounds = torch.cat([elbo(vae, x.to(device)).cpu() for x in test_images.split(2000)])
vae_elbo, error = bounds.mean().item(), (bounds.std() / math.sqrt(len(bounds))).item()
print(f"held-out ELBO ≈ {vae_elbo:.1f} nats an image, standard error ≈ {error:.1f}")

# %% [markdown]
# The **standard error** is the spread of the 10,000 numbers divided by $\sqrt{10{,}000}$. It says how far the mean would wander if we had been given 10,000 other test images.
#
# Compare it with two others. One takes the mean code instead of drawn ones, as section 4 did. The other is a model without any code: one Gaussian around the mean of all training images. Each number stands there twice: as the logarithm of a density, and as a cost, which has the other sign and no constant, like the losses of section 4.

# %%
test_rec, test_kl = history["test reconstruction"][-1], history["test KL"][-1]
center = train_images.mean(dim=0)
no_code = torch.cat([log_likelihood(x, center) for x in test_images.split(1000)]).mean().item()
scores = {
    "drawn codes (ELBO)": vae_elbo,
    "mean codes": -(test_rec + test_kl) - CONSTANT,
    "no code": no_code,
}
for name, value in scores.items():
    print(f"{name:18} log density ≈ {value:.1f}, cost ≈ {-value - CONSTANT:.1f}")

# %% [markdown]
# The mean code flatters by several nats. It is a fair way to compare reconstructions, and not a bound on anything.
#
# The code brings more than 100 nats an image: the mean of the log-density is higher by at least that much than for the one Gaussian, which has the same variance $\tfrac12$. (At least, because the ELBO is only a bound. The cost of the one Gaussian is the variance of the images; it returns in section 12.) A word of care: these are densities of continuous pixels, so the number by itself has no zero point. It may be compared with that of another model on the same images, in the same scale and with its own constant included. It may not be compared with a paper that has pixels in $[0, 1]$, or another likelihood.

# %% tags=["claim"]
# "The mean code flatters by several nats ... The code brings more than 100 nats an image"
assert scores["mean codes"] > vae_elbo + 3
assert vae_elbo > no_code + 100

# %% tags=["claim"]
# "This time we are exact: ... drawn from the cloud, the KL is the closed form, and the constant"
x = test_images[:2000].to(device)
with torch.inference_mode():
    cloud = Normal(test_mu[:2000], (test_logvar[:2000] / 2).exp())
    density = Normal(vae.decode(cloud.sample()), math.sqrt(0.5)).log_prob(x).sum(dim=1)
    exact = density - kl_divergence(cloud, prior).sum(dim=1)
assert abs(exact.mean().item() - bounds[:2000].mean().item()) < 2

# %% [markdown]
# ## 7 · New digits, and what "standard normal" means
#
# Here is what the autoencoder of lesson 4 could not do: draw 20 standard normal numbers, decode them, look.


# %%
@torch.inference_mode()
def draw(net, num_images, y=None):
    """Decode codes drawn from the prior; return images (num_images, 784) on the CPU."""
    z = torch.randn(num_images, net.latent, device=device)
    return net.eval().decode(z, y).cpu()


# %%
seed_everything(SEED)
vae_samples = draw(vae, 10_000)

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(9, 4.7))
plotting.mosaic(vae_samples[:128], columns=16, ax=ax, title="Drawn from the prior and decoded")
plotting.show(
    fig,
    alt="128 generated images. Many are readable digits of many shapes and slants with soft "
    "edges; others are smears between two digits.",
)

# %% [markdown]
# Many are digits, and nobody wrote them. Others are smears, somewhere between a 4 and a 9.
#
# Why does it work? One often reads that the KL pushes the codes "closer to a standard normal". Taken image by image, that would be a disaster: if every cloud were a standard normal, no code would say anything about its image. What has to be close to the standard normal is the **aggregate**, all clouds on one heap.

# %%
per_image = kl_per_unit(test_mu, test_logvar).cpu()  # (10000, 20)
strongest = per_image.mean(dim=0).argmax().item()
seed_everything(SEED)
with torch.inference_mode():
    test_z = vae.sample(test_mu, test_logvar)

# %% tags=["figure"]
grid = torch.linspace(-4, 4, 400)
clouds = Normal(test_mu[:8, strongest].cpu(), (test_logvar[:8, strongest].cpu() / 2).exp())
fig, axes = plt.subplots(1, 2, figsize=(12, 3.8))
axes[0].plot(grid, clouds.log_prob(grid[:, None]).exp(), color="#0072B2", linewidth=1.5)
axes[0].set(title="The clouds of eight images", ylabel="density")
axes[1].hist(test_z[:, strongest].cpu(), 60, density=True, color="#2E8FC9")
axes[1].set(title="One code of each of 10,000 images")
for ax in axes:
    ax.plot(grid, prior.log_prob(grid).exp(), "k--", label="standard normal")
    ax.legend(loc="upper right")
    ax.set(xlabel="strongest latent unit")
plotting.show(
    fig,
    alt="Left: the clouds of eight images in one latent unit, narrow bells at different places, "
    "far from the dashed standard normal. Right: a histogram of drawn codes of all test images, "
    "which follows the dashed bell curve.",
)

# %% [markdown]
# Left, eight clouds: narrow bells, none of them like the standard normal. Right, the heap: one code of each test image, and it roughly follows the dashed curve. In numbers, for all twenty units:

# %%
heap = {
    "mean of the codes": test_z.mean(dim=0).cpu(),
    "spread of the codes": test_z.std(dim=0).cpu(),
    "spread of the means": test_mu.std(dim=0).cpu(),
    "width of a cloud": test_logvar.exp().mean(dim=0).sqrt().cpu(),  # root mean square
}
for name, values in heap.items():
    print(f"{name:19} from ≈ {values.min():.2f} to ≈ {values.max():.2f}")
both = heap["spread of the means"] ** 2 + heap["width of a cloud"] ** 2
whole = heap["spread of the codes"][strongest] ** 2
print(f"strongest unit: spread of the codes² ≈ {whole:.2f}", end="")
print(f" · spread of the means² + width² ≈ {both[strongest]:.2f}")

# %% [markdown]
# Spread and width belong together. A code is the mean of its cloud plus noise that knows nothing of this mean, so the two variances add. For each unit, $\text{spread of the codes}^2 = \text{spread of the means}^2 + \text{width of a cloud}^2$. (The smallest and largest values above come from different units.) Where a unit's clouds are narrow, its means lie so far apart that the heap still has a spread of about 1. So each unit, taken alone, looks like the prior, and a drawn code is never absurd in any one number. It does not follow that all twenty together are standard normal. Combinations that no image uses are still possible. Lesson 10 gives the same decoder codes that follow the heap, and counts what becomes of the smears above.
#
# <details><summary>Derivation: the KL charges for two things</summary>
#
# Write $q(\mathbf{z})$ for the heap: the mean of all clouds $q(\mathbf{z}\mid\mathbf{x})$ over the images. Take the KL of one cloud, and multiply and divide by $q(\mathbf{z})$ inside the logarithm:
#
# $$\mathrm{KL}\bigl(q(\mathbf{z}\mid\mathbf{x}) \,\|\, p(\mathbf{z})\bigr) = \mathbb{E}_{q(\mathbf{z}\mid\mathbf{x})}\left[\log\frac{q(\mathbf{z}\mid\mathbf{x})}{q(\mathbf{z})} + \log\frac{q(\mathbf{z})}{p(\mathbf{z})}\right]$$
#
# Now the mean over the images $\mathbf{x}$. The second logarithm does not contain $\mathbf{x}$, and the mean over images and then over their clouds is the mean over the heap. So it becomes $\mathrm{KL}(q(\mathbf{z}) \,\|\, p(\mathbf{z}))$:
#
# $$\mathbb{E}_{\mathbf{x}}\,\mathrm{KL}\bigl(q(\mathbf{z}\mid\mathbf{x}) \,\|\, p(\mathbf{z})\bigr) = \underbrace{\mathbb{E}_{\mathbf{x}}\,\mathrm{KL}\bigl(q(\mathbf{z}\mid\mathbf{x}) \,\|\, q(\mathbf{z})\bigr)}_{\text{how far a cloud stands out from the heap}} + \underbrace{\mathrm{KL}\bigl(q(\mathbf{z}) \,\|\, p(\mathbf{z})\bigr)}_{\text{how far the heap is from the prior}}$$
#
# The first part is the information that a code carries about its image (the *mutual information*). The decoder needs it: it costs nats and earns a better reconstruction. The second part buys nothing: it is the price of a heap that is not the prior (Hoffman and Johnson, 2016). Unit by unit our heap nearly is. All twenty together can still differ from it, and these sums do not say by how much.
#
# </details>

# %% tags=["claim"]
# "For each unit, spread of the codes² = spread of the means² + width of a cloud²."
torch.testing.assert_close(heap["spread of the codes"] ** 2, both, rtol=0.1, atol=0.01)
assert heap["width of a cloud"][strongest] < 0.5  # "narrow bells"

# %% tags=["claim"]
# "Unit by unit our heap nearly is."
assert heap["mean of the codes"].abs().max() < 0.5
assert (heap["spread of the codes"].log().abs() < math.log(1.5)).all()

# %% [markdown]
# ### Exercise 6.4 · experiment: Two nats in one unit
#
# Take one latent unit whose heap is exactly standard normal: its means have variance $1 - \sigma^2$, and each cloud has variance $\sigma^2$. How narrow must the clouds be so that the unit carries 2 nats on average? Find a `sigma` whose KL is within 0.03 nats of 2. This gives the KL of such a unit:
#
# ```python
# mu = math.sqrt(1 - sigma**2) * torch.randn(100_000)
# logvar = torch.full((100_000,), 2 * math.log(sigma))
# print(kl_per_unit(mu, logvar).mean())
# ```
#
# <details><summary>Hint</summary>
#
# Try 0.5, then 0.25. What does each halving add? Or put the mean of $\mu^2$, which is $1 - \sigma^2$, into the formula of section 3.
#
# </details>

# %%
sigma = None  # your number
checks.two_nats(sigma)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# sigma = 0.135
# ```
#
# The formula gives $\frac12(1 - \sigma^2 + \sigma^2 - \log\sigma^2 - 1) = -\log\sigma$, so $\sigma = e^{-2}$. Every halving of the width costs $\log 2 = 0.69$ nats: one bit.
#
# </details>

# %% [markdown]
# ## 8 · Between two digits
#
# Take two test images, go in a straight line from one mean code to the other, and decode ten points of the way. Below it, for comparison, the straight line between the pixels: each picture is a mixture of the first and the last.


# %%
@torch.inference_mode()
def walk(net, start, end, steps):
    """Decode points on the line between two codes (1, latent); return (steps, 784)."""
    shares = torch.linspace(0, 1, steps, device=device)[:, None]
    return net.decode((1 - shares) * start + shares * end).cpu()


# %%
i, j = first[[3, 7]].tolist()
by_code = walk(vae, test_mu[i : i + 1], test_mu[j : j + 1], steps=10)
shares = torch.linspace(0, 1, 10)[:, None]
by_pixel = (1 - shares) * by_code[:1] + shares * by_code[-1:]

# %% tags=["figure"]
plotting.show(
    plotting.image_grid(torch.cat([by_code, by_pixel]), columns=10),
    alt="Two rows from one digit to another. Upper row, through the latent space: strokes that "
    "bend from one digit into the other, faint half-way. Lower row, through the pixels: the first "
    "digit fades out while the second fades in, and half-way both are there in grey.",
)

# %% [markdown]
# The upper row keeps to one digit, changes over within two or three unclear pictures, and then shows the other. The lower row shows both strokes, each of them grey, nearly all the way. To measure it on more than one pair, count grey pixels, those between $-0.5$ and $0.5$, half-way between 5,000 pairs of test images. (Soft edges are grey as well, so the share of ordinary reconstructions stands beside it.)


# %%
def grey_share(images):  # (n, 784) -> number
    return (images.abs() < 0.5).float().mean().item()


with torch.inference_mode():
    half_way = vae.decode((test_mu[:5000] + test_mu[5000:]) / 2)
grey_code = grey_share(half_way)
grey_pixel, grey_recon = (
    grey_share(images) for images in ((test_recon[:5000] + test_recon[5000:]) / 2, test_recon)
)
print(f"grey pixels half-way: ≈ {100 * grey_code:.1f} % by code", end="")
print(f", ≈ {100 * grey_pixel:.1f} % by pixel; of reconstructions ≈ {100 * grey_recon:.1f} %")

# %% tags=["claim"]
# "The lower row shows both strokes, each of them grey, nearly all the way"
assert grey_recon < grey_code < grey_pixel

# %% [markdown]
# ## 9 · The whole latent space on one page
#
# With two latent units instead of twenty we can look at everything at once. And we can put an autoencoder beside it, as in lesson 4. An autoencoder is our VAE with two things taken away: no noise, and no KL in the loss. Widths, rate, images and epochs stay the same. (Two numbers are a small code, so expect blurred pictures. And 20,000 images are enough for this.)


# %%
class Autoencoder(VAE):
    """The same layers, but the code is always the mean. (logvar is computed and never used.)"""

    def sample(self, mu, logvar):
        return mu


def reconstruction_only(reconstruction, kl):
    return reconstruction


# %%
seed_everything(SEED)
flat_vae = VAE(latent=2).to(device)
_ = fit(flat_vae, 8, num_images=20_000)

seed_everything(SEED)
flat_ae = Autoencoder(latent=2).to(device)
_ = fit(flat_ae, 8, reconstruction_only, num_images=20_000)

# %% [markdown]
# First the codes: 400 test images, each drawn as its digit at its mean code. Look at the axes as well.

# %%
flat_nets = {"VAE": flat_vae.eval(), "autoencoder": flat_ae.eval()}
with torch.inference_mode():
    codes = {name: net.encode(test_images.to(device))[0].cpu() for name, net in flat_nets.items()}

# %% tags=["figure"]
colors = ["#0072B2", "#B34700", "#007A5A", "#B0508A", "#7A5C00"]
colors += ["#2A2A2A", "#C00000", "#5B3FA0", "#1F9ACF", "#6E6E6E"]
fig, axes = plt.subplots(1, 2, figsize=(13, 6))
for ax, (name, code) in zip(axes, codes.items(), strict=True):
    for digit in range(10):
        chosen = (test_labels[:400] == digit).nonzero()[:, 0]
        ax.scatter(*code[chosen].T, s=64, marker=f"${digit}$", color=colors[digit], linewidth=0.3)
    ax.set(title=name, xlabel="first code number", ylabel="second code number")
    ax.set_aspect("equal", "datalim")
plotting.show(
    fig,
    alt="The codes of 400 test images, each drawn as its digit. In both panels arms of "
    "one digit each leave a crowded middle. The VAE's codes stay within a few units of the origin. "
    "The autoencoder's reach further, and their middle need not be the origin.",
)

# %%
spreads = {name: code.std(dim=0) for name, code in codes.items()}
for name, spread in spreads.items():
    print(f"{name:11} spread of the mean codes ≈ {spread[0]:.1f} and ≈ {spread[1]:.1f}")

# %% [markdown]
# Both nets sort the digits in a similar way: arms of one digit each leave a crowded middle. But nobody told the autoencoder where to put its codes, and they spread wider. The VAE's stay nearer the origin, because the KL charges for distance. (Their spread is still a little above 1: with only two units, distance is worth its price.)
#
# Now decode the plane. For the VAE we choose the grid so that every step holds the same share of the prior's probability (the points are **quantiles** of the standard normal: 2 % of it lies to the left of the first one, 98 % to the left of the last). For the autoencoder we use the range of its codes in one picture, and the VAE's grid in another.


# %%
@torch.inference_mode()
def decoded_map(net, across, up):
    """Decode a grid of two-number codes; rows from top to bottom, as on a map."""
    rows, columns = torch.meshgrid(up.flip(0), across, indexing="ij")
    grid = torch.stack([columns.flatten(), rows.flatten()], dim=1)
    return net.decode(grid.to(device)).cpu()


# %%
quantiles = prior.icdf(torch.linspace(0.02, 0.98, 15))
low, high = codes["autoencoder"].quantile(torch.tensor([0.02, 0.98]), dim=0)
across, up = (torch.linspace(low[k], high[k], 15) for k in (0, 1))
maps = {
    "VAE, grid of the prior": decoded_map(flat_vae, quantiles, quantiles),
    "Autoencoder, range of its codes": decoded_map(flat_ae, across, up),
    "Autoencoder, grid of the prior": decoded_map(flat_ae, quantiles, quantiles),
}

# %% tags=["figure"]
fig, axes = plt.subplots(1, 3, figsize=(15, 5.3))
for ax, (name, images) in zip(axes, maps.items(), strict=True):
    plotting.mosaic(images, columns=15, ax=ax, title=name)
plotting.show(
    fig,
    alt="Three maps of 15 by 15 decoded codes. The VAE's map is covered with digits that pass "
    "into one another, with blur between them. The autoencoder's map over the range of its codes: "
    "sharp digits, with frayed strokes in places. Over the grid of the prior: a part of its world, "
    "with fewer kinds of digits.",
)

# %% [markdown]
# The left map is what the prior reaches in the world of the VAE: digits that pass into one another, with blur between them. Some kinds get little room, because most of their codes lie near the rim or beyond it. The autoencoder's world is wider. Over the range of its own codes it draws sharper strokes, and shapes that the prior's grid misses.
#
# Now one task after the other, for both. Reconstructions decode the mean code of a test image, and the walk leads from the mean code of the first image to that of the second. Samples decode codes drawn from the prior, which only the VAE was trained for.


# %%
@torch.inference_mode()
def portraits(net):
    """Return what one net makes of each task: title -> images (n, 784) on the CPU."""
    images = test_images[:10].to(device)
    mu = net.encode(images)[0]
    seed_everything(SEED)  # the same random codes for both nets
    return {
        "test images over reconstructions": torch.cat([images, net.decode(mu)]).cpu(),
        "walk from the first to the second": walk(net, mu[:1], mu[1:2], steps=10),
        "samples": draw(net, 10),
    }


pictures = {name: portraits(net) for name, net in flat_nets.items()}

# %% tags=["figure"]
fig, axes = plt.subplots(3, 2, figsize=(13, 3.7), height_ratios=(2, 1, 1))
for column, (name, tasks) in zip(axes.T, pictures.items(), strict=True):
    for ax, (kind, images) in zip(column, tasks.items(), strict=True):
        plotting.mosaic(images, columns=10, ax=ax, title=f"{name}: {kind}")
plotting.show(
    fig,
    alt="Left the VAE, right the autoencoder, both with two code numbers. Ten test images with "
    "blurred reconstructions below, some of them of another digit. A walk between the first two, "
    "blurred on its way. Ten samples each, digits and smears in both.",
)

# %%
flat_errors = {name: evaluate(net, test_batches)[0] for name, net in flat_nets.items()}
for name, value in flat_errors.items():
    print(f"{name:11} · error of reconstruction, test ≈ {value:.1f}")

# %% [markdown]
# Two numbers blur both alike, and a few digits come out as others: to keep its codes in order cost the VAE hardly any reconstruction. The third task is another matter. The VAE was told where its codes will be drawn, and the autoencoder never was.

# %% tags=["claim"]
# "to keep its codes in order cost the VAE hardly any reconstruction"
assert spreads["VAE"].mean() < spreads["autoencoder"].mean()
assert 1 / 1.5 < flat_errors["VAE"] / flat_errors["autoencoder"] < 1.5

# %% [markdown]
# To put a number on the samples, use the judge. It describes an image by 100 features. For real test images each feature has a mean and a spread. Take those of generated images too, and add up the squared differences: 100 of means, 100 of spreads. This is a **gap** between two sets of images, and for equal sets it is 0. (It has nothing to do with the gap of lesson 5, between bound and likelihood. Lesson 9 refines it.)


# %%
def gap(images):
    """Compare means and spreads of the judge's 100 features with those of the test images."""
    features = read(images)[0]
    means = ((features.mean(dim=0) - real_features.mean(dim=0)) ** 2).sum()
    return (means + ((features.std(dim=0) - real_features.std(dim=0)) ** 2).sum()).item()


real_features = read(test_images)[0]

# %%
seed_everything(SEED)
gaps = {
    "real training images": gap(train_images[:10_000]),
    "VAE, twenty units": gap(vae_samples),
    "VAE, two units": gap(draw(flat_vae, 10_000)),
    "autoencoder, two numbers": gap(draw(flat_ae, 10_000)),
    "noise": gap(2 * torch.rand(10_000, 784) - 1),
}
for name, value in gaps.items():
    print(f"{name:24} gap ≈ {value:.1f}")

# %% [markdown]
# The random codes of the autoencoder are further from real digits than the prior samples of the VAE with twenty units. How much further is a matter of luck. Beside the VAE with two units, which has the same layers, images and budget, it comes out behind with most seeds, and now and then ahead. Noise and the KL put an end to this luck.

# %% tags=["claim"]
# "further from real digits than the prior samples of the VAE with twenty units"
assert gaps["VAE, twenty units"] < gaps["autoencoder, two numbers"] < gaps["noise"]
assert gaps["real training images"] < 0.2 * gaps["VAE, twenty units"]

# %% [markdown]
# Lesson 4 stored 10,000 images from random codes of its own autoencoder. Nearly all of them fell into one small spot of its cloud, so expect a large gap. If they are on this machine, they can be judged as well:

# %% tags=["nbval-ignore-output"]
# About this machine
stored = results.load_samples("autoencoder")
if stored is None:
    print("no images of lesson 4 here: run 04_autoencoders.ipynb once, then this cell")
else:
    print(f"random codes of lesson 4: gap ≈ {gap(stored.images.flatten(1)):.1f}")

# %% [markdown]
# ## 10 · Which units carry information?
#
# The KL of section 3 is a sum over the latent units, and the mean over the test images of each summand says how many nats that unit carries. What happens if the net is offered more units than it can use? Train one with 50, on 20,000 images for four epochs.

# %%
SHORT, FEW = 4, 20_000  # epochs and images of a short training

seed_everything(SEED)
wide = VAE(latent=50).to(device)
wide_history = fit(wide, SHORT, num_images=FEW)


# %%
@torch.inference_mode()
def nats_per_unit(net):  # -> (latent,)
    net.eval()
    return kl_per_unit(*net.encode(test_images.to(device))).mean(dim=0).cpu()


def count_active(nats):
    return (nats > ACTIVE).sum().item()


ACTIVE = 0.1  # nats

# %%
nats = {"20 units": nats_per_unit(vae), "50 units": nats_per_unit(wide)}
for name, values in nats.items():
    print(f"{name}: ≈ {count_active(values)} carry more than {ACTIVE} nats")

# %% tags=["figure"]
fig, axes = plt.subplots(1, 2, figsize=(13, 3.6), sharey=True)
for ax, (name, values) in zip(axes, nats.items(), strict=True):
    ax.bar(range(len(values)), values.sort(descending=True).values.numpy())
    ax.axhline(ACTIVE, color="black", linestyle="--", linewidth=1)
    ax.set(title=f"A VAE with {name}", xlabel="latent unit, sorted", ylabel="KL (nats)")
    ax.set_xticks(range(0, len(values), 5))
plotting.show(
    fig,
    alt="Sorted bars of the nats per latent unit. With 20 units all bars stand well above the "
    "dashed line at 0.1. With 50 units the bars sink step by step, and the last lie below the "
    "line.",
)

# %% [markdown]
# We call a unit **active** if it carries more than 0.1 nats; that limit is a convention. The strong ones have narrow clouds and cost one to two nats for every image. A unit that earns less than it costs is pushed towards the standard normal, where it costs nothing and the decoder ignores it, for all it brings is noise. (The first net was trained longer and on more images, so compare the shapes of the two panels only.) In the wide net the strongest units cost more than a nat, many cost a few tenths, and the last are below 0.1. All together they cost about as much as the 20 of the first net.

# %% tags=["claim"]
# "the last are below 0.1. All together they cost about as much as the 20 of the first net"
torch.testing.assert_close(nats["20 units"].sum().item(), test_kl, rtol=1e-2, atol=0)
assert 1 / 1.5 < nats["50 units"].sum() / test_kl < 1.5
assert nats["50 units"].max() > 1 > ACTIVE > nats["50 units"].min()

# %% [markdown]
# If it is true that the decoder ignores such a unit, turning the weakest one must change almost nothing in the picture. Turn the two strongest and the weakest unit of the wide net, one at a time, from $-3$ to $3$, and leave the other 49 as they are for some test image:


# %%
@torch.inference_mode()
def turn(net, mu, unit, values):
    """Decode one code (latent,) with one unit set to each of the values; return (n, 784)."""
    z = mu.repeat(len(values), 1)
    z[:, unit] = torch.as_tensor(values, device=z.device)
    return net.decode(z).cpu()


# %%
order = nats["50 units"].argsort(descending=True).tolist()
with torch.inference_mode():
    wide_mu = wide.encode(test_images[:200].to(device))[0]
values = torch.linspace(-3, 3, 9)
strips = [turn(wide, wide_mu[0], unit, values) for unit in (order[0], order[1], order[-1])]

# %% tags=["figure"]
fig, axes = plt.subplots(3, 1, figsize=(8, 3.8))
names = ("strongest unit", "second unit", "weakest unit")
for ax, strip, name in zip(axes, strips, names, strict=True):
    plotting.mosaic(strip, columns=9, ax=ax, title=f"{name}, from -3 to 3")
plotting.show(
    fig,
    alt="Three strips of nine images. Turning the strongest or the second unit changes the shape "
    "of the digit from left to right. Turning the weakest leaves nine nearly equal images.",
)

# %% [markdown]
# The first two strips change their shape, the third stands still. In numbers: how far is the picture at $-2$ from that at $2$? The squared distance, averaged over 200 test images:


# %%
def change(unit):
    ends = torch.stack([turn(wide, mu, unit, [-2.0, 2.0]) for mu in wide_mu])  # (200, 2, 784)
    return ((ends[:, 1] - ends[:, 0]) ** 2).sum(dim=1).mean().item()


changes = change(order[0]), change(order[-1])
print(f"squared distance: strongest ≈ {changes[0]:.1f}, weakest ≈ {changes[1]:.2f}")

# %% tags=["claim"]
# "turning the weakest one must change almost nothing in the picture"
assert 10 * changes[1] < changes[0]

# %% [markdown]
# With the sliders you can turn any unit of the first VAE. Rank 1 is the strongest. Try to say in words what a unit does. Some change a slant or a width, many do something that has no name.

# %%
vae_order = nats["20 units"].argsort(descending=True).tolist()


# %% tags=["figure", "nbval-ignore-output"]
def turn_one_unit(rank, value):
    image = turn(vae, test_mu[first[3]], vae_order[rank - 1], [value])
    fig, ax = plt.subplots(figsize=(2.8, 3.1))
    plotting.mosaic(image, columns=1, ax=ax, title=f"z = {value:.1f}")
    plotting.show(fig, alt=f"A digit with the unit of rank {rank} set to {value:.1f}.")


_ = interact(
    turn_one_unit,
    rank=IntSlider(1, min=1, max=20, continuous_update=False),
    value=FloatSlider(0.0, min=-3, max=3, step=0.5, continuous_update=False),
)

# %% [markdown]
# The same without sliders: the four strongest units, each from $-3$ to $3$. The shape changes smoothly, and at the ends it may become another digit.

# %% tags=["figure"]
strips = [turn(vae, test_mu[first[3]], unit, values) for unit in vae_order[:4]]
fig, ax = plt.subplots(figsize=(8, 3.8))
plotting.mosaic(torch.cat(strips), columns=9, ax=ax, title="The four strongest units of the VAE")
plotting.show(
    fig,
    alt="Four rows of nine images: one digit, changed along one latent unit in each row. Its "
    "shape changes smoothly, and at the ends it may become another digit.",
)

# %% [markdown]
# ## 11 · β: blur against order
#
# Give the KL a weight $\beta$ (Higgins et al., 2017):
#
# $$\text{loss} = \text{reconstruction} + \beta \cdot \mathrm{KL}$$
#
# $\beta = 1$ is the ELBO. Dividing the loss by $\beta$ shows that any other value belongs to a Gaussian with another variance, $\sigma_x^2 = \beta/2$: it says how much of an image we call noise.

# %% [markdown]
# ### Exercise 6.5 · predict: The two ends
#
# The noise stays in the net, and you train to the end: once with $\beta = 0$, once with $\beta = 1{,}000$. What do you get? Choose one letter for each, before you read on.
#
# - `"a"`: clouds that shrink to points, far apart: an autoencoder. Codes drawn from the prior are strangers to it.
# - `"b"`: sharper samples from the prior than with $\beta = 1$.
# - `"c"`: every cloud is the prior, and every sample is the same blurred picture.
#
# <details><summary>Hint</summary>
#
# Ask who pays for narrow clouds and for distance, and who pays for noise. With $\beta = 0$ only one of the two charges anything.
#
# </details>

# %%
at_zero = None  # your answer
at_thousand = None  # your answer
checks.two_ends(at_zero, at_thousand)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# at_zero = "a"
# at_thousand = "c"
# ```
#
# Without the KL noise only harms, and the net gets rid of it: narrow clouds, or codes so far apart that the noise does not matter. With a huge weight any information costs more than it brings, and the decoder's best guess without information is the mean image.
#
# </details>

# %% [markdown]
# Three short trainings of the wide net that differ in $\beta$ alone. The middle one we have already.


# %%
def weighted(beta):
    def loss(reconstruction, kl):
        return reconstruction + beta * kl

    return loss


# %%
nets, histories = {1: wide}, {1: wide_history}
for beta in (0.1, 5):
    seed_everything(SEED)
    nets[beta] = VAE(latent=50).to(device)
    histories[beta] = fit(nets[beta], SHORT, weighted(beta), num_images=FEW)

# %%
rows, measured = [], {}
for beta in (0.1, 1, 5):
    seed_everything(SEED)
    samples = draw(nets[beta], 5_000)
    with torch.inference_mode():
        recon = nets[beta](test_images[:2000].to(device))[0].cpu()
    rows.append((recon[first[first < 2000]][:8], samples[:8]))
    measured[beta] = {
        "reconstruction": histories[beta]["test reconstruction"][-1],
        "KL": histories[beta]["test KL"][-1],
        "active units": count_active(nats_per_unit(nets[beta])),
        "gap": gap(samples),
        "grey pixels in %": 100 * grey_share(recon),
    }
    numbers = ", ".join(f"{name} ≈ {value:.0f}" for name, value in measured[beta].items())
    print(f"β = {beta:<3} · {numbers}")

# %% tags=["figure"]
fig, axes = plt.subplots(3, 2, figsize=(12, 3.8))
for pair, row, beta in zip(axes, rows, (0.1, 1, 5), strict=True):
    for ax, images, kind in zip(pair, row, ("reconstructions", "samples"), strict=True):
        plotting.mosaic(images, columns=8, ax=ax, title=f"β = {beta}: {kind}")
plotting.show(
    fig,
    alt="Three rows, for β of 0.1, 1 and 5: reconstructions on the left, samples on the right. "
    "With small β the reconstructions are sharp and the samples broken. With large β the "
    "reconstructions are blurred and some show another digit, and the samples are smooth and "
    "simple.",
)

# %% [markdown]
# Small $\beta$: sharp reconstructions, paid for with disorder. Nobody pays for a heap that looks unlike the prior, so samples land in holes, and their gap is larger than with $\beta = 1$. Large $\beta$: few units are left, and what they cannot say the decoder averages away (blur): more pixels are grey. The samples in the last row are simple and smooth, which is not what real digits look like either. There is no best $\beta$ for everything: ask what you want the model for.

# %% tags=["claim"]
# "their gap is larger than with β = 1. Large β: few units are left, ... more pixels are grey"
small, one, large = measured.values()
assert small["gap"] > one["gap"]
for name in ("KL", "active units"):
    assert small[name] > one[name] > large[name]
for name in ("reconstruction", "grey pixels in %"):
    assert small[name] < one[name] < large[name]

# %% [markdown]
# ## 12 · Posterior collapse, caused and cured
#
# Now the classic mistake, which lesson 5 (section 9) showed on a small net. Here we look for the cure. The KL is summed over the units, and for the squared error somebody takes `mse_loss` with its default, the mean over the pixels. The first term is then 784 times too small, as if $\beta$ were 784.


# %%
def averaged_error(reconstruction, kl):
    return reconstruction / 784 + kl


# %%
seed_everything(SEED)
collapsed = VAE(latent=50).to(device)
collapsed_history = fit(collapsed, SHORT, averaged_error, num_images=FEW)
collapsed_kl = collapsed_history["test KL"][-1]
active = count_active(nats_per_unit(collapsed))
print(f"KL ≈ {abs(collapsed_kl):.3f} nats, active units: {active} of 50")

# %% [markdown]
# No unit carries anything. This is **posterior collapse**: the cloud of every image (the *posterior*, what is believed about $\mathbf{z}$ after the image was seen) has become the prior. The decoder knows nothing about the image, and for every code that is drawn it gives the one picture with the smallest mean error.

# %%
seed_everything(SEED)
collapsed_samples = draw(collapsed, 1000)
healthy_samples = draw(wide, 1000)
mean_image = train_images[:FEW].mean(dim=0, keepdim=True)
spread_collapsed, spread_healthy, total_variance = (
    images.var(dim=0).sum().item() for images in (collapsed_samples, healthy_samples, train_images)
)
print(f"variance of the samples: collapsed ≈ {spread_collapsed:.3f}", end="")
print(f", healthy ≈ {spread_healthy:.1f}; of real images ≈ {total_variance:.0f}")

# %% [markdown]
# (Even the healthy samples vary less than real images: soft strokes, and smears between two digits.)

# %% tags=["figure"]
fig, axes = plt.subplots(1, 3, figsize=(12, 3), width_ratios=[6, 6, 1])
plotting.mosaic(healthy_samples[:18], columns=6, ax=axes[0], title="samples, error summed")
plotting.mosaic(collapsed_samples[:18], columns=6, ax=axes[1], title="error averaged")
plotting.mosaic(mean_image, columns=1, ax=axes[2], title="mean")
plotting.show(
    fig,
    alt="Left: 18 samples of a healthy VAE, different digits. Middle: 18 samples of the collapsed "
    "one, all the same grey blur. Right: the mean of the training images, the same blur.",
)

# %% tags=["claim"]
# "No unit carries anything ... it gives the one picture with the smallest mean error."
assert collapsed_kl < 0.1
assert spread_collapsed < 0.1 * spread_healthy
offset = (collapsed_samples.mean(dim=0) - mean_image[0]) ** 2
assert offset.sum() < 0.1 * total_variance
assert 1 / 1.5 < collapsed_history["train reconstruction"][-1] / total_variance < 1.5

# %% [markdown]
# ### The cure
#
# One remedy is often named: **KL warm-up**. The weight of the KL starts at 0 and grows to its full value, so that the units get a chance to become useful before they have to pay. Try it on our patient: the weight stays at 0 for half of the training and grows to 1 in the third quarter. Beside it stands the plain cure, the sum over the pixels.


# %%
def warm_up(loss_fn, start, end):
    """Let the weight of the KL grow from 0 to 1 between two steps: each call is one step."""
    counter = count()

    def loss(reconstruction, kl):
        weight = (next(counter) - start) / (end - start)
        return loss_fn(reconstruction, min(max(weight, 0), 1) * kl)

    return loss


# %%
steps = SHORT * math.ceil(FEW / 256)
seed_everything(SEED)
warmed = VAE(latent=50).to(device)
gentle = warm_up(averaged_error, steps // 2, 3 * steps // 4)
warmed_history = fit(warmed, SHORT, gentle, num_images=FEW)

# %%
runs = {
    "error averaged": collapsed_history,
    "averaged, with warm-up": warmed_history,
    "error summed": wide_history,
}
print("KL in training, epoch by epoch")
for name, outcome in runs.items():
    print(f"{name:22} " + ", ".join(f"≈ {abs(value):.2f}" for value in outcome["train KL"]))

# %% [markdown]
# Look at the middle row. While the weight is 0, nobody pays for distance, and the KL is in the hundreds, most of it distance and not information. Once it has grown, all units fall silent. The reason lies in the loss itself. What could a code save at best? Everything that a net without a code pays. Such a net draws the mean image, and its squared error is the variance of the images, added up over the pixels. This loss divides it by 784:

# %%
print(f"error averaged: a code can save at most ≈ {total_variance / 784:.2f} nats")
print(f"error summed:   a code can save at most ≈ {total_variance:.0f} nats")

# %% [markdown]
# One nat pays for itself only if it lowers the squared error by 784, and there are only about 211 to save. Even the first small fraction of a nat does not pay: lesson 5 (*Going further*) borrowed, for a straight decoder, that a unit is used only if the images vary along some direction by more than the pixel variance. There the largest such variance lay far below 392, which is what this loss believes in. The collapsed net is what this loss asks for, and no other way of getting there helps. (That is $784/2$, in the words of section 11 a Gaussian that takes the whole image for noise.) The right sum changes the loss, and with it the best net.
#
# Warm-up is for the other kind of collapse, where a good solution exists and training loses it early because useful units pay before they can earn. It happens with decoders so strong that they manage without a code for a while, above all with texts. So diagnose first: look at the scale of both terms, then at the KL per unit over time.

# %% tags=["claim"]
# "Once it has grown, all units fall silent. ... The right sum changes the loss"
assert warmed_history["train KL"][SHORT // 2 - 1] > 100
assert warmed_history["test KL"][-1] < 1
assert wide_history["test KL"][-1] > 10
assert 1.5 * wide_history["test reconstruction"][-1] < warmed_history["test reconstruction"][-1]

# %% [markdown]
# ## 13 · One handwriting, ten digits
#
# The VAE draws what it likes. A **conditional VAE** draws what we ask for (Sohn et al., 2015). Encoder and decoder both receive the label, as a one-hot vector of ten numbers behind their other input. The loop does not change, and the loss keeps its form. In the formulas, everything is simply given $y$ as well: $q(\mathbf{z}\mid\mathbf{x}, y)$ and $p(\mathbf{x}\mid\mathbf{z}, y)$, while the prior stays $\mathcal{N}(0, I)$.


# %%
def with_label(x, y):  # (batch, n), (batch,) -> (batch, n + 10)
    return torch.cat([x, nn.functional.one_hot(y, 10).to(x)], dim=1)


class ConditionalVAE(VAE):
    """A VAE whose encoder and decoder are told the digit."""

    def __init__(self, latent=20):
        super().__init__(latent)
        self.hidden[0] = nn.Linear(784 + 10, 400)
        self.decoder[0] = nn.Linear(latent + 10, 400)

    def encode(self, x, y):
        return super().encode(with_label(x, y))

    def decode(self, z, y):
        return super().decode(with_label(z, y))


# %% [markdown]
# Does it really draw what it is asked for? Order 1,000 of each digit from the prior, and let the judge read them. Try it first on two short trainings that differ in the weight of the KL, $\beta = 1$ and $\beta = 4$.


# %%
ordered = torch.arange(10).repeat_interleave(1000)


def deliver(net):
    """Draw 1,000 images of each digit; return them, and the share read as ordered, (10,)."""
    seed_everything(SEED)
    images = draw(net, 10_000, ordered.to(device))
    return images, (read(images)[1] == ordered).float().reshape(10, 1000).mean(dim=1)


# %%
obeyed = {}
for beta in (1, 4):
    seed_everything(SEED)
    trial = ConditionalVAE().to(device)
    trial_history = fit(trial, SHORT, weighted(beta), num_images=FEW)
    obeyed[beta] = deliver(trial)[1].mean().item()
    print(f"β = {beta} · KL ≈ {trial_history['test KL'][-1]:.1f}", end="")
    print(f", read as the digit ordered: ≈ {100 * obeyed[beta]:.0f} %")

# %% [markdown]
# After this short training with $\beta = 1$ the net hardly listens. Its code is rich enough to say by itself which digit it is, so the decoder has little reason to look at the label. In training the two always agree. When we draw a code and choose a label, they contradict each other, and the code often wins.
#
# The label costs nothing and the code costs nats. Make nats dearer, and the net will no longer spend them on what the label says for free. So the real training uses $\beta = 4$, which is a Gaussian of variance 2 (section 11).

# %% tags=["claim"]
# "with β = 1 the net hardly listens"
assert 1.5 * obeyed[1] < obeyed[4]

# %%
seed_everything(SEED)
cvae = ConditionalVAE().to(device)
start = time.perf_counter()
cvae_history = fit(cvae, 6, weighted(4))
cvae_seconds = time.perf_counter() - start
cvae_parameters = sum(parameter.numel() for parameter in cvae.parameters())
print(f"{cvae_parameters:,} parameters")
print(f"test: reconstruction ≈ {cvae_history['test reconstruction'][-1]:.1f}", end="")
print(f", KL ≈ {cvae_history['test KL'][-1]:.1f}")

# %% [markdown]
# The code no longer has to say which digit it is. The decoder is told. So what is left for the twenty numbers? Everything else: slant, width, pen, in short the **handwriting**. Draw six codes, and decode each with all ten labels.


# %%
@torch.inference_mode()
def ten_digits(z):
    """Decode each code (n, latent) with all ten labels; return (n, 10, 784) on the CPU."""
    labels = torch.arange(10, device=device)[:, None].expand(-1, len(z))  # (10, n)
    return torch.stack([cvae.eval().decode(z, y) for y in labels], dim=1).cpu()


seed_everything(SEED)
sheet = ten_digits(torch.randn(6, 20, device=device))

# %% tags=["figure"]
fig, ax = plt.subplots(figsize=(8, 5.2))
title = "One code in each row, one label in each column"
plotting.mosaic(sheet.flatten(0, 1), columns=10, ax=ax, title=title)
plotting.show(
    fig,
    alt="Six rows of the digits from zero to nine. Within a row all ten share slant, width and "
    "pen; from row to row the handwriting changes.",
)

# %% [markdown]
# Nearly every row is one hand, upright or leaning, thin or thick, from 0 to 9, and a few digits break. No writer of a row ever existed, and the net was never told what a handwriting is.
#
# It can also take over the hand of a real image. Encode a test image with its label, and decode its mean code with the ten labels:


# %%
@torch.inference_mode()
def copies(images, labels):
    """Write ten digits in the hand of each image; return (n, 10, 784)."""
    return ten_digits(cvae.encode(images.to(device), labels.to(device))[0])


# %% tags=["figure"]
chosen = first[[2, 4, 5, 7]]
written = copies(test_images[chosen], test_labels[chosen])
rows = torch.cat([test_images[chosen][:, None], written], dim=1)  # (4, 11, 784)
plotting.show(
    plotting.image_grid(rows.flatten(0, 1), titles=["image", *map(str, range(10))] * 4, columns=11),
    alt="Four rows. On the left a test image, then the ten digits decoded from its code. Most "
    "keep its pen, several are broken or look like another digit.",
)

# %% [markdown]
# Most copies keep the pen. Several are broken: such a code never came with that label in training. Now copy the hands of 500 images. The judge reads the copies, and the amount of ink of an image is compared with that of its ten copies. (The correlation is 1 if they go in step, and 0 if they have nothing to do with each other.)

# %%
many = copies(test_images[:500], test_labels[:500])  # (500, 10, 784)
read_digits = read(many.flatten(0, 1))[1].reshape(500, 10)
copied_right = (read_digits == torch.arange(10)).float().mean().item()
ink = torch.stack([test_images[:500].mean(dim=1), many.mean(dim=(1, 2))])
same_ink = torch.corrcoef(ink)[0, 1].item()
print(f"read as the label: ≈ {100 * copied_right:.0f} %, correlation of ink ≈ {same_ink:.2f}")

# %% [markdown]
# The judge is kinder than the eye. It must name one of ten digits and finds one in any shape (lesson 4, section 12). So read its share as "not another digit", not as "well written".
#
# And the orders? Nearly all of them are read as ordered, and no digit is left out:

# %%
cvae_samples, by_digit = deliver(cvae)
print(f"read as the digit ordered: ≈ {100 * by_digit.mean():.1f} %", end="")
print(f", of the worst digit ≈ {100 * by_digit.min():.1f} %")

# %% tags=["claim"]
# "Nearly all of them are read as ordered, and no digit is left out"
assert by_digit.mean() > 0.9
assert by_digit.min() > 2 / 3

# %% [markdown]
# And is it one handwriting? Take the amount of ink once more. If a code writes a fat 3, does it also write a fat 8? Draw 500 codes, and compute the correlation between the ink of one digit and that of another.

# %%
seed_everything(SEED)
ink = ten_digits(torch.randn(500, 20, device=device)).mean(dim=2)  # (500, 10)
off_diagonal = torch.corrcoef(ink.T)[~torch.eye(10, dtype=torch.bool)]
print(f"correlation of the ink of two digits: mean ≈ {off_diagonal.mean():.2f}")

# %% [markdown]
# It does: a code brings its pen along, whatever the label.

# %% tags=["claim"]
# "a code brings its pen along, whatever the label"
assert off_diagonal.mean() > 0.5

# %% [markdown]
# ### Exercise 6.6 · find the bug: A sheet of zeros
#
# This function should draw a sheet: one row of ten digits for each code in `z`, `(n, latent)`, all images below one another as `(10 · n, 784)`. Instead every image is a 0, and even within a row the handwriting changes.
#
# ```python
# def sheet(net, z):
#     labels = torch.arange(10).repeat(len(z))
#     codes = z.repeat(10, 1)
#     return net.decode(codes, torch.zeros_like(labels))
# ```
#
# Mend it. There are two faults, and a third where labels are made on another device than `z`.
#
# <details><summary>Hint</summary>
#
# Print `torch.tensor([1, 2]).repeat(3)` and `torch.tensor([1, 2]).repeat_interleave(3)`. Which of the two orders do the codes need, if the labels run from 0 to 9 within a row?
#
# </details>


# %%
def mended_sheet(net, z):
    """Return (10 * n, 784): for each code a row of the digits 0 to 9."""
    ...


checks.mended_sheet(mended_sheet)

# %% [markdown]
# <details><summary>Solution</summary>
#
# ```python
# def mended_sheet(net, z):
#     """Return (10 * n, 784): for each code a row of the digits 0 to 9."""
#     labels = torch.arange(10, device=z.device).repeat(len(z))
#     codes = z.repeat_interleave(10, dim=0)
#     return net.decode(codes, labels)
# ```
#
# The labels were made and then not used. They were made on the CPU, wherever the codes are. And `repeat` lays whole copies one behind the other, where each code should stand ten times in a row.
#
# </details>

# %% [markdown]
# ## 14 · Saved for the comparison
#
# Lesson 9 compares everything that this course has taught to draw. Leave it 10,000 samples of the VAE with twenty units and of the conditional VAE, with the seconds of training and the number of parameters. The net with twenty units is kept as well, for lesson 10. First compare both with the autoencoder of section 9. (Real training images came out at nearly 0 there.)

# %%
gaps["conditional VAE"] = gap(cvae_samples)
for name in ("VAE, twenty units", "conditional VAE", "autoencoder, two numbers"):
    print(f"{name:24} gap ≈ {gaps[name]:.1f}")

# %%
_ = results.save_samples("vae", results.Samples(vae_samples, vae_seconds, num_parameters))
_ = results.save_samples("cvae", results.Samples(cvae_samples, cvae_seconds, cvae_parameters))
_ = run("vae", lambda: {"net": vae.state_dict()}, load=False)  # lesson 10 goes on with it

# %% tags=["claim"]
# "Why is the conditional VAE so much nearer to real digits?"
assert 1.5 * gaps["conditional VAE"] < gaps["VAE, twenty units"] < gaps["autoencoder, two numbers"]

# %% [markdown]
# Why is the conditional VAE so much nearer to real digits? One reason is at hand: its label says for free which digit it is, all ten equally often, so hardly any drawn code falls between two digits. But $\beta$ and the number of epochs differ as well, and we did not try them apart. That would take a VAE without labels, with $\beta = 4$.
#
# Look once more at the samples of section 7. They are soft, as if seen through a fogged window. The squared error asks every pixel for its mean, and where a stroke could run here or there, the mean is grey. That is not all that is wrong with them: lesson 10 shows how much better the same decoder draws from better codes. Lesson 7 begins with another idea: a second network says what looks real, and no likelihood is needed.

# %% [markdown]
# ## Common mistakes
#
# | the bug | what you see | the fix |
# |---|---|---|
# | squared error averaged over pixels, KL summed | KL near 0, every sample the same blur (section 12) | sum both, average over images |
# | KL with the wrong sign | the loss falls without end, the KL grows | it is never negative: compare with `torch.distributions` |
# | KL averaged over the units | a KL 20 times too cheap, sharp reconstructions, broken samples | sum over `dim=1`, then the mean over the batch |
# | `logvar` taken for the variance | a negative "variance", or `nan` from its logarithm | the variance is `logvar.exp()` |
# | `exp(logvar)` as the spread | it trains, and reconstructs and samples worse | the spread is `exp(logvar / 2)`; test mean and variance of drawn codes |
# | no noise in training | sharp reconstructions, useless samples: an autoencoder | test that two passes in training mode differ |
# | noise in evaluation | the same image gives another result each time | the mean when `self.training` is false, and `eval()` before measuring |
# | noise made on the CPU | an error about devices, on a graphics card only | `torch.randn_like(mu)` |
# | Tanh forgotten | pixels beyond [-1, 1] | check the range with huge codes |
# | pixels in another scale than the loss expects | KL much larger or smaller than usual | say which variance your loss stands for |
# | the mean code reported as the ELBO | a "bound" that is several nats too good | draw the codes, add the constant |
# | label not given to the decoder | ten labels, one picture | decode one code with two labels and compare |

# %% [markdown]
# ## What you can now do
#
# - Write a VAE, with its sampling tested by mean and variance.
# - Say which likelihood stands behind a squared error, and state a held-out ELBO with its standard error.
# - Explain in what sense the codes are standard normal, and find the units that carry information.
# - Trade blur against order, recognise a collapsed posterior, and tell whether warm-up can help.
# - Build a conditional VAE, and let a judge measure whether it obeys.
#
# Lesson 7 leaves likelihood aside: two networks play against each other, in one dimension, where everything can be seen.

# %% [markdown]
# ## References
#
# - D. P. Kingma, M. Welling (2013). *Auto-Encoding Variational Bayes.* [arXiv:1312.6114](https://arxiv.org/abs/1312.6114)
# - D. J. Rezende, S. Mohamed, D. Wierstra (2014). *Stochastic Backpropagation and Approximate Inference in Deep Generative Models.* [arXiv:1401.4082](https://arxiv.org/abs/1401.4082)
# - M. D. Hoffman, M. J. Johnson (2016). *ELBO Surgery: Yet Another Way to Carve Up the Variational Evidence Lower Bound.* Workshop in Advances in Approximate Bayesian Inference, NIPS.
# - K. Sohn, H. Lee, X. Yan (2015). *Learning Structured Output Representation using Deep Conditional Generative Models.* Advances in Neural Information Processing Systems 28. The conditional VAE.
# - Y. Burda, R. Grosse, R. Salakhutdinov (2015). *Importance Weighted Autoencoders.* [arXiv:1509.00519](https://arxiv.org/abs/1509.00519). Active and inactive units.
# - S. R. Bowman, L. Vilnis, O. Vinyals, A. M. Dai, R. Jozefowicz, S. Bengio (2015). *Generating Sentences from a Continuous Space.* [arXiv:1511.06349](https://arxiv.org/abs/1511.06349). KL warm-up.
# - I. Higgins, L. Matthey, A. Pal, C. Burgess, X. Glorot, M. Botvinick, S. Mohamed, A. Lerchner (2017). *beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework.* International Conference on Learning Representations. [openreview:Sy2fzU9gl](https://openreview.net/forum?id=Sy2fzU9gl)
# - J. Lucas, G. Tucker, R. Grosse, M. Norouzi (2019). *Don't Blame the ELBO! A Linear VAE Perspective on Posterior Collapse.* [arXiv:1911.02469](https://arxiv.org/abs/1911.02469). When the loss itself wants the collapse.
