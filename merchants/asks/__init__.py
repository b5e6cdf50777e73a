"""Asks: the fields of an ask type, its JSON document, and the checks that adapters share."""
