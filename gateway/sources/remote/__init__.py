"""The remote score source: an HTTP provider that the operator chooses delivers the scores."""
