"""What every adapter must satisfy, as functions that return findings. They work without a test runner and under -O."""
