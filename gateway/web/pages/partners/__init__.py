"""The pages for partners of a sandbox: sign-in, the first page, and the desk."""
