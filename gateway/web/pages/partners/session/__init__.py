"""How a partner signs in and out."""
