"""The pages. Each is a package with its handlers, routes, views and templates.

Pages work without JavaScript. The names of their form fields are stable.
"""
