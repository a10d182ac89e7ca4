"""Kubernetes' manifests, held against Kubernetes' and KubeRay's own types."""
