"""Notices: reminders, and the inbox."""
