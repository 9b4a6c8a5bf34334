"""What the hub decides: pure of aiohttp, SQL and Redis."""
