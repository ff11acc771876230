"""Sites of a crystal and the jumps between them."""
