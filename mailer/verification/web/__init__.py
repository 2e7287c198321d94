"""Internal: pages for verification.

`pages` knows no framework; `routes` is for Starlette and FastAPI, `django_urls` for Django.
"""
