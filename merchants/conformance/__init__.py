"""The requirements on every adapter, as functions that return findings. They need no test runner and work under -O."""
