"""Mutated potential files: a clear error or a valid potential, in bounded time and memory."""

import re
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from betalps.errors import FormatError, SpeciesError
from betalps.potentials import ActiveSet, Potential


def _with_active_set():
    potential = Potential.from_level(2, ["Li"], cutoff=5.0, min_dist=1.0, radial_size=2, rng=1)
    n = potential.coeffs_count
    return potential.replace(
        active_set=ActiveSet(
            mode="neighbourhood",
            matrix=np.eye(n),
            inverse_transpose=np.eye(n),
            configuration=np.zeros(n, dtype=np.int32),
            equation=np.zeros(n, dtype=np.int32),
            unfilled=0,
            energy_weight=0.0,
            force_weight=0.0,
            stress_weight=0.0,
            site_energy_weight=1.0,
            weight_scaling=2,
            configurations="BEGIN_CFG\nEND_CFG\n",
        )
    )


SEEDS = [
    _with_active_set().to_bytes(),
    Potential.from_level(6, ["Li", "S"], cutoff=5.0, min_dist=1.0, radial_size=2, rng=2).to_bytes(),
    Potential.from_level(8, ["Li"], cutoff=5.0, min_dist=1.0).to_bytes(),
]
NUMBERS = [
    b"0",
    b"-1",
    b"2147483648",
    b"4194304",
    b"99999999999999999999",
    b"1e999",
    b"nan",
    b"-inf",
    b"",
    b"0x1f",
]
seeds = st.sampled_from(SEEDS)


def understand(data):
    """Parse; what comes out must survive a round trip, and what is thrown must say where and why."""
    start = time.perf_counter()
    potential, message = None, ""
    try:
        potential = Potential.from_bytes(data, source="mutant")
    except FormatError as error:
        message = str(error)
        pattern = r"mutant, line \d+: found .+, expected .+"
    except SpeciesError as error:  # a species: word that does not fit
        message = str(error)
        pattern = r"mutant: potential_tag .+"
    assert time.perf_counter() - start < 1.0
    if potential is None:
        assert re.fullmatch(pattern, message, re.DOTALL)
        assert len(message) < 500
    else:
        assert Potential.from_bytes(potential.to_bytes()) == potential
    return potential


@given(seed=seeds, data=st.data())
def test_truncated(seed, data):
    understand(seed[: data.draw(st.integers(0, len(seed) - 1))])


@given(seed=seeds, data=st.data())
def test_flipped_bytes(seed, data):
    mutant = bytearray(seed)
    for position in data.draw(st.lists(st.integers(0, len(seed) - 1), min_size=1, max_size=8)):
        mutant[position] ^= data.draw(st.integers(1, 255))
    understand(bytes(mutant))


@given(seed=seeds, data=st.data())
def test_replaced_numbers(seed, data):
    numbers = list(re.finditer(rb"-?\d+(\.\d+(e[+-]\d+)?)?", seed.split(b"#MVS")[0]))
    spot = data.draw(st.sampled_from(numbers))
    understand(seed[: spot.start()] + data.draw(st.sampled_from(NUMBERS)) + seed[spot.end() :])


@given(seed=seeds, data=st.data())
def test_removed_and_repeated_lines(seed, data):
    lines = seed.split(b"\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    understand(b"\n".join(lines[:at] + lines[at + 1 :]))
    understand(b"\n".join([*lines[:at], lines[at], *lines[at:]]))


@given(st.binary(max_size=300))
def test_anything(data):
    assert understand(data) is None
    assert understand(b"MTP\nversion = 1.1.0\n" + data) is None


@pytest.mark.parametrize(
    "key",
    [
        "species_count",
        "radial_basis_size",
        "radial_funcs_count",
        "alpha_moments_count",
        "alpha_index_basic_count",
        "alpha_index_times_count",
        "alpha_scalar_moments",
    ],
)
@pytest.mark.parametrize("number", [b"64", b"118", b"1048576", b"4194304", b"2147483647", b"18446744073709551615"])
@pytest.mark.parametrize("seed", SEEDS, ids=["active set", "fitted", "untrained"])
def test_counts_allocate_nothing_by_themselves(seed, key, number):
    resource = pytest.importorskip("resource")  # POSIX
    text, changes = re.subn(key.encode() + rb" = \d+", key.encode() + b" = " + number, seed)
    assert changes == 1
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    understand(text)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before  # KiB; bytes on macOS
    assert grown < 32 << 10
