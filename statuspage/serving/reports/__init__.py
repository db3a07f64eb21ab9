"""Takes what is reported to passive probes, with or without the database.

`front` answers, `addresses` knows which keys there are, `keeper` writes to disk and stores, `sns_desk`
verifies what Amazon sends.
"""
