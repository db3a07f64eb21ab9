"""What staff read of a probe: its verdict, its last results, where it stops, what it found before.

The number of queries is fixed, and every list is cut.
"""
