"""The cost of a document: computed before it runs from the directives of the schema, and afterwards from its result."""
