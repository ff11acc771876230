"""What a calculator says of a structure at rest: relaxation, elasticity, equation of state, boundary energy."""
