"""What only a sandbox stores."""
