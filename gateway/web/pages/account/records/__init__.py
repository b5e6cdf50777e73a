"""The pages of the behaviour records about a person, and the forms that contest them."""
