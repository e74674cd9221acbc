"""Files, locks, the cache, the terminal and the fingerprint of our code: no room lies below."""
