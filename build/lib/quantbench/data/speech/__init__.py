"""Speech Commands: recordings of single words, a folder for each word (Warden, 2018)."""
