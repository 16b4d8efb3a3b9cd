//! Random bodies and random callers.
