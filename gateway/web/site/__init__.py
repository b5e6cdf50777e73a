"""What several pages share: their services, redirects, step-up, the layout, and the parts of a consent with the form
that narrows them."""
