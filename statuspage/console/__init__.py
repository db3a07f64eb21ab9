"""Where staff work: overview, writing, incidents, planned work, postmortems, what is watched."""
