"""The benchmarks of the analyses, one section after the other.

    python benchmarks/analysis.py [SECTION ...] [--list]

A section is a file ``analysis_SECTION.py`` beside this one with a function ``run(arguments)``; run it by itself for
its options.
"""

import argparse
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def sections() -> list[str]:
    return sorted(path.stem.removeprefix("analysis_") for path in HERE.glob("analysis_*.py"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("section", nargs="*", help=f"of {', '.join(sections())}; all by default")
    parser.add_argument("--list", action="store_true", help="only name the sections")
    options = parser.parse_args()
    unknown = sorted(set(options.section) - set(sections()))
    if unknown:
        parser.error(f"no section {', '.join(unknown)}: expected {', '.join(sections())}")
    if options.list:
        print(*sections(), sep="\n")
        return
    sys.path.insert(0, str(HERE))
    for name in options.section or sections():
        print(f"\n== {name}", flush=True)
        importlib.import_module(f"analysis_{name}").run([])


if __name__ == "__main__":
    main()
