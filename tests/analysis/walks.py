"""Random walks of which the diffusion coefficient is known exactly."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from betalps.trajectories import Trajectory

INTERVAL = 0.05  # ps
HOP = 3.0  # Å
BOX = 30.0  # Å


def wrapped(positions: np.ndarray, interval: float = INTERVAL, symbol: str = "Li") -> Trajectory:
    """Positions (frames, atoms, 3) in Å, put into a cubic box."""
    fractional = positions / BOX
    return Trajectory(
        symbols=np.full(positions.shape[1], symbol),
        fractional=fractional - np.floor(fractional),
        cells=BOX * np.eye(3),
        times=interval * np.arange(len(positions)),
        pbc=np.ones(3, dtype=bool),
    )


def brownian(rng: np.random.Generator, frames: int, atoms: int, diffusivity: float, group: int = 1) -> np.ndarray:
    """Brownian motion; atoms of one group move together."""
    steps = rng.normal(scale=np.sqrt(2.0 * diffusivity * INTERVAL), size=(frames, atoms // group, 3))
    return np.repeat(np.cumsum(steps, axis=0), group, axis=1)


def hopping(rng: np.random.Generator, frames: int, atoms: int, diffusivity: float, group: int = 1) -> np.ndarray:
    """Jumps by one site of a simple cubic lattice, at the times of a Poisson process."""
    mean = 2.0 * diffusivity * INTERVAL / HOP**2  # along one axis, both senses together
    shape = (frames, atoms // group, 3)
    jumps = rng.poisson(0.5 * mean, size=shape) - rng.poisson(0.5 * mean, size=shape)
    return np.repeat(HOP * np.cumsum(jumps, axis=0), group, axis=1)


def rattling(
    rng: np.random.Generator, frames: int, atoms: int, amplitude: float = 0.35, memory: float = 0.1
) -> np.ndarray:
    """Overdamped vibration about a site: amplitude in Å along each axis, memory in ps."""
    keep = np.exp(-INTERVAL / memory)
    kicks = rng.normal(size=(frames, atoms, 3)) * np.sqrt(1.0 - keep**2)
    kicks[0] /= np.sqrt(1.0 - keep**2)
    return amplitude * lfilter([1.0], [1.0, -keep], kicks, axis=0)


def flipping(rng: np.random.Generator, frames: int, atoms: int, rate: float = 4.0) -> np.ndarray:
    """Back and forth between two sites 2 Å apart, which leads nowhere; rate in 1/ps."""
    flips = rng.random((frames, atoms)) < 0.5 * (1.0 - np.exp(-2.0 * rate * INTERVAL))
    positions = np.zeros((frames, atoms, 3))
    positions[:, :, 0] = 2.0 * (np.cumsum(flips, axis=0) % 2)
    return positions


@dataclass(frozen=True)
class Case:
    """A kind of motion with its true diffusion coefficient (Å²/ps)."""

    name: str
    diffusivity: float
    positions: Callable[[np.random.Generator], np.ndarray]

    def trajectory(self, replica: int) -> Trajectory:
        """Each case has numbers of its own: what is odd about one is not seen again in the next."""
        return wrapped(self.positions(np.random.default_rng([*self.name.encode(), replica])))


def cases(frames: int = 500, atoms: int = 64) -> list[Case]:
    """From free diffusion to none at all."""
    one_hop = HOP**2 / (6.0 * atoms * frames * INTERVAL)
    size = frames, atoms

    def caged(diffusivity: float, group: int = 1) -> Callable[[np.random.Generator], np.ndarray]:
        return lambda rng: hopping(rng, *size, diffusivity, group) + rattling(rng, *size)

    return [
        Case("Brownian", 0.3, lambda rng: brownian(rng, *size, 0.3)),
        Case(
            "Brownian, white noise",
            0.05,
            lambda rng: brownian(rng, *size, 0.05) + rng.normal(scale=0.4, size=(*size, 3)),
        ),
        Case("Brownian, groups of 8", 0.3, lambda rng: brownian(rng, *size, 0.3, 8)),
        Case("caged hopping", 0.1, caged(0.1)),
        Case("caged hopping, slow", 0.02, caged(0.02)),
        Case("caged hopping, groups of 8", 0.1, caged(0.1, 8)),
        Case("hopping with returns", 0.1, lambda rng: caged(0.1)(rng) + flipping(rng, *size)),
        Case("30 hops in all", 30 * one_hop, caged(30 * one_hop)),
        Case("5 hops in all", 5 * one_hop, caged(5 * one_hop)),
        Case("1 hop in all", one_hop, caged(one_hop)),
        Case("none", 0.0, lambda rng: rattling(rng, *size)),
    ]


@dataclass(frozen=True, kw_only=True)
class Slab:
    """Ions in a periodic box with a slab across z in which they move at another rate; the density is uniform.

    Diffusivities in Å²/ps, each in the plane and across it; lengths in Å, times in ps. The walk across the planes is a
    continuous-time one on a fine grid, in thin layers of which each is wholly inside or outside; where two layers meet
    their resistances add up, as they do in a continuous medium.
    """

    inside: tuple[float, float] = (0.1, 0.1)
    outside: tuple[float, float] = (0.005, 0.005)
    thickness: float = 10.0
    length: float = 40.0
    ions: int = 400
    frames: int = 1000
    interval: float = 1.0
    layers: float = 0.25
    rattle: float = 0.0

    def trajectory(self, rng: np.random.Generator) -> Trajectory:
        count = round(self.length / self.layers)
        middles = (np.arange(count) + 0.5) * self.layers
        within = np.abs(middles - 0.5 * self.length) < 0.5 * self.thickness
        lateral, across = (np.where(within, self.inside[k], self.outside[k]) for k in (0, 1))
        up = 2.0 / (1.0 / across + 1.0 / np.roll(across, -1)) / self.layers**2
        down = np.roll(up, 1)
        steps = int(np.ceil(self.interval * 2.0 * up.max() / 0.8))
        time = self.interval / steps
        layer = rng.integers(count, size=self.ions)
        crossed = np.zeros(self.ions)
        plane = rng.random((self.ions, 2)) * self.length
        positions = np.empty((self.frames, self.ions, 3))
        for frame in range(self.frames):
            positions[frame, :, :2] = plane
            positions[frame, :, 2] = (layer + 0.5) * self.layers + crossed * self.length
            variance = np.zeros(self.ions)
            for _ in range(steps):
                variance += 2.0 * lateral[layer] * time
                chance = rng.random(self.ions)
                move = (chance < up[layer] * time).astype(int) - (chance > 1.0 - down[layer] * time)
                layer += move
                crossed += layer // count
                layer %= count
            plane = plane + rng.normal(size=(self.ions, 2)) * np.sqrt(variance)[:, None]
        # Anywhere in its layer; the same place at all times, so that this is no motion.
        positions[:, :, 2] += self.layers * (rng.random(self.ions) - 0.5)
        if self.rattle:
            positions += self.rattle * rng.normal(size=positions.shape)
        fractional = positions / self.length
        return Trajectory(
            symbols=np.full(self.ions, "Li"),
            fractional=fractional - np.floor(fractional),
            cells=self.length * np.eye(3),
            times=self.interval * np.arange(self.frames),
            pbc=np.ones(3, dtype=bool),
        )
