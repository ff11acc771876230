"""The benchmarks of the analyses, one section after the other.

    python benchmarks/analysis.py [SECTION ...] [--list]

A section is a file ``analysis_SECTION.py`` beside this one with a function ``run(arguments)``; run it by itself for
its options. At the end stands what was promised beside what was measured; a peer that is not installed is said to be
absent, and what needs it is not compared. ``memory`` writes 600 MB and takes minutes: name it to run it.
"""

import argparse
import importlib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
LONG = ("memory",)


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
    measured = []
    for name in options.section or [name for name in sections() if name not in LONG]:
        print(f"\n== {name}", flush=True)
        measured += importlib.import_module(f"analysis_{name}").run([]) or []
    print(f"\n{'promise':60s} {'measured':>10s} {'at most':>10s}")
    for name, value, limit, unit in measured:
        shown = "absent" if value != value else f"{value:.3g}"
        print(f"{name:60s} {shown:>10s} {limit:>10g} {unit}{'' if not value > limit else '   MISSED'}")


if __name__ == "__main__":
    main()
