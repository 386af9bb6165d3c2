"""Tables that say in which file and row something is: made of all units when they are published."""
