"""Which trajectories are drawn from, in each round of learning and for the held-out set."""

from __future__ import annotations

from dynamics import Stage, Trajectory

ORDERINGS = ("4b4", "4b3_4c1", "4b2_4c2_0145", "4b2_4c2_0147", "4b2_4c2_0246", "4b2_4c2_0345", "4c4")
STRAINS = (-0.05, -0.025, 0.025, 0.05)


def _npt(tag: str, group: str, structure: str, temperature: int, time: float = 8.0, every: float = 1.0) -> Trajectory:
    """A crystal at constant pressure, all of its cell free; a liquid keeps its shape."""
    ensemble = "cell" if temperature < 1200 else "volume"
    stages = (
        Stage(ensemble=ensemble, start=temperature, end=temperature, time=1.0),
        Stage(ensemble=ensemble, start=temperature, end=temperature, time=time, every=every),
    )
    return Trajectory(name=f"{tag}/{structure}/{temperature}K", group=group, structure=structure, stages=stages)


def _nvt(tag: str, group: str, structure: str, temperature: int, every: float = 1.0) -> Trajectory:
    stages = (
        Stage(ensemble="nvt", start=temperature, end=temperature, time=1.0),
        Stage(ensemble="nvt", start=temperature, end=temperature, time=4.0, every=every),
    )
    return Trajectory(name=f"{tag}/{structure}/nvt{temperature}K", group=group, structure=structure, stages=stages)


def _quench(tag: str, structure: str, rate: float = 40.0, every: float = 1.0) -> Trajectory:
    """Melt at 2000 K, cool to 300 K at `rate` K/ps, hold: frames of the melt, on the way, and of the glass."""
    stages = (
        Stage(ensemble="volume", start=2000, end=2000, time=6.0),
        Stage(ensemble="volume", start=2000, end=2000, time=8.0, every=every),
        Stage(ensemble="volume", start=2000, end=300, time=1700 / rate, every=3 * every),
        *(Stage(ensemble="volume", start=t, end=t, time=6.0, every=every) for t in (300, 600, 1000)),
    )
    return Trajectory(name=f"{tag}/{structure}/quench", group="melt and glass", structure=structure, stages=stages)


def _annealed(tag: str, group: str, structure: str) -> Trajectory:
    """A boundary or a surface: relaxed, heated to 800 K and to 2000 K."""
    stages = (
        Stage(ensemble="nvt", start=300, end=300, time=2.0, every=1.0),
        Stage(ensemble="nvt", start=300, end=800, time=2.0, every=1.0),
        Stage(ensemble="nvt", start=800, end=800, time=4.0, every=1.0),
        Stage(ensemble="nvt", start=800, end=2000, time=3.0, every=1.0),
        Stage(ensemble="nvt", start=2000, end=2000, time=2.0, every=1.0),
    )
    return Trajectory(name=f"{tag}/{structure}", group=group, structure=structure, stages=stages, relax=60)


def round_1() -> list[Trajectory]:
    """Crystals of 128 atoms, random lithium fillings, strains, the melt and the glass."""
    found = []
    for number, ordering in enumerate(ORDERINGS):
        for temperature in (300, 600, 1000, 1400)[number % 2 :: 2]:
            found.append(_npt("r1", "beta", f"beta:{ordering}:1x2x2", temperature))
    for temperature in (300, 600, 800, 1000, 1200, 1400, 1700):
        found.append(_npt("r1", "beta", "beta:random:1x2x2", temperature))
    for temperature in (300, 800, 1200, 1700):
        found.append(_npt("r1", "gamma", "gamma:2x2x2", temperature))
    for strain in STRAINS:
        for temperature in (300, 1000, 2000):
            found.append(_nvt("r1", "strained", f"beta:random:1x2x2@{strain:+}", temperature))
    found += [_quench("r1", f"beta:{ordering}:1x2x2") for ordering in ("4b4", "random")]
    found += [_quench("r1", "gamma:2x2x2")]
    return found


def round_1_hot() -> list[Trajectory]:
    """Short hot runs, to be ended where they extrapolate: what the first potential does not survive."""
    found = []
    for structure in (*(f"beta:{ordering}:1x2x2" for ordering in ORDERINGS), "beta:random:1x2x2", "gamma:2x2x2"):
        for temperature in (1700, 2000, 2400):
            stages = (
                Stage(ensemble="volume", start=temperature, end=temperature, time=0.6),
                Stage(ensemble="volume", start=temperature, end=temperature, time=4.2, every=0.7),
            )
            name = f"r1hot/{structure}/{temperature}K"
            found.append(Trajectory(name=name, group="melt and glass", structure=structure, stages=stages))
    for strain in (0.05, -0.05):
        for temperature in (1600, 2000):
            found.append(_nvt("r1hot", "strained", f"beta:random:1x2x2@{strain:+}", temperature))
            found.append(_nvt("r1hot", "strained", f"gamma:2x2x2@{strain:+}", temperature))
    return found


PLANES_OF_SLABS = ("100:1", "010:2", "001:2", "120:3", "130:3", "201:2", "111:2")
TILTS = ("120:2", "130:3", "2,-1,0:2", "201:2", "111:2")


def round_2() -> list[Trajectory]:
    """More of the melt and the glass, slabs and tilt boundaries, and crystals that the new potential moves."""
    found = [_annealed("r2", "surface", f"slab:{plane}") for plane in PLANES_OF_SLABS]
    found += [_annealed("r2", "boundary", f"tilt:{plane}") for plane in TILTS]
    found += [_quench("r2", structure) for structure in ("beta:random:1x2x2", "gamma:2x2x2", "beta:4c4:1x2x2")]
    for temperature in (400, 700, 900, 1100, 1300, 1600, 2000):
        found.append(_npt("r2", "beta", "beta:random:1x2x2", temperature, 12.0))
    for temperature in (600, 1000, 1500, 2000):
        found.append(_npt("r2", "gamma", "gamma:2x2x2", temperature))
    for strain in STRAINS:
        found.append(_nvt("r2", "strained", f"gamma:2x2x2@{strain:+}", 600))
        for temperature in (500, 1500):
            found.append(_nvt("r2", "strained", f"beta:4b2_4c2_0145:1x2x2@{strain:+}", temperature))
    return found


def round_2_hot() -> list[Trajectory]:
    """The melt from many starts, and cooled quickly: each ended where it extrapolates."""
    found = []
    for number in range(4):
        for structure in ("beta:random:1x2x2", "beta:4b4:1x2x2", "gamma:2x2x2"):
            stages = (
                Stage(ensemble="volume", start=2200, end=2200, time=3.0, every=1.0),
                Stage(ensemble="volume", start=2000, end=2000, time=4.0, every=1.0),
                Stage(ensemble="volume", start=2000, end=600, time=14.0, every=2.0),
                Stage(ensemble="volume", start=600, end=600, time=4.0, every=1.0),
            )
            name = f"r2hot{number}/{structure}"
            found.append(Trajectory(name=name, group="melt and glass", structure=structure, stages=stages))
    found += [_annealed("r2hot", "boundary", f"tilt:{plane}") for plane in ("201:2", "111:2")]
    return found


def round_3() -> list[Trajectory]:
    """The melt for longer, and glass from it, in cells of 64 and 128 atoms; tilt boundaries with other contacts."""
    found = []
    for number in range(3):
        for structure in ("beta:random:1x1x2", "beta:4b4:1x2x2", "gamma:1x2x2", "beta:4c4:1x1x2"):
            stages = (
                Stage(ensemble="volume", start=2300, end=2300, time=3.0, every=3.0),
                Stage(ensemble="volume", start=2000, end=2000, time=20.0, every=5.0),
                Stage(ensemble="volume", start=2000, end=300, time=25.0, every=5.0),
                Stage(ensemble="volume", start=400, end=400, time=6.0, every=3.0),
            )
            name = f"r3{number}/{structure}"
            found.append(Trajectory(name=name, group="melt and glass", structure=structure, stages=stages))
    found += [_annealed("r3", "boundary", f"tilt:{plane}") for plane in ("201:2", "111:2", "120:2")]
    return found


def round_3_hot() -> list[Trajectory]:
    """Many melts of 64 atoms, each ended where it extrapolates."""
    found = []
    for number in range(5):
        for structure in ("beta:random:1x1x2", "beta:4b4:1x1x2", "gamma:1x2x2", "beta:4b2_4c2_0345:1x2x1"):
            stages = (
                Stage(ensemble="volume", start=2300, end=2300, time=2.0),
                Stage(ensemble="volume", start=2000, end=2000, time=8.0, every=2.0),
                Stage(ensemble="volume", start=2000, end=400, time=16.0, every=4.0),
                Stage(ensemble="volume", start=400, end=400, time=2.0, every=2.0),
            )
            name = f"r3hot{number}/{structure}"
            found.append(Trajectory(name=name, group="melt and glass", structure=structure, stages=stages))
    return found


def round_4() -> list[Trajectory]:
    """Glasses of 64 atoms, quickly quenched, at 300 and 600 K."""
    found = []
    for number in range(5):
        for structure in ("beta:random:1x1x2", "beta:4b4:1x2x1", "gamma:1x2x2"):
            stages = (
                Stage(ensemble="volume", start=2200, end=2200, time=3.0),
                Stage(ensemble="volume", start=2000, end=300, time=10.0, every=4.0),
                Stage(ensemble="volume", start=300, end=300, time=3.0, every=1.5),
                Stage(ensemble="volume", start=600, end=600, time=4.0, every=2.0),
            )
            name = f"r4{number}/{structure}"
            found.append(Trajectory(name=name, group="melt and glass", structure=structure, stages=stages))
    return found


def round_5() -> list[Trajectory]:
    """Hot crystals and melts at the density that the potential itself gives them, and glass cooled from there."""
    found = []
    for temperature in (1600, 1800, 2000):
        for structure in ("beta:random:1x1x1", "beta:4b4:1x1x1", "gamma:2x1x1"):
            found.append(_npt("r5", structure.partition(":")[0], structure, temperature, 12.0, 2.0))
    for temperature in (1600, 2000):
        for structure in ("beta:random:1x2x2", "beta:4b4:1x2x2", "gamma:2x2x2"):
            found.append(_npt("r5", structure.partition(":")[0], structure, temperature, 10.0, 3.0))
    for strain in (-0.05, 0.05):
        for temperature in (1300, 1600):
            found.append(_nvt("r5", "strained", f"beta:random:1x2x2@{strain:+}", temperature, every=2.0))
    found += [
        _quench("r5", structure, rate, 2.0)
        for structure, rate in (
            ("beta:random:1x1x2", 60.0),
            ("beta:4b4:1x1x2", 60.0),
            ("gamma:1x2x2", 60.0),
            ("beta:random:1x2x2", 80.0),
        )
    ]
    return found


def held_out(tag: str = "held") -> list[Trajectory]:
    """Trajectories of their own, of 32-atom and 128-atom cells, to 1200 K; nothing of them is trained on."""
    found = []
    for size in ("1x1x1", "1x2x2"):
        for temperature in (300, 600, 900, 1200):
            for structure in ("beta:4b4", "beta:random"):
                found.append(_npt(tag, "beta", f"{structure}:{size}", temperature, 9.0, 3.0))
        for temperature in (300, 600, 1200):
            gamma = "gamma:2x1x1" if size == "1x1x1" else "gamma:2x2x2"
            found.append(_npt(tag, "gamma", gamma, temperature, 6.0, 3.0))
    for strain in (-0.05, -0.03, 0.03, 0.05):
        for temperature in (300, 600, 1000):
            found.append(_nvt(tag, "strained", f"beta:random:1x2x2@{strain:+}", temperature, every=2.0))
    return found


def held_out_hot(tag: str = "held") -> list[Trajectory]:
    """The same above 1200 K, with the melt and the glass."""
    found = []
    for size in ("1x1x1", "1x2x2"):
        for temperature in (1600, 2000):
            for structure in ("beta:4b4", "beta:random"):
                found.append(_npt(tag, "beta", f"{structure}:{size}", temperature, 9.0, 3.0))
        gamma = "gamma:2x1x1" if size == "1x1x1" else "gamma:2x2x2"
        found.append(_npt(tag, "gamma", gamma, 2000, 6.0, 3.0))
    for strain in (-0.05, 0.05):
        found.append(_nvt(tag, "strained", f"beta:random:1x2x2@{strain:+}", 1600, every=2.0))
    found += [
        _quench(tag, f"{structure}:{size}", every=3.0)
        for structure, size in (
            ("beta:random", "1x2x2"),
            ("beta:4b4", "1x2x2"),
            ("gamma", "2x2x2"),
            ("beta:random", "1x1x1"),
        )
    ]
    return found


def test() -> list[Trajectory]:
    """The held-out trajectories with random numbers of their own: looked at once, when the potential is finished."""
    return held_out("test") + held_out_hot("test")


PLANS = {
    "r1": round_1,
    "r1hot": round_1_hot,
    "r2": round_2,
    "r2hot": round_2_hot,
    "r3": round_3,
    "r3hot": round_3_hot,
    "r4": round_4,
    "r5": round_5,
    "held": held_out,
    "held-hot": held_out_hot,
    "test": test,
}
