"""Run a command; fail when it fails, takes too long, or one of its processes takes too much memory."""

import argparse
import resource
import subprocess
import sys
import time


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--megabytes", type=float, required=True, help="of the largest single process")
    parser.add_argument("command", nargs="+")
    limits = parser.parse_args()

    started = time.monotonic()
    status = subprocess.run(limits.command, check=False).returncode
    seconds = time.monotonic() - started
    kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    megabytes = kilobytes / 1024 / (1024 if sys.platform == "darwin" else 1)
    print(f"{seconds:.0f} s (limit {limits.seconds:.0f})")
    print(f"largest process: {megabytes:.0f} MB (limit {limits.megabytes:.0f})")
    return status or int(seconds > limits.seconds or megabytes > limits.megabytes)


if __name__ == "__main__":
    sys.exit(main())
