"""The authorization server and the token check. Modules have the names that the RFCs use. Only this package imports
Authlib, whose synchronous core runs on a worker thread (see `authlib_adapter`)."""
