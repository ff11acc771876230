"""Draw candidate structures: ``python sample.py r1 --potential P.almtp --output r1.extxyz.xz``."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

from plan import PLANS

from betalps import MTP
from betalps.datasets import write
from dynamics import run


def main() -> None:
    """Run every trajectory of a plan."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("plan", choices=PLANS)
    parser.add_argument("--potential", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--largest-grade", type=float, help="end a trajectory where it extrapolates further")
    arguments = parser.parse_args()
    frames = []
    for trajectory in PLANS[arguments.plan]():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found, broken = run(trajectory, MTP(arguments.potential, threads=1), arguments.largest_grade)
        frames += found
        print(f"{trajectory.name}: {len(found)} frames {broken}", flush=True)
    write(frames, arguments.output)


if __name__ == "__main__":
    main()
