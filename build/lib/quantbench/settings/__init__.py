"""Settings: values from text, and the layers that they come from."""

from quantbench.settings.values import parse_settings, settings_for, split_pairs

__all__ = ["parse_settings", "settings_for", "split_pairs"]
