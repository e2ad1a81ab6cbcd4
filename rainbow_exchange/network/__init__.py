"""The way to a server, the same for both sides: whom to trust, which proxy to take, and what is wrong with either."""
