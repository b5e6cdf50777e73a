"""The scope of the fields of a sandbox."""

SANDBOX = ["sandbox"]
