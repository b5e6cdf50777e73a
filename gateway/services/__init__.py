"""Use cases, one class per noun. They know neither HTTP nor GraphQL; refusals are raised from the one error tree."""
