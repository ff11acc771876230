"""What several verbs are tried on."""

import re

from betalps.potentials import Potential


def with_types(potential, types):
    """The same potential with other integers for its species, as MLIP-3 may have written it."""

    def pair(match):
        return b"\t\t%d-%d\n" % (types[int(match[1])], types[int(match[2])])

    return Potential.from_bytes(re.sub(rb"\t\t(\d+)-(\d+)\n", pair, potential.to_bytes()))
