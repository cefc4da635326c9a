"""What is put into each product of the lab."""
