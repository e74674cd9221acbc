"""What every room stands on: files, locks, the cache, and the fingerprint of our own code."""
