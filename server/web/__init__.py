"""HTTP: requests in, answers and streams out."""
