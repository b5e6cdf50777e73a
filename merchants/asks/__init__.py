"""What merchants ask: the fields of an ask type, its JSON form, and the checks that adapters share."""
