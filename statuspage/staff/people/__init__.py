"""The console's pages for admins: who is here, who may do what, and what was done."""
