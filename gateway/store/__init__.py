"""One file per noun: its tables and its queries. SQL is written here and nowhere else."""
