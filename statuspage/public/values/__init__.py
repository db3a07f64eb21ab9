"""What public pages show, as plain values: the contract between the read model and the templates.

`page_model.py` and its neighbours make these from the database's rows; templates print
them and compare nothing but emptiness and a status word. All times are aware
UTC datetimes.
"""
