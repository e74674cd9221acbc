"""The findings of `quantbench compare` by its rules: sentences, JUnit XML and Markdown."""
