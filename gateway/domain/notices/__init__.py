"""Notices: what a person is informed about, in the inbox of the account and by mail."""
