"""Run the service: uvicorn, worker processes, metrics of all of them."""
