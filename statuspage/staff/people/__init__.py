"""The console's pages for admins: people, roles, and the audit log."""
