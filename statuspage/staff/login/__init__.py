"""The edge to django-allauth: who somebody is. What they may do is ours (`statuspage.staff.access`)."""
