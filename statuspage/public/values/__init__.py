"""What the pages show, as plain values: the contract between the read model and the templates.

`page.py` and its neighbours gather these from the database; templates print
them and compare nothing but emptiness and a status word. All times are aware
UTC datetimes. Each room is named after what it tells of.
"""
