"""The trajectory store and the readers: python benchmarks/trajectories.py [--help]

--formats  which container: HDF5 in one file (SWMR), HDF5 in segments, zarr with a file per chunk, zarr with shards:
           cost of writing, size, reading all atoms through time (as an MSD does), reading whole frames; and how many
           of some writers that are killed at random moments leave a file that can be read and appended to
--store    our writer against its budget of 2 % of a run, then unwrapping and MSD of 4608 Li of 12,288 atoms out of
           the store in a fresh process, with its peak memory
--text     reading and converting dumps and extended XYZ, beside ASE

Without any of them: all. 12,288 atoms of a crystal that vibrates, its Li hopping. zarr is needed for --formats only
(`pip install zarr`). Other work on the machine lengthens the times; processor time less so.
"""

import argparse
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ATOMS, LITHIUM = 12288, 4608
PER_CHUNK, WIDTH = 100, 512
GZIP = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
KERNEL = 0.6e-6  # s per atom and step
EVERY = 100  # steps between frames
ROOT = Path(__file__).resolve()


def motion(frames: int, atoms: int = ATOMS, seed: int = 0):
    """Unwrapped fractional coordinates, frame by frame."""
    rng = np.random.default_rng(seed)
    lithium = np.arange(atoms) < atoms * LITHIUM // ATOMS
    width = np.where(lithium, 0.35, 0.15)[:, None] / 60
    site, off = rng.random((atoms, 3)), rng.normal(size=(atoms, 3)) * width
    for _ in range(frames):
        off = 0.14 * off + 0.99 * width * rng.normal(size=(atoms, 3))
        hops = (rng.random((atoms, 3)) < 0.005) & lithium[:, None]
        site = site + hops * rng.choice([-0.05, 0.05], size=(atoms, 3))
        yield site + off


def clock(job: Callable[[], object]) -> tuple[float, float]:
    """Wall and processor time, s."""
    start = time.perf_counter(), time.process_time()
    job()
    return time.perf_counter() - start[0], time.process_time() - start[1]


# ---------------------------------------------------------------------------------------------------------- formats


class OneHdf5:
    """One HDF5 file, appended to in SWMR mode."""

    name = "HDF5, one file (SWMR)"

    def append(self, path: Path, values: np.ndarray, images: np.ndarray) -> None:
        import h5py

        new = not path.exists()
        with h5py.File(path, "w" if new else "r+", libver="latest") as file:
            if new:
                for name, kind in (("fractional", "f4"), ("images", "i2")):
                    shape = (0, *values.shape[1:])
                    filters = GZIP if name == "images" else {}
                    file.create_dataset(
                        name, shape, kind, maxshape=(None, *shape[1:]), chunks=(PER_CHUNK, WIDTH, 3), **filters
                    )
            file.swmr_mode = True
            for name, array in (("fractional", values), ("images", images)):
                dataset = file[name]
                dataset.resize(len(dataset) + len(array), axis=0)
                dataset[-len(array) :] = array
                dataset.flush()

    def read(self, path: Path, frames: slice, atoms: slice, name: str = "fractional") -> np.ndarray:
        import h5py

        with h5py.File(path, "r", swmr=True) as file:
            return file[name][frames, atoms]


class Segments:
    """HDF5 files that are renamed into place."""

    name = "HDF5, segments"

    def append(self, path: Path, values: np.ndarray, images: np.ndarray) -> None:
        import h5py

        path.mkdir(exist_ok=True)
        target = path / f"{len(list(path.glob('*.h5'))):06d}.h5"
        with h5py.File(path / "new", "w", libver="latest") as file:
            chunks = (PER_CHUNK, WIDTH, 3)
            file.create_dataset("fractional", data=values, chunks=chunks, fletcher32=True)
            file.create_dataset("images", data=images, chunks=chunks, fletcher32=True, **GZIP)
        (path / "new").replace(target)

    def read(self, path: Path, frames: slice, atoms: slice, name: str = "fractional") -> np.ndarray:
        import h5py

        found = []
        for number, file_path in enumerate(sorted(path.glob("*.h5"))):
            first = number * PER_CHUNK
            start, stop = max((frames.start or 0) - first, 0), (frames.stop or 10**9) - first
            if start < PER_CHUNK and stop > 0:
                with h5py.File(file_path, "r", locking=False) as file:
                    found.append(file[name][start:stop, atoms])
        return np.concatenate(found)


class Zarr:
    """zarr v3, Blosc with Zstandard; a file per chunk or per shard."""

    def __init__(self, shards: bool) -> None:
        self.name = "zarr, shards" if shards else "zarr, a file per chunk"
        self._shards = shards

    def append(self, path: Path, values: np.ndarray, images: np.ndarray) -> None:
        import zarr
        from zarr.codecs import BloscCodec

        group = zarr.open_group(path, mode="a")
        for name, array in (("fractional", values), ("images", images)):
            if name not in group:
                shape = array.shape[1:]
                group.create_array(
                    name,
                    shape=(0, *shape),
                    chunks=(PER_CHUNK, min(WIDTH, shape[0]), 3),
                    shards=(PER_CHUNK, -(-shape[0] // WIDTH) * WIDTH, 3) if self._shards else None,
                    dtype=array.dtype,
                    compressors=BloscCodec(cname="zstd", clevel=1, shuffle="shuffle", typesize=array.itemsize),
                )
            dataset = group[name]
            before = dataset.shape[0]
            dataset.resize((before + len(array), *dataset.shape[1:]))
            dataset[before:] = array

    def read(self, path: Path, frames: slice, atoms: slice, name: str = "fractional") -> np.ndarray:
        import zarr

        return zarr.open_group(path, mode="r")[name][frames, atoms]


LAYOUTS = [OneHdf5(), Segments(), Zarr(False), Zarr(True)]


def part(number: int, atoms: int) -> tuple[np.ndarray, np.ndarray]:
    """Chunk of frames that the killed writers write."""
    values = np.random.default_rng(number).random((PER_CHUNK, atoms, 3), dtype=np.float32)
    return values, np.full(values.shape, number % 100, dtype=np.int16)


def write_until_killed(layout: int, path: Path) -> None:
    number = len(LAYOUTS[layout].read(path, slice(None), slice(0, 1))) // PER_CHUNK if path.exists() else 0
    while True:
        print(number, flush=True)
        LAYOUTS[layout].append(path, *part(number, 4096))
        number += 1


def survives(layout: int, path: Path, rng: np.random.Generator) -> str:
    """What a kill leaves: readable, the same numbers, open for more."""
    command = [sys.executable, str(ROOT), "--write-until-killed", str(layout), str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.readline()  # the first chunk is there
    time.sleep(rng.uniform(0.0, 0.5))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    try:
        found = [LAYOUTS[layout].read(path, slice(None), slice(None), name) for name in ("fractional", "images")]
        for number in range(len(found[0]) // PER_CHUNK):
            rows = slice(number * PER_CHUNK, (number + 1) * PER_CHUNK)
            for array, expected in zip(found, part(number, 4096), strict=True):
                if len(array[rows]) and not np.array_equal(array[rows], expected):
                    return "shows what was not written"
        if len(found[0]) % PER_CHUNK or len(found[0]) != len(found[1]):
            return "shows what was not written"
    except (OSError, KeyError, ValueError, RuntimeError):
        return "unreadable"
    try:
        LAYOUTS[layout].append(path, *part(len(found[0]) // PER_CHUNK, 4096))
    except (OSError, ValueError, RuntimeError):
        return "closed to more"
    return "whole"


def formats(kills: int) -> None:
    frames = 6 * PER_CHUNK
    path = np.stack([frame.astype(np.float64) for frame in motion(frames)])
    images = np.floor(path).astype(np.int16)
    values = (path - images).astype(np.float32)
    del path
    size = values.nbytes / 1e6
    run = 1e3 * EVERY * ATOMS * KERNEL
    print(f"{frames} frames of {ATOMS} atoms, {size:.0f} MB of float32; a run takes {run:.0f} ms per frame")
    print("MB/s: in a second of processor time")
    print(f"{'':24s} {'write':>10s} {'CPU/frame':>10s} {'size':>5s} {'files':>6s} {'all atoms':>10s} {'frames':>10s}")
    with tempfile.TemporaryDirectory() as folder:
        for layout in LAYOUTS:
            target = Path(folder) / layout.name

            def write() -> None:
                for start in range(0, frames, PER_CHUNK):
                    rows = slice(start, start + PER_CHUNK)
                    layout.append(target, values[rows], images[rows])

            def columns() -> None:
                for start in range(0, ATOMS, WIDTH):
                    for name in ("fractional", "images"):
                        layout.read(target, slice(None), slice(start, start + WIDTH), name)

            def slabs() -> None:
                for start in range(0, frames, PER_CHUNK):
                    layout.read(target, slice(start, start + PER_CHUNK), slice(None))

            processor = clock(write)[1]
            files = [target] if target.is_file() else [file for file in target.rglob("*") if file.is_file()]
            read, whole = (min(clock(job)[1] for _ in range(3)) for job in (columns, slabs))
            total = sum(file.stat().st_size for file in files) / 1e6
            print(
                f"{layout.name:24s} {size / processor:5.0f} MB/s {1e3 * processor / frames:7.2f} ms "
                f"{total / size:5.2f} {len(files):6d} {size / read:5.0f} MB/s {size / whole:5.0f} MB/s",
                flush=True,
            )
        print(f"\nAfter {kills} kills each:")
        rng = np.random.default_rng(0)
        for number, layout in enumerate(LAYOUTS):
            outcomes = [survives(number, Path(folder) / f"kill-{number}-{kill}", rng) for kill in range(kills)]
            told = ", ".join(f"{outcomes.count(outcome)} {outcome}" for outcome in sorted(set(outcomes)))
            print(f"{layout.name:24s} {told}", flush=True)


# ------------------------------------------------------------------------------------------------------------ store


def fill(path: Path, frames: int, atoms: int) -> tuple[float, float]:
    """Wall and processor time of the writer, s per frame; flushed every tenth frame, as with a checkpoint."""
    from betalps.trajectories import TrajectoryWriter

    cell = np.diag([52.0, 65.0, 75.0])
    symbols = np.where(np.arange(atoms) < atoms * LITHIUM // ATOMS, "Li", "S")
    rng, spent = np.random.default_rng(1), np.zeros(2)
    with TrajectoryWriter(path, symbols) as writer:
        for number, frame in enumerate(motion(frames, atoms)):
            breathing = cell * (1.0 + 0.003 * rng.normal())
            positions = frame @ breathing

            def append() -> None:
                writer.append(positions, breathing, 0.2 * number)
                if number % 10 == 9:
                    writer.flush()

            spent += clock(append)
    return spent[0] / frames, spent[1] / frames


def store(frames: int) -> None:
    print(f"\n{'writer':24s} {'wall/frame':>11s} {'CPU/frame':>10s} {'run/frame':>10s} {'share':>13s}")
    with tempfile.TemporaryDirectory() as folder:
        for atoms, count in ((2000, 400), (ATOMS, frames)):
            wall, processor = fill(Path(folder) / f"{atoms}", count, atoms)
            run = EVERY * atoms * KERNEL
            print(
                f"{atoms:6d} atoms             {1e3 * wall:8.2f} ms {1e3 * processor:7.2f} ms {1e3 * run:7.0f} ms "
                f"{processor / run:5.2%} ({wall / run:.2%})"
            )
        path = Path(folder) / f"{ATOMS}"
        size = sum(file.stat().st_size for file in path.iterdir())
        print(f"{frames} frames of {ATOMS} atoms: {size / 1e6:.0f} MB on disk, {len(list(path.iterdir()))} files")
        print(f"{'in a fresh process':36s} {'CPU s':>7s} {'wall s':>7s} {'peak MB':>8s}")
        for job in ("nothing", "unwrap", "msd", "frames"):
            subprocess.run([sys.executable, str(ROOT), "--job", job, str(path)], check=True)


def job(name: str, path: Path) -> None:
    from betalps.analysis import mean_squared_displacement
    from betalps.trajectories import open_trajectory

    trajectory = open_trajectory(path)
    lithium = trajectory.indices("Li")
    jobs: dict[str, tuple[str, Callable[[], object]]] = {
        "nothing": ("imports, opening", lambda: None),
        "unwrap": (f"unwrap {len(lithium)} Li", lambda: [None for _ in trajectory.blocks(lithium)]),
        "msd": ("MSD, all lags, drift removed", lambda: mean_squared_displacement(trajectory)),
        "frames": (
            "every frame's coordinates",
            lambda: [trajectory.fractional[k].sum() for k in range(len(trajectory))],
        ),
    }
    label, work = jobs[name]
    wall, processor = clock(work)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{label:36s} {processor:7.2f} {wall:7.2f} {peak:8.0f}", flush=True)


# ------------------------------------------------------------------------------------------------------------- text


def text(frames: int) -> None:
    import ase.io

    from betalps.trajectories import Trajectory, convert, read_frames

    path = np.stack(list(motion(frames)))
    trajectory = Trajectory(
        symbols=np.where(np.arange(ATOMS) < LITHIUM, "Li", "S"),
        fractional=path,
        images=np.zeros(path.shape, dtype=np.int16),
        cells=np.diag([52.0, 65.0, 75.0]),
        times=0.2 * np.arange(frames),
        pbc=np.ones(3, dtype=bool),
    )
    xyz = frames * ATOMS * 12 / 1e6
    print(f"\n{frames} frames of {ATOMS} atoms; MB/s of the file (and of float32 coordinates), by processor time")
    print(f"{'':14s} {'MB':>5s} {'write':>14s} {'read':>14s} {'to the store':>14s} {'ASE reads':>14s}")
    with tempfile.TemporaryDirectory() as folder:
        for name, kind in (
            ("run.dump", "lammps-dump-text"),
            ("run.extxyz", "extxyz"),
            ("run.traj", "traj"),
            ("run.h5md", ""),
        ):
            file = Path(folder) / name
            jobs: list[Callable[[], object]] = [
                lambda: convert(trajectory, file, overwrite=True),
                lambda: [None for _ in read_frames(file)],
                lambda: convert(file, Path(folder) / "store", overwrite=True),
            ]
            if kind:
                jobs.append(lambda: [atoms.positions.sum() for atoms in ase.io.iread(file, index=":", format=kind)])
            spent = [clock(job)[1] for job in jobs]
            size = file.stat().st_size / 1e6
            print(f"{name:14s} {size:5.0f} " + " ".join(f"{size / s:6.0f} ({xyz / s:5.0f})" for s in spent), flush=True)
            file.unlink()
            shutil.rmtree(Path(folder) / "store")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formats", action="store_true")
    parser.add_argument("--store", action="store_true")
    parser.add_argument("--text", action="store_true")
    parser.add_argument("--frames", type=int, default=4000, help="of the store")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--write-until-killed", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--job", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write_until_killed:
        write_until_killed(int(options.write_until_killed[0]), Path(options.write_until_killed[1]))
    elif options.job:
        job(options.job[0], Path(options.job[1]))
    else:
        everything = not (options.formats or options.store or options.text)
        if options.formats or everything:
            formats(options.kills)
        if options.store or everything:
            store(options.frames)
        if options.text or everything:
            text(40)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
