"""The pages that people see: one package each, with its handlers and routes, its views and its templates.

Pages work without JavaScript, and the names of their form fields are stable.
"""
