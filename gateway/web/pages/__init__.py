"""The pages that people see. They work without JavaScript, and their field names are stable."""
