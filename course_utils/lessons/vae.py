"""The VAE of lesson 6, whose codes lesson 10 learns to draw."""

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils import data
from course_utils.lessons.runs import load_into, run

NUM_EPOCHS, PEAK_LR, BETA = 8, 8e-3, 0.1
RUN = "vae_beta_0.1"
ALONE = f"{RUN}_without_lesson_6"  # the other holds a history too, and is that lesson's


class VAE(nn.Module):
    """The net of lesson 6, 784-400-20 and back (Kingma & Welling, 2013)."""

    def __init__(self, latent: int = 20) -> None:
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(784, 400), nn.ReLU())
        self.to_mu = nn.Linear(400, latent)
        self.to_logvar = nn.Linear(400, latent)
        self.decoder = nn.Sequential(
            nn.Linear(latent, 400), nn.ReLU(), nn.Linear(400, 784), nn.Tanh()
        )

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """``(batch, 784)`` in [-1, 1] -> mean and log of the variance, ``(batch, latent)`` each."""
        h = self.hidden(x)
        return self.to_mu(h), self.to_logvar(h)

    def sample(self, mu: Tensor, logvar: Tensor) -> Tensor:
        """Draw a code for each image, ``(batch, latent)``."""
        return mu + (logvar / 2).exp() * torch.randn_like(mu)

    def decode(self, z: Tensor) -> Tensor:
        """``(batch, latent)`` -> images ``(batch, 784)`` in [-1, 1]."""
        return self.decoder(z)


def load_vae(device: torch.device) -> VAE:
    """Return the VAE that lesson 6 trained with β = 0.1, in evaluation mode, and say whence it is.

    If lesson 6 has not run here yet, the same net is trained in the same way, and kept.

    Raises:
        DataError: MNIST cannot be had.
        FolderError: the folder of results cannot be written.
    """
    data.load("MNIST", train=False)  # settles whether this process works on the stand-in
    with torch.random.fork_rng():  # the caller's random numbers do not depend on what was there
        torch.manual_seed(0)
        vae = VAE()
        if load_into(vae, RUN):
            print("The VAE: your net of lesson 6 with β = 0.1")  # noqa: T201
        elif load_into(vae, ALONE):
            print("The VAE: trained here before, as lesson 6 had not run")  # noqa: T201
        else:
            print("The VAE: lesson 6 has not run here, so a net like its own is trained")  # noqa: T201
            run(ALONE, lambda: {"net": _trained(vae.to(device)).state_dict()}, load=False)
    return vae.to(device).eval()


def _trained(vae: VAE) -> VAE:
    device = next(vae.parameters()).device
    images, labels = data.tensors(data.load("MNIST", train=True))
    batches = data.batches(images[:55_000].flatten(1), labels[:55_000], 256, shuffle=True)
    optimizer = torch.optim.Adam(vae.parameters(), lr=PEAK_LR, fused=True)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, PEAK_LR, total_steps=NUM_EPOCHS * len(batches), cycle_momentum=False
    )
    for _ in (progress := tqdm(range(NUM_EPOCHS), desc="VAE")):
        for x, _ in batches:
            x = x.to(device)
            mu, logvar = vae.encode(x)
            error = (x - vae.decode(vae.sample(mu, logvar))).square().sum(dim=1)
            kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(dim=1)
            loss = (error + BETA * kl).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            scheduler.step()
        progress.set_postfix(loss=f"{loss.item():.1f}")
    return vae
