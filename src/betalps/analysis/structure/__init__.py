"""How atoms are arranged: radial distributions, polyanions, angles, maps, profiles, disorder."""
