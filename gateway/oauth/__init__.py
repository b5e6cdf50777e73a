"""The authorization server and the check of its tokens. Files are named after what the RFCs call things; only this
package imports Authlib, whose synchronous core runs on a worker thread (see `bridge`)."""
