"""SDK workers, as a TaskManager starts them."""
