"""The conformance kit: a scripted server, and cases that any client of the live protocol must pass.

`questkeep conformance --client CMD` starts the client, tells it what to do, and looks at what it
sends and what it says it saw (docs/conformance.md).
"""
