"""What only the system before has: a Reporter that reads the Processor's rows."""
