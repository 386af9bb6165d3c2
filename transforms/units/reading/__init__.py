"""Reading units: blocks of lines to chunks, with repaired lines in place of rejected ones."""
