"""Random kills of functions, operators' commands and the emulator while questions arrive."""
