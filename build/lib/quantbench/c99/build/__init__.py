"""C compilers: finding one, building a library, loading it, and Cortex-M images."""
