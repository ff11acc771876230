"""Time `import betalps` and `betalps --help` (whole processes, median of five); fail when one is too slow."""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path


def median_seconds(command: list[str], repeats: int = 5) -> float:
    seconds = []
    for _ in range(repeats):
        started = time.monotonic()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds.append(time.monotonic() - started)
    return statistics.median(seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("bin", type=Path, help="the environment's folder of programs")
    limits = parser.parse_args()

    commands = {
        "import betalps": [str(limits.bin / "python"), "-c", "import betalps"],
        "betalps --help": [str(limits.bin / "betalps"), "--help"],
    }
    medians = {name: median_seconds(command) for name, command in commands.items()}
    for name, seconds in medians.items():
        print(f"{name}: {seconds:.3f} s (limit {limits.seconds:.1f})")
    return int(max(medians.values()) > limits.seconds)


if __name__ == "__main__":
    sys.exit(main())
