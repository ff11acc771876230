"""How ions move: mean squared displacements, diffusion coefficients, conductivity, activation energy."""
