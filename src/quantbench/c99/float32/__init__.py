"""The same compiler for float32: it shows how much of a gain is the compiler's, not int8's."""
