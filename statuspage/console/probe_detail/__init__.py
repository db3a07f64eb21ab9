"""A probe's page in the console: verdict, recent results, where it fails, past incidents.

The number of queries is fixed, and every list is cut.
"""
