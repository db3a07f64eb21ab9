#!/usr/bin/env python
"""Every command of the program: `manage.py up` runs all of it."""

from statuspage.__main__ import main

if __name__ == "__main__":
    main()
