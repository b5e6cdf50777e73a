"""The scorecard source: computes scores from behaviour records in the database."""
