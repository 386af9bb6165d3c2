"""What is checked of the input before any narrative is read."""
