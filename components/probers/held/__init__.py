"""A WebSocket probe's connections: opened through the egress door, held, and judged together.

`target.py` says what was ordered, `upgrade.py` opens one connection, `session.py` keeps it, `hold.py` keeps
all of them, `verdict.py` says what came of it.
"""
