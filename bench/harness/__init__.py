"""Services, peers and load generators that benchmarks start."""
