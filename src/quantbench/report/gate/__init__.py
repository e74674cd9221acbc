"""What the rules of `quantbench compare` found, as sentences, JUnit XML and Markdown."""
