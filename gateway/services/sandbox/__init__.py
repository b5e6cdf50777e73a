"""What a partner forces in a sandbox: what people would do in their browsers."""
