"""The mutations of a sandbox, one module per subject. For merchant tokens with the scope sandbox."""
