"""Who lives where, and one message at a time: hosts, mailboxes, user actors, and the cluster."""
