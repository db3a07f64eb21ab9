"""Every setting, read from the environment once, with a default that works with nothing set.

`docs/settings.md` documents each; a test holds the two together.
"""
