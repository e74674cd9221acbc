"""Rules that two files are judged by, such as `latency > +3%`: a check for CI."""
