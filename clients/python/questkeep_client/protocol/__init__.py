"""The live protocol without sockets and clocks: frames in, frames out, and the rows they make."""
