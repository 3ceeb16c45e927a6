//! Files in memory: the reference for the other backends.
