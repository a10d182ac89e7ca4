"""The store on object storage (S3, GCS, Azure): journals and snapshots as objects."""
