"""The store on object storage."""
