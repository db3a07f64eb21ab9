"""What staff see of subscribers, at /console/subscribers/."""
