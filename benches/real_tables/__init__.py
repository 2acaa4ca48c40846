"""Real tables: where they come from, the methods that are compared on them, the runs and their report."""
