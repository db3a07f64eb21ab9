"""`manage.py doctor`: what is set, what is reachable, what is missing, each with its mend.

One file a subject. Each look is a function that returns findings, made under a deadline of its own.
"""
